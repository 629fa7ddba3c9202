"""What is no answer of a passkey: whatever is sent is refused, raises nothing and changes nothing (S34)."""

from typing import Any

import msgspec
import orjson
import pytest
from fido2.utils import websafe_decode, websafe_encode
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.person.messages import SignedIn, SignInByPasskey
from comptoir.actors.person.passkeys import asserted, registered, user_of
from tests.actors.person.authenticator import Authenticator
from tests.actors.person.test_passkeys import DAWN, HANDLE, answered, enrolled, invited, options

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text(max_size=200))
def test_any_text_is_an_answer(text: str) -> None:
    """S34: whatever is sent is refused and raises nothing."""
    _is_refused(text)


@given(st.data(), st.booleans())
def test_any_damage_is_refused(data: st.DataObject, making: bool) -> None:
    """Web Authentication 7.1, 7.2: one byte changed anywhere in what was signed, or in the JSON around it, is
    refused or changes nothing of what was said, and raises nothing.
    """
    device = Authenticator(handle=HANDLE)
    person = invited() if making else enrolled(device)
    parsed = orjson.loads(device.create(options()) if making else device.get(options()))
    part = data.draw(st.sampled_from(sorted(parsed["response"])))
    raw = bytearray(websafe_decode(parsed["response"][part]))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    parsed["response"][part] = websafe_encode(bytes(raw))
    text = orjson.dumps(parsed).decode()
    answer = answered(text)
    if making:
        # Nothing is signed where no attestation is asked for: what is accepted is a key of whoever made it.
        registered(answer, "key", DAWN)
        return
    good = isinstance(person.ask(SignInByPasskey(answer)), SignedIn)
    assert good == (part == "userHandle"), "whose it is, is a claim by which the actor was found"


@given(JSON, st.sampled_from(["", "id", "rawId", "type", "response", "clientDataJSON", "attestationObject",
                              "authenticatorData", "signature", "userHandle"]))  # fmt: skip
def test_any_json_is_an_answer(value: Any, place: str) -> None:
    """S34: as any text is: in whichever place of an answer it stands."""
    for text in (
        Authenticator(handle=HANDLE).create(options()),
        Authenticator(handle=HANDLE).get(options()),
    ):
        parsed = orjson.loads(text)
        if place in parsed:
            parsed[place] = value
        elif place in parsed["response"]:
            parsed["response"][place] = value
        else:
            parsed = value
        claimed = place == "userHandle" and (value is None or isinstance(value, str))
        _is_refused(msgspec.json.encode(parsed).decode(), unless=claimed)


def _is_refused(text: str, *, unless: bool = False) -> None:
    """Refused; `unless` only what is a claim was changed: whose it is, is not signed."""
    answer = answered(text)
    user_of(text)
    known = enrolled(Authenticator()).state.passkeys
    assert unless or asserted(answer, known).fault in ("unknown", "invalid")
    registered(answer, "key", DAWN)


@pytest.mark.parametrize("text", ["[" * 16_000, '{"id":' * 4_000, "9" * 16_000, "\ud800", "\x00"])
def test_what_breaks_parsers(text: str) -> None:
    """S34: deep, long and broken texts are refused like any other."""
    _is_refused(text)

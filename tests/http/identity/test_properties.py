"""What holds of every token: one text for one token, no change survives, another library agrees.

Rule: tokens are drawn, not chosen; the oracle is PyJWT, which shares no code with what is tested.
Source: S34, S62; RFC 7515 section 5.2; RFC 7519 section 7.2.
"""

import json
import random
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.http.identity.base64url import decoded, encoded, unsigned
from comptoir.http.identity.claims import Claims, Expected
from comptoir.http.identity.compact import take_apart
from comptoir.http.identity.keys import public_key
from comptoir.http.identity.refused import TokenRefused
from comptoir.http.identity.tokens import verified
from tests.http.identity.attacks import ATTACKS
from tests.http.identity.forge import ISSUER, NOW, Forge, b64, having, heading, key, public_jwk

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ODD = ".=+/ \n\0%é"
KEY = public_key(public_jwk(key("ours"), kid="ours-1"))
EXPECTED = Expected(ISSUER, "comptoir", NOW)
TOKEN = Forge().token()


def _ours(token: str) -> Claims:
    """The claims that we take from a token."""
    return verified(take_apart(token), KEY, EXPECTED, "lenient")


def _theirs(token: str) -> dict[str, Any]:
    """The claims that PyJWT takes from it."""
    found: dict[str, Any] = jwt.decode(
        token,
        key("ours").public_key(),
        algorithms=["RS256"],
        issuer=ISSUER,
        audience="comptoir",
        leeway=60,
        # It reads the machine's clock, which no argument moves; times are compared elsewhere.
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    return found


def _refused(token: str) -> bool:
    try:
        _ours(token)
    except TokenRefused:
        return True
    return False


def test_every_character_matters() -> None:
    """S62: whichever character of a token is another one, the token is refused."""
    draw = random.Random(62)
    for place, char in enumerate(TOKEN):
        others = [other for other in ALPHABET if other != char]
        for other in (*draw.sample(others, 2), draw.choice(ODD)):
            assert _refused(TOKEN[:place] + other + TOKEN[place + 1 :]), (place, other)


def test_no_character_can_be_missing_or_added() -> None:
    """S62: nor can one be left out, doubled or swapped with its neighbour."""
    for place in range(len(TOKEN)):
        head, tail = TOKEN[:place], TOKEN[place:]
        assert _refused(head + tail[1:]), place
        assert _refused(head + tail[0] + tail), place
        swapped = head + tail[1:2] + tail[:1] + tail[2:]
        assert swapped == TOKEN or _refused(swapped), place


@given(st.integers(0, len(TOKEN)), st.integers(0, len(TOKEN)), st.text(max_size=20))
@settings(max_examples=200)
def test_no_cut_survives(begin: int, end: int, text: str) -> None:
    """S62: whatever stands in place of any stretch of a token, only the token itself is taken."""
    changed = TOKEN[:begin] + text + TOKEN[max(begin, end) :]
    assert changed == TOKEN or _refused(changed)


@given(
    st.text(max_size=300)
    | st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}")
)
@settings(max_examples=300)
def test_any_text_is_judged(text: str) -> None:
    """Invariant 5 (S62): any text is refused by name, and never by another exception."""
    assert _refused(text)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
_CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "sub": st.just("u2") | _VALUES, "aud": st.lists(st.sampled_from(["comptoir", "b"])) | _VALUES,
        "exp": st.integers(NOW - 100, NOW + 100) | _VALUES, "nbf": st.integers(NOW - 100, NOW + 100),
        "iat": st.integers(NOW - 100, NOW + 100) | _VALUES, "scope": st.just("a b") | _VALUES,
        "x": _VALUES, "jti": st.just("1") | _VALUES,
    },
)  # fmt: skip


@given(_CLAIMS)
@settings(max_examples=200)
def test_what_we_take_another_library_takes(members: dict[str, Any]) -> None:
    """S34: of any claims, what is taken here PyJWT takes too, and reads the same in them."""
    token = Forge(claims=having(**members)).token()
    try:
        claims = _ours(token)
    except TokenRefused:
        return
    assert claims == _theirs(token) == having(**members)
    assert claims["exp"] > NOW - 60
    assert max(claims.get("nbf", 0), claims.get("iat", 0)) <= NOW + 60


@given(st.integers(-200, 200), st.integers(-200, 200), st.integers(-200, 200))
def test_times(exp: int, nbf: int, iat: int) -> None:
    """S62: within 60 seconds of skew, and not a second more, on either side; never ending before it begins."""
    token = Forge(claims=having(exp=NOW + exp, nbf=NOW + nbf, iat=NOW + iat)).token()
    right = exp > -60 and nbf <= 60 and iat <= 60 and max(nbf, iat) <= exp
    assert _refused(token) is not right


@given(
    st.fixed_dictionaries({"sub": st.text("abc", min_size=1)}, optional={"n": st.integers(0, 9)})
)
def test_what_another_library_signs_we_take(members: dict[str, Any]) -> None:
    """S34: tokens that PyJWT writes are taken, with what it wrote."""
    claims = having(**members)
    token = jwt.encode(claims, key("ours"), algorithm="RS256", headers=heading())
    assert _ours(token) == claims


def test_the_oracle_is_no_stricter_on_form() -> None:
    """RFC 8725 (S62): there are tokens that a good library takes and we do not: what our strictness is for."""
    taken: list[str] = []
    for attack in ATTACKS:
        try:
            _theirs(attack.make())
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        taken.append(attack.name)
    assert {"header: jku, signed by us", "header: kid twice", "payload: sub twice"} <= set(taken)


@given(st.binary(max_size=64))
def test_base64url_round_trip(raw: bytes) -> None:
    """RFC 7515 2 (S62): what is written is read, and is what another writer writes."""
    assert encoded(raw) == b64(raw)
    assert decoded(encoded(raw)) == raw


@given(st.text(ALPHABET + ODD, max_size=12))
def test_base64url_has_one_text_for_one_value(text: str) -> None:
    """RFC 4648 3.5 (S62): a text that is read is the one that would be written."""
    raw = decoded(text)
    assert raw is None or encoded(raw) == text


@given(st.integers(1, 2**80))
def test_unsigned(number: int) -> None:
    """RFC 7518 2 (S62): in the fewest bytes, so a leading zero is refused."""
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    assert unsigned(b64(raw)) == number
    assert unsigned(b64(b"\0" + raw)) is None
    assert unsigned("") is None


@pytest.mark.parametrize("text", ["1.0", "1e3", "-0.5", "12345678901234567890"])
def test_numbers_are_read(text: str) -> None:
    """RFC 8259 6 (S34): numbers of claims that nobody knows come out as Python reads them."""
    payload = json.dumps(having()).encode()[:-1] + b',"n":' + text.encode() + b"}"
    assert _ours(Forge(raw_payload=payload).token())["n"] == json.loads(text)

"""What clients send to the token endpoint is read as it was meant, or refused by name.

Source: requests.py; RFC 6749 sections 2.3.1, 3.2, appendix B; RFC 7617; X7.
"""

import base64
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.http.identity.documents import ENDPOINTS
from comptoir.http.oauth.answers import ERROR_CODES, OAuthError
from comptoir.http.oauth.discovery import ENDPOINTS_SERVED
from comptoir.http.oauth.requests import (
    FORM,
    FORM_BYTES_MAX,
    PARAMETERS_MAX,
    Credentials,
    TokenRequest,
    read_request,
)
from comptoir.http.operation import Call
from comptoir.http.operations import OPERATIONS

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(
    lambda name: name not in {"client_id", "client_secret"}
)


def _call(body: bytes, *authorization: bytes, media_type: str = FORM) -> Call:
    headers = [(b"authorization", value) for value in authorization]
    return Call("abcdefgh", {}, {}, media_type, body, headers=headers)


def _read(form: dict[str, str], *authorization: bytes) -> TokenRequest:
    return read_request(_call(urlencode(form).encode(), *authorization))


def _basic(client_id: str, secret: str) -> bytes:
    both = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    return b"Basic " + base64.b64encode(both)


def _refusal(call: Call) -> OAuthError | None:
    try:
        read_request(call)
    except OAuthError as error:
        return error
    return None


@given(form=st.dictionaries(NAMES, TEXT, max_size=PARAMETERS_MAX))
def test_a_form_is_read_as_it_was_written(form: dict[str, str]) -> None:
    """RFC 6749 3.2: every parameter by its name; one without a value is not there."""
    found = _read(form).form
    assert found == {name: value for name, value in form.items() if value}


@given(client_id=TEXT.filter(bool), secret=TEXT)
def test_both_ways_to_show_a_secret(client_id: str, secret: str) -> None:
    """RFC 6749 2.3.1: any text survives the form encoding inside Basic, and the form."""
    given_by_header = _read({}, _basic(client_id, secret)).credentials
    assert given_by_header == Credentials(client_id, secret, basic=True)
    by_form = _read({"client_id": client_id, "client_secret": secret}).credentials
    assert by_form == Credentials(client_id, secret or None, basic=False)


@given(body=st.binary(max_size=200), header=st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused(body: bytes, header: bytes) -> None:
    """RFC 6749 5.2: noise is a refusal with a word of the list, never a crash."""
    for call in (_call(body), _call(body, header), _call(b"a=b", b"Basic " + header)):
        error = _refusal(call)
        if error is not None:
            assert error.code in ERROR_CODES
            assert error.status in (400, 401)
            assert error.description.isascii()
            assert not {'"', "\\"} & set(error.description)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (_call(b"a=b&a=c"), "invalid_request"),
        (_call(b"a=&a="), "invalid_request"),
        (_call(b"{}", media_type="application/json"), "invalid_request"),
        (_call(b""), None),
        (_call(b"a=%ff"), "invalid_request"),
        (_call("a=é".encode()), "invalid_request"),
        (_call(b"a=" + b"b" * FORM_BYTES_MAX), "invalid_request"),
        (_call(b"&".join(b"a%d=b" % n for n in range(PARAMETERS_MAX + 1))), "invalid_request"),
        (_call(b"client_secret=s"), "invalid_request"),
        (_call(b"client_secret=s", _basic("c", "s")), "invalid_request"),
        (_call(b"client_id=d", _basic("c", "s")), "invalid_request"),
        (_call(b"client_id=c", _basic("c", "s")), None),
        (_call(b"", _basic("c", "s"), _basic("c", "s")), "invalid_client"),
        (_call(b"", b"Basic " + base64.b64encode(b"no-colon")), "invalid_client"),
        (_call(b"", b"Basic " + base64.b64encode(b":s")), "invalid_client"),
        (_call(b"", b"Basic " + base64.b64encode(b"%ff:s")), "invalid_client"),
        (_call(b"", b"Bearer x"), "invalid_client"),
    ],
)
def test_forms_of_refusal(call: Call, code: str | None) -> None:
    """RFC 6749 3.2 and 2.3: nothing twice, one way to say who one is, nothing beyond its bound."""
    error = _refusal(call)
    assert (error and error.code) == code
    assert (error is not None and error.challenge) == (code == "invalid_client")


def test_what_is_announced_is_there() -> None:
    """RFC 8414 section 2: an endpoint is named in the document exactly where it is a row."""
    paths = {one.path for one in OPERATIONS}
    assert {name for name, path in ENDPOINTS.items() if path in paths} == set(ENDPOINTS_SERVED)

"""Bytes cut into requests: the same whatever the network does to them, and nothing unbounded."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.http.framing import HEADER_BYTES_MAX, Framing, Malformed, Request
from comptoir.http.signatures import INVALID, seed_fault
from comptoir.http.testing_wire import BODY, post
from tests.http.differences import LIMIT, Read, lane_reads
from tests.http.forms import FORMS, Form, chunked, having, right

TAKEN = [form.make() for form in FORMS if isinstance(lane_reads(form.make()), Read)]
OLD = b"POST /webhooks/banking HTTP/1.0"
KEPT = [data for data in TAKEN if not data.startswith(OLD)]
KEPT.append(having(right(), b"Connection: keep-alive", line=OLD).sent())


def read_all(framing: Framing, data: bytes) -> list[Request]:
    """Every request in these bytes, up to one after which the connection is closed."""
    framing.feed(data)
    found: list[Request] = []
    while (request := framing.next()) is not None:
        found.append(request)
        if not request.keeps:
            break
    return found


def test_forms_are_taken_by_name() -> None:
    """RFC 9112: those that are right are among those that are cut below."""
    assert len(TAKEN) >= 8


@given(st.lists(st.sampled_from(KEPT), min_size=1, max_size=4), st.data())
def test_cuts_of_the_network_change_nothing(requests: list[bytes], data: st.DataObject) -> None:
    """RFC 9112 2.2, 9.3.2: however the bytes arrive, the same requests come out, in order."""
    stream = b"".join(requests)
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    framing, whole = Framing(LIMIT), read_all(Framing(LIMIT), stream)
    found: list[Request] = []
    for start, end in zip([0, *places], [*places, len(stream)], strict=True):
        found += read_all(framing, stream[start:end])
    assert found == whole
    assert len(found) == len(requests)
    assert framing.is_idle


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_byte_by_byte(form: Form) -> None:
    """RFC 9112 11.2: what is refused at once is refused in trickles, too, and never taken."""
    data = form.make()
    framing, whole = Framing(LIMIT), lane_reads(data)
    found: list[Request] = []
    try:
        for at in range(len(data)):
            found += read_all(framing, data[at : at + 1])
    except Malformed:
        assert isinstance(whole, str)
    assert len(found) == (0 if isinstance(whole, str) else 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"x" * HEADER_BYTES_MAX, "HEADERS_TOO_LARGE"),
        (b"GET / HTTP/1.1\nHost: x\n\n", "REQUEST_MALFORMED"),
        (b"\n", "REQUEST_MALFORMED"),
        (b"GET / HTTP/1.1\r\nX: a\0", "REQUEST_MALFORMED"),
        (b"GET / HTTP/1.1\r\nX: a\rb", "REQUEST_MALFORMED"),
        (having(chunked(), wire=b"1" * 300).sent(), "REQUEST_MALFORMED"),
        (having(chunked(), wire=b"5\n").sent(), "REQUEST_MALFORMED"),
        (having(chunked(), wire=b"1;" + b"x" * 200 + b"\r\na\r\n").sent() +
         (b"1;" + b"x" * 200 + b"\r\na\r\n") * 20, "REQUEST_MALFORMED"),
        (having(chunked(), wire=b"0\r\n" + b"X: y\r\n" * 2000).sent(), "REQUEST_MALFORMED"),
    ],
)  # fmt: skip
def test_it_is_not_waited_for(data: bytes, code: str) -> None:
    """design.md 5: what can no longer become a request is refused before its end, in bounded bytes."""
    with pytest.raises(Malformed) as caught:
        read_all(Framing(LIMIT), data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "data",
    [
        having(right(), b"Content-Length: 65537", without=b"Content-Length").sent(),
        having(right(), b"Content-Length: 999999999999999999", without=b"Content-Length").sent(),
        having(chunked(), wire=b"10001\r\n").sent(),
        having(chunked(), wire=(b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 3).sent(),
    ],
    ids=["declared", "enormous", "one chunk", "counted"],
)
def test_too_large(data: bytes) -> None:
    """interface.md 6, row 2: told as soon as it is known, with nothing of the body, and closing."""
    (request,) = read_all(Framing(LIMIT), data)[:1]
    assert (request.too_large, request.body, request.keeps) == (True, b"", False)


def test_repr_shows_where_it_is() -> None:
    """Habit 14: the stage and the bytes that wait, never their content."""
    framing = Framing(LIMIT)
    framing.feed(post()[:-5])
    assert framing.next() is None
    assert repr(framing) == "Framing(stage 1, 0 bytes unread)"
    assert (framing.in_body, framing.is_idle, framing.body_bytes) == (True, False, len(BODY) - 5)


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=300), st.integers(0, 10**15))
def test_signatures_are_those_of_the_library(secret: bytes, body: bytes, at: int) -> None:
    """S54, RFC 2104: hashes that have read the key already verify what `hmac` makes, and only that."""
    text = str(at).encode()
    made = hmac.new(secret, text + b"." + body, hashlib.sha256).hexdigest()
    window, other = (at, 0), ("0" if made[0] != "0" else "1") + made[1:]
    assert seed_fault((made.encode(), text), body, [b"another", secret], window) is None
    assert seed_fault((other.encode(), text), body, [secret], window) == INVALID

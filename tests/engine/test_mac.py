"""HMAC-SHA256 with a key set up once."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from comptoir.engine.mac import Mac


@given(st.binary(max_size=200), st.lists(st.binary(max_size=300), max_size=4))
def test_it_is_the_standard_librarys(key: bytes, parts: list[bytes]) -> None:
    """S54: for every key and message, in however many parts, the code is the one of `hmac`."""
    assert Mac(key).digest(*parts) == hmac.digest(key, b"".join(parts), "sha256")


def test_a_published_vector() -> None:
    """RFC 4231, test case 2."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert Mac(b"Jefe").digest(b"what do ya want for nothing?").hex() == expected


def test_it_shows_no_key() -> None:
    """Invariant 8: a key is not in what is logged of it."""
    assert repr(Mac(b"Jefe")) == "<Mac>"

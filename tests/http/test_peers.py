"""Who is at the other end."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.http.peers import client, forwarded_for, is_loopback, within

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", b"127.0.0.1", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", b"198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", b"127.0.0.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", b"198.51.100.7, 10.0.0.2 ,\t10.0.0.3", "198.51.100.7"),
        ("10.0.0.1", b"10.0.0.9,10.0.0.2", "10.0.0.9"),
        ("fd00::1", b"2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", b"::ffff:198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", b"", None),
        ("10.0.0.1", b"198.51.100.7,", None),
        ("10.0.0.1", b"unknown", None),
        ("10.0.0.1", b"198.51.100.7:4711", None),
        ("10.0.0.1", b"[2001:db8::7]", None),
        ("10.0.0.1", b"fe80::1%eth0", None),
        ("10.0.0.1", b"\xff", None),
        ("10.0.0.1", b"010.0.0.1", None),
        ("10.0.0.1", b",".join([b"10.0.0.2"] * 40), None),
        (None, b"198.51.100.7", None),
        ("not an address", None, None),
    ],
)
def test_client(peer: str | None, forwarded: bytes | None, expected: str | None) -> None:
    """X28, S53: the claim is read from a configured proxy only, from the right, and must be sound."""
    found = client(peer, forwarded, PROXIES)
    assert found == (ip_address(expected) if expected else None)


@given(st.binary(max_size=60), st.sampled_from(["10.0.0.1", "203.0.113.9"]))
def test_no_claim_names_its_own_proxy(forwarded: bytes, peer: str) -> None:
    """X28: whatever is claimed, a peer that is no proxy is itself."""
    found = client(peer, forwarded, PROXIES)
    assert found is None or peer == "10.0.0.1" or str(found) == peer


def test_what_a_caller_writes_on_the_left_counts_nothing() -> None:
    """X28: the caller's own header stands left of what the proxy added."""
    honest = client("10.0.0.1", b"203.0.113.9", PROXIES)
    forged = client("10.0.0.1", b"127.0.0.1, 10.0.0.7, 203.0.113.9", PROXIES)
    assert honest == forged == ip_address("203.0.113.9")


def test_repeated_headers_are_one_list() -> None:
    """RFC 9110 5.3: values of a repeated list header are joined in order."""
    headers = [(b"x-forwarded-for", b"a"), (b"host", b"h"), (b"x-forwarded-for", b"b")]
    assert forwarded_for(headers) == b"a,b"
    assert forwarded_for([]) is None


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("127.0.0.1", [], True),
        ("127.9.9.9", [], True),
        ("::1", [], True),
        ("::ffff:127.0.0.1", [], True),
        ("10.0.0.1", [], False),
        (None, [], False),
        ("127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], False),
        ("127.0.0.1", [(b"forwarded", b"for=127.0.0.1")], False),
        ("127.0.0.1", [(b"via", b"1.1 proxy")], False),
    ],
)
def test_loopback(peer: str | None, headers: list[tuple[bytes, bytes]], expected: bool) -> None:
    """interface.md 10: a proxy on this machine does not make its callers local."""
    assert is_loopback(peer, headers) is expected


def test_versions_do_not_mix() -> None:
    """S53: an IPv6 address is in no IPv4 network, and nothing is in no network."""
    assert not within(ip_address("::1"), PROXIES)
    assert not within(ip_address("10.0.0.1"), ())

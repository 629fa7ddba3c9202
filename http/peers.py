"""Who is at the other end: the peer, or what a trusted proxy says of it.

The rule: X-Forwarded-For is a claim. It is read only when the peer itself is a configured proxy,
from the right, and the first hop that is not such a proxy is the client; what stands further left
was written by that client. A hop that is no plain IP address makes the whole claim worthless, and
the request is refused, because guessing would let a caller choose its own address.
Source: spec.md S53, X28; RFC 7239 section 8 (trust); interface.md 3.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

__all__ = [
    "Address",
    "client",
    "forwarded_for",
    "is_loopback",
    "is_secure",
    "name_of",
    "parse",
    "within",
]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NETWORK_BITS_IPV6 = 64
"""One customer's line has a whole /64 (RFC 6177): its addresses are one caller."""
HOPS_MAX = 32
"""No real chain of proxies is longer; a longer one is refused rather than walked."""


def parse(text: str) -> Address | None:
    """Read one IP address: no port, no brackets, no zone; IPv4 inside IPv6 becomes IPv4."""
    if "%" in text:  # a zone is of this host, never of another
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def within(address: Address, networks: Sequence[Network]) -> bool:
    """Say whether the address is in one of the networks; other versions never match."""
    return any(address in network for network in networks)


def name_of(address: Address | None) -> str:
    """One caller: the address, of IPv6 its line; all whose address cannot be known are one."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, NETWORK_BITS_IPV6), strict=False))
    return str(address)


def client(peer: str | None, forwarded: bytes | None, trusted: Sequence[Network]) -> Address | None:
    """The address that the request comes from, or None when that cannot be known.

    Args:
        peer: the socket's other end as text; None where it has no IP address.
        forwarded: every X-Forwarded-For header in order, joined by commas; None without any.
        trusted: the proxies that may speak it.
    """
    address = parse(peer) if peer is not None else None
    if address is None or forwarded is None or not within(address, trusted):
        return address
    hops = forwarded.split(b",", HOPS_MAX)
    if len(hops) > HOPS_MAX:
        return None
    for hop in reversed(hops):
        address = parse(hop.strip(b" \t").decode("latin-1"))
        if address is None or not within(address, trusted):
            return address
    return address  # every hop is a proxy of ours: the farthest one spoke


def forwarded_for(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Every X-Forwarded-For header in order, as one list; None if there is none."""
    values = [value for name, value in headers if name == b"x-forwarded-for"]
    return b",".join(values) if values else None


def is_loopback(peer: str | None, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether a request comes from this very machine.

    A proxy on this machine makes everybody look local, so a request that admits to having been
    forwarded is not.
    """
    address = parse(peer) if peer is not None else None
    if address is None or not address.is_loopback:
        return False
    return not any(name in (b"x-forwarded-for", b"forwarded", b"via") for name, _ in headers)


def is_secure(
    scheme: str,
    peer: str | None,
    headers: Iterable[tuple[bytes, bytes]],
    trusted: Sequence[Network],
) -> bool:
    """Say whether the caller speaks TLS: with us, or with a trusted proxy that says so.

    Args:
        scheme: of this connection.
        peer: the socket's other end.
        headers: of the request, names in lower case.
        trusted: the proxies that may speak X-Forwarded-Proto.
    """
    if scheme == "https":
        return True
    address = parse(peer) if peer is not None else None
    if address is None or not within(address, trusted):
        return False
    return [value for name, value in headers if name == b"x-forwarded-proto"] == [b"https"]

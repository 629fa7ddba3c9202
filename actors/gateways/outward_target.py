"""Where a webhook may go: an address of the world's, resolved once, and called at what it was resolved to.

Rules (server-side request forgery):
- https, to a name or address of the public internet; where the configuration allows it for development, also http and
  https to this machine, and to nothing between the two;
- a name is resolved once for a call, every address that it has must be allowed, and the connection goes to one of those:
  a name that is resolved again to another address between check and call has no second chance;
- look-ups have threads of their own: a name server that is dead holds up webhooks, and nobody else's files;
- what looks like one of those and leads elsewhere is judged by where it leads: IPv4 inside IPv6 (mapped, 6to4, NAT64,
  Teredo), a zone, an address without dots.

Source: the Standard Webhooks specification 1.0.0, "Server side request forgery"; OWASP SSRF Prevention Cheat Sheet; RFC
6890 (special-purpose addresses), RFC 4291, RFC 6052, RFC 3056, RFC 4380.
"""

import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

import httpx
import trio

from comptoir.engine.gateway_spec import CallFault

__all__ = [
    "LOOKUPS",
    "URL_CHARACTERS_MAX",
    "Resolve",
    "Target",
    "address_fault",
    "aim",
    "allowed",
    "look_up",
]

URL_CHARACTERS_MAX: Final = 2048
RESOLVE_S: Final = 5.0
LOOKUPS: Final = trio.CapacityLimiter(16)
"""One that nobody waits for any more keeps its thread until the resolver gives up (with glibc 30 s and more), so they are
not of trio's own threads, which files and databases want as well."""
NAT64: Final = IPv6Network("64:ff9b::/96")
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""`await resolve(host, port)`: every address that a name has."""


class Target(NamedTuple):
    """Whom to call, and as whom."""

    url: httpx.URL
    """With an address in the place of the name."""
    host: str
    """For the header `Host`: the name, with its port where it is not the scheme's own."""
    name: str
    """Whose certificate is to be shown."""


def allowed(address: str, *, this_machine: bool) -> bool:
    """Say whether a webhook may be sent to an address.

    Args:
        address: numeric, without brackets.
        this_machine: whether loopback is allowed as well.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return _allowed(found, this_machine)


def _allowed(found: IPv4Address | IPv6Address, this_machine: bool) -> bool:
    if isinstance(found, IPv6Address):
        if found.scope_id is not None:
            return False
        inside = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inside is None and found in NAT64:
            inside = IPv4Address(int(found) & 0xFFFF_FFFF)
        if inside is not None:
            return _allowed(inside, this_machine)
        # Deprecated (RFC 3879), and routed inside some houses still: to Python it is global.
        if found.is_site_local:
            return False
    if found.is_loopback:
        return this_machine
    return found.is_global and not found.is_multicast and not found.is_reserved


def address_fault(url: str, *, this_machine: bool) -> str | None:
    """What is wrong with an address that somebody wants to register, as far as it can be seen without asking anybody.

    Args:
        url: as given.
        this_machine: whether loopback and http to it are allowed.

    Returns: what a right one is; None: nothing is wrong.
    """
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        return f"at most {URL_CHARACTERS_MAX} visible characters of ASCII"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "an absolute address"
    host = parsed.host
    if not host or parsed.userinfo or parsed.fragment:
        return "an absolute address without user and fragment"
    numeric = _numeric(host)
    here = host == "localhost" or (numeric is not None and numeric.is_loopback)
    if parsed.scheme != "https" and not (parsed.scheme == "http" and this_machine and here):
        return "an https address"
    if numeric is not None and not _allowed(numeric, this_machine):
        return "an address of the public internet"
    if host == "localhost" and not this_machine:
        return "an address of the public internet"
    # What a resolver would read as a number (0x7f.1, 2130706433, 127.1) is no name.
    if numeric is None and (host.split(".")[-1][:1].isdigit() or not host.strip(".")):
        return "a name, or an address in its usual form"
    return None


def _numeric(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


async def look_up(host: str, port: int) -> Sequence[str]:
    """Every address that a name has (as it goes over the wire, IDNA), as this machine resolves it."""
    ask = partial(socket.getaddrinfo, host.encode("ascii"), port, type=socket.SOCK_STREAM)
    found = await trio.to_thread.run_sync(ask, limiter=LOOKUPS, abandon_on_cancel=True)
    return [str(one[4][0]) for one in found]


async def aim(url: str, resolve: Resolve, *, this_machine: bool) -> Target:
    """Resolve an address once.

    Raises:
        CallFault: TARGET_FORBIDDEN, TARGET_UNKNOWN (its name has no address).
    """
    if address_fault(url, this_machine=this_machine) is not None:
        raise CallFault("TARGET_FORBIDDEN", retryable=False, sick=False)
    parsed = httpx.URL(url)
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    numeric = _numeric(parsed.host)
    if numeric is not None:
        addresses: Sequence[str] = [str(numeric)]
    else:
        addresses = await _resolved(parsed.raw_host.decode("ascii"), port, resolve)
    if not all(allowed(one, this_machine=this_machine) for one in addresses):
        raise CallFault("TARGET_FORBIDDEN", retryable=False, sick=False)
    if parsed.scheme == "http" and not all(ip_address(one).is_loopback for one in addresses):
        raise CallFault("TARGET_FORBIDDEN", retryable=False, sick=False)
    host = parsed.netloc.decode("ascii")
    return Target(parsed.copy_with(host=addresses[0]), host, parsed.host)


async def _resolved(host: str, port: int, resolve: Resolve) -> Sequence[str]:
    found: Sequence[str] = ()
    with trio.move_on_after(RESOLVE_S):
        try:
            found = await resolve(host, port)
        except OSError:
            found = ()
    if not found:
        raise CallFault("TARGET_UNKNOWN", retryable=True, sick=False)
    return found

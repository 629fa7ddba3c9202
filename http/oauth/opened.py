"""Where a person is signed in, as the API and our pages show it, and the end of it.

The rule: what is shown names no cookie and no token, and is no secret: an id here is a digest of a digest.
What was ended is answered when it is refused: a browser's session has ended in its actor, and every request
is held to the end of a family. Said again after an answer that was lost, it is answered as before.
Source: spec.md S34, S60; OWASP ASVS 5, 7.4.5 and 7.5.2; actors/sessions.
"""

from hashlib import sha256
from typing import Final, NamedTuple

from comptoir.actors.browser_session.messages import KIND as SESSION
from comptoir.actors.browser_session.messages import (
    DescribeSession,
    EndSession,
    SessionDescribed,
)
from comptoir.actors.refresh_family.messages import DescribeFamily, EndFamily, FamilyDescribed
from comptoir.actors.revocation.messages import Ground
from comptoir.actors.sessions.messages import (
    KIND,
    EndOpened,
    ListOpened,
    Opened,
    OpenedEnded,
    OpenedListed,
)
from comptoir.engine import Address, Erased
from comptoir.http.oauth.ending import end_access
from comptoir.http.port import Port

__all__ = ["OpenSession", "end", "end_all", "id_of", "opened_by", "sessions_address"]

ID_CHARACTERS: Final = 32


class OpenSession(NamedTuple):
    """One of them."""

    id: str
    client_id: str
    """Empty: a browser on our pages."""
    device: str
    methods: tuple[str, ...]
    begun_at: int
    """Business time, ms since 1970."""
    used_at: int
    """Likewise."""
    expires_at: int
    """Likewise."""
    current: bool


def sessions_address(port: Port, subject: str) -> Address:
    """The actor of a person's list."""
    return Address(KIND, port.person_key(subject))


async def opened_by(port: Port, subject: str, current: str) -> list[OpenSession]:
    """What a person has open, the newest first.

    Args:
        port: the daemon.
        subject: whose.
        current: key of the actor of what the request came by; empty: it came by none of ours.
    """
    live = [one for one in await _listed(port, subject) if not one.ended]
    found = [await _described(port, one, current) for one in live]
    return sorted((one for one in found if one), key=lambda one: (-one.begun_at, one.id))


async def end(port: Port, subject: str, session_id: str) -> bool:
    """End one of a person's; False where they have none of this id.

    Raises:
        EngineError: it may not be in force yet; asked again, it will be.
    """
    keys = [one.key for one in await _listed(port, subject) if id_of(one) == session_id]
    if not keys:
        return False
    await _end(port, subject, EndOpened(keys[0]))
    return True


async def end_all(port: Port, subject: str, *, keep: str = "", by: str = "") -> None:
    """End all that a person has open.

    Args:
        port: the daemon.
        subject: whose.
        keep: key of the actor of what stays; empty: nothing does.
        by: `sub` of who asks for it, where it is somebody else.

    Raises:
        EngineError: as `end`.
    """
    await _end(port, subject, EndOpened(keep=keep, by=by))


async def _end(port: Port, subject: str, message: EndOpened) -> None:
    try:
        reply = (await port.ask(sessions_address(port, subject), message)).reply
    except Erased:  # whoever was erased has nothing open
        return
    assert isinstance(reply, OpenedEnded)
    for one in reply.opened:  # told already by the same decision; here it is waited for
        address = Address(one.kind, one.key)
        if one.kind == SESSION:
            await port.ask(address, EndSession(message.why))
        else:
            await port.ask(address, EndFamily(message.why))
            await end_access(port, Ground.FAMILY, one.key)


async def _listed(port: Port, subject: str) -> tuple[Opened, ...]:
    try:
        reply = (await port.ask(sessions_address(port, subject), ListOpened())).reply
    except Erased:
        return ()
    assert isinstance(reply, OpenedListed)
    return reply.opened


async def _described(port: Port, one: Opened, current: str) -> OpenSession | None:
    """How it stands; None where it has ended."""
    address = Address(one.kind, one.key)
    asked = DescribeSession() if one.kind == SESSION else DescribeFamily()
    try:
        found = (await port.ask(address, asked)).reply
    except Erased:  # it ended long ago, and its keys are gone
        return None
    if isinstance(found, SessionDescribed):
        client_id, device, methods = "", found.person.device, found.person.methods
    elif isinstance(found, FamilyDescribed):
        allowed = found.authorization
        client_id, device, methods = allowed.client_id, allowed.device, allowed.methods
    else:
        return None
    return OpenSession(
        id_of(one), client_id, device, methods, found.opened_at, found.used_at, found.expires_at,
        one.key == current,
    )  # fmt: skip


def id_of(one: Opened) -> str:
    """What it is called outside: says nothing of its actor's key, which a cookie's digest is."""
    digest = sha256(f"{one.kind}:{one.key}".encode()).hexdigest()
    return f"ses_{digest[:ID_CHARACTERS]}"

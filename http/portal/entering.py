"""The steps by which a client gets in, as they are asked of the actors.

The rule: what is secret is drawn here and nowhere else, by the operating system's generator; actors get
digests, and the code itself for the one message that it goes out with. Whatever is wrong with a link (a
file that never was, a token that is no token, another browser) is `LinkOver`, and asks one actor alike.
Source: spec.md S34, X8; OWASP ASVS 5, V6.5.2 to V6.6.3; docs/adr/0026.
"""

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from comptoir.actors.browser_session.messages import KIND as SESSION
from comptoir.actors.browser_session.messages import DescribeSession, EndSession, SessionDescribed
from comptoir.actors.invitation.messages import (
    KIND,
    Channel,
    CodeAccepted,
    CodeSent,
    CodesUsedUp,
    CodeWrong,
    EnterCode,
    Language,
    LinkHeard,
    LinkOver,
    RenewCode,
    UseLink,
    WantLink,
)
from comptoir.engine import Address, Erased, Message, Reply
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.devices import device_of
from comptoir.http.oauth.sessions import (
    draw_session,
    session_address,
    session_of,
    session_value,
    set_cookie,
)
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.portal.shapes import ONBOARDING_ID

__all__ = [
    "Entered", "Waiting", "enter_code", "invitation_address", "renew_code", "sign_out", "token_digest",
    "use_link", "want_link",
]  # fmt: skip

CODES: Final = 10**6
"""Six digits."""
WAITING_SECONDS: Final = 2 * 3600
"""Of the cookie before the code was typed; the wait itself ends earlier, in the actor."""
_FILE: Final = re.compile(ONBOARDING_ID).match
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
"""256 random bits (X8)."""
_CODE: Final = re.compile(r"[0-9]{6}").fullmatch

Cookie = tuple[bytes, bytes]
"""A header field that sets it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A code is on its way to the client, and is taken from this browser."""

    channel: Channel
    cookie: Cookie | None
    """None: the browser has it already."""


@dataclass(frozen=True, slots=True)
class Entered:
    """The client is in."""

    cookie: Cookie


def invitation_address(onboarding_id: str) -> Address | None:
    """The actor of a file's invitation; None if no file has such a number."""
    return Address(KIND, onboarding_id) if _FILE(onboarding_id) else None


def token_digest(token: str) -> str:
    """What an invitation knows a link by."""
    return sha256(token.encode("ascii")).hexdigest()


async def use_link(
    port: Port, identity: Identity, call: Call, onboarding_id: str, token: str
) -> Waiting | LinkOver:
    """Use a link: from now on its code is taken from this browser, and nobody uses it again."""
    if not _TOKEN(token):
        return LinkOver()
    cookie, code = draw_session(), _draw_code()
    message = UseLink(token_digest(token), _key(cookie), _proof(cookie, code), code)
    reply = await _ask(port, onboarding_id, message)
    if not isinstance(reply, CodeSent):
        return LinkOver()
    await sign_out(port, identity, call)  # whoever was signed in with this browser loses the cookie
    return Waiting(reply.channel, set_cookie(identity, cookie, WAITING_SECONDS))


async def want_link(
    port: Port, call: Call, onboarding_id: str, token: str, language: Language
) -> None:
    """Have another link sent to a file's address of record, by one that is over; nobody learns whether one was."""
    if not _TOKEN(token) or not _FILE(onboarding_id):
        return
    secret = call.draw_secret("portal link")
    message = WantLink(
        token_digest(token), f"{port.public_url}/portal/{onboarding_id}?token={secret}",
        token_digest(secret), call.draw("portal link wanted").hex(), language,
    )  # fmt: skip
    with suppress(Erased):
        heard = await _ask(port, onboarding_id, message)
        if isinstance(heard, LinkHeard) and heard.session and await _is_over(port, heard.session):
            await _ask(port, onboarding_id, msgspec.structs.replace(message, over=heard.session))


async def _is_over(port: Port, session: str) -> bool:
    """Whether a session has ended: signed out of, not used for too long, or erased."""
    try:
        found = (await port.ask(Address(SESSION, session), DescribeSession())).reply
    except Erased:
        return True
    return not isinstance(found, SessionDescribed)


async def renew_code(
    port: Port, identity: Identity, call: Call, onboarding_id: str
) -> Waiting | CodesUsedUp | LinkOver:
    """Send another code to whoever has used the link with this browser, or is in with it by the last one."""
    cookie = session_value(identity, call)
    if cookie is None:
        return LinkOver()
    code = _draw_code()
    alive = await session_of(port, identity, call) is not None
    message = RenewCode(_key(cookie), _proof(cookie, code), code, alive)
    reply = await _ask(port, onboarding_id, message)
    if isinstance(reply, CodeSent):
        return Waiting(reply.channel, None)
    return reply if isinstance(reply, CodesUsedUp) else LinkOver()


async def enter_code(
    port: Port, identity: Identity, call: Call, onboarding_id: str, code: str
) -> Entered | CodeWrong | LinkOver:
    """Take a code; the session that begins has a cookie of its own (no fixation)."""
    cookie = session_value(identity, call)
    if cookie is None:
        return LinkOver()
    typed = "".join(code.split())
    proof = _proof(cookie, typed) if _CODE(typed) else ""
    opened = draw_session()
    alive = await session_of(port, identity, call) is not None
    message = EnterCode(_key(cookie), proof, _key(opened), wall_seconds(), device_of(call), alive)
    reply = await _ask(port, onboarding_id, message)
    if isinstance(reply, CodeAccepted):
        return Entered(set_cookie(identity, opened, reply.lifetime_ms // 1000))
    return reply if isinstance(reply, CodeWrong) else LinkOver()


async def sign_out(port: Port, identity: Identity, call: Call) -> None:
    """End the session of this browser, if it has one."""
    value = session_value(identity, call)
    if value is not None:
        await port.ask(session_address(value), EndSession())


async def _ask(port: Port, onboarding_id: str, message: Message) -> Reply | None:
    address = invitation_address(onboarding_id)
    return LinkOver() if address is None else (await port.ask(address, message)).reply


def _draw_code() -> str:
    return f"{secrets.randbelow(CODES):06d}"


def _key(cookie: str) -> str:
    """What actors know a cookie by."""
    return session_address(cookie).key


def _proof(cookie: str, code: str) -> str:
    """A digest that cannot be reversed by trying all codes: 256 bits of it are in the browser alone."""
    return sha256(f"{cookie}.{code}".encode("ascii")).hexdigest()

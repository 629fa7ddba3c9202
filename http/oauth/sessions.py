"""The cookies that name a browser: the session's, in which a person has signed in, and a ceremony's.

The rule: it is random and says nothing, scripts cannot read it, and a page elsewhere cannot send it along
but by a link that is followed. Over TLS its name has the prefix `__Host-`, so that neither another host
nor plain HTTP can set it; on plain loopback, where that prefix cannot be, it has none. At the API it
stands for a CLIENT and for nothing more, and what changes anything is taken with it from our own pages only.
Source: interface.md 8; RFC 6265bis sections 4.1.2 and 4.1.3.2; RFC 6454 section 7.3 (`Origin`); W3C Fetch
Metadata; OWASP Session Management; spec.md S34, X8.
"""

import re
import secrets
from hashlib import sha256
from typing import Final, Protocol
from urllib.parse import urlsplit

from comptoir.actors.browser_session.messages import KIND, FindSession, Person, SessionFound
from comptoir.actors.revocation.views import Given
from comptoir.engine import Address
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.port import Port
from comptoir.http.principal import Principal, Role

__all__ = [
    "COOKIE_NAMES",
    "FRESH_SECONDS",
    "Asking",
    "client_of",
    "cookie_name",
    "cookie_value",
    "digest_of",
    "draw_session",
    "is_fresh",
    "is_from_elsewhere",
    "origin_of",
    "session_address",
    "session_of",
    "session_value",
    "set_cookie",
    "who_is_signed_in",
]

SECRET_BYTES: Final = 32
SESSION: Final = "session"
_HOST: Final = "__Host-"
COOKIE_NAMES: Final = (_HOST + SESSION, SESSION)
"""Of the session's cookie: under TLS, and on plain loopback."""
_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
FRESH_SECONDS: Final = 900
"""An access token's life (S34): so old may the sign-in be behind a change of what lets people in."""
_OWN_FETCHES: Final = ("same-origin", "none")
"""Of `Sec-Fetch-Site`: a page of ours, or the person's own hand."""


class Asking(Protocol):
    """A request, as far as its header fields go."""

    def values(self, name: bytes) -> list[str]:
        """Every value of a field, in order."""
        ...


def cookie_name(identity: Identity, name: str = SESSION) -> str:
    """Of a cookie of ours: by whether our own address is https."""
    return f"{_HOST}{name}" if (identity.issuer or "").startswith("https:") else name


def draw_session() -> str:
    """A new cookie's value."""
    return secrets.token_urlsafe(SECRET_BYTES)


def session_address(value: str) -> Address:
    """The actor of a cookie's value: what the database holds opens no session."""
    return Address(KIND, digest_of(value))


def digest_of(value: str) -> str:
    """What is kept of a cookie's value: SHA-256, in hexadecimal."""
    return sha256(value.encode("ascii")).hexdigest()


def set_cookie(
    identity: Identity, value: str, seconds: int, name: str = SESSION
) -> tuple[bytes, bytes]:
    """The header field that sets it; with 0 seconds, that takes it away.

    Lax and not Strict: a person comes to us from their client's page by a link, and is to be known.
    """
    full = cookie_name(identity, name)
    secure = "; Secure" if full.startswith(_HOST) else ""
    text = f"{full}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    return (b"set-cookie", text.encode("ascii"))


async def session_of(port: Port, identity: Identity, asking: Asking) -> SessionFound | None:
    """The session of a browser; None where there is no cookie, or none that holds."""
    value = session_value(identity, asking)
    if value is None:
        return None
    reply = (await port.ask(session_address(value), FindSession())).reply
    if not isinstance(reply, SessionFound):
        return None
    who = reply.person
    given = Given(wall_seconds() * 1000, person=who.person, generation=who.generation)
    return None if identity.is_over(given) else reply


async def who_is_signed_in(port: Port, identity: Identity, asking: Asking) -> Person | None:
    """Whose browser it is; None where there is no cookie, or none that holds."""
    found = await session_of(port, identity, asking)
    return None if found is None else found.person


async def client_of(port: Port, identity: Identity, asking: Asking) -> Principal | None:
    """The CLIENT whose browser it is; None where it is nobody's, or somebody's who is none.

    Whatever else a person is, a cookie gives them the one role: staff calls with tokens.
    """
    person = await who_is_signed_in(port, identity, asking)
    if person is None or Role.CLIENT not in person.roles:
        return None
    roles, methods = frozenset({Role.CLIENT}), frozenset(person.methods)
    value = session_value(identity, asking)
    return Principal(
        person.subject, identity.issuer or "", roles, methods=methods,
        signed_in_at=person.signed_in_at, session=digest_of(value) if value else "",
    )  # fmt: skip


def is_fresh(person: Person) -> bool:
    """Whether they signed in a short while ago, and may change what lets them in (OWASP ASVS 5, 7.5)."""
    return wall_seconds() - person.signed_in_at <= FRESH_SECONDS


def origin_of(identity: Identity) -> str:
    """The origin of our own pages (RFC 6454 section 6.2)."""
    ours = urlsplit(identity.issuer or "")
    return f"{ours.scheme}://{ours.netloc}"


def is_from_elsewhere(identity: Identity, asking: Asking) -> bool:
    """Whether a page of another origin makes this request. Every browser says where an unsafe one comes
    from, by one field or the other; what says neither is no browser, and carries nobody's cookie unasked.
    """
    origins, sites = asking.values(b"origin"), asking.values(b"sec-fetch-site")
    if origins:
        return origins != [origin_of(identity)]
    return any(site not in _OWN_FETCHES for site in sites)


def session_value(identity: Identity, asking: Asking) -> str | None:
    """The session that a browser shows."""
    return cookie_value(identity, asking, SESSION)


def cookie_value(identity: Identity, asking: Asking, name: str) -> str | None:
    """The value of the one cookie of that name, if it can be one of ours."""
    fields = [pair for header in asking.values(b"cookie") for pair in header.split(";")]
    pairs = [field.strip().partition("=") for field in fields]
    found = [value for given, _, value in pairs if given == cookie_name(identity, name)]
    return found[0] if len(found) == 1 and _VALUE(found[0]) else None

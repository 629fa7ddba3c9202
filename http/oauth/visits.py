"""A browser that somebody signs in with: where it is, and whether it says that it is known.

The rule: a cookie of its own, random and good for nothing but this, tells the person's actor that they have
signed in with this browser before, so that nobody's failures elsewhere keep them out (actors/person/throttle.py).
It stays when the session ends, and is given again at each sign-in. Addresses are told as digests.
Source: OWASP Authentication cheat sheet, "device cookies"; OWASP ASVS 5, 6.1.1; RFC 6265bis; spec.md S34.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from comptoir.actors.person.messages import SignedIn, Whence
from comptoir.http.identity.opening import Identity
from comptoir.http.oauth.sessions import cookie_value, digest_of, draw_session, set_cookie
from comptoir.http.operation import Call

__all__ = ["BROWSER", "Visit", "visit_of"]

BROWSER: Final = "browser"
"""The cookie's name."""
BROWSER_SECONDS: Final = 180 * 86_400
"""As the person's actor remembers it."""
SOURCE_CHARACTERS: Final = 32


@dataclass(frozen=True, slots=True)
class Visit:
    """One attempt."""

    identity: Identity
    call: Call
    shown: str | None
    """The value that the browser shows."""
    drawn: str
    """That it is given where it is not known."""

    @property
    def whence(self) -> Whence:
        """As the person's actor is told."""
        source = sha256(self.call.source.encode()).hexdigest()[:SOURCE_CHARACTERS]
        shown = digest_of(self.shown) if self.shown else ""
        return Whence(source, shown, digest_of(self.drawn))

    def cookie(self, known: SignedIn) -> tuple[bytes, bytes]:
        """The header field by which the browser is known from now on."""
        kept = self.shown if known.browser_known else None
        return set_cookie(self.identity, kept or self.drawn, BROWSER_SECONDS, BROWSER)


def visit_of(identity: Identity, call: Call) -> Visit:
    """The attempt of this request."""
    return Visit(identity, call, cookie_value(identity, call, BROWSER), draw_session())

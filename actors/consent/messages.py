"""What may be said to a person's consents, and what they answer (RFC 6749 section 10.2; OpenID Connect).

Another machine may import this module and nothing else of this package (design.md 1).
"""

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "ConsentFound",
    "ConsentMissing",
    "ConsentShown",
    "ConsentWithdrawn",
    "ConsentsListed",
    "FindConsent",
    "GiveConsent",
    "ListConsents",
    "NoteFamily",
    "WithdrawConsent",
]

KIND = "consent"


class FindConsent(Message, frozen=True):
    """A client wants a code: was it let, for all that it asks for?"""

    client_id: str
    scopes: tuple[str, ...]
    generation: int
    """Of what the person has now: who was invited anew has let nobody do anything (adr/0027)."""
    within_ms: int = 0
    """How long ago it may have been given, in business time; 0: at any time."""


class GiveConsent(Message, frozen=True):
    """The person lets a client act for them."""

    client_id: str
    scopes: tuple[str, ...]
    generation: int
    """As in `FindConsent`."""


class WithdrawConsent(Message, frozen=True):
    """The person lets it no more: all that it has ends."""

    client_id: str


class ListConsents(Message, frozen=True):
    """The person wants to see whom they let."""


class NoteFamily(Message, frozen=True):
    """A family of tokens was opened by what was let; if that was withdrawn meanwhile, it ends."""

    client_id: str
    number: int
    """Of the consent."""
    family: str
    expires_at: int
    """Business time, ms since 1970."""


class ConsentFound(Reply, frozen=True):
    """It was."""

    number: int
    """Of the consent, 1 at least: what comes of it says it, and ends with it."""


class ConsentMissing(Reply, frozen=True):
    """It was not, or not for all of it, or not by who the person is now."""


class ConsentShown(msgspec.Struct, frozen=True):
    """One, as the person sees it."""

    client_id: str
    scopes: tuple[str, ...]
    since: int
    """Business time, ms since 1970."""


class ConsentsListed(Reply, frozen=True):
    """All of them, the oldest first."""

    consents: tuple[ConsentShown, ...]


class ConsentWithdrawn(Reply, frozen=True):
    """The client is let no more; also if it never was."""

    families: tuple[str, ...] = ()
    """Keys of those that ended by it."""

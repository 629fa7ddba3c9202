"""What may be said to a family of refresh tokens, and what it answers (S34, RFC 6749, RFC 9700).

Another machine may import this module and nothing else of this package (design.md 1). No message has
a token in it: whoever has tokens sends their digests.
"""

from typing import Final

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "PERSON_OVER",
    "Authorization",
    "DescribeFamily",
    "EndFamily",
    "FamilyDescribed",
    "FamilyExpired",
    "FamilyMissing",
    "FamilyOpened",
    "OpenFamily",
    "RevokeFamily",
    "Revoked",
    "RotateToken",
    "TokenRefused",
    "TokenRotated",
]

KIND = "refresh_family"
PERSON_OVER: Final = "person_over"
"""Why a family ends whose person has lost what it came of: their access tokens are refused already."""


class Authorization(msgspec.Struct, frozen=True):
    """What a person let a client do, and how we know that it was this person."""

    subject: str
    """`sub`: of a CLIENT the `userId`."""
    client_id: str
    """The registered client; tokens are its and nobody else's (RFC 6749 section 10.4)."""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """`amr`, as RFC 8176 names how the person signed in."""
    signed_in_at: int = 0
    """`auth_time`: seconds since 1970."""
    person: str = ""
    """Key of the person's actor, which hears of what they were given; empty where there is none."""
    generation: int = 0
    """Of what the person had when they signed in (actors/person)."""
    consents: str = ""
    """Key of the actor of the person's consents, which hears of it; empty where none is asked."""
    consent: int = 0
    """Number of the consent that it came of (actors/consent)."""
    listing: str = ""
    """Key of the actor that lists what the person has open (actors/sessions); empty: none does."""
    origin: str = ""
    """Key of the browser's session that it came of."""
    device: str = ""
    """Browser and system of that sign-in."""


class OpenFamily(Message, frozen=True):
    """Somebody has signed in: the first token of a new family."""

    authorization: Authorization
    digest: str
    """SHA-256 of the token's secret, in hexadecimal."""
    lifetime_ms: int
    """Of the whole family, in business time; rotating makes it no longer."""


class RotateToken(Message, frozen=True):
    """Use a token: it ends, and the next one takes its place (RFC 6749 section 6)."""

    client_id: str
    """Who presents it."""
    digest: str
    """Of the secret that is presented."""
    next_digest: str
    """Of the one that is to take its place."""
    scopes: tuple[str, ...] = ()
    """What the access token is to be good for, of what was allowed; empty: all of it."""


class RevokeFamily(Message, frozen=True):
    """The client has no more use for its token, whichever of the family it holds (RFC 7009)."""

    client_id: str


class DescribeFamily(Message, frozen=True):
    """Its person wants to see it."""


class EndFamily(Message, frozen=True):
    """Another machine found out that these tokens must not be used any more."""

    why: str
    """A stable word, such as `code_reused`."""


class FamilyExpired(Message, frozen=True):
    """One's own later self: the family's life is over."""


class FamilyOpened(Reply, frozen=True):
    """The first token may be handed out."""

    expires_at: int
    """Business time, ms since 1970."""


class FamilyDescribed(Reply, frozen=True):
    """A token of it may be used."""

    authorization: Authorization
    opened_at: int
    """Business time, ms since 1970."""
    used_at: int
    """Likewise: when the last token was taken."""
    expires_at: int


class FamilyMissing(Reply, frozen=True):
    """No token of it is good for anything, if any ever was."""


class TokenRotated(Reply, frozen=True):
    """The next token may be handed out, and an access token that says this."""

    authorization: Authorization
    expires_at: int
    """As it was when the family was opened: business time, ms since 1970."""


class TokenRefused(Reply, frozen=True):
    """Nothing is handed out. To the outside all reasons are one: `invalid_grant`."""

    reason: str
    """`unknown`, `reused`, `client_mismatch`, `expired`, `revoked`, or why another machine ended it;
    `scope_exceeded`, after which the token is as good as before."""


class Revoked(Reply, frozen=True):
    """No token of the family is good for anything, if any ever was (RFC 7009 section 2.2)."""

    ended: bool = False
    """Whether there was a family that has ended by it."""

"""What may be said to a browser's session, and what it answers (S34, X8).

Another machine may import this module and nothing else of this package (design.md 1).
"""

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "DescribeSession",
    "EndSession",
    "FindSession",
    "OpenSession",
    "Person",
    "SessionDescribed",
    "SessionEnded",
    "SessionExpired",
    "SessionFound",
    "SessionMissing",
    "SessionOpened",
]

KIND = "browser_session"


class Person(msgspec.Struct, frozen=True):
    """Who signed in, and how."""

    subject: str
    roles: tuple[str, ...]
    methods: tuple[str, ...]
    """`amr`, as RFC 8176 names them."""
    signed_in_at: int
    """Seconds since 1970, wall time: tokens say it to other programs."""
    person: str = ""
    """Key of the person's actor, which hears of what they were given; empty where there is none."""
    generation: int = 0
    """Of what the person had when they signed in (actors/person)."""
    listing: str = ""
    """Key of the actor that lists what they have open (actors/sessions)."""
    device: str = ""
    """Browser and system of the sign-in, as coarse as `Firefox, Linux`; empty: it did not say."""
    file: str = ""
    """Number of the file whose invitation they came by, a client; empty: they came by none."""


class OpenSession(Message, frozen=True):
    """Somebody has shown who they are."""

    person: Person
    lifetime_ms: int
    """In business time; using it makes it no longer."""
    idle_ms: int = 0
    """Likewise: not used for so long, it ends; 0: that is no matter."""


class FindSession(Message, frozen=True):
    """A browser shows its cookie."""


class DescribeSession(Message, frozen=True):
    """Its person wants to see it; that is no use of it."""


class EndSession(Message, frozen=True):
    """The person signs out, or has no right to be signed in any more."""

    why: str = "signed_out"


class SessionExpired(Message, frozen=True):
    """One's own later self."""


class SessionOpened(Reply, frozen=True):
    """The cookie may be set."""

    expires_at: int
    """Business time, ms since 1970."""


class SessionFound(Reply, frozen=True):
    """The browser is this person's."""

    person: Person
    expires_at: int
    """Business time, ms since 1970: at the latest."""


class SessionMissing(Reply, frozen=True):
    """The browser is nobody's, or not any more."""


class SessionDescribed(Reply, frozen=True):
    """It is open."""

    person: Person
    opened_at: int
    """Business time, ms since 1970."""
    used_at: int
    """Likewise, as far as it was written down."""
    expires_at: int
    """Likewise: if it is not used until then."""


class SessionEnded(Reply, frozen=True):
    """It is nobody's from now on."""

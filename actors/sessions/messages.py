"""What may be said to the list of a person's sessions, and what it answers (S34; OWASP ASVS 5, 7.5.2).

Another machine may import this module and nothing else of this package (design.md 1). Nobody's name is in
it: the person is the actor's key, a session and a family are what random bits name.
"""

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "BY_PERSON",
    "BY_STAFF",
    "KIND",
    "EndOpened",
    "ListOpened",
    "NoteOpened",
    "Opened",
    "OpenedEnded",
    "OpenedListed",
]

KIND = "sessions"


class Opened(msgspec.Struct, frozen=True):
    """A browser's session, or a family of refresh tokens."""

    kind: str
    key: str
    """Of its actor."""
    ended: bool = False
    """By a message to the list; it is remembered as long as it could have lived."""


class NoteOpened(Message, frozen=True):
    """Something was opened for the person; where that which it came of was ended here, it ends."""

    kind: str
    key: str
    """Of its actor."""
    expires_at: int
    """Business time, ms since 1970: by then it has ended by itself."""
    origin: str = ""
    """Key of the browser's session that it came of; empty: of none."""


class ListOpened(Message, frozen=True):
    """Say what may be open."""


BY_PERSON = "ended_by_person"
BY_STAFF = "ended_by_staff"
"""Why one ends."""


class EndOpened(Message, frozen=True):
    """End one of them, with what came of it, or all but one. Said again, it is answered as before."""

    key: str = ""
    """Of its actor; empty: all of them."""
    keep: str = ""
    """Key of the one that stays, where all others end; empty: none does."""
    by: str = ""
    """`sub` of who asks for it, where it is not the person."""

    @property
    def why(self) -> str:
        """What its actor is told."""
        return BY_STAFF if self.by else BY_PERSON


class OpenedListed(Reply, frozen=True):
    """What was opened and could still be open, the oldest first."""

    opened: tuple[Opened, ...]


class OpenedEnded(Reply, frozen=True):
    """These end, or had ended by such a message before; none where nothing is called so."""

    opened: tuple[Opened, ...]

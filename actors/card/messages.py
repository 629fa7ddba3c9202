"""What may be said to a card, and nothing that it answers: its answers are messages to a session (S66).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from comptoir.engine.values import Message

__all__ = ["KIND", "ClaimCard", "ReleaseCard"]

KIND = "card"


class ClaimCard(Message, frozen=True):
    """A session wants to link it."""

    session: str
    """The session's id: it is told."""
    connection: str
    """Key of the connection that is to have it."""


class ReleaseCard(Message, frozen=True):
    """Its connection was revoked, or never came to be: it may be linked again."""

    connection: str

"""What may be said to the record of tokens made by hand, and what it answers (S36; interface.md 9)."""

from comptoir.engine.values import Address, Message, Reply

__all__ = ["BY_HAND", "KIND", "RecordToken", "TokenRecorded"]

KIND = "issuance"
BY_HAND = Address(KIND, "by_hand")
"""One actor for all, so that they are recorded in the order in which they were made."""


class RecordToken(Message, frozen=True):
    """A command has signed an access token; the token itself is nowhere in here."""

    token_id: str
    """Its `jti`."""
    issued_at: int
    """Wall time, seconds since 1970."""
    subject: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    client_id: str
    """Which command."""
    life_s: int
    account: int
    """The operating system's number of who ran the command."""


class TokenRecorded(Reply, frozen=True):
    """It is in the audit log."""

    tokens: int
    """Recorded so far."""

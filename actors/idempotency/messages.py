"""What may be said to the memory of one caller's requests, and what it answers (interface.md 1).

Another machine may import this module and nothing else of this package (design.md 1). No message has
the caller's own key in it: whoever has that sends its keyed digest.
"""

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "REUSED",
    "BeginRequest",
    "EndRequest",
    "ForgetRequest",
    "RequestBegun",
    "RequestEnded",
    "RequestForgotten",
]

KIND = "idempotency"
REUSED = "IDEMPOTENCY_KEY_REUSED"


class BeginRequest(Message, frozen=True):
    """A request is about to be worked on."""

    key: str
    """Keyed digest over method, path and the caller's Idempotency-Key."""
    digest: str
    """SHA-256 of the body, hexadecimal: what makes two requests the same."""
    seed: str
    """Chance for it, hexadecimal; counts only if the request is a new one."""
    ttl_ms: int
    """How long a key is remembered."""


class EndRequest(Message, frozen=True):
    """It was answered, and repeats are to hear the same."""

    key: str
    digest: str
    status: int
    media_type: str
    body: str
    ttl_ms: int


class ForgetRequest(Message, frozen=True):
    """It was refused in a way that leaves its key free."""

    key: str


class RequestBegun(Reply, frozen=True):
    """Work on it, with this chance: the same as the last time, if it was begun before."""

    seed: str


class RequestEnded(Reply, frozen=True):
    """What it was answered, the first time."""

    digest: str
    status: int
    media_type: str
    body: str


class RequestForgotten(Reply, frozen=True):
    """The key is free."""

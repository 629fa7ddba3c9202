"""The queues of the mainframe, whichever way they are reached: what a way must do, and what can go wrong with it.

Rules:
- a message that was sent has been taken by the queue, durably, or we do not know (`QueueUnsure`), or it certainly was not
  (`QueueAway`, `QueueRefused`): the difference is what makes a second account possible, so it is never blurred;
- what is received is handed over first, and only when that has returned is the queue told that we have it; so it comes
  again where we died in between, and whoever takes it must bear that;
- only what is answered to us is received: by its correlation, never by whoever comes first (X10).
Source: spec.md S31, S32, X9, X10; protocols.md 5.7; docs/core-banking.md.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

import msgspec

__all__ = [
    "BODY_BYTES_MAX", "Names", "QueueAway", "QueueRefused", "QueueUnsure", "Received", "Sent", "Take", "Way",
]  # fmt: skip

BODY_BYTES_MAX = 64 * 1024
"""Of one message: a record has 165 bytes; what is longer is refused, and is a dead letter by its beginning."""


class QueueAway(Exception):
    """The queue cannot be reached: nothing has left."""


class QueueUnsure(Exception):
    """It may have left, and it may have been taken."""


class QueueRefused(Exception):
    """The queue has said no: it was not taken."""


class Names(msgspec.Struct, frozen=True):
    """Of the queues (S31, S33)."""

    requests: str = "ACCT.CREATE.QUEUE"
    replies: str = "ACCT.RESPONSE.QUEUE"
    changes: str = "ACCT.EVENTS.QUEUE"
    """What the mainframe changes by itself; empty: nobody listens."""
    correlation: str = "ONB-"
    """How all our correlations begin: what others are answered stays in the queue for them."""


class Sent(NamedTuple):
    """A message that is to leave."""

    correlation: str
    """Its own name, and what its reply is known by."""
    body: bytes


class Received(NamedTuple):
    """A message that came."""

    queue: str
    correlation: str
    body: bytes


Take = Callable[[Received], Awaitable[None]]
"""Returns when it is durable."""


class Way(Protocol):
    """How the queues are reached."""

    async def send(self, message: Sent) -> None:
        """Put a message into the queue of requests; returns when the queue has it.

        Raises:
            QueueAway, QueueUnsure, QueueRefused.
        """
        ...

    async def check(self) -> None:
        """Whether the queues are there.

        Raises:
            QueueAway: they are not.
        """
        ...

    async def run(self, take: Take) -> None:
        """Be connected, and hand over what comes, until cancelled."""
        ...

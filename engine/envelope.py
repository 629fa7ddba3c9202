"""A message on its way through a mailbox, and what its asker gets.

Rule: the answer is planned when the decision is taken and given when it is durable (invariant 1).
Source: design.md 2.
"""

import msgspec

from comptoir.engine.errors import EngineError
from comptoir.engine.journal import Pending
from comptoir.engine.values import Message, Reply
from comptoir.engine.waiter import Waiter

__all__ = ["Answer", "Envelope"]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What an asker gets: the reply, and whether it is the first answer of an earlier ask."""

    reply: Reply | None
    replayed: bool = False


class Envelope:
    """A message in a mailbox: with somebody waiting for the answer, or with its durable row."""

    __slots__ = ("crashed", "message", "planned", "row", "waiter")

    def __init__(
        self, message: Message | None, waiter: Waiter[Answer] | None, row: Pending | None
    ) -> None:
        self.message = message
        """None: a stored message that this version of the program cannot read."""
        self.waiter = waiter
        self.row = row
        self.planned: Answer | EngineError | None = None
        self.crashed = message is None

    def finish(self) -> None:
        """Give the planned answer; called when the decision is durable."""
        if self.waiter is not None:
            if isinstance(self.planned, EngineError):
                self.waiter.fail(self.planned)
            else:
                self.waiter.give(self.planned or Answer(None))

    def fail(self, error: EngineError) -> None:
        """Give an error instead: nothing was decided."""
        if self.waiter is not None:
            self.waiter.fail(error)

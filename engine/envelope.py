"""A message on its way through a mailbox, and what its asker gets.

Rule: the answer is planned when the decision is taken and given when it is durable (invariant 1).
Source: design.md 2.
"""

import msgspec
import structlog

from comptoir.engine.errors import EngineError, log_crash
from comptoir.engine.journal import Pending
from comptoir.engine.values import Message, Reply
from comptoir.engine.waiter import Asker

__all__ = ["Answer", "Envelope"]

log = structlog.get_logger("comptoir.envelope")


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What an asker gets: the reply, and whether it is the first answer of an earlier ask."""

    reply: Reply | None
    replayed: bool = False


class Envelope:
    """A message in a mailbox: with somebody waiting for the answer, or with its durable row."""

    __slots__ = ("crashed", "message", "planned", "row", "waiter")

    def __init__(
        self, message: Message | None, waiter: Asker[Answer] | None, row: Pending | None
    ) -> None:
        self.message = message
        """None: a stored message that this version of the program cannot read."""
        self.waiter = waiter
        self.row = row
        self.planned: Answer | EngineError | None = None
        self.crashed = message is None

    def finish(self) -> None:
        """Give the planned answer; called when the decision is durable."""
        self._tell(self.planned or Answer(None))

    def fail(self, error: EngineError) -> None:
        """Give an error instead: nothing was decided."""
        self._tell(error)

    def _tell(self, outcome: Answer | EngineError) -> None:
        """Tell whoever asked; this runs between decisions that are durable, which all must be told."""
        if self.waiter is None:
            return
        try:
            if isinstance(outcome, EngineError):
                self.waiter.fail(outcome)
            else:
                self.waiter.give(outcome)
        except Exception as crash:  # noqa: BLE001  # a bulkhead: it is the asker's bug
            log_crash(log, "asker crashed", crash)

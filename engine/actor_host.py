"""What an actor leans on: its host, and the words for what can go wrong with it.

Rule: an actor knows of its surroundings what is stated here, and nothing else. Source: design.md 5.
"""

from collections.abc import Callable
from typing import Any, Protocol

from comptoir.engine.decision import Decision
from comptoir.engine.errors import EngineError, Failed, Superseded, Unavailable
from comptoir.engine.journal import Fate, Journal, Pending, Run
from comptoir.engine.values import Address

__all__ = ["ActorHost", "MessageUnreadable", "NotAvailable", "reason_of", "writes_of"]


class ActorHost(Protocol):
    """What an actor needs of its supervisor."""

    @property
    def journal(self) -> Journal:
        """Where runs are committed."""
        ...

    @property
    def references(self) -> dict[str, Any]:
        """Current snapshots by name."""
        ...

    @property
    def now(self) -> Callable[[], int]:
        """Tells business time."""
        ...

    def settled(self, run: Run, fate: Fate) -> None:
        """The first `fate.count` decisions are durable: hand over, measure, forget rows."""
        ...

    def hand_along(self, run: Run) -> None:
        """A run was submitted: what it sends to idle actors may be decided in the same batch."""
        ...

    def give_back(self, row: Pending) -> None:
        """A row was not handled: it stays in its table and is delivered again."""
        ...

    def forget(self, row: Pending) -> None:
        """A row is no longer there; nothing is to be delivered again."""
        ...

    def crashed(self, address: Address, error: Exception) -> bool:
        """Count a restart of this actor; False when the intensity is exceeded and the actor is suspended."""
        ...


class NotAvailable(Exception):
    """The database is away in the middle of a run; the actor gives everything back."""


class MessageUnreadable(Exception):
    """A stored message that this version of the program does not know."""


def writes_of(decision: Decision[Any], before: Any) -> bool:
    """Whether a decision changes anything that is stored."""
    return bool(
        decision.state is not before
        or decision.events
        or decision.messages
        or decision.once
        or decision.documents
        or decision.transfers
        or decision.lots
        or decision.cancel
        or decision.release
        or decision.dead_letter
    )


def reason_of(error: Exception) -> EngineError:
    """What askers are told when the actor's task ends with this."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, NotAvailable):
        code = str(error)
        return Superseded(code) if code == "SUPERSEDED" else Unavailable(code)
    return Failed("the actor crashed; it is started again")

"""The runtime: machines, actors, mailboxes, supervision, gateways, timers, settings, telemetry.

It knows nothing of banks or clients. What it needs of storage it states as a `Protocol`
(`comptoir.engine.journal`); only `boot`, `testing` and the command line know the other rooms.
"""

from typing import TYPE_CHECKING

from comptoir.engine.decision import (
    Attempt,
    DeadLetter,
    Decision,
    LotOpened,
    Once,
    Outgoing,
    Put,
    Refusal,
    Transfer,
)
from comptoir.engine.errors import (
    AskTimeout,
    EngineError,
    Erased,
    Failed,
    Overloaded,
    Refused,
    Stopping,
    Superseded,
    Suspended,
    Unavailable,
    UnknownAddress,
)
from comptoir.engine.values import Address, Event, Message, Reply, State, encode

if TYPE_CHECKING:
    from comptoir.engine.waiter import Asker, Waiter

__all__ = [
    "Address",
    "AskTimeout",
    "Asker",
    "Attempt",
    "DeadLetter",
    "Decision",
    "EngineError",
    "Erased",
    "Event",
    "Failed",
    "LotOpened",
    "Message",
    "Once",
    "Outgoing",
    "Overloaded",
    "Put",
    "Refusal",
    "Refused",
    "Reply",
    "State",
    "Stopping",
    "Superseded",
    "Suspended",
    "Transfer",
    "Unavailable",
    "UnknownAddress",
    "Waiter",
    "encode",
]

if not TYPE_CHECKING:  # whose checkers would take any name for one of ours

    def __getattr__(name: str) -> object:
        """`Asker` and `Waiter`, once somebody asks: they bring trio along, and that is a third of the
        time of a command that runs nothing (`comptoir version`, `--help`, `config`, `check`).
        """
        if name not in ("Asker", "Waiter"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from comptoir.engine import waiter

        return getattr(waiter, name)

"""The runtime: machines, actors, mailboxes, supervision, gateways, timers, settings, telemetry.

It knows nothing of banks or clients. What it needs of storage it states as a `Protocol`
(`comptoir.engine.journal`); only `boot`, `testing` and the command line know the other rooms.
"""

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

__all__ = [
    "Address",
    "AskTimeout",
    "Attempt",
    "DeadLetter",
    "Decision",
    "EngineError",
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
    "encode",
]

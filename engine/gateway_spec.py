"""How an outside party is declared to the engine: its operations, its bounds, its faults.

Rule: each operation says whether it may be sent again (`idempotent`) or not (`confirm-first`), and
every bound is in the declaration where it can be read. Source: design.md 6; spec.md S63, S65, X18.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from comptoir.engine.decision import Outgoing
from comptoir.engine.journal import Fate, Journal, Pending, Run
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.values import Address, Message

__all__ = [
    "BREAKER_OPEN",
    "ENGINE",
    "HOLD",
    "LOOK_AGAIN_MS",
    "PARKED_MS_MAX",
    "PROBED",
    "REPLAYED",
    "STARTED",
    "STARTED_KEPT_MS",
    "UNDER_WAY",
    "CallContext",
    "CallFault",
    "Forwarded",
    "GatewayBounds",
    "GatewaySpec",
    "GatewayStatistics",
    "GatewaySurroundings",
    "Operation",
    "answer_to",
    "tries_of",
    "was_started",
]

STARTED = "started"
BREAKER_OPEN = "BREAKER_OPEN"
UNDER_WAY = "STILL_UNDER_WAY"
ENGINE = Address("engine", "")
"""Sender of what the engine itself was told to send: nobody, who takes no answers."""
DAY_MS = 86_400_000
STARTED_KEPT_MS = 400 * DAY_MS
"""A confirm-first call is started once per business key for so long: beyond the 13 months in which
a SEPA payment can still be disputed."""
LOOK_AGAIN_MS = 4000
"""When a call that is still under way is looked at again."""
PARKED_MS_MAX = 30 * DAY_MS
"""A parked call that was never released is delivered after this long all the same."""
HOLD = "hold"
"""The queue of calls of unknown outcome, which never expires: a person decides."""
PROBED = "probed"
"""What an open breaker asked the party with, and heard nothing good: no attempt (engine/parking.py)."""
REPLAYED = "replayed"
"""The journal's mark of a dead letter that an operator sent again: its tries begin anew."""


class CallFault(Exception):
    """The party failed us. `sick` says that it speaks of the party's health (breaker, retry); `wait_ms`, for
    how long it asks not to be called again with this.
    """

    def __init__(self, code: str, *, retryable: bool, sick: bool = True, wait_ms: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.sick = sick
        self.wait_ms = wait_ms


class CallContext(msgspec.Struct, frozen=True, gc=False):
    """What a call may know beside its message."""

    now: int
    """Business time, ms."""
    attempt: int
    """1 for the first."""
    business_key: str
    """Stable across retries, restarts and restores: the party's idempotency key."""


class Forwarded(Message, frozen=True):
    """What a call comes to that is another gateway's to make: it goes there, and whoever asked hears from there.

    So one address can stand for several parties, each with a breaker and a bulkhead of its own (S18, S65).
    """

    target: Address
    message: Message


class Operation(msgspec.Struct, frozen=True):
    """One thing that can be asked of a party."""

    call: Callable[[Any, CallContext], Awaitable[Message | None]]
    """Makes the call; returns the message for the asking actor, if it wants one.
    Raises CallFault."""
    business_key: Callable[[Any], str]
    """From the message: what makes two calls the same."""
    idempotent: bool = True
    """False: confirm-first."""
    look_up: Callable[[Any, CallContext], Awaitable[Message | None]] | None = None
    """Confirm-first: what became of it, by our reference; None = the party does not know."""
    failed: Callable[[Any, str], Message | None] = lambda _message, _code: None
    """The message for the asking actor when it has failed for good."""
    held: Callable[[Any, str], Message | None] = lambda _message, _code: None
    """The message for the asking actor when nobody can say what became of it, and a person has to."""
    expendable: Callable[[Any], bool] = lambda _message: False
    """Whether it is given up while the breaker is open (`failed` with BREAKER_OPEN), instead of being parked:
    what comes again by itself must not stand in the way of what does not."""


class GatewayBounds(msgspec.Struct, frozen=True):
    """Time, number and pace."""

    deadline_s: float = 10.0
    calls_max: int = 16
    lane_calls_max: int = 0
    """Of these in one lane (GatewaySpec.lane); 0: there are no lanes."""
    mailbox_max: int = 256
    retry_delays_ms: tuple[int, ...] = (1000, 2000, 4000)
    breaker: BreakerBounds = BreakerBounds()
    release_per_s: float = 50.0
    """Pace of parked calls, and of all for as long as a recovery time after the party came back."""


class GatewaySpec(msgspec.Struct, frozen=True):
    """One outside party."""

    kind: str
    operations: Mapping[type[Message], Operation]
    bounds: GatewayBounds = GatewayBounds()
    dead_queue: str = "dlq:engine"
    lane: Callable[[Any], str] = lambda _message: ""
    """From the message: for whom a call is, where nobody's calls may take the places of everybody's."""
    hold_queue: str = HOLD
    """Where calls of unknown outcome wait for a person."""


class GatewayStatistics(msgspec.Struct, frozen=True):
    """What one gateway is doing."""

    kind: str
    waiting: int
    in_flight: int
    breaker: str
    calls_total: int
    failures_total: int
    parked_total: int
    dead_total: int
    held_total: int
    probe_in_ms: int
    """Until an open breaker lets a probe through; 0 where calls go out."""
    release_per_s: float
    """Pace of what is parked."""

    def release_ms(self, calls: int) -> int:
        """About how long until the last of so many parked calls is released; 0 where there are none."""
        return self.probe_in_ms + round(calls * 1000 / self.release_per_s) if calls else 0


class GatewaySurroundings(Protocol):
    """What a gateway needs of the engine around it."""

    journal: Journal

    def now(self) -> int:
        """Business time, ms."""
        ...

    def settled(self, run: Run, fate: Fate) -> None:
        """Decisions are durable."""
        ...

    def forget(self, row: Pending) -> None:
        """A row is no longer there."""
        ...

    def give_back(self, row: Pending) -> None:
        """A row goes back to its table."""
        ...


def answer_to(row: Pending, answer: Message | None) -> tuple[Outgoing, ...]:
    """The answer as a message to whoever asked, if there is an answer and somebody asked."""
    if isinstance(answer, Forwarded):
        return (Outgoing(answer.target, answer.message, sender=row.sender),)
    return () if answer is None or row.sender == ENGINE else (Outgoing(row.sender, answer),)


def was_started(row: Pending) -> bool:
    """Whether a confirm-first call may have left: then it is never sent again, replayed or not."""
    return any(attempt.outcome == STARTED for attempt in row.attempts)


def tries_of(row: Pending) -> int:
    """Failures so far, since an operator last replayed it."""
    tries = 0
    for attempt in row.attempts:
        if attempt.outcome == REPLAYED:
            tries = 0
        elif attempt.outcome not in (STARTED, UNDER_WAY, PROBED):
            tries += 1
    return tries

"""The circuit breaker, itself a small pure machine (S65, X18, E5).

Rule: an open breaker burns no attempts. It refuses until its recovery time has passed, lets exactly
one probe through per recovery time, and closes on its success. What is refused meanwhile is parked
by the gateway or answered as overloaded by an actor kind; that is theirs, not the breaker's.

Times are I/O time in ms: a breaker guards real calls, not business deadlines (design.md 8).
"""

from enum import Enum

from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context, Machine, row
from comptoir.engine.spec import BreakerBounds
from comptoir.engine.values import Address, Message, State

__all__ = ["BREAKER", "Breaker", "BreakerState", "CallFailed", "CallSucceeded", "Phase", "ProbeDue"]


class Phase(Enum):
    """Closed lets everything through, open nothing, half-open one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class BreakerState(State, frozen=True):
    """Phase and the recent failures that count towards opening."""

    phase: Phase
    failures: tuple[int, ...] = ()
    """Times of failures within the window, oldest first; at most `bounds.errors`."""
    opened_at: int = 0
    """When it opened; in half-open, when its probe was let through."""
    bounds: BreakerBounds = BreakerBounds()


class CallSucceeded(Message, frozen=True):
    """A guarded call came back well."""


class CallFailed(Message, frozen=True):
    """A guarded call failed in a way that speaks of the party's health."""

    times: int = 1
    """So often has this very call, over restarts too: what a breaker has counted itself is gone with its process."""


class ProbeDue(Message, frozen=True):
    """Somebody wants through; if the recovery time has passed, this one is the probe."""


Outcome = Decision[BreakerState]


def _counted(state: BreakerState, message: CallFailed, context: Context) -> Outcome:
    bounds = state.bounds
    recent = (*(at for at in state.failures if context.now - at < bounds.window_ms), context.now)
    if max(len(recent), message.times) >= bounds.errors:
        return Decision(
            BreakerState(Phase.OPEN, opened_at=context.now, bounds=bounds),
        )
    return Decision(BreakerState(Phase.CLOSED, recent, bounds=bounds))


def _unchanged(state: BreakerState, _message: Message, _context: Context) -> Outcome:
    return Decision(state)


def _probe(state: BreakerState, _message: ProbeDue, context: Context) -> Outcome:
    """Let one through per recovery time: a probe that was never heard of again (its mailbox was
    full, it was a duplicate, its task ended) must not keep the breaker half-open for ever.
    """
    if context.now - state.opened_at < state.bounds.recovery_ms:
        return Decision(state)
    return Decision(BreakerState(Phase.HALF_OPEN, (), context.now, state.bounds))


def _closed(state: BreakerState, _message: CallSucceeded, _context: Context) -> Outcome:
    return Decision(BreakerState(Phase.CLOSED, bounds=state.bounds))


def _reopened(state: BreakerState, _message: CallFailed, context: Context) -> Outcome:
    return Decision(BreakerState(Phase.OPEN, (), context.now, state.bounds))


BREAKER: Machine[BreakerState] = Machine(
    "breaker",
    phases=Phase,
    messages=(CallSucceeded, CallFailed, ProbeDue),
    rows=(
        row(Phase.CLOSED, CallSucceeded, _unchanged, Phase.CLOSED),
        row(Phase.CLOSED, CallFailed, _counted, Phase.CLOSED, Phase.OPEN),
        row(Phase.CLOSED, ProbeDue, _unchanged, Phase.CLOSED),
        # Calls that were under way when it opened still come back.
        row(Phase.OPEN, CallSucceeded, _unchanged, Phase.OPEN),
        row(Phase.OPEN, CallFailed, _unchanged, Phase.OPEN),
        row(Phase.OPEN, ProbeDue, _probe, Phase.OPEN, Phase.HALF_OPEN),
        row(Phase.HALF_OPEN, CallSucceeded, _closed, Phase.CLOSED),
        row(Phase.HALF_OPEN, CallFailed, _reopened, Phase.OPEN),
        row(Phase.HALF_OPEN, ProbeDue, _probe, Phase.HALF_OPEN),
    ),
)


class Breaker:
    """Holds one breaker's state; the machine decides."""

    __slots__ = ("_address", "opened_total", "state")

    def __init__(self, name: str, bounds: BreakerBounds) -> None:
        self._address = Address("breaker", name)
        self.state = BreakerState(Phase.CLOSED, bounds=bounds)
        self.opened_total = 0

    def _tell(self, message: Message, now: int) -> None:
        before = self.state.phase
        decision = BREAKER.decide(self.state, message, Context(self._address, now, 0))
        assert isinstance(decision, Decision), "every pair of this machine has a row"
        self.state = decision.state
        if self.state.phase is Phase.OPEN and before is not Phase.OPEN:
            self.opened_total += 1

    @property
    def closed(self) -> bool:
        """Everything is let through; asking this first spares reading a clock."""
        return self.state.phase is Phase.CLOSED

    def permits(self, now: int) -> bool:
        """Whether a call may be made now; unless closed, this very call is the only probe."""
        if self.state.phase is Phase.CLOSED:
            return True
        before = self.state
        self._tell(ProbeDue(), now)
        return self.state is not before

    def succeeded(self, now: int) -> None:
        """A call came back well."""
        if self.state.phase is not Phase.CLOSED:
            self._tell(CallSucceeded(), now)

    def failed(self, now: int, times: int = 1) -> bool:
        """A call failed, so often by now; whether that alone is enough for it to be open."""
        self._tell(CallFailed(times), now)
        return times >= self.state.bounds.errors

    def wait_ms(self, now: int) -> int:
        """How long until a (further) probe may be made; 0 when calls are permitted."""
        if self.state.phase is Phase.CLOSED:
            return 0
        return max(0, self.state.opened_at + self.state.bounds.recovery_ms - now)

    def __repr__(self) -> str:
        return f"<Breaker {self._address.key} {self.state.phase.value}>"

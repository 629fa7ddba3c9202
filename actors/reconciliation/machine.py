"""The machine that has what we think was paid compared with what whoever paid says, again and again.

Rules:
- it comes round by a durable timer: once for each interval, and after an outage once, not as often as was missed;
- each time it looks at the same number of days before today, one after the other, since what became of a payment
  may be said days later; today is not over, and is left out;
- the last report of a day is kept, whatever it says; a day that could not be compared keeps its report, and
  says why it has no newer one;
- it changes nothing else: a difference is for a person.

Source: spec.md S46, S50, X26, X27; docs/withdrawals.md.
"""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.gateways.messages import PAYMENTS, ComparePayments
from comptoir.actors.reconciliation.messages import (
    COLLECTION,
    KIND,
    DayCompared,
    DayUncompared,
    KeepReconciling,
    ReconciliationDue,
    report_key,
)
from comptoir.actors.reconciliation.terms import reconciling_of
from comptoir.actors.withdrawal.messages import day_of
from comptoir.engine import Decision, Event, Outgoing, Put, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "PaymentsReconciled", "Phase", "ReconciliationState"]

DAY_MS: Final = 86_400_000
TIMER: Final = "reconciliation"


class Phase(Enum):
    """What it does."""

    OFF = "off"
    WAITING = "waiting"
    COMPARING = "comparing"


class ReconciliationState(State, frozen=True):
    """How far it is."""

    phase: Phase
    interval_ms: int = 0
    """For which the timer is set."""
    day: str = ""
    """That is compared now."""
    left: tuple[str, ...] = ()
    """Those after it."""
    differences: int = 0
    """Found this time."""
    failed: int = 0
    """Days that could not be compared this time."""


class PaymentsReconciled(Event, frozen=True):
    """All days were looked at."""

    source: str
    differences: int
    failed: int


Outcome = Decision[ReconciliationState]
replace = msgspec.structs.replace


def _keep(state: ReconciliationState, _message: KeepReconciling, context: Context) -> Outcome:
    interval = reconciling_of(context).interval_ms
    if interval in (0, state.interval_ms) or state.phase is Phase.COMPARING:
        return Decision(state)  # the timer stands, and may be due already; or is set at the end
    return _waits(state, context)


def _waits(state: ReconciliationState, context: Context) -> Outcome:
    """Until the next time."""
    interval = reconciling_of(context).interval_ms
    if not interval:
        return Decision(ReconciliationState(Phase.OFF))
    timer = Outgoing(context.address, ReconciliationDue(), context.now + interval, TIMER)
    waiting = replace(state, phase=Phase.WAITING, interval_ms=interval, day="", left=())
    return Decision(waiting, messages=(timer,))


def _begin(state: ReconciliationState, _message: ReconciliationDue, context: Context) -> Outcome:
    terms = reconciling_of(context)
    if not terms.interval_ms:
        return Decision(ReconciliationState(Phase.OFF))
    days = tuple(day_of(context.now - n * DAY_MS) for n in range(terms.days, 0, -1))
    return _next(replace(state, left=days, differences=0, failed=0), context)


def _next(state: ReconciliationState, context: Context) -> Outcome:
    """The next day, or the end."""
    if not state.left:
        done = PaymentsReconciled(context.address.key, state.differences, state.failed)
        waits = _waits(state, context)
        return replace(waits, events=(done,))
    day, *left = state.left
    comparing = replace(state, phase=Phase.COMPARING, day=day, left=tuple(left))
    asked = Outgoing(PAYMENTS, ComparePayments(context.address.key, day))
    return Decision(comparing, messages=(asked,))


def _compared(state: ReconciliationState, message: DayCompared, context: Context) -> Outcome:
    report = message.report
    kept = Put(
        COLLECTION,
        report_key(report.day, context.address.key),
        {**msgspec.to_builtins(report), "code": ""},
    )
    if state.phase is not Phase.COMPARING or report.day != state.day:
        return Decision(state, documents=(kept,))  # a dead letter that was delivered again
    known = replace(state, differences=state.differences + report.differences)
    return replace(_next(known, context), documents=(kept,))


def _uncompared(state: ReconciliationState, message: DayUncompared, context: Context) -> Outcome:
    source = context.address.key
    fields = {"source": source, "day": message.day, "code": message.code, "tried_at": context.now}
    kept = Put(COLLECTION, report_key(message.day, source), fields)
    if state.phase is not Phase.COMPARING or message.day != state.day:
        return Decision(state, documents=(kept,))
    return replace(_next(replace(state, failed=state.failed + 1), context), documents=(kept,))


MACHINE: Machine[ReconciliationState] = Machine(
    KIND,
    phases=Phase,
    messages=(KeepReconciling, ReconciliationDue, DayCompared, DayUncompared),
    rows=(
        row(Phase.OFF, KeepReconciling, _keep, Phase.WAITING, Phase.OFF),
        row(Phase.WAITING, KeepReconciling, _keep, Phase.WAITING),
        row(Phase.COMPARING, KeepReconciling, _keep, Phase.COMPARING),
        row(Phase.WAITING, ReconciliationDue, _begin, Phase.COMPARING, Phase.OFF),
        row(Phase.COMPARING, DayCompared, _compared, Phase.COMPARING, Phase.WAITING, Phase.OFF),
        row(Phase.COMPARING, DayUncompared, _uncompared, Phase.COMPARING, Phase.WAITING, Phase.OFF),
        *(row(phase, DayCompared, _compared, phase) for phase in (Phase.OFF, Phase.WAITING)),
        *(row(phase, DayUncompared, _uncompared, phase) for phase in (Phase.OFF, Phase.WAITING)),
    ),
)

REPLIES: tuple[type[Reply], ...] = ()

"""When payments are compared, and what is kept of it (S46, S50; docs/withdrawals.md)."""

from typing import Any

import msgspec
import pytest

from comptoir.actors.gateways.messages import PAYMENTS, ComparePayments
from comptoir.actors.reconciliation.machine import (
    MACHINE,
    PaymentsReconciled,
    Phase,
    ReconciliationState,
)
from comptoir.actors.reconciliation.messages import (
    COLLECTION,
    DayCompared,
    DayUncompared,
    KeepReconciling,
    ReconciliationDue,
    report_key,
)
from comptoir.actors.reconciliation.terms import RECONCILING, ReconcilingTerms
from comptoir.actors.withdrawal.messages import day_of
from comptoir.engine import Address, Decision, Message
from comptoir.engine.decision import Outgoing
from comptoir.engine.machine import Context
from tests.actors.reconciling import DAILY, REPORT, WITHOUT

ME = Address("reconciliation", "provider")
DAY_MS = 86_400_000
NOW = 20_786 * DAY_MS + 5
"""Of 2026-11-29."""
Outcome = Decision[ReconciliationState]


def decide(
    state: ReconciliationState, message: Message, now: int = NOW, terms: ReconcilingTerms = DAILY
) -> Outcome:
    """One decision."""
    found = MACHINE.decide(state, message, Context(ME, now, 1, {RECONCILING: terms}, None))
    assert isinstance(found, Decision)
    return found


def _timers(found: Outcome) -> list[Outgoing]:
    return [one for one in found.messages if isinstance(one.message, ReconciliationDue)]


def _asked(found: Outcome) -> list[str]:
    """The days that are to be compared."""
    return [
        one.message.day
        for one in found.messages
        if one.target == PAYMENTS and isinstance(one.message, ComparePayments)
    ]


def _kept(found: Outcome) -> dict[str, dict[str, Any]]:
    assert all(put.collection == COLLECTION for put in found.documents)
    return {put.key: dict(put.fields) for put in found.documents}


def test_it_comes_round() -> None:
    """S46: a durable timer for each interval; a start while it stands leaves it alone, also where it is due."""
    begun = decide(ReconciliationState(Phase.OFF), KeepReconciling())
    (timer,) = _timers(begun)
    assert timer.due_at == NOW + DAILY.interval_ms
    again = decide(begun.state, KeepReconciling(), NOW + 10 * DAY_MS)
    assert (again.state, again.messages) == (begun.state, ())
    other = msgspec.structs.replace(DAILY, interval_ms=7)
    (timer,) = _timers(decide(begun.state, KeepReconciling(), NOW + 1, other))
    assert timer.due_at == NOW + 8
    off = decide(begun.state, ReconciliationDue(), NOW, WITHOUT)
    assert (off.state.phase, off.messages) == (Phase.OFF, ())


def test_day_by_day() -> None:
    """S46, S50: the days before today, the oldest first, each once; then the next time, and what was found."""
    state = decide(ReconciliationState(Phase.OFF), KeepReconciling()).state
    found = decide(state, ReconciliationDue())
    days = [day_of(NOW - n * DAY_MS) for n in (3, 2, 1)]
    seen = _asked(found)
    first = DayCompared(msgspec.structs.replace(REPORT, day=days[0]))
    found = decide(found.state, first)
    assert _kept(found)[report_key(days[0], "provider")]["differences"] == 1
    seen += _asked(found)
    found = decide(found.state, DayUncompared(days[1], "PAYOUT_UNAVAILABLE"))
    # The report from before stays: only the reason is written.
    assert _kept(found)[report_key(days[1], "provider")] == {
        "source": "provider", "day": days[1], "code": "PAYOUT_UNAVAILABLE", "tried_at": NOW,
    }  # fmt: skip
    seen += _asked(found)
    clean = msgspec.structs.replace(REPORT, day=days[2], differences=0, rows=())
    found = decide(found.state, DayCompared(clean), NOW + 9)
    assert seen == days
    assert found.events == (PaymentsReconciled("provider", 1, 1),)
    (timer,) = _timers(found)
    assert timer.due_at == NOW + 9 + DAILY.interval_ms
    assert found.state.phase is Phase.WAITING


@pytest.mark.parametrize(
    "message", [DayCompared(REPORT), DayUncompared(REPORT.day, "PAYOUT_UNAVAILABLE")]
)
def test_what_comes_late_is_kept_and_moves_nothing(message: Message) -> None:
    """S63: an answer for another day than that which is compared now."""
    state = decide(ReconciliationState(Phase.OFF), KeepReconciling()).state
    busy = decide(state, ReconciliationDue()).state
    for before in (state, busy):
        found = decide(before, message)
        assert (found.state, found.messages, found.events) == (before, (), ())
        assert list(_kept(found)) == [report_key(REPORT.day, "provider")]


def test_the_newest_day_is_first() -> None:
    """interface.md 1: keys in the order of a list; of one day they begin alike."""
    days = ["2026-11-30", "2026-12-01", "2025-12-31", "2026-11-29"]
    assert sorted(days, key=report_key) == sorted(days, reverse=True)
    assert report_key("2026-11-30", "provider").startswith(report_key("2026-11-30"))

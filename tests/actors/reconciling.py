"""Samples for reconciliation: a state for every phase, a message of every type."""

from comptoir.actors.reconciliation.machine import Phase, ReconciliationState
from comptoir.actors.reconciliation.messages import (
    DayCompared,
    DayUncompared,
    Difference,
    KeepReconciling,
    ReconciliationDue,
    Report,
    Total,
)
from comptoir.actors.reconciliation.terms import ReconcilingTerms
from comptoir.engine.values import Message

__all__ = ["DAILY", "OF_RECONCILIATION", "REPORT", "WITHOUT"]

HOUR_MS = 3_600_000
DAILY = ReconcilingTerms(24 * HOUR_MS, 3)
WITHOUT = ReconcilingTerms()
DAY = "2026-11-29"
REPORT = Report(
    "provider", DAY, 5, (Total("EUR", 1, 950),), (Total("EUR", 1, 951),), 1,
    (Difference("R-1", "amount", "completed", "completed", 950, 951),),
)  # fmt: skip
STATES = (
    ReconciliationState(Phase.OFF),
    ReconciliationState(Phase.WAITING, DAILY.interval_ms),
    ReconciliationState(Phase.COMPARING, DAILY.interval_ms, DAY, ("2026-11-30",)),
    ReconciliationState(Phase.COMPARING, DAILY.interval_ms, DAY),
)
MESSAGES: tuple[Message, ...] = (
    KeepReconciling(),
    DayCompared(REPORT),
    DayUncompared(DAY, "PAYOUT_UNAVAILABLE"),
)
OF_RECONCILIATION: tuple[tuple[ReconciliationState, Message, ReconcilingTerms], ...] = (
    *((state, message, terms) for state in STATES for message in MESSAGES for terms in (DAILY, WITHOUT)),
    *((state, ReconciliationDue(), terms) for state in STATES for terms in (DAILY, WITHOUT)),
)  # fmt: skip
"""State, message, and the terms that hold."""

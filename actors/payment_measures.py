"""Counters of payments that want somebody: those without an end, and those that differ (S50, X25)."""

from typing import Final

from prometheus_client import CollectorRegistry

from comptoir.actors.reconciliation.machine import PaymentsReconciled
from comptoir.actors.reconciliation.messages import PROVIDER, STATEMENT
from comptoir.actors.withdrawal.machine import WithdrawalLate
from comptoir.engine.journal import Decided
from comptoir.engine.tally import Tallies

__all__ = ["PaymentMeasures"]

RESULTS: Final = ("same", "differs", "failed")


class PaymentMeasures:
    """Counts what withdrawals and reconciliations decided."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._late = Tallies(
            registry,
            "comptoir_withdrawals_overdue",
            "Withdrawals that had no end in time (S50, X25).",
        ).of()
        reconciled = Tallies(
            registry,
            "comptoir_reconciliations",
            "Comparisons of what was paid with what is said of it: `same`, `differs`, or `failed` where days could "
            "not be compared.",
            ("source", "result"),
        )
        self._reconciled = {
            (source, result): reconciled.of(source, result)
            for source in (PROVIDER, STATEMENT)
            for result in RESULTS
        }

    def withdrawal(self, decided: Decided) -> None:
        """Count those that take too long."""
        for event in decided.decision.events:
            if isinstance(event, WithdrawalLate):
                self._late.value += 1

    def reconciliation(self, decided: Decided) -> None:
        """Count how comparisons of payments end."""
        for event in decided.decision.events:
            if isinstance(event, PaymentsReconciled):
                result = "differs" if event.differences else "failed" if event.failed else "same"
                self._reconciled[event.source, result].value += 1

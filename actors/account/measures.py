"""Counters of core banking: what operations should know at once, and how accounts come about (S32, X9)."""

from prometheus_client import CollectorRegistry

from comptoir.actors.account.state import AccountAlerted, AccountLate, AccountMade, AnswerIgnored
from comptoir.engine.journal import Decided
from comptoir.engine.tally import Tallies

__all__ = ["AccountMeasures"]


class AccountMeasures:
    """Counts what accounts say."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._alerts = Tallies(
            registry,
            "comptoir_account_alerts",
            "Accounts that somebody of operations should look at, by why (docs/operations.md).",
            ("code",),
        )
        self._answers = Tallies(
            registry,
            "comptoir_account_answers",
            "Accounts of the mainframe: created, found by reconciliation, late; answers that could not count.",
            ("outcome",),
        )

    def count(self, decided: Decided) -> None:
        """Count what one decision says."""
        for event in decided.decision.events:
            if isinstance(event, AccountAlerted):
                self._alerts.of(event.code).value += 1
            elif isinstance(event, AccountMade):
                self._answers.of("healed" if event.healed else "created").value += 1
            elif isinstance(event, AccountLate):
                self._answers.of("late").value += 1
            elif isinstance(event, AnswerIgnored):
                self._answers.of("ignored").value += 1

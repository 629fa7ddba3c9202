"""The business's counters (interface.md 5, S67, X22), from decisions once they are durable."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry

from comptoir.actors.connection.conditions import CONDITIONS
from comptoir.actors.connection.messages import TransactionTaken
from comptoir.actors.connection.state import (
    AccessEnded,
    ConditionChanged,
    ConsentExtended,
    ConsentLapsed,
    ConsentWarned,
    TransactionHealed,
)
from comptoir.actors.payout_batch.state import (
    BatchApproved,
    BatchClosed,
    BatchEscalated,
    BatchRefused,
    BatchReleased,
    FileTaken,
)
from comptoir.actors.programme import PROVIDERS
from comptoir.actors.wallet.state import (
    PointsClawedBack,
    PointsCredited,
    PointsExpired,
    PurchaseRecognised,
    PurchaseRestated,
    PurchaseTakenBack,
    RefundIgnored,
)
from comptoir.actors.withdrawal.machine import WithdrawalMoved
from comptoir.actors.withdrawal.outcome import Phase, status_of
from comptoir.engine import Event
from comptoir.engine.journal import Decided
from comptoir.engine.tally import Spread, Tallies, Tally

__all__ = ["CashbackMeasures"]


EXPIRED: Final = "Points whose end came before they were spent (E7)."


class CashbackMeasures:
    """Counts what connections and wallets decided."""

    def __init__(
        self, registry: CollectorRegistry, credit_seconds: Spread, now: Callable[[], int]
    ) -> None:
        outcomes = Tallies(
            registry,
            "comptoir_transactions",
            "Transactions by what became of them.",
            ("outcome",),
        )
        self._credited = outcomes.of("credited")
        self._unmatched = outcomes.of("unmatched")
        self._refunded = outcomes.of("refunded")
        self._ignored = outcomes.of("ignored")
        looked_at = Tallies(
            registry,
            "comptoir_matching",
            "Purchases and refunds looked at: all, partner-like, and matched to a partner (X22).",
            ("of",),
        )
        self._purchases = looked_at.of("purchases")
        self._candidates = looked_at.of("candidates")
        self._matched = looked_at.of("matched")
        self._points_credited = Tallies(
            registry, "comptoir_points_credited", "Points credited."
        ).of()
        self._points_debited = Tallies(registry, "comptoir_points_debited", "Points debited.").of()
        self._points_expired = Tallies(registry, "comptoir_points_expired", EXPIRED).of()
        self._credit_seconds = credit_seconds
        self._now = now
        consents = Tallies(
            registry,
            "comptoir_consents",
            "Consents by what became of them; lapses that were not renewed are `lapsed` (E10).",
            ("change",),
        )
        withdrawals = Tallies(
            registry,
            "comptoir_withdrawals",
            "Withdrawals by what they became, `held` for a person to look at (S67, X26).",
            ("status",),
        )
        self._withdrawals: dict[str, Tally] = {
            phase.value: withdrawals.of(status_of(phase))
            for phase in Phase
            if phase is not Phase.NONE
        }
        self._batches = _of_batches(registry)
        self._recognised = outcomes.of("recognised")
        self.healed = Tallies(
            registry,
            "comptoir_webhooks_healed",
            "What a reading has found and no webhook had told: transactions, and how envelopes stand (E6).",
            ("provider",),
        )
        self._healed: dict[str, Tally] = {name: self.healed.of(name) for name in PROVIDERS}
        conditions = Tallies(
            registry,
            "comptoir_connection_conditions",
            "What providers said of connections: why one cannot be read, or that `none` is in the way (S52, S67).",
            ("condition",),
        )
        self._conditions: dict[str, Tally] = {
            name: conditions.of(name or "none") for name in ("", *CONDITIONS)
        }
        self._consents: dict[type[Event], Tally] = {
            ConsentExtended: consents.of("extended"),
            ConsentWarned: consents.of("warned"),
            ConsentLapsed: consents.of("lapsed"),
            AccessEnded: consents.of("revoked"),
        }

    def withdrawal(self, decided: Decided) -> None:
        """Count what withdrawals have become (S67: failed withdrawals)."""
        for event in decided.decision.events:
            if isinstance(event, WithdrawalMoved):
                self._withdrawals[event.phase].value += 1

    def batch(self, decided: Decided) -> None:
        """Count what happened to batches of payouts."""
        for event in decided.decision.events:
            tally = self._batches.get(type(event))
            if tally is not None:
                tally.value += 1

    def connection(self, decided: Decided) -> None:
        """Count what a connection dropped or ignored; the rest counts when its wallet has it."""
        for event in decided.decision.events:
            tally = self._consents.get(type(event))
            if tally is not None:
                tally.value += 1
            elif isinstance(event, ConditionChanged):
                self._conditions[event.name].value += 1
            elif isinstance(event, TransactionHealed):
                self._healed[event.provider].value += 1
        reply = decided.decision.reply
        if not isinstance(reply, TransactionTaken):
            return
        outcome = reply.outcome
        if outcome in ("parked", "granted"):  # not looked at yet, or not for the first time
            return
        if outcome == "withdrawn":  # nobody lets us look at it: no purchase of the programme's
            self._ignored.value += 1
            return
        self._purchases.value += 1
        if outcome == "unmatched":
            self._unmatched.value += 1
            self._candidates.value += reply.candidate
            return
        self._candidates.value += 1
        self._matched.value += 1
        if outcome == "ignored":
            self._ignored.value += 1

    def wallet(self, decided: Decided) -> None:
        """Count credits, refunds, and how long a credit took from taken to durable."""
        for event in decided.decision.events:
            if isinstance(event, PointsCredited):
                self._credited.value += 1
                self._points_credited.value += event.points
                if decided.consumed is not None:
                    waited_ms = self._now() - decided.consumed.created_at
                    self._credit_seconds.observe(max(0, waited_ms) / 1000)
            elif isinstance(event, PurchaseRestated):
                self._points_credited.value += max(0, event.points)
                self._points_debited.value += max(0, -event.points)
            elif isinstance(event, PointsClawedBack | PurchaseTakenBack):
                self._refunded.value += 1
                self._points_debited.value += event.points
            elif isinstance(event, PurchaseRecognised):
                self._recognised.value += 1
            elif isinstance(event, RefundIgnored):
                self._ignored.value += 1
            elif isinstance(event, PointsExpired):
                self._points_expired.value += event.points


def _of_batches(registry: CollectorRegistry) -> dict[type[Event], Tally]:
    """What happened to batches of payouts."""
    batches = Tallies(
        registry,
        "comptoir_payout_batches",
        "Batches of payouts by what happened to them; `escalated` waits for somebody to decide (E14).",
        ("change",),
    )
    return {
        BatchClosed: batches.of("closed"),
        BatchReleased: batches.of("released"),
        BatchApproved: batches.of("approved"),
        BatchRefused: batches.of("refused"),
        BatchEscalated: batches.of("escalated"),
        FileTaken: batches.of("taken"),
    }

"""The business's counters (interface.md 5, S67, X22), from decisions once they are durable."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram

from comptoir.actors.connection.messages import TransactionTaken
from comptoir.actors.wallet.state import PointsClawedBack, PointsCredited, RefundIgnored
from comptoir.engine.journal import Decided

__all__ = ["CashbackMeasures"]


class CashbackMeasures:
    """Counts what connections and wallets decided."""

    def __init__(
        self, registry: CollectorRegistry, credit_seconds: Histogram, now: Callable[[], int]
    ) -> None:
        outcomes = Counter(
            "comptoir_transactions",
            "Transactions by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self._outcomes = {
            name: outcomes.labels(name) for name in ("credited", "unmatched", "refunded", "ignored")
        }
        purchases = Counter(
            "comptoir_matching",
            "Purchases and refunds looked at: all, partner-like, and matched to a partner (X22).",
            ["of"],
            registry=registry,
        )
        self._looked_at = {
            name: purchases.labels(name) for name in ("purchases", "candidates", "matched")
        }
        self._credited = Counter("comptoir_points_credited", "Points credited.", registry=registry)
        self._debited = Counter("comptoir_points_debited", "Points debited.", registry=registry)
        self._credit_seconds = credit_seconds
        self._now = now

    def connection(self, decided: Decided) -> None:
        """Count what a connection dropped or ignored; the rest counts when its wallet has it."""
        reply = decided.decision.reply
        if not isinstance(reply, TransactionTaken) or reply.parked:
            return
        if reply.outcome in ("unmatched", "ignored"):
            self._outcomes[reply.outcome].inc()
        matched = reply.outcome != "unmatched"
        self._looked_at["purchases"].inc()
        if matched or reply.candidate:
            self._looked_at["candidates"].inc()
        if matched:
            self._looked_at["matched"].inc()

    def wallet(self, decided: Decided) -> None:
        """Count credits, refunds, and how long a credit took from taken to durable."""
        for event in decided.decision.events:
            if isinstance(event, PointsCredited):
                self._outcomes["credited"].inc()
                self._credited.inc(event.points)
                if decided.consumed is not None:
                    waited_ms = self._now() - decided.consumed.created_at
                    self._credit_seconds.observe(max(0, waited_ms) / 1000)
            elif isinstance(event, PointsClawedBack):
                self._outcomes["refunded"].inc()
                self._debited.inc(event.points)
            elif isinstance(event, RefundIgnored):
                self._outcomes["ignored"].inc()

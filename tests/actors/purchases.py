"""Purchases as a wallet meets them: earned, refunded, told anew, taken back."""

from collections.abc import Mapping
from typing import Any

import msgspec

from comptoir.actors.wallet.messages import ClawBack, Credit, ReleasePoints, Restate, TakeBack
from comptoir.actors.wallet.state import RefundFacts
from comptoir.engine.journal import Lot

NOW = 1_800_000_000_000
PURCHASE: Mapping[str, Any] = {
    "transaction_id": "tx1", "user_id": "u1", "status": "credited", "amount_cents": 10_000,
    "eligible_cents": 10_000, "points": 500, "rate_bp": 500, "multiplier_bp": 10_000,
    "lot_id": "lt1", "partner_id": "p1", "date": "2026-11-21",
}  # fmt: skip


def lot(remaining: int) -> Lot:
    """Five hundred points of one purchase, of which so many are left."""
    return Lot("lt1", "u1", "tx1", "tag", 500, remaining, 10_000, 500, 10_000, NOW - 1, None)


def bought(remaining: int) -> RefundFacts:
    """What a wallet reads of that purchase."""
    return RefundFacts("seed:tx1", PURCHASE, lot(remaining))


def replaced(remaining: int) -> RefundFacts:
    """The same, told under another id since."""
    return msgspec.structs.replace(bought(remaining), twin="replaced")


REFUND = ClawBack("seed", "rf1", "tx1", "tag", 10_000)
RELEASE = ReleasePoints("lt1", "tx1", "seed:tx1")


def credit(cents: int) -> Credit:
    """Another purchase, of so many cents."""
    return Credit("seed", "tx2", "p1", cents, cents, 500, "tag")


def restated(cents: int) -> Restate:
    """The purchase told anew, with so many cents."""
    return Restate(credit(cents), "tx1", {"user_id": "u1", "date": "2026-11-21"})


TAKEN_BACK = TakeBack("seed", "tx1")

"""A wallet's state, events and books: what its machine decides on and with.

Rule: balances are integers and never below zero; they change only through `Books.move`, which makes
the transfer that explains the change. Source: spec.md S47, X24; interface.md 7.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec

from comptoir.engine import Event, State, Transfer
from comptoir.engine.journal import Ending, Lot

__all__ = [
    "EXPIRED",
    "ISSUED",
    "PAID_OUT",
    "AdjustmentFacts",
    "AdjustmentRefused",
    "Books",
    "ExpiryAnnounced",
    "ExpiryFacts",
    "HoldFacts",
    "HoldMoved",
    "Phase",
    "PointsAdjusted",
    "PointsBlocked",
    "PointsClawedBack",
    "PointsCredited",
    "PointsExpired",
    "PointsReleased",
    "PurchaseRecognised",
    "PurchaseRestated",
    "PurchaseTakenBack",
    "RefundFacts",
    "RefundIgnored",
    "TierLost",
    "TierReached",
    "WalletState",
]

ISSUED = "issued:"
"""The programme's own book: what it owes all users together."""
PAID_OUT = "paid:"
"""The programme's own book: what it has paid to all users together."""
EXPIRED = "expired:"
"""The programme's own book: what it owes nobody any more (E7)."""
OURS = (ISSUED, PAID_OUT, EXPIRED)


class Phase(Enum):
    """Whether it ever earned anything, and whether it owes."""

    NEW = "new"
    ACTIVE = "active"
    OVERDRAWN = "overdrawn"


class WalletState(State, frozen=True):
    """Balances in points, all >= 0."""

    phase: Phase
    available: int = 0
    pending: int = 0
    blocked: int = 0
    shortfall: int = 0
    earned_total: int = 0
    """Points ever credited less those taken back: what tiers count."""
    earned_years: Mapping[str, int] = {}
    """Likewise by the calendar year of the purchase, where a tier is of some years only."""
    capped: Mapping[str, int] = {}
    """`PARTNER:YYYY-MM` -> cents that earned points, for partners with a cap per month."""
    refunds_waiting: int = 0
    updated_at: int = 0
    withdrawal: str = ""
    """The one that is under way: one at a time (S66 BANK_WITHDRAWAL_PENDING)."""
    links: Mapping[str, tuple[str, ...]] = {}
    """Last four digits -> keys of the connections that have told purchases of that account."""
    expiry_at: int = 0
    """When it looks at the ends of its lots next; 0: none has one."""
    expiry_seen: int = 0
    """When it has looked last: warnings that were due by then were given."""


class PointsCredited(Event, frozen=True):
    """A purchase earned points."""

    transaction_id: str
    partner_id: str
    points: int
    rate_bp: int
    multiplier_bp: int
    lot_id: str | None
    pending: bool


class PointsClawedBack(Event, frozen=True):
    """A refund took points back."""

    refund_id: str
    transaction_id: str
    points: int
    shortfall: int
    """Of these, what the wallet did not have."""
    lapsed: int = 0
    """Of these, what had expired, and was gone already."""


class PointsReleased(Event, frozen=True):
    """The hold of a lot ended."""

    lot_id: str
    points: int


class PointsExpired(Event, frozen=True):
    """The end of lots has come."""

    points: int
    lots: int


class ExpiryAnnounced(Event, frozen=True):
    """Points end soon, and their owner was told where they can be."""

    ends_at: int
    """Business time, ms."""
    points: int


class TierReached(Event, frozen=True):
    """Enough was earned for a higher tier."""

    tier: str
    before: str


class TierLost(Event, frozen=True):
    """So much was taken back that a lower tier holds."""

    tier: str
    before: str


class PointsAdjusted(Event, frozen=True):
    """Two people have given or taken points."""

    adjustment_id: str
    points: int
    reason: str
    maker: str
    checker: str


class AdjustmentRefused(Event, frozen=True):
    """More was to be taken than there was."""

    adjustment_id: str
    points: int
    maker: str
    checker: str


class PurchaseRestated(Event, frozen=True):
    """A purchase that had earned was told anew (E8)."""

    transaction_id: str
    """As it was credited."""
    told_as: str
    amount_cents: int
    points: int
    """What it earned more (> 0) or less (< 0) than before; 0: another id alone."""
    shortfall: int
    """Of what it earned less, what the wallet did not have."""


class PurchaseRecognised(Event, frozen=True):
    """A purchase was told by another link of its account as well: counted, and not credited again."""

    transaction_id: str
    """As it was credited."""
    told_as: str


class PurchaseTakenBack(Event, frozen=True):
    """A purchase that had earned was taken back by the provider."""

    transaction_id: str
    points: int
    shortfall: int
    """Of these, what the wallet did not have."""


class PointsBlocked(Event, frozen=True):
    """A withdrawal began."""

    withdrawal_id: str
    points: int


class HoldMoved(Event, frozen=True):
    """The points of a withdrawal are elsewhere."""

    withdrawal_id: str
    place: str
    points: int
    shortfall: int
    """Of these, what the wallet did not have any more when they were blocked anew."""
    graced: int = 0
    """Of these, what came back near the end of its lot, or after it, and is good for longer."""


class RefundIgnored(Event, frozen=True):
    """A refund waited for its purchase in vain."""

    refund_id: str


class RefundFacts(msgspec.Struct, frozen=True):
    """What a refund or a release finds among this wallet's own rows (reading.py)."""

    key: str = ""
    """The purchase's document key; empty: no such purchase."""
    purchase: Mapping[str, Any] = {}
    lot: Lot | None = None
    """The lot that it opened, if it earned points."""
    others: tuple[Lot, ...] = ()
    """Other open lots, oldest first."""
    expired: int = 0
    """Points of the purchase that expired."""
    twin: str = ""
    """How a purchase that was told under an unknown id was found: `replaced` (by the id that it replaces), `booked`
    (as its pending twin), `elsewhere` (told by another link of the account); empty: by its own id.
    """


class HoldFacts(msgspec.Struct, frozen=True):
    """What a withdrawal finds among this wallet's own rows (reading.py)."""

    hold: Mapping[str, Any] = {}
    """Its document in HOLDS; empty: there is none yet."""
    lots: tuple[Lot, ...] = ()
    """Open lots, oldest first; of points that come back, those that they were taken from."""


class ExpiryFacts(msgspec.Struct, frozen=True):
    """What a wallet finds when it looks at the ends of its lots (reading.py)."""

    first: tuple[Lot, ...] = ()
    """Open lots that end first, in the order of their ends."""
    endings: tuple[Ending, ...] = ()
    """Of all open lots, the first to end first."""
    held: frozenset[str] = frozenset()
    """Lots whose release has not come, though they end first: it is late, or a dead letter."""


class AdjustmentFacts(msgspec.Struct, frozen=True):
    """What an adjustment finds (reading.py)."""

    noted: Mapping[str, Any] = {}
    """Its document; empty: nobody has asked for it."""
    lots: tuple[Lot, ...] = ()
    """Open lots, oldest first, where points are taken."""


class Books(msgspec.Struct):
    """Balances while a decision is being made, and the transfers that moved them."""

    owner: str
    available: int
    pending: int
    blocked: int
    shortfall: int
    transfers: list[Transfer]

    @classmethod
    def of(cls, state: WalletState, owner: str) -> "Books":
        return cls(owner, state.available, state.pending, state.blocked, state.shortfall, [])

    def move(self, source: str, target: str, points: int, kind: str, **names: str | None) -> None:
        """Transfer points between two of this wallet's books, or to and from the programme's."""
        assert points > 0, "an empty transfer says nothing"
        for book, sign in ((source, -1), (target, 1)):
            if book == "shortfall":
                self.shortfall -= sign * points
            elif book not in OURS:
                setattr(self, book, getattr(self, book) + sign * points)
        after = (self.available, self.pending, self.blocked, self.shortfall)
        assert min(after) >= 0, "no balance below zero (invariant 4)"
        debit, credit = self._account(source), self._account(target)
        self.transfers.append(Transfer(debit, credit, points, kind, self.owner, after, **names))

    def _account(self, book: str) -> str:
        return book if book in OURS else f"{book}:{self.owner}"

    def state(self, before: WalletState, now: int, **changes: Any) -> WalletState:
        """The wallet after the transfers."""
        phase = Phase.OVERDRAWN if self.shortfall else Phase.ACTIVE
        return msgspec.structs.replace(
            before,
            phase=phase,
            available=self.available,
            pending=self.pending,
            blocked=self.blocked,
            shortfall=self.shortfall,
            updated_at=now,
            **changes,
        )

"""What can be read of the books of points: a month of a wallet, what a withdrawal is of, what became of lots.

The rule: everything comes from transfers and lots, which nobody can change (storage/migrations), and never
from what an actor remembers. A wallet's entries have one order, that of their ids; a month begins behind the
last entry of the month before, so that what one month ends with is what the next one begins with, whatever
clocks may have done. Nothing here reads a wallet's whole history.
Source: spec.md S47, E7; design.md 7 (the points ledger).
"""

from typing import Protocol

import msgspec

__all__ = ["BookReads", "Change", "Fate", "Month", "Movement", "Origin", "Part", "Total"]

Change = tuple[int, int, int, int]
"""Available, pending, blocked, shortfall; of a change signed, of a balance at least 0."""


class Total(msgspec.Struct, frozen=True, gc=False):
    """What the movements of one kind come to."""

    kind: str
    movements: int
    change: Change


class Month(msgspec.Struct, frozen=True, gc=False):
    """A wallet's month, but for its movements."""

    first: int
    """Id of the last entry before it; 0 where there is none."""
    last: int
    """Id of its own last entry; `first` where it has none."""
    opening: Change
    closing: Change
    totals: tuple[Total, ...]
    """By kind, in the order of names."""


class Movement(msgspec.Struct, frozen=True, gc=False):
    """One transfer, seen from its owner."""

    id: int
    at: int
    """Business time, ms since 1970."""
    kind: str
    change: Change
    after: Change
    lot: str | None
    transaction: str | None
    withdrawal: str | None


class Part(msgspec.Struct, frozen=True, gc=False):
    """Points of a withdrawal that are of one lot; parts follow one another as lots were earned."""

    lot: str | None
    """None: what the wallet did not have any more when they were blocked anew, and owes since."""
    points: int
    before: int
    """Points of the withdrawal in parts before this one."""
    source: str = ""
    """What earned the lot: the provider's transaction id, or the reference of an adjustment."""
    lot_points: int = 0
    remaining: int = 0
    """Of the lot, now."""
    basis_cents: int = 0
    rate_bp: int = 0
    multiplier_bp: int = 0
    earned_at: int = 0
    expires_at: int | None = None


class Fate(msgspec.Struct, frozen=True, gc=False):
    """What became of some points of a lot."""

    lot: str
    kind: str
    """Of the transfers; `netted`: they paid what the wallet owed; `granted`, with points below 0: an adjustment
    opened the lot."""
    withdrawal: str | None
    """Where they were withdrawn; None with kind `hold`: by more withdrawals than are told one by one."""
    points: int


class Origin(msgspec.Struct, frozen=True, gc=False):
    """What a withdrawal is of, at one moment: a part and what became of its lot always fit one another."""

    points: int
    """Of all its parts; 0 where its points went back."""
    parts: tuple[Part, ...]
    """A page of them, in their order."""
    fates: tuple[Fate, ...]
    """Of the lots of this page."""


class BookReads(Protocol):
    """What can be asked about the books."""

    async def month(self, owner: str, since: int, until: int) -> Month:
        """A wallet between two times (business time, ms; the second is not in it)."""
        ...

    async def movements(self, owner: str, after: int, last: int, limit: int) -> list[Movement]:
        """A page of entries in their order, with ids in (`after`, `last`]."""
        ...

    async def origin(
        self, owner: str, withdrawal: str, after: int, limit: int, each: int
    ) -> Origin:
        """A page of what a withdrawal is of now, first in, first out, from the part that holds the point
        after so many; of each lot, so many withdrawals are told one by one.
        """
        ...

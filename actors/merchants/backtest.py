"""What a changed partner base, or a changed rule, would make of purchases that were matched and of candidates (E9).

The rule: a purchase is compared with what was made of it at the time. A *gain* was nobody's and has a partner now; a
*loss* had one and is nobody's now; a *conflict* has another partner than it had, or two partners that claim it alike.
What a claim has given to a partner had none by its label, and is a loss to nobody while it still has none.
Source: issue 6, deliver 4; spec.md E9, X23.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from comptoir.actors.merchants.catalogue import Catalogue
from comptoir.actors.merchants.partner import Match, Partner, Purchase, followed

__all__ = ["FINDINGS_MAX", "Backtest", "Change", "Finding", "Seen", "changed_base"]

FINDINGS_MAX: Final = 1000
"""Findings of a kind that are kept to be told; all are counted."""


class Change(StrEnum):
    """What became of one purchase."""

    GAIN = "gain"
    LOSS = "loss"
    CONFLICT = "conflict"


class Seen(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A purchase, and what was made of it."""

    label: str
    date: str = ""
    mcc: str | None = None
    city: str | None = None
    country: str | None = None
    partner_id: str | None = None
    """None: nobody's; a candidate."""
    claimed: bool = False
    """A claim has found the partner, and not the label."""

    def purchase(self) -> Purchase:
        """What is matched."""
        return Purchase(
            label=self.label,
            mcc=self.mcc or "",
            city=self.city or "",
            on=self.date,
            country=self.country or "",
        )


class Finding(msgspec.Struct, frozen=True):
    """One purchase whose partner changes."""

    change: Change
    seen: Seen
    after: str | None
    trace: tuple[str, ...]


class Backtest:
    """Matches purchases one by one, and counts what changes."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.purchases = 0
        self.candidates = 0
        """Of these, those that were nobody's."""
        self.counts: Counter[Change] = Counter()
        self.by_partner: dict[str, Counter[Change]] = {}
        self.findings: dict[Change, list[Finding]] = {change: [] for change in Change}

    def take(self, seen: Seen) -> None:
        """Match one."""
        match = self._catalogue.match(seen.purchase())
        self.purchases += 1
        self.candidates += seen.partner_id is None
        change = _change(seen, match)
        if change is None:
            return
        after = match.partner.id if match.partner is not None else None
        self.counts[change] += 1
        whose = after if change is Change.GAIN else seen.partner_id
        self.by_partner.setdefault(whose or "", Counter())[change] += 1
        if len(self.findings[change]) < FINDINGS_MAX:
            self.findings[change].append(Finding(change, seen, after, match.trace))

    @property
    def unchanged(self) -> int:
        """Purchases that are whose they were."""
        return self.purchases - self.counts.total()


def _change(seen: Seen, match: Match) -> Change | None:
    after = match.partner.id if match.partner is not None else None
    if match.tie:
        return Change.CONFLICT
    if after == seen.partner_id or (seen.claimed and after is None):
        return None
    if seen.partner_id is None:
        return Change.GAIN
    return Change.LOSS if after is None else Change.CONFLICT


def changed_base(base: Iterable[Partner], words: Iterable[Partner]) -> dict[str, Partner]:
    """The base after these words, as an import would make it, by id."""
    partners = {one.id: one for one in base}
    for given in words:
        before = partners.get(given.id)
        partners[given.id] = given if before is None else followed(before, given)
    return partners

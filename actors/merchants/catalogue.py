"""The partner catalogue: an immutable snapshot in memory, and the rule by which a label matches.

The rule, in this order of weight:

1. A label matches a partner when, both normalised (normalise.py), the label begins with the
   partner's name or one of its patterns at a word boundary (interface.md 4).
2. The label is tried as it stands and again after each prefix that is taken off its front
   (prefixes.py), so `CB CARTE NOIRE` is tried as `cb carte noire`, `carte noire` and `noire`.
3. A name must reach beyond everything taken off: `PAYPAL *FNAC` is never a purchase at a partner
   PayPal, nor `APPLE PAY LIDL` one at Apple. Where nothing is left, the name must be all of it.
4. A name spelled in single characters (`H&M`, `1.2.3`) does not end where the spelling goes on:
   `C A R AUTO` is not C&A.
5. Guards say no, never yes: where the partner names MCCs and the purchase has one, it must be among
   them; where the partner has an agreement in time and the purchase a day, the day must lie in it.
   A partner that a guard refuses is out before names are compared.
6. The longest name wins, counted in letters and digits. Two partners with names of that length: a
   tie, and a tie matches nobody. A wrong partner is worse than none.

7. Beyond that a partner may say more about itself. What follows a name that is a common word must look like
   a shop (tails.py); a label that has one of its `excludes` is another's; a purchase in another country is not its
   own; a store's name counts in the store's town. All of these say no, and never yes.
8. A purchase takes the partner as it was on its day: names, guards, rate and caps (partner.py).

What follows the name (store number, city, card, country) is else never looked at, so it needs no rule.
The city of a partner decides nothing: two shops of one name tie, as interface.md 4 says.

A name of several words is found without its blanks too, since statements lose them: `SUPERC LAVAL`.
A label costs at most (steps + 1) x 2 x (the words of the longest name) look-ups, whatever the number of partners
(index.py).

Source: interface.md 4; issue 2, deliver 4; issue 6, deliver 4; S47, S49, E9; docs/matching.md.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from comptoir.actors.merchants.index import (
    JOINED_WORDS_MAX,
    NAMESAKES_MAX,
    Index,
    Source,
    named_as,
    sources,
)
from comptoir.actors.merchants.normalise import fold, keys, readings, without_card_number, words
from comptoir.actors.merchants.partner import Match, Partner, Purchase
from comptoir.actors.merchants.prefixes import Stripped, strip
from comptoir.actors.merchants.tails import is_a_shops

__all__ = [
    "LABEL_CHARS_MAX",
    "SLICE_PARTNERS",
    "TRACE_STEPS_MAX",
    "Builder",
    "Catalogue",
    "CatalogueStatistics",
]

LABEL_CHARS_MAX: Final = 256
"""Characters of a label that are read. ISO 8583 field 43 has 40; aggregators glue on a second."""
TRACE_STEPS_MAX: Final = 24
"""Bound on a trace: 1 for the label, 8 for prefixes, 6 for refusals, 1 for the verdict, and room."""
SLICE_PARTNERS: Final = 20
"""Partners to give to `Builder.add` between two checkpoints: well under a millisecond."""

RECENT_MAX: Final = 4096
"""Answers remembered, about a kilobyte each: a shop's customers of one day have the same label, and a
snapshot's answer never changes. Forgotten all at once, which costs less than keeping an order."""

_REFUSALS_TOLD: Final = 6
"""Refused partners that a trace names; the rest add nothing to an explanation."""


class CatalogueStatistics(msgspec.Struct, frozen=True):
    """Sizes of one snapshot."""

    version: int
    partners: int
    keys: int


class _Reading(NamedTuple):
    """One way to read a label: its words, and how many of them the prefixes take."""

    words: list[str]
    floor: int


class _Claim(NamedTuple):
    """That a name begins a reading."""

    key: str
    """Its words as the label has them."""
    letters: int
    tail: list[str]
    """What follows them."""
    joined: bool
    """Whether it is the partner's name but for blanks."""


class _Hit(NamedTuple):
    """The longest name of one reading under which an eligible partner stands."""

    claim: _Claim
    partners: Sequence[Partner]
    """As they were on the day; of an overfull key, as they are."""


class Catalogue:
    """An immutable snapshot of all partners, published under a version (design.md 2)."""

    __slots__ = ("_index", "_recent", "version")

    def __init__(self, version: int, index: Index) -> None:
        self.version = version
        self._index = index
        self._recent: dict[Purchase, Match] = {}

    def __repr__(self) -> str:
        return f"<Catalogue version={self.version} partners={self._index.size}>"

    def __len__(self) -> int:
        return self._index.size

    def get(self, partner_id: str) -> Partner | None:
        """The partner with this id, or None."""
        return self._index.partner(partner_id)

    def statistics(self) -> CatalogueStatistics:
        """Count partners and keys; walks the shards, a few microseconds."""
        return CatalogueStatistics(self.version, self._index.size, self._index.count_keys())

    def match(self, purchase: Purchase) -> Match:
        """Find the partner of a purchase by the rule at the top of this page.

        Returns:
            The partner or None, and the trace. A function of the purchase and of the partners
            only: the order in which partners were added changes nothing but the trace's order.
        """
        known = self._recent.get(purchase)
        if known is None:
            known = self._find(purchase)
            if len(self._recent) >= RECENT_MAX:
                self._recent.clear()
            self._recent[purchase] = known
        return known

    def _find(self, purchase: Purchase) -> Match:
        folded = fold(purchase.label[:LABEL_CHARS_MAX])
        stripped = strip(folded, _folded_town(purchase.city) if purchase.city else None)
        label_readings = _label_readings(stripped)
        trace = [f"label reads: {_told(words(folded))}"]
        trace += [f"taken off, {step.kind}: {_told(step.words)}" for step in stripped.steps]
        hits: list[_Hit] = []
        refusals: list[str] = []
        for reading in label_readings:
            hit = self._longest(reading, purchase, refusals)
            if hit is not None:
                hits.append(hit)
        trace += refusals[:_REFUSALS_TOLD]
        match = _verdict(hits, trace)
        likely = match.partner is not None or self._is_likely(label_readings, purchase)
        return msgspec.structs.replace(match, candidate=likely)

    def _is_likely(self, label_readings: list[_Reading], purchase: Purchase) -> bool:
        """Whether a purchase that matched nobody looked like a partner's (X22)."""
        if purchase.mcc in self._index.mccs:
            return True
        heads = (reading.words[0] for reading in label_readings)
        return any(self._index.longest(head) for head in heads)

    def _longest(self, reading: _Reading, purchase: Purchase, refusals: list[str]) -> _Hit | None:
        """The longest name that begins a reading and whose partner takes the purchase."""
        found_words, floor = reading
        index, there = self._index, len(found_words)
        whole = min(index.longest(found_words[0]), there)
        joined = index.joins("".join(found_words[:JOINED_WORDS_MAX]))
        most = max(whole, min(JOINED_WORDS_MAX, there)) if joined else whole
        for count in range(most, floor, -1):
            begun = found_words[:count]
            if count <= whole and (partners := index.under(" ".join(begun))):
                claim = _Claim(
                    " ".join(begun), len("".join(begun)), found_words[count:], joined=False
                )
                if hit := _hit(claim, partners, purchase, refusals):
                    return hit
            if (
                joined
                and count <= JOINED_WORDS_MAX
                and (partners := index.under_joined("".join(begun)))
            ):
                claim = _Claim(
                    " ".join(begun), len("".join(begun)), found_words[count:], joined=True
                )
                if hit := _hit(claim, partners, purchase, refusals):
                    return hit
        return None


class Builder:
    """Makes a catalogue in slices, so that a loop can breathe between them.

    Usage: `add` a slice of about `SLICE_PARTNERS`, checkpoint, go on; then `build`, which only
    hands over what was built and leaves the builder spent.
    """

    __slots__ = ("_index", "_version")

    def __init__(self, version: int) -> None:
        self._version = version
        self._index: Index | None = Index()

    def add(self, partners: Iterable[Partner]) -> None:
        """Index some more partners.

        Raises:
            ValueError: an id that was added before.
            RuntimeError: the catalogue was built already.
        """
        index = self._open()
        for partner in partners:
            index.add(partner)

    def build(self) -> Catalogue:
        """Hand over the catalogue; constant time.

        Raises:
            RuntimeError: the catalogue was built already.
        """
        index = self._open()
        self._index = None
        return Catalogue(self._version, index)

    def _open(self) -> Index:
        if self._index is None:
            raise RuntimeError("this builder has handed over its catalogue")
        return self._index


def _told(found_words: Iterable[str]) -> str:
    """The words as a trace may keep them: without a number as long as a card's (S58)."""
    return without_card_number(" ".join(found_words))


@lru_cache(maxsize=4096)
def _folded_town(city: str) -> str:
    """Towns are few, and the same ones come again."""
    return fold(city)


def _label_readings(stripped: Stripped) -> list[_Reading]:
    """Every reading of a label from every step; empty for a label without a word."""
    tails = readings(stripped.rest)
    result: list[_Reading] = []
    all_taken: list[list[str]] = [[]]  # from the last step to the first: none is gathered twice
    for step in reversed(stripped.steps):
        all_taken.append([*step.words, *all_taken[-1]])
    for taken in reversed(all_taken):
        for tail in tails:
            if tail:
                result.append(_Reading(taken + tail, len(taken)))
            elif taken:  # nothing is left: only a name that is all of it may match
                result.append(_Reading(taken, len(taken) - 1))
    return result


def _hit(
    claim: _Claim, partners: Sequence[Partner], purchase: Purchase, refusals: list[str]
) -> _Hit | None:
    """The partners under a name that take the purchase; None: there is none."""
    if refused := _breaks_spelling(claim):
        refusals.append(refused)
        return None
    if len(partners) > NAMESAKES_MAX:
        return _Hit(claim, partners)
    found = [_admitted(one, claim, purchase, refusals) for one in partners]
    eligible = [period for period in found if period is not None]
    return _Hit(claim, eligible) if eligible else None


def _breaks_spelling(claim: _Claim) -> str | None:
    spelled = len(claim.key) == 2 * claim.letters - 1
    if spelled and claim.tail and len(claim.tail[0]) == 1:
        return f"refused '{claim.key}': the label goes on spelling '{claim.tail[0]}'"
    return None


def _admitted(
    partner: Partner, claim: _Claim, purchase: Purchase, refusals: list[str]
) -> Partner | None:
    """The partner as it was on the day, if its guards let the purchase pass; a refusal is told once."""
    period = partner.on(purchase.on)
    cities: tuple[str, ...] = ()
    if (
        partner.earlier or partner.stores
    ):  # else it stands under the key by a name of its own, on every day
        source = _source_of(period, claim)
        if source is None:
            return None
        cities = source.cities
    refused = _refusal(period, cities, claim, purchase)
    if refused is None:
        return period
    told = f"refused {partner.id}: {refused}"
    if told not in refusals and len(refusals) < _REFUSALS_TOLD:
        refusals.append(told)
    return None


def _source_of(period: Partner, claim: _Claim) -> Source | None:
    """Why it stands under this key; None: on that day it did not."""
    named = sources(period)
    if not claim.joined:
        return named.get(claim.key)
    letters = claim.key.replace(" ", "")
    return next((one for key, one in named.items() if key.replace(" ", "") == letters), None)


def _kind_of_name(period: Partner, claim: _Claim) -> str:
    """What the name is by which it won: `name`, `trade name`, `pattern` or `store`."""
    if not (period.trade_names or period.patterns or period.stores):
        return "name"
    letters = claim.key.replace(" ", "")
    for text, what, _ in named_as(period):
        for key in keys(text):
            if key == claim.key or (claim.joined and key.replace(" ", "") == letters):
                return what
    return "name"


def _refusal(
    period: Partner, cities: tuple[str, ...], claim: _Claim, purchase: Purchase
) -> str | None:
    """The guard that says no, in words; None: none does."""
    if period.mcc and purchase.mcc and purchase.mcc not in period.mcc:
        return f"mcc {purchase.mcc} is not one of its own"
    if purchase.on and period.valid_from and purchase.on < period.valid_from:
        return f"not valid before {period.valid_from}"
    if purchase.on and period.valid_to and purchase.on > period.valid_to:
        return f"not valid after {period.valid_to}"
    if period.country and _is_abroad(purchase.country, period.country):
        return f"it is in {period.country}, the purchase in another country"
    if cities and not any(_is_there(city, claim, purchase) for city in cities):
        return f"'{claim.key}' is a store of its own in another town"
    if period.excludes and (other := _excluded(period.excludes, claim)):
        return f"'{other}' is somebody else"
    if period.common_name and not is_a_shops(claim.tail, words(fold(purchase.city))):
        return f"its name is a common one, and '{_told(claim.tail[:1])}' goes on with another"
    return None


def _is_abroad(told: str, own: str) -> bool:
    """Whether a purchase is told to be in another country; providers write other things there as well."""
    return len(told) == len(own) and told.upper() != own


def _is_there(city: str, claim: _Claim, purchase: Purchase) -> bool:
    """Whether the purchase is in this town, by what is told of it or by the end of its label."""
    if not city:
        return True
    wanted = words(fold(city))
    if purchase.city and words(fold(purchase.city)) == wanted:
        return True
    return f" {' '.join(wanted)} " in f" {' '.join(claim.tail)} "


@lru_cache(maxsize=4096)
def _keys_of_all(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for name in names for key in keys(name))


def _excluded(excludes: tuple[str, ...], claim: _Claim) -> str | None:
    """The name of somebody else that the label has, from the partner's own on."""
    shown = f" {claim.key} {' '.join(claim.tail)} "
    return next((key for key in _keys_of_all(excludes) if f" {key} " in shown), None)


def _verdict(hits: list[_Hit], trace: list[str]) -> Match:
    if not hits:
        return Match(None, (*trace, "no partner's name begins the label"))
    most = max(hit.claim.letters for hit in hits)
    best = [hit for hit in hits if hit.claim.letters == most]
    names = {partner.id: partner for hit in best for partner in hit.partners}
    key = best[0].claim.key
    for loser in (hit for hit in hits if hit.claim.letters < most):
        others = [one.id for one in loser.partners if one.id not in names]
        if others and len(trace) < TRACE_STEPS_MAX - 1:
            trace.append(f"shorter name '{loser.claim.key}': not {others[0]}")
    if len(names) > 1:
        told = ", ".join(sorted(names)[:_REFUSALS_TOLD])
        return Match(None, (*trace, f"tie at '{key}' between {told}: nobody"), tie=True)
    (partner,) = names.values()
    what = _kind_of_name(partner, best[0].claim)
    since = f" as of {partner.valid_from}" if partner.valid_from else ""
    return Match(partner, (*trace, f"longest {what} '{key}': partner {partner.id}{since}"))

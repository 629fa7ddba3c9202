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

What follows the name (store number, city, card, country) is never looked at, so it needs no rule.
The city of a partner decides nothing: two shops of one name tie, as interface.md 4 says.

Shape: a dict from key (words joined by a blank) to its partners, and one from first word to the
number of words of its longest key. A label costs at most (steps + 1) x 2 x (that number) look-ups,
whatever the number of partners. Both are split into shards, because one large dict copies itself
when it grows and would hold the loop for milliseconds (design.md 2).

Source: interface.md 4; issue 2, deliver 4; S47, S49, E9.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from comptoir.actors.merchants.normalise import fold, keys, readings
from comptoir.actors.merchants.partner import Match, Partner, Purchase
from comptoir.actors.merchants.prefixes import Stripped, strip

__all__ = [
    "LABEL_CHARS_MAX",
    "NAMESAKES_MAX",
    "SLICE_PARTNERS",
    "TRACE_STEPS_MAX",
    "Builder",
    "Catalogue",
    "CatalogueStatistics",
]

LABEL_CHARS_MAX: Final = 256
"""Characters of a label that are read. ISO 8583 field 43 has 40; aggregators glue on a second."""
NAME_WORDS_MAX: Final = 32
"""Words of a name that can match; a name of more is beyond any statement line and is left out."""
NAMESAKES_MAX: Final = 32
"""Partners under one key that are still told apart by guards; more of them are a tie at once, so
that a purchase costs the same in a catalogue full of one name."""
TRACE_STEPS_MAX: Final = 24
"""Bound on a trace: 1 for the label, 8 for prefixes, 6 for refusals, 1 for the verdict, and room."""
SLICE_PARTNERS: Final = 32
"""Partners to give to `Builder.add` between two checkpoints: well under a millisecond."""

RECENT_MAX: Final = 4096
"""Answers remembered, about a kilobyte each: a shop's customers of one day have the same label, and a
snapshot's answer never changes. Forgotten all at once, which costs less than keeping an order."""

_SHARDS: Final = 256
"""Each holds about 800 keys of 100,000 partners; growing one takes some 20 microseconds."""
_REFUSALS_TOLD: Final = 6
"""Refused partners that a trace names; the rest add nothing to an explanation."""

_CARD_NUMBER: Final = re.compile(r"[0-9](?: ?[0-9]){11,}")
"""Twelve digits or more in a row, blanks between them allowed: what may be a whole card number."""

_Shard = dict[str, Partner | tuple[Partner, ...]]
"""A lone partner stands bare: 100,000 tuples would make the garbage collector walk everything in the
middle of a slice (measured: 8 ms)."""


class CatalogueStatistics(msgspec.Struct, frozen=True):
    """Sizes of one snapshot."""

    version: int
    partners: int
    keys: int


class _Reading(NamedTuple):
    """One way to read a label: its words, and how many of them the prefixes take."""

    words: list[str]
    floor: int


class _Hit(NamedTuple):
    """The longest key of one reading under which an eligible partner stands."""

    key: str
    letters: int
    partners: Sequence[Partner]


class _Index:
    """The sharded dicts; grown by `Builder`, read by `Catalogue`."""

    __slots__ = ("heads", "ids", "keys", "mccs", "size")

    def __init__(self) -> None:
        self.keys: list[_Shard] = [{} for _ in range(_SHARDS)]
        self.heads: list[dict[str, int]] = [{} for _ in range(_SHARDS)]
        self.ids: list[dict[str, Partner]] = [{} for _ in range(_SHARDS)]
        self.mccs: set[str] = set()
        self.size = 0

    def add(self, partner: Partner) -> None:
        ids = self.ids[hash(partner.id) % _SHARDS]
        if partner.id in ids:
            raise ValueError(f"partner {partner.id} is in the catalogue already")
        ids[partner.id] = partner
        self.size += 1
        self.mccs.update(partner.mcc)
        for name in (partner.name, *partner.patterns):
            for key in keys(name):
                self._add_key(key, partner)

    def _add_key(self, key: str, partner: Partner) -> None:
        count = key.count(" ") + 1
        if count > NAME_WORDS_MAX:
            return
        shard = self.keys[hash(key) % _SHARDS]
        present = shard.get(key)
        if present is None:
            shard[key] = partner
        elif not isinstance(present, tuple):
            shard[key] = present if present is partner else (present, partner)
        # One more than the bound marks the key as overfull. A partner may name itself twice, in a
        # row, because its keys are added together.
        elif len(present) <= NAMESAKES_MAX and present[-1] is not partner:
            shard[key] = (*present, partner)
        head = key.partition(" ")[0]
        heads = self.heads[hash(head) % _SHARDS]
        if heads.get(head, 0) < count:
            heads[head] = count


class Catalogue:
    """An immutable snapshot of all partners, published under a version (design.md 2)."""

    __slots__ = ("_index", "_recent", "version")

    def __init__(self, version: int, index: _Index) -> None:
        self.version = version
        self._index = index
        self._recent: dict[Purchase, Match] = {}

    def __repr__(self) -> str:
        return f"<Catalogue version={self.version} partners={self._index.size}>"

    def __len__(self) -> int:
        return self._index.size

    def get(self, partner_id: str) -> Partner | None:
        """The partner with this id, or None."""
        return self._index.ids[hash(partner_id) % _SHARDS].get(partner_id)

    def statistics(self) -> CatalogueStatistics:
        """Count partners and keys; walks the shards, a few microseconds."""
        held = sum(map(len, self._index.keys))
        return CatalogueStatistics(self.version, self._index.size, held)

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
        stripped = strip(folded, fold(purchase.city) if purchase.city else None)
        trace = [f"label reads: {_told(readings(folded)[0])}"]
        trace += [f"taken off, {step.kind}: {_told(step.words)}" for step in stripped.steps]
        best: list[_Hit] = []
        refusals: list[str] = []
        for reading in _label_readings(stripped):
            hit = self._longest(reading, purchase, refusals)
            if hit is None or (best and hit.letters < best[0].letters):
                continue
            if best and hit.letters > best[0].letters:
                best.clear()
            best.append(hit)
        trace += refusals[:_REFUSALS_TOLD]
        match = _verdict(best, trace)
        likely = match.partner is not None or self._is_likely(stripped, purchase)
        return msgspec.structs.replace(match, candidate=likely)

    def _is_likely(self, stripped: Stripped, purchase: Purchase) -> bool:
        """Whether a purchase that matched nobody looked like a partner's (X22)."""
        if purchase.mcc in self._index.mccs:
            return True
        heads = (reading.words[0] for reading in _label_readings(stripped))
        return any(head in self._index.heads[hash(head) % _SHARDS] for head in heads)

    def _longest(self, reading: _Reading, purchase: Purchase, refusals: list[str]) -> _Hit | None:
        found_words, floor = reading
        head = found_words[0]
        most = min(self._index.heads[hash(head) % _SHARDS].get(head, 0), len(found_words))
        for count in range(most, floor, -1):
            key = " ".join(found_words[:count])
            present = self._index.keys[hash(key) % _SHARDS].get(key)
            if present is None:
                continue
            if refused := _breaks_spelling(found_words, count, key):
                refusals.append(refused)
                continue
            namesakes = present if isinstance(present, tuple) else (present,)
            if len(namesakes) > NAMESAKES_MAX:
                return _Hit(key, len(key) - count + 1, namesakes)
            eligible = [one for one in namesakes if _admits(one, purchase, refusals)]
            if eligible:
                return _Hit(key, len(key) - count + 1, eligible)
        return None


class Builder:
    """Makes a catalogue in slices, so that a loop can breathe between them.

    Usage: `add` a slice of about `SLICE_PARTNERS`, checkpoint, go on; then `build`, which only
    hands over what was built and leaves the builder spent.
    """

    __slots__ = ("_index", "_version")

    def __init__(self, version: int) -> None:
        self._version = version
        self._index: _Index | None = _Index()

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

    def _open(self) -> _Index:
        if self._index is None:
            raise RuntimeError("this builder has handed over its catalogue")
        return self._index


def _told(found_words: Iterable[str]) -> str:
    """The words as a trace may keep them: without a number as long as a card's (S58)."""
    return _CARD_NUMBER.sub("(number)", " ".join(found_words))


def _label_readings(stripped: Stripped) -> list[_Reading]:
    """Every reading of a label from every step; empty for a label without a word."""
    tails = readings(stripped.rest)
    result: list[_Reading] = []
    for first in range(len(stripped.steps) + 1):
        taken = [word for step in stripped.steps[first:] for word in step.words]
        for tail in tails:
            if tail:
                result.append(_Reading(taken + tail, len(taken)))
            elif taken:  # nothing is left: only a name that is all of it may match
                result.append(_Reading(taken, len(taken) - 1))
    return result


def _breaks_spelling(found_words: list[str], count: int, key: str) -> str | None:
    if len(key) == 2 * count - 1 and count < len(found_words) and len(found_words[count]) == 1:
        return f"refused '{key}': the label goes on spelling '{found_words[count]}'"
    return None


def _admits(partner: Partner, purchase: Purchase, refusals: list[str]) -> bool:
    """Whether the partner's guards let the purchase pass; a refusal is told once."""
    refused = None
    if partner.mcc and purchase.mcc and purchase.mcc not in partner.mcc:
        refused = f"refused {partner.id}: mcc {purchase.mcc} is not one of its own"
    elif purchase.on and partner.valid_from and purchase.on < partner.valid_from:
        refused = f"refused {partner.id}: not valid before {partner.valid_from}"
    elif purchase.on and partner.valid_to and purchase.on > partner.valid_to:
        refused = f"refused {partner.id}: not valid after {partner.valid_to}"
    if refused is None:
        return True
    if refused not in refusals and len(refusals) < _REFUSALS_TOLD:
        refusals.append(refused)
    return False


def _verdict(best: list[_Hit], trace: list[str]) -> Match:
    if not best:
        return Match(None, (*trace, "no partner's name begins the label"))
    names = {partner.id: partner for hit in best for partner in hit.partners}
    key = best[0].key
    if len(names) > 1:
        told = ", ".join(sorted(names)[:_REFUSALS_TOLD])
        return Match(None, (*trace, f"tie at '{key}' between {told}: nobody"))
    (partner,) = names.values()
    return Match(partner, (*trace, f"longest name '{key}': partner {partner.id}"))

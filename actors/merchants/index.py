"""The catalogue's shelves: from a key to the partners that have it.

Shape: a dict from key (words joined by a blank) to its partners, and one from first word to the
number of words of its longest key; beside them one from the letters of a name of several words, because
statements lose blanks (`CARREFOURMARKET`). All are split into shards, because one large dict copies itself
when it grows and would hold the loop for milliseconds (design.md 2).
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from comptoir.actors.merchants.normalise import keys
from comptoir.actors.merchants.partner import Partner

__all__ = [
    "JOINED_WORDS_MAX",
    "NAMESAKES_MAX",
    "NAME_WORDS_MAX",
    "Index",
    "Source",
    "named_as",
    "sources",
]

NAME_WORDS_MAX: Final = 32
"""Words of a name that can match; a name of more is beyond any statement line and is left out."""
NAMESAKES_MAX: Final = 32
"""Partners under one key that are still told apart by guards; more of them are a tie at once, so
that a purchase costs the same in a catalogue full of one name."""
JOINED_WORDS_MAX: Final = 4
"""Words of a name that may have lost its blanks, and of a label that may be such a name."""
JOINED_LETTERS_MIN: Final = 6
"""Letters of a name that is found without its blanks: `C&A` is not `CA`, `1.2.3` not `123`."""

_SHARDS: Final = 256
"""Each holds about 800 keys of 100,000 partners; growing one takes some 20 microseconds."""

_Shard = dict[str, Partner | tuple[Partner, ...]]
"""A lone partner stands bare: 100,000 tuples would make the garbage collector walk everything in the
middle of a slice (measured: 8 ms)."""


class Source(NamedTuple):
    """Why a partner stands under a key."""

    what: str
    """`name`, `trade name`, `pattern` or `store`."""
    cities: tuple[str, ...] = ()
    """Of a store's name: where one is; with an empty one: anywhere."""


def named_as(partner: Partner) -> Iterator[tuple[str, str, str]]:
    """What it is called, (text, what, city), that which counts most first."""
    yield partner.name, "name", ""
    for text in partner.trade_names:
        yield text, "trade name", ""
    for text in partner.patterns:
        yield text, "pattern", ""
    for store in partner.stores:
        yield store.name, "store", store.city


@lru_cache(maxsize=512)  # of those with stores or periods that purchases of the day meet
def sources(period: Partner) -> dict[str, Source]:
    """The keys of one period, and why it has each."""
    found: dict[str, Source] = {}
    for text, what, city in named_as(period):
        for key in keys(text):
            known = found.get(key)
            if known is None:
                found[key] = Source(what, (city,) if what == "store" else ())
            elif known.what == what == "store":
                found[key] = Source(what, (*known.cities, city))
    return found


class Index:
    """The sharded dicts; grown by `Builder`, read by `Catalogue`."""

    __slots__ = ("_heads", "_ids", "_joined", "_joined_heads", "_keys", "mccs", "size")

    def __init__(self) -> None:
        self._keys: list[_Shard] = [{} for _ in range(_SHARDS)]
        self._joined: list[_Shard] = [{} for _ in range(_SHARDS)]
        self._joined_heads: list[set[str]] = [set() for _ in range(_SHARDS)]
        self._heads: list[dict[str, int]] = [{} for _ in range(_SHARDS)]
        self._ids: list[dict[str, Partner]] = [{} for _ in range(_SHARDS)]
        self.mccs: set[str] = set()
        self.size = 0

    def add(self, partner: Partner) -> None:
        """Put a partner on its shelves.

        Raises:
            ValueError: one of this id is there.
        """
        ids = self._ids[hash(partner.id) % _SHARDS]
        if partner.id in ids:
            raise ValueError(f"partner {partner.id} is in the catalogue already")
        ids[partner.id] = partner
        self.size += 1
        self.mccs.update(partner.mcc)
        for period in (partner, *partner.earlier):
            for text in (period.name, *period.trade_names, *period.patterns):
                self._add_name(text, partner)
            for store in period.stores:
                self._add_name(store.name, partner)

    def _add_name(self, text: str, partner: Partner) -> None:
        for key in keys(text):
            count = key.count(" ") + 1
            if count > NAME_WORDS_MAX:
                continue
            _shelve(self._keys[hash(key) % _SHARDS], key, partner)
            head = key.partition(" ")[0]
            heads = self._heads[hash(head) % _SHARDS]
            if heads.get(head, 0) < count:
                heads[head] = count
            if 1 < count <= JOINED_WORDS_MAX and len(key) - count + 1 >= JOINED_LETTERS_MIN:
                letters = key.replace(" ", "")
                _shelve(self._joined[hash(letters) % _SHARDS], letters, partner)
                begin = letters[:JOINED_LETTERS_MIN]
                self._joined_heads[hash(begin) % _SHARDS].add(begin)

    def partner(self, partner_id: str) -> Partner | None:
        """That of an id."""
        return self._ids[hash(partner_id) % _SHARDS].get(partner_id)

    def longest(self, head: str) -> int:
        """Words of the longest key that begins with this word; 0: none does."""
        return self._heads[hash(head) % _SHARDS].get(head, 0)

    def under(self, key: str) -> Sequence[Partner]:
        """The partners under a key."""
        present = self._keys[hash(key) % _SHARDS].get(key)
        if present is None:
            return ()
        return present if isinstance(present, tuple) else (present,)

    def under_joined(self, letters: str) -> Sequence[Partner]:
        """Those of whose names these are the letters, without the blanks."""
        present = self._joined[hash(letters) % _SHARDS].get(letters)
        if present is None:
            return ()
        return present if isinstance(present, tuple) else (present,)

    def joins(self, letters: str) -> bool:
        """Whether some name without its blanks may begin these letters; for most labels none does."""
        begin = letters[:JOINED_LETTERS_MIN]
        return begin in self._joined_heads[hash(begin) % _SHARDS]

    def count_keys(self) -> int:
        """How many keys there are."""
        return sum(map(len, self._keys))


def _shelve(shard: _Shard, key: str, partner: Partner) -> None:
    present = shard.get(key)
    if present is None:
        shard[key] = partner
    elif not isinstance(present, tuple):
        shard[key] = present if present is partner else (present, partner)
    # One more than the bound marks the key as overfull. A partner may name itself twice, in a
    # row, because its keys are added together.
    elif len(present) <= NAMESAKES_MAX and present[-1] is not partner:
        shard[key] = (*present, partner)

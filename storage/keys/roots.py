"""The roots: the few keys that everything hangs on, each wrapped by the provider for its own purpose.

- `wrap`: wraps the data keys, in this process, so that a person's key costs no call of a key service;
- `once`: digests of `once` keys; a generation digests the digest of the one before it, so that rows can
  move to a new generation without what was digested (docs/keys.md);
- `index`: blind indexes (X15); of each generation some are addresses, which never change, so all are kept;
- `subject`: the digests by which the store knows persons, chained over generations as those of `once`;
- `master`: keys of format 1, which open what was sealed before there was a store.

Rule: a root is wrapped for the context `comptoir|STORE|PURPOSE|GENERATION`, so none can be taken for
another's. Source: design.md 7; spec.md X14, X15.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from comptoir.storage.keys.data_key import KEY_BYTES
from comptoir.storage.keys.ports import KeyProvider
from comptoir.storage.keys.store import RootRow
from comptoir.storage.vault import derive_mac_keys

__all__ = [
    "INDEX",
    "MASTER",
    "ONCE",
    "SUBJECT",
    "WRAP",
    "Roots",
    "first_roots",
    "now_ms",
    "unwrap_roots",
    "wrap_root",
]

WRAP: Final = "wrap"
ONCE: Final = "once"
INDEX: Final = "index"
SUBJECT: Final = "subject"
MASTER: Final = "master"

Roots = dict[str, dict[int, bytes]]
"""purpose -> generation -> 32 bytes."""


def now_ms() -> int:
    """Wall time, for people: nothing is decided by it."""
    return time.time_ns() // 1_000_000


def _context(store: bytes, purpose: str, generation: int) -> str:
    return f"comptoir|{store.hex()}|{purpose}|{generation}"


async def wrap_root(
    provider: KeyProvider, store: bytes, purpose: str, generation: int, secret: bytes
) -> RootRow:
    """One root, wrapped by the KEK that is current."""
    wrapped = await provider.wrap(secret, _context(store, purpose, generation))
    return RootRow(purpose, generation, provider.name, wrapped, now_ms())


async def unwrap_roots(
    providers: Mapping[str, KeyProvider], store: bytes, rows: Iterable[RootRow]
) -> Roots:
    """All roots in clear."""
    found: Roots = defaultdict(dict)
    for row in rows:
        context = _context(store, row.purpose, row.generation)
        found[row.purpose][row.generation] = await providers[row.provider].unwrap(
            row.wrapped, context
        )
    return dict(found)


async def first_roots(
    provider: KeyProvider, store: bytes, masters: Mapping[str, bytes]
) -> list[RootRow]:
    """The roots of a new store.

    Args:
        provider: wraps them.
        store: its identity.
        masters: keys of format 1 whose values are to be opened, by name; the digests stay what they
            were under the first of them. None: all roots are drawn.
    """
    made: list[tuple[str, int, bytes]] = [
        (WRAP, 1, os.urandom(KEY_BYTES)),
        (SUBJECT, 1, os.urandom(KEY_BYTES)),
    ]
    if masters:
        numbers = {int(name[1:]): key for name, key in masters.items()}
        once, index = derive_mac_keys(numbers[min(numbers)])
        made += [(MASTER, number, key) for number, key in numbers.items()]
    else:
        once, index = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
    made += [(ONCE, 1, once), (INDEX, 1, index)]
    return [await wrap_root(provider, store, *one) for one in made]

"""What a person's word on a hit is of, and what has become otherwise since (E4).

The rules:
- a word is of what was known: a fingerprint over the entry's facts and the client's. While both say the same, a hit
  that was judged stays silent, through any number of new versions of the list;
- it speaks again when either says something else, and tells what: which names, dates, countries or topics came, and
  which went. A change of the order in which a list writes its names is none.
Source: spec.md E4.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import msgspec

from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject

__all__ = ["Difference", "Facts", "Said", "differences", "fingerprint_of", "said_of"]

NAMES_MAX: Final = 500
"""Kept of an entry with a word: twice as many as anybody on a list of today has. The fingerprint is over all."""


class Facts(msgspec.Struct, frozen=True):
    """What one side says, each once and in its order by value."""

    names: tuple[str, ...] = ()
    birth_dates: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    gender: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


class Said(msgspec.Struct, frozen=True):
    """What both sides say of a hit: what a person judges, and is shown the difference from later."""

    entry: Facts
    client: Facts


class Difference(msgspec.Struct, frozen=True):
    """What is said now and was not, or was and is not any more."""

    side: str
    """`entry` or `client`."""
    what: str
    """Which of their facts, by its name in `Facts`."""
    came: tuple[str, ...]
    went: tuple[str, ...]


def said_of(entry: Entry, client: Subject) -> Said:
    """What both say, as it is kept."""
    facts = _of_entry(entry)
    kept = msgspec.structs.replace(facts, names=facts.names[:NAMES_MAX])
    return Said(kept, _of_client(client))


def fingerprint_of(entry: Entry, client: Subject) -> str:
    """SHA-256 over what both sides say, in hexadecimal: what a clearance is of."""
    return _fingerprint(_of_entry(entry), _of_client(client))


def differences(before: Said, now: Said) -> tuple[Difference, ...]:
    """What is otherwise than it was; empty where nothing is."""
    return (
        *_compared("entry", before.entry, now.entry),
        *_compared("client", before.client, now.client),
    )


def _compared(side: str, before: Facts, after: Facts) -> Iterator[Difference]:
    for what in Facts.__struct_fields__:
        old, new = set(getattr(before, what)), set(getattr(after, what))
        if old != new:
            yield Difference(side, what, tuple(sorted(new - old)), tuple(sorted(old - new)))


def _of_entry(entry: Entry) -> Facts:
    return Facts(
        tuple(sorted(set(entry.names))),
        tuple(sorted(set(entry.birth_dates))),
        tuple(sorted(set(entry.countries))),
        (entry.gender,) if entry.gender else (),
        tuple(sorted(set(entry.topics))),
    )


def _of_client(client: Subject) -> Facts:
    return Facts(
        tuple(sorted(set(client.names))),
        tuple(sorted(set(client.birth_dates))),
        tuple(sorted(client.countries)),
        (client.gender,) if client.gender else (),
    )


def _fingerprint(entry: Facts, client: Facts) -> str:
    return sha256(msgspec.json.encode([entry, client])).hexdigest()

"""Hits that a person has cleared, and when they are to be looked at again (E4).

The rules:
- a clearance is of what was known: a fingerprint over the entry's facts and the client's. While both say the same, a
  hit that is cleared stays silent, through any number of new versions of the list;
- it speaks again when either says something else, and tells what: which names, dates, countries or topics came, and
  which went. A change of the order in which a list writes its names is none;
- a hit of another entry is another hit, and a clearance is of one list's entry: nobody clears a name.
Source: spec.md E4.
"""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Final

import msgspec

from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Hit

__all__ = [
    "Clearance",
    "Difference",
    "OpenHit",
    "Word",
    "changed_entries",
    "clear",
    "differences",
    "fingerprint_of",
    "open_hits",
]


class Facts(msgspec.Struct, frozen=True):
    """What one side says, each once and in its order by value."""

    names: tuple[str, ...]
    birth_dates: tuple[str, ...]
    countries: tuple[str, ...]
    gender: tuple[str, ...]
    topics: tuple[str, ...] = ()


class Clearance(msgspec.Struct, frozen=True):
    """That a person has said: this entry is not this client."""

    list: str
    entry_id: str
    entry: Facts
    client: Facts
    fingerprint: str
    by: str
    at_ms: int
    reason: str


class Word(msgspec.Struct, frozen=True):
    """Who cleared it, when and why."""

    by: str
    at_ms: int
    reason: str


class Difference(msgspec.Struct, frozen=True):
    """What is said now and was not, or was and is not any more."""

    side: str
    """`entry` or `client`."""
    what: str
    came: tuple[str, ...]
    went: tuple[str, ...]


class OpenHit(msgspec.Struct, frozen=True):
    """A hit that a person has to judge."""

    list: str
    hit: Hit
    since: tuple[Difference, ...]
    """What changed since it was cleared; empty where it never was."""


REASON_CHARS_MAX: Final = 2_000


def clear(list_name: str, hit: Hit, client: Subject, word: Word) -> Clearance:
    """What is kept of a clearance.

    Raises:
        ValueError: it gives no reason, or a book.
    """
    if not 0 < len(word.reason.strip()) <= REASON_CHARS_MAX:
        raise ValueError(f"a clearance has a reason of 1 to {REASON_CHARS_MAX} characters")
    entry, facts = _of_entry(hit.entry), _of_client(client)
    return Clearance(
        list_name, hit.entry.id, entry, facts, _fingerprint(entry, facts), word.by, word.at_ms, word.reason
    )  # fmt: skip


def open_hits(
    list_name: str,
    hits: Iterable[Hit],
    client: Subject,
    cleared: Mapping[tuple[str, str], Clearance],
) -> Iterator[OpenHit]:
    """The hits that are to be judged, for a person, or again.

    Args:
        list_name: of the list that was searched.
        hits: what was found.
        client: as it is known now.
        cleared: (list, entry) -> what was cleared of this client.
    """
    for hit in hits:
        clearance = cleared.get((list_name, hit.entry.id))
        if clearance is None:
            yield OpenHit(list_name, hit, ())
        elif changes := differences(clearance, hit.entry, client):
            yield OpenHit(list_name, hit, changes)


def differences(clearance: Clearance, entry: Entry, client: Subject) -> tuple[Difference, ...]:
    """What is otherwise than when it was cleared; empty where nothing is."""
    now_entry, now_client = _of_entry(entry), _of_client(client)
    if _fingerprint(now_entry, now_client) == clearance.fingerprint:
        return ()
    return (
        *_compared("entry", clearance.entry, now_entry),
        *_compared("client", clearance.client, now_client),
    )


def fingerprint_of(entry: Entry, client: Subject) -> str:
    """SHA-256 over what both sides say, in hexadecimal: what a clearance is of."""
    return _fingerprint(_of_entry(entry), _of_client(client))


def changed_entries(before: Iterable[Entry], after: Iterable[Entry]) -> Iterator[Entry]:
    """The entries of a new version that the old one did not have, or not so.

    A client that was screened against the old version is to be screened against these alone: what is not among them
    says what it said.
    """
    known = {entry.digest for entry in before}
    return (entry for entry in after if entry.digest not in known)


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

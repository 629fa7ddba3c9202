"""A list's candidate index: built once per version, opened by mapping it, searched in milliseconds.

The rules:
- the file is arrays in the machine's order: sorted keys, where each key's names begin, the names, and the entries.
  Opening maps it and reads a header; memory is the system's, shared by all who map the same file;
- it is written beside its place and moved there when it is whole, so no half-built index is ever opened;
- a search is candidates first (names that share keys, the most shared first), then the matcher on at most
  `COMPARED_MAX` of them: what it answers is the matcher's word, with its explanation;
- memory while building is bounded by the postings, eight bytes each, parted into 256 by the key's first byte.
Source: issue 8, deliver 3 ("a million names on this machine").
"""

import mmap
import os
import sys
import tempfile
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Literal

import msgspec

from comptoir.actors.screening.entries import Entry, version_of
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.keys import keys_of, pair_keys, single_keys
from comptoir.actors.screening.matching import MATCH_FROM, match
from comptoir.actors.screening.names import PERSONS, parse_name

__all__ = ["Header", "Hit", "Index", "IndexInvalid", "build_index"]

MAGIC: Final = b"COMPTOIR-LIST-1\n"
ALIGN: Final = 8
PARTS: Final = 256
COMPARED_MAX: Final = 32
"""At some 60 microseconds each: the most of a search's time, and where the p99 comes from."""
SHORTLISTED_MAX: Final = 200
"""Of many who bear one name, those of the client's birth date are to be among the compared."""
BORN_WORTH: Final = 3
POSTINGS_READ_MAX: Final = 15_000
"""Of one search, the rarest keys first: a millisecond. What all bear tells nothing."""
RARE: Final = (POSTINGS_READ_MAX, 2_000, 100)
"""A key that so few names have counts once more."""
PROGRESS_NAMES: Final = 10_000

Progress = Callable[[int], None]
"""Told how many names are in so far."""
_SECTIONS: Final = ("keys", "starts", "names", "owners", "texts", "offsets", "blob")


class IndexInvalid(Exception):
    """A file is no index, or not whole."""


class Header(msgspec.Struct, frozen=True):
    """What an index is of."""

    version: str
    """Of the list: a digest over what it says."""
    entries: int
    names: int
    sections: dict[str, tuple[int, int]]
    """Section -> where it begins, counted from the first, and its bytes."""


class Hit(msgspec.Struct, frozen=True):
    """An entry that may be meant."""

    entry: Entry
    name: str
    """The name of it that is most alike."""
    score: float
    features: dict[str, float]


class _Building:
    """The arrays of an index while they grow."""

    def __init__(self) -> None:
        self.postings = [array("Q") for _ in range(PARTS)]
        self.owners = array("I")
        """Name -> entry."""
        self.places = array("I")
        """Name -> its place among its entry's names."""
        self.offsets = array("Q", [0])
        self.blob = tempfile.TemporaryFile()  # noqa: SIM115 - `build_index` closes it
        self.digests: list[bytes] = []

    def add(self, entry: Entry) -> None:
        number = len(self.digests)
        for place, text in enumerate(entry.names):
            name = len(self.owners)
            for key in keys_of(parse_name(text, entry.schema)):
                self.postings[key >> 24].append((key << 32) | name)
            self.owners.append(number)
            self.places.append(place)
        data = msgspec.msgpack.encode(entry)
        self.blob.write(data)
        self.offsets.append(self.offsets[-1] + len(data))
        self.digests.append(entry.digest)

    def sorted_postings(self) -> "tuple[array[int], array[int], array[int]]":
        """Keys in their order, where each one's names begin, and the names."""
        keys, starts, names = array("I"), array("I"), array("I")
        for part in self.postings:
            last = -1
            for posting in sorted(part):
                key = posting >> 32
                if key != last:
                    keys.append(key)
                    starts.append(len(names))
                    last = key
                names.append(posting & 0xFFFF_FFFF)
            part[:] = array("Q")
        starts.append(len(names))
        return keys, starts, names


def build_index(entries: Iterable[Entry], path: Path, progress: Progress | None = None) -> Header:
    """Write the index of a list; an entry's later word replaces none: ids are the list's own care.

    Raises:
        ValueError: two entries have one id.
        ListInvalid: as the reading of `entries` says.
    """
    building = _Building()
    seen: set[str] = set()
    told = 0
    try:
        for entry in entries:
            if entry.id in seen:
                raise ValueError(f"two entries have the id {entry.id}")
            seen.add(entry.id)
            building.add(entry)
            if progress is not None and len(building.owners) - told >= PROGRESS_NAMES:
                told = len(building.owners)
                progress(told)
        return _write(building, path)
    finally:
        building.blob.close()


def _write(building: _Building, path: Path) -> Header:
    keys, starts, names = building.sorted_postings()
    arrays = (keys, starts, names, building.owners, building.places, building.offsets)
    sizes = [len(one) * one.itemsize for one in arrays] + [building.offsets[-1]]
    sections: dict[str, tuple[int, int]] = {}
    at = 0
    for name, size in zip(_SECTIONS, sizes, strict=True):
        sections[name] = (at, size)
        at += size + -size % ALIGN
    header = Header(
        version_of(building.digests), len(building.digests), len(building.owners), sections
    )
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            head = msgspec.json.encode(header)
            file.write(MAGIC + len(head).to_bytes(8, sys.byteorder) + head)
            file.write(b"\0" * (-file.tell() % ALIGN))
            for one in arrays:
                one.tofile(file)
                file.write(b"\0" * (-file.tell() % ALIGN))
            _copy(building.blob, file)
            file.write(b"\0" * (-file.tell() % ALIGN))
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).replace(path)
    return header


def _copy(source: IO[bytes], sink: IO[bytes]) -> None:
    source.seek(0)
    while data := source.read(1 << 20):
        sink.write(data)


class Index:
    """An open index; close it, or use it as a context."""

    def __init__(self, path: Path) -> None:
        """Map the file.

        Raises:
            IndexInvalid: it is none of this release's, or is not whole.
            OSError: it cannot be read.
        """
        with path.open("rb") as file:
            start = file.read(len(MAGIC) + 8)
            if not start.startswith(MAGIC) or len(start) < len(MAGIC) + 8:
                raise IndexInvalid("it is no index of this release")
            size = int.from_bytes(start[len(MAGIC) :], sys.byteorder)
            total = os.fstat(file.fileno()).st_size
            if size > total:
                raise IndexInvalid("it is not whole")
            try:
                self.header = msgspec.json.decode(file.read(size), type=Header)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise IndexInvalid(str(error)) from None
            base = len(start) + size
            base += -base % ALIGN
            last, length = self.header.sections["blob"]
            if base + last + length + -length % ALIGN != total:
                raise IndexInvalid("it is not whole")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._whole = memoryview(self._map)
        self._base = base
        self._keys, self._starts, self._names, self._owners, self._places = (
            self._section(name, "I") for name in _SECTIONS[:5]
        )
        self._offsets = self._section("offsets", "Q")
        self._blob = self._section("blob", "B")
        self._decoder = msgspec.msgpack.Decoder(Entry)

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the mapping back."""
        for view in (
            self._keys, self._starts, self._names, self._owners, self._places, self._offsets, self._blob, self._whole,
        ):  # fmt: skip
            view.release()
        self._map.close()

    def entry(self, number: int) -> Entry:
        """One entry, by its place in the list."""
        return self._decoder.decode(self._blob[self._offsets[number] : self._offsets[number + 1]])

    def search(self, schema: str, subject: Subject, *, at_least: float = MATCH_FROM) -> list[Hit]:
        """Whom the list may mean by this subject, the likeliest first."""
        best: dict[int, Hit] = {}
        for query in subject.names:
            for name, entry in self._candidates(query, schema, subject):
                found = self._compare(schema, subject, name, entry)
                known = best.get(self._owners[name])
                if known is None or known.score < found.score:
                    best[self._owners[name]] = found
        hits = [hit for hit in best.values() if hit.score >= at_least]
        return sorted(hits, key=lambda hit: (-hit.score, hit.entry.id))

    def _compare(self, schema: str, subject: Subject, name: int, entry: Entry) -> Hit:
        text = entry.names[self._places[name]]
        candidate = Subject((text,), entry.birth_dates, frozenset(entry.countries), entry.gender)
        found = match(schema, subject, candidate)
        return Hit(entry, text, found.score, found.features)

    def _candidates(self, query: str, schema: str, subject: Subject) -> list[tuple[int, Entry]]:
        """The names to compare: those that share most keys with it, and of these those of its birth date."""
        born = set(subject.birth_dates)
        shortlist: list[tuple[int, int, Entry]] = []
        for name, shared in self._counted(query, schema).most_common(SHORTLISTED_MAX):
            entry = self.entry(self._owners[name])
            if (schema in PERSONS) is (entry.schema in PERSONS) or entry.schema == "LegalEntity":
                agrees = not born.isdisjoint(entry.birth_dates)
                shortlist.append((-shared - BORN_WORTH * agrees, name, entry))
        shortlist.sort(key=lambda one: one[:2])
        return [(name, entry) for _, name, entry in shortlist[:COMPARED_MAX]]

    def _counted(self, query: str, schema: str) -> Counter[int]:
        """Name -> what the keys that it shares are worth; a key that few have is worth more."""
        counted: Counter[int] = Counter()
        parsed = parse_name(query, schema)
        keys = {*single_keys(parsed), *pair_keys(parsed)}
        left = POSTINGS_READ_MAX
        for found in sorted(map(self._postings, keys), key=len):
            left -= len(found)
            if left < 0:
                break
            for limit in RARE:
                if len(found) <= limit:
                    counted.update(found)
        return counted

    def _postings(self, key: int) -> memoryview:
        at = bisect_left(self._keys, key)
        if at == len(self._keys) or self._keys[at] != key:
            return self._names[:0]
        return self._names[self._starts[at] : self._starts[at + 1]]

    def _section(self, name: str, form: Literal["B", "I", "Q"]) -> memoryview:
        start, size = self.header.sections[name]
        return self._whole[self._base + start : self._base + start + size].cast(form)

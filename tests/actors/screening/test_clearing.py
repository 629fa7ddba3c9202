"""Hits that were cleared: actors/screening/clearing.py."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.screening.clearing import (
    Clearance,
    OpenHit,
    Word,
    changed_entries,
    clear,
    differences,
    open_hits,
)
from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Hit, Index, build_index

ENTRY = Entry("e1", "Person", ("Ivan Sorokin", "Vanya Sorokin"), ("1961",), ("ru",), "male", ("role.pep",))  # fmt: skip
CLIENT = Subject(("Ivan Sorokin",), ("1988-01-02",), frozenset({"fr"}))


def cleared(entry: Entry = ENTRY, client: Subject = CLIENT) -> Clearance:
    """That the entry is not the client."""
    hit = Hit(entry, entry.names[0], 0.9, {})
    return clear("sanctions", hit, client, Word("staff-7", 1_764_500_000_000, "another birth date"))


def test_a_cleared_hit_stays_silent_until_something_changes(tmp_path: Path) -> None:
    """E4: through new versions of a list a cleared hit is silent; a change of the entry shows it with what changed."""
    memory = {("sanctions", "e1"): cleared()}
    client = Subject(("Ivan Sorokin",), (), frozenset({"fr"}))
    unknown = {("sanctions", "e1"): cleared(client=client)}
    versions = [
        [ENTRY, Entry("e2", "Person", ("Ada Byron",))],
        [msgspec.structs.replace(ENTRY, topics=("role.pep", "sanction"))],
    ]
    told: list[list[OpenHit]] = []
    for number, entries in enumerate(versions):
        build_index(entries, tmp_path / str(number))
        with Index(tmp_path / str(number)) as index:
            hits = index.search("Person", client)
            told.append(list(open_hits("sanctions", hits, client, unknown)))
            assert len(list(open_hits("sanctions", hits, client, {}))) == len(hits) == 1
            assert len(list(open_hits("other list", hits, client, memory))) == 1
    assert told[0] == []
    ((change,),) = (one.since for one in told[1])
    assert (change.side, change.what, change.came, change.went) == ("entry", "topics", ("sanction",), ())  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "client", "told"),
    [
        ({"names": ("Vanya Sorokin", "Ivan Sorokin")}, {}, []),
        ({"birth_dates": ("1988-01-02",)}, {}, [("entry", "birth_dates", ("1988-01-02",), ("1961",))]),
        ({"countries": ("fr", "ru")}, {}, [("entry", "countries", ("fr",), ())]),
        ({"gender": None}, {}, [("entry", "gender", (), ("male",))]),
        ({}, {"names": ("Ivan Sorokin", "Vanya Sorokin")}, [("client", "names", ("Vanya Sorokin",), ())]),
        ({}, {"gender": "male"}, [("client", "gender", ("male",), ())]),
    ],
)  # fmt: skip
def test_what_changed_is_told(
    entry: dict[str, object], client: dict[str, object], told: list[tuple[object, ...]]
) -> None:
    """E4: which facts came and went, on which side; another order of names is no change."""
    found = differences(
        cleared(),
        msgspec.structs.replace(ENTRY, **entry),
        msgspec.structs.replace(CLIENT, **client),
    )
    assert [(one.side, one.what, one.came, one.went) for one in found] == told


values = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(tuple)
entries = st.builds(Entry, st.just("e1"), st.just("Person"), values, values, values)


@given(entries, entries)
def test_silence_means_the_same(one: Entry, other: Entry) -> None:
    """E4: nothing is told if and only if both versions of an entry say the same."""
    same = all(
        set(getattr(one, what)) == set(getattr(other, what))
        for what in ("names", "birth_dates", "countries")
    )
    assert (differences(cleared(one), other, CLIENT) == ()) is same


def test_a_clearance_has_a_reason() -> None:
    """E4: and survives being stored."""
    hit = Hit(ENTRY, "Ivan Sorokin", 0.9, {})
    for reason in ("", "  ", "x" * 2_001):
        with pytest.raises(ValueError, match="reason"):
            clear("sanctions", hit, CLIENT, Word("staff-7", 0, reason))
    again = msgspec.json.decode(msgspec.json.encode(cleared()), type=Clearance)
    assert again == cleared()
    assert differences(again, ENTRY, CLIENT) == ()


def test_only_what_changed_is_searched_again() -> None:
    """E4: of a new version, the entries that say something else, and those that are new."""
    after = [Entry("e2", "Person", ("New One",)), ENTRY, Entry("e3", "Person", ("B", "A"))]
    found = list(changed_entries([ENTRY, Entry("e3", "Person", ("B",))], after))
    assert [one.id for one in found] == ["e2", "e3"]

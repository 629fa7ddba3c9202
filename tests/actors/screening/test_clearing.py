"""What a word on a hit is of, and what changed since: actors/screening/clearing.py."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.screening.clearing import Said, differences, fingerprint_of, said_of
from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Index, build_index

ENTRY = Entry("e1", "Person", ("Ivan Sorokin", "Vanya Sorokin"), ("1961",), ("ru",), "male", ("role.pep",))  # fmt: skip
CLIENT = Subject(("Ivan Sorokin",), ("1988-01-02",), frozenset({"fr"}))


def test_what_is_kept_is_of_the_entry_that_was_found(tmp_path: Path) -> None:
    """E4: through an index and back an entry says the same; a topic that came is told."""
    told: list[Said] = []
    for topics in (("role.pep",), ("role.pep", "sanction")):
        build_index([msgspec.structs.replace(ENTRY, topics=topics)], tmp_path / "list")
        with Index(tmp_path / "list") as index:
            (hit,) = index.search("Person", Subject(("Ivan Sorokin",)))
        told.append(said_of(hit.entry, CLIENT))
    assert told[0] == said_of(ENTRY, CLIENT)
    (change,) = differences(*told)
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
    now = msgspec.structs.replace(ENTRY, **entry), msgspec.structs.replace(CLIENT, **client)
    found = differences(said_of(ENTRY, CLIENT), said_of(*now))
    assert [(one.side, one.what, one.came, one.went) for one in found] == told
    assert (fingerprint_of(*now) == fingerprint_of(ENTRY, CLIENT)) is (not told)


values = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(tuple)
entries = st.builds(Entry, st.just("e1"), st.just("Person"), values, values, values)


@given(entries, entries)
def test_silence_means_the_same(one: Entry, other: Entry) -> None:
    """E4: a fingerprint is the same if and only if there is no difference to be told; what is kept survives being stored."""
    kept = said_of(one, CLIENT)
    again = msgspec.json.decode(msgspec.json.encode(kept), type=Said)
    silent = fingerprint_of(one, CLIENT) == fingerprint_of(other, CLIENT)
    assert (differences(again, said_of(other, CLIENT)) == ()) is silent
    same = all(
        set(getattr(one, what)) == set(getattr(other, what))
        for what in ("names", "birth_dates", "countries")
    )
    assert silent is same

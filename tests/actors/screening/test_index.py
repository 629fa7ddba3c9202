"""The candidate index: actors/screening/keys.py, index.py."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Index, IndexInvalid, build_index
from comptoir.actors.screening.words import GIVEN
from tests.actors.screening.labelled import pairs

ENTRIES = 20_000
SYLLABLES = ["ba", "bo", "da", "di", "ka", "ko", "la", "le", "li", "lo", "ma", "mi", "mo", "na", "ne", "ra", "ri", "ro", "sa", "si", "so", "ta", "ti", "to", "va", "vi", "zo", "cha", "sha", "gou", "mar", "ber", "ten", "vin", "son", "man", "ski", "dze", "yan"]  # fmt: skip
ORDINARY = [
    "Jean Tremblay",
    "Marie Gagnon",
    "Luc Bouchard",
    "Sophie Côté",
    "Pierre Fortin",
    "Julie Gauthier",
    "Martin Lavoie",
    "Isabelle Pelletier",
    "François Bélanger",
    "Nathalie Bergeron",
    "Stéphane Girard",
    "Chantal Ouellet",
    "Éric Poirier",
    "Sylvie Desjardins",
    "Patrick Leblanc",
    "Camille Bernard",
    "Nicolas Moreau",
    "Claire Lefebvre",
    "Thomas Roux",
    "Émilie Fournier",
    "Julien Girard",
    "Manon Dupuis",
    "Antoine Lambert",
    "Élodie Fontaine",
    "Guillaume Chevalier",
    "Aurélie Marchand",
    "Mathieu Perrin",
    "Céline Renaud",
    "Olivier Gaillard",
    "Audrey Lemoine",
]


def listed() -> Iterator[Entry]:
    """A made-up list: given names that many bear, surnames of syllables."""
    chance = random.Random(7)
    given = sorted(GIVEN)
    for number in range(ENTRIES):
        surname = "".join(chance.choices(SYLLABLES, k=chance.randint(2, 4)))
        names = [*chance.choices(given, k=chance.randint(1, 2)), surname]
        born = f"{chance.randint(1940, 2005)}-{chance.randint(1, 12):02d}-11"
        yield Entry(f"e{number}", "Person", (" ".join(names).title(),), (born,))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The made-up list's index, open."""
    path = tmp_path_factory.mktemp("lists") / "index"
    told: list[int] = []
    header = build_index(listed(), path, told.append)
    assert (header.entries, told) == (ENTRIES, [10_000, 20_000])
    with Index(path) as opened:
        yield opened


def slipped(name: str, chance: random.Random) -> str:
    """The name in another order, with a letter changed in its longest word."""
    words = name.split()
    longest = max(words, key=len)
    letters = list(longest)
    if len(letters) > 7:
        letters[chance.randrange(1, len(letters))] = chance.choice("aeimnrst")
    words[words.index(longest)] = "".join(letters)
    chance.shuffle(words)
    return " ".join(words)


def test_who_is_listed_is_found(index: Index) -> None:
    """S21: in any order and with a slip, a name of the list is found among twenty thousand."""
    chance = random.Random(3)
    asked = [index.entry(chance.randrange(ENTRIES)) for _ in range(100)]
    found = sum(
        entry.id
        in {
            hit.entry.id
            for hit in index.search(
                "Person", Subject((slipped(entry.names[0], chance),), entry.birth_dates)
            )
        }
        for entry in asked
    )
    assert found >= 96


def test_ordinary_names_hit_nobody(index: Index) -> None:
    """S27: ordinary French and Québec names are on no such list: false positives stay below 2 in 100."""
    wrong = [name for name in ORDINARY if index.search("Person", Subject((name,)))]
    assert wrong == []


def test_hits_are_told_best_first(index: Index) -> None:
    """S21, S26: the one that is meant comes first, with what it was judged by; of another birth date, none."""
    entry = index.entry(7)
    first, *others = index.search("Person", Subject(entry.names, entry.birth_dates))
    assert (first.entry, first.score) == (entry, 1.0)
    assert all(one.score <= first.score for one in others)
    assert entry.id not in {
        hit.entry.id for hit in index.search("Person", Subject(entry.names, ("2020-05-05",)))
    }
    assert index.search("Company", Subject(entry.names)) == [], "no company is a person"
    assert index.search("Person", Subject(("",))) == []


def test_what_matches_is_also_a_candidate(tmp_path: Path) -> None:
    """S21: of the labelled pairs of one person, the index finds what the matcher would match: 97 of 100."""
    same = [one for one in pairs() if one.same]
    entries = (
        Entry(f"p{number}", one.schema, one.candidate.names) for number, one in enumerate(same)
    )
    build_index(entries, tmp_path / "index")
    with Index(tmp_path / "index") as opened:
        found = sum(
            f"p{number}"
            in {hit.entry.id for hit in opened.search(one.schema, Subject(one.query.names), at_least=0.0)}
            for number, one in enumerate(same)
        )  # fmt: skip
    assert found / len(same) >= 0.97


def test_names_of_common_words_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S21: a name each of whose words is borne by more than are looked through is found by its words together."""
    chance = random.Random(5)
    names = [f"Mohammed {chance.choice(SYLLABLES)}{chance.choice(SYLLABLES)}la" for _ in range(60)]
    others = [f"{chance.choice(SYLLABLES)}{chance.choice(SYLLABLES)}ro Karimi" for _ in range(60)]
    entries = [
        Entry(f"e{number}", "Person", (name,)) for number, name in enumerate([*names, *others])
    ]
    build_index([*entries, Entry("both", "Person", ("Mohammed Karimi",))], tmp_path / "index")
    monkeypatch.setattr("comptoir.actors.screening.index.POSTINGS_READ_MAX", 50)
    with Index(tmp_path / "index") as opened:
        hits = opened.search("Person", Subject(("Karimi Muhammad",)))
    assert [hit.entry.id for hit in hits][:1] == ["both"]


def test_one_list_is_one_version(tmp_path: Path) -> None:
    """E2: the version is what the entries say, whatever their order; any change is another."""
    entries = list(listed())[:50]
    versions = [
        build_index(order, tmp_path / "index").version
        for order in (entries, entries[::-1], entries[:-1], [*entries[:-1], Entry("e49", "Person", ("X Y",))])
    ]  # fmt: skip
    assert versions[0] == versions[1]
    assert len(set(versions)) == 3


def test_a_file_that_is_no_index(tmp_path: Path) -> None:
    """S21: what is cut short or is something else is refused; a failed build leaves the old one alone."""
    path = tmp_path / "index"
    entries = list(listed())[:50]
    build_index(entries, path)
    whole = path.read_bytes()
    for text in (b"", b"id,schema\n", whole[:20], whole[:100], whole[:-8], whole + b"\0" * 8):
        path.write_bytes(text)
        with pytest.raises(IndexInvalid):
            Index(path)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="two entries have the id e0"):
        build_index([*entries, entries[0]], path)
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]

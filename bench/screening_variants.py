"""Who is found in a large list by kind of variant, and how many ordinary people are taken for somebody on it.

Rules:
- the variants are of two sorts: written ones are the pairs of tests/actors/screening/labels that a careful person takes for one, whose
  one side is on the list; made ones are names of the list, changed by rule;
- what the matcher says of a written pair without a list stands beside it, so that what the index loses is told apart
  from what the matcher does not take for one;
- ordinary people bear the commonest given names and surnames of France and Québec. Some of them have a namesake on the
  list, born at another time, as those who hold an office have: without a birth date nobody tells them apart.
Source: issue 8, "Must show" (recall on transliterated and misspelt variants; false hits among ordinary French and Québec names).
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import Index
from comptoir.actors.screening.matching import MATCH_FROM, match
from comptoir.actors.screening.words import NICKNAMES
from tests.actors.screening.labelled import pairs

__all__ = ["born_of", "planted", "slipped", "tell_ordinary", "tell_recall"]

MADE: Final = 250
"""Names of each made kind."""
ORDINARY: Final = 1_200
NAMESAKES: Final = 600
"""Of some 2,500 that the names below make."""
KINDS: Final = {
    "transliterated": (
        "cyrillic", "greek", "georgian", "arabic", "arabic-latin", "hebrew", "chinese", "korean", "japanese", "indic", "thai",
    ),
    "misspelt": ("typo", "phonetic", "accents"), "order": ("order",), "initials": ("initials",),
    "nickname": ("nickname",), "company form": ("form", "company", "organization"),
    "words left out": ("subset", "particle"),
}  # fmt: skip
FIRST: Final = [
    "Marie",
    "Jean",
    "Pierre",
    "Michel",
    "Philippe",
    "Nathalie",
    "Isabelle",
    "Sylvie",
    "Catherine",
    "Nicolas",
    "Julien",
    "Camille",
    "Léa",
    "Manon",
    "Thomas",
    "Louis",
    "Gabriel",
    "Emma",
    "Alice",
    "Jeanne",
    "Luc",
    "Mathieu",
    "Sébastien",
    "François",
    "Geneviève",
    "Josée",
    "Chantal",
    "Sophie",
    "Antoine",
    "Étienne",
    "Guillaume",
    "Mélanie",
    "Annie",
    "Stéphane",
    "Benoît",
    "Hélène",
    "Claire",
    "Marc",
    "Alain",
    "Véronique",
]
LAST: Final = [
    "Martin",
    "Bernard",
    "Dubois",
    "Thomas",
    "Robert",
    "Richard",
    "Petit",
    "Durand",
    "Leroy",
    "Moreau",
    "Simon",
    "Laurent",
    "Lefebvre",
    "Michel",
    "Garcia",
    "David",
    "Bertrand",
    "Roux",
    "Vincent",
    "Fournier",
    "Morel",
    "Girard",
    "André",
    "Mercier",
    "Dupont",
    "Lambert",
    "Bonnet",
    "François",
    "Martinez",
    "Legrand",
    "Garnier",
    "Tremblay",
    "Gagnon",
    "Roy",
    "Côté",
    "Bouchard",
    "Gauthier",
    "Morin",
    "Lavoie",
    "Fortin",
    "Gagné",
    "Ouellet",
    "Pelletier",
    "Bélanger",
    "Lévesque",
    "Bergeron",
    "Leblanc",
    "Paquette",
    "Girard",
    "Simard",
    "Boucher",
    "Caron",
    "Beaulieu",
    "Cloutier",
    "Poirier",
    "Poulin",
    "Thibault",
    "Lapointe",
    "Nadeau",
    "Desjardins",
    "Gendron",
]
SLIP_CHARS_MIN: Final = 6
"""A letter of a shorter word is not changed: it would be another name."""


def born_of(chance: random.Random) -> str:
    """A birth date."""
    return f"{chance.randint(1940, 2005)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"


def planted(chance: random.Random) -> Iterator[Entry]:
    """What is on the list beside its mass: one side of each written pair, and namesakes of ordinary people."""
    for number, pair in enumerate(pairs()):
        if pair.same:
            side = pair.candidate
            yield Entry(
                f"pair-{number}", pair.schema, side.names, side.birth_dates, tuple(sorted(side.countries)), side.gender
            )  # fmt: skip
    for number in range(NAMESAKES):
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
        yield Entry(f"office-{number}", "Person", (name,), (born_of(chance),), ("fr",), None, ("role.pep",))  # fmt: skip


def slipped(name: str, chance: random.Random) -> str:
    """With a wrong letter in one of its words, where that is long."""
    words = name.split()
    long = [at for at, word in enumerate(words) if len(word) >= SLIP_CHARS_MIN]
    if not long:
        return name
    at = chance.choice(long)
    letters = list(words[at])
    letters[chance.randrange(len(letters))] = chance.choice("abcdefghijklmnopqrstuvwxyz")
    words[at] = "".join(letters)
    return " ".join(words)


def _reordered(name: str, _chance: random.Random) -> str:
    words = name.split()
    return " ".join([*words[-1:], *words[:-1]])


def _initialled(name: str, _chance: random.Random) -> str:
    first, *rest = name.split()
    return " ".join([f"{first[0]}.", *rest])


_KIN: Final = {
    family: sorted(name for name, families in NICKNAMES.items() if family in families)
    for family in {one for families in NICKNAMES.values() for one in families}
}


def _nicknamed(name: str, chance: random.Random) -> str:
    first, *rest = name.split()
    families = sorted(NICKNAMES.get(first.lower(), frozenset()))
    kin = [one for family in families for one in _KIN[family] if one != first.lower()]
    return " ".join([chance.choice(kin).title() if kin else first, *rest])


_MADE: Final[dict[str, Callable[[str, random.Random], str]]] = {
    "misspelt": slipped, "order": _reordered, "initials": _initialled, "nickname": _nicknamed,
}  # fmt: skip


def tell_recall(index: Index, chance: random.Random) -> None:
    """Print how many are found, by kind."""
    found, alone, asked = Counter[str](), Counter[str](), Counter[str]()
    for number, pair in enumerate(pairs()):
        kind = next((name for name, some in KINDS.items() if pair.kind in some), "other")
        if pair.same:
            asked[kind] += 1
            alone[kind] += match(pair.schema, pair.query, pair.candidate).score >= MATCH_FROM
            hits = index.search(pair.schema, pair.query)
            found[kind] += any(hit.entry.id == f"pair-{number}" for hit in hits)
    for kind, count in asked.items():
        print(
            f"  written, {kind}: {found[kind] / count:.1%} of {count} (the matcher alone {alone[kind] / count:.1%})"
        )
    for kind, change in _MADE.items():
        told = {False: 0, True: 0}
        entries = [entry for entry in _people(index, chance) if change(entry.names[0], chance) != entry.names[0]]  # fmt: skip
        for entry in entries[:MADE]:
            name = change(entry.names[0], chance)
            for born in told:
                subject = Subject((name,), entry.birth_dates if born else ())
                told[born] += any(hit.entry.id == entry.id for hit in index.search("Person", subject))  # fmt: skip
        count = len(entries[:MADE])
        print(f"  made, {kind}: {told[True] / count:.1%} of {count}, without birth date {told[False] / count:.1%}")  # fmt: skip


def _people(index: Index, chance: random.Random) -> Iterator[Entry]:
    for _ in range(4 * MADE):
        entry = index.entry(chance.randrange(index.header.entries))
        if entry.id.startswith("e"):
            yield entry


def tell_ordinary(index: Index, chance: random.Random) -> None:
    """Print how many ordinary people are taken for somebody."""
    names = [f"{first} {last}" for first in FIRST for last in dict.fromkeys(LAST) if first != last]
    people = chance.sample(names, ORDINARY)
    for known in (True, False):
        namesakes = others = 0
        for name in people:
            hits = index.search("Person", Subject((name,), (born_of(chance),) if known else ()))
            same = any(hit.name.casefold() == name.casefold() for hit in hits)
            namesakes += same
            others += bool(hits) and not same
        told = "with" if known else "without"
        print(
            f"  ordinary, {told} a birth date: {others / ORDINARY:.1%} of {ORDINARY} are taken for somebody else, "
            f"{namesakes / ORDINARY:.1%} for a namesake"
        )

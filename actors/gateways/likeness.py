"""How like one address another is, and why: what is declared, and what is known.

A pure comparison, part by part. The parts and what each is worth of 100: the house number 25, the street 40, the postal
code 20, the city 15. What does not count: case, accents, ligatures, punctuation, particles (de, la, the), the usual abbreviations
(bd, boul, boulevard; st, saint; o, ouest, west), CEDEX and the number of an arrondissement, the flat or unit, and whether a
repetition is written bis or B. What counts:
- a house number is the same or another one, also where only one of the two has any, and so is a postal code: neither has a
  near miss;
- a street is its kind and its name. Rue and avenue Victor-Hugo are two streets; of a name some letters may be wrong, or a first name
  left out;
- a street or a city that only one of the two has is worth half, since it neither confirms nor contradicts.

Source: spec.md S20, S21, S24; X1; abbreviations as AFNOR XP Z 10-011 and Canada Post's addressing guidelines list them.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from rapidfuzz.fuzz import ratio

from comptoir.actors.kyc.messages import PostalAddress

__all__ = ["Likeness", "likeness"]

NUMBER, STREET, POSTAL_CODE, CITY = 25, 40, 20, 15
NEAR: Final = 80
"""Of 100: names of streets and cities that are less alike are other ones."""
KIND_DIFFERS: Final = 0.3
"""What is left of a street whose kind is another."""
KIND_MISSING: Final = 0.9
PART_OF_NAME: Final = 0.85
"""Of a name some words of which were left out."""
CHARACTERS_MAX: Final = 120
"""Of one part that are looked at: three lines of a letter, and a fraction of a millisecond."""

_KINDS: Final[Mapping[str, str]] = MappingProxyType({
    word: words.split()[0]
    for words in (
        "allee all allees", "avenue av ave", "boulevard bd blvd boul bld bvd boulv", "chemin ch che chem",
        "cours crs", "court crt ct", "crescent cres crois croissant", "drive dr", "esplanade esp", "faubourg fg fbg",
        "highway hwy", "impasse imp", "lane ln", "montee mte", "passage pas pass", "place pl", "promenade prom", "quai qu",
        "rang rg", "road rd", "route rte", "rue r", "ruelle rle", "square sq", "terrasse tsse terr", "voie vc", "villa vla",
    )
    for word in words.split()
})  # fmt: skip
"""Words that say what kind of street it is."""
_SHORT: Final[Mapping[str, str]] = MappingProxyType({
    word: words.split()[0]
    for words in (
        # `st` is Saint and Street: both are written so, and so compared.
        "st saint street str", "ste sainte", "n nord north", "s sud south", "e est east", "o ouest w west",
        "gal general gen", "mal marechal mar", "dr docteur doct", "pdt president pres", "prof professeur", "cdt commandant",
        "cap capitaine", "lt lieutenant", "col colonel", "nd notredame", "mt mont", "gd grand", "gde grande", "pt petit",
        "pte petite",
    )
    for word in words.split()
})  # fmt: skip
_PARTICLES: Final = frozenset((
    "a", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "of", "sur", "the",
))  # fmt: skip
_UNIT: Final = re.compile(
    r"\b(?:app?t?|appartement|apartment|bat|batiment|bldg|bureau|esc|escalier|etage|floor|local|porte|suite|ste|unit|unite)"
    r"\.? ?#?(?=[a-z]?\d)[a-z0-9]{1,6}\b|#\s*[a-z0-9]{1,6}\b"
)
_NUMBER: Final = re.compile(
    r"^(?:\d{1,6} ?- ?(?=\d))?(\d{1,6}) ?(bis|ter|quater|[a-d]\b)?(?![a-z0-9])"
)
"""Of a unit and a civic number (`1204-350`) the second is the house's."""
_REPEATS: Final[Mapping[str, str]] = MappingProxyType({"bis": "b", "ter": "t", "quater": "q"})
_CEDEX: Final = re.compile(r"\bcedex\b.*$|\b\d{1,2}(?:er|e|eme)? ?(?:arrondissement)?\b")


class Likeness(msgspec.Struct, frozen=True):
    """How like two addresses are, by their parts."""

    number: int
    street: int
    postal_code: int
    city: int

    @property
    def of_100(self) -> int:
        """All of it."""
        return self.number + self.street + self.postal_code + self.city


def likeness(declared: PostalAddress, known: PostalAddress) -> Likeness:
    """How like they are.

    Args:
        declared: by the client, or read from a document.
        known: to a party that knows addresses.
    """
    ours, theirs = _street_of(declared.street), _street_of(known.street)
    return Likeness(
        number=NUMBER if ours[0] == theirs[0] else 0,
        street=round(STREET * _street(ours[1], theirs[1])),
        postal_code=POSTAL_CODE if _code(known) and _code(declared) == _code(known) else 0,
        city=round(CITY * _name(_city_of(declared.city), _city_of(known.city))),
    )


def _plain(text: str) -> str:
    """In small letters, without accents or ligatures."""
    small = text[:CHARACTERS_MAX].casefold().replace("œ", "oe").replace("æ", "ae")
    apart = unicodedata.normalize("NFKD", small)
    return "".join(one for one in apart if not unicodedata.combining(one))


def _words(plain: str) -> list[str]:
    found = re.findall(r"[a-z0-9]+", plain)
    return [_SHORT.get(word, word) for word in found if word not in _PARTICLES] or found


def _street_of(line: str) -> tuple[str, list[str]]:
    """The house's number, with its repetition, and the words of its street."""
    plain = _UNIT.sub(" ", _plain(line)).strip(" ,-")
    number = _NUMBER.match(plain)
    if number is None:
        return "", _words(plain)
    repeat = number[2] or ""
    rest = plain[number.end() :]
    return f"{int(number[1])}{_REPEATS.get(repeat, repeat)}", _words(rest)


def _city_of(city: str) -> list[str]:
    plain = _plain(city)
    return _words(_CEDEX.sub(" ", plain)) or _words(plain)


def _code(address: PostalAddress) -> str:
    return re.sub(r"[^A-Z0-9]", "", address.postal_code[:CHARACTERS_MAX].upper())


def _street(ours: list[str], theirs: list[str]) -> float:
    """Kind and name."""
    if not ours or not theirs:
        return 0.5 if ours or theirs else 1.0
    (our_kinds, our_name), (their_kinds, their_name) = _kind_of(ours), _kind_of(theirs)
    alike = _name(our_name, their_name)
    if our_kinds == their_kinds:
        return alike
    return alike * (KIND_DIFFERS if our_kinds and their_kinds else KIND_MISSING)


def _kind_of(words: list[str]) -> tuple[str, list[str]]:
    """The kind of street, which begins a French name and ends an English one, and the rest."""
    if len(words) > 1 and words[0] in _KINDS:
        return _KINDS[words[0]], words[1:]
    for place in (-1, -2):  # before a direction: `Riverside Dr S`
        if len(words) > -place and words[place] in _KINDS:
            return _KINDS[words[place]], [*words[:place], *words[len(words) + place + 1 :]]
    return "", words


def _name(ours: list[str], theirs: list[str]) -> float:
    """How like two names are, 0 to 1."""
    if not ours or not theirs:
        return 0.5 if ours or theirs else 1.0
    alike = max(
        ratio(" ".join(ours), " ".join(theirs)),
        ratio(" ".join(sorted(ours)), " ".join(sorted(theirs))),
        ratio("".join(ours), "".join(theirs)),
    )
    if alike >= NEAR:
        return alike / 100
    fewer, more = sorted((set(ours), set(theirs)), key=len)
    return PART_OF_NAME if fewer <= more and max(map(len, fewer)) > 2 else 0.0  # noqa: PLR2004  # `st` names nobody

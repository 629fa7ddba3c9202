"""The UN Security Council's consolidated list, an XML file.

Rule: the parser knows no document type: a file that declares one is refused, so no entity is ever expanded and nothing is
fetched; the element's depth and the text of one element are bounded. A range of years is each of its years; one that is open
or wide is no evidence, nor is a date in words ("circa 1965"), and then none of that entry's dates is, since a date that differs
speaks for somebody. Source: protocols.md 5.4; the schema of
https://scsanctions.un.org/resources/xml (general knowledge).
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.parsers import expat

from comptoir.actors.screening.countries import country_code
from comptoir.actors.screening.entries import Entry, ListInvalid, entry_of

__all__ = ["read_un"]

DEPTH_MAX: Final = 12
TEXT_CHARS_MAX: Final = 100_000
READ_BYTES: Final = 1 << 16
_KINDS: Final = {"INDIVIDUAL": "Person", "ENTITY": "Organization"}
_NAME_PARTS: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_ALIASES: Final = ("INDIVIDUAL_ALIAS/ALIAS_NAME", "ENTITY_ALIAS/ALIAS_NAME", "NAME_ORIGINAL_SCRIPT")
_BORN: Final = "INDIVIDUAL_DATE_OF_BIRTH"
_DATES: Final = (f"{_BORN}/DATE", f"{_BORN}/YEAR", "INDIVIDUAL_ALIAS/DATE_OF_BIRTH")
"""An alias may have a date of birth of its own."""
_RANGE: Final = (f"{_BORN}/FROM_YEAR", f"{_BORN}/TO_YEAR")
_YEARS: Final = f"{_BORN}/*"
"""No element's path: what ranges come to."""
_PLACES: Final = ("NATIONALITY/VALUE", "INDIVIDUAL_ADDRESS/COUNTRY", "ENTITY_ADDRESS/COUNTRY")
YEARS_MAX: Final = 30
"""Of a range; those of the list span ten at most."""
_DATE: Final = re.compile(r"([0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?)(?:T.*)?").fullmatch
_YEAR: Final = re.compile(r"[0-9]{4}").fullmatch
_Found = tuple[int, str, dict[str, list[str]]]


class _Reader:
    """Collects the texts of each individual and entity by their path below it."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.buffer_text = True
        self.path: list[str] = []
        self.text = ""
        self.line = 0
        self.values: dict[str, list[str]] | None = None
        self.found: list[_Found] = []
        self.root = ""

    def _refuse(self, *_: object) -> None:
        raise ListInvalid(self.parser.CurrentLineNumber, "a document type is declared")

    def _start(self, name: str, _: object) -> None:
        self.root = self.root or name
        self.text = ""
        if self.values is None and name in _KINDS:
            self.values, self.path, self.line = defaultdict(list), [], self.parser.CurrentLineNumber
        else:
            self.path.append(name)
            if len(self.path) > DEPTH_MAX:
                raise ListInvalid(self.parser.CurrentLineNumber, "nested too deeply")

    def _end(self, name: str) -> None:
        if self.values is None:
            self.path = self.path[:-1]
        elif self.path:
            if value := self.text.strip():
                self.values["/".join(self.path)].append(value)
            if self.path == [_BORN]:
                self.values[_YEARS] += _years(*(self.values.pop(one, []) for one in _RANGE))
            self.path.pop()
        else:
            self.found.append((self.line, _KINDS[name], self.values))
            self.values = None
        self.text = ""

    def _text(self, text: str) -> None:
        self.text += text
        if len(self.text) > TEXT_CHARS_MAX:
            raise ListInvalid(self.parser.CurrentLineNumber, "a text is too long")


def read_un(file: BinaryIO) -> Iterator[Entry]:
    """Every individual and entity.

    Raises:
        ListInvalid: it is no such file.
    """
    reader = _Reader()
    try:
        while data := file.read(READ_BYTES):
            reader.parser.Parse(data)
            found, reader.found = reader.found, []
            yield from (_entry(*one) for one in found)
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ListInvalid(error.lineno, expat.errors.messages[error.code]) from None
    if reader.root != "CONSOLIDATED_LIST":
        raise ListInvalid(1, "the root is not CONSOLIDATED_LIST")


def _years(since: list[str], until: list[str]) -> list[str]:
    """Each year of a range; an empty one where it says nothing."""
    if not since and not until:
        return []
    bounds = [int(one) for one in (*since, *until) if _YEAR(one)]
    if len(bounds) != 2 or abs(bounds[0] - bounds[1]) >= YEARS_MAX:  # noqa: PLR2004 - a range has two ends
        return [""]
    return [f"{year:04d}" for year in range(min(bounds), max(bounds) + 1)]


def _entry(line: int, schema: str, values: dict[str, list[str]]) -> Entry:
    name = " ".join(text for part in _NAME_PARTS for text in values.get(part, ()))
    dates = (_DATE(one) for path in _DATES for one in values.get(path, ()))
    said = (*(one[1] if one else "" for one in dates), *values.get(_YEARS, ()))
    born = said if "" not in said else ()
    places = (one for path in _PLACES for one in values.get(path, ()))
    return entry_of(
        line,
        Entry(
            id=f"un-{next(iter(values.get('DATAID', ['']))) or line}",
            schema=schema,
            names=(name, *(one for path in _ALIASES for one in values.get(path, ()))),
            birth_dates=born,
            countries=tuple(code for code in map(country_code, places) if code),
            gender=next((one.lower() for one in values.get("GENDER", ())), None),
            topics=("sanction",),
        ),
    )

"""The UN Security Council's consolidated list, an XML file.

Rule: the parser knows no document type: a file that declares one is refused, so no entity is ever expanded and nothing is
fetched; the element's depth and the text of one element are bounded. Source: protocols.md 5.4; the schema of
https://scsanctions.un.org/resources/xml (general knowledge).
"""

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


def _entry(line: int, schema: str, values: dict[str, list[str]]) -> Entry:
    name = " ".join(text for part in _NAME_PARTS for text in values.get(part, ()))
    born = (
        *values.get("INDIVIDUAL_DATE_OF_BIRTH/DATE", ()),
        *values.get("INDIVIDUAL_DATE_OF_BIRTH/YEAR", ()),
    )
    places = (*values.get("NATIONALITY/VALUE", ()), *values.get("ENTITY_ADDRESS/COUNTRY", ()))
    return entry_of(
        line,
        Entry(
            id=f"un-{next(iter(values.get('DATAID', ['']))) or line}",
            schema=schema,
            names=(name, *(one for path in _ALIASES for one in values.get(path, ()))),
            birth_dates=tuple(one[:10] for one in born if one[:4].isdigit()),
            countries=tuple(code for code in map(country_code, places) if code),
            gender=next((one.lower() for one in values.get("GENDER", ())), None),
            topics=("sanction",),
        ),
    )

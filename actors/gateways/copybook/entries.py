"""Data description entries: a level, a name, and its clauses, one by one.

Rule: every word belongs to a clause that is known, or the copybook is refused at that word.
Source: IBM Enterprise COBOL for z/OS Language Reference, "Data division--data description entry".
"""

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from comptoir.actors.gateways.copybook.pictures import Picture, PictureRefused, read_picture
from comptoir.actors.gateways.copybook.refusals import CopybookRefused
from comptoir.actors.gateways.copybook.source import PERIOD, SourceFormat, Word, words_of

__all__ = ["SINGLE_LEVEL", "Entry", "Occurs", "Sign", "Usage", "Value", "read_entries"]

Usage = Literal["DISPLAY", "COMP", "COMP-5", "COMP-3", "COMP-1", "COMP-2"]
"""Under one name each: BINARY and COMP-4 are COMP, PACKED-DECIMAL is COMP-3."""
Sign = Literal["", "leading", "trailing", "leading separate", "trailing separate"]

ENTRIES_MAX: Final = 10_000
OCCURS_MAX: Final = 1 << 24
RENAMES_LEVEL: Final = 66
SINGLE_LEVEL: Final = 77
CONDITION_LEVEL: Final = 88
DEEPEST_LEVEL: Final = 49

_USAGES: Final[dict[str, Usage]] = {
    "DISPLAY": "DISPLAY",
    "BINARY": "COMP", "COMP": "COMP", "COMP-4": "COMP",
    "COMPUTATIONAL": "COMP", "COMPUTATIONAL-4": "COMP",
    "COMP-5": "COMP-5", "COMPUTATIONAL-5": "COMP-5",
    "COMP-3": "COMP-3", "COMPUTATIONAL-3": "COMP-3", "PACKED-DECIMAL": "COMP-3",
    "COMP-1": "COMP-1", "COMPUTATIONAL-1": "COMP-1",
    "COMP-2": "COMP-2", "COMPUTATIONAL-2": "COMP-2",
}  # fmt: skip
_OTHER_USAGES: Final = re.compile(
    r"INDEX|POINTER|(?:PROCEDURE|FUNCTION)-POINTER|NATIONAL|DISPLAY-1|OBJECT|COMP(?:UTATIONAL)?-[A-Z0-9]+"
    r"|BINARY-\S+|FLOAT-\S+|SIGNED-\S+|UNSIGNED-\S+|UTF-8"
)
_UNSUPPORTED: Final = frozenset({
    "BLANK", "EXTERNAL", "GLOBAL", "RENAMES", "TYPE", "TYPEDEF", "LIKE", "GROUP-USAGE", "VOLATILE", "DYNAMIC",
    "ANY", "BASED", "CONSTANT",
})  # fmt: skip
_NAME: Final = re.compile(r"(?=[0-9-]*[A-Z])[A-Z0-9](?:[A-Z0-9_-]{0,60}[A-Z0-9])?\Z")
_COUNT: Final = re.compile(r"[0-9]{1,9}\Z")
_LITERAL_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\Z")
_FIGURATIVES: Final = {
    "ZERO": "0", "ZEROS": "0", "ZEROES": "0", "SPACE": " ", "SPACES": " ",
    "LOW-VALUE": "\x00", "LOW-VALUES": "\x00", "HIGH-VALUE": "\xff", "HIGH-VALUES": "\xff",
}  # fmt: skip
_CLAUSE_WORDS: Final = frozenset({
    "REDEFINES", "PIC", "PICTURE", "USAGE", "SIGN", "LEADING", "TRAILING", "OCCURS", "SYNC", "SYNCHRONIZED",
    "JUST", "JUSTIFIED", "VALUE", "VALUES",
}) | _UNSUPPORTED | frozenset(_USAGES)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Occurs:
    """How often a field stands there."""

    least: int
    most: int
    depending_on: str = ""
    """The field that says how often; empty where that is fixed."""


@dataclass(frozen=True, slots=True)
class Value:
    """A literal of VALUE: a text, a number, or a figurative constant that fills its field."""

    text: str
    kind: Literal["text", "number", "filling", "hex"]


@dataclass(slots=True)
class Entry:
    """An entry, as it is being read."""

    level: int
    name: str
    """`FILLER` where there is none."""
    line: int
    column: int
    picture: Picture | None = None
    usage: Usage | None = None
    sign: Sign = ""
    occurs: Occurs | None = None
    redefines: str = ""
    is_synchronized: bool = False
    is_justified: bool = False
    value: Value | None = None
    conditions: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Names of level 88, and what they stand for."""

    def refused(self, code: str, detail: str) -> CopybookRefused:
        """A refusal at this entry."""
        return CopybookRefused(code, f"{self.name}: {detail}", self.line, self.column)


def read_entries(text: str, form: SourceFormat = "auto") -> list[Entry]:
    """The entries of a copybook in order, those of level 88 put to the field that they are of.

    Raises:
        CopybookRefused: it is not understood.
    """
    words = words_of(text, form)
    entries: list[Entry] = []
    start = 0
    for at, word in enumerate(words):
        if word.text != PERIOD or word.is_literal:
            continue
        if at > start:
            _take(entries, _Clauses(words[start:at]))
        start = at + 1
    if start < len(words):
        word = words[start]
        raise CopybookRefused("ENTRY_INVALID", "an entry without a period", word.line, word.column)
    if not entries:
        raise CopybookRefused("RECORDS_NONE", "no entry in it")
    return entries


def _take(entries: list[Entry], clauses: "_Clauses") -> None:
    level, name = clauses.head()
    entry = Entry(level, name, clauses.first.line, clauses.first.column)
    if level == CONDITION_LEVEL:
        if not entries:
            raise entry.refused("LEVEL_INVALID", "a condition of no field")
        if len(entries[-1].conditions) == ENTRIES_MAX:
            raise entry.refused("SOURCE_TOO_LONG", f"over {ENTRIES_MAX} conditions")
        entries[-1].conditions.append((name, clauses.condition()))
        return
    if len(entries) == ENTRIES_MAX:
        raise entry.refused("SOURCE_TOO_LONG", f"over {ENTRIES_MAX} entries")
    while (word := clauses.next()) is not None:
        clauses.clause(entry, word)
    entries.append(entry)


class _Clauses:
    """The words of one entry, taken one after the other."""

    def __init__(self, words: list[Word]) -> None:
        self._words = words
        self._at = 0
        self.first = words[0]

    def next(self) -> Word | None:
        """The next word, which is then taken."""
        if self._at == len(self._words):
            return None
        self._at += 1
        return self._words[self._at - 1]

    def _peek(self) -> str:
        if self._at == len(self._words) or self._words[self._at].is_literal:
            return ""
        return self._words[self._at].text

    def _skip(self, *texts: str) -> bool:
        """Take the next word if it is one of these."""
        if self._peek() not in texts:
            return False
        self._at += 1
        return True

    def _refused(self, code: str, detail: str, word: Word | None = None) -> CopybookRefused:
        at = word or self._words[max(self._at - 1, 0)]
        return CopybookRefused(code, detail, at.line, at.column)

    def head(self) -> tuple[int, str]:
        """Level and name."""
        word = self.next()
        assert word is not None
        if word.text in ("COPY", "EXEC", "REPLACE"):
            raise self._refused("CLAUSE_UNSUPPORTED", f"{word.text}: include it before it is read")
        if not word.text.isascii() or not word.text.isdecimal():
            raise self._refused(
                "ENTRY_INVALID", f"{word.text[:60]}: an entry begins with its level"
            )
        level = int(word.text) if len(word.text) <= len("01") else 0
        if level == RENAMES_LEVEL:
            raise self._refused("CLAUSE_UNSUPPORTED", "level 66, RENAMES")
        if not 1 <= level <= DEEPEST_LEVEL and level not in (SINGLE_LEVEL, CONDITION_LEVEL):
            raise self._refused(
                "LEVEL_INVALID", f"{word.text[:60]}: levels are 01 to 49, 77 and 88"
            )
        if not self._peek() or self._peek() in _CLAUSE_WORDS:
            return level, "FILLER"
        return level, self._name()

    def _name(self) -> str:
        word = self.next()
        if word is None or word.is_literal or not _NAME.match(word.text):
            shown = word.text[:60] if word else "nothing"
            raise self._refused("NAME_INVALID", f"{shown}: not a name")
        return word.text

    def clause(self, entry: Entry, word: Word) -> None:
        """Take one clause, whose first word this is."""
        if word.is_literal:
            raise self._refused("CLAUSE_INVALID", "a literal outside of VALUE")
        text = word.text
        if text in _UNSUPPORTED:
            raise self._refused("CLAUSE_UNSUPPORTED", text)
        if text == "REDEFINES":
            self._once(not entry.redefines, text)
            entry.redefines = self._name()
        elif text in ("PIC", "PICTURE"):
            self._once(entry.picture is None, text)
            entry.picture = self._picture()
        elif text == "OCCURS":
            self._once(entry.occurs is None, text)
            entry.occurs = self._occurs()
        elif text in ("SIGN", "LEADING", "TRAILING"):
            self._once(not entry.sign, text)
            entry.sign = self._sign(text)
        elif text in ("SYNC", "SYNCHRONIZED"):
            entry.is_synchronized = True
            self._skip("LEFT", "RIGHT")
        elif text in ("JUST", "JUSTIFIED"):
            entry.is_justified = True
            self._skip("RIGHT")
        elif text in ("VALUE", "VALUES"):
            self._once(entry.value is None, text)
            self._skip("IS", "ARE")
            entry.value = self._value()
        else:
            self._once(entry.usage is None, "USAGE", "USAGE_INVALID")
            entry.usage = self._usage(text)

    def _once(self, is_first: bool, clause: str, code: str = "CLAUSE_INVALID") -> None:
        if not is_first:
            raise self._refused(code, f"{clause} is said twice")

    def _picture(self) -> Picture:
        self._skip("IS")
        word = self.next()
        if word is None or word.is_literal:
            raise self._refused("PICTURE_INVALID", "PICTURE says nothing")
        try:
            return read_picture(word.text)
        except PictureRefused as refused:
            code, detail = refused.args
            raise self._refused(code, detail) from None

    def _occurs(self) -> Occurs:
        least = most = self._count()
        if self._skip("TO"):
            most = self._count()
        self._skip("TIMES")
        depending = ""
        if self._skip("DEPENDING"):
            self._skip("ON")
            depending = self._name()
            least = least if least != most else min(1, most)
        while self._skip("ASCENDING", "DESCENDING", "INDEXED"):
            self._skip("KEY")
            self._skip("BY", "IS")
            self._name()
            while (text := self._peek()) and text not in _CLAUSE_WORDS and not self._is_key(text):
                self._name()
        if most < 1 or least > most or (least != most and not depending):
            raise self._refused("CLAUSE_INVALID", f"OCCURS {least} TO {most}")
        return Occurs(least, most, depending)

    @staticmethod
    def _is_key(text: str) -> bool:
        return text in ("ASCENDING", "DESCENDING", "INDEXED")

    def _count(self) -> int:
        word = self.next()
        if word is None or not _COUNT.match(word.text) or int(word.text) > OCCURS_MAX:
            raise self._refused("CLAUSE_INVALID", "OCCURS wants a whole number")
        return int(word.text)

    def _sign(self, text: str) -> Sign:
        if text == "SIGN":
            self._skip("IS")
            word = self.next()
            text = word.text if word else ""
        if text not in ("LEADING", "TRAILING"):
            raise self._refused("CLAUSE_INVALID", "SIGN is LEADING or TRAILING")
        is_separate = self._skip("SEPARATE")
        if is_separate:
            self._skip("CHARACTER")
        if text == "LEADING":
            return "leading separate" if is_separate else "leading"
        return "trailing separate" if is_separate else "trailing"

    def _usage(self, text: str) -> Usage:
        if text == "USAGE":
            self._skip("IS")
            word = self.next()
            text = word.text if word and not word.is_literal else ""
        if text in _USAGES:
            return _USAGES[text]
        if _OTHER_USAGES.fullmatch(text):
            raise self._refused("USAGE_UNSUPPORTED", text)
        raise self._refused("CLAUSE_INVALID", f"{text[:60] or 'USAGE'}: not a clause that is known")

    def _value(self) -> Value:
        self._skip("ALL")
        word = self.next()
        if word is None:
            raise self._refused("LITERAL_INVALID", "VALUE says nothing")
        if word.is_literal:
            return self._literal(word.text)
        if word.text in _FIGURATIVES:
            return Value(_FIGURATIVES[word.text], "filling")
        if _LITERAL_NUMBER.match(word.text):
            return Value(word.text, "number")
        raise self._refused("LITERAL_INVALID", f"{word.text[:60]}: not a literal")

    def _literal(self, text: str) -> Value:
        prefix, quote = text[0].upper(), text[-1]
        body = text[text.index(quote) + 1 : -1].replace(quote * 2, quote)
        if prefix == "X":
            if len(body) % 2 or not re.fullmatch(r"[0-9A-Fa-f]*", body):
                raise self._refused("LITERAL_INVALID", "a hexadecimal literal has pairs of digits")
            return Value(body.upper(), "hex")
        return Value(body, "text")

    def condition(self) -> str:
        """What a level 88 stands for, as it is written."""
        if not self._skip("VALUE", "VALUES"):
            raise self._refused("CLAUSE_INVALID", "level 88 wants VALUE")
        self._skip("IS", "ARE")
        shown = [word.text for word in self._words[self._at :]]
        if not shown:
            raise self._refused("LITERAL_INVALID", "VALUE says nothing")
        return " ".join(shown)

"""What a copybook, and what a record may be refused for: every code, and what it means.

Rule: a code is stable and is listed here, or it cannot be raised; a refusal of a copybook names line and column, one
of a record its field and offset. A value is never repeated in a refusal: it may be personal.
Source: spec.md X12, E11; docs/copybook.md, which shows these tables.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["COPYBOOK_CODES", "RECORD_CODES", "CopybookRefused", "RecordRefused"]

COPYBOOK_CODES: Final[Mapping[str, str]] = MappingProxyType({
    "CLAUSE_INVALID": "a clause is said twice, is not whole, or does not fit its entry",
    "CLAUSE_UNSUPPORTED": "a clause that is known and not understood here: COPY, EXEC, BLANK WHEN ZERO, EXTERNAL, level 66",
    "CONTINUATION_INVALID": "a continuation line that continues nothing, or a literal without its quote",
    "ENTRY_INVALID": "an entry that does not begin with a level, or that has no period",
    "FORMAT_UNKNOWN": "the source format is none of auto, fixed and free",
    "GROUP_EMPTY": "an entry without a picture, and without entries below it",
    "GROUP_INVALID": "an entry with a picture, and with entries below it",
    "INDICATOR_UNKNOWN": "column 7 of a fixed line says something that is not known",
    "LEVEL_INVALID": "a level that is none of 01 to 49, 66, 77 and 88, or one where it cannot be",
    "LINE_TOO_LONG": "a fixed line goes on beyond column 80",
    "LITERAL_INVALID": "a literal that does not end, or a value that is none",
    "NAME_DUPLICATE": "two fields of one group have one name",
    "NAME_INVALID": "a name that COBOL does not allow",
    "ODO_INVALID": "OCCURS DEPENDING ON: its object is not there, not before it, or not a whole number",
    "PICTURE_EDITED": "a picture that edits what it shows: Z, *, +, -, CR, DB, B, 0, /, comma, point, currency",
    "PICTURE_INVALID": "a picture that is none",
    "PICTURE_MISSING": "a usage that needs a picture, and has none",
    "PICTURE_TOO_LONG": "more digits than its usage has: 18 of COMP, 38 of others",
    "PICTURE_UNSUPPORTED": "a picture of national or double-byte characters (N, G), or of an external float (E)",
    "RECORDS_NONE": "there is no entry in it",
    "RECORDS_SEVERAL": "several records, and it is not said which",
    "RECORD_TOO_LONG": "a record beyond 16,777,216 bytes",
    "RECORD_UNKNOWN": "the record that is asked for is not in it",
    "REDEFINES_INVALID": "REDEFINES of what does not stand before it on its level, or of a table of variable size",
    "SOURCE_TOO_LONG": "the source is beyond 1,048,576 characters, or 10,000 entries",
    "SYNCHRONIZED_UNSUPPORTED": "SYNCHRONIZED of a binary field: its slack bytes depend on the compiler",
    "USAGE_INVALID": "a usage that does not fit its picture, or two of them",
    "USAGE_UNSUPPORTED": "a usage that is not understood here: INDEX, POINTER, NATIONAL, DISPLAY-1, BINARY-LONG and others",
})  # fmt: skip

RECORD_CODES: Final[Mapping[str, str]] = MappingProxyType({
    "CHARACTER_INVALID": "something other than letters and blanks in PIC A",
    "CHARACTER_UNMAPPED": "a character that the code page does not have, or a byte that is none of it",
    "CODE_PAGE_UNKNOWN": "no such code page, or not one of single bytes",
    "COUNT_WRONG": "not as many occurrences as OCCURS, or as the field of DEPENDING ON says",
    "COUNT_OUT_OF_RANGE": "the field of DEPENDING ON is below the least, or above the most",
    "DIGIT_INVALID": "a byte that is no digit in a number of DISPLAY",
    "FIELD_LENGTH_WRONG": "an identity number that has not exactly the digits of its field",
    "FIELD_MISSING": "a field without a value, and without VALUE in the copybook",
    "FIELD_TOO_LONG": "more characters than the field has",
    "FIELD_TYPE_WRONG": "a value of another type than the field's",
    "FIELD_UNKNOWN": "a field that is not in the copybook",
    "FRACTION_TOO_LONG": "more decimals than the picture has, or digits below its scale",
    "NIBBLE_INVALID": "half a byte that is no digit, or a pad that is not zero, in COMP-3",
    "OPTION_INVALID": "an option that is not known, or that does not fit the copybook",
    "RDW_INVALID": "a record or block descriptor word that says what cannot be",
    "RECORD_LENGTH_WRONG": "not as many bytes as the copybook says",
    "REDEFINES_DISAGREE": "two readings of the same bytes are given, and they differ",
    "SIGN_INVALID": "a sign that is none, or a negative one where there is no S",
    "VALUE_INEXACT": "a number that a floating field cannot hold exactly",
    "VALUE_NEGATIVE": "a negative number for a picture without S",
    "VALUE_OUT_OF_RANGE": "a number with more digits than the picture, or than the bytes hold",
})  # fmt: skip


class CopybookRefused(ValueError):
    """The copybook is not understood; nothing was read by it."""

    def __init__(self, code: str, detail: str, line: int = 0, column: int = 0) -> None:
        assert code in COPYBOOK_CODES
        where = f" - line {line}, column {column}" if line else ""
        super().__init__(detail + where)
        self.code = code
        """One of COPYBOOK_CODES."""
        self.line = line
        """From 1; 0 where it is of the whole."""
        self.column = column


class RecordRefused(ValueError):
    """The bytes are no such record, or the values make none; nothing was cut to make them fit."""

    def __init__(self, code: str, detail: str, field: str = "", offset: int = -1) -> None:
        assert code in RECORD_CODES
        super().__init__(detail)
        self.code = code
        """One of RECORD_CODES."""
        self.detail = detail
        self.field = field
        """Its name below the record, with groups and occurrences: `ITEMS(2).PRICE`; empty for the whole."""
        self.offset = offset
        """Its first byte in the record; -1 where none is known."""
        self.record = -1
        """Which record of several, from 0; -1 where there is one."""

    def __str__(self) -> str:
        place = [self.field] if self.field else []
        if self.offset >= 0:
            place.append(f"offset {self.offset}")
        if self.record >= 0:
            place.append(f"record {self.record}")
        return self.detail + (f" - at {', '.join(place)}" if place else "")

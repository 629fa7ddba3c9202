"""`comptoir check copybook-layout`, `copybook-decode` and `copybook-encode`: the adapter's own codec behind the JSON seam.

Rules:
- a number with a point is a text in an answer (`"12.50"`), exactly as it stands in the record; a whole one is a number.
  Both may be given as a number or as a text: a JSON number is read from its digits, never through a float;
- the record's fields stand directly in `record`; an object around them by the record's name is taken too.
Source: check-command contract, those kinds; S30, X12, E11; docs/copybook.md.
"""

import base64
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar, cast

import msgspec

from comptoir.actors.check_answers import Answer, InvalidInputError, convert, refusal
from comptoir.actors.gateways.copybook import (
    Codec,
    CopybookRefused,
    Options,
    Record,
    RecordRefused,
    read_copybook,
    read_records,
    write_record,
)
from comptoir.actors.gateways.copybook.source import SourceFormat

__all__ = ["CHECKS", "check_decode", "check_encode", "check_layout"]

KEPT: Final = 32
"""Copybooks whose functions are kept: a bulk check says the same one on every line."""
_Text = Annotated[str, msgspec.Meta(max_length=1 << 20)]
_Form = Literal["F", "V", "VB", "D"]
_Trim = Literal["right", "left", "both", "none"]
_FORMS: Final[Mapping[str, _Form]] = MappingProxyType(
    {"F": "F", "FB": "F", "V": "V", "VB": "VB", "D": "D"}
)
"""Blocks of fixed records have no words of their own, so that FB is F."""


class _Options(msgspec.Struct):
    code_page: Annotated[str, msgspec.Meta(max_length=40)] = ""
    record_format: Literal["F", "FB", "V", "VB", "D"] = "F"
    trim: _Trim | bool = "right"
    signs: Literal["preferred", "any"] = "preferred"
    trunc: Literal["std", "bin"] = "std"
    byte_order: Literal["big", "little"] = "big"
    blanks: Literal["refused", "null"] = "refused"
    odo: Literal["actual", "most"] = "actual"
    source_format: Literal["auto", "fixed", "free"] = "auto"
    record: Annotated[str, msgspec.Meta(max_length=64)] = ""

    def options(self) -> Options:
        """What the codec takes of them."""
        trim = self.trim
        if isinstance(trim, bool):
            trim = "right" if trim else "none"
        return Options(
            code_page=self.code_page,
            record_format=_FORMS[self.record_format],
            trim=trim,
            signs=self.signs,
            trunc=self.trunc,
            byte_order=self.byte_order,
            blanks=self.blanks,
            odo=self.odo,
        )


class _LayoutInput(msgspec.Struct):
    copybook: _Text
    options: _Options | None = None


_Asked = TypeVar("_Asked", bound=_LayoutInput)


class _DecodeInput(_LayoutInput, kw_only=True):
    data_b64: str


class _EncodeInput(_LayoutInput, kw_only=True):
    record: dict[str, Any]


def check_layout(given: object) -> Answer:
    """Place the fields of a copybook: `record_length` and `fields`."""
    return _answered(given, _LayoutInput, _layout)


def check_decode(given: object) -> Answer:
    """Read the records of some bytes: `records`."""
    return _answered(given, _DecodeInput, _decoded)


def check_encode(given: object) -> Answer:
    """Write one record: `data_b64`, and `fields` as in the layout."""
    return _answered(given, _EncodeInput, _encoded)


CHECKS: Final[Mapping[str, Callable[[object], Answer]]] = MappingProxyType(
    {
        "copybook-decode": check_decode,
        "copybook-encode": check_encode,
        "copybook-layout": check_layout,
    }
)
"""The kinds of this module, by name."""


def _answered(given: object, kind: type[_Asked], answer: Callable[[_Asked], Answer]) -> Answer:
    """The answer, or what was refused and where."""
    try:
        return {"ok": True, **answer(convert(given, kind))}
    except InvalidInputError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    except CopybookRefused as refused:
        said = refusal(refused.code, str(refused))
        said["error"] |= {"line": refused.line, "column": refused.column}
        return said
    except RecordRefused as refused:
        said = refusal(refused.code, str(refused))
        said["error"] |= {"field": refused.field, "offset": refused.offset}
        return said


def _layout(asked: _LayoutInput) -> Answer:
    options = asked.options or _Options()
    record = _read(asked.copybook, options.record, options.source_format)
    shown: Answer = {"record_length": record.most, "fields": record.fields()}
    if record.least != record.most:
        shown["record_length_least"] = record.least
    return shown


def _decoded(asked: _DecodeInput) -> Answer:
    codec = _codec(asked)
    try:
        data = base64.b64decode(asked.data_b64, validate=True)
    except ValueError:
        raise InvalidInputError("not base64 - at `$.data_b64`") from None
    return {"records": list(read_records(codec, data))}


def _encoded(asked: _EncodeInput) -> Answer:
    codec = _codec(asked)
    values, name = asked.record, codec.record.name
    around = values.get(name) if len(values) == 1 else None
    if isinstance(around, dict) and all(item.key != name for item in codec.record.items):
        values = cast("dict[str, Any]", around)
    data = write_record(codec, values)
    return {"data_b64": base64.b64encode(data).decode(), "fields": codec.record.fields()}


def _codec(asked: _LayoutInput) -> Codec:
    options = asked.options or _Options()
    return _made(asked.copybook, options.record, options.source_format, options.options())


@lru_cache(KEPT)
def _read(text: str, record: str, form: SourceFormat) -> Record:
    return read_copybook(text, record, form)


@lru_cache(KEPT)
def _made(text: str, record: str, form: SourceFormat, options: Options) -> Codec:
    return Codec(_read(text, record, form), options)

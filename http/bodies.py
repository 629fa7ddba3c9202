"""A JSON body as a typed value, or the problem that says what is wrong with it, and where.

The rule: media type, then JSON with one meaning (strict_json.py), then the shape; the place of a wrong
value is told as a JSON pointer, the value never.
Source: interface.md 1; RFC 6901; RFC 9457.
"""

import re
from typing import Final, TypeVar

import msgspec

from comptoir.http.answers import Response
from comptoir.http.operation import Call
from comptoir.http.problems import FieldError, problem
from comptoir.http.strict_json import Malformed, parse

__all__ = ["fault", "read_body", "read_json"]

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
_PLACE: Final = re.compile(r" - at `\$([^`]*)`$")
_MISSING: Final = re.compile(r"Object missing required field `([A-Za-z0-9_]+)`")


def read_body(call: Call, decoder: "msgspec.json.Decoder[T]", empty: bytes = b"") -> T | Response:
    """Read the body of a call.

    Args:
        call: the request.
        decoder: of the shape.
        empty: what stands for no body at all; empty: there must be one.
    """
    media_type, body = call.media_type, call.body
    if not body and empty:
        media_type, body = "application/json", empty
    if media_type != "application/json":
        return problem("MEDIA_TYPE_UNSUPPORTED", call.ticket)
    try:
        parse(body)
        return decoder.decode(body)
    except Malformed:
        return problem("REQUEST_MALFORMED", call.ticket)
    except msgspec.ValidationError as error:
        return problem("REQUEST_INVALID", call.ticket, errors=[_located(str(error))])


def fault(pointer: str, detail: str, code: str = "VALUE_INVALID") -> FieldError:
    """One wrong place."""
    return FieldError(pointer=pointer, code=code, detail=detail)


def _located(text: str) -> FieldError:
    """What msgspec says, as a place; field names are ours, so they may be told."""
    place = _PLACE.search(text)
    pointer = re.sub(r"\[[^\]]*\]", "", place[1]).replace(".", "/") if place else ""
    missing = _MISSING.match(text)
    if missing is not None:
        return fault(f"{pointer}/{missing[1]}", "this field is required", "FIELD_MISSING")
    return fault(pointer, "not what the description says")


def read_json(
    call: Call, decoder: "msgspec.json.Decoder[S]", fault: FieldError | str
) -> "S | Response":
    """The body, or a problem.

    Args:
        call: the request.
        decoder: of its type.
        fault: what is told when the values are wrong; a text is what a right body is.
    """
    if call.media_type != "application/json":
        return problem("MEDIA_TYPE_UNSUPPORTED", call.ticket)
    try:
        parse(call.body)
        return decoder.decode(call.body)
    except Malformed:
        return problem("REQUEST_MALFORMED", call.ticket)
    except msgspec.ValidationError:
        if isinstance(fault, str):
            fault = FieldError(pointer="", code="VALUE_INVALID", detail=fault)
        return problem("REQUEST_INVALID", call.ticket, errors=[fault])

"""What the control API refuses, and how it says so.

Rule: a refusal has a stable code, names the place of the fault by JSON pointer (RFC 6901), and the
nearest right name where a name was wrong. It never repeats a value that was sent.

Source: interface.md 1 and 10.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, TypeVar, get_args

import msgspec


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a body: where, which kind, and what to write instead."""

    pointer: str
    code: str
    detail: str


class Refused(Exception):
    """The caller's mistake: answered with `status` and a JSON body, and nothing was changed."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: tuple[Flaw, ...] = (),
        *,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers

    def document(self) -> dict[str, object]:
        """The JSON body of the answer."""
        body: dict[str, object] = {"code": self.code, "detail": self.detail}
        if self.errors:
            body["errors"] = [
                {"pointer": error.pointer, "code": error.code, "detail": error.detail}
                for error in self.errors
            ]
        return body


def invalid(pointer: str, code: str, detail: str) -> Refused:
    """422 for one fault at `pointer`."""
    return Refused(422, "REQUEST_INVALID", f"{pointer}: {detail}", (Flaw(pointer, code, detail),))


def nearest(name: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest right one, or all of them."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(names)}"


S = TypeVar("S", bound=msgspec.Struct)


def decode(body: bytes, shape: type[S]) -> S:
    """Reads a request body into `shape`; raises `Refused` (400 not JSON, 422 not of the shape)."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), shape) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, "REQUEST_MALFORMED", f"the body is not JSON: {error}") from None


def _refusal(text: str, shape: type[msgspec.Struct]) -> Refused:
    """Turns msgspec's sentence (`what - at `$.a.b``) into a pointer and a remedy."""
    detail, _, place = text.partition(" - at `$")
    pointer = place.rstrip("`").replace("[...]", ".*").replace("[", ".").replace("]", "")
    pointer = pointer.replace(".", "/")
    if detail.startswith("Object contains unknown field `"):
        name = detail.split("`")[1]
        remedy = nearest(name, _names_at(pointer, shape))
        return invalid(f"{pointer}/{name}", "FIELD_UNKNOWN", f"unknown field: {remedy}")
    if detail.startswith("Object missing required field `"):
        return invalid(
            f"{pointer}/{detail.split('`')[1]}", "FIELD_MISSING", "the field is required"
        )
    return invalid(pointer, "FIELD_INVALID", detail)


def _names_at(pointer: str, shape: type[msgspec.Struct]) -> list[str]:
    """The field names that a body of `shape` may have at `pointer`."""
    at: Any = shape
    for part in pointer.split("/")[1:]:
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(at)}
        at = fields[part]
        if isinstance(at, UnionType):
            at = next(kind for kind in get_args(at) if isinstance(kind, type))
    return [field.encode_name for field in msgspec.structs.fields(at)]

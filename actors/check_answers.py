"""What the kinds of `comptoir check` share: an input object that is read, and an answer that says no.

Apart from the kinds, since each of them reads its own libraries, and the child that screens names only its own.
Source: check-command contract.
"""

from typing import Any, TypeVar

import msgspec

__all__ = ["Answer", "InvalidInputError", "convert", "refusal"]

Answer = dict[str, Any]
"""`ok`, and the kind's own fields or `error` with `code` and `detail`; ready for JSON."""

Input = TypeVar("Input", bound=msgspec.Struct)


class InvalidInputError(Exception):
    """The input object cannot be read; its text is the detail of the answer."""


def convert(given: object, kind: type[Input]) -> Input:
    """Read an input object.

    Raises:
        InvalidInputError: it is none of that kind.
    """
    try:
        asked = msgspec.convert(given, kind)
        # What is echoed must be writable as UTF-8: a lone surrogate is refused here, once for all.
        msgspec.json.encode(asked)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError) as error:
        detail = str(error) if isinstance(error, msgspec.ValidationError) else "not Unicode text"
        raise InvalidInputError(detail) from None
    return asked


def refusal(code: str, detail: str) -> Answer:
    """The answer that says no."""
    return {"ok": False, "error": {"code": code, "detail": detail}}

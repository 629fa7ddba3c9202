"""Whether values can be written at all: found out before the database is asked.

The rule: what a fold hides (a state, a field, a timer that was set again in the same batch) must be as
sound as what is sent, because alone it would have been refused. Source: design.md 7 (Folding).
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import orjson

from comptoir.engine.journal import Pending
from comptoir.engine.values import encode
from comptoir.storage.runs import Unencodable, write_attempts

__all__ = ["check_hidden", "check_text", "write_fields", "write_value"]

BIGINT: Final = 1 << 63


def write_value(value: msgspec.Struct) -> bytes:
    """A state, a message, an event or a reply, encoded.

    Raises:
        Unencodable: it cannot be.
    """
    try:
        return encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Unencodable(type(error).__name__) from None


def write_fields(fields: Mapping[str, object]) -> str:
    """Fields of a document as JSON.

    Raises:
        Unencodable: they cannot be, or jsonb could not hold them.
    """
    try:
        text = orjson.dumps(fields).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Unencodable(type(error).__name__) from None
    if "\\u0000" in text and "\\u0000" in text.replace("\\\\", ""):
        raise Unencodable("U+0000")  # jsonb cannot hold it
    return text


def check_text(*values: str) -> None:
    """Hold that the database can keep these texts.

    Raises:
        Unencodable: U+0000, or a lone surrogate.
    """
    text = "".join(values)
    if text.isascii() and "\0" not in text:
        return  # as nearly all are
    try:
        if b"\0" in text.encode():
            raise Unencodable("U+0000")
    except UnicodeEncodeError:
        raise Unencodable("a lone surrogate") from None


def check_hidden(row: Pending, due_at: int | None) -> None:
    """Hold that a message which is forgotten in the batch that made it could have been written.

    Raises:
        Unencodable: it could not.
    """
    check_text(*row.sender)
    if due_at is not None and due_at >= BIGINT:
        raise Unencodable("a due time")
    if row.attempts and "\\u0000" in (write_attempts(row.attempts) or ""):
        raise Unencodable("U+0000")

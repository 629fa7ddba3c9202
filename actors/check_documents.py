"""`comptoir check document` and `ocr`: the daemon's own inspection behind a JSON seam.

The rule is that of checks.py. A file is looked at in a child, as the daemon has it looked at, and for that trio is
wanted, which the other kinds are spared.
Source: check-command contract, those kinds; S19.
"""

import base64
import errno
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec
import trio

from comptoir.actors.check_answers import Answer, InvalidInputError, convert, refusal
from comptoir.actors.inspection.flags import is_accepted
from comptoir.actors.inspection.inspector import Inspector, task_of
from comptoir.actors.inspection.mrz import ZoneUnreadable, repair_zone
from comptoir.actors.inspection.printed import printed_words
from comptoir.actors.inspection.report import LOOK, READ, Report
from comptoir.actors.inspection.showing import shown_zone

__all__ = ["CHECKS", "check_document", "check_ocr"]

FILE_BYTES_MAX: Final = 1 << 30
"""As large as a document may ever be configured to be (documents.bytes_max)."""
CHECK_SECONDS_MAX: Final = 60.0
"""For one file, with OCR of its first pages."""


class _DocumentInput(msgspec.Struct):
    path: str | None = None
    content_b64: str | None = None
    filename: str = ""
    declared_type: str = ""


def check_document(given: object) -> Answer:
    """Look at one file as the daemon does: `media_type`, `pages`, `sha256`, `flags`, `accepted`."""
    looked = _looked_at(given, LOOK)
    if not isinstance(looked, Report):
        return looked
    return {
        "ok": True,
        "media_type": looked.media_type,
        "pages": looked.pages,
        "sha256": looked.sha256,
        "flags": list(looked.flags),
        "accepted": is_accepted(looked.flags),
    }


def check_ocr(given: object) -> Answer:
    """Read one file as the daemon does: `text`, `confidence`, and `mrz` where there is one."""
    looked = _looked_at(given, READ)
    if not isinstance(looked, Report):
        return looked
    if not is_accepted(looked.flags):
        detail = f"it is not taken, and so not read: {', '.join(looked.flags)}"
        return refusal("DOCUMENT_NOT_ACCEPTED", detail)
    shown: Answer = {"ok": True, "text": looked.text, "confidence": looked.confidence}
    if looked.zone:
        with suppress(ZoneUnreadable):
            zone = repair_zone(
                list(looked.zone), datetime.now(UTC).date(), printed_words(looked.text)
            )
            shown["mrz"] = shown_zone(zone)
    return {**shown, "languages": looked.languages}


def _looked_at(given: object, work: str) -> "Report | Answer":
    """What a child says of the file of an input."""
    try:
        asked = convert(given, _DocumentInput)
        data, name = _content(asked)
    except InvalidInputError as error:
        return refusal("CHECK_INPUT_INVALID", str(error))
    except OSError as error:
        return refusal("DOCUMENT_UNREADABLE", error.strerror or "cannot be read")
    task = task_of(work, asked.filename or name, asked.declared_type)

    async def parts() -> AsyncGenerator[bytes]:
        yield data

    return trio.run(Inspector(1, CHECK_SECONDS_MAX).inspect, parts(), task)


def _content(asked: _DocumentInput) -> tuple[bytes, str]:
    """The bytes of an input, and the name of its file."""
    if (asked.path is None) == (asked.content_b64 is None):
        raise InvalidInputError("one of `path` and `content_b64` - at `$`")
    if asked.content_b64 is not None:
        try:
            return base64.b64decode(asked.content_b64, validate=True), ""
        except ValueError:
            raise InvalidInputError("not base64 - at `$.content_b64`") from None
    assert asked.path is not None
    if "\0" in asked.path:
        raise InvalidInputError("not a path - at `$.path`")
    path = Path(asked.path)
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, "no such file")
    if path.stat().st_size > FILE_BYTES_MAX:
        raise OSError(errno.EFBIG, f"larger than {FILE_BYTES_MAX} bytes")
    return path.read_bytes(), path.name


CHECKS: Final[Mapping[str, Callable[[object], Answer]]] = MappingProxyType(
    {"document": check_document, "ocr": check_ocr}
)
"""The kinds of files, by name."""

"""What a file is, by its content: PDF, JPEG or PNG, whatever its name or its sender says; and what it is besides.

The rule: bytes are read as far as it takes to say where the one format begins and ends; what lies before or after
is told, and where it is another format, the file is two things at once: each reader sees what it likes.
Source: ISO 32000 7.5; ITU T.81 annex B; PNG 5.2; APPNOTE.TXT 4.3.16; spec.md S19.
"""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["JPEG", "PDF", "PNG", "Kind", "find_kind", "mismatches"]

PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"
SUFFIXES: Final = {PDF: {".pdf"}, JPEG: {".jpg", ".jpeg", ".jpe", ".jfif"}, PNG: {".png"}}
_MAGIC: Final = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}
HEAD_BYTES: Final = 1024
"""Where readers look for `%PDF-`."""
TAIL_BYTES: Final = 66_000
"""A ZIP ends within the last 64 KiB and its 22 bytes."""
TRAILING_BYTES_MAX: Final = 1024
"""After the last `%%EOF`: some writers leave blanks or a few lines there."""
_SCRIPTS: Final = re.compile(rb"<script|<\?php|<!doctype html|<html|javascript:", re.IGNORECASE)
_OTHERS: Final = (
    b"%PDF-",
    b"\x7fELF",
    b"MZ\x90\x00",
    b"PK\x03\x04",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf'\x1c",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is."""

    media_type: str | None
    flags: tuple[str, ...] = ()


def find_kind(data: bytes) -> Kind:
    """Say what a file is."""
    for magic, media_type in _MAGIC.items():
        if data.startswith(magic):
            end = _jpeg_end(data) if media_type == JPEG else _png_end(data)
            return Kind(media_type, _picture_flags(data, end))
    at = data.find(b"%PDF-", 0, HEAD_BYTES)
    if at < 0:
        return Kind(None, ("TYPE_UNKNOWN",))
    before = data[:at].removeprefix(b"\xef\xbb\xbf").strip()
    end = data.rfind(b"%%EOF")
    after = data[end + 5 :].strip(b"\0 \r\n\t") if end >= 0 else b""
    flags: list[str] = []
    if end < 0:
        flags.append("TRUNCATED")
    if before or _is_zip(data) or _begins_another(after):
        flags.append("POLYGLOT")
    elif len(after) > TRAILING_BYTES_MAX:
        flags.append("TRAILING_DATA")
    return Kind(PDF, tuple(flags))


def mismatches(kind: Kind, declared_type: str, suffix: str) -> tuple[str, ...]:
    """What its sender and its name say that it is not."""
    if kind.media_type is None:
        return ()
    flags: list[str] = []
    if declared_type and declared_type.partition(";")[0].strip().lower() != kind.media_type:
        flags.append("TYPE_MISMATCH")
    if suffix and suffix not in SUFFIXES[kind.media_type]:
        flags.append("EXTENSION_MISMATCH")
    return tuple(flags)


def _picture_flags(data: bytes, end: int) -> tuple[str, ...]:
    if end < 0:
        return ("TRUNCATED",)
    after = data[end:]
    if _is_zip(data) or _begins_another(after) or b"%PDF-" in data[:HEAD_BYTES]:
        return ("POLYGLOT",)
    if _SCRIPTS.search(data):
        return ("POLYGLOT",)
    return ("TRAILING_DATA",) if after.strip(b"\0 \r\n\t") else ()


def _begins_another(after: bytes) -> bool:
    """Whether what follows the end has the mark of some other kind of file."""
    return any(mark in after for mark in _OTHERS) or _SCRIPTS.search(after) is not None


def _is_zip(data: bytes) -> bool:
    """Whether it ends as a ZIP does: a record that says how long its comment is, up to the last byte."""
    tail = data[-TAIL_BYTES:]
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:  # noqa: PLR2004 - length of the record
        return False
    comment = int.from_bytes(tail[at + 20 : at + 22], "little")
    return at + 22 + comment == len(tail)


def _jpeg_end(data: bytes) -> int:
    """One after its last byte; -1 if it does not end: segments are stepped over, for a preview has ends of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every marker begins so
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:  # noqa: PLR2004 - start of scan: from here on an end is the end
            found = data.find(b"\xff\xd9", at)
            return found + 2 if found >= 0 else -1
        at += 2 + size
    return -1


def _png_end(data: bytes) -> int:
    """Likewise, chunk by chunk."""
    at = 8
    while at + 12 <= len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        at += 12 + size
        if name == b"IEND":
            return at if at <= len(data) else -1
    return -1

"""What is asked of an inspection, and what it answers: the words between a daemon and the child that looks.

Source: docs/documents.md; check-command contract, kinds `document` and `ocr`.
"""

from typing import Final

import msgspec

__all__ = ["FORKED", "LOOK", "LOOKING", "READ", "READING", "Report", "Task", "failed_report"]

LOOK: Final = "look"
"""At the file: its type, its structure, its fingerprints."""
READ: Final = "read"
"""What it shows as well: OCR of its first pages."""

LOOKING: Final = b"l"
"""A child that looks is wanted of the program that forks them (forking.py)."""
READING: Final = b"r"
"""One that reads: languages are loaded, if they are not."""
FORKED: Final = b"f"
"""There is one, and it waits for its task."""


class Task(msgspec.Struct, frozen=True):
    """What a child is told before the bytes come."""

    declared_type: str = ""
    """Empty: nobody said."""
    suffix: str = ""
    """Of its name, with the dot, in lower case; the name itself is personal and stays away."""
    work: str = LOOK
    memory_bytes_max: int = 1 << 30
    cpu_seconds_max: int = 20
    pages_max: int = 100
    pages_read_max: int = 3
    """The first pages, of which OCR reads."""


class Report(msgspec.Struct, frozen=True):
    """What was found."""

    media_type: str | None
    pages: int | None
    sha256: str
    """Of the bytes that the child was given."""
    flags: tuple[str, ...]
    look: str = ""
    """A fingerprint of how the first page looks (pictures.py), 128 hexadecimal digits; empty: nothing to see."""
    text: str = ""
    confidence: float = 0.0
    """Of the words that were read, by their length: 0 to 1."""
    zone: tuple[str, ...] = ()
    """Lines of a machine readable zone, as they were read."""
    languages: str = ""
    """That OCR had, as Tesseract writes them: `fra+eng`."""
    held: tuple[str, ...] = ()
    """How the child was confined (confinement.py)."""


def failed_report(code: str, sha256: str) -> Report:
    """Of an inspection that came to no end."""
    return Report(None, None, sha256, (code,))

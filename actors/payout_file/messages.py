"""What may be said to the file of a batch, and what it answers (X27).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from comptoir.engine.values import Message, Reply

__all__ = ["KIND", "FileRead", "KeepFile", "ReadFile"]

KIND = "payout_file"


class KeepFile(Message, frozen=True):
    """This was approved."""

    digest: str
    """SHA-256 of the file, hex."""
    document: bytes
    """The file, compressed (zlib)."""


class ReadFile(Message, frozen=True):
    """Give it to whoever is on record already (`NoteDownload`)."""


class FileRead(Reply, frozen=True):
    """The file."""

    digest: str
    document: bytes

"""The record of tokens that were made by hand: a line each, on disk before the token is shown.

The rule: a token that a command signed while no daemon was there to write its audit log is on record
all the same. The lines wait beside the keys (mode 0600, as guarded as what signs the tokens) until the
daemon, which alone writes the log, takes them over: `waiting` reads them, `taken` removes them. The
token itself is nowhere in them, its `jti` is.
Source: interface.md 9 (recorded in the audit log); spec.md S36.
"""

import errno
import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from comptoir.http.identity.issuing import Grant

__all__ = ["RECORD_FILE", "Issued", "RecordFull", "record", "taken", "waiting"]

RECORD_FILE: Final = "issued.jsonl"
TAKEN_FILE: Final = "issued.taken.jsonl"
FILE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Some 100,000 tokens; whoever makes more than that by hand has no daemon that takes them over."""


class RecordFull(Exception):
    """The record takes no more lines, so no more tokens are made."""


@dataclass(frozen=True, slots=True)
class Issued:
    """One token that was made."""

    token_id: str
    """Its `jti`."""
    at: int
    """Seconds since 1970."""
    grant: Grant
    user_id: int
    """Account of the operating system that made it."""

    def line(self) -> bytes:
        """As the file has it."""
        row: dict[str, Any] = {
            "jti": self.token_id,
            "at": self.at,
            "sub": self.grant.subject,
            "roles": [role.value for role in self.grant.roles],
            "scopes": list(self.grant.scopes),
            "clientId": self.grant.client_id,
            "seconds": self.grant.seconds,
            "uid": self.user_id,
        }
        return orjson.dumps(row) + b"\n"


def record(folder: Path, made: Issued) -> None:
    """Write a line, durably.

    Args:
        folder: DATA_DIR/keys, which exists.
        made: what.

    Raises:
        RecordFull: FILE_BYTES_MAX are reached.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    descriptor = os.open(folder / RECORD_FILE, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # two commands do not mix their lines
        size = os.fstat(descriptor).st_size
        if size > FILE_BYTES_MAX:
            raise RecordFull
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        line = (b"\n" if torn else b"") + made.line()
        if os.write(descriptor, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def waiting(folder: Path) -> Sequence[dict[str, Any]]:
    """The lines that are not in the audit log yet, oldest first; the same ones until `taken`.

    They are set aside first, so that a line that is written meanwhile is of the next lot. A line that was
    torn (by a full disk, by the machine's end) is left out: its token was never shown.
    """
    aside = folder / TAKEN_FILE
    if not aside.exists():
        try:
            (folder / RECORD_FILE).rename(aside)
        except FileNotFoundError:
            return []
    return [row for line in aside.read_bytes().splitlines() if (row := _read(line)) is not None]


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row


def taken(folder: Path) -> None:
    """Remove what `waiting` gave: it is durable in the audit log now."""
    (folder / TAKEN_FILE).unlink(missing_ok=True)

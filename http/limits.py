"""How many requests a caller may make in a minute: sliding windows, kept across restarts.

The rule: in no sixty seconds is a caller given more than its quota, and one that goes on at the limit
gets at least 99 % of it. A window is counted in slots of half a second, and a request is forgotten
when its whole slot is sixty seconds old: that is the error, half a second in sixty, to the caller's
disadvantage. (A bucket of tokens, as for webhooks, gives twice its quota in the first minute.)

Every window is a record of fixed size in one map of memory, of which a file of DATA_DIR is the other
side, so a count is where it survives at the moment in which it is made: nothing is written at a pace,
and a killed daemon that starts again goes on counting exactly. Only a machine that loses its power
forgets what its kernel had not written yet (seconds), which gives a caller one more quota at most.
Callers stand in it as keyed digests of sixteen bytes. The map never grows: of more than `CALLERS_MAX`
callers of one sort, the one that was silent longest is forgotten; who can speak from so many
addresses is not held by a limit for each of them.
Source: spec.md S62, X28; draft-ietf-httpapi-ratelimit-headers-11 (fields), RFC 6585 (429), RFC 9110.
"""

import fcntl
import hashlib
import math
import mmap
import os
import secrets
import struct
import time
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from comptoir.engine.settings import Settings
from comptoir.http.peers import Address, name_of
from comptoir.http.principal import Principal

__all__ = ["CALLERS_MAX", "Count", "Limits", "Quotas", "open_limits"]

WINDOW_SECONDS: Final = 60
SLOTS_A_SECOND: Final = 2
SLOTS: Final = WINDOW_SECONDS * SLOTS_A_SECOND + 1
"""One more than the window has: the oldest counts until its last moment is sixty seconds old."""
CALLERS_MAX: Final = 8_192
"""Of each sort; with `RECORD_BYTES` 4 MiB, of which only what is used costs memory."""
RECORD_BYTES: Final = 512
DIGEST_BYTES: Final = 16
FILE_NAME: Final = "limits.bin"

_MAGIC: Final = b"comptoir limits, form 1\n".ljust(32)
_KEY_BYTES: Final = 32
_HEAD_BYTES: Final = RECORD_BYTES
_TABLE_BYTES: Final = CALLERS_MAX * RECORD_BYTES
FILE_BYTES: Final = _HEAD_BYTES + 2 * _TABLE_BYTES
_NEWEST = struct.Struct("<Q")
_COUNTS_AT: Final = DIGEST_BYTES + _NEWEST.size
assert _COUNTS_AT + 4 * SLOTS <= RECORD_BYTES, "a record holds its window"

_log = structlog.stdlib.get_logger("comptoir.http.limits")


class Quotas(NamedTuple):
    """Requests a minute."""

    authenticated: int
    anonymous: int


class Count(NamedTuple):
    """Where a caller stands after a request."""

    policy: str
    """Name of the quota."""
    quota: int
    left: int
    more_in_s: int
    """Whole seconds until there is more; 0 when nothing is used."""
    refused: bool

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As the draft's fields say it."""
        return [
            (b"ratelimit-policy", f'"{self.policy}";q={self.quota};w={WINDOW_SECONDS}'.encode()),
            (b"ratelimit", f'"{self.policy}";r={self.left};t={self.more_in_s}'.encode()),
        ]


class _Window:
    """One caller's window, over its record of the map."""

    __slots__ = ("_counts", "_record", "newest", "total")

    def __init__(self, record: memoryview) -> None:
        """Take a record as it is."""
        self._record = record
        self._counts = record[_COUNTS_AT : _COUNTS_AT + 4 * SLOTS].cast("I")
        self.newest: int = _NEWEST.unpack_from(record, DIGEST_BYTES)[0]
        self.total = sum(self._counts)

    @property
    def digest(self) -> bytes:
        """Whose it is."""
        return bytes(self._record[:DIGEST_BYTES])

    def belongs_to(self, digest: bytes) -> None:
        """Start anew for another caller."""
        self.clear()
        self._record[:DIGEST_BYTES] = digest

    def clear(self) -> None:
        """Forget everything."""
        self._record[:] = bytes(RECORD_BYTES)
        self.newest = self.total = 0

    def at(self, slot: int) -> int:
        """Move the window on; the slot to count in.

        A clock that was set back leaves the window where it is, so that nobody gets a quota by it;
        one that had run ahead by more than a window was wrong, and what it left is void.
        """
        ahead = slot - self.newest
        if ahead >= SLOTS or ahead <= -SLOTS:
            digest = self.digest
            self.belongs_to(digest)
        else:
            for passed in range(self.newest + 1, slot + 1):
                self.total -= self._counts[passed % SLOTS]
                self._counts[passed % SLOTS] = 0
            slot = max(slot, self.newest)
        self.newest = slot
        _NEWEST.pack_into(self._record, DIGEST_BYTES, slot)
        return slot

    def add(self, slot: int) -> None:
        """Count one."""
        self._counts[slot % SLOTS] += 1
        self.total += 1

    def oldest(self) -> int:
        """The slot of the oldest request that still counts; the newest if there is none."""
        first = self.newest - SLOTS + 1
        return next((s for s in range(first, self.newest) if self._counts[s % SLOTS]), self.newest)

    def let_go(self) -> None:
        """Give the map back."""
        self._counts.release()
        self._record.release()


class _Table:
    """The callers of one sort, and their windows; the one silent longest comes first."""

    __slots__ = ("_free", "_records", "_windows", "policy", "quota")

    def __init__(self, policy: str, quota: int, records: memoryview) -> None:
        """Take over what the records hold."""
        self.policy = policy
        self.quota = quota
        self._records = records
        newest = [
            _NEWEST.unpack_from(records, start + DIGEST_BYTES)[0]
            for start in range(0, _TABLE_BYTES, RECORD_BYTES)
        ]
        self._free = [number for number, slot in enumerate(newest) if not slot]
        known = [number for number, slot in enumerate(newest) if slot]
        known.sort(key=newest.__getitem__)
        windows = [self._window(number) for number in known]
        self._windows = OrderedDict((window.digest, window) for window in windows)

    def _window(self, number: int) -> _Window:
        """The window over a record."""
        start = number * RECORD_BYTES
        return _Window(self._records[start : start + RECORD_BYTES])

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, digest: bytes, now: float, *, counted: bool = True) -> Count:
        """Count one request, unless the quota is used; or only say where the caller stands."""
        if not counted and digest not in self._windows:
            return Count(self.policy, self.quota, self.quota, 0, refused=False)
        window = self._of(digest)
        slot = window.at(int(now * SLOTS_A_SECOND))
        refused = window.total >= self.quota
        if counted and not refused:
            window.add(slot)
        more_at = (window.oldest() + SLOTS) / SLOTS_A_SECOND
        more_in_s = min(math.ceil(more_at - now), WINDOW_SECONDS + 1) if window.total else 0
        left = max(0, self.quota - window.total)
        return Count(self.policy, self.quota, left, max(0, more_in_s), refused)

    def _of(self, digest: bytes) -> _Window:
        """The window of a caller, which is now the last to be forgotten."""
        window = self._windows.pop(digest, None)
        if window is None:
            if self._free:
                window = self._window(self._free.pop())
            else:
                _, window = self._windows.popitem(last=False)
            window.belongs_to(digest)
        self._windows[digest] = window
        return window

    def let_go(self) -> None:
        """Give the map back."""
        for window in self._windows.values():
            window.let_go()
        self._records.release()


class Limits:
    """Every caller's window; one such object for a daemon."""

    def __init__(
        self, quotas: Quotas, path: Path | None = None, now: Callable[[], float] = time.time
    ) -> None:
        """Open the file, or make it; where that fails, or None is given, count in memory only.

        Args:
            quotas: requests a minute, for each sort of caller.
            path: the file, which one process has at a time.
            now: seconds since 1970.
        """
        self._now = now
        self._file = _opened(path)
        if self._file is None:
            self._map = mmap.mmap(-1, FILE_BYTES)
        else:
            self._map = mmap.mmap(self._file, FILE_BYTES)
        self._view = memoryview(self._map)
        if bytes(self._view[: len(_MAGIC)]) != _MAGIC:
            self._view[: len(_MAGIC) + _KEY_BYTES] = _MAGIC + secrets.token_bytes(_KEY_BYTES)
        self._key = bytes(self._view[len(_MAGIC) : len(_MAGIC) + _KEY_BYTES])
        first, second = _HEAD_BYTES, _HEAD_BYTES + _TABLE_BYTES
        self._authenticated = _Table(
            "authenticated", quotas.authenticated, self._view[first:second]
        )
        self._anonymous = _Table("anonymous", quotas.anonymous, self._view[second:])

    def __repr__(self) -> str:
        """Show the quotas and how many callers are known."""
        known, unknown = self._authenticated, self._anonymous
        return (
            f"Limits({known.quota}/min for {len(known)} principals, "
            f"{unknown.quota}/min for {len(unknown)} addresses, kept={self.kept})"
        )

    @property
    def kept(self) -> bool:
        """Whether a restart goes on counting."""
        return self._file is not None

    def principal(self, principal: Principal) -> Count:
        """Count a request of an authenticated caller."""
        name = f"{principal.issuer}\n{principal.subject}"
        return self._authenticated.take(self._digest(name), self._now())

    def address(self, address: Address | None, *, counted: bool = True) -> Count:
        """Count a request of an anonymous caller; all whose address cannot be known share one.

        Args:
            address: where it comes from.
            counted: False: it is only asked where the caller stands.
        """
        name = name_of(address)
        return self._anonymous.take(self._digest(name), self._now(), counted=counted)

    def close(self) -> None:
        """Let go of the file; what was counted stays in it."""
        for table in (self._authenticated, self._anonymous):
            table.let_go()
        self._view.release()
        self._map.close()
        if self._file is not None:
            os.close(self._file)

    def _digest(self, name: str) -> bytes:
        """How a caller is known here: not by a name that could be read."""
        given = name.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(given, key=self._key, digest_size=DIGEST_BYTES).digest()


@contextmanager
def open_limits(settings: Settings) -> Generator[Limits | None, None, None]:
    """The limits under these settings, closed in the end; None where there are none.

    By default they go with tokens: without accounts whoever calls is this machine, and what it does
    in bulk (imports, tests, the demo) is not to be held up.
    """
    http = settings.http
    wanted = http.rate_limits
    if wanted == "off" or (wanted == "auto" and settings.auth.mode == "loopback"):
        yield None
        return
    quotas = Quotas(http.rate_per_minute_authenticated, http.rate_per_minute_anonymous)
    with closing(Limits(quotas, settings.storage.data_dir / FILE_NAME)) as limits:
        yield limits


def _opened(path: Path | None) -> int | None:
    """The file, locked, of the right size and form; None where it cannot be had."""
    if path is None:
        return None
    file: int | None = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_size != FILE_BYTES or os.pread(file, len(_MAGIC), 0) != _MAGIC:
            # Written, not only sized: a map over a hole would end the process on a full disk.
            os.ftruncate(file, 0)
            os.pwrite(file, bytes(FILE_BYTES), 0)
    except OSError as error:
        # A standby beside the daemon, a folder that cannot be written: it serves all the same.
        _log.warning("limits_not_kept", why=type(error).__name__, number=error.errno)
        if file is not None:
            os.close(file)
        return None
    return file

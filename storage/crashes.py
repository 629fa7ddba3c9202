"""The writer's crashes: counted, told, and borne up to an intensity.

The rule: a crash of the writer is contained where it happens (storage/writer.py, storage/session.py)
and is never silent: it is counted, logged with its place and without any value, and beyond the
intensity it ends the journal, because a writer that crashes again and again has a bug that no
trying again mends. What is told of a crash is its type and its frames (invariant 8).
Source: design.md 5 (Supervision); Erlang/OTP supervisor (intensity, period).
"""

import logging
from typing import ClassVar, Final

import trio

from comptoir.engine.errors import frames_of
from comptoir.engine.journal import Rejected
from comptoir.engine.spec import Intensity
from comptoir.engine.supervisor import add_restart

__all__ = ["WRITER_CRASHED", "WRITER_INTENSITY", "Crashes", "WriterBroken", "rejected_for"]

log = logging.getLogger("comptoir.storage")

WRITER_CRASHED: Final = "WRITER_CRASHED"
"""Why a decision is rejected that crashes the writer, alone as well."""
WRITER_INTENSITY: Final = Intensity(restarts=20, period_ms=60_000)
"""As the engine's own children (engine/parts.py)."""


class WriterBroken(Exception):
    """The writer crashed beyond its intensity; the last crash is the cause."""

    code: ClassVar[str] = "BROKEN"
    remedy: ClassVar[str] = "read the log above this line and report it"
    exit_status: ClassVar[int] = 1


class Crashes:
    """Counts crashes, all of them and those within the period."""

    def __init__(self, intensity: Intensity = WRITER_INTENSITY) -> None:
        self._intensity = intensity
        self._recent: tuple[int, ...] = ()
        self.total = 0

    def __repr__(self) -> str:
        return f"<Crashes {self.recent} recent, {self.total} in all>"

    @property
    def recent(self) -> int:
        """How many counted against the intensity within the period that ends now."""
        return sum(_now() - at < self._intensity.period_ms for at in self._recent)

    def note(self, crash: Exception, where: str, *, counted: bool = True) -> None:
        """Tell of a crash that was contained.

        Args:
            crash: what was raised.
            where: the part of the writer, for the log.
            counted: whether it counts against the intensity. One that its own asker hears of, or
                that belongs to an incident counted before, does not.

        Raises:
            WriterBroken: it was one too many.
        """
        self.total += 1
        log.error("the writer crashed in %s: %s at %s",
                  where, type(crash).__name__, frames_of(crash))  # fmt: skip
        if counted:
            self._recent, within = add_restart(self._recent, _now(), self._intensity)
            if not within:
                raise WriterBroken(f"the writer crashed {len(self._recent)} times") from crash


def rejected_for(crash: Exception) -> Rejected:
    """The fate of a decision that crashes the writer by itself; no value of it is told."""
    return Rejected(WRITER_CRASHED, f"{type(crash).__name__} {frames_of(crash)}")


def _now() -> int:
    return round(trio.current_time() * 1000)

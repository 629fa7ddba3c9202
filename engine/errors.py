"""Every error that the engine raises to its callers, one class per situation, by whose fault it is.

The rule (style.md 8): the caller's fault is `Refused`; too much work is `Overloaded`; a broken
resource under us is `Unavailable`; our own bug is an ordinary exception that nobody catches but the
actor's supervisor. `trio.Cancelled` always passes.

Every class carries a stable `code` (spec.md S66, interface.md 1), which the edge turns into a
status; `http/problems.py` is tested for totality over these codes.
"""

import traceback
from typing import Any

__all__ = [
    "AskTimeout",
    "EngineError",
    "Erased",
    "Failed",
    "Overloaded",
    "Refused",
    "Stopping",
    "Superseded",
    "Suspended",
    "Unavailable",
    "UnknownAddress",
    "frames_of",
    "log_crash",
]

FRAMES_MAX = 5
"""Innermost frames that are kept: enough to find the line, few enough to read."""


def frames_of(crash: BaseException) -> str:
    """Where it crashed, innermost first, without its text or any value: these may be personal."""
    frames = traceback.extract_tb(crash.__traceback__)[-FRAMES_MAX:]
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))


def log_crash(log: Any, event: str, crash: BaseException, **names: str) -> None:
    """One line of log for a crash: its type and where it was, never its text (invariant 8)."""
    log.error(event, error=type(crash).__name__, at=frames_of(crash), **names)


class EngineError(Exception):
    """Base of all. `code` is stable; `detail` is for people and may change."""

    code = "INTERNAL"
    retry_after_s: int | None = None

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class Refused(EngineError):
    """The machine refused the message by name; nothing was changed."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail)
        self.code = code

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class Overloaded(EngineError):
    """A bound was met: a full mailbox, too many pending rows, no room for another actor."""

    code = "OVERLOADED"
    retry_after_s = 1


class Unavailable(EngineError):
    """The database is away; nothing was taken. The daemon goes on by itself when it returns."""

    code = "STORAGE_UNAVAILABLE"
    retry_after_s = 5
    remedy = "start the database again; the daemon waits storage.start_timeout_s for it"
    """Where it ends a start, as interface.md 2 shows it."""


class Superseded(Unavailable):
    """Another daemon has raised the epoch: this one writes nothing any more (invariant 3)."""


class Stopping(EngineError):
    """The engine is stopping and takes no new work."""

    code = "OVERLOADED"
    retry_after_s = 5


class Erased(EngineError):
    """What is asked for was sealed by a key that was destroyed (X13): nobody can read it again."""

    code = "VAULT_ERASED"


class Suspended(EngineError):
    """This one actor restarted more often than its kind allows; an operator resumes it."""

    code = "OVERLOADED"
    retry_after_s = 60


class AskTimeout(EngineError):
    """No answer in time. The decision may still be taken: ask again under the same key."""

    code = "OVERLOADED"
    retry_after_s = 1


class Failed(EngineError):
    """The message crashed its machine twice, or its data was refused; it is a dead letter."""

    code = "INTERNAL"


class UnknownAddress(EngineError):
    """No actor or gateway of that kind is known to this engine: a bug in the caller."""

"""What happened in a run: one line a step, and the verdict.

Rule: a line is made of the run's own times, numbers and names only, so that the same seed writes the
same lines in every process; a violation names the invariant that it breaks. Source: design.md 8, 9.
"""

import hashlib
from datetime import UTC, datetime
from typing import cast

__all__ = ["Trace", "Violation", "cause_of"]


def cause_of(error: BaseException) -> BaseException:
    """The first error inside groups of them, or what it was raised from."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return error if error.__cause__ is None else error.__cause__


class Violation(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant
        self.detail = detail


class Trace:
    """The lines of one run."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str]] = []

    def add(self, now: int, who: str, what: str) -> None:
        """One step: business time in ms, which daemon, what happened."""
        self.lines.append((now, who, what))

    def digest(self) -> str:
        """Of all lines."""
        made = hashlib.sha256()
        for line in self.lines:
            made.update(repr(line).encode())
        return made.hexdigest()

    def shown(self, last: int | None = None) -> list[str]:
        """The lines as people read them; the last so many."""
        lines = self.lines if last is None else self.lines[-last:]
        return [f"{_time(now)}  {who:<8}  {what}" for now, who, what in lines]


def _time(now: int) -> str:
    return datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]

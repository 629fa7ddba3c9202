"""What a command tells on standard error before it ends, and the exit status that it ends with.

Rule: one line `comptoir: CODE: text: remedy` for what a person can mend, never a traceback; of a
bug one line too, and the traceback goes to a file that the line names.
Source: interface.md 2 (exit statuses, the line).
"""

import difflib
import os
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

__all__ = [
    "EXIT_DATABASE",
    "EXIT_INTERRUPTED",
    "EXIT_OTHER",
    "EXIT_PORT",
    "EXIT_USAGE",
    "CommandError",
    "explain",
    "nearest",
    "one_line",
]

EXIT_OTHER = 1
EXIT_USAGE = 2
EXIT_DATABASE = 3
EXIT_PORT = 4
EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C, as shells count it: 128 and the signal's number."""
TEXT_CHARS_MAX = 500
"""One line of a terminal's worth; an error may quote a whole statement of the user's."""


class CommandError(Exception):
    """A command cannot do what it was asked to."""

    def __init__(self, code: str, text: str, remedy: str, *, exit_status: int = EXIT_USAGE) -> None:
        """Keep what the line is made of.

        Args:
            code: stable, upper case.
            text: what is wrong; no secret, no personal datum.
            remedy: what to do about it.
            exit_status: as interface.md 2 has them.
        """
        super().__init__(text)
        self.code = code
        self.text = text
        self.remedy = remedy
        self.exit_status = exit_status


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name most like `name`, or None where nothing comes near."""
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return found[0] if found else None


def one_line(text: str) -> str:
    """The text without line breaks and other controls, of bounded length."""
    joined = " ".join(text.split())
    shown = "".join(char if char.isprintable() else "?" for char in joined)
    return shown if len(shown) <= TEXT_CHARS_MAX else shown[: TEXT_CHARS_MAX - 3] + "..."


def explain(error: BaseException) -> tuple[list[str], int]:
    """The lines for standard error, and the exit status.

    Args:
        error: whatever ended the command; of a group the first leaf that a person can mend.
    """
    leaves = list(_leaves(error))
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        return [], EXIT_INTERRUPTED
    from comptoir.engine.failures import failure_of
    from comptoir.engine.settings import SettingsError

    for leaf in leaves:
        if isinstance(leaf, SettingsError):
            return list(leaf.lines()), leaf.exit_status
    failures = failure_of(error)
    if failures[0].code == "INTERNAL":
        return [_bug(error, leaves[0])], EXIT_OTHER
    parts = [(one.code, one.text, one.remedy) for one in failures]
    lines = [": ".join(("comptoir", *map(one_line, part))) for part in parts]
    return lines, failures[0].exit_status


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(one)
    else:
        yield error


def _bug(error: BaseException, first: BaseException) -> str:
    """Keep the traceback in a file of mode 0600; the line names it, and no value of anybody."""
    text = "".join(traceback.format_exception(error))
    name = f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    for folder in (_logs(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(folder / name, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        kept = f"report it with {folder / name}"
        return f"comptoir: INTERNAL: {type(first).__name__}, a bug of ours: {kept}"
    return f"comptoir: INTERNAL: {type(first).__name__}, a bug of ours: report what you did"


def _logs() -> Path:
    """Where logs lie below the data folder (which must be there already)."""
    return Path(os.environ.get("COMPTOIR_STORAGE__DATA_DIR", ".comptoir")) / "logs"

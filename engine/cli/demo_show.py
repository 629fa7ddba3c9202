"""What the demo shows: stages as they pass, a bar for the run, the table and the verdict at the end.

Rule: a terminal gets colour and a live bar; anything else gets plain lines, one every few seconds.
Source: issue "the engine" (deliver 7).
"""

import time
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

__all__ = ["Bar", "Screen"]

PLAIN_SECONDS = 2.0
"""Between two lines of progress where there is no terminal."""
PLAIN_COLUMNS = 110


class Bar:
    """The progress of one run of webhooks."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._told = time.monotonic()
        self._progress = Progress(
            TextColumn("  webhooks"),
            BarColumn(bar_width=36),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", style="cyan"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task: TaskID = self._progress.add_task("run", total=total, rate="")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def advance(self, done: int, rate: float) -> None:
        """Show how many are done, and at which rate (webhooks a second)."""
        self._progress.update(self._task, completed=done, rate=f"{rate:,.0f}/s")
        now = time.monotonic()
        if not self._console.is_terminal and now - self._told >= PLAIN_SECONDS:
            self._told = now
            self._console.print(f"  webhooks {done:,} of {self._total:,}, {rate:,.0f}/s")


class Screen:
    """Where the demo speaks: standard output."""

    def __init__(self) -> None:
        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=PLAIN_COLUMNS, no_color=True)
        self._console = console

    def say(self, text: str, *, style: str | None = None) -> None:
        """One line; its brackets are text."""
        self._console.print(text, style=style, markup=False, soft_wrap=True)

    @contextmanager
    def stage(self, text: str) -> Generator[None]:
        """A step that takes a while: its name, and how long it took."""
        began = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(text):
                yield
        else:
            yield
        self.say(f"  {text}: {time.monotonic() - began:.1f} s")

    def bar(self, total: int) -> Bar:
        """The bar of a run; used as a context manager."""
        return Bar(self._console, total)

    def table(self, rows: list[tuple[str, str, str]]) -> None:
        """Three columns: what, figure, remark."""
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 2), pad_edge=True)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(style="dim")
        for row in rows:
            table.add_row(*map(_text, row))
        self._console.print(table)

    def verdict(self, text: str, *, good: bool) -> None:
        """The last word."""
        self.say(text, style="bold green" if good else "bold red")


def _text(cell: str) -> Any:
    """A cell without markup."""
    from rich.text import Text

    return Text(cell)

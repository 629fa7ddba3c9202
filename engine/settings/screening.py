"""Settings of screening: the watch lists that clients are searched in, and at what pace.

Rule: a list has a name that stays when its file moves, because what was decided about a client names it.
Source: spec.md S21, S27, E4; docs/screening.md.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from comptoir.engine.settings.fields import Section, TableKind, integer, number, option
from comptoir.engine.settings.kinds import TextKind
from comptoir.engine.settings.kinds_made import ListKind, PathKind
from comptoir.engine.settings.problems import Problem
from comptoir.engine.settings.rules import problem

__all__ = ["Screening", "WatchList", "screening_problems"]

LISTS_MAX = 16
"""A search goes through all of them."""


@dataclass(frozen=True, slots=True)
class WatchList(Section):
    """A list of people, companies and vessels; its format is told by what is in it (docs/screening.md)."""

    name: str = option(
        "list", TextKind("1 to 32 of [a-z0-9-], a letter first", r"[a-z][a-z0-9-]{0,31}"),
        "What it is called, for ever.", "S21",
    )  # fmt: skip
    path: Path = option(
        Path("list.csv"), PathKind(), "Its file or folder, or an index of `comptoir lists build`.", "S21"
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Screening(Section):
    """Watch lists, and the search of clients in them."""

    lists: tuple[WatchList, ...] = option(
        (), ListKind(TableKind(WatchList), 0, LISTS_MAX),
        "Searched for every client. Without one nobody is cleared by us.", "S21, S27", "lists",
    )  # fmt: skip
    look_minutes: int = integer(
        10,
        "minutes",
        (1, 10_080),
        "Between two looks at whether a list's file has changed.",
        "ours",
    )
    rescreen_per_s: float = number(
        20.0, "cases/s", (0.1, 1_000.0),
        "Pace at which cases are searched again when a list has changed.", "ours",
    )  # fmt: skip
    match_from: float = number(
        0.7, "of 1", (0.5, 0.95),
        "Score from which on two names match: lower finds more of the listed and more of their namesakes.",
        "S21, S40; chosen on labelled pairs (docs/screening.md)",
    )  # fmt: skip


def screening_problems(screening: Screening) -> Iterator[Problem]:
    """Want each name once."""
    for name, times in Counter(one.name for one in screening.lists).items():
        if times > 1:
            text = f"names {name} {times} times"
            yield problem("screening.lists", text, "give each list a name of its own")

"""Settings of statements: where their months begin, and how much one document holds.

Rule: a month has one beginning for everybody, so the zone is the house's, not the reader's.
Source: spec.md S47; docs/statements.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from comptoir.engine.settings.fields import Section, integer, number, option
from comptoir.engine.settings.kinds import TextKind
from comptoir.engine.settings.problems import Problem
from comptoir.engine.settings.rules import problem

__all__ = ["Statements", "statement_problems"]

ZONE = TextKind(
    "a zone of the IANA database such as Europe/Paris", r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
)


@dataclass(frozen=True, slots=True)
class Statements(Section):
    """Statements of a month of points."""

    time_zone: str = option(
        "Europe/Paris", ZONE, "Where a month begins and ends.", "S47, ours", "IANA name"
    )
    lines_max: int = integer(
        5_000, "movements", (1, 20_000), "Of one CSV or PDF; what is more is in the next.", "ours"
    )
    pdf_timeout_s: float = number(
        30.0, "s", (1.0, 600.0), "Longest making of a PDF, in a process of its own.", "ours"
    )
    pdfs_waiting_max: int = integer(
        8, "requests", (1, 1_000), "That wait for theirs; more are told to come again.", "ours"
    )


def statement_problems(statements: Statements) -> Iterator[Problem]:
    """Want a zone that is known here."""
    name = statements.time_zone
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name, a folder of the database
        text = f"is {name}, which is no zone"
        yield problem("statements.time_zone", text, "give one such as Europe/Paris")

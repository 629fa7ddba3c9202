"""What is wrong with a configuration, as values that can be collected, sorted and printed.

Rule: a bad configuration is reported whole (every problem at once), each on one line
`comptoir: CODE: text: remedy`, and no line ever holds a secret.
Source: interface.md 2 (exit status and line), interface.md 3 (unknown names), design.md 9.5, 9.8.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

__all__ = ["Fault", "Problem", "SettingsError", "nearest", "slips_of", "suggestion"]

EXIT_CONFIGURATION = 2
"""Exit status of a usage or configuration error (interface.md 2)."""
EXIT_SECRET = 5
"""Exit status of a missing, weak or known secret (interface.md 2)."""
PROBLEMS_MAX = 100
"""Most problems that one error carries; a file of garbage must not flood a terminal (ours)."""
SLIP_CHARACTERS_MIN = 4
NEAREST_RATIO = 0.5
"""Least likeness (difflib ratio) of a suggested name. 0.5 and not difflib's 0.6, so that a
two-letter key with one wrong letter (`xd` for `id`) still finds its name (ours)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct before the daemon starts."""

    code: str
    """Stable code, e.g. CONFIG_KEY_UNKNOWN."""
    place: str
    """Key of the file (`http.port`), variable (`COMPTOIR_HTTP__PORT`) or file (`config.toml:3`)."""
    text: str
    """What is wrong, with the place; never a secret, never a line break."""
    remedy: str
    """What to do about it."""
    exit_status: int = EXIT_CONFIGURATION
    """2 for configuration, 5 for a weak or known secret."""

    def line(self) -> str:
        """Render the line for standard error (interface.md 2)."""
        return f"comptoir: {self.code}: {self.text}: {self.remedy}"


class SettingsError(ValueError):
    """The settings cannot be used; `problems` says why, all of it.

    Raised by `Settings.load`, by the constructor of a section, and by `check_start`.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the first PROBLEMS_MAX problems and say how many more there were."""
        every = tuple(problems)
        assert every, "an error without a problem"
        self.problems: tuple[Problem, ...] = every[:PROBLEMS_MAX]
        self.left_out = len(every) - len(self.problems)
        super().__init__("\n".join(self.lines()))

    @property
    def exit_status(self) -> int:
        """5 when secrets are all that is wrong, else 2 (interface.md 2)."""
        statuses = {problem.exit_status for problem in self.problems}
        return EXIT_SECRET if statuses == {EXIT_SECRET} else EXIT_CONFIGURATION

    def lines(self) -> tuple[str, ...]:
        """Render one line for each problem, and one for those left out."""
        lines = tuple(problem.line() for problem in self.problems)
        if not self.left_out:
            return lines
        return (
            *lines,
            f"comptoir: CONFIG_PROBLEMS_MORE: {self.left_out} more are not shown: correct these first",
        )


class Fault(Exception):
    """One value is refused by its kind; the reader turns it into a `Problem` with a place."""

    def __init__(self, code: str, text: str, remedy: str, at: str = "") -> None:
        """Say what is wrong: `at` is the position inside the value, e.g. `[1]` or `[0].id`."""
        super().__init__(text)
        self.code = code
        self.text = text
        self.remedy = remedy
        self.at = at

    def within(self, at: str) -> "Fault":
        """Return the same fault one level further out."""
        return Fault(self.code, self.text, self.remedy, at + self.at)

    def problem(self, place: str, origin: str = "") -> Problem:
        """Name the place; `origin` is the file or the variable, where the place is neither."""
        suffix = f" (in {origin})" if origin else ""
        return Problem(self.code, place, f"{place}{self.at} {self.text}{suffix}", self.remedy)


def slips_of(name: str, names: Sequence[str]) -> list[str]:
    """The names that one slip of the finger leads from; of a short name everything is one."""
    if len(name) < SLIP_CHARACTERS_MIN:
        return []
    return [one for one in names if OSA.distance(name, one, score_cutoff=1) <= 1]


def nearest(name: str, names: Sequence[str]) -> str | None:
    """Return the name most like `name`, or None where nothing comes near.

    A name that one slip of the finger leads to (a letter too many, one that is missing or another, two exchanged) is
    nearer than any other. Else it is what `difflib.get_close_matches` would find, which compares with every name whose letters come near: a tenth
    of a second for the variables of the environment. Here the likeliest come first, and the others are spared.
    """
    slips = slips_of(name, names)
    judge = difflib.SequenceMatcher(None, "", name)
    bounds: list[tuple[float, str]] = []
    for one in slips or names:
        judge.set_seq1(one)
        bounds.append((judge.quick_ratio(), one))
    best, found = (0.0 if slips else NEAREST_RATIO), ""
    for bound, one in sorted(bounds, reverse=True):
        if bound < best:
            break
        judge.set_seq1(one)
        best, found = max((best, found), (judge.ratio(), one))
    return found or None


def suggestion(name: str, names: Sequence[str]) -> str:
    """Phrase the remedy for an unknown name."""
    found = nearest(name, names)
    return f"did you mean {found}?" if found else "remove it; docs/configuration.md has them all"

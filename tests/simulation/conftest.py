"""Shows at the end what the seeds of a run of tests went through: fault by phase, and totals.

Source: issue 3, "Must show": printed coverage, in `make test` too.
"""

import time
from collections.abc import Callable

import pytest

from tests.simulation.coverage import shown_table, shown_totals
from tests.simulation.run import Played

_gone_through: list[Played] = []
_began = time.monotonic()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of all seeds together, whichever test played them."""
    if _gone_through:
        terminalreporter.section("simulation: what the seeds went through")
        spent = time.monotonic() - _began
        for line in (*shown_table(_gone_through), *shown_totals(_gone_through, spent)):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def note_runs() -> Callable[[list[Played]], None]:
    """Give the way to have runs counted in the table."""
    return _gone_through.extend

"""`comptoir demo` with the clients that it takes on.

Source: issue "the engine" (deliver 7); spec.md S4, S5, S7.
"""

from pathlib import Path
from typing import Any

from comptoir.engine.cli.demo_applicants import APPLICANTS
from tests.engine.cli.demos import ends

CLIENTS_SECONDS_MAX = 285
"""Some thirty pages are read, each in a second or two of a processor that the suite shares; and less than what the
suite gives a test (pyproject.toml, faulthandler_timeout), so that what the demo said is told."""


def test_ten_clients_are_taken_on(place: Path, run: Any) -> None:
    """S4, S5, S7, S13, S23, X3, X31: all types at once, by advisor and by partner: approved, reviewed, asked again for
    one document, refused; each as the table foretells. The mainframe itself counts nine accounts after nine commands (E11),
    and the last words say so, and who was refused.
    """
    demo = ("demo", "--exit", "--data-dir", "place", "--count", "20", "--no-kill", "--port", "0")
    shown = run(*demo, "--sandbox-port", "0", seconds=CLIENTS_SECONDS_MAX)
    assert (shown.status, shown.err) == (0, "")
    for applicant in APPLICANTS:
        told = [line for line in shown.out.splitlines() if f"{applicant.name}, " in line]
        assert len(told) == 1
        assert applicant.ends in told[0]
    assert len(APPLICANTS) == 10
    (counted,) = [line for line in shown.out.splitlines() if "the mainframe's own count" in line]
    assert counted.split()[-5:] == ["9", "accounts", "after", "9", "commands"]
    last = "9 of 10 clients have an account on the mainframe, 1 refused (Sasha Factice)."
    assert shown.out.splitlines()[-1].endswith(last)
    assert ends(place.parent, 0)

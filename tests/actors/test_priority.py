"""Programs that compute for the daemon give way to it: actors/priority.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from comptoir.actors.priority import NICE, give_way

CODE = "import os\n{}\nprint(os.nice(0), os.sched_getscheduler(0) == os.SCHED_BATCH)"
ACTORS = Path(__file__).parents[2] / "actors"


@pytest.mark.parametrize(
    ("code", "nice"),
    [
        ("from comptoir.actors.priority import give_way; give_way()", NICE),
        ("from comptoir.actors.inspection.confinement import bound; bound(2**33, 60)", 5),
    ],
    ids=["gives_way", "is_bound"],
)
def test_it_is_nice_and_wakes_up_last(code: str, nice: int) -> None:
    """Issue 8, "must show": what opens documents computes beside the daemon, not before it."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", CODE.format(code)], capture_output=True, check=True, text=True
    )
    assert done.stdout.split() == [str(nice), "True"]


def test_no_program_has_a_session_of_its_own() -> None:
    """Sched(7): where processors are shared out by session, it would be as nice as it likes and get as much as the daemon."""
    assert [one for one in ACTORS.rglob("*.py") if "start_new_session" in one.read_text()] == []


def test_who_has_ended_is_left() -> None:
    """A child may be gone before it is told to."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    give_way(child.pid)
    with pytest.raises(ProcessLookupError):
        os.getpriority(os.PRIO_PROCESS, child.pid)

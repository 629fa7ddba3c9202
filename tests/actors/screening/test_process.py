"""Screening in a process of its own: actors/screening/process.py."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import trio

from comptoir.actors.priority import NICE
from comptoir.actors.screening.entries import Entry
from comptoir.actors.screening.evidence import Subject
from comptoir.actors.screening.index import build_index
from comptoir.actors.screening.process import ScreeningUnavailable, open_screening

IVAN = Subject(("Sorokin, Ivan",), ("1961-02-03",), frozenset({"ru"}), "male")


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A list of one."""
    path = tmp_path / "sanctions.idx"
    build_index([Entry("e1", "Person", ("Ivan Sorokin",), ("1961-02-03",), topics=("sanction",))], path)  # fmt: skip
    return path


async def test_a_child_that_is_lost_is_replaced(index: Path) -> None:
    """S21, S27: a child that was killed, or hangs, or whose asker gave up, is replaced; answers go to who asked."""
    async with open_screening([index]) as screening:
        (hit,) = await screening.search("Person", IVAN)
        assert (hit.list, hit.id, hit.score, hit.topics) == ("sanctions.idx", "e1", 1.0, ("sanction",))  # fmt: skip
        assert await screening.search("Person", Subject(("Ada Byron",))) == ()
        assert (screening.statistics().searches, screening.statistics().started) == (2, 1)
        first = screening.statistics().pid or 0
        gives_way = (os.getsid(first), os.getpriority(os.PRIO_PROCESS, first))
        assert gives_way == (os.getsid(0), NICE)
        with pytest.raises(ValueError, match="name"):
            await screening.search("Person", Subject(("",)))
        killed = screening.statistics().pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert len(await screening.search("Person", IVAN)) == 1
        stopped = screening.statistics().pid
        assert stopped is not None
        os.kill(stopped, signal.SIGSTOP)
        with trio.move_on_after(0.05) as scope:
            await screening.search("Person", Subject(("Ada Byron",)))
        assert scope.cancelled_caught
        with suppress(ProcessLookupError):
            os.kill(stopped, signal.SIGCONT)  # were it still there, it would answer late
        (hit,) = await screening.search("Person", IVAN)
        assert hit.id == "e1", "not the answer to the search that was given up"
        assert screening.statistics().started == 3
        last = screening.statistics().pid
    for pid in (killed, stopped, last):
        with pytest.raises(ProcessLookupError):
            os.kill(pid or 0, 0)


async def test_the_daemon_says_what_a_hit_is(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S40: the child has the threshold from whoever asks, and reads no settings, be they wrong."""
    (tmp_path / "config.toml").write_text("[")
    monkeypatch.chdir(tmp_path)
    initial = Subject(("I. Sorokin",))
    async with open_screening([index], 0.88) as screening:
        (hit,) = await screening.search("Person", initial)
        assert hit.score == 0.88
    async with open_screening([index], 0.881) as screening:
        assert await screening.search("Person", initial) == ()


async def test_without_an_answer_nobody_is_cleared(tmp_path: Path) -> None:
    """S27: a list that cannot be opened, or a child that never answers in time, is no "no hit"."""
    async with open_screening([tmp_path / "none"]) as screening:
        with pytest.raises(ScreeningUnavailable):
            await screening.search("Person", IVAN)
        assert screening.statistics().searches == 0

"""Supervision in OTP's words: restart types, intensity, order of stopping (design.md 5)."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from comptoir.engine.spec import Intensity
from comptoir.engine.supervisor import (
    ChildSpec,
    Restart,
    Supervisor,
    TooManyRestarts,
    add_restart,
)

Start = Callable[[], Awaitable[None]]


def _now() -> int:
    return round(trio.current_time() * 1000)


def _supervisor(*children: ChildSpec, restarts: int = 3, period_ms: int = 10_000) -> Supervisor:
    return Supervisor(children, Intensity(restarts, period_ms), _now)


@given(
    st.lists(st.integers(0, 3000), max_size=60), st.integers(1, 8), st.sampled_from((1000, 5000))
)
def test_add_restart_counts_those_within_the_period(
    waits: list[int], restarts: int, period_ms: int
) -> None:
    """OTP's rule: within the period at most so many; the oracle counts over the whole history."""
    now, history, kept = 0, list[int](), tuple[int, ...]()
    for wait in waits:
        now += wait
        history.append(now)
        kept, within = add_restart(kept, now, Intensity(restarts, period_ms))
        recent = [at for at in history if now - at < period_ms]
        assert list(kept) == recent
        assert within == (len(recent) <= restarts)


class Recorder:
    """Children that crash by script, and what they did."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.starts: dict[str, int] = {}

    def child(self, name: str, script: str, stop_s: float = 0.0) -> Start:
        """`x` crashes, `r` returns, anything else runs until cancelled; one letter per start."""

        async def start() -> None:
            index = self.starts.get(name, 0)
            self.starts[name] = index + 1
            step = script[min(index, len(script) - 1)]
            self.log.append(f"{name} starts")
            await trio.sleep(0.001)
            if step == "x":
                raise ValueError(name)
            if step == "r":
                return
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(stop_s)
                self.log.append(f"{name} ends")

        return start


@pytest.mark.parametrize(
    ("restart", "script", "starts"),
    [
        (Restart.PERMANENT, "x.", 2),
        (Restart.PERMANENT, "r.", 2),
        (Restart.TRANSIENT, "x.", 2),
        (Restart.TRANSIENT, "r.", 1),
        (Restart.TEMPORARY, "x.", 1),
        (Restart.TEMPORARY, "r.", 1),
    ],
)
async def test_restart_types(
    autojump_clock: MockClock, restart: Restart, script: str, starts: int
) -> None:
    """Permanent: always again; transient: after a crash only; temporary: never."""
    recorder = Recorder()
    supervisor = _supervisor(ChildSpec("a", recorder.child("a", script), restart))
    with trio.move_on_after(5):
        await supervisor.run()
    assert recorder.starts["a"] == starts
    (figures,) = supervisor.statistics()
    assert figures.restarts_total == starts - 1
    assert not figures.running


async def test_crash_is_contained(autojump_clock: MockClock) -> None:
    """One child's crashes do not touch its siblings."""
    recorder = Recorder()
    supervisor = _supervisor(
        ChildSpec("a", recorder.child("a", "xx.")), ChildSpec("b", recorder.child("b", "."))
    )
    with trio.move_on_after(5):
        await supervisor.run()
    assert recorder.starts == {"a": 3, "b": 1}


async def test_failure_climbs_with_its_cause(autojump_clock: MockClock) -> None:
    """Beyond the intensity the supervisor ends, names the child, and shows the last crash."""
    recorder = Recorder()
    supervisor = _supervisor(
        ChildSpec("good", recorder.child("good", ".")), ChildSpec("bad", recorder.child("bad", "x"))
    )
    with pytest.RaisesGroup(pytest.RaisesExc(TooManyRestarts, match="bad")) as caught:
        await supervisor.run()
    assert isinstance(caught.value.exceptions[0].__cause__, ValueError)
    assert recorder.starts["bad"] == 4
    assert recorder.log[-1] == "good ends"


async def test_old_restarts_are_forgiven(autojump_clock: MockClock) -> None:
    """Crashes spread beyond the period never exceed the intensity."""

    async def crash_slowly() -> None:
        await trio.sleep(4)
        raise ValueError

    supervisor = _supervisor(ChildSpec("a", crash_slowly), restarts=3, period_ms=10_000)
    with trio.move_on_after(100):
        await supervisor.run()
    assert supervisor.statistics()[0].restarts_total == 24


async def test_children_stop_right_to_left(autojump_clock: MockClock) -> None:
    """The last started stops first, and the next only when it has ended, slow ones in their time."""
    recorder = Recorder()
    names = ("a", "b", "c")
    supervisor = _supervisor(
        *(ChildSpec(name, recorder.child(name, ".", stop_s=1.0)) for name in names)
    )
    with trio.move_on_after(5):
        await supervisor.run()
    assert sorted(recorder.log[:3]) == ["a starts", "b starts", "c starts"]
    assert recorder.log[3:] == ["c ends", "b ends", "a ends"]


async def test_slow_child_does_not_hold_up_the_others(autojump_clock: MockClock) -> None:
    """A child beyond its shutdown time is left to end by itself; the next is stopped meanwhile."""
    recorder = Recorder()
    supervisor = _supervisor(
        ChildSpec("a", recorder.child("a", ".")),
        ChildSpec("slow", recorder.child("slow", ".", stop_s=60.0), shutdown_s=2.0),
    )
    began = trio.current_time()
    with trio.move_on_after(5):
        await supervisor.run()
    assert recorder.log[2:] == ["a ends", "slow ends"]
    assert trio.current_time() - began == pytest.approx(65.0)


async def test_child_that_has_not_begun_is_stopped_as_well(autojump_clock: MockClock) -> None:
    """A supervisor cancelled before its children ran for the first time still ends."""
    recorder = Recorder()
    supervisor = _supervisor(
        ChildSpec("a", recorder.child("a", ".")), ChildSpec("b", recorder.child("b", "."))
    )
    with trio.fail_after(60), trio.CancelScope() as scope:
        scope.cancel()
        await supervisor.run()
    assert not any(figures.running for figures in supervisor.statistics())


async def test_nobody_is_left_behind(autojump_clock: MockClock) -> None:
    """After the supervisor ended, in peace or in failure, none of its tasks is left."""
    recorder = Recorder()
    for script in (".", "x"):
        supervisor = _supervisor(
            *(ChildSpec(name, recorder.child(name, script)) for name in ("a", "b"))
        )
        async with trio.open_nursery() as nursery:
            tasks = trio.lowlevel.current_statistics().tasks_living
            try:
                with trio.move_on_after(5):
                    await supervisor.run()
            except* TooManyRestarts:
                pass
            assert trio.lowlevel.current_statistics().tasks_living == tasks
            nursery.cancel_scope.cancel()


async def test_group_of_a_childs_tasks_is_one_crash(autojump_clock: MockClock) -> None:
    """A child that ends in an exception group crashed once, and is started again once."""
    starts: list[int] = []

    async def start() -> None:
        starts.append(1)
        if len(starts) == 1:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_raise, ValueError("a"))
                nursery.start_soon(_raise, KeyError("b"))
        await trio.sleep_forever()

    with trio.move_on_after(5):
        await _supervisor(ChildSpec("a", start)).run()
    assert len(starts) == 2


async def _raise(error: Exception) -> None:
    await trio.lowlevel.checkpoint()
    raise error


async def test_began_means_that_every_child_waits(autojump_clock: MockClock) -> None:
    """`wait_began` returns when every child has run up to its first wait."""
    recorder = Recorder()
    names = [f"c{index}" for index in range(20)]
    supervisor = _supervisor(*(ChildSpec(n, recorder.child(n, ".")) for n in names))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.run)
        await supervisor.wait_began()
        assert sorted(recorder.starts) == sorted(names)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

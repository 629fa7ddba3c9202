"""One seed played, and what is known of it afterwards."""

import gc
import itertools
import signal
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from types import FrameType
from typing import Final

import msgspec
import structlog

from tests.simulation.determinism import Freezer, run_seeded
from tests.simulation.faults import Fault, draw_faults
from tests.simulation.trace import Trace, Violation, cause_of
from tests.simulation.world import World

__all__ = ["Played", "play", "silence"]

COLLECT_EVERY: Final = 8
"""Runs between two collections of garbage. Who plays many has it off: switched on after each run, it would go
through all that the run has made."""
_played = itertools.count(1)

CPU_S_MAX: Final = 60
"""A run that computes for longer goes in circles without its clock moving on."""
REAL_S_MAX: Final = 600
"""One that takes longer without computing waits for what never comes, or was itself stopped."""


class Hang(BaseException):
    """The run takes far too long."""


class Played(msgspec.Struct):
    """The result of one run."""

    seed: int
    invariant: str
    """The violated one; empty if all held."""
    detail: str
    digest: str
    """Of the whole trace."""
    commits: int
    crashes: int
    take_overs: int
    lives: int
    messages: int
    calls: int
    business_days: float
    io_seconds: float
    seconds: float
    kinds: dict[str, int]
    """Kind of fault -> how often it struck."""
    hits: dict[str, int]
    """`kind/phase` -> how often."""

    @property
    def failed(self) -> bool:
        """Whether an invariant was violated."""
        return bool(self.invariant)


def silence() -> None:
    """No log: what the daemons say is in the trace, as far as it matters."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(50),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=True,
    )


def play(seed: int, faults: Sequence[Fault] | None = None) -> tuple[Played, Trace]:
    """Play a seed, with its own list of faults or with another."""
    worlds: list[World] = []
    chosen = draw_faults(seed) if faults is None else faults

    async def run(freezer: Freezer) -> None:
        worlds.append(World(seed, chosen, freezer))
        await worlds[0].play()

    if next(_played) % COLLECT_EVERY == 0:
        gc.collect()
    began = time.perf_counter()
    crash = _bounded(seed, run)
    world = worlds[0]
    if crash is not None and world.violation is None:
        world.violation = Violation("the run itself", crash)
    violation = world.violation
    kinds = Counter[str]()
    for (kind, _), count in world.hits.items():
        kinds[kind] += count
    played = Played(
        seed,
        violation.invariant if violation is not None else "",
        violation.detail if violation is not None else "",
        world.trace.digest(),
        world.commits,
        world.crashes,
        world.take_overs,
        len(world.daemons),
        len(world.checker.consumed),
        sum(sum(party.sent.values()) for party in (world.push, world.query, world.payout)),
        round((world.checker.latest_at - world.trace.lines[0][0]) / 86_400_000, 3),
        round(world.seconds, 3),
        time.perf_counter() - began,
        dict(kinds),
        {f"{kind}/{phase}": count for (kind, phase), count in sorted(world.hits.items())},
    )
    return played, world.trace


def _bounded(seed: int, run: Callable[[Freezer], Awaitable[None]]) -> str | None:
    """Run it within bounds of time; what went wrong beside the invariants, in words."""

    def alarm(number: int, _frame: FrameType | None) -> None:
        raise Hang("it goes in circles" if number == signal.SIGPROF else "it waits for ever")

    bounds = (
        (signal.SIGPROF, signal.ITIMER_PROF, CPU_S_MAX),
        (signal.SIGALRM, signal.ITIMER_REAL, REAL_S_MAX),
    )
    before = [signal.signal(number, alarm) for number, _, _ in bounds]
    for _, timer, seconds in bounds:
        signal.setitimer(timer, seconds)
    try:
        run_seeded(seed, run)
    except Hang as hang:
        return str(hang)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # whatever ends a run is a finding
        return _describe(error)
    finally:
        for (number, timer, _), handler in zip(bounds, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
    return None


def _describe(error: BaseException) -> str:
    error = cause_of(error)
    place = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(place))
    return f"{type(error).__name__}: {error} at {where}"

"""Supervision in OTP's words: child specs, restart types, restart intensity, one-for-one.

The rule: a crash is contained by the nearest supervisor; a child that crashes more often than its
intensity allows ends its supervisor, so the failure climbs the tree and is never hidden. Children
start left to right and stop right to left, each within its own time.

Unlike OTP's, a child that crashes soon after its start waits before the next one, longer each time:
what it stumbles over (a row, an answer, a full disk) often passes within seconds, and an intensity
that is used up within a millisecond would make a daemon's end of it.

Source: Erlang/OTP supervisor behaviour (child_spec, intensity, period); design.md 5.
"""

from collections.abc import Awaitable, Callable
from enum import Enum, auto

import msgspec
import structlog
import trio

from comptoir.engine.errors import log_crash
from comptoir.engine.spec import Intensity

__all__ = [
    "ChildSpec",
    "ChildStatistics",
    "Restart",
    "Supervisor",
    "TooManyRestarts",
    "add_restart",
]

log = structlog.get_logger("comptoir.supervisor")

QUICK_S = 1.0
"""A child that crashes within so long of its start crashes quickly: then it waits, from the second
time on, twice as long each time."""
PAUSE_S_MIN = 0.05
PAUSE_S_MAX = 2.0
PAUSE_DOUBLINGS_MAX = 10


class Restart(Enum):
    """When a child that ended is started again."""

    PERMANENT = auto()
    """Always."""
    TRANSIENT = auto()
    """Only after a crash."""
    TEMPORARY = auto()
    """Never."""


class TooManyRestarts(Exception):
    """A child crashed beyond its intensity; the last crash is the cause."""

    code = "CRASHED_TOO_OFTEN"
    remedy = "this is a bug: report it with the log, which names each crash"
    exit_status = 1

    def __init__(self, child: str) -> None:
        super().__init__(f"{child} crashed more often than its intensity allows")
        self.child = child


class ChildSpec(msgspec.Struct, frozen=True):
    """One child: how to start it and what its end means."""

    id: str
    start: Callable[[], Awaitable[None]]
    restart: Restart = Restart.PERMANENT
    shutdown_s: float = 5.0
    """How long it may take to end when cancelled is not ours to bound in trio (a cancelled task
    ends at its next checkpoint); this bounds shielded work inside it."""


class ChildStatistics(msgspec.Struct, frozen=True):
    """What became of one child so far."""

    id: str
    running: bool
    restarts_total: int
    restarts_recent: int = 0
    """Those that count against its intensity now."""


def add_restart(
    restarts: tuple[int, ...], now: int, intensity: Intensity
) -> tuple[tuple[int, ...], bool]:
    """Count one restart; pure.

    Args:
        restarts: Times of earlier restarts, ms, oldest first.
        now: ms.
        intensity: The bound.

    Returns:
        The restarts still within the period with this one, and whether the bound holds.
    """
    recent = (*(at for at in restarts if now - at < intensity.period_ms), now)
    return recent, len(recent) <= intensity.restarts


def pause_s(quick: int) -> float:
    """How long a child waits that has crashed quickly so many times in a row; pure."""
    if quick < 2:  # noqa: PLR2004 - the first time it is started again at once
        return 0.0
    return min(PAUSE_S_MIN * 2.0 ** min(quick - 2, PAUSE_DOUBLINGS_MAX), PAUSE_S_MAX)


class _Child:
    __slots__ = ("began", "quick", "recent", "restarts_total", "scope", "spec", "stopped")

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        # Shielded from the supervisor's own cancellation, so that children stop in order and not
        # all at once. It is there from the beginning: a child may be stopped before it began.
        self.scope = trio.CancelScope(shield=True)
        self.began = trio.Event()
        self.stopped = trio.Event()
        self.recent: tuple[int, ...] = ()
        self.restarts_total = 0
        self.quick = 0


class Supervisor:
    """Runs a fixed list of children, one for one."""

    def __init__(
        self, children: tuple[ChildSpec, ...], intensity: Intensity, now: Callable[[], int]
    ) -> None:
        self._children = [_Child(spec) for spec in children]
        self._intensity = intensity
        self._now = now

    async def run(self) -> None:
        """Run until cancelled; then stop the children right to left.

        Raises:
            TooManyRestarts: a child went beyond the intensity.
        """
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            for child in self._children:
                nursery.start_soon(self._keep, child, name=f"child {child.spec.id}")
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await self._stop_all()

    async def wait_began(self) -> None:
        """Return when every child has been started and has come to its first wait."""
        for child in self._children:
            await child.began.wait()

    async def _stop_all(self) -> None:
        for child in reversed(self._children):
            child.scope.cancel()
            with trio.move_on_after(child.spec.shutdown_s):
                await child.stopped.wait()

    async def _keep(self, child: _Child) -> None:
        spec = child.spec
        try:
            with child.scope:
                child.began.set()
                while True:
                    started = trio.current_time()
                    crash = await self._once(spec)
                    if spec.restart is Restart.TEMPORARY:
                        break
                    if spec.restart is Restart.TRANSIENT and crash is None:
                        break
                    child.restarts_total += 1
                    child.recent, within = add_restart(child.recent, self._now(), self._intensity)
                    if not within:
                        raise TooManyRestarts(spec.id) from crash
                    quick = trio.current_time() - started < QUICK_S
                    child.quick = child.quick + 1 if quick else 0
                    await trio.sleep(pause_s(child.quick))
        finally:
            child.began.set()
            child.stopped.set()

    @staticmethod
    async def _once(spec: ChildSpec) -> Exception | None:
        try:
            await spec.start()
        except Exception as crash:  # noqa: BLE001  # a bulkhead
            # The one place that may catch anything: this is what a supervisor is for.
            log_crash(log, "child crashed", crash, child=spec.id)
            await trio.lowlevel.checkpoint()
            return crash
        return None

    def statistics(self) -> tuple[ChildStatistics, ...]:
        """One line per child, in start order."""
        now, period_ms = self._now(), self._intensity.period_ms
        return tuple(
            ChildStatistics(
                c.spec.id,
                not c.stopped.is_set(),
                c.restarts_total,
                sum(now - at < period_ms for at in c.recent),
            )
            for c in self._children
        )

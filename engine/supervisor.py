"""Supervision in OTP's words: child specs, restart types, restart intensity, one-for-one.

The rule: a crash is contained by the nearest supervisor; a child that crashes more often than its
intensity allows ends its supervisor, so the failure climbs the tree and is never hidden. Children
start left to right and stop right to left, each within its own time.

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


class _Child:
    __slots__ = ("began", "recent", "restarts_total", "scope", "spec", "stopped")

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        # Shielded from the supervisor's own cancellation, so that children stop in order and not
        # all at once. It is there from the beginning: a child may be stopped before it began.
        self.scope = trio.CancelScope(shield=True)
        self.began = trio.Event()
        self.stopped = trio.Event()
        self.recent: tuple[int, ...] = ()
        self.restarts_total = 0


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
                    crash = await self._once(spec)
                    if spec.restart is Restart.TEMPORARY:
                        break
                    if spec.restart is Restart.TRANSIENT and crash is None:
                        break
                    child.restarts_total += 1
                    child.recent, within = add_restart(child.recent, self._now(), self._intensity)
                    if not within:
                        raise TooManyRestarts(spec.id) from crash
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
        return tuple(
            ChildStatistics(c.spec.id, not c.stopped.is_set(), c.restarts_total)
            for c in self._children
        )

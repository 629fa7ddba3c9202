"""A whole run: tables, daemons that live and die, the bank, the toys, the parties, the faults.

Rule: everything follows from the seed and from the list of faults. The run goes through three parts:
faults fall until all have fallen and enough was committed; then everything works and all work must
end in time (liveness); then business time goes on beyond every timer, an operator replays what died,
and the books must be what an oracle of their own says.
Source: design.md 8 and 9; issue 3, deliver 4.
"""

# pyright: reportPrivateUsage=false
# Whether anybody is busy is asked where no public door leads.

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import trio

from comptoir.actors.notification.messages import Device
from comptoir.actors.notification.state import NotificationState, Phase
from comptoir.actors.programme import DAY_MS, Programme
from comptoir.engine.values import Address, encode
from comptoir.storage.testing import MemoryTables
from tests.simulation.bank import Bank
from tests.simulation.checkers import Checker
from tests.simulation.crowd import Crowd
from tests.simulation.daemon import Daemon
from tests.simulation.determinism import Freezer
from tests.simulation.ending import end_well
from tests.simulation.faults import COMMITS_MIN, Fault, possible
from tests.simulation.operators import operate
from tests.simulation.parties import Outside, Step
from tests.simulation.strikes import DOWN_S, strike
from tests.simulation.trace import Trace, Violation

__all__ = ["World"]

DAWN_MS: Final = 1_800_000_000_000
PACE_S: Final = (0.05, 0.45)
"""Between two pieces of work that come in."""
LULLS: Final = 0.08
LULL_S: Final = 1.5
"""Now and then nothing comes in for so long, and the daemon is idle."""
TICK_S: Final = 0.1
LATE_COMMITS: Final = 16
"""A fault waits so many commits for its phase, then it takes any that it can hit."""
ACTIVE_S_MAX: Final = 900.0
"""I/O time after which the first part must have ended: a run that makes no progress is a finding."""
HOLDS_DAYS: Final = (0, 0, 14, 365)
IDLE: Final[Step] = ("ok", 0.02)


class World:
    """One run."""

    def __init__(self, seed: int, faults: Sequence[Fault], freezer: Freezer) -> None:
        rng = random.Random(f"{seed}/world")
        self.seed = seed
        self.freezer = freezer
        self.chance = random.Random(f"{seed}/chance")
        self.tables = MemoryTables()
        self.trace = Trace()
        self.programme = Programme(hold_ms=rng.choice(HOLDS_DAYS) * DAY_MS, push=True)
        self.checker = Checker(self)
        self.bank = Bank(self, seed)
        self._give_devices()
        self.crowd = Crowd(self, seed)
        self.push = Outside(self, "push")
        self.query = Outside(self, "query")
        self.payout = Outside(self, "payout")
        self.waiting: list[Fault] = list(faults)
        self.hits: Counter[tuple[str, str]] = Counter()
        self.daemons: list[Daemon] = []
        self.newest: Daemon | None = None
        self.commits = 0
        self.crashes = 0
        self.take_overs = 0
        self.jumped_ms = 0
        self.away = False
        self.calm = False
        self.slow = (0, 0.0)
        self.burst: tuple[int, Step] = (0, IDLE)
        self.violation: Violation | None = None
        self.seconds = 0.0
        self._began = trio.current_time()
        self._scope = trio.CancelScope()
        self._nursery: trio.Nursery | None = None
        self.stays_down = False
        """The last daemon was stopped for good."""

    # What everybody uses.

    def _give_devices(self) -> None:
        """Everybody has the app, and had it before the run: so every credit has somebody to tell."""
        for user in self.bank.users:
            device = Device("d1", f"token-of-{user}", "android", DAWN_MS, DAWN_MS)
            state = encode(NotificationState(Phase.OPEN, (device,)))
            self.tables.actors[Address("notification", user)] = (1, 1, state, DAWN_MS)

    def wall_ms(self) -> int:
        """The wall clock of the machine."""
        return DAWN_MS + self.jumped_ms + round((trio.current_time() - self._began) * 1000)

    def now(self) -> int:
        """Business time as far as anybody knows."""
        return self.newest.clock.now() if self.newest is not None else self.wall_ms()

    def say(self, who: str, what: str) -> None:
        """Write a line of the trace."""
        self.trace.add(self.now(), who, what)

    def fail(self, invariant: str, detail: str) -> None:
        """An invariant does not hold: the first violation ends the run."""
        if self.violation is None:
            self.violation = Violation(invariant, detail)
            self.say("CHECKER", f"{invariant}: {detail}")
            self._scope.cancel()
            for daemon in self.daemons:
                self.go_on(daemon)
                daemon.kill("the run is over")

    def start(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        """Start a task of the world's own."""
        assert self._nursery is not None
        self._nursery.start_soon(function, *args)

    # The run.

    async def play(self) -> None:
        """From the first start to the verdict, which is `violation`."""
        with self._scope:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._keep_alive)
                nursery.start_soon(self._tick)
                nursery.start_soon(operate, self)
                with trio.move_on_after(ACTIVE_S_MAX) as active:
                    await self.bank.prepare()
                    await self._be_active()
                if active.cancelled_caught:
                    left = ", ".join(str(fault) for fault in self.waiting)
                    self.fail("liveness", f"{self.commits} commits; never struck: {left}")
                await self._calm_down()
                await end_well(self)
                nursery.cancel_scope.cancel()
        self.seconds = trio.current_time() - self._began

    async def _be_active(self) -> None:
        """Work comes in and faults fall, until there was enough of both."""
        rng = random.Random(f"{self.seed}/pace")
        changes = rng.randint(10, 60)
        step = 0
        while self.waiting or self.commits < COMMITS_MIN:
            step += 1
            self.bank.tell_story()
            if step % 3 == 0:
                self.crowd.errand()
            if step == changes:
                await self.bank.change_catalogue()
            if step % 17 == 0 and self.bank.unlinked:
                await self.bank.link(self.bank.unlinked[-1])
                self.bank.unlinked.pop()
            await trio.sleep(LULL_S if rng.random() < LULLS else rng.uniform(*PACE_S))
            while self.bank.open + self.crowd.open > 60:  # noqa: ASYNC110  # a client's patience
                await trio.sleep(0.3)

    async def _calm_down(self) -> None:
        """No fault from here on."""
        self.calm = True
        self.burst, self.slow = (0, IDLE), (0, 0.0)
        self.set_away(away=False)
        for daemon in self.daemons:
            self.go_on(daemon)
            if daemon is not self.newest:
                daemon.stop()
        self.say("world", "calm")
        await trio.lowlevel.checkpoint()

    async def _tick(self) -> None:
        while True:
            await trio.sleep(TICK_S)
            daemon = self.newest
            if daemon is None or not daemon.serving or daemon.paused or self.away:
                continue
            self.checker.look(daemon)
            engine: Any = daemon.engine
            assert daemon.journal is not None
            if not engine._busy and not daemon.journal.statistics().runs_waiting:
                daemon.reached("idle")

    # Daemons.

    async def _keep_alive(self) -> None:
        """As systemd does: when the newest has ended, another is started."""
        while not self.stays_down:
            if self.newest is None or self.newest.stage == "ended":
                await trio.sleep(self.chance.uniform(0.01, DOWN_S))
                if self.newest is None or self.newest.stage == "ended":
                    self.begin_daemon()
            await trio.sleep(0.05)

    def begin_daemon(self) -> None:
        """Start a daemon: it opens the tables when the database is there, and so takes over."""
        daemon = Daemon(self, len(self.daemons) + 1)
        self.daemons.append(daemon)
        self.newest = daemon
        self.start(self._begin, daemon)

    async def _begin(self, daemon: Daemon) -> None:
        while self.away:  # noqa: ASYNC110  # as a daemon that waits for its database
            await trio.sleep(0.1)
        await daemon.live()

    def opened(self, daemon: Daemon) -> None:
        """A journal was opened: from here on only its epoch writes."""
        assert daemon.journal is not None
        self.checker.epoch = daemon.journal.statistics().epoch
        self.newest = daemon
        self.say(daemon.name, f"epoch {self.checker.epoch}")
        if self.away:
            daemon.journal.go_away()

    def pick(self, rng: random.Random) -> Daemon | None:
        """A daemon that seems to serve: mostly the newest, now and then one that was taken over."""
        if rng.random() < 0.1:
            old = [d for d in self.daemons[-3:] if d.serving and not d.dead]
            if old:
                return rng.choice(old)
        newest = self.newest
        return newest if newest is not None and newest.serving and not newest.dead else None

    def go_on(self, daemon: Daemon) -> None:
        """SIGCONT."""
        if daemon.paused:
            daemon.paused = False
            self.freezer.thaw(daemon.root)
            self.say(daemon.name, "goes on")

    def set_away(self, *, away: bool) -> None:
        """The database goes away or comes back, for everybody."""
        if away != self.away:
            self.away = away
            self.say("database", "away" if away else "back")
            for daemon in self.daemons:
                if daemon.journal is not None and daemon.stage != "ended":
                    (daemon.journal.go_away if away else daemon.journal.come_back)()

    # Faults.

    def reached(self, phase: str, daemon: Daemon) -> None:
        """A daemon is in this phase now: whichever fault is due and waits for it strikes."""
        if self.calm or not self.waiting or self.waiting[0].at > self.commits:
            return
        for fault in self.waiting:
            if fault.at > self.commits:
                return
            late = self.commits > fault.at + LATE_COMMITS
            if possible(fault.kind, phase) and (fault.phase == phase or late):
                self._strike(fault, phase, daemon)
                return
            if fault.phase == "stopping" and daemon.serving and phase in ("committing", "calling"):
                self.say("fault", f"a stop, so that this can hit it: {fault}")
                daemon.stop()
                daemon.stage = "stopping"
                return

    def _strike(self, fault: Fault, phase: str, daemon: Daemon) -> None:
        place = self.waiting.index(fault)
        del self.waiting[place]
        if strike(self, fault, daemon):
            self.hits[fault.kind, phase] += 1
            self.say("fault", f"{fault.kind} hits {daemon.name} while {phase} ({fault})")
        else:
            self.waiting.insert(place, fault)

    def slow_for(self, *, half: bool = False) -> float:
        """How long this commit takes on its way there, or on its way back."""
        count, seconds = self.slow
        if not count:
            return 0.0
        if half:
            self.slow = (count - 1, seconds)
        return seconds

    def called(self, daemon: Daemon, party: str, key: str) -> Step:
        """A call has left: what its party does with it."""
        daemon.reached("calling")
        count, step = self.burst
        if not count:
            return IDLE if self.calm else ("ok", self.chance.choice((0.0, 0.02, 0.3)))
        self.burst = (count - 1, step)
        self.say(party, f"{step[0]}: {key}")
        return step

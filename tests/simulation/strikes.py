"""How each kind of fault is done to the world.

Rule: a strike happens in the step in which its phase is reached, without a checkpoint; what must last
(a database that is away, a process that is stopped) is ended by a task of its own. A strike that finds
nothing to hit says so, and waits for the next moment. Source: design.md 8; issue 3, deliver 4.
"""

from typing import TYPE_CHECKING

import trio

from tests.simulation.faults import Fault

if TYPE_CHECKING:
    from tests.simulation.daemon import Daemon
    from tests.simulation.world import World

__all__ = ["strike"]

DOWN_S = 0.3
"""Between the death of the only daemon and the next start."""


def strike(world: "World", fault: Fault, daemon: "Daemon") -> bool:
    """Do it; False if there is nothing to hit here."""
    match fault.kind:
        case "crash":
            daemon.kill("killed")
            world.crashes += 1
        case "stop":
            daemon.stop()
        case "take-over":
            world.begin_daemon()
            world.take_overs += 1
        case "pause":
            _pause(world, fault, daemon)
        case "database away":
            return _go_away(world, fault)
        case "answer lost":
            assert daemon.journal is not None
            daemon.journal.lose_answers(fault.count)
        case "slow commit":
            world.slow = (fault.count, fault.seconds)
        case "party slow" | "party fails" | "party hangs" | "party half":
            step = fault.kind.removeprefix("party ")
            world.burst = (fault.count, (step, fault.seconds or 0.02))
        case "clock jump":
            _jump(world, fault)
        case "asker gone":
            return _hang_up(fault, daemon)
        case _:
            _work(world, fault)
    return True


def _pause(world: "World", fault: Fault, daemon: "Daemon") -> None:
    """SIGSTOP, and SIGCONT later; meanwhile another may take over."""
    daemon.paused = True
    world.freezer.freeze(daemon.root)
    if fault.flag or fault.seconds > 1.0:
        world.begin_daemon()
        world.take_overs += 1

    async def go_on() -> None:
        await trio.sleep(fault.seconds)
        world.go_on(daemon)

    world.start(go_on)


def _go_away(world: "World", fault: Fault) -> bool:
    if world.away:
        return False
    world.set_away(away=True)

    async def come_back() -> None:
        await trio.sleep(fault.seconds)
        world.set_away(away=False)

    world.start(come_back)
    return True


def _jump(world: "World", fault: Fault) -> None:
    """The wall clock jumps, or an operator moves the manual one (which is durable)."""
    if fault.flag:
        world.jumped_ms += round(fault.seconds * 1000)
        return

    async def advance() -> None:
        chosen = world.newest
        if chosen is not None:
            await chosen.operate(lambda engine: engine.advance_clock(fault.seconds, 2.0))

    world.start(advance)


def _hang_up(fault: Fault, daemon: "Daemon") -> bool:
    """Callers give up, the newest or the oldest first."""
    waiting = [scope for _, scope in sorted(daemon.asks.items()) if not scope.cancel_called]
    for scope in (waiting if fault.flag else waiting[::-1])[: fault.count]:
        scope.cancel()
    return bool(waiting)


def _work(world: "World", fault: Fault) -> None:
    """Faults that come as work."""
    match fault.kind:
        case "machine crash":
            world.crowd.crash(fault.count, always=fault.flag)
        case "poison":
            world.crowd.spoil(fault.count, sent=fault.flag)
        case "crowd":
            world.crowd.crowd(fault.count)
        case _:
            world.crowd.flood(fault.count)

"""The operators of a run: they resume what was suspended, replay what died, and purge.

Rule: an operator acts now and then and never knows whether the daemon outlives the act.
Source: design.md 3 and 5; S64.
"""

import random
from typing import TYPE_CHECKING, Final

import trio

from comptoir.engine.errors import EngineError, Unavailable
from comptoir.engine.values import Address

if TYPE_CHECKING:
    from tests.simulation.daemon import Daemon
    from tests.simulation.world import World

__all__ = ["operate", "replay", "resume"]

REPLAYS_MAX: Final = 2
"""How often a letter is tried again in the first part of a run."""


async def operate(world: "World") -> None:
    """Look after the daemon until the run is over."""
    rng = random.Random(f"{world.seed}/operator")
    replays = 0
    while True:
        await trio.sleep(rng.uniform(0.5, 2.0))
        daemon = world.newest
        if daemon is None or not daemon.serving:
            continue
        resume(daemon)
        if not world.calm and rng.random() < 0.3 and replays < REPLAYS_MAX * 4:
            replays += 1
            await replay(world, daemon)
        if rng.random() < 0.2:
            await _purge(daemon)


def resume(daemon: "Daemon") -> None:
    """Let suspended actors work again."""
    engine = daemon.engine
    if engine is None or daemon.dead:
        return
    for host in engine.statistics().hosts:
        for key in host.suspended:
            engine.resume(Address(host.kind, key))


async def replay(world: "World", daemon: "Daemon") -> bool:
    """Replay every dead letter; whether it was done."""
    ids = [row.id for row in world.tables.messages.values() if row.kind == "dead"]
    if not ids:
        return True
    world.say("operator", f"replays {len(ids)}")
    return await daemon.operate(lambda engine: engine.replay(ids))


async def _purge(daemon: "Daemon") -> None:
    assert daemon.journal is not None
    try:
        await daemon.journal.purge(daemon.clock.now())
    except (Unavailable, EngineError):
        return

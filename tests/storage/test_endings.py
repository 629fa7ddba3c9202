"""A journal that is cancelled at any step of its opening, its work or its closing leaves nothing.

Source: issue 3, deliver 6; design.md 7 (asyncpg in the engine's own thread).
"""

import gc
import random
from pathlib import Path
from typing import Any

import trio

from comptoir.engine.values import Address
from comptoir.storage.journal_testing import Desk, note


class Steps(trio.abc.Instrument):
    """Counts the steps of all tasks, and cancels a scope before the n-th."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.scope = trio.CancelScope()
        self.count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """One more."""
        self.count += 1
        if self.count == self.limit:
            self.scope.cancel()


def open_sockets() -> int:
    """Of this process."""
    return sum(_is_socket(one) for one in Path("/proc/self/fd").iterdir())


def _is_socket(link: Path) -> bool:
    try:
        return str(link.readlink()).startswith("socket:")
    except OSError:
        return False


async def _live(postgres: Any, limit: int, written: list[str]) -> int:
    steps = Steps(limit)
    with trio.fail_after(30), trio.CancelScope() as scope:
        steps.scope = scope
        trio.lowlevel.add_instrument(steps)
        try:
            async with postgres.open() as journal:
                desk = Desk(journal)
                for number in range(3):
                    key = f"{limit}.{number}"
                    if (await desk.write(Address("wallet", key), note("x"))).why is None:
                        written.append(key)
                    await journal.load(Address("wallet", key))
        finally:
            trio.lowlevel.remove_instrument(steps)
    return steps.count


async def test_a_journal_cancelled_at_any_step_leaves_no_task_and_no_socket(postgres: Any) -> None:
    """Wherever a cancellation strikes, every session of the database is hung up, and what was told to
    be durable is.
    """
    written: list[str] = []
    whole = await _live(postgres, -1, written)
    tasks, sockets = trio.lowlevel.current_statistics().tasks_living, open_sockets()
    rng = random.Random(whole)
    for limit in sorted(rng.sample(range(1, whole), 40)):
        await _live(postgres, limit, written)
        assert trio.lowlevel.current_statistics().tasks_living == tasks, f"step {limit} of {whole}"
        assert open_sockets() == sockets, f"step {limit} of {whole}"
    gc.collect()  # what was left open, and is not there any more, complains now
    keys = postgres.run("select key from comptoir.actor").split()
    assert set(written) <= set(keys)
    sessions = "select count(*) from pg_stat_activity where application_name like 'comptoir%'"
    with trio.fail_after(10):
        while postgres.run(f"{sessions} and datname = '{postgres.database}'") != "0":  # noqa: ASYNC110 - the server's doing
            await trio.sleep(0.01)

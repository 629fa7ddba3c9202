"""The memory journal's faults: an honest crash, a database that is away, answers that are lost.

Source: design.md 8 (in-memory journal with honest crash semantics).
"""

from collections.abc import Sequence

import pytest
import trio
import trio.testing

from comptoir.engine.errors import Unavailable
from comptoir.engine.journal import Duplicate, Lost, Run
from comptoir.engine.values import Address, encode
from comptoir.storage.journal_testing import NOW, Desk, Noted, Written, note, only_once, tell
from comptoir.storage.runs import Progress
from comptoir.storage.testing import MemoryJournal, MemoryTables

ALICE = Address("wallet", "alice")
BOB = Address("wallet", "bob")


async def test_a_crash_loses_what_was_not_flushed_and_tells_nobody() -> None:
    """What was settled is there for the next journal; what was only submitted is gone."""
    tables = MemoryTables()
    async with MemoryJournal.open(tables) as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a", messages=(tell(BOB, "m"),)))
        desk.submit(ALICE, note("b"))
        journal.crash()
        desk.submit(BOB, note("c"))
        assert await journal.wait_stopped() == "CRASHED"
        assert desk.fates == []
        with pytest.raises(Unavailable):
            await journal.load(ALICE)
    async with MemoryJournal.open(tables) as journal:
        loaded = await journal.load(ALICE)
        assert loaded is not None
        assert loaded.version == 1
        assert await journal.load(BOB) is None
        assert len(await journal.pending(BOB, 9, NOW)) == 1


async def test_a_crash_after_the_commit_keeps_the_batch_and_its_once_key() -> None:
    """The asker heard nothing, and asking again finds the first answer (X19)."""
    tables = MemoryTables()
    first = note("b", reply=Written("first"), once=(only_once("k"),))
    async with MemoryJournal.open(tables) as journal:
        desk = Desk(journal)
        journal.crash(after_commit=True)
        desk.submit(BOB, first)
        assert await journal.wait_stopped() == "CRASHED"
        assert desk.fates == []
    async with MemoryJournal.open(tables) as journal:
        desk = Desk(journal)
        desk.versions[BOB] = 1
        fate = await desk.write(BOB, first)
        assert fate.why == Duplicate(encode(Written("first")))


async def test_while_it_is_away_runs_wait_and_reads_say_so() -> None:
    """Nothing is lost and nothing is told until the database is back (design.md 7)."""
    async with MemoryJournal.open() as journal:
        desk = Desk(journal)
        journal.go_away()
        desk.submit(ALICE, note("a"))
        await trio.testing.wait_all_tasks_blocked()
        assert (journal.available, desk.fates) == (False, [])
        with pytest.raises(Unavailable):
            await journal.events(0, 1)
        journal.come_back()
        (fate,) = await desk.wait(1)
        assert (fate.why, journal.available) == (None, True)
        assert journal.statistics().reconnects_total == 1


async def test_a_lost_answer_is_found_out_and_the_batch_is_applied_once() -> None:
    """The commit happened; it is neither repeated nor forgotten."""
    async with MemoryJournal.open() as journal:
        desk = Desk(journal)
        journal.lose_answers()
        fate = await desk.write(ALICE, note("a", events=(Noted("e"),)))
        assert fate.why is None
        assert len(await journal.events(0, 9)) == 1
        assert journal.statistics().reconnects_total == 1


async def test_a_stop_while_away_loses_what_waits_by_name() -> None:
    """A stop does not wait for a database that does not come back (interface.md 2: 10 s)."""
    async with MemoryJournal.open() as journal:
        desk = Desk(journal)
        journal.go_away()
        desk.submit(ALICE, note("a"))
    assert [type(fate.why) for fate in desk.fates] == [Lost]


async def test_batches_happen() -> None:
    """Runs submitted while a batch is in flight commit together in the next one."""
    async with MemoryJournal.open(batch_decisions_max=16) as journal:
        desk = Desk(journal)
        for number in range(100):
            desk.submit(Address("wallet", str(number)), note("x"))
        await desk.wait(100)
        assert journal.statistics().batches_total == 7
        assert journal.statistics().batch_size_last == 4


class Watcher:
    """Writes down the moments of every batch, and does what it is told to at one of them."""

    def __init__(self) -> None:
        self.moments: list[str] = []
        self.wait_at = ""
        self.go_on = trio.Event()

    async def _moment(self, name: str) -> None:
        self.moments.append(name)
        if name == self.wait_at:
            await self.go_on.wait()

    async def sending(self, runs: Sequence[Run]) -> None:
        """Before it is durable."""
        await self._moment(f"sending {len(runs)}")

    def durable(self, progresses: Sequence[Progress]) -> None:
        """When it is."""
        self.moments.append(f"durable {sum(progress.done for progress in progresses)}")

    async def answering(self) -> None:
        """Before anybody hears."""
        await self._moment("answering")

    def told(self, run: Run) -> None:
        """When one has heard."""
        self.moments.append(f"told {run.address.key}")


async def test_an_observer_sees_every_moment_of_a_batch_in_order() -> None:
    """Crashes and delays of the simulation strike between these (design.md 8)."""
    watcher = Watcher()
    async with MemoryJournal.open(observer=watcher) as journal:
        desk = Desk(journal)
        desk.submit(ALICE, note("a"))
        desk.submit(BOB, note("b"))
        await desk.wait(2)
    assert watcher.moments == ["sending 2", "durable 2", "answering", "told alice", "told bob"]


async def test_a_lost_answer_that_another_daemon_outlived_is_never_told() -> None:
    """Under another epoch nobody can say whether the batch was ours: SUPERSEDED (design.md 7)."""
    watcher = Watcher()
    watcher.wait_at = "answering"
    tables = MemoryTables()
    async with MemoryJournal.open(tables, observer=watcher) as old:
        desk = Desk(old)
        old.lose_answers()
        desk.submit(ALICE, note("a"))
        await trio.testing.wait_all_tasks_blocked()
        async with MemoryJournal.open(tables):
            watcher.go_on.set()
            (fate,) = await desk.wait(1)
    assert fate.why == Lost("SUPERSEDED", "the journal takes no more decisions")
    assert tables.actors[ALICE][0] == 1


async def test_a_batch_counts_when_it_was_heard_of_and_a_replay_waits_for_it() -> None:
    """As with one connection: what an operator writes comes after the batch that is on its way, and
    the number of the last batch moves when its answer has come (engine/journal.py).
    """
    watcher = Watcher()
    watcher.wait_at = "answering"
    async with MemoryJournal.open(observer=watcher) as journal, trio.open_nursery() as nursery:
        desk = Desk(journal)
        desk.submit(ALICE, note("a"))
        await trio.testing.wait_all_tasks_blocked()
        replayed = trio.Event()

        async def replay() -> None:
            await journal.replay([], NOW)
            replayed.set()

        nursery.start_soon(replay)
        await trio.testing.wait_all_tasks_blocked()
        assert (journal.statistics().batch, replayed.is_set()) == (0, False)
        watcher.go_on.set()
        await replayed.wait()
        assert journal.statistics().batch == 1

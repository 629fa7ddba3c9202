"""What holds when the network does not: late statements, foreign batches, backends not yet dead.

Each of these was a safeguard that no test missed when it was taken away (tests/mutation).
Source: design.md 7 (One writer, Unknown COMMIT), 9 (invariant 3).
"""

from typing import Any

import pytest
import trio

from comptoir.engine.journal import Lost
from comptoir.engine.values import Address
from comptoir.storage.bridge import Target
from comptoir.storage.journal_testing import Desk, Noted, keep, note, put
from comptoir.storage.sqlstate import SUPERSEDED, FenceRaised

ALICE = Address("wallet", "alice")
PUSH = Address("push", "push")
WRITER_PID = "select pid from pg_stat_activity where application_name = 'comptoir writer' and datname = current_database()"  # fmt: skip
WAITING_SQL = "select query from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() order by backend_start"  # fmt: skip


async def test_a_batch_that_arrives_late_writes_nothing(postgres: Any) -> None:
    """A copy of an earlier batch, held up on its way, is stopped by its number: what was written
    since stays (invariant 3). Documents have no version of their own that could stop it.
    """
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(PUSH, keep(documents=(put("d", {"x": 0}),)), stateless=True)
        connection = journal._writer._connection
        sent: list[tuple[Any, ...]] = []
        start = connection.start

        def noted(*statement: Any) -> Any:
            sent.append(statement)
            return start(*statement)

        connection.start = noted
        await desk.write(PUSH, keep(documents=(put("d", {"x": 1}),)), stateless=True)
        await desk.write(PUSH, keep(documents=(put("d", {"x": 2}),)), stateless=True)
        late = await journal._writer._bridge.connect(Target(postgres.url))
        try:
            with pytest.raises(FenceRaised) as stopped:
                await late.fetch(*sent[0])
        finally:
            await late.close()
        assert stopped.value.sqlstate == SUPERSEDED
        assert await journal.documents("sample", ["d"]) == {"d": {"x": 2}}


async def test_a_fence_raised_by_our_own_earlier_send_is_no_take_over(postgres: Any) -> None:
    """A send that was given up and still arrived makes the next one meet the fence: the row `writer`
    tells that the batch is ours and durable, and the daemon goes on (design.md 7, Unknown COMMIT).
    """
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        connection = journal._writer._connection
        start, answer = connection.start, connection.answer
        again: list[tuple[Any, ...]] = []

        def noted(*statement: Any) -> Any:
            again.append(statement)
            return start(*statement)

        async def arrive_twice(query: Any) -> Any:
            connection.start, connection.answer = start, answer
            await answer(query)
            return await answer(start(*again.pop()))

        connection.start, connection.answer = noted, arrive_twice
        assert (await desk.write(ALICE, note("b", events=(Noted("e"),)))).why is None
        assert not again
        assert (await desk.write(ALICE, note("c"))).why is None
        assert (await journal.load(ALICE)).version == 3
        assert len(await journal.events(0, 10)) == 1


async def test_a_version_that_moved_beneath_us_is_met_in_the_database(postgres: Any) -> None:
    """What the writer remembers of versions spares statements, and decides nothing: the update itself
    compares, and the decision on the old version is lost (design.md 7, Loud fences).
    """
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        await trio.to_thread.run_sync(postgres.run, "update comptoir.actor set version = 5")
        fate = await desk.write(ALICE, note("b", events=(Noted("never"),)))
        assert isinstance(fate.why, Lost)
        assert fate.why.code == "STALE"
    assert postgres.run("select version from comptoir.actor") == "5"
    assert postgres.run("select count(*) from comptoir.event") == "0"


async def test_a_batch_number_of_another_epoch_proves_nothing(postgres: Any) -> None:
    """While we were cut off another daemon took over and committed a batch of our number: ours is
    lost by name, not taken for durable (S71).
    """
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        postgres.run(
            "update comptoir.writer set epoch = epoch + 1, batch = batch + 1",
            f"select pg_terminate_backend(pid) from ({WRITER_PID}) w",
        )
        fate = await desk.write(ALICE, note("b", events=(Noted("never"),)))
        assert isinstance(fate.why, Lost)
        assert await journal.wait_stopped() == "SUPERSEDED"
    assert postgres.run("select count(*) from comptoir.event") == "0"


async def test_a_lost_backend_is_waited_for_before_anything_is_sent_again(postgres: Any) -> None:
    """Our connection is gone while its backend is in the middle of the batch: the new one asks FOR
    UPDATE, which waits for that backend to end, and finds the batch committed (design.md 7).
    """
    waiting: list[str] = []

    async def wait_for(count: int) -> None:
        with trio.fail_after(20):
            # Twice the same: the server reads what a session waits for some time after what it runs.
            answer, before = "", "?"
            while len(waiting) < count or answer != before:
                before, answer = answer, await trio.to_thread.run_sync(postgres.run, WAITING_SQL)
                waiting[:] = answer.splitlines()

    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        blocker = await journal._writer._bridge.connect(Target(postgres.url))
        try:
            await blocker.run_script("begin; lock table comptoir.event in access exclusive mode")
            desk.submit(ALICE, note("b", events=(Noted("e"),)))
            await wait_for(1)
            journal._writer._connection.terminate()
            await wait_for(2)
        finally:
            await blocker.run_script("commit")
            await blocker.close()
        (fate,) = await desk.wait(1)
        assert fate.why is None
        assert "comptoir.commit_batch" in waiting[0]
        assert waiting[1].endswith("for update"), "it was sent again while it was being committed"
        assert len(await journal.events(0, 10)) == 1

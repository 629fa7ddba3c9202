"""What only PostgreSQL can do to a journal: lost answers, killed backends, restarts, standbys.

Source: design.md 7 (One writer, Unknown COMMIT, partitions, roles); interface.md 5 (reports).
"""

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from comptoir.engine.errors import Unavailable
from comptoir.engine.journal import Duplicate, Lost
from comptoir.engine.values import Address, encode
from comptoir.storage.bridge import Target
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import (
    NOW,
    Desk,
    Noted,
    Written,
    credit,
    keep,
    note,
    only_once,
    tell,
)
from comptoir.storage.vault import Vault

ALICE = Address("wallet", "alice")
BOB = Address("wallet", "bob")
PUSH = Address("push", "push")
VAULT = Vault({"k1": bytes(range(32))})
WRITER_PID = "select pid from pg_stat_activity where application_name = 'comptoir writer' and datname = current_database()"  # fmt: skip


class Proxy:
    """A TCP proxy to the server that can lose one request, or one answer."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.lose_request = False
        self.lose_answer = False
        self.lost = 0
        self.port = 0

    @asynccontextmanager
    async def run(self) -> AsyncGenerator["Proxy"]:
        """Serve on a free port of the loopback."""
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            self.port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, self._serve, listeners)
            yield self
            nursery.cancel_scope.cancel()

    async def _serve(self, client: trio.SocketStream) -> None:
        server = await trio.open_tcp_stream(*self._server)
        async with client, server, trio.open_nursery() as nursery:
            nursery.start_soon(self._answers, server, client, nursery.cancel_scope)
            try:
                async for data in client:
                    if not (data.startswith(b"B") and b"wallet" in data):  # no Bind of a batch
                        await server.send_all(data)
                        continue
                    if self.lose_request:
                        self.lose_request = False
                        self.lost += 1
                        break
                    if self.lose_answer:
                        self.lose_answer = False
                        self._deaf = client
                    await server.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            nursery.cancel_scope.cancel()

    _deaf: trio.SocketStream | None = None

    async def _answers(
        self, server: trio.SocketStream, client: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        try:
            async for data in server:
                if self._deaf is not client:
                    await client.send_all(data)
                elif data[-6:-1] == b"Z\x00\x00\x00\x05":  # ReadyForQuery: it is committed
                    self._deaf = None
                    self.lost += 1
                    break
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()


@asynccontextmanager
async def _open_behind(postgres: Any) -> AsyncGenerator[tuple[Proxy, PostgresJournal]]:
    proxy = Proxy("127.0.0.1", postgres.cluster.port)
    async with proxy.run():
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{postgres.database}"
        async with PostgresJournal.open(url, VAULT, JournalOptions(now=NOW)) as journal:
            yield proxy, journal


@pytest.mark.parametrize("what", ["lose_answer", "lose_request"])
async def test_a_lost_commit_is_found_out_and_never_guessed(postgres: Any, what: str) -> None:
    """Answer lost: committed, not sent again. Request lost: sent again. Either way exactly once."""
    async with _open_behind(postgres) as (proxy, journal):
        desk = Desk(journal)
        assert (await desk.write(ALICE, note("a", events=(Noted("e"),)))).why is None
        for number in range(5):
            setattr(proxy, what, True)
            points = credit("alice", f"l{number}", 1, total=number + 1)
            desk.submit(ALICE, note(f"b{number}", events=(Noted("e"),), **points))
            desk.submit(PUSH, keep(messages=(tell(BOB, "m"),)), stateless=True)
            one, two = await desk.wait(2)
            assert (one.why, two.why, proxy.lost) == (None, None, number + 1)
        loaded = await journal.load(ALICE)
        assert loaded is not None
        assert loaded.version == 6
        assert len(await journal.pending(BOB, 99, NOW)) == 5
        assert [x.number for x in await journal.events(0, 99)] == [1, 2, 3, 4, 5, 6]
        statistics = journal.statistics()
        assert statistics.reconnects_total >= 5
        assert statistics.batch == statistics.batches_total
    assert postgres.run("select batch, event_number from comptoir.writer") == (
        f"{statistics.batch}|6"
    )


async def _wait_for(check: Any) -> None:
    with trio.fail_after(20):
        while not await trio.to_thread.run_sync(check):  # noqa: ASYNC110 - the server's doing
            await trio.sleep(0.01)


async def test_a_batch_whose_backend_is_killed_is_committed_once(postgres: Any) -> None:
    """pg_terminate_backend in the middle of a commit: away, back, the same batch, once."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        blocker = await journal._writer._bridge.connect(Target(postgres.url))
        await blocker.run_script("begin; lock table comptoir.event in access exclusive mode")
        desk.submit(ALICE, note("b", events=(Noted("e"),), once=(only_once("k"),)))
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        await _wait_for(lambda: postgres.run(waits) == "1")
        assert journal.available
        postgres.run(f"select pg_terminate_backend(pid) from ({WRITER_PID}) w")
        await _wait_for(lambda: not journal.available)
        assert desk.fates == []
        await blocker.run_script("commit")
        await blocker.close()
        (fate,) = await desk.wait(1)
        assert (fate.why, journal.available) == (None, True)
        assert len(await journal.events(0, 10)) == 1


async def test_a_connection_killed_while_idle_costs_no_decision(postgres: Any) -> None:
    """The next batch notices, connects again, and commits."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        for number in range(3):
            postgres.run(f"select pg_terminate_backend(pid) from ({WRITER_PID}) w")
            assert (await desk.write(ALICE, note(f"b{number}"))).why is None
        readers = WRITER_PID.replace("comptoir writer", "comptoir reader")
        postgres.run(f"select pg_terminate_backend(pid) from ({readers}) w")
        assert (await journal.load(ALICE)).version == 4


async def test_an_immediate_restart_of_the_server_loses_nothing(postgres: Any) -> None:
    """While PostgreSQL is away, runs wait and reads say so; then all goes on by itself."""
    async with postgres.open(batch_decisions_max=8) as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        await trio.to_thread.run_sync(postgres.cluster.stop, signal.SIGQUIT)
        try:
            for number in range(40):
                desk.submit(Address("wallet", f"w{number}"), note("x", events=(Noted("e"),)))
            await _wait_for(lambda: not journal.available)
            with pytest.raises(Unavailable):
                await journal.load(ALICE)
            with pytest.raises(Unavailable):
                await journal.pending(ALICE, 1, NOW)
        finally:
            await trio.to_thread.run_sync(postgres.cluster.start)
        fates = await desk.wait(40)
        assert {fate.why for fate in fates} == {None}
        assert journal.available
        assert len(await journal.events(0, 99)) == 40


async def test_a_database_that_turns_read_only_is_waited_for(postgres: Any) -> None:
    """Read-only is the environment's fault, not a decision's: the batch waits, nothing is refused."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        postgres.run(
            f"alter database {postgres.database} set default_transaction_read_only = on",
            f"select pg_terminate_backend(pid) from ({WRITER_PID}) w",
        )
        desk.submit(ALICE, note("b"))
        await _wait_for(lambda: not journal.available)
        reset = f"alter database {postgres.database} reset default_transaction_read_only"
        await trio.to_thread.run_sync(postgres.cluster.run, reset)
        (fate,) = await desk.wait(1)
        assert fate.why is None


async def test_a_standby_waits_and_takes_over(postgres: Any) -> None:
    """A second daemon on one database does not exit: it waits, then becomes the writer."""
    told = trio.Event()
    served = trio.Event()
    options = JournalOptions(now=NOW, on_standby=told.set)

    async def stand_by() -> None:
        async with PostgresJournal.open(postgres.url, VAULT, options) as second:
            assert second.statistics().epoch == 2
            assert await second.load(ALICE) is not None
            served.set()

    async with trio.open_nursery() as nursery:
        async with postgres.open() as first:
            nursery.start_soon(stand_by)
            await told.wait()
            assert (await Desk(first).write(ALICE, note("a"))).why is None
            assert not served.is_set()
        with trio.fail_after(10):
            await served.wait()


async def test_a_writer_superseded_while_it_was_cut_off_writes_nothing(postgres: Any) -> None:
    """Its connection lost, its epoch taken: the batch is lost by name, not sent again."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a"))
        postgres.run(
            "update comptoir.writer set epoch = epoch + 1",
            f"select pg_terminate_backend(pid) from ({WRITER_PID}) w",
        )
        fate = await desk.write(ALICE, note("b", events=(Noted("never"),)))
        assert isinstance(fate.why, Lost)
        assert await journal.wait_stopped() == "SUPERSEDED"
    assert postgres.run("select count(*) from comptoir.event") == "0"


async def test_an_answer_found_in_the_database_is_the_first_one(postgres: Any) -> None:
    """A duplicate unknown to this process is answered by a second statement (design.md 3)."""
    async with postgres.open() as journal:
        first = note("a", reply=Written("first"), once=(only_once("k1"), only_once("k2")))
        await Desk(journal).write(ALICE, first)
    async with postgres.open() as journal:
        desk = Desk(journal)
        for number in range(20):
            key = "k2" if number in (3, 17) else f"n{number}"
            desk.submit(Address("wallet", str(number)), note("x", once=(only_once(key),)))
        fates = await desk.wait(20)
        why = Duplicate(encode(Written("first")))
        assert [n for n, fate in enumerate(fates) if fate.why == why] == [3, 17]
        assert sum(fate.count for fate in fates) == 18


async def test_a_cancelled_journal_still_commits_what_was_submitted(postgres: Any) -> None:
    """The commit is shielded: cancelling the block around the journal loses nothing accepted."""
    desks: list[Desk] = []
    with trio.CancelScope() as scope:
        async with postgres.open() as journal:
            desk = Desk(journal)
            desks.append(desk)
            for number in range(10):
                desk.submit(Address("wallet", str(number)), note("x"))
            scope.cancel()
            await trio.lowlevel.checkpoint()
    assert [fate.why for fate in desks[0].fates] == [None] * 10
    assert postgres.run("select count(*) from comptoir.actor") == "10"

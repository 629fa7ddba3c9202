"""asyncpg on trio: leaving early, deadlines, and whose fault an error is.

Source: design.md 7 (the bridge); storage/sqlstate.py.
"""

import time
from typing import Any

import pytest
import trio

from comptoir.storage.bridge import Pool, Target, open_bridge
from comptoir.storage.sqlstate import ConnectionLost, DataRefused, FenceRaised, StatementBroken


async def test_a_cancelled_query_leaves_no_connection_in_use(postgres: Any) -> None:
    """A reader that leaves half-way: its query ends by itself, then its connection is used again."""
    async with open_bridge() as bridge:
        pool = Pool(bridge, Target(postgres.url), 1)
        (first,) = await pool.fetch("select pg_backend_pid()")
        with trio.move_on_after(0.05) as scope:
            await pool.fetch("select pg_sleep(0.3)")
        assert scope.cancelled_caught
        assert pool.in_use == 1
        (second,) = await pool.fetch("select pg_backend_pid()")
        assert first[0] == second[0]
        assert pool.in_use == 0
        await pool.close()


async def test_a_query_cancelled_before_it_starts_frees_its_slot(postgres: Any) -> None:
    """Cancelled while waiting for a slot or a connection, nothing is kept."""
    async with open_bridge() as bridge:
        pool = Pool(bridge, Target(postgres.url), 2)
        for _ in range(3):
            with trio.CancelScope() as scope:
                scope.cancel()
                await pool.fetch("select 1")
            assert scope.cancelled_caught
        assert [row[0] for row in await pool.fetch("select 7")] == [7]
        assert pool.in_use == 0
        await pool.close()


async def test_many_cancelled_readers_leave_the_pool_whole(postgres: Any) -> None:
    """Readers that leave at many different moments hold nothing back."""
    async with open_bridge() as bridge:
        pool = Pool(bridge, Target(postgres.url), 3)

        async def read(milliseconds: float) -> None:
            with trio.move_on_after(milliseconds / 1000):
                await pool.fetch("select pg_sleep(0.01)")

        async with trio.open_nursery() as nursery:
            for number in range(120):
                nursery.start_soon(read, number / 2)
        with trio.fail_after(10):
            while pool.in_use:  # noqa: ASYNC110 - what is awaited has no event
                await trio.sleep(0.01)
            async with trio.open_nursery() as nursery:
                for _ in range(6):
                    nursery.start_soon(pool.fetch, "select 1")
        assert pool.in_use == 0
        await pool.close()
    count = postgres.run(
        "select count(*) from pg_stat_activity where application_name = 'comptoir'"
    )
    assert int(count) <= 3


async def test_a_query_past_its_deadline_ends_its_connection(postgres: Any) -> None:
    """A connection that does not answer is taken for lost; the next query gets another."""
    async with open_bridge() as bridge:
        pool = Pool(bridge, Target(postgres.url), 1)
        with pytest.raises(ConnectionLost):
            await pool.fetch("select pg_sleep(5)", seconds=0.05)
        assert pool.in_use == 0
        assert len(await pool.fetch("select 1")) == 1
        await pool.close()


async def test_a_cancelled_owner_of_a_connection_closes_it(postgres: Any) -> None:
    """A dedicated connection left in the middle of a query is not used again."""
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(postgres.url))
        with trio.move_on_after(0.05):
            await connection.fetch("select pg_sleep(5)")
        assert connection.closed
        with pytest.raises(ConnectionLost):
            await connection.fetch("select 1")


@pytest.mark.parametrize(
    ("sql", "argument", "fault"),
    [
        ("select $1::bigint", 1 << 70, DataRefused),
        ("select $1::bigint", "text", DataRefused),
        ("select $1::text", "a\0b", DataRefused),
        ("select $1::text", "\udc00", DataRefused),
        ("select 1 / $1::bigint", 0, DataRefused),
        ("select nosuch.column where $1::bigint = 1", 1, StatementBroken),
        ("insert into comptoir.event_default select from generate_series(1, $1::bigint)", 1, DataRefused),
        ("do $$ begin raise 'x' using errcode = 'CT001'; end $$", None, FenceRaised),
        ("do $$ begin raise 'x' using errcode = '53100'; end $$", None, ConnectionLost),
        ("do $$ begin raise 'x' using errcode = '25006'; end $$", None, ConnectionLost),
        ("do $$ begin raise 'x' using errcode = '57P01'; end $$", None, ConnectionLost),
        ("do $$ begin raise 'x' using errcode = '23505'; end $$", None, StatementBroken),
        ("do $$ begin raise 'x' using errcode = '42501'; end $$", None, StatementBroken),
    ],
)  # fmt: skip
async def test_errors_tell_whose_fault_they_are(
    postgres: Any, sql: str, argument: object, fault: type[Exception]
) -> None:
    """Data, fence, environment or bug, by SQLSTATE; the connection stays usable."""
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(postgres.url))
        with pytest.raises(fault):
            await connection.fetch(sql, *([] if argument is None else [argument]))
        assert len(await connection.fetch("select 1")) == 1
        await connection.close()


async def test_a_data_error_holds_no_value(postgres: Any) -> None:
    """What is raised, and what it was raised from, can be logged (invariant 8)."""
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(postgres.url))
        with pytest.raises(DataRefused) as caught:
            await connection.fetch("select $1::text::int", "FR7612345")
        assert "FR76" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert caught.value.__suppress_context__
        await connection.close()


@pytest.mark.parametrize("url", ["postgresql://postgres@127.0.0.1:1/none", "{cluster}/nosuch"])
async def test_nobody_there_is_a_lost_connection(postgres: Any, url: str) -> None:
    """Refused, unknown database: away, not a crash."""
    url = url.format(cluster=postgres.url.rpartition("/")[0])
    async with open_bridge() as bridge:
        with pytest.raises(ConnectionLost):
            await bridge.connect(Target(url))


async def test_a_statement_is_sent_before_start_returns(postgres: Any) -> None:
    """Design.md 7 (the bridge): the server works on it while nothing here waits for its answer; also
    where it is more than the socket takes at once.
    """
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(postgres.url))
        await connection.fetch("select clock_timestamp()")  # prepared from here on
        query = connection.start("select clock_timestamp()")
        time.sleep(0.2)  # noqa: ASYNC251 - the loop stands still; the server does not
        before = time.time()
        ((at,),) = await connection.answer(query)
        assert at.timestamp() < before - 0.1
        large = bytes(32 * 1024 * 1024)
        ((length,),) = await connection.answer(connection.start("select length($1::bytea)", large))
        assert length == len(large)
        wrong = connection.start("select $1::int", "a text")
        with pytest.raises(DataRefused):
            await connection.answer(wrong)
        assert not connection.closed
        await connection.close()


async def test_who_comes_after_its_end_comes_too_late(postgres: Any) -> None:
    """S71: a reader outside that was on its way when the daemon ended is told so, and leaves without a traceback."""
    async with open_bridge() as bridge:
        connection = await bridge.connect(Target(postgres.url))
        waiting = connection.start("select pg_sleep(60)")
    with pytest.raises(ConnectionLost):
        await connection.fetch("select 1")
    with pytest.raises(ConnectionLost):
        await bridge.connect(Target(postgres.url))
    with pytest.raises(ConnectionLost):
        await connection.answer(waiting)
    connection.terminate()

"""The one module where asyncpg meets trio: an asyncio loop on trio's own thread (trio-asyncio).

The rule: a caller may leave at any checkpoint, and no connection stays in use behind it. A query goes
on by itself (storage/query.py); a cancelled reader leaves it to finish (or to be ended at its deadline) in
the background, and only then is its connection used again. asyncpg's time-outs are not used (each
leaves a timer in the loop's heap until it would have rung): deadlines are trio's.

Every error leaves here as one of `comptoir.storage.sqlstate`. Source: design.md 7; docs of
trio-asyncio ("Cross-calling").
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import asyncpg
import outcome
import trio
import trio_asyncio

from comptoir.storage.query import Query
from comptoir.storage.sqlstate import CLIENT_ENCODING, ConnectionLost, DataRefused, explain
from comptoir.storage.turns import Loop, in_whole_turns

__all__ = [
    "QUERY_SECONDS",
    "RECONNECT_SECONDS",
    "Bridge",
    "Connection",
    "Pool",
    "Target",
    "open_bridge",
]

log = logging.getLogger("comptoir.storage")

T = TypeVar("T")
Row = Any
"""A row as asyncpg gives it: by position, by name."""

CONNECT_SECONDS = 10.0
END_SECONDS = 2.0  # that queries which are cancelled at the end may take to notice
LAST_TURNS = 3  # of the loop: one ends a cancelled connect, one aborts it, one closes its socket
QUERY_SECONDS = 30.0
"""Beyond it a connection is taken for dead: a batch of 256 takes milliseconds, and full scans belong elsewhere."""
RECONNECT_SECONDS = 0.5  # at most: the first pause is shorter, and each doubles


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect and as what."""

    url: str
    """`postgresql://…`, as asyncpg reads it; never logged (it may hold a password)."""
    name: str = "comptoir"
    """Shown in pg_stat_activity."""
    settings: Mapping[str, str] | None = None
    """Settings of the session beyond the common ones."""
    role: str | None = None
    """The role to take on after connecting."""
    statement_seconds: float = QUERY_SECONDS
    """How long an answer may take before the connection is taken for dead."""
    reconnect_seconds: float = RECONNECT_SECONDS
    """The longest pause before the next attempt, where its user tries until it succeeds."""


class Bridge:
    """The asyncio loop, and the nursery where abandoned queries finish."""

    def __init__(self, loop: Loop, nursery: trio.Nursery) -> None:
        self._loop = loop
        self._tasks: set[asyncio.Task[Any]] = set()
        self._queries: set[Query[Any]] = set()
        self._connections: set[Connection] = set()
        """Those that may be open: whoever forgets one, it is hung up at the end."""
        self.over = False
        """Whether the loop has ended: whoever is on their way to it comes too late."""
        self.nursery = nursery

    async def connect(self, target: Target) -> "Connection":
        """A new connection.

        Raises:
            ConnectionLost: nobody answers there, or refuses us.
        """
        attempt = self.spawn(_connect(target))
        try:
            raw = await _wait(attempt)
        except trio.Cancelled:
            attempt.add_done_callback(_hang_up)
            attempt.cancel()
            raise
        except (OSError, TimeoutError, asyncio.CancelledError) as error:
            raise ConnectionLost(f"cannot connect: {type(error).__name__}") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _translate(error, None) from None  # its text may hold values
        connection = Connection(self, raw, target.statement_seconds)
        self._connections = {one for one in self._connections if not one.closed}
        self._connections.add(connection)
        if target.role is not None:
            await connection.fetch(f'set role "{target.role}"')
        return connection

    def spawn(self, step: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start an asyncio task, for what sets time-outs: to connect, to close. Raises as `begin`."""
        self._check_open(step)
        task: asyncio.Task[T] = self._loop.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def begin(self, query: Coroutine[Any, Any, T]) -> Query[T]:
        """Take the first step of a query; it goes on by itself. Raises ConnectionLost where the loop has ended."""
        self._check_open(query)
        begun = Query(query, self._loop.call_soon, self._queries.discard)
        if not begun.ended:
            self._queries.add(begun)
        return begun

    def _check_open(self, unbegun: Coroutine[Any, Any, Any]) -> None:
        if self.over:
            unbegun.close()
            raise ConnectionLost("the bridge has ended")

    async def finish(self) -> None:
        """Cancel what is still under way, hang up what is still open, and give it a moment to end."""
        with trio.move_on_after(END_SECONDS, shield=True):
            for task in list(self._tasks):
                task.cancel()
            for begun in list(self._queries):
                begun.cancel()
            while self._tasks or self._queries:
                query = next(iter(self._queries), None)
                try:
                    await (_wait(next(iter(self._tasks))) if query is None else query.wait())
                # Hung up between two steps of a query, asyncpg raises what it likes (an AttributeError
                # was seen); nobody waits for these answers any more.
                except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - as above
                    log.debug("ended a query: %s", type(error).__name__)
            for connection in self._connections:
                connection.terminate()
            # A connection that was hung up is closed by the loop in its next turns; a loop that ends
            # before them leaves its socket open, and a process that embeds us has it for ever.
            for _ in range(LAST_TURNS):
                await _wait(self._loop.create_task(asyncio.sleep(0)))


class Connection:
    """One session of the database: one query at a time."""

    def __init__(self, bridge: Bridge, raw: Any, seconds: float = QUERY_SECONDS) -> None:
        self._bridge = bridge
        self._raw = raw
        self._seconds = seconds

    def __repr__(self) -> str:
        return f"<Connection {'closed' if self.closed else 'open'}>"

    @property
    def closed(self) -> bool:
        """Whether it can be used no more."""
        return bool(self._raw.is_closed())

    async def fetch(self, sql: str, *args: object, seconds: float | None = None) -> list[Row]:
        """Run one statement and answer its rows; a caller that leaves ends the connection.

        Args:
            sql: the statement.
            args: its arguments.
            seconds: how long the answer may take; None as the target of the connection says.

        Raises:
            ConnectionLost, DataRefused, FenceRaised, StatementBroken: see storage/sqlstate.py.
        """
        return await self.answer(self.start(sql, *args), seconds)

    async def answer(self, query: Query[T], seconds: float | None = None) -> T:
        """The answer to a query that was sent; a caller that leaves ends the connection."""
        try:
            return await self.finish(query, seconds)
        except trio.Cancelled:
            self.terminate()
            raise

    async def run_script(self, sql: str, seconds: float = QUERY_SECONDS) -> None:
        """Run several statements without arguments, as one transaction unless they say otherwise."""
        await self.answer(self._bridge.begin(self._raw.execute(sql)), seconds)

    def start(self, sql: str, *args: object) -> Query[list[Row]]:
        """Send one statement before this returns; `answer` or `finish` waits for its answer."""
        return self._bridge.begin(self._raw.fetch(sql, *args))

    async def finish(self, query: Query[T], seconds: float | None = None) -> T:
        """Wait for a query; cancelling the wait does not cancel the query."""
        seconds = self._seconds if seconds is None else seconds
        with trio.move_on_after(seconds):
            try:
                return await query.wait()
            except (OSError, asyncio.CancelledError, asyncpg.InternalClientError) as error:
                self.terminate()
                raise ConnectionLost(type(error).__name__) from error
            except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                raise _translate(error, self._raw) from None  # its text may hold values
        self.terminate()
        raise ConnectionLost(f"no answer within {seconds:g} s")

    async def close(self) -> None:
        """Say goodbye to the server, or hang up after a second."""
        if not self.closed:
            farewell = self._bridge.spawn(self._raw.close())
            with trio.move_on_after(1, shield=True):
                try:
                    await _wait(farewell)
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    log.debug("a connection was lost while closing")
            self.terminate()

    def terminate(self) -> None:
        """Hang up at once; a loop that has ended has no say in it any more."""
        try:
            self._raw.terminate()
        except RuntimeError:  # its loop is closed
            if not self._bridge.over:
                raise


class Pool:
    """A few connections for reads; each query takes whichever is free."""

    def __init__(self, bridge: Bridge, target: Target, size: int) -> None:
        self._bridge = bridge
        self._target = target
        self._slots = trio.Semaphore(size)
        self._free: deque[Connection] = deque()
        self.size = size

    def __repr__(self) -> str:
        return f"<Pool {self.in_use} of {self.size} in use>"

    @property
    def in_use(self) -> int:
        """Connections with a query on them, abandoned ones included."""
        return self.size - self._slots.value

    async def fetch(self, sql: str, *args: object, seconds: float | None = None) -> list[Row]:
        """Run one statement and answer its rows; `seconds` as for a connection.

        Raises:
            ConnectionLost, DataRefused, FenceRaised, StatementBroken: see storage/sqlstate.py.
        """
        await self._slots.acquire()
        connection = None
        kept = False
        try:
            connection = await self._take()
            query = connection.start(sql, *args)
            try:
                return await connection.finish(query, seconds)
            except trio.Cancelled:
                kept = True
                self._bridge.nursery.start_soon(self._drain, connection, query, seconds)
                raise
        finally:
            if not kept:
                self._give_back(connection)

    def forget(self) -> None:
        """Hang up the free connections: the server went away, or its data was changed."""
        while self._free:
            self._free.pop().terminate()

    async def close(self) -> None:
        """Close the free connections."""
        while self._free:
            await self._free.pop().close()

    async def _take(self) -> Connection:
        while self._free:
            connection = self._free.pop()
            if not connection.closed:
                return connection
        return await self._bridge.connect(self._target)

    def _give_back(self, connection: Connection | None) -> None:
        if connection is not None and not connection.closed:
            self._free.append(connection)
        self._slots.release()

    async def _drain(
        self, connection: Connection, query: Query[Any], seconds: float | None
    ) -> None:
        """Let an abandoned query end before its connection is used again."""
        try:
            await connection.finish(query, seconds)
        except trio.Cancelled:
            connection.terminate()
            raise
        except Exception as error:  # noqa: BLE001 - nobody waits for this answer any more
            log.debug("an abandoned query failed: %s", type(error).__name__)
        finally:
            self._give_back(connection)


@asynccontextmanager
async def open_bridge() -> AsyncGenerator[Bridge]:
    """Run the asyncio loop inside trio for the length of the block.

    A single error leaves as itself, not in a group: callers catch our errors by class.
    """
    try:
        async with cast(Any, trio_asyncio).open_loop() as raw, trio.open_nursery() as nursery:
            loop = in_whole_turns(raw)
            loop.set_exception_handler(_report)
            bridge = Bridge(loop, nursery)
            try:
                yield bridge
            finally:
                nursery.cancel_scope.cancel()
                await bridge.finish()
                bridge.over = True
    except BaseExceptionGroup as group:
        alone = _find_single(group)
        if alone is None:
            raise
        raise alone from alone.__cause__


def _report(_loop: object, context: Mapping[str, Any]) -> None:
    """A callback of asyncio failed where nobody waits for it: tell, and let the journal live."""
    error = context.get("exception")
    log.warning("asyncio: %s (%s)", context.get("message"), type(error).__name__)


def _find_single(group: BaseExceptionGroup[BaseException]) -> BaseException | None:
    """The one error that a group of groups holds, or None if it holds several."""
    inside: list[BaseException] = list(group.exceptions)
    if len(inside) > 1:
        return None
    if isinstance(inside[0], BaseExceptionGroup):
        return _find_single(cast("BaseExceptionGroup[BaseException]", inside[0]))
    return inside[0]


async def _connect(target: Target) -> Any:
    settings = {"application_name": target.name, "jit": "off", **(target.settings or {})}
    return await asyncpg.connect(
        target.url,
        timeout=CONNECT_SECONDS,
        server_settings=settings,
        max_cached_statement_lifetime=0,
        max_cacheable_statement_size=65536,
    )


def _hang_up(attempt: "asyncio.Task[Any]") -> None:
    """Nobody waits for this connection any more."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().terminate()


async def _wait(query: "asyncio.Task[T]") -> T:
    """Wait for an asyncio task without owning it: a cancelled wait leaves the task running."""
    waiter = trio.lowlevel.current_task()
    waiting = True

    def wake(done: "asyncio.Task[T]") -> None:
        if waiting:
            trio.lowlevel.reschedule(waiter, outcome.capture(done.result))
        elif not done.cancelled():
            done.exception()  # looked at, so that asyncio does not complain that nobody did

    def leave(_raise_cancel: object) -> trio.lowlevel.Abort:
        nonlocal waiting
        waiting = False
        return trio.lowlevel.Abort.SUCCEEDED

    query.add_done_callback(wake)
    return cast(T, await trio.lowlevel.wait_task_rescheduled(leave))


def _translate(error: BaseException, raw: Any) -> Exception:
    """The error of ours for one of asyncpg's."""
    if isinstance(error, asyncpg.PostgresError):
        name = getattr(error, "constraint_name", None) or getattr(error, "column_name", None)
        return explain(str(error.sqlstate or "XX000"), str(name or ""), str(error))
    if isinstance(error, ValueError):  # asyncpg's own DataError: it could not encode an argument
        return DataRefused(CLIENT_ENCODING, "")
    if raw is None or raw.is_closed():
        return ConnectionLost(type(error).__name__)
    raise AssertionError("a connection was used by two at once") from error

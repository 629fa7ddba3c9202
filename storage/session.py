"""The writer's one connection: statements that advance `writer`, known for certain to be durable or
not, whatever becomes of the connection, of the server and of our own code meanwhile.

The rule: nobody leaves `advance` in doubt. A lost connection, an answer that never came, and a crash
of anything below (asyncpg, the bridge) are the same thing here: batch n may be durable. Before
anything else is sent, a new connection reads the row `writer` FOR UPDATE, which waits for the lost
backend to end: batch = n means that it is. A batch is known by its number alone, so sending another
one under a number whose outcome is unknown would take the one for the other.
Source: design.md 7 (One writer, Unknown COMMIT).
"""

import logging
from typing import Any, Final, NamedTuple, cast

import outcome
import trio

from comptoir.engine.errors import Superseded
from comptoir.storage.bridge import Bridge, Connection, Target
from comptoir.storage.crashes import Crashes
from comptoir.storage.runs import Counters
from comptoir.storage.sqlstate import (
    SUPERSEDED,
    ConnectionLost,
    DataRefused,
    FenceRaised,
    StatementBroken,
)

__all__ = ["LANE", "Flight", "Session"]

log = logging.getLogger("comptoir.storage")

LANE: Final = 0
BACKOFF_SECONDS_MIN: Final = 0.05
READ_WRITER_SQL: Final = "select epoch, batch from comptoir.writer where lane = $1 for update"


class Flight(NamedTuple):
    """A statement that advances `writer` by one batch, perhaps on its way already."""

    sql: str
    last_event: int
    arguments: tuple[object, ...]
    connection: Connection | None
    sent: outcome.Outcome[Any] | None
    """The query on `connection`, or the crash of ours in which it may have been sent; None: it was not."""


class Session:
    """What the writer says to the database, under one epoch, batch by batch."""

    def __init__(self, bridge: Bridge, target: Target, crashes: Crashes) -> None:
        self._bridge = bridge
        self._target = target
        self._longest_pause = target.reconnect_seconds
        self._connection: Connection | None = None
        self.crashes = crashes
        self.counters = Counters()
        self.available = True
        self.epoch = 0
        self.batch = 0
        self.last_event = 0

    async def advance(self, sql: str, last_event: int, *arguments: object) -> None:
        """Send a statement that advances `writer` by one batch, and wait until it is durable.

        As `land`, which tells what it raises.
        """
        await self.land(self.send(sql, last_event, *arguments))

    def send(self, sql: str, last_event: int, *arguments: object) -> Flight:
        """Send such a statement now, if there is a connection; `land` is awaited before all else.

        Its first four arguments are lane, epoch, batch and the number of the last event.
        """
        connection, sent = self._connection, None
        if connection is not None and not connection.closed:
            sent = outcome.capture(
                connection.start, sql, LANE, self.epoch, self.batch + 1, last_event, *arguments
            )
        return Flight(sql, last_event, arguments, connection, sent)

    async def land(self, flight: Flight) -> None:
        """Wait until a statement is durable; send it where that was not done, and again if need be.

        Raises:
            Superseded: the epoch is another's now; nothing of the statement is durable.
            DataRefused, FenceRaised, StatementBroken: refused as a whole.
            WriterBroken: crashed too often; only then may it be durable all the same.
        """
        number = self.batch + 1
        arguments = (LANE, self.epoch, number, flight.last_event, *flight.arguments)
        connection, sent = flight.connection, flight.sent
        unsure = False
        delay = BACKOFF_SECONDS_MIN
        while True:
            if connection is None or sent is None:
                connection, durable, delay = await self._prepare(number, delay, unsure=unsure)
                if durable:
                    break
                sent = outcome.capture(connection.start, flight.sql, *arguments)
            try:
                await connection.answer(sent.unwrap())
                break
            except ConnectionLost as error:
                unsure = True
                delay = await self._back_off(error, delay)
            except FenceRaised as fence:
                if fence.sqlstate != SUPERSEDED:
                    self.available = True  # a refusal is an answer, too
                    raise
                unsure = True  # or our own earlier send arrived late: the row tells
            except (DataRefused, StatementBroken):
                self.available = True
                raise
            except Exception as crash:  # noqa: BLE001 - a bulkhead: the row tells what became of it
                unsure = True
                delay = await self._survive(crash, delay)
            sent = None
        self.batch = number
        self.last_event = flight.last_event
        self.available = True

    async def _prepare(
        self, number: int, delay: float, *, unsure: bool
    ) -> tuple[Connection, bool, float]:
        """A connection, and whether batch `number` is durable already; however long it takes."""
        while True:
            try:
                durable = unsure and await self._is_durable(number)
                return await self._connect(), durable, delay
            except ConnectionLost as error:
                delay = await self._back_off(error, delay)
            except Superseded:
                raise
            except Exception as crash:  # noqa: BLE001 - a bulkhead: in doubt, nobody may leave
                delay = await self._survive(crash, delay)

    async def call(self, sql: str, *arguments: object) -> list[Any]:
        """Run a statement that may be repeated, until the database answers.

        Raises:
            DataRefused, FenceRaised, StatementBroken: that is its answer.
            WriterBroken: crashed too often.
        """
        delay = BACKOFF_SECONDS_MIN
        while True:
            try:
                rows = await (await self._connect()).fetch(sql, *arguments)
            except ConnectionLost as error:
                delay = await self._back_off(error, delay)
            except (DataRefused, FenceRaised, StatementBroken):
                raise
            except Exception as crash:  # noqa: BLE001 - a bulkhead: it may be repeated
                delay = await self._survive(crash, delay)
            else:
                self.available = True
                return rows

    async def confirm_epoch(self) -> None:
        """Hold that the row still shows our epoch.

        Raises:
            Superseded: it does not: another daemon is the writer.
        """
        rows = await self.call(READ_WRITER_SQL, LANE)
        if rows[0][0] != self.epoch:
            raise Superseded(f"epoch {rows[0][0]}, ours {self.epoch}")

    async def _is_durable(self, number: int) -> bool:
        """Whether batch `number` of ours is committed, known for certain.

        Raises:
            Superseded: the row shows another epoch, or a batch that is neither.
        """
        connection = await self._connect()
        rows = await connection.fetch(READ_WRITER_SQL, LANE)
        epoch, batch = cast("tuple[int, int]", tuple(rows[0]))
        if epoch != self.epoch or batch not in (number, number - 1):
            raise Superseded(f"epoch {epoch} batch {batch}, ours {self.epoch} batch {number}")
        return batch == number

    async def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await self._bridge.connect(self._target)
        return self._connection

    async def _back_off(self, error: ConnectionLost, delay: float) -> float:
        if self.available:
            log.warning("the database is away: %s", error.detail)
        self.available = False
        self.counters.reconnects += 1
        if self._connection is not None:
            self._connection.terminate()  # also after an answer: another server may be there now
        await trio.sleep(min(delay, self._longest_pause))
        return min(delay * 2, self._longest_pause)

    async def _survive(self, crash: Exception, delay: float) -> float:
        """Count a crash below us, and drop the connection: what it would say next is unknown."""
        self.crashes.note(crash, "its connection")
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
        await trio.sleep(min(delay, self._longest_pause))
        return min(delay * 2, self._longest_pause)

"""What of Kafka's topics becomes work of ours: records are taken one after another, and passed when that is durable.

Rules:
- the decision about a record is committed first, its offset after it: at least once from the brokers, once here. That holds
  for a dead letter, too: one that the database does not take is tried without its content, and else nothing is passed;
- while the database is away, or too much waits already, the partitions are paused and nothing is dropped;
- whatever crashes here ends this reader and no other part of the daemon: it begins again, after a pause of at most five seconds.
Source: spec.md S29, S33, S64; design.md 5; docs/kafka.md.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
import trio

from comptoir.actors.gateways.core_kafka import Taken, Topics, taken, unreadable
from comptoir.actors.gateways.kafka_reader import KafkaReader, Record, open_reader
from comptoir.actors.gateways.kafka_terms import BrokersAway, KafkaTerms
from comptoir.engine.engine import Engine
from comptoir.engine.errors import Unavailable, log_crash
from comptoir.engine.journal import Duplicate, Fate, Lost, Rejected, Run
from comptoir.engine.waiter import Waiter

__all__ = ["BusReading", "commit_record"]

log = structlog.get_logger("comptoir.bus")

_STATELESS: Any = object()
REJECTED: Final = "RECORD_REJECTED"
"""Of what the database does not take, however well it reads."""
CRASHED: Final = "RECORD_CRASHED"
"""Of what our own reading does not survive."""
AWAY: Final = "DATABASE_AWAY"
HOLD_S: Final = 1.0
"""After so long without a commit the partitions are paused."""
AGAIN_S_MAX: Final = 5.0
"""Longest pause before the next reader begins."""
LAG_PERIOD_S: Final = 5.0


class BusReading:
    """One reader at a time, for as long as the engine runs."""

    def __init__(
        self,
        terms: KafkaTerms,
        topics: Topics,
        backlog_max: int,
        count: Callable[[str, str], None],
        show_lag: Callable[[str, int], None],
    ) -> None:
        """Make it.

        Args:
            terms: with the brokers.
            topics: what the two are called.
            backlog_max: rows pending here beyond which nothing more is fetched.
            count: hears of every record: its topic, and what it came to.
            show_lag: hears now and then how many records a topic is behind.
        """
        self._terms, self._topics, self._backlog_max = terms, topics, backlog_max
        self._count, self._show_lag = count, show_lag
        self._lag_due = 0.0
        self.read: tuple[str, ...] = (topics.events,)
        """Which are read; commands only where there is a mainframe to carry them out."""
        self.trouble = "starting"
        """Why nothing is read; empty while it is."""

    async def run(self, engine: Engine) -> None:
        """Read until cancelled."""
        pause_s = 0.5
        while True:
            began = trio.current_time()
            try:
                async with open_reader(self._terms, self.read) as reader:
                    await self._read(reader, engine)
            except BrokersAway as away:
                self._note(away.code)
            except Exception as crash:  # noqa: BLE001  # a bulkhead
                log_crash(log, "reader crashed", crash)
                self._note("READER_CRASHED")
            if trio.current_time() - began > AGAIN_S_MAX:
                pause_s = 0.5
            await trio.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_S_MAX)

    def _note(self, trouble: str) -> None:
        if trouble != self.trouble:
            (log.warning if trouble else log.info)("bus reading", trouble=trouble or "none")
        self.trouble = trouble

    async def _read(self, reader: KafkaReader, engine: Engine) -> None:
        while True:
            await self._make_room(reader, engine)
            records = await reader.read()
            if reader.assigned:
                self._note("")
            if records:
                await self._take_held(reader, engine, records)
                await reader.commit(records)
            if trio.current_time() >= self._lag_due:
                self._lag_due = trio.current_time() + LAG_PERIOD_S
                for topic, behind in (await reader.lag()).items():
                    self._show_lag(topic, behind)

    async def _make_room(self, reader: KafkaReader, engine: Engine) -> None:
        """Wait until there is a database, and not too much before it."""
        while not engine.journal.available or engine.health().pending_messages > self._backlog_max:
            self._note(AWAY if not engine.journal.available else "BACKLOG")
            await reader.stay()
        await reader.resume()

    async def _take_held(
        self, reader: KafkaReader, engine: Engine, records: Sequence[Record]
    ) -> None:
        """Take these, however long that lasts, and stay in the group meanwhile."""
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hold, reader, engine)
            try:
                await self._take(engine, records)
            except Exception as error:  # noqa: BLE001  # it leaves as itself, not in a group
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _hold(self, reader: KafkaReader, engine: Engine) -> None:
        """Brokers that go away meanwhile are met at the next reading."""
        await trio.sleep(HOLD_S)
        self._note(AWAY if not engine.journal.available else "DATABASE_SLOW")
        with suppress(BrokersAway):
            while True:
                await reader.stay()

    async def _take(self, engine: Engine, records: Sequence[Record]) -> None:
        """Take records in their order.

        Raises:
            Unavailable: the journal has ended, or takes not even a letter; no offset may be committed.
        """
        now = engine.now()
        wanted = [self._wanted(record, now) for record in records]
        waiters = [commit_record(engine, one) for one in wanted]
        for record, one, waiter in zip(records, wanted, waiters, strict=True):
            fate = await waiter.wait()
            if isinstance(fate.why, Lost):
                raise Unavailable(fate.why.detail)
            result: str = one.result
            if isinstance(fate.why, Duplicate):
                result = "duplicate"
            elif isinstance(fate.why, Rejected):
                await self._bury(engine, record, now)
                result = "poison"
            if result == "poison":
                log.warning(
                    "record passed", topic=record.topic, partition=record.partition, offset=record.offset
                )  # fmt: skip
            self._count(record.topic, result)

    async def _bury(self, engine: Engine, record: Record, now: int) -> None:
        """Make a dead letter of a record that the database does not take; returns when that is durable.

        Raises:
            Unavailable: it is not.
        """
        for bare in (False, True):
            letter = unreadable(self._topics, record, now, REJECTED, bare=bare)
            why = (await commit_record(engine, letter).wait()).why
            if why is None or isinstance(why, Duplicate):
                return
            if isinstance(why, Lost):
                raise Unavailable(why.detail)
            log.error(
                "letter rejected", topic=record.topic, partition=record.partition, offset=record.offset, bare=bare
            )  # fmt: skip
        raise Unavailable("the journal takes no letter of a record")

    def _wanted(self, record: Record, now: int) -> Taken:
        """A bug over one record passes that one, and holds up none behind it."""
        try:
            return taken(self._topics, record, now)
        except Exception as crash:  # noqa: BLE001  # a bulkhead
            log_crash(log, "record crashed", crash)
            return unreadable(self._topics, record, now, CRASHED)

    def __repr__(self) -> str:
        return f"<BusReading {self.trouble or 'reading'}>"


def commit_record(engine: Engine, one: Taken) -> Waiter[Fate]:
    """Have it committed; who waits hears of it."""
    waiter: Waiter[Fate] = Waiter()

    def settle(run: Run, fate: Fate) -> None:
        try:
            engine.settled(run, fate)
        finally:
            waiter.give(fate)

    engine.journal.submit(Run(one.address, None, [one.decided], settle, state=_STATELESS))
    return waiter

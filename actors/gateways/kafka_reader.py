"""A consumer of Kafka on trio: records in the order of their partitions, and offsets that move when we say so.

Rules:
- every call of librdkafka is made in a worker thread, one at a time; its callbacks run inside those calls, and only note;
- while what was read is being taken, or cannot be, the partitions are paused and the group still hears of us: a slow
  database costs no rebalance, and nothing more is fetched than the bound;
- what was told of brokers before one of them has answered is over then, and ends nothing: a reader that left while it
  joins would leave the others of its group to wait for it;
- brokers that are all away end the reader; the next one joins again and goes on at what is committed there, or, where
  they have forgotten that too, at the earliest.
Source: confluent_kafka.Consumer; librdkafka INTRODUCTION.md, "Consumer groups"; docs/kafka.md.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar

import structlog
import trio
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from comptoir.actors.gateways.kafka_terms import (
    BrokersAway,
    KafkaTerms,
    away_code,
    is_fatal,
    reader_options,
)

__all__ = ["KafkaReader", "Record", "open_reader"]

log = structlog.get_logger("comptoir.kafka")
T = TypeVar("T")

READ_S: Final = 1.0
"""Longest wait of a worker for a record; it comes back with the first, and with those behind it."""
RECORDS_MAX: Final = 100
"""Of one reading."""
CLOSE_S: Final = 5.0
"""For what a coordinator answers to a member that leaves: librdkafka itself would wait without end."""
COMMIT_S: Final = 5.0
"""For what a coordinator answers to a commit: one that is on its way when its brokers die is not answered at all, neither
by them nor by librdkafka, which waits for them without end.
"""
_PASSING: Final = frozenset(("_PARTITION_EOF", "_TRANSPORT"))


class Record(NamedTuple):
    """One record as it came."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    """None: a tombstone."""
    headers: "tuple[tuple[str, bytes], ...]" = ()


class KafkaReader:
    """Reads topics in a group; made by `open_reader`."""

    def __init__(self, terms: KafkaTerms, topics: Sequence[str]) -> None:
        self._terms, self._topics = terms, list(topics)
        self._limiter = trio.CapacityLimiter(1)
        self._away: str | None = None
        self._paused = False
        self._consumer = Consumer({**reader_options(terms), "error_cb": self._note_error})
        self.assigned: frozenset[tuple[str, int]] = frozenset()
        """Partitions that are ours now."""
        self.rebalances_total = 0

    async def begin(self) -> None:
        """Find the topics, and join the group.

        Raises:
            BrokersAway: nobody answers, or a topic is missing.
        """
        await self._in_thread(self._find_topics, leave=True)
        await self._in_thread(self._subscribe, leave=True)

    async def read(self) -> list[Record]:
        """The next records, or none for now.

        Raises:
            BrokersAway: begin again with another reader.
        """
        records = await self._in_thread(self._read)
        if self._away is not None:
            raise BrokersAway(self._away)
        return records

    async def commit(self, records: Sequence[Record]) -> None:
        """All up to these were taken. One that fails is no loss: they come again, and are known then.

        Raises:
            BrokersAway: nobody hears it, or nobody has answered within COMMIT_S.
        """
        ends: dict[tuple[str, int], int] = {}
        for record in records:
            place = (record.topic, record.partition)
            ends[place] = max(ends.get(place, 0), record.offset + 1)
        offsets = [TopicPartition(*place, end) for place, end in ends.items()]
        with trio.move_on_after(COMMIT_S) as patience:
            await self._in_thread(self._commit, offsets, leave=True)
        if patience.cancelled_caught:
            raise BrokersAway("BUS_UNREACHABLE")

    async def stay(self) -> None:
        """Stay in the group while nothing can be taken: a poll that fetches nothing."""
        await self._in_thread(self._stay)

    async def resume(self) -> None:
        """Fetch again after `stay`."""
        if self._paused:
            await self._in_thread(self._resume)

    async def lag(self) -> dict[str, int]:
        """Records behind the end of the log, by topic, as last heard; nothing is asked for."""
        return await self._in_thread(self._lag)

    async def close(self) -> None:
        """Leave the group; where its coordinator does not answer, the brokers find out by themselves (`session_timeout_s`),
        and nobody who stops us waits for that.
        """
        with trio.move_on_after(CLOSE_S) as patience:
            await trio.to_thread.run_sync(
                self._consumer.close, limiter=self._limiter, abandon_on_cancel=True
            )
        if patience.cancelled_caught:
            log.warning("bus left without its answer", seconds=CLOSE_S)

    async def _in_thread(self, function: Callable[..., T], *args: Any, leave: bool = False) -> T:
        """Call it there; `leave`: brokers decide how long it takes, and who stops us does not wait for them: then this
        reader is at its end as well.
        """
        try:
            return await trio.to_thread.run_sync(
                function, *args, limiter=self._limiter, abandon_on_cancel=leave
            )
        except KafkaException as error:
            why: KafkaError = error.args[0]
            raise BrokersAway(away_code(why)) from None

    # In a worker thread.

    def _note_error(self, error: KafkaError) -> None:
        if error.name() == "_ALL_BROKERS_DOWN" or is_fatal(error):
            self._away = "BUS_UNREACHABLE"
        elif error.name() not in _PASSING:
            self._away = away_code(error)

    def _find_topics(self) -> None:
        listed = self._consumer.list_topics(timeout=self._terms.timeout_s)
        missing = [name for name in self._topics if name not in listed.topics]
        if not missing:
            return
        if not self._terms.partitions:
            raise BrokersAway("TOPIC_MISSING")
        options = {
            key: value for key, value in reader_options(self._terms).items() if key in _ADMIN
        }
        admin: Any = AdminClient({**options, **self._terms.security})
        wanted = [NewTopic(name, self._terms.partitions, self._terms.replicas) for name in missing]
        for made in admin.create_topics(wanted, request_timeout=self._terms.timeout_s).values():
            try:
                made.result(self._terms.timeout_s)
            except KafkaException as error:
                why: KafkaError = error.args[0]
                if why.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

    def _subscribe(self) -> None:
        self._consumer.poll(
            0
        )  # the errors of the time in which they were awaited: they are told by polling alone
        self._away = None
        self._consumer.subscribe(
            self._topics,
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.rebalances_total += 1
        self.assigned |= {(one.topic, one.partition) for one in partitions}
        consumer.assign(partitions)
        if self._paused:
            consumer.pause(partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.assigned -= {(one.topic, one.partition) for one in partitions}
        consumer.unassign()

    def _read(self) -> list[Record]:
        first = self._consumer.poll(READ_S)
        if first is None:
            return []
        found = [first, *self._consumer.consume(RECORDS_MAX - 1, 0)]
        return [record for one in found if (record := self._record(one)) is not None]

    def _record(self, message: Message) -> Record | None:
        error = message.error()
        if error is not None:
            self._note_error(error)
            return None
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None, "of a record"
        assert partition is not None, "of a record"
        assert offset is not None, "of a record"
        key: Any = message.key()
        value: Any = message.value()
        pairs: Any = message.headers() or ()
        headers = tuple((str(name), bytes(text or b"")) for name, text in pairs)
        return Record(topic, partition, offset, key or b"", value, headers)

    def _commit(self, offsets: list[TopicPartition]) -> None:
        self._consumer.commit(offsets=offsets, asynchronous=False)

    def _stay(self) -> None:
        if not self._paused:
            self._paused = True
            self._consumer.pause(self._consumer.assignment())
        message = self._consumer.poll(READ_S)
        if message is not None and (error := message.error()) is not None:
            self._note_error(error)
        elif message is not None:  # it was on its way out already: back with it
            record = self._record(message)
            assert record is not None
            self._consumer.seek(TopicPartition(record.topic, record.partition, record.offset))

    def _resume(self) -> None:
        self._paused = False
        self._consumer.resume(self._consumer.assignment())

    def _lag(self) -> dict[str, int]:
        found = dict.fromkeys(self._topics, 0)
        for one in self._consumer.position(self._consumer.assignment()):
            _low, high = self._consumer.get_watermark_offsets(one, cached=True)
            if one.offset >= 0 and high > one.offset:
                found[one.topic] += high - one.offset
        return found

    def __repr__(self) -> str:
        return f"<KafkaReader {len(self.assigned)} partitions, {self._away or 'reading'}>"


_ADMIN: Final = frozenset(("bootstrap.servers", "client.id", "logger"))


@asynccontextmanager
async def open_reader(
    terms: KafkaTerms, topics: Sequence[str]
) -> AsyncGenerator[KafkaReader, None]:
    """A consumer for as long as the scope.

    Raises:
        BrokersAway: nobody answers, or a topic is missing.
    """
    reader = KafkaReader(terms, topics)
    try:
        await reader.begin()
        yield reader
    finally:
        with trio.CancelScope(shield=True):
            await reader.close()

"""A producer of Kafka on trio: whoever sends a record waits until all replicas have it, or hears that they have not.

Rules:
- librdkafka works in threads of its own; ours only asks it for reports, in a worker thread, and only while a record is
  on its way: one that is idle costs nothing;
- reports are told in trio's thread, after the worker has come back with them: nothing of ours runs in librdkafka's;
- a producer that is fatally out of step (a broker that has forgotten it: UNKNOWN_PRODUCER_ID), or that could not send a
  record in its whole time (it was seen to wait for ever for brokers that were back), is replaced by another, and what was
  on its way is said to be unsent: it may be in the log twice then, and whoever reads drops the second.
Source: confluent_kafka.Producer; librdkafka INTRODUCTION.md, "Idempotent Producer: fatal errors"; trio's manual,
"Trading threads"; docs/kafka.md.
"""

from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
import trio
from confluent_kafka import KafkaError, KafkaException, Producer

from comptoir.actors.gateways.kafka_terms import KafkaTerms, fault_of, is_fatal, writer_options
from comptoir.engine.gateway_spec import CallFault
from comptoir.engine.waiter import Waiter

__all__ = ["KafkaWriter", "open_writer"]

log = structlog.get_logger("comptoir.kafka")

POLL_S: Final = 0.5
"""Longest wait of a worker for a report; it comes back with the first."""
FLUSH_S: Final = 2.0
"""Of a stop, for what is still on its way."""
CROWDED: Final = "BUS_CROWDED"
REPLACED: Final = "BUS_UNREACHABLE"
_Report = tuple[Waiter[None], KafkaError | None]


class KafkaWriter:
    """Sends records; made by `open_writer`."""

    def __init__(self, terms: KafkaTerms) -> None:
        self._terms = terms
        self._producer = self._make()
        self._reports: deque[_Report] = deque()
        self._in_flight: set[Waiter[None]] = set()
        self._work = trio.Event()
        self._limiter = trio.CapacityLimiter(1)
        self.replaced_total = 0
        """Producers that were fatally out of step."""

    def _make(self) -> Producer:
        return Producer(writer_options(self._terms))

    async def send(
        self, topic: str, key: str, value: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Put one record on a topic; records of one key keep their order if each is awaited.

        Raises:
            CallFault: it is not known to be there.
        """
        waiter: Waiter[None] = Waiter()
        reports = self._reports

        def delivered(error: Any, _message: object) -> None:
            reports.append((waiter, error))

        named: Any = [(name, text.encode()) for name, text in (headers or {}).items()]
        try:
            self._producer.produce(
                topic, value=value, key=key.encode(), headers=named, on_delivery=delivered
            )
        except BufferError:
            raise CallFault(CROWDED, retryable=True, sick=False) from None
        except KafkaException as error:
            why: KafkaError = error.args[0]
            if is_fatal(why):
                await self._replace(why)
            raise fault_of(why) from None
        self._in_flight.add(waiter)
        self._work.set()
        await waiter.wait()

    async def run(self) -> None:
        """Bring reports to those who wait, until cancelled."""
        while True:
            if not self._in_flight:
                self._work = trio.Event()
            await self._work.wait()
            await trio.to_thread.run_sync(self._poll, self._producer, limiter=self._limiter)
            await self._tell()

    @staticmethod
    def _poll(producer: Producer) -> None:
        producer.poll(POLL_S)

    async def _tell(self) -> None:
        fatal: KafkaError | None = None
        while self._reports:
            waiter, error = self._reports.popleft()
            self._in_flight.discard(waiter)
            if error is None:
                waiter.give(None)
            else:
                waiter.fail(fault_of(error))
                fatal = error if is_fatal(error) else fatal
        if fatal is not None:
            await self._replace(fatal)

    async def _replace(self, why: KafkaError) -> None:
        log.warning("producer replaced", code=why.name())
        self.replaced_total += 1
        old, self._producer = self._producer, self._make()
        left, self._in_flight = self._in_flight, set()
        for waiter in left:
            waiter.fail(CallFault(REPLACED, retryable=True))
        await trio.to_thread.run_sync(_drop, old, limiter=self._limiter)

    async def close(self) -> None:
        """Give what is on its way a last time, bounded; then end librdkafka's threads."""
        producer = self._producer
        await trio.to_thread.run_sync(_finish, producer, limiter=self._limiter)
        await self._tell()

    def __repr__(self) -> str:
        return f"<KafkaWriter {len(self._in_flight)} in flight, {self.replaced_total} replaced>"


def _drop(producer: Producer) -> None:
    producer.purge()


def _finish(producer: Producer) -> None:
    try:
        producer.flush(FLUSH_S)
        producer.purge()
        producer.poll(0)
    except KafkaException:  # it is fatally out of step: nothing leaves any more
        return


@asynccontextmanager
async def open_writer(terms: KafkaTerms) -> AsyncGenerator[KafkaWriter, None]:
    """A producer for as long as the scope; brokers that are away are no reason not to begin."""
    writer = KafkaWriter(terms)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        try:
            yield writer
        finally:
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await writer.close()

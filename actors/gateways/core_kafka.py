"""The bus of core banking over Kafka: the same two topics, the same contract, carried by brokers (S29, X30).

Rules:
- a command or an event is on the bus when all replicas have it, and not before; the key is the client's id, so what is
  about one client stays in order;
- a record takes effect once: its decision names the command's or the event's id as what may happen only once, so that a
  rebalance, a restart, a second publishing or brokers that begin again are told apart from something new;
- an offset is committed after the decision is durable here, never before;
- a record that cannot be read is a dead letter with its place, and is passed: it never holds up those behind it. It is
  delivered again to the gateway of its topic, which reads it anew;
- brokers that are away are no fault of a command: it is parked, and goes when they are back. What they lose is asked for
  by CLIENT-ID before anything is sent again (actors/account), so no broker is trusted to keep anything.
Source: spec.md S29, S31, S33, S63, S64, S65, X9, X30; docs/kafka.md; docs/adr/0056-kafka-is-a-carrier.md.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

from msgspec.structs import replace

from comptoir.actors.account.messages import KIND as ACCOUNT
from comptoir.actors.gateways.bus_messages import ReadRecord
from comptoir.actors.gateways.bus_wire import (
    Unreadable,
    command_of,
    event_of,
    headers_of,
    write_command,
    write_event,
)
from comptoir.actors.gateways.core_bus import QUEUE, bus_gateways, carried_out, told_by
from comptoir.actors.gateways.core_messages import (
    COMMANDS,
    EVENTS,
    MAINFRAME,
    CommandPublished,
    PublishCommand,
    PublishEvent,
)
from comptoir.actors.gateways.kafka_reader import Record
from comptoir.actors.gateways.kafka_writer import KafkaWriter
from comptoir.engine.decision import DeadLetter, Decision, Once, Outgoing
from comptoir.engine.gateway_spec import (
    STARTED_KEPT_MS,
    CallContext,
    CallFault,
    Forwarded,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.journal import Decided
from comptoir.engine.values import Address, Message

__all__ = ["KafkaBus", "Result", "Taken", "Topics", "kafka_gateways", "taken", "unreadable"]

_STATELESS: Any = object()
HEADER_MAX: Final = 256
"""Bytes of a header that is kept; ours have half of it at most."""
Result = Literal["taken", "duplicate", "poison"]


class Topics(NamedTuple):
    """What the two are called."""

    commands: str
    events: str


class Taken(NamedTuple):
    """What a record comes to: a decision of the gateway of its topic."""

    address: Address
    decided: Decided
    result: Result


class KafkaBus:
    """Puts commands and events on their topics (core_bus.Bus)."""

    def __init__(
        self,
        topics: Topics,
        writer: Callable[[], KafkaWriter | None],
        note: Callable[[str, str], None],
    ) -> None:
        """Make it.

        Args:
            topics: their names.
            writer: what sends; None while the daemon starts or stops.
            note: hears of every sending: the topic, and `published` or why it was not.
        """
        self._topics, self._writer, self._note = topics, writer, note

    async def command(self, message: PublishCommand, context: CallContext) -> Message | None:
        """Put a command on its topic."""
        del context
        body, headers = write_command(message), headers_of(message)
        await self.send(self._topics.commands, message.client_id, body, headers)
        return CommandPublished(message.command_id)

    async def event(self, message: PublishEvent, context: CallContext) -> Message | None:
        """Put an event on its topic; nobody waits to hear of it."""
        del context
        await self.send(self._topics.events, message.client_id, write_event(message), {})
        return None

    async def send(self, topic: str, key: str, body: bytes, headers: dict[str, str] | Any) -> None:
        """Put a record on a topic.

        Raises:
            CallFault: it is not known to be there.
        """
        writer = self._writer()
        if writer is None:
            raise CallFault("BUS_UNREACHABLE", retryable=True)
        try:
            await writer.send(topic, key, body, headers)
        except CallFault as fault:
            self._note(topic, fault.code)
            raise
        self._note(topic, "published")


def _meant(
    topics: Topics, topic: str, value: bytes, headers: dict[str, str]
) -> tuple[str, Outgoing]:
    """What a record says: the id under which it happens once, and the message that it leads to.

    Raises:
        Unreadable: it is none of ours.
    """
    if topic == topics.commands:
        command = command_of(value, headers)
        asked = carried_out(command)
        asker = Address(ACCOUNT, command.client_id)
        return command.command_id, Outgoing(MAINFRAME, asked, sender=asker)
    event = event_of(value)
    try:
        address, told = told_by(event)
    except CallFault as fault:
        raise Unreadable(fault.code) from fault
    return event.event_id, Outgoing(address, told)


def taken(topics: Topics, record: Record, now: int) -> Taken:
    """What is to become durable of a record before its offset is committed."""
    address = COMMANDS if record.topic == topics.commands else EVENTS
    try:
        once, outgoing = _meant(topics, record.topic, record.value or b"", _texts(record.headers))
    except Unreadable as error:
        return unreadable(topics, record, now, error.code)
    key = Once("bus", f"{address.kind}:{once}", STARTED_KEPT_MS)
    decision = Decision(_STATELESS, messages=(outgoing,), once=(key,))
    return Taken(address, Decided(decision, now, None, None), "taken")


def unreadable(topics: Topics, record: Record, now: int, code: str, *, bare: bool = False) -> Taken:
    """A dead letter, once, with the place of the record.

    Args:
        topics: what the two are called.
        record: as it came.
        now: business time, ms.
        code: why it is one.
        bare: without what the record holds, which the database does not take: its place and its SHA-256 alone.
    """
    address = COMMANDS if record.topic == topics.commands else EVENTS
    place = f"{record.topic}[{record.partition}]@{record.offset}"
    value = record.value or b""
    # Of a log that began again the same place may hold another record.
    digest = hashlib.sha256(value).hexdigest()
    once = Once("bus", f"{place}:{digest}", STARTED_KEPT_MS)
    headers = _texts(() if bare else record.headers)
    message = ReadRecord(
        record.topic, record.partition, record.offset, b"" if bare else value, headers
    )
    letter = DeadLetter(QUEUE, code, f"{place} sha256:{digest}" if bare else place)
    decision = Decision(_STATELESS, dead_letter=letter, once=(once,))
    return Taken(address, Decided(decision, now, None, message), "poison")


def _texts(headers: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """Headers that are text; of one that is there twice the last."""
    return {
        name: text.decode("ascii")
        for name, text in headers
        if text.isascii() and len(text) <= HEADER_MAX
    }


def kafka_gateways(bus: KafkaBus, topics: Topics, bounds: GatewayBounds) -> list[GatewaySpec]:
    """The two topics as gateways that put records there, and read again what nobody could read."""

    async def read(message: ReadRecord, context: CallContext) -> Message | None:
        del context
        try:
            _once, outgoing = _meant(topics, message.topic, message.value, message.headers)
        except Unreadable as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        return Forwarded(outgoing.target, outgoing.message)

    again = Operation(read, lambda message: f"{message.topic}:{message.partition}:{message.offset}")
    return [
        replace(spec, operations={**spec.operations, ReadRecord: again})
        for spec in bus_gateways(bus, bounds)
    ]

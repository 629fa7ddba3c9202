"""The mainframe's queues over MQ, by AMQP 1.0 (IBM MQ and ActiveMQ both speak it).

Rules:
- a record leaves as a durable message, named by its command (message id and correlation), with the queue that its reply is
  to go to; the call ends when the broker says `accepted`, which for a durable message means that it is stored;
- replies are received by a selector over their correlation (X10), so what others are answered stays for them. A broker says
  in its attach which filters are in force; one that has left ours out is given no credit, so that no message of others
  comes. One that says so and does not do so (RabbitMQ 3.10) is known by the first message of others, which is not accepted,
  and so is theirs again. Either is told of by SELECTOR_IGNORED, and is not connected to again before the next start. A
  queue that is ours alone needs none (`core_banking.reply_queue_shared`);
- a message is accepted when it is durable here, and released where we end before that;
- the connection is made again, with growing pauses, for ever: while it is away nothing leaves;
- a message that nobody can decode is handed over as it came, with no correlation, and whatever crashes here ends a
  connection and no other part of the daemon.
Source: spec.md S31, S32, X9, X10; OASIS AMQP 1.0 parts 3.4 (delivery state) and 3.5.3 (source: filter); docs/core-banking.md.
"""

from typing import Any, Final
from urllib.parse import urlsplit

import structlog
import trio

from comptoir.actors.gateways.amqp import AmqpClosed, Pump, connected, proton, why_of
from comptoir.actors.gateways.queues import (
    BODY_BYTES_MAX,
    Names,
    QueueAway,
    QueueRefused,
    QueueUnsure,
    Received,
    Sent,
    Take,
)
from comptoir.engine.errors import log_crash
from comptoir.engine.trust import trust_of

__all__ = ["AmqpQueues", "is_for_others"]

log = structlog.get_logger("comptoir.mainframe")

PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0)
"""Before a broker that is away is tried again."""
CREDIT: Final = 16
"""Messages that the broker may send before we have said that they are durable."""
READY_S: Final = 2.0
"""So long a call waits for a connection that is being made."""
CRASHED: Final = "crashed"
"""Why a connection has ended that our own code did not survive."""
CORRELATION_MAX: Final = 256
"""Characters of a correlation that are kept; ours have far fewer."""
SELECTOR: Final = "apache.org:selector-filter:string"
SELECTOR_IGNORED: Final = "SELECTOR_IGNORED"
"""In the readiness: this broker has no selectors."""
QUEUE: Final = "queue"
"""Capability of a terminus, by which a broker knows a queue from a topic."""


class _Wait:
    """A record that has left, until the broker says what became of it."""

    def __init__(self) -> None:
        self.over = trio.Event()
        self.outcome: object = None

    def end(self, outcome: object) -> None:
        """Once."""
        self.outcome = outcome
        self.over.set()


class AmqpQueues:
    """The queues at one broker."""

    def __init__(self, address: str, account: tuple[str, str], names: Names) -> None:
        """Args: `amqp(s)://host[:port]`; who we are there and what proves it; the queues."""
        self._address, self._account, self._names = address, account, names
        self._link: _Link | None = None
        self._ready = trio.Event()
        self.trouble = ""
        """What somebody has to change before we are connected; empty: nothing."""

    async def send(self, message: Sent) -> None:
        """One record into the queue of requests.

        Raises:
            QueueAway, QueueUnsure, QueueRefused.
        """
        await self.check()
        assert self._link is not None, "just checked"
        await self._link.send(message)

    async def check(self) -> None:
        """Whether we are connected.

        Raises:
            QueueAway: we are not.
        """
        with trio.move_on_after(READY_S):
            await self._ready.wait()
        if self._link is None:
            raise QueueAway

    async def run(self, take: Take) -> None:
        """Be connected, for ever."""
        failures = 0
        while True:
            try:
                why = await self._connect(take)
            except Exception as crash:  # noqa: BLE001  # a bulkhead
                log_crash(log, "mainframe's line crashed", crash)
                why = CRASHED
            if self.trouble:
                self._link, self._ready = None, trio.Event()
                log.error("mainframe's broker refused", why=self.trouble)
                await trio.sleep_forever()
            failures = 0 if self._ready.is_set() and why != CRASHED else failures + 1
            self._link, self._ready = None, trio.Event()
            log.warning("mainframe's broker away", why=why)
            await trio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])

    async def _connect(self, take: Take) -> str:
        """One connection, until it ends; why it has."""
        trust = trust_of(self._address) if self._address.startswith("amqps") else None
        try:
            stream = await connected(self._address, trust)
        except (OSError, trio.BrokenResourceError, trio.TooSlowError) as error:
            return type(error).__name__
        link = _Link(stream, self._names, self._up)
        why = "closed"
        try:
            link.introduce(self._account, urlsplit(self._address).hostname or "")
            await link.run(take)
        except AmqpClosed as error:
            why = error.why
            self.trouble = SELECTOR_IGNORED if why == SELECTOR_IGNORED else ""
        finally:
            link.lost()
            await link.pump.aclose()
        return why

    def _up(self, link: "_Link") -> None:
        self._link, self.trouble = link, ""
        self._ready.set()
        log.info("mainframe's broker connected")


class _Link:
    """One connection, with a sender and two receivers."""

    def __init__(self, stream: trio.abc.Stream, names: Names, up: Any) -> None:
        self.pump = Pump(stream, self._heard)
        self._names, self._up = names, up
        self._sender: Any = None
        self._open: set[str] = set()
        self._is_up = False
        self._waits: dict[str, _Wait] = {}
        self._tags = 0
        self._came, self._coming = trio.open_memory_channel[tuple[Any, Received]](3 * CREDIT)

    def introduce(self, account: tuple[str, str], host: str) -> None:
        """Say who we are, and which queues we want."""
        connection, transport = self.pump.connection, self.pump.transport
        connection.container = "comptoir"
        connection.hostname = host
        user, password = account
        if user:
            connection.user, connection.password = user, password
        sasl = transport.sasl()
        # TLS is trio's, so Proton takes every line for one in the clear; beyond loopback a start wants amqps.
        sasl.allow_insecure_mechs = True
        sasl.allowed_mechs("PLAIN" if user else "ANONYMOUS")
        transport.bind(connection)
        connection.open()
        session = connection.session()
        session.open()
        self._sender = session.sender("requests")
        self._sender.target.address = self._names.requests
        _capable(self._sender.target.capabilities)
        self._sender.open()
        for queue in filter(None, (self._names.replies, self._names.changes)):
            receiver = session.receiver(queue)
            receiver.source.address = queue
            _capable(receiver.source.capabilities)
            if self._wanted(receiver):
                described = proton.Described(proton.symbol(SELECTOR), self._wanted(receiver))
                receiver.source.filter.put_dict({proton.symbol("selector"): described})
            receiver.open()

    def _wanted(self, receiver: Any) -> str:
        """The selector of a receiver; empty: it has none."""
        if receiver.name != self._names.replies or not self._names.correlation:
            return ""
        return f"JMSCorrelationID LIKE '{self._names.correlation}%'"

    async def run(self, take: Take) -> None:
        """Until the connection ends.

        Raises:
            AmqpClosed: it has.
        """
        why = ""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._hand_over, take)
                await self.pump.run()
        except* AmqpClosed as group:
            why = why_of(group)
        raise AmqpClosed(why)

    async def _hand_over(self, take: Take) -> None:
        """Accept what has come when it is durable.

        Raises:
            AmqpClosed: the broker cannot be told; it sends it again.
        """
        async for delivery, received in self._coming:
            await take(received)
            delivery.update(proton.Delivery.ACCEPTED)
            delivery.settle()
            delivery.link.flow(1)
            try:
                await self.pump.flush()
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise AmqpClosed("the connection broke") from error

    async def send(self, message: Sent) -> None:
        """One durable message, until the broker has it.

        Raises:
            QueueAway, QueueUnsure, QueueRefused.
        """
        sender = self._sender
        if sender is None or sender.credit <= 0:
            raise QueueAway  # the broker takes nothing now
        self._tags += 1
        tag = str(self._tags)
        wait = self._waits[tag] = _Wait()
        record = proton.Message(
            body=message.body, inferred=True, durable=True, id=message.correlation,
            correlation_id=message.correlation, reply_to=self._names.replies,
        )  # fmt: skip
        try:
            record.send(sender, tag)
            await self.pump.flush()
            await wait.over.wait()
        except (AmqpClosed, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise QueueUnsure from error
        finally:
            self._waits.pop(tag, None)
        if wait.outcome == proton.Delivery.ACCEPTED:
            return
        if wait.outcome in (proton.Delivery.REJECTED, proton.Delivery.RELEASED):
            raise QueueRefused
        raise QueueUnsure

    def lost(self) -> None:
        """What has left is now unknown."""
        for wait in self._waits.values():
            wait.end(None)

    def _heard(self, event: Any) -> None:
        if event.type == proton.Event.DELIVERY:
            self._delivered(event.delivery)
        elif event.type in (proton.Event.LINK_REMOTE_OPEN, proton.Event.LINK_FLOW):
            self._opened(event.link)
        elif event.type in (
            proton.Event.LINK_REMOTE_CLOSE,
            proton.Event.SESSION_REMOTE_CLOSE,
            proton.Event.CONNECTION_REMOTE_CLOSE,
        ):
            condition = event.context.remote_condition
            self._ended(str(condition.name) if condition else "closed")

    def _opened(self, link: Any) -> None:
        """A queue is ours to use: when all are, we are connected.

        Raises:
            AmqpClosed: SELECTOR_IGNORED; others' replies would come.
        """
        takes = isinstance(link, proton.Receiver)
        terminus = link.remote_source if takes else link.remote_target
        if takes and terminus.address and link.name not in self._open:
            if self._wanted(link) and not _filtered(terminus.filter, self._wanted(link)):
                raise AmqpClosed(SELECTOR_IGNORED)
            link.flow(CREDIT)
        if terminus.address and (link.credit > 0 or takes):
            self._open.add(link.name)
        if not self._is_up and len(self._open) == 2 + bool(self._names.changes):
            self._is_up = True
            self._up(self)

    def _ended(self, why: str) -> None:
        if self.pump.connection.state & proton.Endpoint.LOCAL_ACTIVE:
            log.warning("mainframe's broker ends it", why=why)
            self.pump.connection.close()

    def _delivered(self, delivery: Any) -> None:
        if isinstance(delivery.link, proton.Receiver):
            self._received(delivery, delivery.link)
            return
        wait = self._waits.get(delivery.tag)
        if wait is not None and delivery.updated and delivery.remote_state:
            wait.end(delivery.remote_state)
            delivery.settle()

    def _received(self, delivery: Any, receiver: Any) -> None:
        if delivery.partial or not delivery.readable:
            return
        data = receiver.recv(delivery.pending)
        receiver.advance()
        queue = self._names.changes if receiver.name == self._names.changes else self._names.replies
        correlation, body = _read(data)
        if self._wanted(receiver) and is_for_others(correlation, self._names.correlation):
            raise AmqpClosed(SELECTOR_IGNORED)
        self._came.send_nowait((delivery, Received(queue, _text(correlation), body)))


def _capable(capabilities: Any) -> None:
    """Say that an address is a queue's."""
    capabilities.clear()
    capabilities.put_array(False, proton.Data.SYMBOL)
    capabilities.enter()
    capabilities.put_symbol(proton.symbol(QUEUE))
    capabilities.exit()


def _filtered(filters: Any, wanted: str) -> bool:
    """Whether this selector is among the filters that a broker has said to be in force."""
    filters.rewind()
    if not filters.next():
        return False
    found: Any = filters.get_dict() if filters.type() == proton.Data.MAP else {}
    return any(getattr(one, "value", one) == wanted for one in found.values())


def is_for_others(correlation: Any, ours: str) -> bool:
    """Whether a message is plainly an answer to somebody else. Of one that cannot be read nobody knows: it is handed over, as
    it would otherwise come first at every start, and nothing behind it.
    """
    said = correlation.rstrip("\0") if type(correlation) is str else ""  # MQ pads with NUL
    plain = bool(said) and said.isprintable() and said.isascii()
    return plain and not said.startswith(ours)


def _read(data: bytes) -> tuple[Any, bytes]:
    """The correlation, as it came, and the body of a message; of one that cannot be decoded, none and all its bytes."""
    message = proton.Message()
    try:
        message.decode(data)
        return message.correlation_id, _octets(message.body)
    except Exception as crash:  # noqa: BLE001  # what Proton makes of foreign bytes has no bound: it is a dead letter
        log_crash(log, "a message cannot be decoded", crash)
        return None, bytes(data)[: BODY_BYTES_MAX + 1]


def _text(correlation: Any) -> str:
    """A correlation as text that can be stored; one that is none of ours shows as what it is."""
    said = "" if correlation is None else str(correlation)
    return (said if said.isprintable() and said.isascii() else ascii(said))[:CORRELATION_MAX]


def _octets(body: Any) -> bytes:
    """The bytes of a body; one that is none shows as what it is, and is then no record."""
    if type(body) in (bytes, memoryview):
        return bytes(body)[: BODY_BYTES_MAX + 1]
    return str(body).encode("utf-8", "replace")[: BODY_BYTES_MAX + 1]

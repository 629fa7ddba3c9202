"""The mainframe's queues over AMQP 1.0, as a small broker: Qpid Proton's engine behind a trio listener.

Rules:
- it plays a queue manager and no more: nobody has to say who they are, there is one selector (`JMSCorrelationID LIKE 'PREFIX%'`),
  links to queues that there are always, and where a test wants it none at all; anything else is refused by its condition;
- a message that came is stored, and then `accepted`; one that was sent is gone when its receiver has accepted it, and
  comes again where the connection ended before;
- the faults of `requests.put` happen here as they do over HTTP: refused, silent, late, or cut off once it has its effect.
Source: OASIS AMQP 1.0 parts 2, 3 and 5; spec.md S31, X10; interface.md 10; docs/sandbox.md.
"""

import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import structlog
import trio

from comptoir.sandbox.faults import Kind
from comptoir.sandbox.parties.mainframe import NAME, PUT, Mainframe
from comptoir.sandbox.parties.mq import Item

_log = structlog.get_logger("comptoir.sandbox")

READ_BYTES: Final = 65_536
IDLE_S: Final = 30.0
TICK_S: Final = 5.0
CREDIT: Final = 100
CONNECTIONS_MAX: Final = 32
SELECTOR: Final = re.compile(r"JMSCorrelationID LIKE '([A-Za-z0-9:._-]{0,40})%'")
REFUSED: Final = "amqp:not-implemented"


proton: Any = import_module("proton") if find_spec("proton") else None
"""Qpid Proton, an extra: without it there is the bridge."""


async def listen(mainframe: Mainframe) -> None:
    """Be a broker, where Qpid Proton is; on a free port, which `GET /control/mainframe` tells. Until cancelled."""
    if proton is None:
        _log.info("mainframe.amqp", listening=False, why="no Qpid Proton on this machine")
        return
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    mainframe.amqp_port = listeners[0].socket.getsockname()[1]
    await Broker(mainframe).serve(listeners)


class Broker:
    """Takes connections."""

    def __init__(self, mainframe: Mainframe) -> None:
        """Args: whose queues."""
        self._mainframe = mainframe
        self._open = 0

    async def serve(self, listeners: list[trio.SocketListener]) -> None:
        """Until cancelled."""
        await trio.serve_listeners(self._connection, listeners)

    async def _connection(self, stream: trio.SocketStream) -> None:
        if self._open >= CONNECTIONS_MAX:
            await trio.aclose_forcefully(stream)
            return
        self._open += 1
        peer = _Peer(stream, self._mainframe)
        try:
            await peer.run()
        except* (trio.BrokenResourceError, trio.ClosedResourceError, _Over):
            pass  # the peer is gone: what it has not accepted comes again
        except* Exception:  # noqa: BLE001  (logged with its trace)
            # A bug in one connection must not end the other parties in the middle of somebody's test.
            _log.exception("amqp.failed")
        finally:
            self._open -= 1
            peer.give_back()
            await trio.aclose_forcefully(stream)


class _Over(Exception):
    """The connection has ended."""


class _Peer:
    """One connection."""

    def __init__(self, stream: trio.SocketStream, mainframe: Mainframe) -> None:
        self._stream, self._mainframe = stream, mainframe
        self._collector = proton.Collector()
        self._connection = proton.Connection()
        self._connection.collect(self._collector)
        self._transport = proton.Transport(proton.Transport.SERVER)
        self._transport.idle_timeout = IDLE_S
        sasl = self._transport.sasl()
        sasl.allow_insecure_mechs = True
        sasl.allowed_mechs("ANONYMOUS")  # Proton without Cyrus SASL checks no PLAIN
        self._transport.bind(self._connection)
        self._writing = trio.Lock()
        self._nursery: trio.Nursery | None = None
        self._tags: set[str] = set()
        self._flowing: dict[str, trio.Event] = {}

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._ticks)
            while True:
                data = await self._stream.receive_some(READ_BYTES)
                if not data:
                    raise _Over
                while data:
                    room = self._transport.capacity()
                    if room <= 0:
                        raise _Over
                    self._transport.push(data[:room])
                    data = data[room:]
                await self._flush()

    async def _ticks(self) -> None:
        while True:
            self._transport.tick(trio.current_time())
            await self._flush()
            await trio.sleep(TICK_S)

    async def _flush(self) -> None:
        self._hear()
        async with self._writing:
            while (size := self._transport.pending()) > 0:
                data = self._transport.peek(size)
                await self._stream.send_all(data)
                self._transport.pop(len(data))
                self._hear()
        if size < 0:
            raise _Over

    def _hear(self) -> None:
        while (event := self._collector.peek()) is not None:
            self._heard(event)
            self._collector.pop()

    def _heard(self, event: Any) -> None:
        kind = event.type
        if kind in (proton.Event.CONNECTION_REMOTE_OPEN, proton.Event.SESSION_REMOTE_OPEN):
            event.context.open()
        elif kind == proton.Event.LINK_REMOTE_OPEN:
            self._opened(event.link)
        elif kind == proton.Event.LINK_FLOW and event.link.name in self._flowing:
            self._flowing[event.link.name].set()
        elif kind == proton.Event.DELIVERY:
            self._delivered(event.delivery)
        elif kind in (
            proton.Event.CONNECTION_REMOTE_CLOSE, proton.Event.SESSION_REMOTE_CLOSE, proton.Event.LINK_REMOTE_CLOSE,
        ):  # fmt: skip
            event.context.close()

    def _opened(self, link: Any) -> None:
        """A link to a queue: the peer's sender is our receiver, and the other way round."""
        assert self._nursery is not None, "it runs"
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        if isinstance(link, proton.Receiver):
            link.open()
            link.flow(CREDIT)
            return
        if not self._mainframe.selectors:
            link.source.filter.clear()
        prefix = _prefix(link) if self._mainframe.selectors else ""
        if prefix is None:
            link.source.address = None
            link.condition = proton.Condition(
                REFUSED, "one selector: JMSCorrelationID LIKE 'PREFIX%'"
            )
            link.open()
            link.close()
            return
        link.open()
        self._flowing[link.name] = trio.Event()
        self._nursery.start_soon(self._send, link, prefix)

    async def _send(self, link: Any, prefix: str) -> None:
        """What is in a queue goes to who has given credit for it."""
        while link.state & proton.Endpoint.LOCAL_ACTIVE:
            while link.credit <= 0:
                self._flowing[link.name] = trio.Event()
                await self._flowing[link.name].wait()
            tag, item = await self._mainframe.queues.wait(link.remote_source.address, prefix)
            self._tags.add(tag)
            message = proton.Message(
                body=item.body, inferred=True, durable=True, id=item.id, correlation_id=item.correlation
            )  # fmt: skip
            message.send(link, tag)
            await self._flush()

    def _delivered(self, delivery: Any) -> None:
        if isinstance(delivery.link, proton.Receiver):
            if not delivery.partial and delivery.readable:
                self._received(delivery, delivery.link)
        elif delivery.updated and delivery.remote_state:
            tag = str(delivery.tag)
            self._tags.discard(tag)
            if delivery.remote_state == proton.Delivery.ACCEPTED:
                self._mainframe.queues.accept(tag)
            else:
                self._mainframe.queues.give_back(tag)
            delivery.settle()

    def _received(self, delivery: Any, link: Any) -> None:
        assert self._nursery is not None, "it runs"
        data = link.recv(delivery.pending)
        link.advance()
        message = proton.Message()
        try:
            message.decode(data)
        except proton.MessageException:
            delivery.update(proton.Delivery.REJECTED)
            delivery.settle()
            return
        body: Any = message.body
        item = Item(
            str(message.id or ""), str(message.correlation_id or ""), str(message.reply_to or ""),
            bytes(body) if type(body) in (bytes, memoryview) else str(body).encode(),
        )  # fmt: skip
        self._nursery.start_soon(self._store, delivery, link, item)

    async def _store(self, delivery: Any, link: Any, item: Item) -> None:
        """Store a message, unless a fault has it otherwise."""
        fired = self._mainframe.stage.faults.draw(NAME, PUT)
        await trio.sleep(sum(one.ms for one in fired if one.kind is Kind.LATENCY) / 1000)
        kinds = {one.kind for one in fired}
        if Kind.TIMEOUT in kinds:
            return
        taken = Kind.STATUS not in kinds and self._mainframe.queues.put(link.target.address, item)
        if Kind.DROP_AFTER_EFFECT in kinds:
            raise _Over
        delivery.update(proton.Delivery.ACCEPTED if taken else proton.Delivery.REJECTED)
        delivery.settle()
        link.flow(1)
        await self._flush()

    def give_back(self) -> None:
        """What the peer has not accepted comes again."""
        for tag in self._tags:
            self._mainframe.queues.give_back(tag)


def _prefix(link: Any) -> str | None:
    """How what the peer wants begins; None: it wants something that we do not know."""
    given = link.remote_source.filter
    given.rewind()
    if not given.next():
        return ""
    wanted: dict[Any, Any] = given.get_dict()
    texts = [getattr(one, "value", one) for one in wanted.values()]
    found = SELECTOR.fullmatch(str(texts[0])) if len(texts) == 1 else None
    return found[1] if found is not None else None

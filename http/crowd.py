"""All connections in the clear of one listener, by two tasks: one reads, one writes.

The rule: an idle connection costs its socket and an object, and a request costs one read and one write
and no task switch: an epoll of our own tells who has spoken, edge by edge, so nothing is armed again
for a next request. trio waits for that epoll as for any descriptor. Only what must be waited for gets
a task: an answer that does not fit into its socket, and the end of a connection.

Both tasks work in rounds, between which everybody else gets a turn; in a round all go through one stage before any
goes into the next, which is what makes a stage cheap (docs/performance.md, "What bounds it").
Source: design.md 5, 10; epoll(7), "Level-triggered and edge-triggered".
"""

import select
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog
import trio

from comptoir.http.conversation import Conversation, Shop
from comptoir.http.places import Place, Places
from comptoir.http.wires import GONE, READ_BYTES_MAX, PlainWire, linger

__all__ = ["Crowd"]

EDGES: Final = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET
ROUND_MAX: Final = 64
"""Connections read, or answered, in one turn: some milliseconds where each has a webhook."""

_log = structlog.stdlib.get_logger("comptoir.http.crowd")


class _Member(Conversation):
    """One connection, and what the epoll has said of it that was not acted on yet."""

    __slots__ = ("at_hand", "descriptor", "ends", "held", "unread")

    def __init__(self, shop: Shop, place: Place, say: Callable[[Conversation], None]) -> None:
        super().__init__(shop, place, say)
        self.descriptor = place.socket.fileno()
        self.at_hand = b""
        """What was received, or is to be sent, between two stages of a round."""
        self.unread = False
        """Something may be there to be read; an edge is told once."""
        self.ends = False
        """The other end has said that nothing follows what is there."""
        self.held = False
        """A task of its own has it."""


class Crowd:
    """Drives the conversations of many."""

    def __init__(self, shop: Shop, places: Places) -> None:
        """Serve with `shop` whoever has one of these places."""
        self._shop = shop
        self._places = places
        self._epoll = select.epoll()
        self._members: dict[int, _Member] = {}
        self._told: deque[_Member] = deque()
        self._writer: trio.lowlevel.Task | None = None
        """The task that writes, while it has nothing to do."""
        self._nursery: trio.Nursery | None = None
        self._closing = False
        self._emptied = trio.Event()

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Crowd({len(self._members)})"

    def join(self, place: Place) -> None:
        """Serve one more connection.

        Raises:
            OSError: the kernel has no room for it; its place is free again.
        """
        member = _Member(self._shop, place, self._tell)
        place.wake = PlainWire(place.socket).wake
        place.gone = partial(self._leave, member)
        self._members[member.descriptor] = member
        try:
            self._epoll.register(member.descriptor, EDGES)
        except OSError:
            self._drop(member)
            raise

    async def run(self) -> None:
        """Serve until `finish()` and the last has left."""
        with self._epoll:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._read_all)
                nursery.start_soon(self._write_all)
                await self._emptied.wait()
                nursery.cancel_scope.cancel()

    def finish(self) -> None:
        """Nobody joins any more."""
        self._closing = True
        self._check_empty()

    async def _read_all(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._epoll.fileno())
            ready: list[_Member] = []
            for descriptor, events in self._epoll.poll(0, ROUND_MAX):
                member = self._members.get(descriptor)
                if member is not None:
                    member.unread = True
                    member.ends = member.ends or events != select.EPOLLIN
                    ready.append(member)
            self._read(ready)

    async def _write_all(self) -> None:
        while True:
            if self._told:
                await trio.lowlevel.checkpoint()
            else:
                await self._wait_told()
            told = [self._told.popleft() for _ in range(min(ROUND_MAX, len(self._told)))]
            self._read(self._through(told, self._compose, self._send, self._go_on))

    async def _wait_told(self) -> None:
        self._writer = trio.lowlevel.current_task()

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            self._writer = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    def _tell(self, conversation: Conversation) -> None:
        """Something is there to be written: that is done in the next round."""
        assert isinstance(conversation, _Member), "members only are told"
        self._told.append(conversation)
        if self._writer is not None:
            writer, self._writer = self._writer, None
            trio.lowlevel.reschedule(writer)

    def _through(self, members: list[_Member], *stages: Callable[[_Member], bool]) -> list[_Member]:
        """Take all through one stage before any goes into the next; those that came through the last."""
        for stage in stages:
            members = [member for member in members if self._passes(stage, member)]
        return members

    def _passes(self, stage: Callable[[_Member], bool], member: _Member) -> bool:
        """Whether it goes on; whatever goes wrong in a stage ends this connection and no other."""
        try:
            return stage(member)
        except GONE:
            self._drop(member)
        except Exception:  # noqa: BLE001 (logged with its traceback)
            _log.exception("connection_crashed")
            self._drop(member)
        return False

    def _read(self, members: list[_Member]) -> None:
        """Read what there is, as long as nothing is under way, and work on what was begun."""
        while members:
            members = self._through(members, self._receive, self._feed)
        self._shop.work()

    def _receive(self, member: _Member) -> bool:
        if not member.unread or member.held or member.closes or member.is_busy:
            return False
        try:
            data = member.place.socket.recv(READ_BYTES_MAX)
        except BlockingIOError:
            member.unread = False
            return False
        if not data:
            member.unread = False
            if not member.end():
                self._drop(member)
            return False
        # A short read has emptied the socket; what comes later is told again, but an end is not.
        member.unread = member.ends or len(data) == READ_BYTES_MAX
        member.at_hand = data
        return True

    @staticmethod
    def _feed(member: _Member) -> bool:
        data, member.at_hand = member.at_hand, b""
        member.feed(data)
        return True

    @staticmethod
    def _compose(member: _Member) -> bool:
        member.at_hand = member.written()
        return True

    def _send(self, member: _Member) -> bool:
        """Write what was told; what does not fit, and the end after a last answer, get a task."""
        data, member.at_hand = member.at_hand, b""
        try:
            sent = member.place.socket.send(data)
        except BlockingIOError:
            sent = 0
        if not member.closes and sent == len(data):
            return True
        assert self._nursery is not None, "answers are written while it runs"
        member.held = True
        self._nursery.start_soon(self._write_rest, member, data[sent:])
        return False

    @staticmethod
    def _go_on(member: _Member) -> bool:
        member.go_on()
        return True

    async def _write_rest(self, member: _Member, data: bytes) -> None:
        """Write what did not fit; after a last answer, let the other end read it."""
        wire = PlainWire(member.place.socket)
        try:
            if data:
                await wire.send(data)
            if not member.closes:
                member.held = False
                self._read(self._through([member], self._go_on))
                return
            await linger(member.place, wire)
        except GONE:
            pass  # the other end has left, or its place was given to another
        except Exception:  # noqa: BLE001 (logged with its traceback)
            _log.exception("connection_crashed")
        finally:
            if member.held:
                self._drop(member)

    def _drop(self, member: _Member) -> None:
        """End a connection here and now; again is harmless."""
        member.place.close()  # which tells `_leave`

    def _leave(self, member: _Member) -> None:
        """Its socket is closed, by whomever, which took it off the epoll: let go of it, and its place."""
        self._places.leave(member.place)
        if self._members.get(member.descriptor) is member:
            del self._members[member.descriptor]
        member.close()
        self._check_empty()

    def _check_empty(self) -> None:
        if self._closing and not self._members:
            self._emptied.set()

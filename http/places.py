"""Who may hold a connection: a bounded number of places, and who must leave when all are taken.

The rule: a caller that has something to say finds a place. When all are taken, the newcomer gets
the place of whoever has kept us waiting longest: first of those that never completed a request,
then of those within a handshake or a header, then of those that are idle between two requests, then of those whose
body does not come to its end. A request that is being worked on is never given up, and nobody is
before a grace in which an honest caller has spoken. So ten thousand idle sockets, or a thousand that
send a byte now and then, cost their places and not the service.

A bound for one address is the listener's choice, because behind a proxy all callers have the same
one: a newcomer beyond it gets the place of its own address's longest-waiting connection, or none.
Source: design.md 5 (nothing is unbounded).
"""

import socket as sockets
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from enum import IntEnum, auto
from typing import Final

import trio

__all__ = ["HANDSHAKES_MAX", "Place", "Places", "Wait"]

HANDSHAKES_MAX: Final = 256
"""At once, some 60 KiB each: half a second of a core's work, if all come to their end."""

GRACE_SECONDS: Final = 1.0
"""A caller that connects or has just been answered gets so long to say something: some round trips
around the world. It also bounds how often places change hands under a storm of newcomers."""
BODY_GRACE_SECONDS: Final = 5.0
"""A body is 64 KiB at most; giving one up costs its sender more than an idle connection does."""


class Wait(IntEnum):
    """What we wait for from the other end; members in the order in which their places are taken."""

    FIRST_REQUEST = auto()
    HANDSHAKE = auto()
    HEADER = auto()
    NEXT_REQUEST = auto()
    BODY = auto()


class Place:
    """One connection's; it tells what the connection waits for."""

    __slots__ = ("_places", "_wait", "gone", "late", "peer", "since", "socket", "wake")

    def __init__(self, places: "Places", taken: sockets.socket, peer: str) -> None:
        self._places = places
        self._wait: Wait | None = None
        self.socket = taken
        """Non-blocking."""
        self.peer = peer
        """The address of the other end."""
        self.since = 0.0
        self.late = False
        """What was under way did not come in time; whoever serves it says so and ends it."""
        self.wake: Callable[[], None] = self.close
        """Ends the wait for bytes of whoever serves it."""
        self.gone: Callable[[], None] = _nothing
        """Called once, when the socket is closed, by whomever."""

    def __repr__(self) -> str:
        return f"<Place {self._wait.name if self._wait else 'WORK'}>"

    def waits_for_request(self, *, first: bool = False) -> None:
        """Nothing is asked: the other end may send a request, or not."""
        self._change(Wait.FIRST_REQUEST if first else Wait.NEXT_REQUEST)

    def waits_for_handshake(self) -> None:
        """TLS has begun (`Places.begin_handshake` asks whether it may)."""
        self._change(Wait.HANDSHAKE)

    def waits_for_header(self) -> None:
        """A request has begun, and its header is not complete."""
        if self._wait is not Wait.HEADER:
            self._change(Wait.HEADER)

    def waits_for_body(self) -> None:
        """A header is complete, and what follows it is on its way."""
        if self._wait is not Wait.BODY:
            self._change(Wait.BODY)

    def works(self) -> None:
        """The request is complete: it is our turn, and the place is kept until it is answered."""
        self._change(None)

    def close(self) -> None:
        """Close the socket here and now, so that its descriptor is free when this returns.

        The connection's own task, where it has one, finds that out at its next step. Again is harmless.
        """
        if self.socket.fileno() != -1:
            trio.lowlevel.notify_closing(self.socket)
            self.socket.close()
            gone, self.gone = self.gone, _nothing  # told once, and whoever heard it is let go of
            gone()

    def _change(self, wait: Wait | None) -> None:
        self._places.move(self, self._wait, wait)
        self._wait = wait


def _nothing() -> None:
    """Nobody else has to hear of it."""


def _nobody(_peer: str) -> bool:
    return False


class Places:
    """All connections of one server."""

    def __init__(
        self, limit: int, per_peer: int = 0, exempt: Callable[[str], bool] = _nobody
    ) -> None:
        """Hold `limit` at most.

        Args:
            limit: of all together.
            per_peer: of one address; 0 = no bound of its own.
            exempt: whether an address is a proxy's, which stands for many.
        """
        self.limit = limit
        self._per_peer = per_peer
        self._exempt = exempt
        self._held: set[Place] = set()
        self._peers: Counter[str] = Counter()
        self._waiting: dict[Wait, OrderedDict[Place, None]] = {wait: OrderedDict() for wait in Wait}
        self.given_up_total = 0
        self.refused_total = 0

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        """Show how full it is."""
        return f"Places({len(self)} of {self.limit}, {self.given_up_total} given up)"

    def take(self, taken: sockets.socket, peer: str) -> Place | None:
        """A place for a new connection, at another's cost if need be; None if nobody can go."""
        crowded = 0 < self._per_peer <= self._peers[peer] and not self._exempt(peer)
        if (crowded and not self.give_up_one(peer)) or (
            len(self._held) >= self.limit and not self.give_up_one()
        ):
            self.refused_total += 1
            return None
        place = Place(self, taken, peer)
        self._held.add(place)
        self._peers[peer] += 1
        place.waits_for_request(first=True)
        return place

    def leave(self, place: Place) -> None:
        """The connection has ended; again is harmless."""
        if place in self._held:
            self._held.discard(place)
            self._peers[place.peer] -= 1
            if not self._peers[place.peer]:
                del self._peers[place.peer]
            place.works()  # out of whatever it waited for

    def give_up_one(self, peer: str | None = None) -> bool:
        """Close the connection that has kept us waiting longest; False if none has for long.

        Args:
            peer: only one of this address; None: of any.
        """
        return any(self._give_up_in(wait, peer) for wait in Wait)

    def _give_up_in(self, wait: Wait, peer: str | None = None) -> bool:
        """The same, of those that keep us waiting for this."""
        now = trio.current_time()
        grace = BODY_GRACE_SECONDS if wait is Wait.BODY else GRACE_SECONDS
        for oldest in self._waiting[wait]:
            if now - oldest.since < grace:
                break
            if peer is None or oldest.peer == peer:
                self.given_up_total += 1
                self.leave(oldest)
                oldest.close()
                return True
        return False

    def begin_handshake(self, place: Place) -> bool:
        """Let one begin TLS, at another's cost if need be; False if too many do and nobody can go."""
        if len(self._waiting[Wait.HANDSHAKE]) >= HANDSHAKES_MAX and not self._give_up_in(
            Wait.HANDSHAKE
        ):
            self.refused_total += 1
            return False
        place.waits_for_handshake()
        return True

    def overdue(self, wait: Wait, seconds: float) -> Iterator[Place]:
        """Those that have kept us waiting for this longer than so; none comes twice."""
        waiting, latest = self._waiting[wait], trio.current_time() - seconds
        while waiting:
            oldest = next(iter(waiting))
            if oldest.since > latest:
                return
            oldest.works()
            yield oldest

    def close_idle(self) -> None:
        """Close those that ask nothing: no request is under way there."""
        for wait in (Wait.FIRST_REQUEST, Wait.HANDSHAKE, Wait.NEXT_REQUEST):
            for place in list(self._waiting[wait]):
                place.close()

    def close_all(self) -> None:
        """Close every socket, whatever goes on there."""
        for place in list(self._held):
            place.close()

    def move(self, place: Place, before: Wait | None, after: Wait | None) -> None:
        """A place waits for something else now (`Place` tells)."""
        if before is not None:
            self._waiting[before].pop(place, None)
        if after is not None and place in self._held:
            place.since = trio.current_time()
            self._waiting[after][place] = None

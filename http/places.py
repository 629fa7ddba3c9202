"""Who may hold a connection: a bounded number of places, and who must leave when all are taken.

The rule: a caller that has something to say finds a place. When all are taken, the newcomer gets
the place of whoever has kept us waiting longest: first of those that never completed a request,
then of those that are idle between two, then of those whose body does not come to its end. A
request that is being worked on is never given up, and nobody is before a grace in which an honest
caller has spoken. So ten thousand idle sockets, or a thousand that send a byte now and then, cost
their places and not the service. There is no bound for one address: behind a proxy all callers have
the same one.
Source: design.md 5 (nothing is unbounded).
"""

from collections import OrderedDict
from enum import Enum, auto
from typing import Final

import trio

__all__ = ["Place", "Places"]

GRACE_SECONDS: Final = 1.0
"""A caller that connects or has just been answered gets so long to say something: some round trips
around the world. It also bounds how often places change hands under a storm of newcomers."""
BODY_GRACE_SECONDS: Final = 5.0
"""A body is 64 KiB at most; giving one up costs its sender more than an idle connection does."""


class _Wait(Enum):
    """What we wait for from the other end; members in the order in which their places are taken."""

    FIRST_REQUEST = auto()
    NEXT_REQUEST = auto()
    BODY = auto()


class Place:
    """One connection's; it tells what the connection waits for."""

    __slots__ = ("_places", "_wait", "since", "stream")

    def __init__(self, places: "Places", stream: trio.SocketStream) -> None:
        self._places = places
        self._wait: _Wait | None = None
        self.stream = stream
        self.since = 0.0

    def __repr__(self) -> str:
        return f"<Place {self._wait.name if self._wait else 'WORK'}>"

    def waits_for_request(self, *, first: bool = False) -> None:
        """Nothing is asked: the other end may send a request, or not."""
        self._change(_Wait.FIRST_REQUEST if first else _Wait.NEXT_REQUEST)

    def waits_for_body(self) -> None:
        """A header is complete, and what follows it is on its way."""
        self._change(_Wait.BODY)

    def works(self) -> None:
        """The request is complete: it is our turn, and the place is kept until it is answered."""
        self._change(None)

    def _change(self, wait: _Wait | None) -> None:
        self._places.move(self, self._wait, wait)
        self._wait = wait


class Places:
    """All connections of one server."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held: set[Place] = set()
        self._waiting: dict[_Wait, OrderedDict[Place, None]] = {
            wait: OrderedDict() for wait in _Wait
        }
        self.given_up_total = 0
        self.refused_total = 0

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        """Show how full it is."""
        return f"Places({len(self)} of {self.limit}, {self.given_up_total} given up)"

    def take(self, stream: trio.SocketStream) -> Place | None:
        """A place for a new connection, at another's cost if need be; None if nobody can go."""
        if len(self._held) >= self.limit and not self.give_up_one():
            self.refused_total += 1
            return None
        place = Place(self, stream)
        self._held.add(place)
        place.waits_for_request(first=True)
        return place

    def leave(self, place: Place) -> None:
        """The connection has ended; again is harmless."""
        if place in self._held:
            self._held.discard(place)
            place.works()  # out of whatever it waited for

    def give_up_one(self) -> bool:
        """Close the connection that has kept us waiting longest; False if none has for long.

        The socket is closed here and now, so that its descriptor is free when this returns; the
        connection's own task finds that out at its next step.
        """
        now = trio.current_time()
        for wait, waiting in self._waiting.items():
            oldest = next(iter(waiting), None)
            grace = BODY_GRACE_SECONDS if wait is _Wait.BODY else GRACE_SECONDS
            if oldest is not None and now - oldest.since >= grace:
                self.given_up_total += 1
                self.leave(oldest)
                oldest.stream.socket.close()
                return True
        return False

    def close_all(self) -> None:
        """Close every socket, whatever goes on there."""
        for place in list(self._held):
            place.stream.socket.close()

    def move(self, place: Place, before: _Wait | None, after: _Wait | None) -> None:
        """A place waits for something else now (`Place` tells)."""
        if before is not None:
            self._waiting[before].pop(place, None)
        if after is not None and place in self._held:
            place.since = trio.current_time()
            self._waiting[after][place] = None

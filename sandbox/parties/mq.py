"""A small queue manager: named queues, messages with a correlation, deliveries that are accepted or given back.

Rules:
- a message leaves its queue when whoever took it accepts it, and not before; what is given back comes again, as the first;
- whoever takes may want only what is correlated in a certain way (X10), and leaves the rest for others;
- everything is bounded: a queue that is full refuses.
Source: spec.md S31, X9, X10; protocols.md 5.7; docs/sandbox.md.
"""

from collections import deque
from dataclasses import dataclass, field

import trio

QUEUED_MAX = 10_000
"""Messages in one queue."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A message."""

    id: str
    correlation: str
    reply_to: str
    body: bytes


@dataclass(slots=True)
class QueueManager:
    """All queues."""

    _queues: dict[str, deque[Item]] = field(default_factory=dict[str, deque[Item]])
    _taken: dict[str, tuple[str, Item]] = field(default_factory=dict[str, tuple[str, Item]])
    _put: trio.Event = field(default_factory=trio.Event)
    _tags: int = 0

    def put(self, queue: str, item: Item) -> bool:
        """Queue a message; False: there is no room."""
        waiting = self._queues.setdefault(queue, deque())
        if len(waiting) >= QUEUED_MAX:
            return False
        waiting.append(item)
        self._wake()
        return True

    def _wake(self) -> None:
        self._put.set()
        self._put = trio.Event()

    def take(self, queue: str, prefix: str = "") -> tuple[str, Item] | None:
        """The first message whose correlation begins so, under the tag of its delivery."""
        waiting = self._queues.get(queue, deque())
        for item in waiting:
            if item.correlation.startswith(prefix):
                waiting.remove(item)
                self._tags += 1
                tag = f"d{self._tags}"
                self._taken[tag] = (queue, item)
                return tag, item
        return None

    async def wait(self, queue: str, prefix: str = "") -> tuple[str, Item]:
        """As `take`, when there is one."""
        while True:
            if (found := self.take(queue, prefix)) is not None:
                return found
            await self._put.wait()

    def accept(self, tag: str) -> bool:
        """It has been taken for good; False: there is no such delivery."""
        return self._taken.pop(tag, None) is not None

    def give_back(self, tag: str) -> None:
        """It comes again, as the first."""
        if (found := self._taken.pop(tag, None)) is not None:
            queue, item = found
            self._queues.setdefault(queue, deque()).appendleft(item)
            self._wake()

    def depths(self) -> dict[str, int]:
        """How many wait in each queue; those that were taken and not accepted are not among them."""
        return {name: len(waiting) for name, waiting in self._queues.items()}

    def reset(self) -> None:
        """Forgets everything."""
        self._queues.clear()
        self._taken.clear()

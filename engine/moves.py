"""Who waits for an actor to move: an ask answers at once, and what an outside party does takes longer.

Rule: a waiter asks, waits for the next decision of that one, and asks again; so what it hears is always
what is durable, and a move that was missed costs a question and no answer. A question is no move. Nothing is kept of anybody
whom nobody waits for.
Source: design.md 2 (a reply comes with the first decision); style.md 7.
"""

from collections.abc import Generator
from contextlib import contextmanager

import trio

from comptoir.engine.actor_host import writes_of
from comptoir.engine.journal import Decided

__all__ = ["Moves"]


class Moves:
    """Waiters by the name of whom they wait for."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, set[trio.Event]] = {}

    def moved(self, name: str) -> None:
        """A decision of this one is durable. Called from the journal's own task: never waits."""
        for waiter in self._waiting.pop(name, ()):
            waiter.set()

    def decided(self, name: str, decided: Decided) -> None:
        """The same, of an ask or a row, unless it was only a question: by these a waiter asks, and would wake itself."""
        decision = decided.decision
        if decided.consumed is not None or writes_of(decision, decision.state):
            self.moved(name)

    @contextmanager
    def next_of(self, name: str) -> Generator[trio.Event, None, None]:
        """What is set at the next decision from here on; enter before asking how it stands."""
        moved = trio.Event()
        self._waiting.setdefault(name, set()).add(moved)
        try:
            yield moved
        finally:
            waiting = self._waiting.get(name)
            if waiting is not None:
                waiting.discard(moved)
                if not waiting:
                    del self._waiting[name]

    def __repr__(self) -> str:
        return f"<Moves of {len(self._waiting)}>"

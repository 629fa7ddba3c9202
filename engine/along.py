"""Messages that go along: decided by their receivers in the very batch that makes them durable.

Rules (docs/adr/0013): a message to a resident, idle actor is decided at once, while the run that sends
it is on its way, and that decision follows it into the same batch, where the row is created and
consumed and so never written. Nothing leaves the batch: what the receiver sends and answers waits for
the commit like everything else. If the sender's decision is undone, the row does not exist, and the
receiver's is undone with it (`Gone`). What cannot go along is handed over when it is durable, and
nothing to the same receiver overtakes it, so the order between two actors stays that of the commits.
Source: design.md 2 (tentative state), 3 (hand-over exactly once), 7 (folding).
"""

from collections.abc import Mapping
from typing import Final, Protocol

from comptoir.engine.decision import Outgoing
from comptoir.engine.delivery import Delivery
from comptoir.engine.journal import Decided, Pending, Run
from comptoir.engine.values import Address

__all__ = ["Along"]

DEPTH_MAX: Final = 8
"""Actors that one message may reach, each through the one before, within one batch."""


class _Host(Protocol):
    def take_along(self, row: Pending) -> bool:
        """Have an idle actor decide a row that is not durable yet; False changes nothing."""
        ...


class Along:
    """Finds out what of a run can go along."""

    def __init__(self, hosts: Mapping[str, _Host], delivery: Delivery) -> None:
        self._hosts = hosts
        self._delivery = delivery
        self._depth = 0

    def hand_along(self, run: Run) -> None:
        """Hand over what a submitted run sends to actors that can decide it at once."""
        if self._depth == DEPTH_MAX:
            return
        left: set[Address] = set()
        self._depth += 1
        try:
            for decided in run.decided:
                self._hand(run, decided, left)
        finally:
            self._depth -= 1

    def _hand(self, run: Run, decided: Decided, left: set[Address]) -> None:
        """Hand over what one decision sends, but to those who have something left behind."""
        for index, out in enumerate(decided.decision.messages):
            if out.target in left or not self._go_along(run, decided, index, out):
                left.add(out.target)

    def _go_along(self, run: Run, decided: Decided, index: int, out: Outgoing) -> bool:
        host = self._hosts.get(out.target.kind)
        if host is None or out.due_at is not None or out.name is not None or out.parked:
            return False
        if self._delivery.is_behind(out.target, -1):
            return False
        at, sender = decided.at, out.sender or run.address
        row = Pending(0, out.target, sender, at, at, out.attempts, out.message, along=True)
        if not host.take_along(row):
            return False
        if decided.along is None:
            decided.along = {}
        decided.along[index] = row
        return True

    def __repr__(self) -> str:
        return f"<Along {self._depth} deep>"

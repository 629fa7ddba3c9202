"""Samples and a desk for tests of any journal: values to write, and a way to wait for fates.

The rule: what is here knows the contract only (engine/journal.py), so that one suite runs against
every journal. Source: layout.md (shared fakes live in the package, not beside the tests).
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import trio

from comptoir.engine.decision import Decision, LotOpened, Once, Outgoing, Put, Transfer
from comptoir.engine.journal import Decided, Fate, Journal, Pending, Run
from comptoir.engine.values import Address, Event, Message, Reply, State

__all__ = [
    "BLANK",
    "NOW",
    "Desk",
    "Noted",
    "Page",
    "Remind",
    "Written",
    "credit",
    "debit",
    "keep",
    "note",
    "only_once",
    "page",
    "put",
    "tell",
]

NOW = 1_790_000_000_000
"""Business time of the tests: September 2026."""


class Phase(Enum):
    """Of the sample machine."""

    OPEN = "open"


class Page(State, frozen=True):
    """A sample state."""

    phase: Phase
    text: str


class Remind(Message, frozen=True):
    """A sample message."""

    text: str


class Noted(Event, frozen=True):
    """A sample event."""

    text: str


class Written(Reply, frozen=True):
    """A sample reply."""

    text: str


def page(text: str) -> Page:
    """A state that says this."""
    return Page(Phase.OPEN, text)


BLANK = page("")


def credit(
    owner: str, lot: str, points: int, *, total: int, at: int = NOW
) -> Mapping[str, tuple[Any, ...]]:
    """Fields of a decision that credits a new lot; `total` is available afterwards."""
    return {
        "lots": (LotOpened(lot, owner, f"tx-{lot}", "tag", points, points * 100, 100, 10_000, at),),
        "transfers": (
            Transfer("issued:", f"available:{owner}", points, "credit", owner,
                     (total, 0, 0, 0), lot, f"tx-{lot}"),
        ),
    }  # fmt: skip


def debit(owner: str, lot: str, points: int, *, total: int) -> Mapping[str, tuple[Any, ...]]:
    """Fields of a decision that pays points of a lot out; `total` is available afterwards."""
    return {
        "transfers": (
            Transfer(f"available:{owner}", "paid:", points, "payout", owner,
                     (total, 0, 0, 0), lot, None, "wd_1"),
        ),
    }  # fmt: skip


class Desk:
    """Submits decisions as runs, remembers each actor's version, and waits for the fates."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.versions: dict[Address, int] = {}
        self.states: dict[Address, object] = {}
        self.settled: list[Run] = []
        """Runs in the order in which their fates were told."""
        self.fates: list[Fate] = []
        self._told = trio.Event()

    def submit(
        self,
        address: Address,
        *decisions: Decision[Any],
        at: int = NOW,
        consumed: Sequence[Pending | None] = (),
        message: Message | None = None,
        stateless: bool = False,
    ) -> Run:
        """Submit one run of these decisions, the n-th of which consumes the n-th row."""
        rows = [*consumed, *[None] * (len(decisions) - len(consumed))]
        decided = [
            Decided(decision, at, row, message)
            for decision, row in zip(decisions, rows, strict=True)
        ]
        version = None if stateless else self.versions.get(address, 0)
        state = self.states.get(address, BLANK)
        run = Run(address, version, decided, self._settle, state=state)
        self.journal.submit(run)
        return run

    async def wait(self, count: int) -> list[Fate]:
        """The fates of the next runs, in the order told."""
        with trio.fail_after(30):
            while len(self.fates) < count:
                self._told = trio.Event()
                await self._told.wait()
        told, self.fates = self.fates[:count], self.fates[count:]
        return told

    async def write(self, address: Address, *decisions: Decision[Any], **options: Any) -> Fate:
        """Submit one run and wait for its fate."""
        self.submit(address, *decisions, **options)
        return (await self.wait(1))[0]

    def _settle(self, run: Run, fate: Fate) -> None:
        if run.version is not None:
            version, state = run.version, run.state
            for decided in run.decided[: fate.count]:
                if decided.decision.state is not state:
                    version, state = version + 1, decided.decision.state
            self.versions[run.address], self.states[run.address] = version, state
        self.settled.append(run)
        self.fates.append(fate)
        self._told.set()


def note(text: str, **fields: Any) -> Decision[Page]:
    """A decision to the state that says this."""
    return Decision(state=page(text), **fields)


def keep(**fields: Any) -> Decision[Any]:
    """A decision that leaves the state of an actor that was never written as it is."""
    return Decision(state=BLANK, **fields)


def tell(target: Address, text: str, **fields: Any) -> Outgoing:
    """A message to someone."""
    return Outgoing(target, Remind(text), **fields)


def only_once(key: str, *, scope: str = "webhook", ttl_ms: int = 86_400_000) -> Once:
    """A `once` key."""
    return Once(scope, key, ttl_ms)


def put(key: str, fields: Mapping[str, object], *, owner: str = "") -> Put:
    """Fields of a sample document."""
    return Put("sample", key, fields, owner)

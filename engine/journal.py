"""What the engine needs of a journal, stated by the engine and fulfilled by storage (design.md 1).

The rule: a decision is durable before anyone hears of it (invariant 1). The engine submits *runs*
(consecutive decisions of one actor); the journal commits many runs in one transaction, in the order
of submission, and tells each run's fate by calling `settle`, synchronously and in commit order,
because hand-overs must happen in that order and trio wakes tasks in none. A `settle` that raises is
a bug of the submitter's: it is counted, and keeps no other run from hearing its fate.

Two journals fulfil this contract and pass the same tests (tests/storage/test_contract.py):
`comptoir.storage.PostgresJournal`, and `comptoir.storage.testing.MemoryJournal`, whose crash is
honest (what was not flushed is gone).
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from comptoir.engine.decision import Attempt, Decision
from comptoir.engine.letters import DeadLetterRow, DeadLetters
from comptoir.engine.values import Address, Message

__all__ = [
    "DeadLetterRow",
    "Decided",
    "Duplicate",
    "Ending",
    "Entry",
    "Fate",
    "Gone",
    "Journal",
    "JournalStatistics",
    "Loaded",
    "Lost",
    "Lot",
    "Pending",
    "Recorded",
    "Rejected",
    "Run",
]


class Pending(msgspec.Struct, gc=False):
    """A row of the one table of what still has to happen, as handed to its receiver."""

    id: int
    """(epoch, counter) in one 63-bit integer; order of ids = order of commits. 0: not durable yet."""
    target: Address
    sender: Address
    due_at: int
    created_at: int
    attempts: tuple[Attempt, ...] = ()
    message: Message | None = None
    """The live value, when handed over in the process that committed it."""
    payload: bytes = b""
    """Its encoding, when read back from the database (`message` is None then)."""
    name: str | None = None
    along: bool = False
    """Whether its receiver has it already, from before it was durable (ADR 0013)."""


class Decided(msgspec.Struct):
    """One decision with what the journal needs to know about its cause.

    Seen by the collector of garbage, unlike its neighbours: `context` leads to whoever waits, and from
    there, by the error that ended the waiting, to everything. A cycle through a struct that is not
    seen is never freed: each engine that ended with an ask unanswered stayed in memory.
    """

    decision: Decision[Any]
    at: int
    """Business time, ms since 1970, at which it was decided."""
    consumed: Pending | None
    """The pending row that it consumes (deleted by the same commit); None for an ask."""
    message: Message | None
    """What was handled: the payload of a dead letter, when it becomes one."""
    context: object = None
    """The engine's own (the waiting asker); the journal does not look inside."""
    along: "dict[int, Pending] | None" = None
    """Which of the decision's messages went along to their receivers, by index: rows that the journal
    numbers when they are durable, if nobody has consumed them by then."""


class Run:
    """Consecutive decisions of one actor, at least one, committed together or as a prefix.

    `version` is the version of the state that the first one was decided on. Every decision whose
    state object differs from the one before advances it by one. Gateways and other actors without
    state submit runs with `version=None`: no row of `actor` is read or written.
    """

    __slots__ = ("address", "decided", "schema", "settle", "state", "version")

    def __init__(
        self,
        address: Address,
        version: int | None,
        decided: list[Decided],
        settle: "Callable[[Run, Fate], None]",
        *,
        schema: int = 1,
        state: object = None,
    ) -> None:
        self.address = address
        self.version = version
        self.decided = decided
        self.settle = settle
        self.schema = schema
        self.state = state
        """The state before the first decision: identity tells whether a decision changed it."""

    @property
    def follows(self) -> bool:
        """Whether it consumes what a run shortly before it sends: one batch for both, if it can be."""
        first = self.decided[0].consumed
        return first is not None and not first.id


class Duplicate(msgspec.Struct, frozen=True, gc=False):
    """A `once` key was taken before; here is what the first one was answered."""

    answer: bytes
    """The encoded first reply; empty if it had none."""


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The database refused this decision's data (a CHECK, an overflow), or the journal crashed over
    it, alone as well; others are not hurt.
    """

    code: str
    """The SQLSTATE, or WRITER_CRASHED."""
    detail: str
    """Constraint or column names, or where it crashed; never values."""


class Lost(msgspec.Struct, frozen=True, gc=False):
    """Not committed, for a reason that is not the decision's: superseded, stopping."""

    code: str
    detail: str


class Gone(msgspec.Struct, frozen=True, gc=False):
    """The message that it consumes is no longer there: a timer that was cancelled or set again
    while it was on its way, or a row that was handed over twice. Forget the message; nothing of
    its decision was applied.
    """


class Fate(msgspec.Struct, frozen=True, gc=False):
    """What became of a run: the first `count` decisions are durable; `why` tells of the next."""

    count: int
    outgoing: Sequence[Pending]
    """Rows that are due now, created by the durable decisions, in id order, for hand-over. One that
    a later decision has forgotten meanwhile may be among them: its consumer is told `Gone`."""
    why: Duplicate | Rejected | Gone | Lost | None = None
    """None when all are durable. Decisions after the one that it concerns are undone and must be
    decided again. `Lost.code`: SUPERSEDED, STOPPING, or STALE (decided on another version than the
    one that is durable: reload).

    Of several reasons the first is told, however the runs were batched: a `once` key that is taken,
    another version, a message that is gone, bad data. Only a journal that was superseded without
    knowing it may still answer `Duplicate` where it would say `Lost`: that answer is durable."""
    released: bool = False
    """A durable decision released this actor's parked rows: read them with `pending`; they are
    not in `outgoing` and have older ids."""


class Loaded(msgspec.Struct, frozen=True, gc=False):
    """An actor's last committed state."""

    version: int
    schema: int
    state: bytes


class Lot(msgspec.Struct, frozen=True, gc=False):
    """A lot as the ledger holds it now."""

    id: str
    owner: str
    source: str
    tag: str
    points: int
    remaining: int
    basis_cents: int
    rate_bp: int
    multiplier_bp: int
    earned_at: int
    expires_at: int | None


class Ending(msgspec.Struct, frozen=True, gc=False):
    """What is left of all lots that end at one instant."""

    at: int
    """Business time, ms."""
    points: int
    """> 0."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One line of a user's points history: a transfer seen from its owner."""

    id: int
    owner: str
    kind: str
    points: int
    """Signed: positive when points came to the user's available or pending book, else negative."""
    after: tuple[int, int, int, int]
    lot: str | None
    transaction: str | None
    withdrawal: str | None
    at: int


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A committed event as a subscriber sees it."""

    number: int
    """Dense: 1, 2, 3, ... in commit order."""
    at: int
    address: Address
    type: str
    payload: bytes
    """Empty where whoever it is about was erased."""


class JournalStatistics(msgspec.Struct, frozen=True, gc=False):
    """What a journal is doing now."""

    connected: bool
    epoch: int
    batch: int
    """Number of the last durable batch."""
    last_event: int
    runs_waiting: int
    batches_total: int
    decisions_total: int
    batch_size_last: int
    seconds_committing_total: float
    refusals_total: int
    rejections_total: int
    reconnects_total: int
    events_unpartitioned_total: int = 0
    """Events that went to the default partition, since no month was there for them: an alert."""
    role_reduced: bool = True
    """Whether the daemon's sessions run under the role that owns nothing."""
    stopped: str = ""
    """Why it takes no more runs: SUPERSEDED, STOPPING, BROKEN; empty while it works."""
    crashes_total: int = 0
    """Crashes of the journal's own task that were contained: each one is a bug of ours."""
    crashes_recent: int = 0
    """Those that count against its intensity now; one too many ends the journal (BROKEN)."""


class Journal(DeadLetters, Protocol):
    """Durability for actors. All times are business time in ms since 1970."""

    def submit(self, run: Run) -> None:
        """Queue a run for the next batch; its fate comes by `run.settle`, exactly once. After the
        journal has ended, it comes at once (`Lost`), before `submit` returns.

        While the database is away, runs wait (the number waiting is bounded by the engine's own
        mailboxes), and `available` is False, so that the edge refuses new work.
        """
        ...

    @property
    def available(self) -> bool:
        """Whether the database answers: False from the first failure to the reconnection."""
        ...

    async def load(self, address: Address) -> Loaded | None:
        """The last committed state of one actor, or None. Concurrent loads share one query.

        Raises:
            Unavailable: the database is away.
        """
        ...

    async def pending(self, target: Address, limit: int, now: int) -> list[Pending]:
        """The due, unparked rows of one address, in id order."""
        ...

    async def parked(self, target: Address, limit: int) -> list[Pending]:
        """The parked rows of one address, in the order of their due times: whoever asks may work on
        one, and consumes it by its decision, before it is released.
        """
        ...

    async def backlog(self, now: int, limit: int) -> list[tuple[Address, int]]:
        """Addresses that have due, unparked rows, with the greatest such id; at most `limit`."""
        ...

    async def due_timers(self, now: int, after: int, limit: int) -> list[Pending]:
        """Rows with a due time in (`after`, `now`], in order of (due_at, id)."""
        ...

    async def next_due(self, now: int) -> int | None:
        """The earliest due time later than `now`, or None."""
        ...

    async def count_pending(self, now: int) -> dict[tuple[str, str], int]:
        """(kind, class) -> rows; class is `message`, `timer` or `parked`."""
        ...

    async def lots(
        self,
        owner: str,
        *,
        lot: str | None = None,
        tag: str | None = None,
        open_only: bool = False,
        limit: int = 1000,
    ) -> list[Lot]:
        """A user's lots: the one of an id, or by tag newest first, else oldest first (FIFO)."""
        ...

    async def lots_named(self, owner: str, names: Sequence[str]) -> list[Lot]:
        """Those of a user's lots that have these ids, oldest first."""
        ...

    async def lots_by_end(self, owner: str, limit: int) -> list[Lot]:
        """A user's open lots that have an end, the first to end first, ties as they are spent."""
        ...

    async def lots_ending(self, owner: str, limit: int) -> list[Ending]:
        """When a user's open lots end, the first to end first, and how many points are left in them."""
        ...

    async def entries(self, owner: str, before: int | None, limit: int) -> list[Entry]:
        """A page of a user's history, newest first, with ids below `before`."""
        ...

    async def documents(self, collection: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The documents of a collection that exist among these keys."""
        ...

    async def scan(
        self, collection: str, after: str, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Documents of a collection in key order, after a key."""
        ...

    async def events(self, after: int, limit: int) -> list[Recorded]:
        """Committed events with numbers above `after`, in order."""
        ...

    async def events_named(
        self, names: Sequence[tuple[str, str]], after: int, last: int, limit: int
    ) -> list[Recorded]:
        """Those with numbers from `after`, without it, to `last` whose (kind, type) is among the names, in order."""
        ...

    async def events_at(self, numbers: Sequence[int]) -> list[Recorded]:
        """Those with these numbers that there still are, in order."""
        ...

    async def replay(self, ids: Sequence[int], now: int) -> list[Pending]:
        """Turn dead letters back into due messages in one transaction; the rows, to deliver. Ids that are
        no dead letters are left out, and so are letters of somebody who was erased.
        """
        ...

    async def purge(self, now: int) -> int:
        """Forget a slice of the `once` keys that expired; how many (0: none are left)."""
        ...

    async def expire_actors(self, kind: str, after: str, before: int) -> tuple[str | None, int]:
        """Delete, of a page of the actors of a kind, those that nothing was changed of since `before` and
        nothing waits for; the keys of what they sealed go as well.

        Args:
            kind: of actors that end by themselves.
            after: where the page begins; empty at first.
            before: business time, ms.

        Returns: where the next page begins (None: this was the last), and how many are gone.
        """
        ...

    def statistics(self) -> JournalStatistics:
        """A snapshot of the journal's own figures."""
        ...

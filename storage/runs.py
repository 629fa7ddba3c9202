"""The values of group commit: runs on their way, parts of batches, ids, and what sealing binds to.

The rule: an id is given once, in the order of submission, so the order of ids is the order of
commits; it is (epoch, counter), because a counter taken from the table would fall back after deletes
and restores. Source: design.md 2, 7; engine/journal.py.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from comptoir.engine.decision import Attempt
from comptoir.engine.journal import Duplicate, Fate, Gone, Lost, Pending, Rejected, Run
from comptoir.engine.values import Address

__all__ = [
    "CLASS_MESSAGE",
    "CLASS_PARKED",
    "CLASS_TIMER",
    "STALE",
    "Batch",
    "Counters",
    "Numbers",
    "Outcome",
    "Part",
    "Progress",
    "Unencodable",
    "halve",
    "identify_actor",
    "identify_event",
    "identify_message",
    "identify_once",
    "write_attempts",
]

COUNTER_BITS: Final = 40
"""Of a message id: a trillion rows in one life of a daemon; the epoch has the other 23 bits."""
CLASS_MESSAGE: Final = "message"
CLASS_TIMER: Final = "timer"
CLASS_PARKED: Final = "parked"
STALE: Final = Lost("STALE", "decided on another version than the durable one")


class Unencodable(Exception):
    """A value of a decision cannot be written at all: a data error found before the database."""


def identify_actor(address: Address, version: int) -> bytes:
    """What a sealed actor state is bound to."""
    return f"actor|{address.kind}|{address.key}|{version}".encode("utf-8", "surrogatepass")


def identify_message(row: int, target: Address) -> bytes:
    """What a sealed message payload is bound to."""
    return f"message|{row}|{target.kind}|{target.key}".encode("utf-8", "surrogatepass")


def identify_event(number: int) -> bytes:
    """What a sealed event payload is bound to."""
    return b"event|%d" % number


def identify_once(digest: bytes) -> bytes:
    """What a sealed answer is bound to."""
    return b"once|" + digest


class Numbers:
    """Gives ids under one epoch; never the same one twice."""

    __slots__ = ("_next",)

    def __init__(self, epoch: int) -> None:
        self._next = (epoch << COUNTER_BITS) + 1

    def draw(self) -> int:
        """The next id of a message or of a ledger entry."""
        drawn = self._next
        self._next = drawn + 1
        return drawn


class Progress:
    """How far a run has come: what is durable, and why it ended."""

    __slots__ = (
        "asked_at", "asked_keys_at", "barrier", "barrier_at", "crashed_at", "done", "outgoing", "released", "run", "state",
        "version", "why",
    )  # fmt: skip

    def __init__(self, run: Run) -> None:
        self.run = run
        self.done = 0
        self.version = run.version
        self.state = run.state
        self.outgoing: list[Pending] = []
        self.released = False
        self.why: Duplicate | Rejected | Gone | Lost | None = None
        self.asked_at = -1
        """The decision of which the database was asked whatever else might refuse it, when it was alone
        and all before it was durable."""
        self.asked_keys_at = -1
        """The decision of which the database was asked whether its once keys are taken."""
        self.barrier_at = -1
        self.barrier: Gone | None = None
        """What the database is known to answer to decision `barrier_at`: it is not sent again."""
        self.crashed_at = -1
        """The decision that crashed the writer alone; once more, and it is rejected."""

    @property
    def settled(self) -> bool:
        """Whether nothing more will become of it."""
        return self.why is not None or self.done == len(self.run.decided)

    def fate(self) -> Fate:
        """What to tell its submitter."""
        return Fate(self.done, self.outgoing, self.why, self.released)


class Part(msgspec.Struct, gc=False):
    """The decisions of one run, from where it has come up to `stop`, that go into one batch."""

    progress: Progress
    stop: int


class Outcome(msgspec.Struct):
    """What a batch, once durable, means for one part."""

    done: int
    version: int | None
    state: object
    outgoing: list[Pending]
    released: bool
    why: Duplicate | Gone | Lost | None


class Batch(msgspec.Struct):
    """Rows for `comptoir.commit_batch`, and what to tell when they are durable."""

    arguments: tuple[Any, ...]
    """Of commit_batch, from `p_once` on."""
    outcomes: list[Outcome]
    decisions: int
    last_event: int
    answers: dict[bytes, tuple[bytes, int]]
    """digest -> (answer, expires_at) of the once keys that it takes."""
    events_at: list[int]
    """Business times of its events, for the partitions."""
    versions: dict[Address, int]
    """Of every actor that decided in it, as they are when it is durable."""
    unchecked: dict[Address, int]
    """Versions on which actors decided without a change of state: commit_batch does not see them."""
    along: list[tuple[Pending, int]]
    """Rows that their receivers have already and did not consume in it, and what their ids are when
    it is durable."""


def write_attempts(attempts: Sequence[Attempt]) -> str | None:
    """Attempts as the column holds them: JSON, or NULL for none.

    Raises:
        Unencodable: an outcome or a time that JSON cannot hold.
    """
    try:
        return msgspec.json.encode(attempts).decode() if attempts else None
    except (TypeError, ValueError, OverflowError) as error:
        raise Unencodable(type(error).__name__) from None


def halve(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Split parts into the earlier and the later half of their decisions, order kept."""
    total = sum(part.stop - part.progress.done for part in parts)
    room = total // 2
    left: list[Part] = []
    right: list[Part] = []
    for part in parts:
        size = part.stop - part.progress.done
        if room >= size:
            left.append(part)
        elif room > 0:
            left.append(Part(part.progress, part.progress.done + room))
            right.append(part)
        else:
            right.append(part)
        room = max(0, room - size)
    return left, right


class Counters:
    """What the writer has done, for `statistics()`."""

    __slots__ = ("batches", "decisions", "reconnects", "refusals", "rejections", "seconds", "size")

    def __init__(self) -> None:
        self.batches = 0
        self.decisions = 0
        self.reconnects = 0
        self.refusals = 0
        self.rejections = 0
        self.seconds = 0.0
        self.size = 0

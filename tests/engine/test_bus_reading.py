"""No offset is committed before what its record came to is durable, be that a dead letter (S29, S33, S64)."""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing

from comptoir.actors.gateways.bus_messages import ReadRecord
from comptoir.actors.gateways.core_kafka import Topics
from comptoir.actors.gateways.kafka_reader import Record
from comptoir.engine.boot import bus_reading
from comptoir.engine.boot.bus_reading import REJECTED, BusReading
from comptoir.engine.decision import DeadLetter
from comptoir.engine.journal import Decided, Duplicate, Fate, Lost, Rejected, Run

VALUE = b'{"none": "of ours"}'
RECORD = Record("events", 0, 7, b"C1", VALUE)
PLACE = "events[0]@7"
NO, LOST = Rejected("22000", ""), Lost("STOPPING", "the journal takes no more decisions")
Why = Duplicate | Rejected | Lost | None


class Journal:
    """Answers each commit as it was told to; then takes all."""

    available = True

    def __init__(self, *answers: Why) -> None:
        self._answers = iter(answers)
        self.tried: list[Decided] = []
        self.letters: list[tuple[DeadLetter, object]] = []
        """Durable."""

    def submit(self, run: Run) -> None:
        """Settle it at once."""
        (decided,) = run.decided
        self.tried.append(decided)
        why = next(self._answers, None)
        if why is None:
            assert decided.decision.dead_letter is not None
            self.letters.append((decided.decision.dead_letter, decided.message))
        run.settle(run, Fate(int(why is None), (), why))


class Reader:
    """Has one record, until its offset is committed."""

    assigned = frozenset((("events", 0),))

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.begun = 0
        self.committed: list[int] = []
        """How many letters were durable at each commit."""
        self.over = trio.Event()

    async def read(self) -> list[Record]:
        """The record, as long as nobody has passed it."""
        if self.committed:
            self.over.set()
            await trio.sleep_forever()
        return [RECORD]

    async def commit(self, records: Sequence[Record]) -> None:
        """Pass it."""
        assert list(records) == [RECORD]
        self.committed.append(len(self._journal.letters))

    async def resume(self) -> None:
        """Nothing is paused."""

    async def stay(self) -> None:
        """Stay in the group."""
        await trio.sleep(1)

    async def lag(self) -> dict[str, int]:
        """None."""
        return {}


async def _read(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> tuple[Reader, list[str]]:
    """Read until the record is passed."""
    reader, counted = Reader(journal), list[str]()

    @asynccontextmanager
    async def open_reader(_terms: object, _topics: object) -> AsyncGenerator[Reader, None]:
        reader.begun += 1
        yield reader

    monkeypatch.setattr(bus_reading, "open_reader", open_reader)
    health = SimpleNamespace(pending_messages=0)

    def count(_topic: str, result: str) -> None:
        counted.append(result)

    def ignore(*_said: object) -> None:
        """Nobody asks for it."""

    engine: Any = SimpleNamespace(
        journal=journal, now=lambda: 1, health=lambda: health, settled=ignore
    )
    terms: Any = None
    reading = BusReading(terms, Topics("commands", "events"), 10, count, ignore)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reading.run, engine)
        with trio.fail_after(120):
            await reader.over.wait()
        nursery.cancel_scope.cancel()
    return reader, counted


@pytest.mark.parametrize(
    ("answers", "begun"),
    [
        ((), 1),
        ((NO,), 1),
        ((NO, NO), 1),
        ((LOST,), 2),
        ((NO, LOST), 2),
        ((NO, NO, LOST), 2),
        ((NO, NO, NO), 2),
    ],
)
async def test_an_offset_is_committed_after_its_letter_is_durable_and_never_before(
    answers: tuple[Why, ...],
    begun: int,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Whatever the journal loses or rejects: the record is read again until there is a letter of it (S29, S64)."""
    del autojump_clock
    journal = Journal(*answers)
    reader, counted = await _read(journal, monkeypatch)
    assert reader.committed == [1]
    assert (reader.begun, counted) == (begun, ["poison"])


async def test_a_letter_that_is_rejected_is_one_of_its_place_and_its_digest(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """What the database does not take of a record is left out; that there was one is not (S33, S64)."""
    del autojump_clock
    journal = Journal(NO, NO)
    await _read(journal, monkeypatch)
    detail = f"{PLACE} sha256:{hashlib.sha256(VALUE).hexdigest()}"
    ((letter, message),) = journal.letters
    assert (letter.code, letter.detail) == (REJECTED, detail)
    assert message == ReadRecord("events", 0, 7, b"", {})


async def test_a_letter_that_is_there_already_is_enough(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    """It was durable before: the record is passed, and no second one is made (S64)."""
    del autojump_clock
    journal = Journal(NO, Duplicate(b""))
    reader, _counted = await _read(journal, monkeypatch)
    assert (reader.committed, reader.begun, len(journal.tried)) == ([0], 1, 2)

"""Reference snapshots: published when durable, rebuilt on change, waited for (design.md 2)."""

from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from comptoir.engine.engine import Engine
from comptoir.engine.errors import Unavailable
from comptoir.engine.journal import Journal
from comptoir.engine.parts import Parts
from comptoir.engine.reference import Publisher, ReferenceSpec
from comptoir.engine.toys import Do, Toy, toy_clock, toy_spec
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal

A = Address("toy", "a")


class Sum(msgspec.Struct, frozen=True):
    """A snapshot: the owner's sum, which only grows."""

    version: int


class Builder:
    """Builds the snapshot from what is durable, slowly or not at all if told so."""

    def __init__(self) -> None:
        self.started = 0
        self.gate: trio.Event | None = None
        self.errors: list[Exception] = []

    async def build(self, journal: Journal) -> Sum:
        """Read the owner's committed state."""
        self.started += 1
        loaded = await journal.load(A)
        if self.errors:
            raise self.errors.pop(0)
        if self.gate is not None:
            await self.gate.wait()
        return Sum(0 if loaded is None else msgspec.json.decode(loaded.state, type=Toy).total)


def _parts(journal: Journal, builder: Builder) -> Parts:
    return Parts(
        journal,
        toy_clock(),
        actors=(toy_spec(),),
        references=(ReferenceSpec("sum", "toy", builder.build),),
        constants={"rules": "fixed"},
    )


async def test_it_is_there_before_the_first_decision(autojump_clock: MockClock) -> None:
    """An engine opens with its snapshots built and its constants in place."""
    builder = Builder()
    async with (
        MemoryJournal.open() as journal,
        Engine(_parts(journal, builder)).running() as engine,
    ):
        assert engine.references == {"rules": "fixed", "sum": Sum(0)}


async def test_change_is_published_once_durable(autojump_clock: MockClock) -> None:
    """A committed decision of the owner brings a new version; whoever waits for it hears of it."""
    builder = Builder()
    async with (
        MemoryJournal.open() as journal,
        Engine(_parts(journal, builder)).running() as engine,
    ):
        await engine.ask(A, Do("m", add=3))
        await engine.wait_reference("sum", 3)
        assert engine.references["sum"] == Sum(3)
        await engine.wait_reference("sum", 1)


async def test_readers_keep_the_old_one_while_the_new_is_built(autojump_clock: MockClock) -> None:
    """Building takes as long as it takes; changes meanwhile are one more building, not many."""
    builder = Builder()
    async with (
        MemoryJournal.open() as journal,
        Engine(_parts(journal, builder)).running() as engine,
    ):
        builder.gate = trio.Event()
        await engine.ask(A, Do("m", add=1))
        await wait_all_tasks_blocked()
        for n in range(10):
            await engine.ask(A, Do(f"n{n}", add=1))
        assert engine.references["sum"] == Sum(0)
        assert builder.started == 2
        builder.gate.set()
        await engine.wait_reference("sum", 11)
        assert builder.started == 3


@pytest.mark.parametrize("error", [Unavailable("away"), ValueError("a bug")])
async def test_change_is_not_forgotten_when_building_fails(
    autojump_clock: MockClock, error: Exception
) -> None:
    """A building that the database interrupted, or that crashed, is done again without a new
    change.
    """
    builder = Builder()
    async with (
        MemoryJournal.open() as journal,
        Engine(_parts(journal, builder)).running() as engine,
    ):
        builder.errors.append(error)
        await engine.ask(A, Do("m", add=1))
        with trio.fail_after(60):
            await engine.wait_reference("sum", 1)


async def test_publisher_counts_its_buildings(autojump_clock: MockClock) -> None:
    """How often a snapshot was built is known."""
    references: dict[str, Any] = {}
    async with MemoryJournal.open() as journal:
        publisher = Publisher(ReferenceSpec("sum", "toy", Builder().build), journal, references)
        await publisher.build()
        await publisher.build()
    assert publisher.builds_total == 2
    assert references == {"sum": Sum(0)}

"""Batches through SIGKILL at any moment: nobody is paid twice, nobody who left is paid, and nobody is lost.

Rule: a run (when people leave, when the daemon dies, when somebody signs, what the bank says and how often) is a
function of its seed alone; time is trio's mock clock, and business time follows it.
Source: issue 7, "must show"; spec.md S46, S50, X26, X27, E14; design.md 8 and 9 (invariants 2 and 4).
"""

import os
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio

from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.payout_batch.kind import payout_batch_spec
from comptoir.actors.payout_batch.messages import (
    BATCHES,
    ROWS,
    ApproveBatch,
    BatchDescribed,
    CloseBatch,
    DescribeBatch,
    LeaveBatch,
    row_key,
)
from comptoir.actors.payout_file.kind import payout_file_spec
from comptoir.actors.payout_file.messages import FileRead, ReadFile
from comptoir.actors.payout_report.kind import payout_report_spec
from comptoir.actors.payout_report.messages import TakeReport, report_key
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.sepa.words import Finding
from comptoir.actors.wallet.messages import HoldPoints
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.actors.withdrawal.kind import withdrawal_spec
from comptoir.actors.withdrawal.messages import DescribeWithdrawal, WithdrawalDescribed
from comptoir.engine import Address, EngineError, Message, Reply
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.journal import Decided
from comptoir.engine.parts import Parts
from comptoir.engine.spec import Bounds
from comptoir.storage.testing import MemoryJournal, MemoryTables
from tests.actors.wallet.books import credit
from tests.actors.withdrawal.books import order
from tests.simulation.determinism import Freezer, run_seeded

SEEDS = int(os.environ.get("TESTS_BATCH_SEEDS") or 20)
"""`make soak` plays a thousand."""
PEOPLE = 6
POINTS = 800
T0 = 1_800_003_600_000
"""Two minutes before a cut-off."""
TERMS = Cutoffs(on=True, zone="UTC", times=("09:02",), transfers_max=4)
SETTLEMENT_S = 10.0
CUT_OFF_S = 120.0
QUIET_S = 30.0


def _ignore(_decided: Decided) -> None:
    pass


class Story:
    """Six people who withdraw, through several lives of the daemon."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.tables = MemoryTables()
        self.killed = 0
        self.left: set[int] = set()
        """Who was told that they are out."""
        self.paid: dict[str, list[str]] = {}
        """What the files say, by batch: references."""
        self.statuses: list[str] = []

    async def play(self, _freezer: Freezer) -> None:
        """Live, be killed, live again; then all faults are over, and the end is awaited."""
        await self._life(self._begin)
        for act in (self._leave, self._close, self._sign, self._sign, self._report, self._report):
            await self._life(self._killed_in(act))
        await self._life(self._end)

    async def _life(self, live: Callable[[Engine, MemoryJournal], Awaitable[None]]) -> None:
        clock = BusinessClock(wall_ms=lambda: T0 + round(trio.current_time() * 1000))
        async with MemoryJournal.open(self.tables) as journal:
            specs = (
                wallet_spec(Bounds(), _ignore),
                withdrawal_spec(Bounds(), _ignore),
                payout_batch_spec(Bounds(), _ignore),
                payout_file_spec(Bounds()),
                payout_report_spec(Bounds()),
            )
            parts = Parts(
                journal=journal,
                clock=clock,
                actors=specs,
                gateways=[],
                constants={PROGRAMME: Programme(), CUTOFFS: TERMS},
            )
            async with Engine(parts).running() as engine:
                await live(engine, journal)

    def _killed_in(
        self, act: Callable[[Engine], Awaitable[None]]
    ) -> Callable[[Engine, MemoryJournal], Awaitable[None]]:
        async def live(engine: Engine, journal: MemoryJournal) -> None:
            await trio.sleep(self.chance.uniform(0, 5))
            self.killed += 1
            if self.chance.random() < 0.2:
                journal.crash()
            with trio.move_on_after(3), suppress(EngineError):
                await act(engine)
            # What follows of it is under way; perhaps a batch is durable that nobody hears of.
            for _ in range(self.chance.randrange(4)):
                await trio.lowlevel.checkpoint()
            journal.crash(after_commit=self.chance.random() < 0.4)

        return live

    async def _begin(self, engine: Engine, _journal: MemoryJournal) -> None:
        for number in range(PEOPLE):
            me = f"u{number}"
            await engine.ask(Address("wallet", me), credit("p1", 30_000))
            asked = order(
                POINTS, user_id=me, reference=_reference(number),
                settlement_ms=round(self.chance.uniform(1, SETTLEMENT_S) * 1000),
            )  # fmt: skip
            await engine.ask(Address("wallet", me), HoldPoints(_name(number), asked))
        await trio.sleep(self.chance.uniform(SETTLEMENT_S / 2, 2 * SETTLEMENT_S))

    async def _leave(self, engine: Engine) -> None:
        number = self.chance.randrange(PEOPLE)
        found = await self._described(engine, number)
        if found.batch:
            leave = LeaveBatch(_name(number), _reference(number))
            reply = (await engine.ask(Address("payout_batch", found.batch), leave)).reply
            assert isinstance(reply, BatchDescribed)
            if reply.status == "open":
                self.left.add(number)

    async def _close(self, engine: Engine) -> None:
        if self.chance.random() < 0.5:
            for name in self._batches():
                await engine.ask(Address("payout_batch", name), CloseBatch("max"))

    async def _sign(self, engine: Engine) -> None:
        for name in self._batches():
            found = await self._asked(engine, Address("payout_batch", name), DescribeBatch())
            assert isinstance(found, BatchDescribed)
            if found.status == "awaiting_approval":
                if not found.maker:
                    first = ApproveBatch("max", ("OPERATIONS",), "", "", b"")
                    await self._asked(engine, Address("payout_batch", name), first)
                rows = ",".join(self._rows(name))
                sign = ApproveBatch("eva", ("OPERATIONS",), "d" * 64, "2027-01-15", rows.encode())
                await self._asked(engine, Address("payout_batch", name), sign)

    async def _report(self, engine: Engine) -> None:
        """Every other one is booked and comes back, the rest is booked; told in any order."""
        for name in self._batches():
            with suppress(EngineError):
                found = await self._asked(engine, Address("payout_file", name), ReadFile())
                assert isinstance(found, FileRead)
                for report in self.chance.sample(_reports(name, found), 2):
                    key = Address("payout_report", report_key(report.kind, report.message_id))
                    await self._asked(engine, key, report)

    async def _end(self, engine: Engine, _journal: MemoryJournal) -> None:
        await trio.sleep(CUT_OFF_S + QUIET_S)
        assert await engine.quiesce(QUIET_S)
        await self._sign(engine)
        assert await engine.quiesce(QUIET_S)
        for name in self._batches():
            with suppress(EngineError):
                found = await self._asked(engine, Address("payout_file", name), ReadFile())
                assert isinstance(found, FileRead)
                self.paid[name] = found.document.decode().split(",")
        await self._report(engine)
        await self._report(engine)
        assert await engine.quiesce(QUIET_S)
        self.statuses = [(await self._described(engine, n)).status for n in range(PEOPLE)]

    async def _asked(self, engine: Engine, address: Address, message: Message) -> Reply | None:
        return (await engine.ask(address, message)).reply

    async def _described(self, engine: Engine, number: int) -> WithdrawalDescribed:
        found = await self._asked(
            engine, Address("withdrawal", _name(number)), DescribeWithdrawal()
        )
        assert isinstance(found, WithdrawalDescribed)
        return found

    def _batches(self) -> list[str]:
        return sorted(
            key.partition(":")[2] for kind, key in self.tables.documents if kind == BATCHES
        )

    def _rows(self, name: str) -> list[str]:
        """As the file has them."""
        mine = row_key(name)
        return sorted(
            key.removeprefix(mine)
            for (kind, key), (_, fields, _) in self.tables.documents.items()
            if kind == ROWS and key.startswith(mine) and fields["in"]
        )

    def check(self) -> None:
        """Each is in one file, or has their points; and what the bank said is so."""
        files = [reference for references in self.paid.values() for reference in references]
        assert len(files) == len(set(files)), f"paid twice: {files}"
        for number, status in enumerate(self.statuses):
            here = _reference(number) in files
            assert here == (status != "cancelled"), (number, status, files)
            assert not (here and number in self.left), "whoever left is paid"
            expected = "returned" if number % 2 else "completed"
            assert status in (expected, "cancelled"), (number, status)
        balances = self.tables.balances
        assert sum(balances.values()) == 0
        arrived = self.statuses.count("completed")
        assert balances.get("paid:", 0) == arrived * POINTS
        blocked = sum(points for name, points in balances.items() if name.startswith("blocked:"))
        assert blocked == 0


def _name(number: int) -> str:
    return f"wd_{number}"


def _reference(number: int) -> str:
    return f"REWAPP-WD-2027-01-15-{number:03d}"


def _reports(name: str, found: FileRead) -> list[TakeReport]:
    """A booking of all, and a return of every other one."""
    references = found.document.decode().split(",")
    booked = [Finding("completed", one, name, POINTS, "EUR") for one in references]
    back = [
        Finding("returned", one, name, POINTS, "EUR", "AC06")
        for one in references
        if int(one[-3:]) % 2
    ]
    return [
        TakeReport("camt.054.001.08", f"{name}-D", "d" * 64, 0, True, tuple(booked)),
        TakeReport("camt.054.001.08", f"{name}-C", "c" * 64, 0, True, tuple(back)),
    ]


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    """All of them, played."""
    played: list[Story] = []
    for seed in range(SEEDS):
        story = Story(seed)
        run_seeded(seed, story.play)
        played.append(story)
    return played


@pytest.mark.soak
def test_nobody_is_paid_twice_and_nobody_is_lost(stories: list[Story]) -> None:
    """S50, X26, X27: whenever the daemon dies, and whatever is said twice or out of order."""
    for seed, story in enumerate(stories):
        try:
            story.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_the_seeds_meet_what_they_are_for(stories: list[Story]) -> None:
    """E14, X27: daemons die, people leave, batches are full, closed by hand and by time."""
    assert sum(story.killed for story in stories) > 2 * SEEDS
    assert sum("cancelled" in story.statuses for story in stories) > SEEDS // 10
    assert sum(len(story.paid) > 1 for story in stories) > SEEDS // 4
    assert sum(status == "returned" for story in stories for status in story.statuses) > SEEDS

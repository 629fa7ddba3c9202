"""One crash of the writer at a time: what is found out, who hears of it, and where it ends.

Source: issue 3, deliver 6; design.md 5, 7 (Unknown COMMIT); engine/journal.py (the contract).
"""

# pyright: reportPrivateUsage=false

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from comptoir.engine.decision import DeadLetter, Decision
from comptoir.engine.errors import Failed
from comptoir.engine.journal import Fate, Lost, Rejected, Run
from comptoir.engine.spec import Intensity
from comptoir.engine.values import Address
from comptoir.storage import batch, crashes, writer
from comptoir.storage.crashes import WriterBroken
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import (
    BLANK,
    NOW,
    Desk,
    Noted,
    Remind,
    credit,
    keep,
    note,
    page,
)
from comptoir.storage.vault import Vault
from comptoir.storage.writer import CONVOY_MIN
from tests.storage.watching import watch_statements

VAULT = Vault({"k1": bytes(range(32))})
BOB = Address("wallet", "bob")
CRASHES = 1000
PATIENT = Intensity(restarts=1_000_000, period_ms=60_000)
POISON = "poison"


class Bug(Exception):
    """What only a bug of ours would raise."""


@asynccontextmanager
async def _open(postgres: Any, intensity: Intensity = PATIENT) -> AsyncGenerator[PostgresJournal]:
    options = JournalOptions(now=NOW, readers=2, writer_intensity=intensity)
    async with PostgresJournal.open(postgres.url, VAULT, options) as journal:
        yield journal


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folding crashes on any batch that begins with a poisonous decision."""
    fold = batch.fold

    def fold_unless_poison(parts: Any, *args: Any) -> Any:
        if parts[0].progress.run.decided[0].decision.state == page(POISON):
            raise Bug
        return fold(parts, *args)

    monkeypatch.setattr(writer, "fold", fold_unless_poison)


async def test_a_crash_in_telling_the_last_ones_is_one_incident(
    postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 5: also where nobody waits any more, and so no batch is begun that would contain it."""
    tell, struck = writer.Writer._tell_untold, list[str]()

    def tell_later(self: writer.Writer) -> None:
        if self._untold and not self._waiting and not struck:
            struck.append("x")
            raise Bug
        tell(self)

    monkeypatch.setattr(writer.Writer, "_tell_untold", tell_later)
    async with _open(postgres) as journal:
        desk = Desk(journal)
        for text in ("a", "b"):
            assert (await desk.write(BOB, note(text))).why is None
        assert (struck, journal.statistics().stopped, journal.statistics().crashes_total) == (
            ["x"],
            "",
            1,
        )


@pytest.mark.parametrize("when", ["before", "after"])
async def test_the_outcome_of_what_crashed_is_found_out(
    postgres: Any, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Design.md 7, Unknown COMMIT: a crash below the connection, before or after PostgreSQL committed,
    leaves nobody in doubt; the batch is there once, and so is what a job wrote.
    """
    armed = [False]

    def strike(sql: str) -> None:
        if armed[0] and sql.startswith(("\nselect comptoir.commit", "select comptoir.replay")):
            armed[0] = False
            raise Bug

    watch_statements(monkeypatch, **{when: strike})
    async with _open(postgres) as journal:
        desk = Desk(journal)
        for number in range(5):
            armed[0] = True
            points = credit("bob", f"l{number}", 1, total=number + 1)
            fate = await desk.write(BOB, note(f"{number}", events=(Noted("e"),), **points))
            assert (fate.count, fate.why, armed[0]) == (1, None, False)
        await _bury(desk)
        (letter,) = await journal.dead_letters(None, 10)
        armed[0] = True
        (row,) = await journal.replay([letter.id], NOW)
        assert not armed[0]
        # Were the replay still in doubt, this batch would be taken for it, and be lost.
        assert (await desk.write(BOB, note("last"))).why is None
        assert [x.id for x in await journal.pending(letter.target, 10, NOW)] == [row.id]
        assert (await journal.load(BOB)).version == 6  # type: ignore[union-attr]
        assert journal.statistics().crashes_total == 6
    assert postgres.run("select count(*), max(number) from comptoir.event") == "5|5"


async def _bury(desk: Desk) -> None:
    letter = Decision(BLANK, dead_letter=DeadLetter("dlq:test", "TEST", ""))
    fate = await desk.write(Address("push", ""), letter, message=Remind("x"), stateless=True)
    assert fate.why is None


async def test_a_settle_that_raises_keeps_no_other_from_hearing(postgres: Any) -> None:
    """Engine/journal.py: a bug in one submitter's callback is counted; the runs after it in the same
    batch hear their fates, in order.
    """
    async with _open(postgres) as journal:
        desk = Desk(journal)
        heard: list[str] = []

        def settle(run: Run, fate: Fate) -> None:
            heard.append(run.address.key)
            if int(run.address.key) % 3 == 0:
                raise Bug
            assert fate.why is None

        for number in range(30):
            run = desk.submit(Address("wallet", str(number)), note("x"))
            run.settle = settle
        desk.submit(BOB, note("x"))
        assert (await desk.wait(1))[0].why is None
        assert heard == [str(number) for number in range(30)]
        assert journal.statistics().crashes_total == 10


async def test_the_next_batch_is_sent_before_those_of_the_one_before_are_told(
    postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 7: the database does not wait for what the actors of a batch do next; and nobody hears
    of a decision before it is durable.
    """
    happened: list[str] = []

    def sent(sql: str) -> None:
        happened.extend(["sent"] * (sql == writer.COMMIT_SQL))

    def durable(sql: str) -> None:
        happened.extend(["durable"] * (sql == writer.COMMIT_SQL))

    async with _open(postgres) as journal:
        desk = Desk(journal)
        await desk.write(BOB, note("x"))  # the connection is there, and the month of its events
        watch_statements(monkeypatch, before=sent, after=durable)

        def settle(run: Run, fate: Fate) -> None:
            assert fate.why is None
            happened.append(f"told {run.address.key}")

        for number in range(2 * CONVOY_MIN):
            desk.submit(Address("wallet", str(number)), note("x")).settle = settle
        desk.submit(BOB, note("y"))
        assert (await desk.wait(1))[0].why is None
    told = [place for place, x in enumerate(happened) if x.startswith("told")]
    assert len(told) == 2 * CONVOY_MIN
    # Half of what waits goes first; its runs are told when the other half is on its way.
    assert happened[:3] == ["sent", "durable", "sent"]
    assert told[0] == 3
    assert happened[told[CONVOY_MIN - 1] :].count("durable") == 1


async def test_two_halves_that_take_turns_become_even(
    postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 10: all who were answered together wait together; a great half and a small one would stay so for
    ever, one waiting for the flush of few, the other for the decisions of many.
    """
    fold, sizes = batch.fold, list[int]()

    async with _open(postgres) as journal:
        desk = Desk(journal)
        await desk.write(BOB, note("x"))
        told, over = 0, trio.Event()

        def ask(address: Address) -> None:
            run = desk.submit(address, note("x"))
            keep_version = run.settle

            def again(run: Run, fate: Fate) -> None:
                nonlocal told
                keep_version(run, fate)
                told += 1
                if told < 20 * CONVOY_MIN:
                    ask(address)
                else:
                    over.set()

            run.settle = again

        def submit(first: int, count: int) -> None:
            for number in range(first, first + count):
                ask(Address("wallet", str(number)))

        def fold_and_note(parts: Any, *args: Any) -> Any:
            if not sizes:
                submit(CONVOY_MIN, 2 * CONVOY_MIN)  # while the first are on their way
            sizes.append(len(parts))
            return fold(parts, *args)

        monkeypatch.setattr(writer, "fold", fold_and_note)
        submit(0, CONVOY_MIN)
        with trio.fail_after(10):
            await over.wait()
    assert sizes[0] == CONVOY_MIN // 2
    even = 3 * CONVOY_MIN // 2
    assert {abs(size - even) for size in sizes[3:9]} == {0}


async def test_beyond_the_intensity_the_journal_ends_loudly(
    postgres: Any, poisoned: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design.md 5: a writer that crashes again and again has a bug; the journal ends as BROKEN, with
    the last crash as the cause, and whoever waits hears it once.
    """
    desks: list[Desk] = []

    async def serve() -> None:
        async with _open(postgres, Intensity(restarts=3)) as journal:
            desk = Desk(journal)
            desks.append(desk)
            for number in range(3):
                fate = await desk.write(Address("wallet", str(number)), note(POISON))
                assert isinstance(fate.why, Rejected)
            assert journal.statistics().crashes_recent == 3
            desk.submit(Address("wallet", "4"), note(POISON))
            desk.submit(BOB, note("x"))
            with trio.fail_after(10):
                assert await journal.wait_stopped() == "BROKEN"

    with pytest.raises(WriterBroken) as caught:
        await serve()
    assert isinstance(caught.value.__cause__, Bug)
    (desk,) = desks
    assert [isinstance(fate.why, Lost) for fate in desk.fates] == [True, True]
    assert [fate.count for fate in desk.fates] == [0, 0]
    assert postgres.run("select count(*) from comptoir.actor") == "0"


async def test_a_job_that_crashes_is_told_to_whoever_asked(postgres: Any) -> None:
    """A bug in work between two batches is its asker's to hear; the writer goes on."""
    async with _open(postgres, Intensity(restarts=0)) as journal:

        async def crash() -> None:
            await trio.lowlevel.checkpoint()
            raise Bug

        for _ in range(CRASHES):
            with pytest.raises(Failed):
                await journal._writer.perform(crash)
        assert journal.statistics().crashes_total == CRASHES
        assert (await Desk(journal).write(BOB, keep())).why is None


def test_crashes_beyond_their_period_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand crashes, each with time between, never end the journal and take no memory."""
    now = [0]
    monkeypatch.setattr(crashes, "_now", lambda: now[0])
    counted = crashes.Crashes(Intensity(restarts=2, period_ms=1000))
    for _ in range(CRASHES):
        now[0] += 600
        counted.note(Bug(), "a test")
    assert (counted.total, counted.recent, len(counted._recent)) == (CRASHES, 2, 2)
    now[0] += 1000
    assert counted.recent == 0

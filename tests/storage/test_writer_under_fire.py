"""The writer crashed a thousand times: in folding, sealing, counting, telling, and below its connection.

Faults are planted in our own code, where only a bug would raise; what happens is a function of the
printed seed (TESTS_SEED=n replays it). Held throughout: each run hears its fate once, what it was told
is what PostgreSQL holds, and one poisonous decision hurts nobody else.
Source: issue 3, deliver 6; design.md 5, 7 (Unknown COMMIT, Isolation); invariants 1 and 2.
"""

# pyright: reportPrivateUsage=false

import os
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from comptoir.engine.journal import Decided, Fate, Rejected, Run
from comptoir.engine.spec import Intensity
from comptoir.engine.values import Address
from comptoir.storage import batch, session, writer
from comptoir.storage.crashes import WRITER_CRASHED
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import NOW, Desk, Noted, credit, note, page, tell
from comptoir.storage.vault import Vault
from comptoir.storage.writer import Writer
from tests.storage.watching import watch_statements

VAULT = Vault({"k1": bytes(range(32))})
BOB = Address("wallet", "bob")
CRASHES = 1000
ACTORS = 24
PATIENT = Intensity(restarts=1_000_000, period_ms=60_000)
POISON = "poison"


class Bug(Exception):
    """What only a bug of ours would raise."""


@asynccontextmanager
async def _open(
    postgres: Any, intensity: Intensity = PATIENT, vault: Vault = VAULT
) -> AsyncGenerator[PostgresJournal]:
    options = JournalOptions(now=NOW, readers=2, writer_intensity=intensity)
    async with PostgresJournal.open(postgres.url, vault, options) as journal:
        yield journal


class Fire:
    """Plants faults, counts them, and can be put out."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.lit = False
        self.raised: Counter[str] = Counter()

    def strikes(self, where: str, probability: float) -> bool:
        """Whether to crash here and now."""
        if not self.lit or self.rng.random() >= probability:
            return False
        self.raised[where] += 1
        return True

    def around(self, where: str, function: Callable[..., Any], probability: float) -> Any:
        """The function, crashing before or after it did its work."""

        def wrapped(*args: Any, **options: Any) -> Any:
            if self.strikes(f"before {where}", probability / 2):
                raise Bug(where)
            result = function(*args, **options)
            if self.strikes(f"after {where}", probability / 2):
                raise Bug(where)
            return result

        return wrapped

    def around_async(self, where: str, function: Callable[..., Any], probability: float) -> Any:
        """As `around`, for what is awaited."""

        async def wrapped(*args: Any, **options: Any) -> Any:
            if self.strikes(f"before {where}", probability / 2):
                raise Bug(where)
            result = await function(*args, **options)
            if self.strikes(f"after {where}", probability / 2):
                raise Bug(where)
            return result

        return wrapped


def _is_poison(parts: Any) -> bool:
    return any(
        decided.decision.state == page(POISON)
        for part in parts
        for decided in part.progress.run.decided[part.progress.done : part.stop]
    )


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Let folding crash on any batch that holds a decision whose state says so; that folding."""
    fold = batch.fold

    def fold_unless_poison(parts: Any, *args: Any) -> Any:
        if _is_poison(parts):
            raise Bug("a value that must not be told")
        return fold(parts, *args)

    monkeypatch.setattr(writer, "fold", fold_unless_poison)
    return fold_unless_poison


@pytest.fixture
def fire(monkeypatch: pytest.MonkeyPatch, poisoned: Callable[..., Any]) -> Fire:
    """Crashes all over the writer, and below it."""
    seed = int(os.environ.get("TESTS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"TESTS_SEED={seed}")  # noqa: T201 - shown where the test fails
    fire = Fire(seed)
    monkeypatch.setattr(session, "BACKOFF_SECONDS_MIN", 0.001)
    monkeypatch.setattr(writer, "BACKOFF_SECONDS_MIN", 0.001)
    monkeypatch.setattr(writer, "fold", fire.around("fold", poisoned, 0.2))
    places = {"_count": 0.1, "_collect": 0.1, "_find_recent": 0.02, "_is_plain": 0.05}
    for name, probability in {**places, "_tell_untold": 0.05}.items():
        monkeypatch.setattr(Writer, name, fire.around(name, getattr(Writer, name), probability))
    for name, probability in (("_ensure_months", 0.05), ("_find_guilty", 0.1)):
        planted = fire.around_async(name, getattr(Writer, name), probability)
        monkeypatch.setattr(Writer, name, planted)
    monkeypatch.setattr(Vault, "seal", fire.around("seal", Vault.seal, 0.01))
    statements = {writer.COMMIT_SQL: "commit", session.READ_WRITER_SQL: "for update"}

    def strike(when: str, sql: str, probability: float) -> None:
        place = statements.get(sql)
        if place is not None and fire.strikes(f"{when} {place}", probability):
            raise Bug(place)

    watch_statements(
        monkeypatch,
        before=lambda sql: strike("before", sql, 0.03),
        after=lambda sql: strike("after", sql, 0.06),
    )
    return fire


class Depositor:
    """One actor that earns a point with each decision, and believes what it is told."""

    def __init__(self, journal: PostgresJournal, fire: Fire, number: int) -> None:
        self.journal = journal
        self.fire = fire
        self.rng = random.Random(fire.rng.random())
        self.address = Address("wallet", f"u{number}")
        self.version, self.state = 0, page("")
        self.serial = 0
        self.decisions = 0
        """Those that it was told are durable."""
        self.rejected = 0
        self.poison_rejected = 0
        self.poison_sent = 0
        self.told: Counter[int] = Counter()
        """How often each run heard of its fate."""
        self._done = trio.Event()
        self._fate = Fate(0, ())

    async def work(self) -> None:
        """Submit runs until the fire is out."""
        while self.fire.lit:
            await self.step()

    async def step(self) -> None:
        """One run of a few decisions, sometimes with a poisonous one in it."""
        decisions = self.rng.randint(1, 4)
        poison = self.rng.randrange(decisions) if self.rng.random() < 0.02 else -1
        self.poison_sent += poison >= 0
        run = Run(self.address, self.version, [], self._settle, state=self.state)
        for index in range(decisions):
            self.serial += 1
            text = POISON if index == poison else f"{self.serial}"
            points = credit(
                self.address.key, f"{self.address.key}-{self.serial}", 1,
                total=self.decisions + index + 1,
            )  # fmt: skip
            decision = note(
                text, events=(Noted(text),), messages=(tell(BOB, f"{self.serial}"),), **points
            )
            run.decided.append(Decided(decision, NOW, None, None))
        self._done = trio.Event()
        self.journal.submit(run)
        with trio.fail_after(60):
            await self._done.wait()
        fate = self._fate
        for decided in run.decided[: fate.count]:
            self.version, self.state = self.version + 1, decided.decision.state
        self.decisions += fate.count
        assert len(fate.outgoing) == fate.count
        if fate.why is not None:
            assert isinstance(fate.why, Rejected), fate.why
            assert fate.why.code == WRITER_CRASHED
            guilty = run.decided[fate.count].decision.state == page(POISON)
            self.poison_rejected += guilty
            self.rejected += not guilty
        else:
            assert poison < 0, "poison was swallowed"

    def _settle(self, run: Run, fate: Fate) -> None:
        self.told[id(run)] += 1
        assert self.told[id(run)] == 1
        self._keep = run  # so that no other run has its id
        self.told = Counter({id(run): 1})
        self._fate = fate
        self._done.set()
        if self.fire.strikes("after settle", 0.1):
            raise Bug("settle")


async def test_a_thousand_crashes_of_the_writer_lose_and_double_nothing(
    postgres: Any, fire: Fire
) -> None:
    """Design.md 5, invariants 1, 2: crashed a thousand times, all over, the writer goes on; each fate
    is told once and is true to the point, and no task is left over.
    """
    tasks = trio.lowlevel.current_statistics().tasks_living
    async with _open(postgres) as journal:
        depositors = [Depositor(journal, fire, number) for number in range(ACTORS)]
        fire.lit = True
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for depositor in depositors:
                    nursery.start_soon(depositor.work)
                while journal.statistics().crashes_total < CRASHES:
                    assert journal.statistics().stopped == ""
                    await trio.sleep(0.01)
                fire.lit = False
        statistics = journal.statistics()
        assert statistics.crashes_recent > 0
        assert (statistics.runs_waiting, statistics.stopped, journal.available) == (0, "", True)
        for depositor in depositors:
            await depositor.step()  # and all is as ever
            loaded = await journal.load(depositor.address)
            assert (loaded.version if loaded else 0) == depositor.version
        assert not journal._writer._in_flight
        statistics = journal.statistics()
    assert trio.lowlevel.current_statistics().tasks_living == tasks
    total = sum(depositor.decisions for depositor in depositors)
    assert postgres.run(
        "select count(*), max(number) from comptoir.event",
        "select count(*), count(distinct payload) from comptoir.message where class = 'message'",
        "select coalesce(sum(points), 0) from report.posting",
        "select batch from comptoir.writer",
    ).splitlines() == [f"{total}|{total}", f"{total}|{total}", "0", f"{statistics.batch}"]
    held = dict(
        line.split("|")
        for line in postgres.run("select user_id, available from report.wallet").splitlines()
    )
    expected = {x.address.key: str(x.decisions) for x in depositors if x.decisions}
    assert held == expected
    sent = sum(depositor.poison_sent for depositor in depositors)
    assert sum(depositor.poison_rejected for depositor in depositors) <= sent
    assert sum(depositor.poison_rejected for depositor in depositors) > 0
    # An innocent decision is given up only if chance strikes it twice when it is alone.
    assert sum(depositor.rejected for depositor in depositors) < total / 20
    for where in ("fold", "commit", "_count", "_collect", "_tell_untold", "_is_plain"):
        assert fire.raised[f"before {where}"], where
        assert fire.raised[f"after {where}"], where
    assert fire.raised["after settle"]
    assert fire.raised["before seal"] + fire.raised["after seal"]


async def test_a_poisonous_decision_is_isolated(
    postgres: Any, poisoned: Callable[..., Any]
) -> None:
    """Design.md 7, Isolation: a decision that crashes the writer is rejected alone, as one incident;
    what was before it in its run and everybody else commits, and nothing of its value is told.
    """
    async with _open(postgres, Intensity(restarts=1)) as journal:
        desk = Desk(journal)
        for number in range(40):
            texts = ["a", POISON, "b"] if number == 17 else ["a", "b"]
            desk.submit(Address("wallet", str(number)), *(note(text) for text in texts))
        fates = await desk.wait(40)
        guilty = [number for number, fate in enumerate(fates) if fate.why is not None]
        assert guilty == [17]
        assert fates[17].count == 1
        why = fates[17].why
        assert isinstance(why, Rejected)
        assert why.code == WRITER_CRASHED
        assert why.detail.startswith("Bug fold_unless_poison:")
        assert "must not be told" not in why.detail
        statistics = journal.statistics()
        assert (statistics.crashes_recent, statistics.stopped) == (1, "")
        assert statistics.crashes_total > 2
        assert (await desk.write(Address("wallet", "17"), note("c"))).why is None
    assert postgres.run("select sum(version) from comptoir.actor") == "80"


async def test_a_decision_that_crashed_once_is_tried_again_alone(
    postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an actor does (design.md 5): what crashed once may have been chance; it is folded again."""
    fold = batch.fold
    struck: list[str] = []

    def fold_later(*args: Any) -> Any:
        struck.append("x")
        if len(struck) % 2:
            raise Bug
        return fold(*args)

    monkeypatch.setattr(writer, "fold", fold_later)
    async with _open(postgres) as journal:
        desk = Desk(journal)
        for number in range(10):
            assert (await desk.write(BOB, note(f"{number}"))).why is None
        assert journal.statistics().crashes_total == 10

"""What an operator sets is what the daemon does: the bounds of storage, of the sweep, of what is kept.

Rule: each test does the same twice, under two values, and sees another behaviour.
Source: docs/configuration.md; design.md 3, 5, 7; spec.md X23.
"""

# pyright: reportPrivateUsage=false

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
import trio
from trio.testing import MockClock

from comptoir.actors.merchants.messages import MERCHANTS, ImportPartners, Partner
from comptoir.engine.boot import Daemon, memory_engine
from comptoir.engine.clock import BusinessClock
from comptoir.engine.compose import engine_bounds
from comptoir.engine.decision import DeadLetter
from comptoir.engine.delivery import Delivery
from comptoir.engine.errors import Refused
from comptoir.engine.housekeeping import Housekeeping
from comptoir.engine.settings import Settings
from comptoir.engine.telemetry import EngineCollector
from comptoir.engine.toys import Do
from comptoir.engine.values import Address, encode
from comptoir.storage.bridge import Bridge, Target, open_bridge
from comptoir.storage.crashes import Crashes
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.journal_testing import NOW, Desk, Remind, keep, tell
from comptoir.storage.memory import MessageRow
from comptoir.storage.session import Session
from comptoir.storage.sqlstate import ConnectionLost, StatementBroken
from comptoir.storage.testing import MemoryJournal, MemoryTables
from comptoir.storage.vault import Vault

DAY_MS = 86_400_000


class Nobody:
    """Takes nothing: what is found stays where it is."""

    def offer(self, row: object) -> bool:
        """No."""
        del row
        return False


@pytest.mark.parametrize(("most", "found"), [(2, [2, 0]), (100, [5, 0])])
async def test_a_sweep_takes_so_many_rows(most: int, found: list[int]) -> None:
    """Design.md 3, engine.sweep_rows_max: one sweep reads and delivers no more rows than that."""
    settings = Settings().having({("engine", "sweep_rows_max"): most})
    tables = MemoryTables()
    target = Address("toy", "x")
    for number in range(1, 6):
        payload = encode(Do("lost"))
        tables._put_in(MessageRow(number, target, target, payload, "message", 0, 0))
    bounds = engine_bounds(settings)
    async with MemoryJournal.open(tables) as journal:
        delivery = Delivery(
            journal, {"toy": Nobody()}, lambda: 10, bounds.sweep_s, bounds.sweep_rows_max
        )
        delivery.timer_set(11)
        assert await delivery.sweep_once() == 0, "seen for the first time"
        # Found, and then its address is backlogged, which is the pump's affair.
        assert [await delivery.sweep_once() for _ in found] == found


async def test_no_more_partners_are_kept_than_that() -> None:
    """S47, merchants.partners_max: an import of one more is refused by name and changes nothing."""
    partners = tuple(Partner(id=f"p{n}", name=f"Enseigne {n}") for n in range(3))
    for most, code in ((2, "PARTNERS_TOO_MANY"), (3, "")):
        settings = Settings().having(
            {("merchants", "partners_max"): most, ("clock", "mode"): "manual"}
        )
        async with memory_engine(settings) as engine:
            refused = ""
            try:
                await engine.ask(MERCHANTS, ImportPartners(partners))
            except Refused as refusal:
                refused = refusal.code
            assert refused == code
            kept = await engine.journal.scan("partner", "", 10)
            assert len(kept) == (0 if code else 3)


@pytest.mark.parametrize(("days", "gone"), [(30, 2), (31, 1), (60, 0)])
async def test_dead_letters_live_so_long(days: int, gone: int) -> None:
    """X23, dead_letters.ttl_days: after it they are deleted, counted, and logged by queue and count
    only; what is held for a person stays.
    """
    ttl = Settings().having({("dead_letters", "ttl_days"): days}).dead_letters.ttl_days * DAY_MS
    clock, collector = BusinessClock(manual=True), EngineCollector()
    async with MemoryJournal.open() as journal:
        desk, now = Desk(journal), clock.now()
        for queue, age in (
            ("dlq:points", 32),
            ("dlq:points", 30),
            ("hold", 400),
            ("dlq:points", 1),
        ):
            await desk.write(
                Address("push", "push"),
                keep(dead_letter=DeadLetter(queue, "CRASHED")),
                message=Remind("secret of a person"), stateless=True, at=now - age * DAY_MS - 5,
            )  # fmt: skip
        chores = Housekeeping(journal, collector, clock, (), {"dead_letters": ttl})
        with structlog.testing.capture_logs() as logs:
            await chores.expire_dead_letters()
        assert await journal.count_dead_letters() == {"dlq:points": 3 - gone, "hold": 1}
        said = [{"queue": "dlq:points", "letters": gone}] if gone else []
        assert [{k: line[k] for k in ("queue", "letters")} for line in logs] == said
        assert "person" not in repr(logs)
        assert collector.dead_letters_expired == Counter({"dlq:points": gone} if gone else {})


async def test_the_daemon_hands_its_settings_on(comptoir_postgres: str, tmp_path: Path) -> None:
    """Design.md 7, storage.statement_timeout_s: a statement that takes longer is given up, by a whole
    daemon, for which every other bound of storage and of the chores is what was set, too.
    """
    settings = Settings.load(
        None,
        {
            "COMPTOIR_STORAGE__URL": comptoir_postgres,
            "COMPTOIR_STORAGE__DATA_DIR": str(tmp_path / "data"),
            "COMPTOIR_STORAGE__STATEMENT_TIMEOUT_S": "0.4",
            "COMPTOIR_STORAGE__RECONNECT_INTERVAL_S": "0.25",
            "COMPTOIR_DEAD_LETTERS__TTL_DAYS": "5",
        },
    )
    async with Daemon(settings).open(listen=False) as daemon:
        journal, chores = daemon.journal, daemon._housekeeping
        assert journal is not None
        assert chores is not None
        assert await journal._fetch("select 1 from pg_sleep(0.05)")
        began = trio.current_time()
        with pytest.raises((ConnectionLost, StatementBroken)):
            await journal._fetch("select pg_sleep(20)")
        assert trio.current_time() - began < 10
        assert await journal.setting("clock") is None, "the next one is answered"
        assert journal._writer._longest_pause == 0.25
        assert chores._dead_letters_ttl_ms == 5 * DAY_MS


async def test_the_writer_gives_a_statement_up(comptoir_postgres: str) -> None:
    """Design.md 7: a batch that the database does not answer in time is no batch lost: its connection
    is given up, what became of it is found out, and it is durable once.
    """
    options = JournalOptions(statement_timeout_s=0.4, reconnect_interval_s=0.05)
    async with (
        PostgresJournal.open(comptoir_postgres, Vault({"k1": bytes(32)}), options) as journal,
        open_bridge() as bridge,
    ):
        other = await bridge.connect(Target(comptoir_postgres))
        desk = Desk(journal)
        await other.fetch("begin")
        await other.fetch("lock table comptoir.message in exclusive mode")
        desk.submit(
            Address("push", "push"),
            keep(messages=(tell(Address("push", "push"), "x"),)),
            stateless=True,
        )
        with trio.fail_after(20):
            while not journal.statistics().reconnects_total:  # noqa: ASYNC110  # tells no event
                await trio.sleep(0.02)
        await other.fetch("rollback")
        (fate,) = await desk.wait(1)
        assert fate.why is None
        assert len(await journal.pending(Address("push", "push"), 10, NOW)) == 1
        await other.close()


class Deaf:
    """A database that nobody reaches, and when it was tried."""

    def __init__(self) -> None:
        self.tries: list[float] = []

    async def connect(self, target: Target) -> Any:
        """Nobody answers."""
        del target
        self.tries.append(trio.current_time())
        raise ConnectionLost("nobody")


@pytest.mark.parametrize("pause", [0.02, 0.5, 3.0])
async def test_attempts_to_reconnect_are_so_far_apart(
    autojump_clock: MockClock, pause: float
) -> None:
    """Design.md 7, storage.reconnect_interval_s: no pause is longer, and it is reached."""
    deaf: Any = Deaf()
    bridge: Bridge = deaf
    session = Session(bridge, Target("", reconnect_seconds=pause), Crashes())
    with trio.move_on_after(60):
        await session.call("select 1")
    pauses = [later - sooner for sooner, later in zip(deaf.tries, deaf.tries[1:], strict=False)]
    assert max(pauses) == pytest.approx(pause)
    rounded = [round(one, 6) for one in pauses]
    assert rounded == sorted(rounded)

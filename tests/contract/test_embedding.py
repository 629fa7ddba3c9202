"""Section 11: the daemon embedded in somebody's test, and the page that tells how.

Rule: what docs/embedding.md shows is run as it stands, by a pytest that knows only the plugin.
Source: interface.md 11; spec.md S73, S75.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from comptoir.actors.connection.messages import LinkConnection, Linked, TransactionReported
from comptoir.actors.merchants.messages import MERCHANTS, ImportPartners, Partner
from comptoir.engine import Address, UnknownAddress
from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of

ROOT = Path(__file__).resolve().parents[2]
CARD = Address("connection", "somebody's card")
INI = (
    "[pytest]\ntrio_mode = true\nfilterwarnings = error\n"
    "addopts = -p no:cacheprovider -p no:schemathesis -p no:hypothesispytest\n"
)
"""Others' plugins cost half a second a start, and are none of ours."""


def settings_of(url: str, folder: Path, **values: str) -> Settings:
    """Settings of a daemon in this process."""
    env = {
        "COMPTOIR_STORAGE__URL": url,
        "COMPTOIR_STORAGE__DATA_DIR": str(folder),
        "COMPTOIR_HTTP__PORT": "0",
        "COMPTOIR_INGEST__PORT": "0",
        "COMPTOIR_CLOCK__MODE": "manual",
    }
    return Settings.load(None, {**env, **values})


async def test_engine_in_this_process(comptoir_postgres: str, tmp_path: Path) -> None:
    """http_url, ask, tell, events(after=), statistics of an opened engine (S75)."""
    settings = settings_of(comptoir_postgres, tmp_path)
    async with Engine.open(settings) as engine:
        async with httpx.AsyncClient(
            verify=trust_of(engine.http_url or ""), base_url=engine.http_url
        ) as client:
            ready = await client.get("/health/ready")
            assert ready.json()["status"] == "ready"
        linked = await engine.ask(CARD, LinkConnection("c1", "u1"))
        assert linked.reply == Linked("imported")
        partner = Partner(id="p1", name="Zorblax", rate_bp=1000)
        await engine.ask(MERCHANTS, ImportPartners((partner,)))
        await engine.wait_reference("partners", 1)
        await engine.tell(CARD, report("t1"))
        assert await engine.quiesce(20)
        async with aclosing(engine.events(after=0)) as events:
            seen = [await anext(events) for _ in range(4)]
        assert [one.number for one in seen] == [1, 2, 3, 4]
        assert {one.type for one in seen} >= {
            "ConnectionLinked", "TransactionMatched", "PointsCredited",
        }  # fmt: skip
        async with aclosing(engine.events(after=3)) as events:
            assert (await anext(events)).number == 4
        with pytest.raises(UnknownAddress):
            await engine.ask(Address("nothing", "x"), LinkConnection("c1", "u1"))
        figures = engine.statistics()
        assert {host.kind for host in figures.hosts} == {
            "clients", "connection", "wallet", "merchants", "issuance", "linking", "card", "idempotency",
            "person", "invitation", "ceremony", "browser_session", "authorization_code",
            "refresh_family", "revocation", "approval", "erasure", "consent", "disposition", "sessions",
            "payout_batch", "payout_file", "payout_report",
            "letter_report", "candidates", "claim", "consent_week", "withdrawal", "reconciliation", "onboarding", "numbering",
            "notification", "device", "sighting", "watch_list", "review", "onboarding_day", "kyc", "account", "signature", "feed", "endpoint",
        }  # fmt: skip
        assert figures.journal.decisions_total > 0
        assert figures.delivery.stranded_total == 0
    async with httpx.AsyncClient(
        verify=trust_of(engine.http_url or ""), base_url=engine.http_url
    ) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/health/live")


async def test_events_arrive_as_they_are_committed(comptoir_postgres: str, tmp_path: Path) -> None:
    """A subscriber that waits hears of the next event, and no other waits for it."""
    async with Engine.open(settings_of(comptoir_postgres, tmp_path)) as engine:
        numbers: list[int] = []

        async def listen() -> None:
            async with aclosing(engine.events(after=0)) as events:
                async for event in events:
                    numbers.append(event.number)
                    if len(numbers) == 3:
                        return

        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(listen)
                for number in range(3):
                    card = Address("connection", f"card {number}")
                    await engine.ask(card, LinkConnection(f"c{number}", "u1"))
        assert numbers == [1, 2, 3]


async def test_engines_one_after_another(comptoir_postgres: str, tmp_path: Path) -> None:
    """What one engine took the next one knows; two in one process do not disturb each other."""
    settings = settings_of(comptoir_postgres, tmp_path)
    async with Engine.open(settings) as engine:
        first = await engine.ask(CARD, report("t1"))
        assert (first.replayed, first.reply.parked) == (False, True)
    async with Engine.open(settings) as engine:
        again = await engine.ask(CARD, report("t1"))
        assert again.replayed
        assert again.reply == first.reply


async def test_the_callers_own_error_passes(comptoir_postgres: str, tmp_path: Path) -> None:
    """An exception in the block ends the engine and reaches the caller as it was."""
    with trio.fail_after(30), pytest.raises(LookupError, match="mine"):
        async with Engine.open(settings_of(comptoir_postgres, tmp_path)):
            raise LookupError("mine")


async def test_engine_without_a_database(comptoir_engine: Any) -> None:
    """`comptoir_engine`: an in-memory journal with a manual clock and no socket."""
    assert comptoir_engine.http_url is None
    before = comptoir_engine.now()
    answer = await comptoir_engine.ask(CARD, report("t1"))
    assert answer.reply.parked
    now, fired = await comptoir_engine.advance_clock(25 * 3600)
    assert (fired, now - before >= 25 * 3_600_000) == (1, True)
    assert await comptoir_engine.journal.count_dead_letters() == {"dlq:transactions": 1}


def test_fixtures_are_quiet_until_asked_for(tmp_path: Path) -> None:
    """The plugin is found by its entry point, and costs a test that does not use it nothing."""
    file = tmp_path / "test_nothing.py"
    file.write_text(
        "import sys\n\n\ndef test_nothing():\n"
        "    rooms = ('comptoir.storage', 'comptoir.actors', 'comptoir.http', 'asyncpg')\n"
        "    assert not [name for name in sys.modules if name.startswith(rooms)]\n"
    )
    done = outside(tmp_path, "--fixtures", "-q", "-v", file.name)
    for name in ("postgres", "engine", "daemon", "daemon_shared", "sandbox"):
        assert f"\ncomptoir_{name} " in done.stdout, done.stdout
    assert outside(tmp_path, "-q", file.name).returncode == 0


def test_the_page_is_true(tmp_path: Path) -> None:
    """Every example of docs/embedding.md runs as it stands (S75)."""
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    code = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(code) == 3
    file = tmp_path / "test_page.py"
    file.write_text("\n\n".join(code), encoding="utf-8")
    done = outside(tmp_path, "-q", file.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_daemons_of_one_test_share_a_database(
    comptoir_daemon: Callable[..., Process], comptoir_postgres: str
) -> None:
    """Started one after the other they know the same; `start=False` starts nothing."""
    first = comptoir_daemon()
    assert first.env["COMPTOIR_STORAGE__URL"] == comptoir_postgres
    assert first.load("connections", "connection_id,user_id\nc1,u1\n").json()["imported"] == 1
    assert first.stop() == 0
    second = comptoir_daemon(start=False)
    assert not second.running
    second.start()
    assert second.load("connections", "connection_id,user_id\nc1,u1\n").json()["unchanged"] == 1


def report(transaction_id: str) -> TransactionReported:
    """A purchase at Zorblax."""
    return TransactionReported(
        provider="seed", event="transaction.created", transaction_id=transaction_id,
        amount_cents=1000, currency="EUR", direction="DEBIT", date="2026-11-20",
        merchant_name="ZORBLAX PARIS",
    )  # fmt: skip


def outside(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest in somebody else's folder."""
    (folder / "pytest.ini").write_text(INI)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=folder, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip

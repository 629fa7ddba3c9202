"""Section 2, last lines: the embedded PostgreSQL, and a database that goes away.

Rule: SIGKILL of the daemon leaves its database running, the next start adopts it, a graceful stop
stops it; while a database is away nothing is taken, and the daemon goes on by itself.
Source: interface.md 2, 5 and 6 (row 9); spec.md S71, X19.
"""

import json
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Card, Customer, eventually, purchase
from comptoir.storage import _locate, _place
from comptoir.storage._postmaster import read_pid_file
from comptoir.storage._psql import psql
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.errors import StorageUnavailable
from comptoir.storage.roles import ROLE_DAEMON

Start = Callable[..., Process]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data folder; whatever database a test left in it is ended."""
    folder = Path(tempfile.mkdtemp(prefix="cte-"))
    folder.chmod(0o711)
    yield folder / "data"
    if (folder / "data").exists():
        trio.run(EmbeddedPostgres(folder / "data").destroy)
    shutil.rmtree(folder)


@pytest.fixture
def comptoir_daemon(data_dir: Path, comptoir_daemon: Start) -> Start:
    """The daemons of a test end before the folder that they write to is taken away."""
    return comptoir_daemon


def postmasters(data_dir: Path) -> list[int]:
    """The database server of the folder, while it runs."""
    place = _place.load(data_dir)
    noted = place and read_pid_file(place.cluster)
    return [noted.pid] if noted and Path(f"/proc/{noted.pid}").exists() else []


def embedded(start: Start, data_dir: Path, **values: str) -> Process:
    """A daemon with its own database, not yet started."""
    storage = {"COMPTOIR_STORAGE__URL": "", "COMPTOIR_STORAGE__DATA_DIR": str(data_dir)}
    return start(start=False, **storage, **values)


def test_embedded_database_outlives_a_kill(comptoir_daemon: Start, data_dir: Path) -> None:
    """Left running by SIGKILL, adopted by the next start, stopped by a graceful stop (S71, X19).

    Without vault.keys they are made at the first start, private, and kept (S45).
    """
    customer = Customer(embedded(comptoir_daemon, data_dir, COMPTOIR_VAULT__KEYS="{}").start())
    folder = data_dir / "keys"
    keys = (folder / "vault.json").read_bytes()
    assert (folder / "store.db").exists()
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert customer.process.ready["database"] == "embedded"
    card = customer.card(rate_bp=1000)
    customer.buy(card, 10)
    servers = postmasters(data_dir)
    assert len(servers) == 1
    # The pipe of the dead daemon ends: its database holds none of its standard output.
    customer.process.kill()
    assert customer.process.printed == b""
    assert postmasters(data_dir) == servers
    customer.process.start()
    assert postmasters(data_dir) == servers
    assert customer.balance(card.user_id)["available"] == 100
    assert customer.process.stop() == 0
    assert postmasters(data_dir) == []
    customer.process.start()
    assert postmasters(data_dir) != servers
    assert (folder / "vault.json").read_bytes() == keys
    assert customer.balance(card.user_id)["available"] == 100


def test_data_folder_of_a_newer_version(comptoir_daemon: Start, data_dir: Path) -> None:
    """A folder that a newer PostgreSQL wrote is not touched: exit 3."""
    process = embedded(comptoir_daemon, data_dir).start()
    assert process.stop() == 0
    (version,) = [
        file for file in data_dir.rglob("PG_VERSION") if (file.parent / "pg_wal").exists()
    ]
    before = version.read_text()
    version.write_text("99\n")
    process.spawn()
    assert process.ended() == 3
    assert re.search(r"^comptoir: DATABASE_NEWER: .+: .+$", process.said(), re.MULTILINE)
    assert "Traceback" not in process.said()
    assert version.read_text() == "99\n"
    version.write_text(before)
    process.start()
    assert process.stop() == 0


def test_a_database_that_crashes_is_started_again(comptoir_daemon: Start, data_dir: Path) -> None:
    """The embedded server is killed: the daemon refuses, starts it again and goes on (S71)."""
    customer = Customer(embedded(comptoir_daemon, data_dir).start())
    card = customer.card(rate_bp=1000)
    customer.buy(card, 10)
    (server,) = postmasters(data_dir)
    os.kill(server, signal.SIGKILL)
    _buy_patiently(customer, card)
    # A session may outlive its killed server by moments and have taken this one; the next server does not
    # begin before all of them are gone, so another purchase is durable in that one.
    eventually(lambda: postmasters(data_dir) not in ([], [server]))
    _buy_patiently(customer, card)
    eventually(lambda: customer.process.get("/health/ready").status == 200)
    assert customer.balance(card.user_id)["available"] == 300


def _buy_patiently(customer: Customer, card: Card) -> None:
    """Send a purchase until it is taken."""
    body = purchase(customer.name("tx"), card.connection_id, amount=10,
                    merchant={"name": card.label})  # fmt: skip
    raw = json.dumps(body).encode()
    eventually(lambda: customer.process.webhook(raw).status in {200, 202})


def test_storage_away_and_back(comptoir_daemon: Start, data_dir: Path) -> None:
    """503 STORAGE_UNAVAILABLE with Retry-After, ready says degraded; then it goes on by itself."""
    server = EmbeddedPostgres(data_dir)
    running = trio.run(server.start)
    customer = Customer(comptoir_daemon(COMPTOIR_STORAGE__URL=running.url))
    card = customer.card(rate_bp=1000)
    first = customer.buy(card, 10)
    customer.quiet()
    at_ms = customer.now_ms()
    assert trio.run(server.stop)
    # Nothing is sent meanwhile: a daemon at rest says so as well.
    eventually(lambda: customer.process.get("/health/ready").status == 503)
    body = purchase(customer.name("tx"), card.connection_id, amount=10,
                    merchant={"name": card.label})  # fmt: skip
    raw = json.dumps(body).encode()
    for _ in range(3):
        answer = customer.process.webhook(raw, at_ms=at_ms)
        assert (answer.status, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["retryable"] is True
    for path in (f"/api/v1/wallets/{card.user_id}", f"/api/v1/transactions/{first}",
                 f"/api/v1/wallets/{card.user_id}/entries"):  # fmt: skip
        answer = customer.process.get(path)
        assert (answer.status, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE"), path
        assert int(answer.headers["retry-after"]) > 0
    ready = customer.process.get("/health/ready")
    assert (ready.status, ready.json()["status"]) == (503, "degraded")
    assert ready.json()["checks"]["storage"] != "ok"
    assert isinstance(ready.json()["pendingMessages"], int)
    assert customer.process.get("/health/live").status == 200
    assert b"comptoir_webhooks_total" in customer.process.get("/metrics").body
    trio.run(server.start)
    eventually(lambda: customer.process.get("/health/ready").status == 200)
    answer = customer.process.webhook(raw, at_ms=at_ms)
    assert answer.json()["status"] in {"accepted", "duplicate"}
    assert customer.balance(card.user_id)["available"] == 200
    trio.run(server.restart_immediately)
    eventually(lambda: customer.process.get("/health/ready").status == 200)
    eventually(lambda: customer.process.webhook(raw, at_ms=at_ms).status == 200)
    assert customer.balance(card.user_id)["available"] == 200
    trio.run(server.stop)
    assert customer.process.stop() == 0


async def _as_the_daemon(server: EmbeddedPostgres, script: str) -> str:
    """What psql says to somebody who comes in as the daemon's sessions do."""
    return await psql(await _locate.find_binaries(), server.url(role=ROLE_DAEMON), script)


def test_its_sessions_cannot_become_its_owner(comptoir_daemon: Start, data_dir: Path) -> None:
    """Invariant 7: what reads and writes comes in as the role that owns nothing, so that `reset role`, in a
    statement that was smuggled in, brings nobody back; also in a database that was made before (docs/adr/0041).
    """
    customer = Customer(embedded(comptoir_daemon, data_dir, COMPTOIR_VAULT__KEYS="{}").start())
    card = customer.card(rate_bp=1000)
    customer.buy(card, 10)
    server = EmbeddedPostgres(data_dir)
    sessions = (
        "select distinct usename from pg_stat_activity "
        "where application_name in ('comptoir writer', 'comptoir reader')"
    )
    assert trio.run(server.run_sql, sessions).split() == ["comptoir_daemon"]
    for attack in ("reset role; delete from comptoir.transfer", "set role comptoir"):
        with pytest.raises(StorageUnavailable, match="permission denied"):
            trio.run(_as_the_daemon, server, attack)
    assert customer.process.stop() == 0
    trio.run(server.start)
    trio.run(server.run_sql, "alter role comptoir_daemon nologin")
    trio.run(server.stop)
    customer.process.start()
    assert trio.run(server.run_sql, sessions).split() == ["comptoir_daemon"]
    assert customer.balance(card.user_id)["available"] == 100

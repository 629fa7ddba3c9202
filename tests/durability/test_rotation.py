"""Every key replaced by a daemon that works, over HTTP, as an operator and a bank see it.

Rule: the daemon is a process of its own, webhooks flow from several callers all the time, and what is
killed is killed with SIGKILL. A webhook that was not acknowledged is sent again; what has come of all is
compared with what was sent. Source: docs/keys.md; spec.md X14, X16, X19.
"""

import base64
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.engine.testing import Process
from comptoir.storage.keys.rotation import KINDS, ask_rotation
from comptoir.storage.keys.store import KeyStore

Start = Callable[..., Process]

PARTNERS = "id,name,rate_bp\np,Maison Essai,1000\n"
PEOPLE = 20
CALLERS = 3
POINTS = 100
WAIT_SECONDS_MAX = 90.0
COLUMNS_SQL = """select table_name || '.' || column_name from information_schema.columns
 where table_schema = 'comptoir' and data_type = 'bytea'"""
SEALED_SQL = """select encode({name}, 'hex') from comptoir.{table}
 where octet_length({name}) >= {least} and get_byte({name}, 0) = 2"""
HEADER_BYTES, NONCE_BYTES = 25, 37
"""Format 2: the format, the data key's id (8) and the salt (16); then the nonce (12)."""
SEAL_BYTES_MIN = 53
"""With a tag. Digests are shorter."""
EARLIER = 700
"""Purchases before the first rotation: several pages of rows."""


class Bank:
    """Callers that send purchases, each until it is acknowledged."""

    def __init__(self, daemon: Process) -> None:
        self.daemon = daemon
        self.answers: Counter[str] = Counter()
        self.credited: Counter[str] = Counter()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._serial = 0
        self._threads: list[threading.Thread] = []

    def send(self, count: int) -> None:
        """So many, and wait for them."""
        threads = [
            threading.Thread(target=self._send_some, args=(count // CALLERS,))
            for _ in range(CALLERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def begin(self) -> None:
        """Send until the end."""
        self._threads = [
            threading.Thread(target=self._send_on, daemon=True) for _ in range(CALLERS)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let what is under way be acknowledged."""
        self._ended.set()
        for thread in self._threads:
            thread.join(WAIT_SECONDS_MAX)
            assert not thread.is_alive(), "a webhook is never acknowledged"

    def _send_some(self, count: int) -> None:
        for _ in range(count):
            self._deliver()

    def _send_on(self) -> None:
        while not self._ended.is_set():
            self._deliver()

    def _deliver(self) -> None:
        with self._lock:
            self._serial += 1
            serial = self._serial
        user = serial % PEOPLE
        data = {
            "transaction_id": f"tx-{serial}", "connection_id": f"cn-{user}", "account_id": "a",
            "amount": 10.0, "currency": "EUR", "direction": "DEBIT", "date": "2026-11-20",
            "merchant": {"name": "MAISON ESSAI"},
        }  # fmt: skip
        body = json.dumps({"event": "transaction.created", "data": data}).encode()
        while True:
            outcome = self._attempt(body)
            with self._lock:
                self.answers[outcome] += 1
                if outcome in ("accepted", "duplicate"):
                    self.credited[f"u-{user}"] += POINTS
            if outcome in ("accepted", "duplicate"):
                # Sent again at once: whichever key its digest is under by now, it was taken.
                assert self._attempt(body) in ("duplicate", "away")
                return

    def _attempt(self, body: bytes) -> str:
        try:
            answer = self.daemon.webhook(body)
        except OSError:
            return "away"
        if answer.status == 503:
            return "away"
        return str(answer.json().get("status") or answer.status)


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Poll what has no event until it is true; its value."""
    until = time.monotonic() + WAIT_SECONDS_MAX
    while not (found := condition()):
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.01)
    return found


def states(store: KeyStore) -> dict[str, str]:
    """Of every rotation."""
    return {row.what: row.state for row in store.rotations()}


def furnish(start: Start, folder: Path, **values: str) -> tuple[Bank, KeyStore]:
    """A daemon with a key store, a partner, cards, and purchases."""
    path = folder / "keys" / "store.db"
    process = start(start=False, COMPTOIR_VAULT__STORE=str(path), **values)
    daemon = process.start()
    cards = "".join(f"cn-{n},u-{n}\n" for n in range(PEOPLE))
    assert daemon.load("partners", PARTNERS).status == 200
    assert daemon.load("connections", f"connection_id,user_id\n{cards}").status == 200
    bank = Bank(daemon)
    bank.send(EARLIER)
    return bank, KeyStore(path)


def audit(bank: Bank) -> None:
    """Hold that every purchase was credited once, and that nothing is left over."""
    daemon = bank.daemon
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    for user, points in bank.credited.items():
        shown = daemon.get(f"/api/v1/wallets/{user}").json()
        assert shown["balance"]["available"] == points, user
    metrics = daemon.get("/metrics").body.decode()
    assert "comptoir_dead_letters{" not in metrics.replace('"} 0.0', "")
    assert "comptoir_messages_stranded_total 0.0" in metrics
    assert "Traceback" not in daemon.said()


def seals(run_sql: Callable[..., Any], daemon: Process) -> set[bytes]:
    """Every sealed value of a daemon's database, whatever tables it is in: partitions are tables, too."""
    database = daemon.env["COMPTOIR_STORAGE__URL"].partition("@/")[2].partition("?")[0]
    columns = trio.run(run_sql, COLUMNS_SQL, database).split()
    found: set[bytes] = set()
    for column in columns:
        table, _, name = column.partition(".")
        sql = SEALED_SQL.format(table=table, name=name, least=SEAL_BYTES_MIN)
        found |= set(map(bytes.fromhex, trio.run(run_sql, sql, database).split()))
    return found


def test_every_key_is_replaced_under_load_without_an_error(
    comptoir_daemon: Start, comptoir_postgres_server: Any, tmp_path: Path
) -> None:
    """X14, S59: webhooks flow through the whole of `comptoir keys rotate all`: each is accepted, once, and
    then a duplicate; no caller hears of a rotation; and of all that lies sealed afterwards, no two values have
    a nonce under one key and salt.
    """
    bank, store = furnish(comptoir_daemon, tmp_path)
    bank.begin()
    command = [str(Path(sys.executable).with_name("comptoir")), "keys", "rotate", "all"]
    port = bank.daemon.url.rpartition(":")[2]
    env = {**bank.daemon.env, "COMPTOIR_HTTP__PORT": port}
    done = subprocess.run(
        command, env=env, cwd=bank.daemon.folder, capture_output=True, timeout=120, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])["rotations"]
    bank.end()
    assert {what: row["state"] for what, row in told.items()} == dict.fromkeys(KINDS, "done")
    assert told["once"]["rows"] >= EARLIER // CALLERS * CALLERS
    assert set(bank.answers) == {"accepted"}
    assert states(store) == dict.fromkeys(KINDS, "done")
    audit(bank)
    metrics = bank.daemon.get("/metrics").body.decode()
    for what in KINDS:
        assert f'comptoir_key_rotation_progress{{key="{what}"}} 1.0' in metrics
    for what in ("data", "wrap", "once", "index"):
        assert f'comptoir_key_generation{{key="{what}"}} 2.0' in metrics
    sealed = seals(comptoir_postgres_server.run_sql, bank.daemon)
    assert len(sealed) > EARLIER, "events, states, answers"
    assert len({value[:HEADER_BYTES] for value in sealed}) > PEOPLE, "keys and salts are many"
    assert len({value[:NONCE_BYTES] for value in sealed}) == len(sealed)


@pytest.mark.parametrize("what", KINDS)
def test_a_daemon_that_is_killed_goes_on_with_its_rotation(
    comptoir_daemon: Start, tmp_path: Path, what: str
) -> None:
    """X14, X16, X19: SIGKILL at any moment of a rotation, again and again, under load: the next daemon
    serves at once, ends what was begun, and every purchase is credited once.
    """
    seed = os.environ.get("TESTS_SEED") or str(random.randrange(10**6))
    chance = random.Random(f"{seed}/{what}")
    bank, store = furnish(comptoir_daemon, tmp_path)
    bank.begin()
    ask_rotation(store, what)
    for _ in range(3):
        marks = [x.done for x in store.rotations() if x.what == what]
        step = chance.randrange(3)

        def moved(least: int = marks[0] + step, was: str = what) -> bool:
            row = next(x for x in store.rotations() if x.what == was)
            return row.done >= least or row.state == "done"

        wait_for(moved, f"the rotation of {what} moves, seed {seed}")
        bank.daemon.kill()
        bank.daemon.start()
    wait_for(lambda: states(store)[what] == "done", f"the rotation of {what} ends, seed {seed}")
    bank.end()
    assert set(bank.answers) <= {"accepted", "duplicate", "away"}, f"seed {seed}"
    audit(bank)


def test_a_database_from_before_is_taken_over_without_a_stop_of_its_own(
    comptoir_daemon: Start, tmp_path: Path
) -> None:
    """X14: what daemons without a key store have sealed is served by one with a store from its first moment
    on, sealed anew while it works, and refused by a daemon that has no store any more.
    """
    old = comptoir_daemon()
    assert old.load("partners", PARTNERS).status == 200
    cards = "".join(f"cn-{n},u-{n}\n" for n in range(PEOPLE))
    assert old.load("connections", f"connection_id,user_id\n{cards}").status == 200
    bank = Bank(old)
    bank.send(60)
    old.stop()
    path = tmp_path / "store.db"
    bank.daemon = comptoir_daemon(COMPTOIR_VAULT__STORE=str(path))
    store = KeyStore(path)
    audit(bank)
    bank.begin()
    for what in KINDS:
        ask_rotation(store, what)
    wait_for(lambda: set(states(store).values()) == {"done"}, "everything is rotated")
    bank.end()
    audit(bank)
    bank.daemon.stop()
    without = comptoir_daemon(start=False)
    without.spawn()
    assert without.ended() == 3
    assert "VAULT_STORE_MISSING" in without.said()


@pytest.mark.parametrize(
    "keys",
    [
        {"k1": base64.b64encode(bytes(range(32))).decode()},
        {f"k{n}": base64.b64encode(b"Xq3!" * 7 + b"zV9#").decode() for n in (1, 2)},
    ],
    ids=["known", "doubled"],
)
def test_a_key_that_protects_nothing_stops_the_start(
    comptoir_daemon: Start, keys: dict[str, str]
) -> None:
    """S45, interface.md 2: by its code, with exit status 5, and without the key. (Of a key file:
    tests/storage/keys/test_local.py.)
    """
    process = comptoir_daemon(start=False, COMPTOIR_VAULT__KEYS=json.dumps(keys))
    process.spawn()
    assert process.ended() == 5
    assert "comptoir: VAULT_KEY_WEAK: " in process.said()
    assert keys["k1"] not in process.said()

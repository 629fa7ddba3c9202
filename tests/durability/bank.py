"""Callers that send purchases while keys are replaced, and what must have come of them.

Rule: a webhook that was not acknowledged is sent again, as a bank does; what has come of all is compared
with what was sent. Source: spec.md X14, X16, X19; docs/keys.md.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from comptoir.engine.testing import Process
from comptoir.storage.keys.store import KeyStore

Start = Callable[..., Process]

PARTNERS = "id,name,rate_bp\np,Maison Essai,1000\n"
PEOPLE = 20
CALLERS = 3
POINTS = 100
WAIT_SECONDS_MAX = 90.0
PACE_SECONDS = 0.02
"""Between two purchases of a caller: callers without one keep two processors busy, and find nothing more."""
AWAY_SECONDS = 0.05
"""Until a daemon that does not answer is asked again."""
EARLIER = 700
"""Purchases before the first rotation: several pages of rows."""


class Bank:
    """Callers that send purchases, each until it is acknowledged."""

    def __init__(self, daemon: Process) -> None:
        self.daemon = daemon
        self.secrets: list[str] = []
        """What webhooks are signed with, in turn; empty: with the daemon's newest."""
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

    def acknowledged(self) -> int:
        """Purchases that were answered for."""
        with self._lock:
            return self.answers["accepted"] + self.answers["duplicate"]

    def _send_some(self, count: int) -> None:
        for _ in range(count):
            self._deliver()

    def _send_on(self) -> None:
        while not self._ended.wait(PACE_SECONDS):
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
            outcome = self._attempt(body, serial)
            with self._lock:
                self.answers[outcome] += 1
                if outcome in ("accepted", "duplicate"):
                    self.credited[f"u-{user}"] += POINTS
            if outcome in ("accepted", "duplicate"):
                # Sent again at once: whichever key its digest is under by now, it was taken.
                assert self._attempt(body, serial) in ("duplicate", "away")
                return
            time.sleep(AWAY_SECONDS)

    def _attempt(self, body: bytes, serial: int) -> str:
        signs = self.secrets
        try:
            answer = self.daemon.webhook(body, signs[serial % len(signs)] if signs else None)
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
    bank = prepare(process.start())
    bank.send(EARLIER)
    return bank, KeyStore(path)


def prepare(daemon: Process) -> Bank:
    """A partner and cards."""
    cards = "".join(f"cn-{n},u-{n}\n" for n in range(PEOPLE))
    assert daemon.load("partners", PARTNERS).status == 200
    assert daemon.load("connections", f"connection_id,user_id\n{cards}").status == 200
    return Bank(daemon)


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

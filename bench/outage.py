"""Two parties that are down for ten minutes of business time, under load: what waits, and how it ends.

A daemon and a sandbox, each a program of its own, whose clocks are moved by hand. Every step, a second of real
time, moves both by ten seconds and brings purchases: some by the seed provider's webhooks, each of which
ends in a push notice, some by Plaid's, each of which the daemon has to read at Plaid. For sixty steps
Plaid and the push service answer 503. Deadlines, breakers and the pace of release are real time (X18), so
the picture shows them ten times as fast as the purchases beside them.

How everything stands is looked at once a second meanwhile, in a thread: moving the clock waits for what is due,
and so for all that is let go.

Rule: nothing may become a dead letter, every purchase must earn once, and every credit must be told of once.
Source: issue 6, "must show"; spec.md S63 to S65, X18, E5; interface.md 10.

    BENCH_STEPS=60 BENCH_JSON=outage.json make bench ARGS=outage
"""

import http.client
import json
import os
import re
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import trio

from bench.populate import SECRET, disk_folder, variables
from bench.results import write
from comptoir.engine.testing import Answered, Process
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.ledger_testing import audit

__all__ = ["main"]

NAME = "outage"
STEP_BUSINESS_S: Final = 10
STEP_S: Final = 1.0
STEPS_BEFORE: Final = 6
STEPS_AFTER: Final = 20
"""With purchases as before; then nobody buys, until nothing waits any more."""
STEPS_AFTER_MAX: Final = 120
LOOK_S: Final = 1.0
READERS: Final = 40
"""Cards that are linked by Plaid."""
TOLD_PER_STEP: Final = 20
READ_PER_STEP: Final = 6
POINTS: Final = 50
"""Of a purchase of 10.00 at 5 %."""
APP: Final = "http://127.0.0.1:9/linked"
TOKEN_S: Final = 86_400
PARTIES: Final = {"plaid": "transactions.sync", "fcm": "push.send"}
GATEWAYS: Final = {"plaid": "bank_plaid", "fcm": "push"}
"""Who calls them."""
DEAD_LETTERS = re.compile(r"^comptoir_dead_letters\{.*\} (\S+)$", re.MULTILINE)
Json = dict[str, Any]


@dataclass
class Stage:
    """Both programs, who buys, and what was seen."""

    daemon: Process
    sandbox: Process
    operator: str
    items: list[str] = field(default_factory=list[str])
    """Of Plaid."""
    bought: int = 0
    seen: list[Json] = field(default_factory=list[Json])
    calls_seen: int = 0
    began: float = 0.0
    down: tuple[float, float] = (0.0, 0.0)
    """Seconds from the beginning."""
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def now(self) -> float:
        """Seconds from the beginning."""
        return time.monotonic() - self.began

    def step(self, *, load: bool = True) -> None:
        """Ten seconds of business time, and what they bring."""
        began = time.monotonic()
        # The sandbox's clock goes on by itself as well; the daemon's does not.
        by_hand = STEP_BUSINESS_S - round(STEP_S)
        _must(self.sandbox.post("/control/clock", {"advanceSeconds": by_hand}), 200)
        _must(self.daemon.post("/dev/v1/clock", {"advanceSeconds": STEP_BUSINESS_S}), 200)
        if load:
            self._buy()
        time.sleep(max(0.0, STEP_S - (time.monotonic() - began)))

    @contextmanager
    def watched(self) -> Generator[None]:
        """Look once a second for the length of the block."""
        self.began = time.monotonic()
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    def _watch(self) -> None:
        before = 0.0
        while not self._over.wait(LOOK_S):
            now = self.now
            self.seen.append({"at": now, **self._look(now - before)})
            before = now

    def _buy(self) -> None:
        for number in range(TOLD_PER_STEP):
            data = {
                "transaction_id": f"told-{self.bought}-{number}", "connection_id": f"c{number}",
                "account_id": "a1", "amount": 10.0, "currency": "EUR", "direction": "DEBIT",
                "date": "2026-11-20", "merchant": {"name": "CB CHEZ NOUS 0412", "city": "PARIS"},
            }  # fmt: skip
            body = {"event": "transaction.created", "data": data}
            asked = {"target": f"{self.daemon.ingest_url}/webhooks/banking", "secret": SECRET}
            answers = _must(self.sandbox.post("/control/webhooks", {**asked, "body": body}), 200)
            assert answers[0]["status"] == 202, answers
        for number in range(READ_PER_STEP):
            item = self.items[(self.bought + number) % len(self.items)]
            identity = f"read-{self.bought}-{number}"
            added = {"transaction_id": identity, "amount": 10.0, "name": "Chez Nous"}
            answers = _must(
                self.sandbox.post(
                    "/control/plaid/transactions", {"itemId": item, "added": [added]}
                ),
                200,
            )["answers"]
            assert answers[0]["status"] == 202, answers
        self.bought += TOLD_PER_STEP + READ_PER_STEP

    def _look(self, seconds: float) -> Json:
        """Calls parked and on their way, by gateway; calls that came through in this step; dead letters."""
        said = self.daemon.request(
            "GET", "/api/v1/parking", headers={"Authorization": f"Bearer {self.operator}"}
        )
        gateways = {one["gateway"]: one for one in _must(said, 200)["items"]}
        calls = _must(self.sandbox.get(f"/control/calls?since={self.calls_seen}"), 200)["items"]
        self.calls_seen = max([self.calls_seen, *(one["seq"] for one in calls)])
        came = {
            party: sum(
                one["party"] == party and one["effect"] and one["operation"] != "push.token"
                for one in calls
            )
            for party in PARTIES
        }
        asked = {party: sum(one["party"] == party for one in calls) for party in PARTIES}
        metrics = self.daemon.get("/metrics").body.decode()
        return {
            "seconds": seconds,
            "parked": {name: one["parked"] for name, one in gateways.items()},
            "waiting": {
                name: one["waiting"] + one["inFlight"] for name, one in gateways.items()
            },
            "breaker": {name: one["breaker"] for name, one in gateways.items()},
            "came": came,
            "asked": asked,
            "dead": sum(float(count) for count in DEAD_LETTERS.findall(metrics)),
        }  # fmt: skip

    @property
    def settled(self) -> bool:
        """Whether nothing waits for either party."""
        last = self.seen[-1]
        return not any(last["parked"].values()) and not any(last["waiting"].values())


def _must(answer: Answered, status: int) -> Any:
    assert answer.status == status, answer
    return answer.json()


def _visit(url: str) -> str:
    """Open an address as a browser does; where it is sent on to."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 303, answer.status
        return str(answer.getheader("location"))
    finally:
        connection.close()


def _link(stage: Stage, number: int) -> None:
    """A person links a card by Plaid."""
    token = stage.daemon.token(f"reader-{number}", "CLIENT")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(path: str, body: Json) -> Json:
        answer = stage.daemon.request("POST", path, json.dumps(body).encode(), headers)
        found: Json = _must(answer, 201)
        return found

    consent = {"accepted": True, "textVersion": "2026-11", "durationDays": 90}
    asked = {"deviceId": "d1", "provider": "plaid", "redirectUri": APP, "consent": consent}
    started = ask("/api/v1/connections/sessions", asked)
    back = _visit(_visit(f"{started['authUrl']}?card={number:04d}"))
    session = parse_qs(urlsplit(back).query)["sessionId"][0]
    ask("/api/v1/connections", {"sessionId": session})


def _give_device(stage: Stage, user: str) -> None:
    """Somebody to tell of a credit."""
    token = stage.daemon.token(user, "CLIENT")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = json.dumps({"token": f"fcm-token-of-{user}", "platform": "android"}).encode()
    _must(stage.daemon.request("PUT", "/api/v1/devices/phone", body, headers), 200)


def _begin(stage: Stage) -> None:
    """A partner, cards that are told of, and cards that are read."""
    stage.daemon.bearer = stage.operator
    assert stage.daemon.load("partners", "id,name,rate_bp\nchez,Chez Nous,500\n").status == 200
    links = "\n".join(f"c{number},told-{number}" for number in range(TOLD_PER_STEP))
    assert stage.daemon.load("connections", f"connection_id,user_id\n{links}\n").status == 200
    for number in range(TOLD_PER_STEP):
        _give_device(stage, f"told-{number}")
    for number in range(READERS):
        _link(stage, number)
        _give_device(stage, f"reader-{number}")
    items = _must(stage.sandbox.get("/control/plaid/items"), 200)["items"]
    stage.items = [one["itemId"] for one in items]
    assert len(stage.items) == READERS
    _must(stage.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60}), 200)
    stage.calls_seen = max(
        one["seq"] for one in _must(stage.sandbox.get("/control/calls"), 200)["items"]
    )


def _play(stage: Stage, steps: int) -> None:
    """Before, during and after the outage; until nothing waits any more."""
    for _ in range(STEPS_BEFORE):
        stage.step()
    down = [
        {"party": party, "operation": operation, "fault": "status", "status": 503}
        for party, operation in PARTIES.items()
    ]
    body = json.dumps(down).encode()
    _must(stage.sandbox.request("PUT", "/control/faults", body), 200)
    first = stage.now
    for number in range(steps):
        stage.step()
        if number % STEPS_BEFORE == 0:
            minutes = number * STEP_BUSINESS_S / 60
            print(f"  down for {minutes:.0f} min: {stage.seen[-1]['parked']}", flush=True)
    stage.sandbox.request("DELETE", "/control/faults")
    stage.down = (first, stage.now)
    for number in range(STEPS_AFTER_MAX):
        stage.step(load=number < STEPS_AFTER)
        if number >= STEPS_AFTER and stage.settled:
            return
    raise AssertionError(f"still not settled: {stage.seen[-1]}")


def _programs(url: str, folder: Path) -> tuple[Process, Process]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
    binaries = Path(sys.executable)
    own = folder / "sandbox"
    own.mkdir()
    sandbox = Process(
        [str(binaries.with_name("comptoir-sandbox")), "serve", "--port", "0"],
        kept, own,
    )  # fmt: skip
    sandbox.start()
    more = {
        "COMPTOIR_HTTP__RATE_LIMITS": "off",
        "COMPTOIR_PROVIDERS__PLAID__BASE_URL": sandbox.url,
        "COMPTOIR_PROVIDERS__PLAID__CLIENT_SECRET": "plaid-secret-of-a-bench-32-letters",
        "COMPTOIR_PROVIDERS__FCM__BASE_URL": sandbox.url,
    }
    daemon = Process(
        [str(binaries.with_name("comptoir")), "serve"],
        {**kept, **variables(url, folder, **more)},
        folder,
    )
    return daemon, sandbox


async def _measure() -> Json:
    steps = int(os.environ.get("BENCH_STEPS", "60"))
    with disk_folder() as folder:
        server = EmbeddedPostgres(folder)
        await server.start()
        await server.create_database(NAME)
        daemon, sandbox = _programs(server.url(NAME), folder)
        try:
            daemon.start()
            stage = Stage(
                daemon, sandbox, daemon.token("ops", "OPERATIONS", "ADMIN", ttl_s=TOKEN_S)
            )
            await trio.to_thread.run_sync(_begin, stage)
            before = await audit(server, NAME)
            with stage.watched():
                await trio.to_thread.run_sync(_play, stage, steps)
            _must(daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60}), 200)
            after = await audit(server, NAME)
        finally:
            for process in (daemon, sandbox):
                if process.spawned and process.running:
                    process.stop()
            with trio.CancelScope(shield=True):
                await server.destroy()
    assert (after.faults, after.due) == ({}, 0), after
    assert after.points - before.points == stage.bought * POINTS, after
    assert not any(one["dead"] for one in stage.seen), "something became a dead letter"
    told = sum(one["came"]["fcm"] for one in stage.seen)
    assert told == stage.bought, "a credit was not told of, or twice"
    return {
        "down_s": stage.down, "let_go_s": _let_go(stage), "business_min": steps * STEP_BUSINESS_S / 60,
        "gateways": GATEWAYS, "bought": stage.bought, "told": told, "seen": stage.seen,
    }  # fmt: skip


def _let_go(stage: Stage) -> float:
    """Seconds from the end of the outage until no call was parked."""
    end = stage.down[1]
    later = (one["at"] for one in stage.seen if one["at"] > end and not any(one["parked"].values()))
    return float(next(later)) - end


def main() -> None:
    """Print what happened, and keep it for the picture."""
    figures = trio.run(_measure)
    parked = {
        name: max(one["parked"].get(name, 0) for one in figures["seen"])
        for name in figures["seen"][0]["parked"]
    }
    after = [one for one in figures["seen"] if one["at"] > figures["down_s"][1]]
    fastest = {
        party: max(one["came"][party] / one["seconds"] for one in after) for party in PARTIES
    }
    print(
        f"{figures['bought']:,} purchases, {figures['told']:,} notices; parked at most {parked}; no dead letter; "
        f"after it at most {fastest} calls a second came through; none was parked any more "
        f"{figures['let_go_s']:.0f} s after the end"
    )
    write(NAME, figures)


if __name__ == "__main__":
    main()

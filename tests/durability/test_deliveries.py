"""Each webhook ten times, in any order, while the daemon dies twice: every purchase has one effect.

Rules:
- who sends what in which order is a function of the printed seed; the moment of a death is a share of the
  deliveries that were answered, whatever the machine's speed;
- a delivery that was not acknowledged is made again, so each of them is acknowledged at least once;
- the ledger is read through psql, and compared with what the bodies are worth by arithmetic of our own.

TESTS_SEED=n replays an order; TESTS_DELIVERIES=n sends n purchases ten times each (`make soak` sends 10,000).
Source: issue 6, "must show"; spec.md S53, X16; design.md 9 (invariant 2).
"""

import os
import random
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.engine.testing import Process
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.ledger_testing import audit, credited
from tests.durability.accounts import ACCOUNTS
from tests.durability.load import Sender, Webhook

DATABASE = "deliveries"
PURCHASES = 120
TIMES = 10
SENDERS = 12
DEATHS_AT = (1 / 3, 2 / 3)
SECONDS_MAX = 60 * 30

Life = Callable[..., Process]


class Crowd:
    """Senders that share a heap of deliveries."""

    def __init__(self, deliveries: list[Webhook], address: Path, secret: bytes, seed: int) -> None:
        self._heap = deque(deliveries)
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.acknowledged = 0
        self.give_up_at = time.monotonic() + SECONDS_MAX
        self._threads = [
            threading.Thread(
                target=self._work,
                args=(Sender(address, secret, number, random.Random(f"{seed}/{number}")),),
                daemon=True,
            )
            for number in range(SENDERS)
        ]

    def begin(self) -> None:
        """Let them send."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Wait until each delivery is acknowledged."""
        for thread in self._threads:
            thread.join()

    def _work(self, sender: Sender) -> None:
        while time.monotonic() < self.give_up_at:
            with self._lock:
                if not self._heap:
                    break
                webhook = self._heap.popleft()
            outcome = sender.attempt(webhook)
            while not outcome.startswith("20") and time.monotonic() < self.give_up_at:
                self._count(outcome)
                time.sleep(0.02)
                outcome = sender.attempt(webhook)
            self._count(outcome, acknowledged=outcome.startswith("20"))
        sender.hang_up()

    def _count(self, outcome: str, *, acknowledged: bool = False) -> None:
        with self._lock:
            self.answers[outcome] += 1
            self.acknowledged += acknowledged


async def _die_and_return(
    crowd: Crowd, at: int, daemon: Process, follow: Callable[[], Process]
) -> Process:
    """SIGKILL once so many deliveries are acknowledged; the next daemon, ready."""
    while crowd.acknowledged < at:
        assert time.monotonic() < crowd.give_up_at, crowd.answers
        await trio.sleep(0.005)
    daemon.kill()
    successor = follow()
    await trio.to_thread.run_sync(successor.wait_ready)
    return successor


def _purchases(world: dict[str, Any], count: int, rng: random.Random) -> list[Webhook]:
    found: list[Webhook] = []
    for number in range(count):
        connection, user = rng.choice(world["connections"])
        name, rate_bp, cap = rng.choice(world["partners"])
        found.append(
            Webhook(
                id=f"d-{number}", connection=connection, user=user, label=f"CB {name} 0412",
                amount_cents=rng.randint(200, 40_000), rate_bp=rate_bp, cap_cents=cap,
            )
        )  # fmt: skip
    return found


def _points(bought: Webhook) -> int:
    earning = bought.amount_cents if bought.cap_cents is None else min(
        bought.amount_cents, bought.cap_cents
    )  # fmt: skip
    return earning * bought.rate_bp // 10_000


async def _play(
    postgres: EmbeddedPostgres, new_life: Life, folder: Path, world: dict[str, Any], count: int
) -> tuple[Crowd, list[Webhook], Process]:
    """Send everything, and kill the daemon twice meanwhile; what was bought, and the last daemon at rest."""
    await postgres.create_database(DATABASE)
    address = folder / "address"

    def follow() -> Process:
        life = new_life(postgres.url(DATABASE), folder, **ACCOUNTS)
        life.spawn()
        fresh = folder / "address.new"
        fresh.write_text(f"{life.url}\n{life.ingest_url}\n")
        fresh.replace(address)
        return life

    daemon = await trio.to_thread.run_sync(follow().wait_ready)
    daemon.bearer = daemon.token("auditor", "COMPLIANCE")
    partners = [
        f"p{n},{name},{rate},{cap or ''}" for n, (name, rate, cap) in enumerate(world["partners"])
    ]
    header = "id,name,rate_bp,cap_cents_purchase"
    assert daemon.load("partners", "\n".join([header, *partners])).status == 200
    links = [f"{connection},{user}" for connection, user in world["connections"]]
    assert daemon.load("connections", "\n".join(["connection_id,user_id", *links])).status == 200

    rng = random.Random(world["seed"])
    bought = _purchases(world, count, rng)
    deliveries = bought * TIMES
    rng.shuffle(deliveries)
    crowd = Crowd(deliveries, address, world["secret"].encode(), world["seed"])
    bearer = daemon.bearer
    crowd.begin()
    for share in DEATHS_AT:
        daemon = await _die_and_return(crowd, int(share * len(deliveries)), daemon, follow)
    await trio.to_thread.run_sync(crowd.end)
    daemon.bearer = bearer
    answer = daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 60})
    assert answer.status == 200, answer
    return crowd, bought, daemon


async def _hold(
    postgres: EmbeddedPostgres,
    new_life: Life,
    folder: Path,
    world: dict[str, Any],
    count: int,
) -> str:
    """As many effects as purchases, each of its own worth; what is worth telling."""
    began = time.monotonic()
    crowd, bought, daemon = await _play(postgres, new_life, folder, world, count)
    assert crowd.acknowledged == count * TIMES, crowd.answers
    found = await credited(postgres, DATABASE)
    expected = {one.id: [(one.user, _points(one))] for one in bought if _points(one)}
    assert {
        name: [tuple(entry) for entry in entries] for name, entries in found.items()
    } == expected
    ledger = await audit(postgres, DATABASE)
    assert (ledger.faults, ledger.due) == ({}, 0)
    assert ledger.points == sum(map(_points, bought))
    assert daemon.stop() == 0, daemon.said()
    return (
        f"{count * TIMES:,} deliveries of {count:,} purchases, two SIGKILLs, {len(found):,} credits "
        f"({count - len(expected):,} purchases are worth no point), {ledger.points:,} points, in "
        f"{time.monotonic() - began:.0f} s: {dict(crowd.answers)}"
    )


def _seed() -> int:
    return int(os.environ.get("TESTS_SEED") or secrets.randbelow(1_000_000))


async def test_ten_deliveries_have_one_effect(
    postgres: EmbeddedPostgres,
    new_life: Life,
    disk_folder: Path,
    make_world: Callable[[int], dict[str, Any]],
    tell: Callable[[str], None],
) -> None:
    """S53, X16: purchases ten times each, shuffled, across two SIGKILLs: each is credited once."""
    seed = _seed()
    tell(f"TESTS_SEED={seed} replays the order of the deliveries")
    tell(await _hold(postgres, new_life, disk_folder, make_world(seed), PURCHASES))


@pytest.mark.soak
@pytest.mark.skipif("TESTS_DELIVERIES" not in os.environ, reason="make soak sends 100,000")
async def test_as_many_deliveries_as_asked_have_one_effect(
    postgres: EmbeddedPostgres,
    new_life: Life,
    disk_folder: Path,
    make_world: Callable[[int], dict[str, Any]],
    tell: Callable[[str], None],
) -> None:
    """S53, X16: the same with TESTS_DELIVERIES purchases."""
    seed = _seed()
    count = int(os.environ["TESTS_DELIVERIES"])
    tell(f"TESTS_SEED={seed} replays the order of the deliveries")
    tell(await _hold(postgres, new_life, disk_folder, make_world(seed), count))

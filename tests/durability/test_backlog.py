"""A start with much left to do: all of it is done, in order, once, while new work is taken.

Rules:
- the rows are what a daemon leaves that was killed under load: hand-overs to wallets and timers that
  fell due meanwhile, several for each wallet, in an order that is a function of the printed seed; and
  timers of a later day, which must stay;
- what is started is the program itself; the auditor reads through psql.
TESTS_SEED=n replays the rows.
Source: issue 3, deliver 8; design.md 2, 3, 9 (invariants 1, 2, 4).
"""

import json
import os
import random
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from comptoir.actors.wallet.messages import KIND, Credit
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.journal import Decided, Fate, Run
from comptoir.engine.testing import Process
from comptoir.engine.values import Address
from comptoir.storage.embedded import EmbeddedPostgres
from comptoir.storage.journal import JournalOptions, PostgresJournal
from comptoir.storage.ledger_testing import audit
from comptoir.storage.vault import Vault

DATABASE = "comptoir"
USERS = 400
ROWS = 3_000
LATER = 200
LAST = "user~"
"""The last one in the order in which a start looks at them, with more rows than its mailbox holds, or
one page of reading."""
PER_DECISION = 100
HOUR_MS = 3_600_000
STATELESS: Any = object()
DUE_SQL = """select count(*) from comptoir.message
    where class <> 'dead' and due_at <= extract(epoch from now()) * 1000;"""
ORDER_SQL = """select coalesce(json_object_agg(user_id, ids), '{}') from (
    select user_id, json_agg(transaction_id order by entry_id) as ids
    from report.entry group by user_id) as per_user;"""

Life = Callable[..., Process]


async def _leave(url: str, folder: Path, seed: int) -> dict[str, list[str]]:
    """Write the rows as a daemon's decisions did; by user, the purchases in their order."""
    vault = Vault.from_file(folder / "data" / "keys" / "vault.json")
    chance = random.Random(f"{seed}/backlog")
    now = time.time_ns() // 1_000_000
    expected: dict[str, list[str]] = defaultdict(list)
    outgoing: list[Outgoing] = []
    for number in range(ROWS):
        user = LAST if chance.random() < 0.25 else f"user{chance.randrange(USERS)}"
        # A timer of that moment is due with the messages around it, and keeps its place.
        due = now - 1 if chance.random() < 0.2 else None
        expected[user].append(f"tx{number}")
        outgoing.append(_credit(user, f"tx{number}", due))
    outgoing += [_credit(f"user{n}", f"later{n}", now + 24 * HOUR_MS) for n in range(LATER)]
    fates: list[Fate] = []
    async with PostgresJournal.open(url, vault, JournalOptions(now=now)) as journal:
        for at in range(0, len(outgoing), PER_DECISION):
            decision = Decision(STATELESS, messages=tuple(outgoing[at : at + PER_DECISION]))
            decided = [Decided(decision, now - HOUR_MS, None, None)]
            run = Run(Address("engine", ""), None, decided, _into(fates), state=STATELESS)
            journal.submit(run)
    assert [fate.why for fate in fates] == [None] * ((ROWS + LATER) // PER_DECISION)
    return expected


def _into(fates: list[Fate]) -> Callable[[Run, Fate], None]:
    return lambda _run, fate: fates.append(fate)


def _credit(user: str, purchase: str, due_at: int | None) -> Outgoing:
    credit = Credit("seed", purchase, "p1", 1000, 1000, 500, f"tag-{purchase}")
    return Outgoing(Address(KIND, user), credit, due_at)


def _buy(daemon: Process, user: str) -> None:
    """New work for somebody who has old work waiting."""
    assert daemon.load("partners", "id,name,rate_bp\np1,Chez Zoé,500\n").status == 200
    assert daemon.load("connections", f"connection_id,user_id\ncn1,{user}\n").status == 200
    data = {
        "transaction_id": "new", "connection_id": "cn1", "account_id": "a1", "amount": 10.0,
        "currency": "EUR", "direction": "DEBIT", "date": "2026-11-20",
        "merchant": {"name": "CHEZ ZOE"},
    }  # fmt: skip
    answer = daemon.webhook(json.dumps({"event": "transaction.created", "data": data}).encode())
    assert (answer.status, answer.json()["status"]) == (202, "accepted")


async def test_a_start_works_off_what_an_earlier_life_left(
    postgres: EmbeddedPostgres, disk_folder: Path, new_life: Life, tell: Callable[[str], None]
) -> None:
    """Design.md 2 and 3, S43: 3,000 rows for 400 wallets are each handled once, for every wallet in
    the order of their ids, due timers among them; the daemon is ready long before the last of them,
    and takes new work, which waits behind the old of the same wallet.
    """
    seed = int(os.environ.get("TESTS_SEED") or secrets.randbits(32))
    tell(f"backlog: TESTS_SEED={seed}")
    url = postgres.url(DATABASE)
    expected = await _leave(url, disk_folder, seed)
    assert len(expected[LAST]) > 512, "two pages"
    expected[LAST].append("new")

    daemon = new_life(url, disk_folder)
    await trio.to_thread.run_sync(daemon.start)
    left = int(await postgres.run_sql(DUE_SQL, DATABASE))
    assert left > 0, "ready says that work is taken, not that none is left"
    await trio.to_thread.run_sync(_buy, daemon, LAST)
    with trio.fail_after(60):
        while int(await postgres.run_sql(DUE_SQL, DATABASE)):  # noqa: ASYNC110  # another program's work
            await trio.sleep(0.05)
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200

    found = json.loads(await postgres.run_sql(ORDER_SQL, DATABASE))
    assert found == expected
    ledger = await audit(postgres)
    assert (ledger.faults, ledger.due, ledger.dead, ledger.parked) == ({}, 0, 0, LATER)
    assert ledger.points == 50 * (ROWS + 1)
    metrics = daemon.get("/metrics").body.decode()
    assert "\ncomptoir_messages_stranded_total 0.0\n" in metrics
    tell(f"backlog: {left} of {ROWS} rows left when the daemon was ready")
    assert daemon.stop() == 0

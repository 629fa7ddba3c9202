"""What PostgreSQL alone has to show: shared loads, sealing, months, reports.

Source: design.md 7 (One writer, Unknown COMMIT, partitions, roles); interface.md 5 (reports).
"""

from typing import Any

import pytest
import trio

from comptoir.engine.decision import DeadLetter, Put
from comptoir.engine.journal import Rejected
from comptoir.engine.values import Address
from comptoir.storage.journal_testing import (
    NOW,
    Desk,
    Noted,
    Written,
    credit,
    debit,
    keep,
    note,
    only_once,
    tell,
)
from comptoir.storage.vault import Vault, VaultTampered

ALICE = Address("wallet", "alice")
BOB = Address("wallet", "bob")
PUSH = Address("push", "push")
VAULT = Vault({"k1": bytes(range(32))})
WRITER_PID = "select pid from pg_stat_activity where application_name = 'comptoir writer' and datname = current_database()"  # fmt: skip


async def test_loads_that_wait_share_one_query(postgres: Any) -> None:
    """An activation storm is a few round trips, not one for each actor."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        for number in range(200):
            desk.submit(Address("wallet", str(number)), note(str(number)))
        await desk.wait(200)
        queries = 0
        fetch = journal._pool.fetch

        async def counted(*arguments: Any) -> Any:
            nonlocal queries
            queries += 1
            return await fetch(*arguments)

        journal._pool.fetch = counted
        found: dict[int, Any] = {}

        async def load(number: int) -> None:
            found[number] = await journal.load(Address("wallet", str(number)))

        async with trio.open_nursery() as nursery:
            for number in range(200):
                nursery.start_soon(load, number)
        assert queries <= 3
        assert all(loaded.version == 1 for loaded in found.values())
        with trio.CancelScope() as scope:
            scope.cancel()
            await journal.load(ALICE)
        assert await journal.load(ALICE) is None


async def test_what_is_sealed_is_not_in_the_database_in_clear(postgres: Any) -> None:
    """State, payloads, answers and dead letters are sealed; a changed one does not open (S59)."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        secret = "FR7612345"
        await desk.write(
            ALICE,
            note(secret, reply=Written(secret), once=(only_once(secret),), events=(Noted(secret),),
                 messages=(tell(PUSH, secret), tell(ALICE, secret, due_at=NOW + 5))),
        )  # fmt: skip
        (row,) = await journal.pending(PUSH, 9, NOW)
        letter = keep(dead_letter=DeadLetter("dlq:points", "CRASHED"))
        await desk.write(PUSH, letter, consumed=(row,), stateless=True)
        dump = postgres.run(
            "select a::text from comptoir.actor a", "select m::text from comptoir.message m",
            "select o::text from comptoir.once o", "select e::text from comptoir.event e",
        )  # fmt: skip
        assert dump.count("\\x01") >= 4
        assert secret not in dump
        assert secret.encode().hex() not in dump
        postgres.run(
            "update comptoir.actor set state = set_byte(state, 40, get_byte(state, 40) # 1)"
        )
        with pytest.raises(VaultTampered):
            await journal.load(ALICE)
        postgres.run("update comptoir.message set key = 'other' where class = 'timer'")
        with pytest.raises(VaultTampered):
            await journal.due_timers(NOW + 5, NOW, 9)


MONTHS = "select count(*) from pg_inherits where inhparent = 'comptoir.event'::regclass"


async def test_months_are_made_ahead_of_their_first_event(postgres: Any) -> None:
    """This month and the next two exist at the start; later ones before they are needed."""
    names = "select string_agg(inhrelid::regclass::text, ' ' order by 1) from pg_inherits where inhparent = 'comptoir.event'::regclass"  # fmt: skip
    async with postgres.open() as journal:
        assert int(postgres.run(MONTHS)) == 4
        assert "event_202609" in postgres.run(names)
        desk = Desk(journal)
        day = 86_400_000
        for ahead in (0, 35, 400, -400):
            fate = await desk.write(
                ALICE, note(str(ahead), events=(Noted("e"),)), at=NOW + ahead * day
            )
            assert fate.why is None
        assert int(postgres.run(MONTHS)) == 4 + 1 + 3 + 3
        assert postgres.run("select count(*) from comptoir.event_default") == "0"
        assert journal.statistics().events_unpartitioned_total == 0
        assert [x.number for x in await journal.events(1, 9)] == [2, 3, 4]


async def test_an_event_without_a_month_is_taken_and_counted(postgres: Any) -> None:
    """The default partition raises an alert instead of refusing (design.md 7)."""
    later = NOW + 400 * 86_400_000
    postgres.run(
        f"insert into comptoir.event values (1, to_timestamp({later} / 1000), 'a', 'b', 'c', '')",
        "update comptoir.writer set event_number = 1",
    )
    async with postgres.open() as journal:
        desk = Desk(journal)
        fate = await desk.write(ALICE, note("a", events=(Noted("e"), Noted("f"))), at=later)
        assert fate.why is None
        assert journal.statistics().events_unpartitioned_total == 2
        assert postgres.run("select count(*) from comptoir.event_default") == "3"
        beyond = await desk.write(ALICE, note("b", events=(Noted("e"),)), at=1 << 62)
        assert isinstance(beyond.why, Rejected)
        assert (await desk.write(ALICE, note("c", events=(Noted("e"),)))).why is None


async def test_reports_say_what_auditors_were_promised(postgres: Any) -> None:
    """The columns of interface.md 5, and a sum of all postings that is zero."""
    async with postgres.open() as journal:
        desk = Desk(journal)
        fields = {
            "provider": "seed", "transaction_id": "tx-l1", "user_id": "alice", "partner_id": "p",
            "amount_cents": 10_000, "currency": "EUR", "status": "credited", "points": 100,
            "received_at": NOW, "credited_at": NOW + 5,
        }  # fmt: skip
        await desk.write(
            ALICE,
            note("a", **credit("alice", "l1", 100, total=100),
                 documents=(Put("transaction", "tx-l1", fields, "alice"),)),
            note("b", **debit("alice", "l1", 30, total=70)),
        )  # fmt: skip
    assert postgres.run("select * from report.wallet") == "alice|70|0|0|0"
    assert postgres.run("select user_id, kind, points, lot_id, transaction_id, withdrawal_id from report.entry order by entry_id") == "alice|credit|100|l1|tx-l1|\nalice|payout|-30|l1||wd_1"  # fmt: skip
    assert postgres.run("select lot_id, user_id, transaction_id, points, remaining, expires_at from report.lot") == "l1|alice|tx-l1|100|70|"  # fmt: skip
    columns = (
        "provider, transaction_id, user_id, partner_id, amount_cents, currency, status, points"
    )
    assert postgres.run(f"select {columns}, extract(epoch from credited_at - received_at) * 1000 from report.transaction").startswith("seed|tx-l1|alice|p|10000|EUR|credited|100|5")  # fmt: skip
    assert postgres.run("select sum(points), count(*) from report.posting") == "0|4"

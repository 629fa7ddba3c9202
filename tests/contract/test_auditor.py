"""Section 5, SQL for auditors: the stable views of schema `report`.

Rule: the ledger sums to nought in any snapshot, and what SQL shows is what HTTP shows.
Source: interface.md 5; spec.md S47, S60, X23, X24.
"""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, Customer, purchase
from comptoir.storage.errors import StorageUnavailable

Start = Callable[..., Process]
Ask = Callable[[Process, str], list[list[str]]]
COLUMNS = {
    "wallet": "user_id available pending blocked shortfall",
    "entry": "entry_id user_id kind points lot_id transaction_id withdrawal_id at",
    "lot": "lot_id user_id transaction_id points remaining earned_at expires_at",
    "transaction": "provider transaction_id user_id partner_id amount_cents currency status "
    "points received_at credited_at",
    "posting": "set_id account points",
}


@pytest.fixture
def auditor(comptoir_postgres_server: Any) -> Ask:
    """Runs a query as role comptoir_reader, through psql."""

    def ask(process: Process, query: str) -> list[list[str]]:
        url = process.env["COMPTOIR_STORAGE__URL"]
        database = url.partition("@/")[2].partition("?")[0]
        script = f"set role comptoir_reader;\n{query};"
        text: str = trio.run(comptoir_postgres_server.run_sql, script, database)
        return [line.split("|") for line in text.splitlines()]

    return ask


def test_columns(daemon: Process, auditor: Ask) -> None:
    """Exactly these views with exactly these columns, in this order."""
    for view, columns in COLUMNS.items():
        found = auditor(
            daemon,
            "select string_agg(attname, ' ' order by attnum) from pg_attribute "
            f"where attrelid = 'report.{view}'::regclass and attnum > 0",
        )
        assert found == [[columns]]
    views = auditor(
        daemon, "select relname from pg_class where relnamespace = 'report'::regnamespace"
    )
    assert {row[0] for row in views} == COLUMNS.keys()


@pytest.mark.parametrize(
    "sql",
    ["select * from comptoir.transfer", "insert into report.posting values (1, 'x', 1)",
     "delete from report.wallet", "select * from comptoir.document", "create table report.x ()"],
)  # fmt: skip
def test_a_reader_reads_the_views_and_nothing_else(daemon: Process, auditor: Ask, sql: str) -> None:
    """The role may neither write nor look behind the views (S60)."""
    with pytest.raises(StorageUnavailable, match=r"permission denied|cannot"):
        auditor(daemon, sql)


def test_views_equal_the_api(comptoir_daemon: Start, auditor: Ask) -> None:
    """Wallets, entries and transactions say the same in SQL and over HTTP; zero remains zero (S47)."""
    customer = Customer(comptoir_daemon(COMPTOIR_POINTS__HOLD_DAYS="2"))
    process = customer.process
    users: list[str] = []
    for rate in (100, 777, 1000):
        card = customer.card(rate_bp=rate)
        users.append(card.user_id)
        first = customer.buy(card, 33)
        customer.buy(card, 7.5)
        customer.advance(DAY_S * 3)
        customer.buy(card, 12)
        customer.refund(card, 33, first)
        customer.buy(card, 1, currency="USD")
    customer.quiet()
    zero = auditor(process, "select coalesce(sum(points), 0) from report.posting")
    assert zero == [["0"]]
    names = ("available", "pending", "blocked", "shortfall")
    rows = {row[0]: row[1:] for row in auditor(process, "select * from report.wallet")}
    assert rows.keys() == set(users)
    for user in users:
        balance = customer.found(f"/api/v1/wallets/{user}")["balance"]
        assert [int(text) for text in rows[user]] == [balance[name] for name in names]
        entries = auditor(
            process,
            "select entry_id, kind, points, coalesce(lot_id, ''), coalesce(transaction_id, '') "
            f"from report.entry where user_id = '{user}' order by entry_id desc",
        )
        items = [
            one for page in customer.pages(f"/api/v1/wallets/{user}/entries", 2) for one in page
        ]
        assert entries == [
            [one["entryId"], one["kind"], str(one["points"]), one["lotId"] or "",
             one["transactionId"] or ""] for one in items
        ]  # fmt: skip
        owned = auditor(
            process, f"select coalesce(sum(remaining), 0) from report.lot where user_id = '{user}'"
        )
        assert owned == [[str(balance["available"] + balance["pending"])]]
    transactions = auditor(
        process,
        "select transaction_id, provider, user_id, partner_id, amount_cents, currency, status, "
        "points, to_char(received_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), "
        "coalesce(to_char(credited_at at time zone 'UTC', "
        "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), '') from report.transaction",
    )
    assert len(transactions) == 15
    keys = ("provider", "userId", "partnerId", "amountCents", "currency", "status", "points")
    for identity, *row, received, credited in transactions:
        shown = customer.found(f"/api/v1/transactions/{identity}")
        assert row == [str(shown[key]) for key in keys], identity
        assert (received, credited) == (shown["receivedAt"], shown["creditedAt"] or "")


def test_unmatched_purchases_leave_no_row(customer: Customer, auditor: Ask) -> None:
    """Only partner transactions are kept (S60, X23)."""
    card = customer.card()
    identity = customer.name("tx")
    customer.send(purchase(identity, card.connection_id))
    customer.quiet()
    query = f"select count(*) from report.transaction where transaction_id = '{identity}'"
    assert auditor(customer.process, query) == [["0"]]


def test_zero_at_any_moment(customer: Customer, auditor: Ask) -> None:
    """In every snapshot taken while credits and refunds pour in, the postings sum to nought (S47)."""
    cards = [customer.card(rate_bp=500) for _ in range(4)]
    looked, done = threading.Event(), threading.Event()

    def pour() -> None:
        try:
            for turn in range(40):
                if turn == 20:
                    looked.wait(30)
                card = cards[turn % len(cards)]
                customer.refund(card, 5, customer.buy(card, 10))
        finally:
            done.set()

    worker = threading.Thread(target=pour)
    worker.start()
    looks = 0
    while not done.is_set():
        found = auditor(
            customer.process,
            "select (select coalesce(sum(points), 0) from report.posting), "
            "(select count(*) from (select set_id from report.posting group by set_id "
            "having sum(points) <> 0) odd)",
        )
        assert found == [["0", "0"]]
        looks += 1
        looked.set()
    worker.join()
    assert looks > 1
    for card in cards:
        assert customer.balance(card.user_id)["available"] == 10 * (50 - 25)

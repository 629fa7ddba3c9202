"""Section 7, rows a: wallets, entries, transactions; and how many points a purchase earns.

Rule: exactly these keys, integers for money and points, times in UTC with milliseconds.
Source: interface.md 1 and 7; spec.md S47, X21, X23, X24, X32, S74.
"""

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import quote

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, Customer, purchase

Start = Callable[..., Process]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BALANCE = {"available", "pending", "blocked", "shortfall"}
KINDS = {
    "credit", "release", "clawback", "expiry", "hold", "hold_released", "payout", "adjustment",
}  # fmt: skip


def test_wallet_shape(customer: Customer) -> None:
    """Exactly these keys and types (S47, X21)."""
    card = customer.card(rate_bp=950)
    customer.buy(card, 100)
    customer.quiet()
    before = customer.advance(0)
    wallet = customer.found(f"/api/v1/wallets/{card.user_id}")
    assert wallet.keys() == {
        "userId", "balance", "valueCents", "currency", "tier", "expiring", "version", "updatedAt",
    }  # fmt: skip
    assert wallet["userId"] == card.user_id
    assert wallet["balance"] == {"available": 950, "pending": 0, "blocked": 0, "shortfall": 0}
    assert (wallet["valueCents"], wallet["currency"]) == (950, "EUR")
    assert wallet["tier"].keys() == {"id", "name", "multiplierBp", "next"}
    assert wallet["tier"]["multiplierBp"] == 10_000
    assert wallet["tier"]["next"].keys() == {"id", "missingPoints"}
    assert wallet["expiring"] == []
    assert isinstance(wallet["version"], int)
    assert TIME.fullmatch(wallet["updatedAt"])
    updated = datetime.fromisoformat(wallet["updatedAt"]).timestamp() * 1000
    assert before - 60_000 < updated <= before
    customer.buy(card, 1)
    customer.quiet()
    assert customer.found(f"/api/v1/wallets/{card.user_id}")["version"] > wallet["version"]


def test_transaction_shape(customer: Customer) -> None:
    """Exactly these keys and types; the trace says why (S56, S47)."""
    card = customer.card(rate_bp=500)
    identity = customer.buy(card, 12.34, date="2026-10-31")
    shown = customer.transaction(identity)
    received, credited = shown.pop("receivedAt"), shown.pop("creditedAt")
    trace = shown.pop("trace")
    assert shown == {
        "transactionId": identity, "provider": "seed", "userId": card.user_id,
        "status": "credited", "amountCents": 1234, "currency": "EUR", "direction": "DEBIT",
        "date": "2026-10-31", "merchantName": card.label, "partnerId": card.partner_id,
        "points": 61,
    }  # fmt: skip
    assert TIME.fullmatch(received)
    assert TIME.fullmatch(credited)
    assert received <= credited
    assert trace
    assert all(isinstance(step, str) for step in trace)
    assert card.partner_id in trace[-1]


def test_entries_shape(customer: Customer) -> None:
    """Each item has these keys; balanceAfter follows from one item to the next (S47)."""
    card = customer.card(rate_bp=1000)
    first = customer.buy(card, 10)
    customer.buy(card, 20)
    customer.refund(card, 10, first)
    customer.quiet()
    page = customer.found(f"/api/v1/wallets/{card.user_id}/entries")
    assert page.keys() == {"items", "nextCursor"}
    assert page["nextCursor"] is None
    items = page["items"]
    for item in items:
        assert item.keys() == {
            "entryId", "kind", "points", "balanceAfter", "lotId", "transactionId", "withdrawalId",
            "occurredAt",
        }  # fmt: skip
        assert item["kind"] in KINDS
        assert item["balanceAfter"].keys() == BALANCE
        assert isinstance(item["entryId"], str)
        assert isinstance(item["lotId"], str)
        assert item["withdrawalId"] is None
        assert TIME.fullmatch(item["occurredAt"])
    assert [(one["kind"], one["points"]) for one in items] == [
        ("clawback", -100), ("credit", 200), ("credit", 100),
    ]  # fmt: skip
    assert items[0]["transactionId"] == first
    assert items[0]["lotId"] == items[2]["lotId"]
    for newer, older in pairwise(items):
        change = newer["balanceAfter"]["available"] - older["balanceAfter"]["available"]
        assert newer["points"] == change
    assert items[0]["balanceAfter"] == customer.balance(card.user_id)


def test_paging(customer: Customer) -> None:
    """Newest first, by cursor to the end, each once, whatever the page size (interface.md 1)."""
    card = customer.card(rate_bp=1000)
    bought = [customer.buy(card, 1) for _ in range(7)]
    customer.quiet()
    path = f"/api/v1/wallets/{card.user_id}/entries"
    for limit in (1, 2, 3, 7, 8, 500):
        pages = list(customer.pages(path, limit))
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert 0 < len(pages[-1]) <= limit
        found = [item["transactionId"] for page in pages for item in page]
        assert found == bought[::-1]


def test_a_cursor_holds_while_more_comes(customer: Customer) -> None:
    """What is credited meanwhile does not shift the pages behind it."""
    card = customer.card(rate_bp=1000)
    bought = [customer.buy(card, 1) for _ in range(4)]
    customer.quiet()
    path = f"/api/v1/wallets/{card.user_id}/entries"
    first = customer.found(f"{path}?limit=2")
    customer.buy(card, 1)
    customer.quiet()
    second = customer.found(f"{path}?limit=2&cursor={first['nextCursor']}")
    found = [item["transactionId"] for item in first["items"] + second["items"]]
    assert found == bought[::-1]
    assert second["nextCursor"] is None


def test_the_default_page_is_fifty(customer: Customer) -> None:
    """Without a limit 50 items, with one at most 500 (interface.md 1)."""
    card = customer.card(rate_bp=1000)
    for _ in range(51):
        customer.process.webhook(
            json.dumps(
                purchase(
                    customer.name("tx"), card.connection_id, amount=1, merchant={"name": card.label}
                )
            ).encode()
        )
    customer.quiet()
    path = f"/api/v1/wallets/{card.user_id}/entries"
    page = customer.found(path)
    assert len(page["items"]) == 50
    assert isinstance(page["nextCursor"], str)
    assert len(customer.found(f"{path}?limit=500")["items"]) == 51


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=501", "limit=x", "limit=1.5", "limit=", "limit=1&limit=2",
     "limit=99999999999999999999", "cursor=", "cursor=x", "cursor=AAAA", "cursor=ZTE6MQ==",
     "cursor=%00", "cursor=" + "A" * 500, "cursor=ZTE6LTE", "limit=%D9%A1"],
)  # fmt: skip
def test_wrong_queries(customer: Customer, query: str) -> None:
    """A limit or cursor that is none of ours is 422 REQUEST_INVALID with `errors`."""
    card = customer.card()
    customer.buy(card)
    customer.quiet()
    answer = customer.process.get(f"/api/v1/wallets/{card.user_id}/entries?{query}")
    assert (answer.status, answer.json()["code"]) == (422, "REQUEST_INVALID")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/query/" + query.partition("=")[0]


@pytest.mark.parametrize(
    "name", ["nobody", "%00", "a%2Fb", "%F0%9F%92%A9", "x" * 300, "%20", "..."]
)
def test_never_seen_is_not_found(daemon: Process, name: str) -> None:
    """A user or a transaction that was never seen is 404 NOT_FOUND, whatever its name."""
    for path in (
        f"/api/v1/wallets/{name}", f"/api/v1/wallets/{name}/entries",
        f"/api/v1/transactions/{name}",
    ):  # fmt: skip
        answer = daemon.get(path)
        assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND"), path


def test_a_linked_user_without_purchases_is_not_seen(customer: Customer) -> None:
    """Linking a card opens no wallet."""
    card = customer.card()
    assert customer.process.get(f"/api/v1/wallets/{card.user_id}").status == 404


@pytest.mark.parametrize("user", ["Zoé Œuf", "a:b", "x@example.com", "ünï-çødé", "a+b c", "100%"])
def test_any_user_id_is_served(customer: Customer, user: str) -> None:
    """Ids are the customer's own: spaces, accents, colons and signs included."""
    card = customer.card(rate_bp=1000)
    name, connection = f"{user} {customer.mark}", customer.name("conn")
    customer.must("connections", f'connection_id,user_id\n{connection},"{name}"\n')
    body = purchase(customer.name("tx"), connection, amount=10, merchant={"name": card.label})
    assert customer.send(body).status == 202
    customer.quiet()
    wallet = customer.found(f"/api/v1/wallets/{quote(name)}")
    assert (wallet["userId"], wallet["balance"]["available"]) == (name, 100)
    assert len(customer.found(f"/api/v1/wallets/{quote(name)}/entries")["items"]) == 1


# Points.


def test_points_of_random_purchases(customer: Customer) -> None:
    """floor(amountCents x rateBp / 10000), one floor at the very end (X32, S47)."""
    chance = random.Random(20261121)
    for _ in range(6):
        rate = chance.choice([0, 1, 3, 33, 333, 777, 1000, 9999, 10_000])
        card = customer.card(rate_bp=rate)
        expected = 0
        for _ in range(5):
            cents = chance.choice([0, 1, 2, 99, 101, 3333, chance.randrange(10**10)])
            identity = customer.buy(card, transaction_id=customer.name("tx"), amount=cents / 100
                                    if cents < 10**6 else _exact(cents))  # fmt: skip
            points = cents * rate // 10_000
            expected += points
            assert customer.transaction(identity)["points"] == points, (cents, rate)
        answer = customer.process.get(f"/api/v1/wallets/{card.user_id}")
        assert answer.json()["balance"]["available"] == expected, (rate, answer)


def _exact(cents: int) -> float:
    """A double that prints as this many cents: ten digits are well within its seventeen."""
    amount = cents / 100
    assert json.dumps(amount) in {f"{cents // 100}.{cents % 100:02d}", f"{cents / 100}"}
    return amount


def test_one_floor_at_the_end(comptoir_daemon: Start) -> None:
    """Rate, tier and value of a point are multiplied before the floor, not each floored (X21, X32)."""
    tiers = '[{"id": "a", "name": "A", "threshold_points": 0, "multiplier_bp": 13333}]'
    customer = Customer(
        comptoir_daemon(COMPTOIR_POINTS__VALUE_CENTS="7", COMPTOIR_POINTS__TIERS=tiers)
    )
    for cents, rate in ((999, 333), (12_345, 777), (100_001, 9999), (524, 1), (101, 10_000)):
        card = customer.card(rate_bp=rate)
        identity = customer.buy(card, cents / 100)
        points = cents * rate * 13_333 // (10_000 * 10_000 * 7)
        assert customer.transaction(identity)["points"] == points
        if points:
            wallet = customer.found(f"/api/v1/wallets/{card.user_id}")
            assert wallet["valueCents"] == points * 7


def test_tiers(comptoir_daemon: Start) -> None:
    """The tier that the points reached so far multiplies the next purchase (S47, S74)."""
    tiers = json.dumps([
        {"id": "base", "name": "Base", "threshold_points": 0, "multiplier_bp": 10_000},
        {"id": "gold", "name": "Gold", "threshold_points": 150, "multiplier_bp": 15_000},
    ])  # fmt: skip
    customer = Customer(comptoir_daemon(COMPTOIR_POINTS__TIERS=tiers))
    card = customer.card(rate_bp=1000)
    customer.buy(card, 10)
    customer.quiet()
    tier = customer.found(f"/api/v1/wallets/{card.user_id}")["tier"]
    assert tier == {
        "id": "base", "name": "Base", "multiplierBp": 10_000,
        "next": {"id": "gold", "missingPoints": 50},
    }  # fmt: skip
    customer.buy(card, 10)  # still base: 200 points, above the threshold
    assert customer.balance(card.user_id)["available"] == 200
    customer.buy(card, 10)
    assert customer.balance(card.user_id)["available"] == 350
    tier = customer.found(f"/api/v1/wallets/{card.user_id}")["tier"]
    assert tier == {"id": "gold", "name": "Gold", "multiplierBp": 15_000, "next": None}


def test_hold(comptoir_daemon: Start) -> None:
    """With hold_days points are pending and visible, then available, also across a kill (X24)."""
    customer = Customer(comptoir_daemon(COMPTOIR_POINTS__HOLD_DAYS="14"))
    card = customer.card(rate_bp=1000)
    first = customer.buy(card, 10)
    assert customer.balance(card.user_id) == {
        "available": 0, "pending": 100, "blocked": 0, "shortfall": 0,
    }  # fmt: skip
    shown = customer.transaction(first)
    assert (shown["status"], shown["points"]) == ("pending", 100)
    assert customer.found(f"/api/v1/wallets/{card.user_id}")["valueCents"] == 0
    customer.advance(13 * DAY_S)
    second = customer.buy(card, 20)
    assert customer.balance(card.user_id)["pending"] == 300
    customer.process.kill()
    customer.process.start()
    customer.advance(1.5 * DAY_S)
    balance = customer.balance(card.user_id)
    assert (balance["available"], balance["pending"]) == (100, 200)
    assert customer.transaction(first)["status"] == "credited"
    # A refund of what is still pending takes pending points, and nothing is released later.
    customer.refund(card, 20, second)
    customer.advance(20 * DAY_S)
    balance = customer.balance(card.user_id)
    assert (balance["available"], balance["pending"]) == (100, 0)
    assert customer.transaction(second)["status"] == "refunded"
    kinds = [item["kind"] for item in customer.found(
        f"/api/v1/wallets/{card.user_id}/entries")["items"]]  # fmt: skip
    assert sorted(kinds) == ["clawback", "credit", "credit", "release"]


def test_times_are_business_time(comptoir_daemon: Start) -> None:
    """What happens after the clock was moved is dated there, in UTC (interface.md 1 and 10)."""
    customer = Customer(comptoir_daemon())
    card = customer.card(rate_bp=1000)
    now = datetime.fromtimestamp(customer.advance(400 * DAY_S) / 1000, UTC)
    identity = customer.buy(card, 10)
    shown = customer.transaction(identity)
    for text in (shown["receivedAt"], shown["creditedAt"]):
        assert 0 <= (datetime.fromisoformat(text) - now).total_seconds() < 60

"""Section 6, rows 10 to 12: duplicates, parked webhooks, purchases, refunds, other currencies.

Rule: a webhook counts once, whatever happens in between; the points follow from the bodies alone.
Source: interface.md 6; spec.md S52, S56, S64, X16, X19, X23, X24.
"""

from collections.abc import Callable

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import DAY_S, Customer, purchase


def status(answer: Answered) -> tuple[int, str]:
    """HTTP status and status word; such an answer has no other key."""
    body = answer.json()
    assert body.keys() == {"status"}, answer
    assert answer.headers["content-type"] == "application/json"
    return answer.status, body["status"]


# Row 12.


def test_a_purchase_at_a_partner_is_credited(customer: Customer) -> None:
    """202 accepted, then the points of the rate in the wallet (S49, S52, S56, X19)."""
    card = customer.card(rate_bp=500)
    assert status(customer.send(purchase(
        customer.name("tx"), card.connection_id, merchant={"name": card.label}
    ))) == (202, "accepted")  # fmt: skip
    assert customer.balance(card.user_id)["available"] == 500


def test_an_unmatched_purchase_leaves_nothing(customer: Customer) -> None:
    """Counted, then dropped: no transaction and no wallet; but it is a duplicate later (S60, X23)."""
    card = customer.card()
    body = purchase(customer.name("tx"), card.connection_id)
    before = customer.metric("comptoir_transactions_total", outcome="unmatched")
    assert status(customer.send(body)) == (202, "accepted")
    customer.quiet()
    assert customer.metric("comptoir_transactions_total", outcome="unmatched") == before + 1
    identity = body["data"]["transaction_id"]
    assert customer.process.get(f"/api/v1/transactions/{identity}").status == 404
    assert customer.process.get(f"/api/v1/wallets/{card.user_id}").status == 404
    assert status(customer.send(body)) == (200, "duplicate")


# Row 10.


def test_the_same_webhook_again_is_a_duplicate(customer: Customer) -> None:
    """200 duplicate, and nothing is credited twice (X16)."""
    card = customer.card(rate_bp=1000)
    body = purchase(customer.name("tx"), card.connection_id, merchant={"name": card.label})
    assert [status(customer.send(body)) for _ in range(3)] == [
        (202, "accepted"), (200, "duplicate"), (200, "duplicate"),
    ]  # fmt: skip
    assert customer.balance(card.user_id)["available"] == 1000


def test_the_rest_of_the_body_does_not_make_it_new(customer: Customer) -> None:
    """Another amount, currency, direction, label: still the same transaction (X16)."""
    card = customer.card(rate_bp=1000)
    identity = customer.buy(card, 10)
    for changed in (
        {"amount": 9999}, {"direction": "CREDIT"}, {"currency": "USD"}, {"date": "2026-01-01"},
        {"merchant": {"name": "ELSEWHERE"}}, {"account_id": "other"},
    ):  # fmt: skip
        body = purchase(
            identity, card.connection_id, **{"merchant": {"name": card.label}, **changed}
        )
        assert status(customer.send(body)) == (200, "duplicate")
    assert customer.balance(card.user_id)["available"] == 100
    assert customer.transaction(identity)["amountCents"] == 1000


def test_another_connection_does_not_make_it_new(customer: Customer) -> None:
    """The key is (provider, event, transaction id): a second card cannot be credited for it (X16)."""
    first, second = customer.card(), customer.card()
    identity = customer.buy(first)
    body = purchase(identity, second.connection_id, merchant={"name": second.label})
    assert status(customer.send(body)) == (200, "duplicate")
    stray = purchase(identity, customer.name("unknown"), merchant={"name": second.label})
    assert status(customer.send(stray)) == (200, "duplicate")
    customer.quiet()
    assert customer.process.get(f"/api/v1/wallets/{second.user_id}").status == 404


def test_duplicates_are_known_across_restarts(comptoir_daemon: Callable[..., Process]) -> None:
    """A stop and a SIGKILL between two sendings: credited once, parked once (X16, X19)."""
    customer = Customer(comptoir_daemon())
    card = customer.card(rate_bp=1000)
    bought = customer.buy(card, 10)
    unknown = purchase(customer.name("tx"), customer.name("conn"))
    assert status(customer.send(unknown)) == (202, "parked")
    for end in (customer.process.stop, customer.process.kill):
        end()
        customer.process.start()
        again = purchase(bought, card.connection_id, merchant={"name": card.label})
        assert status(customer.send(again)) == (200, "duplicate")
        assert status(customer.send(unknown)) == (200, "duplicate")
    assert customer.balance(card.user_id)["available"] == 100
    assert customer.metric("comptoir_messages_pending", kind="parked") == 1


# Row 11.


def test_an_unknown_connection_is_parked_and_released(customer: Customer) -> None:
    """202 parked; when the connection appears, what waited is credited in order (S52)."""
    partner = customer.partner(1000)
    connection, user = customer.name("conn"), customer.name("user")
    for amount in (10, 20, 30):
        body = purchase(
            customer.name("tx"), connection, amount=amount, merchant={"name": f"SHOP{partner}"}
        )
        assert status(customer.send(body)) == (202, "parked")
        assert status(customer.send(body)) == (200, "duplicate")
    customer.quiet()
    assert customer.metric("comptoir_messages_pending", kind="parked") >= 3
    assert customer.process.get(f"/api/v1/wallets/{user}").status == 404
    customer.link(connection, user)
    assert customer.balance(user)["available"] == 600
    items = customer.found(f"/api/v1/wallets/{user}/entries")["items"]
    assert [item["points"] for item in items] == [300, 200, 100]


def test_after_a_day_a_parked_webhook_is_a_dead_letter(
    comptoir_daemon: Callable[..., Process],
) -> None:
    """Not before 24 h and then at once: dlq:transactions, counted in comptoir_dead_letters (S64)."""
    customer = Customer(comptoir_daemon())
    bodies = [purchase(customer.name("tx"), customer.name("conn")) for _ in range(3)]
    for body in bodies:
        assert status(customer.send(body)) == (202, "parked")

    def dead() -> float:
        customer.quiet()
        return customer.metric("comptoir_dead_letters", queue="dlq:transactions")

    customer.advance(DAY_S - 60)
    assert (dead(), customer.metric("comptoir_messages_pending", kind="parked")) == (0, 3)
    customer.advance(120)
    assert (dead(), customer.metric("comptoir_messages_pending", kind="parked")) == (3, 0)
    # It was taken once; that it came to nothing does not make it new (X16).
    assert status(customer.send(bodies[0])) == (200, "duplicate")
    # The connection's later webhooks are judged anew, and appear when it does.
    again = purchase(customer.name("tx"), bodies[0]["data"]["connection_id"])
    assert status(customer.send(again)) == (202, "parked")


def test_parked_work_survives_a_kill(comptoir_daemon: Callable[..., Process]) -> None:
    """Parked before SIGKILL, released after it (X19)."""
    customer = Customer(comptoir_daemon())
    partner = customer.partner(1000)
    connection, user = customer.name("conn"), customer.name("user")
    body = purchase(customer.name("tx"), connection, merchant={"name": f"SHOP{partner}"})
    assert status(customer.send(body)) == (202, "parked")
    customer.process.kill()
    customer.process.start()
    customer.link(connection, user)
    assert customer.balance(user)["available"] == 1000


# Refunds.


def test_a_named_refund_takes_the_points_back(customer: Customer) -> None:
    """A CREDIT that names its purchase claws back exactly that lot's points (X24)."""
    card = customer.card(rate_bp=1000)
    first, second = customer.buy(card, 50), customer.buy(card, 50)
    refund = customer.refund(card, 50, first)
    assert customer.balance(card.user_id)["available"] == 500
    assert customer.transaction(first)["status"] == "refunded"
    assert customer.transaction(second)["status"] == "credited"
    assert customer.transaction(refund)["direction"] == "CREDIT"
    kinds = [item["kind"] for item in customer.found(
        f"/api/v1/wallets/{card.user_id}/entries")["items"]]  # fmt: skip
    assert kinds == ["clawback", "credit", "credit"]


def test_a_refund_without_a_name_takes_the_newest_alike(customer: Customer) -> None:
    """Else it is matched to the newest purchase of the same connection, partner and amount (X24)."""
    card = customer.card(rate_bp=1000)
    older, newer, other = (customer.buy(card, amount) for amount in (50, 50, 20))
    customer.refund(card, 50)
    assert customer.balance(card.user_id)["available"] == 700
    states = [customer.transaction(one)["status"] for one in (older, newer, other)]
    assert states == ["credited", "refunded", "credited"]
    customer.refund(card, 50)
    assert customer.transaction(older)["status"] == "refunded"


def test_a_partial_refund_takes_its_part(customer: Customer) -> None:
    """Part of the amount takes part of the points; what remains is floor of what remains (X32)."""
    card = customer.card(rate_bp=333)
    bought = customer.buy(card, 10)
    assert customer.balance(card.user_id)["available"] == 1000 * 333 // 10_000
    customer.refund(card, 4, bought)
    assert customer.balance(card.user_id)["available"] == 600 * 333 // 10_000
    customer.refund(card, 6, bought)
    assert customer.balance(card.user_id)["available"] == 0
    assert customer.transaction(bought)["status"] == "refunded"


def test_a_refund_never_takes_more_than_was_given(customer: Customer) -> None:
    """Refunded over and over, the wallet loses what the purchase gave, once (X24)."""
    card = customer.card(rate_bp=1000)
    bought = customer.buy(card, 10)
    customer.buy(card, 30)
    for _ in range(3):
        customer.refund(card, 10, bought)
    assert customer.balance(card.user_id)["available"] == 300


def test_a_refund_before_its_purchase_waits(customer: Customer) -> None:
    """Out of order, the end is the same: nothing is owed and nothing is left (X24)."""
    card = customer.card(rate_bp=1000)
    coming = customer.name("tx")
    customer.refund(card, 10, coming)
    customer.buy(card, 10, transaction_id=coming)
    balance = customer.balance(card.user_id)
    assert balance == {"available": 0, "pending": 0, "blocked": 0, "shortfall": 0}
    assert customer.transaction(coming)["status"] == "refunded"


def test_a_refund_of_nobody_else(customer: Customer) -> None:
    """A refund on one user's card that names another user's purchase takes nothing from it (X24)."""
    rich, other = customer.card(rate_bp=1000), customer.card(rate_bp=1000)
    bought = customer.buy(rich, 10)
    customer.refund(other, 10, bought)
    assert customer.balance(rich.user_id)["available"] == 100
    assert customer.transaction(bought)["status"] == "credited"


# Other currencies.


@pytest.mark.parametrize("currency", ["USD", "GBP", "JPY", "CHF"])
def test_another_currency_is_taken_and_ignored(customer: Customer, currency: str) -> None:
    """Currency other than EUR: taken, not credited, outcome `ignored` (S56)."""
    card = customer.card()
    before = customer.metric("comptoir_transactions_total", outcome="ignored")
    identity = customer.buy(card, 100, currency=currency)
    shown = customer.transaction(identity)
    assert (shown["status"], shown["points"], shown["currency"]) == ("ignored", 0, currency)
    assert shown["creditedAt"] is None
    assert customer.process.get(f"/api/v1/wallets/{card.user_id}").status == 404
    assert customer.metric("comptoir_transactions_total", outcome="ignored") == before + 1

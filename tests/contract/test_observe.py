"""Section 5: health, metrics, quiescence.

Rule: names and labels of metrics are stable; a probe is answered whatever else goes on.
Source: interface.md 5; spec.md S67, S72.
"""

import json
import socket
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, purchase

Start = Callable[..., Process]
# name of a sample -> the names of its labels
STABLE = {
    "comptoir_webhooks_total": {"result", "code"},
    "comptoir_transactions_total": {"outcome"},
    "comptoir_points_credited_total": set[str](),
    "comptoir_points_debited_total": set[str](),
    "comptoir_messages_pending": {"kind"},
    "comptoir_dead_letters": {"queue"},
    "comptoir_commit_batch_size_count": set[str](),
    "comptoir_ack_seconds_count": set[str](),
    "comptoir_credit_seconds_count": set[str](),
    "comptoir_breaker_state": {"gateway"},
    "comptoir_actors_resident": {"kind"},
    "comptoir_actor_restarts_total": {"kind"},
}


def test_live_and_ready(daemon: Process) -> None:
    """Exactly these keys when all is well."""
    live, ready = daemon.get("/health/live"), daemon.get("/health/ready")
    assert (live.status, live.json()) == (200, {"status": "live"})
    assert ready.status == 200
    assert ready.json() == {
        "status": "ready",
        "checks": {"storage": "ok", "migrations": "ok", "recovery": "ok"},
    }
    for answer in (live, ready):
        assert answer.headers["content-type"] == "application/json"


def test_stable_metrics(customer: Customer) -> None:
    """Every stable name is there with its labels, in the Prometheus text format (S67)."""
    card = customer.card()
    customer.buy(card)
    customer.refund(card, 100)
    customer.send(purchase(customer.name("tx"), customer.name("conn")))
    customer.quiet()
    answer = customer.process.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set(sample.labels))
    missing = STABLE.keys() - found.keys()
    assert missing <= {"comptoir_dead_letters"}  # has no sample while there is none
    assert {name: found[name] for name in STABLE.keys() - missing} == {
        name: labels for name, labels in STABLE.items() if name not in missing
    }


def test_metrics_count_what_happened(comptoir_daemon: Start) -> None:
    """Webhooks by result, transactions by outcome, points both ways, messages by kind (S67)."""
    customer = Customer(comptoir_daemon())
    card = customer.card(rate_bp=1000)
    bought = customer.buy(card, 10)
    customer.refund(card, 10, bought)
    customer.buy(card, 10, currency="USD")
    customer.send(purchase(bought, card.connection_id))
    customer.send(purchase(customer.name("tx"), card.connection_id))
    customer.send(purchase(customer.name("tx"), "nobody"))
    customer.send("{")
    customer.send(purchase("x", "x", amount=-1))
    customer.quiet()
    name = "comptoir_webhooks_total"
    results = {"accepted": 4, "duplicate": 1, "parked": 1}
    assert {one: customer.metric(name, result=one, code="") for one in results} == results
    for code in ("WEBHOOK_PAYLOAD_MALFORMED", "WEBHOOK_PAYLOAD_INVALID"):
        assert customer.metric(name, result="refused", code=code) == 1
    outcomes = {"credited": 1, "unmatched": 1, "refunded": 1, "ignored": 1}
    name = "comptoir_transactions_total"
    assert {one: customer.metric(name, outcome=one) for one in outcomes} == outcomes
    assert customer.metric("comptoir_points_credited_total") == 100
    assert customer.metric("comptoir_points_debited_total") == 100
    assert customer.metric("comptoir_messages_pending", kind="parked") == 1
    for kind in ("connection", "wallet", "merchants"):
        assert customer.metric("comptoir_messages_pending", kind=kind) == 0
        assert customer.metric("comptoir_actor_restarts_total", kind=kind) == 0
    assert customer.metric("comptoir_actors_resident", kind="wallet") == 1
    assert customer.metric("comptoir_actors_resident", kind="connection") == 2
    assert customer.metric("comptoir_ack_seconds_count") >= 6
    assert customer.metric("comptoir_credit_seconds_count") == 1


def test_quiesce(customer: Customer) -> None:
    """200 when no message is due, also without a body; parked work does not count."""
    customer.send(purchase(customer.name("tx"), customer.name("conn")))
    for answer in (
        customer.process.post("/dev/v1/quiesce", {"timeoutSeconds": 30}),
        customer.process.post("/dev/v1/quiesce", {}),
        customer.process.request("POST", "/dev/v1/quiesce"),
    ):
        assert answer.status == 200


@pytest.mark.parametrize(
    "body", [{"timeoutSeconds": -1}, {"timeoutSeconds": "1"}, {"seconds": 1}, []]
)
def test_quiesce_refuses_what_it_does_not_know(daemon: Process, body: object) -> None:
    """A wrong body is 422 REQUEST_INVALID."""
    answer = daemon.post("/dev/v1/quiesce", body)
    assert (answer.status, answer.json()["code"]) == (422, "REQUEST_INVALID")


def test_quiesce_times_out(comptoir_daemon: Start) -> None:
    """504 while a message cannot be handled: here a push whose party does not answer."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        port = mute.getsockname()[1]
        customer = Customer(
            comptoir_daemon(
                COMPTOIR_PROVIDERS__FCM__BASE_URL=f"http://127.0.0.1:{port}",
                COMPTOIR_PROVIDERS__FCM__TIMEOUT_S="2",
            )
        )
        card = customer.card()
        device = json.dumps({"token": "fcm-token-of-a-phone", "platform": "android"}).encode()
        path = f"/api/v1/devices/phone?userId={card.user_id}"
        json_type = {"Content-Type": "application/json"}
        assert customer.process.request("PUT", path, device, json_type).status == 200
        customer.buy(card)
        answer = customer.process.post("/dev/v1/quiesce", {"timeoutSeconds": 0.3})
        assert answer.status == 504
        assert answer.json()["retryable"] is True
        assert answer.headers["content-type"] == "application/problem+json"


def test_doors_are_shut_to_others(customer: Customer) -> None:
    """Whoever comes through a proxy is told 404: the doors are for this machine (X28)."""
    for path in ("/dev/v1/clock", "/dev/v1/quiesce", "/dev/v1/import/partners"):
        answer = customer.process.request(
            "POST", path, b"{}",
            {"Content-Type": "application/json", "X-Forwarded-For": "203.0.113.9"},
        )  # fmt: skip
        assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND")

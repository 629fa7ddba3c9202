"""The description of the API is true of a whole daemon, and its limits outlive it.

Rule: answers with real content, of every operation, are held to the document that this very daemon
serves, with every object closed: nothing is answered that is not described.
Source: interface.md 1, 4 to 7, 10; spec.md S62, S73; OpenAPI 3.1.0.
"""

import json
from collections.abc import Callable

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Customer, purchase
from tests.http.answered import Described

Start = Callable[..., Process]


@pytest.fixture
def described(customer: Customer) -> Described:
    """What the daemon says of itself."""
    return Described(customer.found("/api/v1/openapi.json"))


def _hold(described: Described, operation: str, answer: Answered, status: int = 200) -> None:
    """An answer as expected and as described."""
    assert answer.status == status, answer
    headers = {
        name.encode(): value.encode()
        for name, value in answer.headers.items()
        if name not in {"connection", "transfer-encoding"}  # of the wire, not of the answer
    }
    described.holds(operation, answer.status, headers, answer.body)


def test_reads_are_described(customer: Customer, described: Described) -> None:
    """S73: a wallet, its history and its transactions, credited, refunded, ignored."""
    card = customer.card(rate_bp=1000)
    bought = customer.buy(card, 10)
    refund = customer.refund(card, 10, bought)
    foreign = customer.buy(card, 5, currency="USD")
    customer.quiet()
    get = customer.process.get
    _hold(described, "getWallet", get(f"/api/v1/wallets/{card.user_id}"))
    for query in ("", "?limit=1"):
        _hold(described, "listEntries", get(f"/api/v1/wallets/{card.user_id}/entries{query}"))
    statuses: list[str] = []
    for identity in (bought, refund, foreign):
        answer = get(f"/api/v1/transactions/{identity}")
        _hold(described, "getTransaction", answer)
        statuses.append(answer.json()["status"])
    assert statuses == ["refunded", "refunded", "ignored"]
    _hold(described, "getTransaction", get("/api/v1/transactions/none"), 404)
    _hold(described, "listEntries", get(f"/api/v1/wallets/{card.user_id}/entries?limit=x"), 422)


def test_webhooks_are_described(customer: Customer, described: Described) -> None:
    """S73, interface.md 6: accepted, duplicate, parked, refused."""
    card = customer.card()
    body = purchase(customer.name("tx"), card.connection_id)
    _hold(described, "receiveBankingWebhook", customer.send(body), 202)
    _hold(described, "receiveBankingWebhook", customer.send(body), 200)
    parked = purchase(customer.name("tx"), customer.name("unknown"))
    _hold(described, "receiveBankingWebhook", customer.send(parked), 202)
    for wrong, status in (("{", 400), (json.dumps({**body, "event": "x.y"}), 422), ("{}", 422)):
        _hold(described, "receiveBankingWebhook", customer.send(wrong), status)
    unsigned = customer.process.post("/webhooks/banking", body)
    _hold(described, "receiveBankingWebhook", unsigned, 401)


def test_the_rest_is_described(customer: Customer, described: Described) -> None:
    """S73, interface.md 4, 5, 10: health, metrics, pages, the doors of this machine."""
    get, post = customer.process.get, customer.process.post
    for operation, path in (
        ("getLive", "/health/live"),
        ("getReady", "/health/ready"),
        ("getMetrics", "/metrics"),
        ("getDocs", "/docs"),
        ("getLanding", "/"),
        ("getOpenapi", "/api/v1/openapi.json"),
    ):
        _hold(described, operation, get(path))
    _hold(described, "advanceClock", post("/dev/v1/clock", {"advanceSeconds": 1.5}))
    _hold(described, "advanceClock", post("/dev/v1/clock", {"advanceSeconds": -1}), 422)
    _hold(described, "quiesce", post("/dev/v1/quiesce", {"timeoutSeconds": 30}))
    good = customer.process.load("partners", "id,name,rate_bp\n")
    _hold(described, "importFile", good)
    _hold(described, "importFile", customer.process.load("partners", "id\nx\n"), 422)


def test_too_many_partners_is_described(comptoir_daemon: Start) -> None:
    """S47, S73: a machine's own refusal has its own code, and it is in the description."""
    daemon = comptoir_daemon(COMPTOIR_MERCHANTS__PARTNERS_MAX="1")
    described = Described(daemon.get("/api/v1/openapi.json").json())
    refused = daemon.load("partners", "id,name,rate_bp\np1,One,1\np2,Two,2\n")
    assert refused.json()["code"] == "PARTNERS_TOO_MANY"
    _hold(described, "importFile", refused, 409)


@pytest.mark.parametrize("end", [Process.stop, Process.kill])
def test_a_minute_outlives_the_daemon(
    comptoir_daemon: Start, end: Callable[[Process], object]
) -> None:
    """S62: who has used its minute is told so by the daemon that starts again, too; health is free."""
    daemon = comptoir_daemon(
        COMPTOIR_HTTP__RATE_LIMITS="on", COMPTOIR_HTTP__RATE_PER_MINUTE_ANONYMOUS="5"
    )
    for left in (4, 3, 2, 1, 0):
        answer = daemon.get("/docs")
        assert answer.status == 200
        assert answer.headers["ratelimit"].startswith(f'"anonymous";r={left};t=')
    end(daemon)
    daemon.start()
    for _ in range(10):
        assert daemon.get("/health/ready").status == 200
    answer = daemon.get("/api/v1/wallets/x")
    assert (answer.status, answer.json()["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(answer.headers["retry-after"]) <= 61

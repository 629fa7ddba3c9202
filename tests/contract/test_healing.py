"""Webhooks that are lost: what they would have told is read, credited once, and counted (E6).

Rule: daemon and sandbox are processes of their own; both clocks are moved together, a quarter of an hour at a
time, so that tokens are replaced as they would be.
Source: spec.md E6, S60, S63, X16; interface.md 5, 6, 10; issue 6, "must show".
"""

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, purchase
from tests.contract.banking import Person, query_of

Start = Callable[..., Process]
Json = dict[str, Any]
PURCHASES = 400
LOST = 0.05
STEP_S = 900
HEAL_S = 6 * 3600
SPREAD_S = 3600
ROTATION_S = 300
"""By which a reading waits that falls due as its tokens end: one of a hundred connections here, by their numbers."""
POINTS = 50
"""Of a purchase of 10.00 at 5 %."""


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """The banks."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows them, and looks back for ten days."""
    made = comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__PLAID__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__PLAID__CLIENT_SECRET="plaid-secret-of-a-contract-test",
        COMPTOIR_CONNECTIONS__LOOK_BACK_DAYS="10",
        COMPTOIR_CONNECTIONS__REDIRECT_URIS='["https://app.example/linked"]',
    )
    made.load("partners", "id,name,rate_bp\nchez,Chez Nous,500\n")
    return made


@pytest.fixture
def person(daemon: Process) -> Person:
    """Somebody new."""
    return Person.new(daemon)


@pytest.fixture
def customer(daemon: Process) -> Customer:
    """Who looks at metrics, and signs."""
    return Customer(daemon)


@pytest.fixture(autouse=True)
def healed(sandbox: Process) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.request("DELETE", "/control/faults")


def _pass(daemon: Process, sandbox: Process, seconds: int) -> None:
    for _ in range(-(-seconds // STEP_S)):
        for process, path in ((sandbox, "/control/clock"), (daemon, "/dev/v1/clock")):
            assert process.post(path, {"advanceSeconds": STEP_S}).status == 200


def _connection_id(sandbox: Process) -> str:
    items = sandbox.get("/control/calls?party=seed").json()["items"]
    exchanged = [item for item in items if item["operation"] == "auth.token"][-1]
    found = exchanged["answer"]["body"].partition('"connectionId":"')[2].partition('"')[0]
    return str(found)


def _bought(connection_id: str, now_ms: int, days_ago: int = 0, label: str = "CHEZ NOUS") -> Json:
    day = datetime.fromtimestamp(now_ms / 1000, UTC).date() - timedelta(days=days_ago)
    identity = f"h-{secrets.token_hex(6)}"
    return purchase(
        identity, connection_id, amount=10, date=day.isoformat(), merchant={"name": label}
    )


def _book(sandbox: Process, connection_id: str, bodies: list[Json]) -> None:
    items = [
        {key: one["data"][key] for key in one["data"] if key not in ("connection_id", "account_id")}
        for one in bodies
    ]
    answer = sandbox.post("/control/transactions", {"connectionId": connection_id, "items": items})
    assert answer.status == 200, answer


def _available(daemon: Process, person: Person) -> int:
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    answer = person.ask("GET", f"/api/v1/wallets/{person.name}")
    return 0 if answer.status == 404 else int(answer.json()["balance"]["available"])


def _credits(person: Person) -> list[str]:
    """The transactions of all credits in a person's history."""
    found: list[str] = []
    cursor = ""
    while True:
        path = f"/api/v1/wallets/{person.name}/entries?limit=500{cursor}"
        page = person.ask("GET", path).json()
        found += [one["transactionId"] for one in page["items"] if one["kind"] == "credit"]
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"


def test_webhooks_lost_at_random(
    daemon: Process, sandbox: Process, person: Person, customer: Customer
) -> None:
    """E6, X16: of 400 webhooks 5 % are lost: all are healed, counted, and none is credited twice, whether the
    lost ones come after all, or all of them again.
    """
    person.linked()
    connection_id = _connection_id(sandbox)
    bodies = [_bought(connection_id, customer.now_ms()) for _ in range(PURCHASES)]
    _book(sandbox, connection_id, bodies)
    fault = {"party": "seed", "operation": "webhooks.send", "fault": "lost", "probability": LOST}
    assert sandbox.request("PUT", "/control/faults", json.dumps([fault]).encode()).status == 200
    target = f"{daemon.url}/webhooks/banking"

    def send(body: Json) -> list[Json]:
        answer = sandbox.post(
            "/control/webhooks", {"target": target, "secret": customer.secret, "body": body}
        )
        assert answer.status == 200, answer
        answers: list[Json] = answer.json()
        return answers

    lost = [body for body in bodies if not send(body)]
    assert 0 < len(lost) < PURCHASES // 5
    assert _available(daemon, person) == (PURCHASES - len(lost)) * POINTS
    before = customer.metric("comptoir_webhooks_healed_total", provider="seed")
    _pass(daemon, sandbox, HEAL_S + SPREAD_S + ROTATION_S)
    assert _available(daemon, person) == PURCHASES * POINTS
    after = customer.metric("comptoir_webhooks_healed_total", provider="seed")
    assert after - before == len(lost)
    sandbox.request("DELETE", "/control/faults")
    for body in (*lost, *bodies[:20]):
        (answer,) = send(body)
        assert (answer["status"], answer["body"]) == (200, {"status": "duplicate"})
    _pass(daemon, sandbox, HEAL_S + SPREAD_S + ROTATION_S)
    assert _available(daemon, person) == PURCHASES * POINTS
    assert sorted(_credits(person)) == sorted(one["data"]["transaction_id"] for one in bodies)
    assert customer.metric("comptoir_webhooks_healed_total", provider="seed") == after


def test_an_update_that_plaid_has_not_told(
    daemon: Process, sandbox: Process, person: Person, customer: Customer
) -> None:
    """E6: a purchase, its correction and its end are found though no webhook has told of them."""
    started = person.start(provider="plaid")
    back = person.at_bank(started.json()["authUrl"], card="4711")
    assert person.complete(query_of(back.headers["location"])["sessionId"]).status == 201
    item = sandbox.get("/control/plaid/items").json()["items"][-1]["itemId"]

    def book(**changes: Any) -> int:
        body = {"itemId": item, "webhook": False, **changes}
        assert sandbox.post("/control/plaid/transactions", body).status == 200
        _pass(daemon, sandbox, HEAL_S + SPREAD_S + ROTATION_S)
        return _available(daemon, person)

    assert _available(daemon, person) == 0
    one = {"transaction_id": f"tx-{secrets.token_hex(6)}", "name": "Chez Nous",
           "original_description": "CB CHEZ NOUS"}  # fmt: skip
    before = customer.metric("comptoir_webhooks_healed_total", provider="plaid")
    assert book(added=[{**one, "amount": 10.0}]) == POINTS
    assert customer.metric("comptoir_webhooks_healed_total", provider="plaid") == before + 1
    assert book(modified=[{**one, "amount": 30.0}]) == 3 * POINTS
    assert book(modified=[{**one, "amount": 20.0}]) == 2 * POINTS
    assert book(removed=[one["transaction_id"]]) == 0


def test_looking_back(
    daemon: Process, sandbox: Process, person: Person, customer: Customer
) -> None:
    """S60, issue 6: what was bought ten days before the link earns, what was bought earlier does not."""

    def readings() -> int:
        calls = sandbox.get("/control/calls?party=seed").json()["items"]
        return sum(one["operation"] == "transactions.list" for one in calls)

    before = readings()
    mine = person.linked()
    assert _available(daemon, person) == 0
    assert readings() == before + 1, "at once"
    connection_id = _connection_id(sandbox)
    bodies = [_bought(connection_id, customer.now_ms(), days) for days in (0, 1, 9, 10, 11, 40)]
    _book(sandbox, connection_id, bodies)
    assert person.ask("POST", f"/api/v1/connections/{mine}/sync").status == 202
    assert _available(daemon, person) == 4 * POINTS


def test_one_account_by_two_providers(
    daemon: Process, sandbox: Process, person: Person, customer: Customer
) -> None:
    """Issue 6, part 3: the same card by another provider is linked, its purchases are counted, and earn once."""
    person.linked(card="3030")
    connection_id = _connection_id(sandbox)
    bodies = [_bought(connection_id, customer.now_ms()) for _ in range(3)]
    _book(sandbox, connection_id, bodies)
    for body in bodies[:2]:
        assert customer.send(body).status == 202
    assert _available(daemon, person) == 2 * POINTS
    started = person.start(provider="plaid")
    back = person.at_bank(started.json()["authUrl"], card="3030")
    assert person.complete(query_of(back.headers["location"])["sessionId"]).status == 201
    assert _available(daemon, person) == 2 * POINTS
    item = sandbox.get("/control/plaid/items").json()["items"][-1]["itemId"]
    names = [f"tx-{secrets.token_hex(6)}" for _ in range(3)]
    day = bodies[0]["data"]["date"]
    added = [
        {"transaction_id": name, "amount": 10.0, "name": "Chez Nous", "date": day,
         "original_description": "CHEZ NOUS PARIS"}
        for name in names
    ]  # fmt: skip
    before = customer.metric("comptoir_transactions_total", outcome="recognised")
    answer = sandbox.post("/control/plaid/transactions", {"itemId": item, "added": added})
    assert answer.status == 200, answer
    assert _available(daemon, person) == 3 * POINTS, "the third is told by Plaid first"
    assert customer.send(bodies[2]).status == 202
    assert _available(daemon, person) == 3 * POINTS
    after = customer.metric("comptoir_transactions_total", outcome="recognised")
    assert after - before == 3
    for name in names:
        assert person.ask("GET", f"/api/v1/transactions/{name}").json()["points"] == POINTS

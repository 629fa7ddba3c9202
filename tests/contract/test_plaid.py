"""Plaid, end to end: a card is linked by Hosted Link, its webhooks are verified, purchases are credited once.

Rule: daemon and sandbox are processes of their own; every request that the sandbox has had is held to the
schema of its page in the end.
Source: interface.md 6, 7 and 10; plaid.com/docs/api; spec.md S42, S45, S48, S52 to S57, S63, X16, X20, E8, E10.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, eventually, free_port
from tests.actors.gateways.plaid_schemas import REQUESTS, hold
from tests.contract.banking import APP, Person, new_card, query_of, visit

Start = Callable[..., Process]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Iterator[Process]:
    """Plaid; what it was asked is right."""
    plaid = comptoir_sandbox_shared()
    yield plaid
    asked = plaid.get("/control/calls?party=plaid").json()["items"]
    assert asked
    for call in asked:
        hold(REQUESTS, call["path"], json.loads(call["body"]))


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows it."""
    made = comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(
            free_port()
        ),  # the same after a kill: our issuer, and Plaid's way to us
        COMPTOIR_BREAKERS__DEFAULT__ERRORS="1000",  # one test's faults are not the next one's
        COMPTOIR_PROVIDERS__PLAID__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__PLAID__CLIENT_SECRET="plaid-secret-of-a-contract-test",
    )
    made.load("partners", "id,name,rate_bp\nchez,Chez Nous,500\n")
    return made


class Client:
    """A person with a card that is linked by Plaid."""

    def __init__(self, daemon: Process, sandbox: Process) -> None:
        self.daemon, self.sandbox = daemon, sandbox
        self.person = Person.new(daemon)
        card = new_card()
        started = self.person.start(provider="plaid")
        assert started.status == 201, started
        back = self.person.at_bank(started.json()["authUrl"], card=card)
        assert back.status == 303, back
        session = query_of(back.headers["location"])["sessionId"]
        done = self.person.complete(session)
        assert done.status == 201, done
        self.linked: Json = done.json()
        self.id = str(self.linked["id"])
        items = sandbox.get("/control/plaid/items").json()["items"]
        self.item = str(items[-1]["itemId"])
        self.settled()

    def settled(self) -> None:
        """Nothing is due any more: asked for a while at a time, since an answer is waited for no longer than half a minute."""
        eventually(
            lambda: self.daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 5}).status == 200, 60
        )

    def book(self, **fields: Any) -> list[Json]:
        """Something changes at the bank, and Plaid tells of it; what the daemon answered."""
        body = {"itemId": self.item, **fields}
        answer = self.sandbox.post("/control/plaid/transactions", body)
        assert answer.status == 200, answer
        self.settled()
        return [{**one["body"], "http": one["status"]} for one in answer.json()["answers"]]

    def happen(self, code: str, **fields: Any) -> list[Json]:
        """Something becomes of the Item, and Plaid tells of it."""
        body = {"itemId": self.item, "code": code, **fields}
        answer = self.sandbox.post("/control/plaid/items", body)
        assert answer.status == 200, answer
        self.settled()
        return [{**one["body"], "http": one["status"]} for one in answer.json()["answers"]]

    def points(self) -> int:
        """What is available."""
        answer = self.person.ask("GET", f"/api/v1/wallets/{self.person.name}")
        if answer.status == 404:
            return 0
        return int(answer.json()["balance"]["available"])

    def status(self) -> str:
        """Of the connection."""
        return str(self.person.ask("GET", f"/api/v1/connections/{self.id}").json()["status"])

    def transaction(self, identity: str) -> Json:
        """As its person sees it."""
        found: Json = self.person.ask("GET", f"/api/v1/transactions/{identity}").json()
        return found


@pytest.fixture
def client(daemon: Process, sandbox: Process) -> Client:
    """Somebody new."""
    return Client(daemon, sandbox)


def bought(amount: float = 10.0, **fields: Any) -> Json:
    """A purchase at our partner."""
    return {
        "transaction_id": f"tx-{secrets.token_hex(6)}", "amount": amount, "name": "Chez Nous",
        "original_description": "CB CHEZ NOUS", **fields,
    }  # fmt: skip


ACCEPTED = {"status": "accepted", "http": 202}


def _faults(sandbox: Process, *rows: Json) -> None:
    answer = sandbox.request("PUT", "/control/faults", json.dumps(rows).encode())
    assert answer.status == 200, answer


@pytest.fixture(autouse=True)
def healed(sandbox: Process) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.request("DELETE", "/control/faults")


def test_a_card_is_linked(client: Client) -> None:
    """S45, S48: by Hosted Link, without a code in the address; webhooks are asked for, and it is read once."""
    assert client.linked["provider"] == "plaid"
    assert client.linked["bankName"] == "Banque du Bac à Sable"
    (item,) = (
        one
        for one in client.sandbox.get("/control/plaid/items").json()["items"]
        if one["itemId"] == client.item
    )
    assert item["webhook"] == f"{client.daemon.url}/webhooks/plaid"
    assert item["read"] is True
    assert client.linked["cardLast4"] == item["card"]


def test_purchases_are_credited_once(client: Client) -> None:
    """S52, X16: told by a webhook, read by the cursor; told again, and read again, nothing changes."""
    purchase = bought(100.0)
    assert client.book(added=[purchase, bought(5.0), bought(-1.0), {"name": "NOBODY"}]) == [
        ACCEPTED
    ]
    assert client.points() == 500 + 25
    assert client.book() == [ACCEPTED], "another webhook, of nothing"
    assert client.person.ask("POST", f"/api/v1/connections/{client.id}/sync").status == 202
    client.settled()
    assert client.points() == 500 + 25
    assert client.transaction(purchase["transaction_id"])["status"] == "credited"


def test_the_very_same_webhook_again(client: Client) -> None:
    """X16: replayed within its window it is a duplicate."""
    _faults(
        client.sandbox,
        {"party": "plaid", "operation": "webhooks.send", "fault": "replay", "count": 1},
    )
    answers = client.book(added=[bought()])
    assert answers == [ACCEPTED, {"status": "duplicate", "http": 200}]
    assert client.points() == 50


def test_booked_after_it_was_pending(client: Client) -> None:
    """E8: pending, it earns; booked under another id it earns no second time, and what it is now."""
    pending = bought(50.0, pending=True)
    client.book(added=[pending])
    assert client.points() == 250
    first = pending["transaction_id"]
    booked = bought(50.0, pending_transaction_id=first)
    client.book(added=[booked], removed=[first])
    assert client.points() == 250
    for identity in (first, booked["transaction_id"]):
        assert client.transaction(identity)["points"] == 250
    tip = bought(20.0, pending=True)
    client.book(added=[tip])
    final = bought(24.0, pending_transaction_id=tip["transaction_id"])
    client.book(added=[final], removed=[tip["transaction_id"]])
    assert client.points() == 250 + 120, "with the tip"
    client.book(removed=[final["transaction_id"]])
    assert client.points() == 250
    assert client.transaction(final["transaction_id"])["status"] == "refunded"


def test_an_update_that_changes_while_it_is_read(client: Client) -> None:
    """plaid.com/docs/errors/transactions: read again from its first page, and credited once.

    Each costs something else: of one amount on one day, each would be held to five hundred others, and
    their wallet would take longer than everything else here.
    """
    many = [bought((100 + number) / 100) for number in range(501)]
    client.book(added=many, meanwhile=[bought(1.0)])
    # The gateway's next try is a timer of business time.
    client.daemon.post("/dev/v1/clock", {"advanceSeconds": 2})
    client.sandbox.post("/control/clock", {"advanceSeconds": 2})
    rounded_down = sum((100 + number) * 5 // 100 for number in range(501))
    eventually(lambda: client.points() == rounded_down + 5, 30)


def test_who_must_act(client: Client) -> None:
    """X20, X29: expired until its person has been through update mode; then what was bought is read."""
    assert client.happen("ERROR") == [ACCEPTED]
    assert client.status() == "expired"
    client.book(added=[bought()])
    assert client.points() == 0
    answer = client.person.ask("POST", f"/api/v1/connections/{client.id}/sync")
    assert (answer.status, answer.json()["code"]) == (401, "BANK_CONNECTION_EXPIRED")
    renewal = client.person.ask(
        "POST", f"/api/v1/connections/{client.id}/renew", {"redirectUri": APP}
    )
    assert renewal.status == 200, renewal
    back = visit(visit(renewal.json()["authUrl"]).headers["location"])
    assert back.status == 303
    client.settled()
    assert client.status() == "active"
    client.settled()
    assert client.points() == 50


def test_repaired_by_itself(client: Client) -> None:
    """LOGIN_REPAIRED: nobody had to do anything."""
    client.happen("ERROR")
    assert client.status() == "expired"
    assert client.happen("LOGIN_REPAIRED") == [ACCEPTED]
    assert client.status() == "active"
    client.book(added=[bought()])
    assert client.points() == 50


@pytest.mark.parametrize("code", ["PENDING_EXPIRATION", "PENDING_DISCONNECT"])
def test_a_consent_that_ends(client: Client, code: str) -> None:
    """X20, E10: the end that Plaid names is the end that its person is shown."""
    before = client.person.ask("GET", f"/api/v1/connections/{client.id}").json()
    now = client.daemon.post("/dev/v1/clock", {"advanceSeconds": 0}).json()["now"]
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7 * DAY_S))
    assert client.happen(code, consentExpiresAt=ends) == [ACCEPTED]
    after = client.person.ask("GET", f"/api/v1/connections/{client.id}").json()
    assert now < after["consentExpiresAt"] < before["consentExpiresAt"]
    assert after["status"] == "active"


def test_revoked_at_the_provider(client: Client) -> None:
    """S57: ended by its person there, it is ended here; nothing is left of it, and nothing is read."""
    client.book(added=[bought()])
    assert client.happen("USER_PERMISSION_REVOKED") == [ACCEPTED]
    eventually(lambda: client.status() == "revoked")
    items = client.sandbox.get("/control/plaid/items").json()["items"]
    assert client.item not in [one["itemId"] for one in items]
    assert client.points() == 50, "what was earned stays"


def test_revoked_here(client: Client) -> None:
    """S57: /item/remove, asked for until it is true."""
    fault = {
        "party": "plaid",
        "operation": "item.remove",
        "fault": "status",
        "status": 503,
        "count": 1,
    }
    _faults(client.sandbox, fault)
    assert client.person.ask("DELETE", f"/api/v1/connections/{client.id}").status == 202

    def over() -> bool:
        client.daemon.post("/dev/v1/clock", {"advanceSeconds": 2})
        client.sandbox.post("/control/clock", {"advanceSeconds": 2})
        return client.status() == "revoked"

    eventually(over, 30)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"fault": "forged"}, "WEBHOOK_SIGNATURE_INVALID"),
        ({"fault": "late", "ms": 600_000}, "WEBHOOK_TIMESTAMP_EXPIRED"),
        ({"fault": "wrong_clock", "ms": 600_000}, "WEBHOOK_TIMESTAMP_EXPIRED"),
    ],
)
def test_what_plaid_has_not_signed_now(client: Client, fault: Json, code: str) -> None:
    """S54, S55, X16: refused by name, and nothing is read for it."""
    _faults(client.sandbox, {"party": "plaid", "operation": "webhooks.send", "count": 1, **fault})
    ((answer),) = client.book(added=[bought()])
    assert (answer["http"], answer["code"]) == (401, code)
    assert client.points() == 0
    client.book()
    assert client.points() == 50, "the next one that is genuine finds it"


def test_keys_are_replaced(client: Client) -> None:
    """S54: a new key is asked for when it is first named; while that is not to be had it is 503."""
    client.sandbox.post("/control/plaid/keys", {"expire": True})
    assert client.book(added=[bought()]) == [ACCEPTED]
    client.sandbox.post("/control/plaid/keys", {})
    operation = "webhook_verification_key.get"
    _faults(client.sandbox, {"party": "plaid", "operation": operation, "fault": "status", "status": 500, "count": 1})  # fmt: skip
    ((answer),) = client.book(added=[bought()])
    assert (answer["http"], answer["code"]) == (503, "BANK_PROVIDER_UNAVAILABLE")
    assert client.book() == [ACCEPTED]
    assert client.points() == 100


def test_away_while_it_is_to_be_read(client: Client) -> None:
    """S63: what could not be read is read when Plaid is back, once."""
    fault = {"party": "plaid", "operation": "transactions.sync", "fault": "status", "status": 503}
    _faults(client.sandbox, {**fault, "count": 2})
    client.book(added=[bought()])
    assert client.points() == 0

    def there() -> bool:
        client.daemon.post("/dev/v1/clock", {"advanceSeconds": 2})
        client.sandbox.post("/control/clock", {"advanceSeconds": 2})
        return client.points() == 50

    eventually(there, 30)


def test_it_is_linked_once(client: Client) -> None:
    """S66: the same person's same card in another Item: 409, and the Item is given back."""
    started = client.person.start(provider="plaid")
    back = client.person.at_bank(started.json()["authUrl"], card=client.linked["cardLast4"])
    answer = client.person.complete(query_of(back.headers["location"])["sessionId"])
    assert (answer.status, answer.json()["code"]) == (409, "BANK_CARD_ALREADY_LINKED")
    client.settled()
    items = client.sandbox.get("/control/plaid/items").json()["items"]
    cards = [one for one in items if one["card"] == client.linked["cardLast4"]]
    assert [one["itemId"] for one in cards] == [client.item]


def test_who_leaves_link(daemon: Process, sandbox: Process) -> None:
    """S57: who has not consented has no connection."""
    person = Person.new(daemon)
    started = person.start(provider="plaid").json()
    back = person.at_bank(started["authUrl"], outcome="exit")
    assert back.status == 303
    answer = person.complete(started["sessionId"])
    assert (answer.status, answer.json()["code"]) == (400, "BANK_CARD_LINKING_FAILED")


@pytest.mark.parametrize("operation", ["link.token.create", "link.token.get", "accounts.get"])
def test_a_link_through_an_outage(daemon: Process, sandbox: Process, operation: str) -> None:
    """S63: what is lost on the way is asked again, and there is one connection."""
    fault = {"party": "plaid", "operation": operation, "fault": "drop_after_effect", "count": 1}
    _faults(sandbox, fault)
    made: list[Client] = []
    worker = threading.Thread(target=lambda: made.append(Client(daemon, sandbox)))
    worker.start()
    while worker.is_alive():
        daemon.post("/dev/v1/clock", {"advanceSeconds": 1})
        sandbox.post("/control/clock", {"advanceSeconds": 1})
        worker.join(0.2)
    assert made[0].status() == "active"
    assert len(made[0].person.ask("GET", "/api/v1/connections").json()["items"]) == 1


def test_killed_when_it_has_said_yes(client: Client) -> None:
    """X19: what was answered with 202 is read after a kill, once."""
    purchase = bought()
    body = {"itemId": client.item, "added": [purchase]}
    answer = client.sandbox.post("/control/plaid/transactions", body).json()
    assert [one["status"] for one in answer["answers"]] == [202]
    client.daemon.kill()
    client.daemon.start()

    def there() -> bool:
        client.daemon.post("/dev/v1/clock", {"advanceSeconds": 1})
        return client.points() == 50

    eventually(there, 30)

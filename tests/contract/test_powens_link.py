"""Powens, end to end: a card is linked in the webview, told of by webhooks, and every state of it is shown.

Rule: daemon and sandbox are processes of their own; every request that the sandbox has had is held to the
schema of its page in the end.
Source: interface.md 6, 7 and 10; docs.powens.com; protocols.md 5.1; spec.md S42, S45, S48, S52 to S57, S63,
S66, X16, X20, E8, E10.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, eventually, free_port
from tests.actors.gateways.powens_schemas import STATES, hold_request
from tests.contract.banking import Person
from tests.contract.powens import Client, bought, press

Start = Callable[..., Process]
Json = dict[str, Any]
SECRET = "powens-secret-of-a-contract-test-2"


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Iterator[Process]:
    """Powens; what it was asked is right."""
    powens = comptoir_sandbox_shared()
    yield powens
    asked = powens.get("/control/calls?party=powens").json()["items"]
    assert asked
    for call in asked:
        body = json.loads(call["body"]) if call["body"] else None
        hold_request(call["method"], call["path"].removeprefix("/2.0"), call["query"], body)


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows it."""
    made = comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_BREAKERS__POWENS__ERRORS="1000",  # one test's faults are not the next one's
        COMPTOIR_PROVIDERS__POWENS__BASE_URL=f"{sandbox.url}/2.0",
        COMPTOIR_PROVIDERS__POWENS__WEBVIEW_URL=f"{sandbox.url}/webview",
        COMPTOIR_PROVIDERS__POWENS__CLIENT_SECRET="powens-client-secret-of-a-test",
        COMPTOIR_WEBHOOKS__POWENS__SECRETS=json.dumps(
            [SECRET, "another-secret-of-a-contract-test"]
        ),
    )
    made.load("partners", "id,name,rate_bp\nchez,Chez Nous,500\n")
    hook = {"url": f"{made.url}/webhooks/powens", "secret": SECRET}
    assert sandbox.post("/control/powens/webhooks", hook).status == 200
    return made


@pytest.fixture
def client(daemon: Process, sandbox: Process) -> Client:
    """Somebody new."""
    return Client(daemon, sandbox)


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
    """S45, S48: in the webview; seen with its bank, its digits, and the bank's own end of the consent."""
    assert (client.linked["provider"], client.linked["cardLast4"]) == ("powens", client.card)
    assert client.linked["bankName"] == "Banque du Bac à Sable"
    seen = client.seen()
    assert (seen["status"], seen["condition"]) == ("active", None)


def test_purchases_are_credited_once(client: Client) -> None:
    """S52, X16: told by a webhook, told again, and read: once, under one key."""
    purchase = bought("-100.00")
    told = client.book(purchase, bought("-5.00"), bought(coming=True), bought(type="transfer"))
    assert told == [ACCEPTED]
    assert client.points() == 500 + 25
    assert client.book(purchase) == [ACCEPTED], "another webhook, of the same"
    assert client.sync() == 202
    assert client.points() == 500 + 25
    assert (
        client.person.ask("GET", f"/api/v1/transactions/{purchase['id']}").json()["points"] == 500
    )


def test_the_very_same_webhook_again(client: Client) -> None:
    """X16: replayed within its window it is a duplicate, all of it."""
    _faults(
        client.sandbox,
        {"party": "powens", "operation": "webhooks.send", "fault": "replay", "count": 1},
    )
    assert client.book(bought()) == [ACCEPTED, {"status": "duplicate", "http": 200}]
    assert client.points() == 50


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"fault": "forged"}, "WEBHOOK_SIGNATURE_INVALID"),
        ({"fault": "late", "ms": 600_000}, "WEBHOOK_TIMESTAMP_EXPIRED"),
        ({"fault": "wrong_clock", "ms": 600_000}, "WEBHOOK_TIMESTAMP_EXPIRED"),
    ],
)
def test_what_powens_has_not_signed_now(client: Client, fault: Json, code: str) -> None:
    """S54, S55, X16: refused by name; Powens sends it again, and then it counts."""
    _faults(client.sandbox, {"party": "powens", "operation": "webhooks.send", "count": 1, **fault})
    ((answer),) = client.book(bought())
    assert (answer["http"], answer["code"]) == (401, code)
    assert client.points() == 0
    assert client.book() == [ACCEPTED, ACCEPTED]
    assert client.points() == 50


def test_a_lost_webhook_is_read(client: Client) -> None:
    """E6: what no webhook has told a reading finds, and a webhook that comes after changes nothing."""
    purchase = bought()
    client.book(purchase, webhook=False)
    assert client.points() == 0
    client.sync()
    assert client.points() == 50
    assert client.book(purchase) == [ACCEPTED]
    assert client.points() == 50


@pytest.mark.parametrize("webhook", [True, False])
def test_another_amount_and_none(client: Client, webhook: bool) -> None:
    """E8: corrected after it was booked, it earns what it is; deleted, nothing; told or read."""
    purchase = bought("-20.00")
    client.book(purchase)
    assert client.points() == 100
    client.later(3 * 3600)
    client.book({"id": purchase["id"], "value": "-24.00"}, webhook=webhook)
    if not webhook:
        client.sync()
    assert client.points() == 120
    client.later(1)
    client.book({"id": purchase["id"], "deleted": "2026-11-23 10:00:00"}, webhook=webhook)
    client.sync()
    assert client.points() == 0
    gone = client.person.ask("GET", f"/api/v1/transactions/{purchase['id']}").json()
    assert gone["status"] == "refunded"


def test_what_was_bought_before_the_link(client: Client) -> None:
    """S60: Powens tells of years at the first webhook; they are nobody's business."""
    assert client.book(bought(rdate="2024-01-02", date="2024-01-03")) == [ACCEPTED]
    assert client.points() == 0


PERSONS = (
    "SCARequired", "webauthRequired", "additionalInformationNeeded", "decoupled", "actionNeeded",
    "passwordExpired", "wrongpass",
)  # fmt: skip


def test_every_state(client: Client) -> None:
    """Protocols.md 5.1, S66: told by a webhook, shown with what to do in both languages; then well again."""
    for state in (*STATES, "somethingNew"):
        assert client.happen(state=state, nextTry="2099-01-01 00:00:00") == [ACCEPTED]
        seen = client.seen()
        remedy = seen["condition"]["remedy"]
        assert (remedy == "person") == (state in PERSONS)
        assert seen["status"] == ("expired" if remedy == "person" else "active"), state
        assert all(seen["condition"]["userAction"][language] for language in ("fr", "en"))
        assert seen["condition"]["code"] in ("BANK_CONNECTION_EXPIRED", "BANK_PROVIDER_UNAVAILABLE")
        assert client.sync() == (401 if remedy == "person" else 202)
        assert client.happen() == [ACCEPTED]
        assert (client.seen()["status"], client.seen()["condition"]) == ("active", None)
    assert client.happen(active=False) == [ACCEPTED]
    assert client.seen()["condition"]["name"] == "inactive"


def test_a_state_that_only_a_reading_tells(client: Client) -> None:
    """Issue 6: no webhook came; the next reading says it."""
    client.sandbox.post(
        "/control/powens/connections",
        {"connectionId": client.there, "state": "wrongpass", "webhook": False},
    )
    assert client.sync() == 202
    assert client.seen()["condition"]["name"] == "credentials_wrong"


def test_a_renewal(client: Client) -> None:
    """X20, E10: the old consent is in force until the new one is; its token is replaced after."""
    before = client.seen()
    client.later(DAY_S)
    started = client.renew()
    assert started.status == 200, started
    assert "/reconnect?" in started.json()["authUrl"]
    client.book(bought())
    assert client.points() == 50, "meanwhile"
    assert client.seen()["consentExpiresAt"] == before["consentExpiresAt"]
    assert press(started.json()["authUrl"]).status == 303
    client.settled()
    after = client.seen()
    assert after["consentExpiresAt"] > before["consentExpiresAt"]
    client.book(bought(), webhook=False)
    client.sync()
    assert client.points() == 100, "read by the new token"


def test_who_must_act_does(client: Client) -> None:
    """X20, X29: expired until they have been through the webview; then what was bought is read."""
    client.happen(state="SCARequired")
    client.book(bought(), webhook=False)
    answer = client.person.ask("POST", f"/api/v1/connections/{client.id}/sync")
    assert (answer.status, answer.json()["code"]) == (401, "BANK_CONNECTION_EXPIRED")
    started = client.renew().json()["authUrl"]
    refused = press(started, outcome="access_denied")
    assert "error=access_denied" in refused.headers["location"]
    assert client.seen()["status"] == "expired"
    assert press(client.renew().json()["authUrl"]).status == 303
    client.settled()
    seen = client.seen()
    assert (seen["status"], seen["condition"]) == ("active", None)
    client.settled()
    assert client.points() == 50


def test_accounts_that_were_deactivated(client: Client) -> None:
    """S60: the page where its person manages them."""
    client.happen(disabled=True)
    started = client.renew().json()["authUrl"]
    assert "/manage?" in started
    assert press(started).status == 303


def test_the_banks_own_end(client: Client) -> None:
    """X20, E10: the end that Powens names is the end that its person is shown."""
    before = client.seen()
    ends = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 20 * DAY_S))
    assert client.happen(expire=ends) == [ACCEPTED]
    assert client.seen()["consentExpiresAt"] < before["consentExpiresAt"]


def test_revoked_at_the_provider(client: Client) -> None:
    """S57: ended by its person there, it is ended here; nothing is left of it, and what was earned stays."""
    client.book(bought())
    assert client.happen(deleted=True) == [ACCEPTED]
    eventually(lambda: client.seen()["status"] == "revoked")
    assert client.points() == 50
    items = client.sandbox.get("/control/powens/connections").json()["items"]
    assert client.there not in [one["connectionId"] for one in items]


def test_revoked_here(client: Client) -> None:
    """S57: the connection and its user, asked for until it is true."""
    users = client.sandbox.get("/control/powens/connections").json()["users"]
    rows = [
        {"party": "powens", "operation": name, "fault": "status", "status": 503, "count": 1}
        for name in ("connections.delete", "users.delete")
    ]
    _faults(client.sandbox, *rows)
    assert client.person.ask("DELETE", f"/api/v1/connections/{client.id}").status == 202

    def over() -> bool:
        client.later(2)
        return bool(client.seen()["status"] == "revoked")

    eventually(over, 30)
    assert client.sandbox.get("/control/powens/connections").json()["users"] == users - 1


def test_it_is_linked_once(client: Client) -> None:
    """S66: the same card again: 409, and what Powens gave for it is given back."""
    answer = client.link()
    assert (answer.status, answer.json()["code"]) == (409, "BANK_CARD_ALREADY_LINKED")
    client.settled()
    items = client.sandbox.get("/control/powens/connections").json()["items"]
    assert [one["connectionId"] for one in items if one["card"] == client.card] == [client.there]


def test_who_says_no(daemon: Process, sandbox: Process) -> None:
    """S57: who has not consented has no connection."""
    person = Person.new(daemon)
    started = person.start(provider="powens").json()
    back = press(started["authUrl"], outcome="tos_declined")
    assert "error=access_denied" in back.headers["location"]
    answer = person.complete(started["sessionId"])
    assert (answer.status, answer.json()["code"]) == (400, "BANK_CARD_LINKING_FAILED")


@pytest.mark.parametrize("fault", ["status", "drop_after_effect"])
@pytest.mark.parametrize(
    "operation", ["auth.init", "auth.token.access", "connections.list", "connections.get"]
)
def test_a_link_through_an_outage(
    daemon: Process, sandbox: Process, operation: str, fault: str
) -> None:
    """S63: what is lost on the way is asked again, and there is one connection."""
    _faults(sandbox, {"party": "powens", "operation": operation, "fault": fault, "count": 1})
    made: list[Client] = []
    worker = threading.Thread(target=lambda: made.append(Client(daemon, sandbox)))
    worker.start()
    while worker.is_alive():
        for process, path in ((sandbox, "/control/clock"), (daemon, "/dev/v1/clock")):
            process.post(path, {"advanceSeconds": 1})
        worker.join(0.2)
    (client,) = made
    assert client.seen()["status"] == "active"
    assert len(client.person.ask("GET", "/api/v1/connections").json()["items"]) == 1


def test_away_while_it_is_to_be_read(client: Client) -> None:
    """S63: what could not be read is read when Powens is back, once."""
    fault = {"party": "powens", "operation": "transactions.list", "fault": "status", "status": 503}
    _faults(client.sandbox, {**fault, "count": 2})
    client.book(bought(), webhook=False)
    client.sync()
    assert client.points() == 0

    def there() -> bool:
        client.later(2)
        return client.points() == 50

    eventually(there, 30)


def test_killed_when_it_has_said_yes(client: Client) -> None:
    """X19: what was answered with 202 counts after a kill, once."""
    body = {"connectionId": client.there, "transactions": [bought()]}
    answer = client.sandbox.post("/control/powens/transactions", body).json()
    assert [one["status"] for one in answer["answers"]] == [202]
    client.daemon.kill()
    client.daemon.start()
    eventually(lambda: client.points() == 50, 30)

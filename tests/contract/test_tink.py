"""Tink, end to end: a card is linked in Tink Link, webhooks make it read, and every state of it is shown.

Rule: daemon and sandbox are processes of their own; every request that the sandbox has had is held to the
schema of its page in the end.
Source: interface.md 6, 7 and 10; docs.tink.com; spec.md S42, S45, S48, S52 to S58, S63, S66, X16, X20, E6, E8,
E10.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, eventually
from tests.actors.gateways.tink_schemas import STATUSES
from tests.contract.banking import Person
from tests.contract.linked import ACCEPTED
from tests.contract.tink import Client, bought, faults, hold_all, press, serve

Start = Callable[..., Process]
Json = dict[str, Any]
LATER_MS = 4_102_444_800_000
"""In the year 2100."""


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Iterator[Process]:
    """Tink; what it was asked is right."""
    tink = comptoir_sandbox_shared()
    yield tink
    hold_all(tink)


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows it."""
    return serve(comptoir_daemon_shared, sandbox)


@pytest.fixture
def client(daemon: Process, sandbox: Process) -> Client:
    """Somebody new."""
    return Client(daemon, sandbox)


@pytest.fixture(autouse=True)
def healed(sandbox: Process) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.request("DELETE", "/control/faults")


def test_a_card_is_linked(client: Client) -> None:
    """S45, S48, S59: in Tink Link; seen with its bank, its digits, and the bank's own end of the consent."""
    assert (client.linked["provider"], client.linked["cardLast4"]) == ("tink", client.card)
    assert client.linked["bankName"] == "Banque du Bac à Sable"
    seen = client.seen()
    assert (seen["status"], seen["condition"]) == ("active", None)


def test_purchases_are_credited_once(client: Client) -> None:
    """S52, X16, S60: a webhook makes it read; told again, and read again, it counts once."""
    purchase = bought("-100.00")
    told = client.book(
        purchase, bought("-5.00"), bought(status="PENDING"), bought(types={"type": "TRANSFER"}),
        bought(label="CB NOBODY"),
    )  # fmt: skip
    assert told == [ACCEPTED]
    assert client.points() == 500 + 25
    assert client.book(purchase) == [ACCEPTED], "another webhook, of the same"
    assert client.sync() == 202
    assert client.points() == 500 + 25
    shown = client.person.ask("GET", f"/api/v1/transactions/{purchase['id']}").json()
    assert shown["points"] == 500


def test_a_refund(client: Client) -> None:
    """X24: it takes back what the newest purchase of its partner and amount has earned."""
    client.book(bought("-20.00"))
    assert client.points() == 100
    client.later(1)  # of one second, the two webhooks would be the very same
    client.book(bought("20.00"))
    assert client.points() == 0


def test_a_lost_webhook_is_read(client: Client) -> None:
    """E6: what no webhook has told a reading finds, and a webhook that comes after changes nothing."""
    purchase = bought()
    client.book(purchase, webhook=False)
    assert client.points() == 0
    client.sync()
    assert client.points() == 50
    assert client.book(purchase) == [ACCEPTED]
    assert client.points() == 50


def test_healed_by_itself(client: Client) -> None:
    """E6: hours later it is read without anybody asking; each purchase that was missed is counted, once."""
    missed = _healed(client.daemon)
    client.book(bought(), webhook=False)
    for _ in range(2):
        client.later(DAY_S // 2)
        client.settled()
    assert client.points() == 50
    assert _healed(client.daemon) >= missed + 1
    again = _healed(client.daemon)
    client.later(DAY_S // 2)
    client.settled()
    assert _healed(client.daemon) == again, "what is known is not found again"


def _healed(daemon: Process) -> float:
    row = 'comptoir_webhooks_healed_total{provider="tink"} '
    lines = daemon.get("/metrics").body.decode().splitlines()
    return next((float(line.removeprefix(row)) for line in lines if line.startswith(row)), 0.0)


@pytest.mark.parametrize("webhook", [True, False])
def test_another_amount(client: Client, webhook: bool) -> None:
    """E8: corrected after it was booked, it earns what it is; more or less; told or read."""
    purchase = bought("-20.00")
    client.book(purchase)
    assert client.points() == 100
    for value, points in (("-24.00", 120), ("-8.00", 40), ("-20.00", 100)):
        client.book({"id": purchase["id"], "value": value}, webhook=webhook)
        client.sync()
        assert client.points() == points, value


def test_deleted(client: Client) -> None:
    """E8: what never happened earns nothing; the same deletion again, or of another account, changes nothing."""
    purchase = bought("-20.00")
    client.book(purchase, bought("-5.00"))
    assert client.points() == 125
    assert client.book(deleted=[purchase["id"]]) == [ACCEPTED]
    assert client.points() == 25
    gone = client.person.ask("GET", f"/api/v1/transactions/{purchase['id']}").json()
    assert gone["status"] == "refunded"
    client.book(purchase, webhook=False)
    client.sync()
    assert client.points() == 25, "there again, as it was told before"
    assert client.book(deleted=[purchase["id"]]) == [{"status": "duplicate", "http": 200}]
    assert client.points() == 25


def test_booked_after_it_was_pending(client: Client) -> None:
    """E8: under the same id, or under another one: it earns when it is booked, once."""
    same, other = bought(status="PENDING"), bought(status="PENDING")
    client.book(same, other)
    assert client.points() == 0
    client.book({"id": same["id"], "status": "BOOKED"}, bought(), deleted=[other["id"]])
    assert client.points() == 100


def test_what_was_bought_before_the_link(client: Client) -> None:
    """S60: however it is told, it is nobody's business."""
    old = {"booked": "2024-01-03", "transaction": "2024-01-02", "value": "2024-01-03"}
    assert client.book(bought(dates=old)) == [ACCEPTED]
    assert client.points() == 0


PERSONS = (
    "SESSION_EXPIRED", "AUTHENTICATION_ERROR", "AWAITING_MOBILE_BANKID_AUTHENTICATION",
    "AWAITING_THIRD_PARTY_APP_AUTHENTICATION", "AWAITING_SUPPLEMENTAL_INFORMATION",
)  # fmt: skip
TOLD = ("TEMPORARY_ERROR", "AUTHENTICATION_ERROR", "SESSION_EXPIRED")


@pytest.mark.parametrize("status", [*STATUSES, "OF_LATER"])
def test_every_status(client: Client, status: str) -> None:
    """S66, X20: told by a webhook or by a reading, shown with what to do in both languages; then well again."""
    answers = client.happen(status=status)
    if status not in (*TOLD, "UPDATED"):
        assert answers == []
        assert client.sync() == 202
    seen = client.seen()
    if status in ("UPDATED", "UPDATING"):
        assert (seen["status"], seen["condition"]) == ("active", None)
        return
    if status == "DELETED":
        assert (seen["status"], seen["condition"]["name"]) == ("expired", "consent_ended")
        return
    remedy = seen["condition"]["remedy"]
    assert (remedy == "person") == (status in PERSONS)
    assert seen["status"] == ("expired" if remedy == "person" else "active")
    assert all(seen["condition"]["userAction"][language] for language in ("fr", "en"))
    assert seen["condition"]["code"] in ("BANK_CONNECTION_EXPIRED", "BANK_PROVIDER_UNAVAILABLE")
    assert client.sync() == (401 if remedy == "person" else 202)
    assert client.happen() == [ACCEPTED]
    assert (client.seen()["status"], client.seen()["condition"]) == ("active", None)


def test_a_renewal(client: Client) -> None:
    """X20, E10: the old consent is in force until the new one is."""
    before = client.seen()
    client.later(DAY_S)
    started = client.renew()
    assert started.status == 200, started
    assert "/update-consent?" in started.json()["authUrl"]
    client.book(bought())
    assert client.points() == 50, "meanwhile"
    assert client.seen()["consentExpiresAt"] == before["consentExpiresAt"]
    assert press(started.json()["authUrl"]).status == 303
    client.settled()
    after = client.seen()
    assert after["consentExpiresAt"] > before["consentExpiresAt"]
    client.book(bought(), webhook=False)
    client.sync()
    assert client.points() == 100


def test_who_must_act_does(client: Client) -> None:
    """X20, X29: expired until they have been through Tink Link; then what was bought is read."""
    client.happen(status="SESSION_EXPIRED")
    client.book(bought(), webhook=False)
    answer = client.person.ask("POST", f"/api/v1/connections/{client.id}/sync")
    assert (answer.status, answer.json()["code"]) == (401, "BANK_CONNECTION_EXPIRED")
    refused = press(client.renew().json()["authUrl"], outcome="USER_CANCELLED")
    assert "error=access_denied" in refused.headers["location"]
    assert client.seen()["status"] == "expired"
    assert press(client.renew().json()["authUrl"]).status == 303
    client.settled()
    seen = client.seen()
    assert (seen["status"], seen["condition"]) == ("active", None)
    assert client.points() == 50


def test_the_banks_own_end(client: Client) -> None:
    """X20, E10: an earlier end that Tink names is the end that its person is shown; a later one is not."""
    before = client.seen()
    assert client.happen(sessionExpiryDate=LATER_MS) == [ACCEPTED]
    assert client.seen()["consentExpiresAt"] == before["consentExpiresAt"]
    ends = datetime.fromisoformat(before["consentExpiresAt"]).timestamp() - 20 * DAY_S
    assert client.happen(sessionExpiryDate=round(ends * 1000)) == [ACCEPTED]
    assert client.seen()["consentExpiresAt"] < before["consentExpiresAt"]


def test_revoked_here(client: Client) -> None:
    """S57: the credentials and their user, asked for until it is true."""
    users = client.sandbox.get("/control/tink/credentials").json()["users"]
    rows = [
        {"party": "tink", "operation": name, "fault": "status", "status": 503, "count": 1}
        for name in ("credentials.delete", "user.delete")
    ]
    faults(client.sandbox, *rows)
    assert client.person.ask("DELETE", f"/api/v1/connections/{client.id}").status == 202

    def over() -> bool:
        client.later(2)
        return bool(client.seen()["status"] == "revoked")

    eventually(over, 30)
    assert client.sandbox.get("/control/tink/credentials").json()["users"] == users - 1


def test_it_is_linked_once(client: Client) -> None:
    """S66: the same card again: 409, and what Tink gave for it is given back."""
    answer = client.link()
    assert (answer.status, answer.json()["code"]) == (409, "BANK_CARD_ALREADY_LINKED")
    client.settled()
    items = client.sandbox.get("/control/tink/credentials").json()["items"]
    assert [one["credentialsId"] for one in items if one["card"] == client.card] == [client.there]


def test_who_says_no(daemon: Process, sandbox: Process) -> None:
    """S57: who has not consented has no connection."""
    users = sandbox.get("/control/tink/credentials").json()["users"]
    person = Person.new(daemon)
    started = person.start(provider="tink").json()
    back = press(started["authUrl"], outcome="USER_CANCELLED")
    assert "error=access_denied" in back.headers["location"]
    answer = person.complete(started["sessionId"])
    assert (answer.status, answer.json()["code"]) == (400, "BANK_CARD_LINKING_FAILED")
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    assert sandbox.get("/control/tink/credentials").json()["users"] == users, (
        "nothing is left of it"
    )


def test_who_never_comes_back(daemon: Process, sandbox: Process) -> None:
    """S57, S60: consented at the bank, and the app never asked: when its time is over Tink reads nothing more."""
    users = sandbox.get("/control/tink/credentials").json()["users"]
    started = Person.new(daemon).start(provider="tink").json()
    assert press(started["authUrl"], card="0909").status == 303
    items = sandbox.get("/control/tink/credentials").json()["items"]
    assert "0909" in [one["card"] for one in items]
    for process, path in ((sandbox, "/control/clock"), (daemon, "/dev/v1/clock")):
        assert process.post(path, {"advanceSeconds": 601}).status == 200
    assert daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30}).status == 200
    assert sandbox.get("/control/tink/credentials").json()["users"] == users

"""Section 7, rows b1: a card is linked, seen, renewed, read and revoked, with the sandbox as the bank.

Rule: daemon and sandbox are processes of their own, and the person's browser is a third party.
Source: interface.md 1, 7, 9, 10; spec.md S45, S48, S51, S57 to S60, S66, X15, X20, X29, E10.
"""

import json
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import DAY_S, Customer, eventually, free_port, purchase
from tests.contract.banking import APP, Person, query_of, visit

Start = Callable[..., Process]


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """The bank."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows it."""
    return comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_BREAKERS__POWENS__ERRORS="1000",  # one test's faults are not the next one's
        COMPTOIR_HTTP__PORT=str(free_port()),  # the same after a kill: our issuer, and the way back
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
        COMPTOIR_CONNECTIONS__REDIRECT_URIS='["https://app.example/linked"]',
    )


@pytest.fixture
def person(daemon: Process) -> Person:
    """Somebody new."""
    return Person.new(daemon)


def _code(answer: Answered) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


def _calls(sandbox: Process, operation: str) -> list[dict[str, Any]]:
    items = sandbox.get("/control/calls?party=seed").json()["items"]
    return [item for item in items if item["operation"] == operation]


def _pass(daemon: Process, sandbox: Process, seconds: int) -> None:
    """Business time goes on for both."""
    assert sandbox.post("/control/clock", {"advanceSeconds": seconds}).status == 200
    assert daemon.post("/dev/v1/clock", {"advanceSeconds": seconds}).status == 200


def test_a_card_is_linked(daemon: Process, sandbox: Process, person: Person) -> None:
    """S48, S57: agree, go to the bank, come back, complete; then a purchase on it earns points."""
    started = person.start()
    assert started.status == 201, started
    session = started.json()
    assert session.keys() == {"sessionId", "authUrl", "expiresAt"}
    assert session["authUrl"].startswith(sandbox.url)
    back = person.at_bank(session["authUrl"], card="4242")
    assert back.status == 303
    assert back.headers["location"] == f"{APP}?sessionId={session['sessionId']}"
    completed = person.complete(session["sessionId"])
    assert completed.status == 201, completed
    shown = completed.json()
    assert shown["id"].startswith("cn_")
    assert (shown["provider"], shown["cardLast4"], shown["status"]) == ("seed", "4242", "active")
    assert person.ask("GET", f"/api/v1/connections/{shown['id']}").json() == shown
    assert person.ask("GET", "/api/v1/connections").json() == {"items": [shown], "nextCursor": None}
    eventually(lambda: len(_calls(sandbox, "webhooks.create")) > 0)


def test_a_purchase_on_it(daemon: Process, sandbox: Process, person: Person) -> None:
    """S48, S56: what the provider reports of the connection goes to whoever has linked it."""
    daemon.load("partners", "id,name,rate_bp\nchez,Chez Nous,500\n")
    person.linked()
    exchanged = _calls(sandbox, "auth.token")[-1]
    connection_id = exchanged["answer"]["body"].partition('"connectionId":"')[2].partition('"')[0]
    signer = Customer(daemon)
    today = datetime.fromtimestamp(signer.now_ms() / 1000, UTC).date().isoformat()
    body = purchase(
        f"tx-{secrets.token_hex(4)}", connection_id, merchant={"name": "CHEZ NOUS"}, date=today
    )
    assert signer.send(body).status == 202
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20})
    wallet = person.ask("GET", f"/api/v1/wallets/{person.name}").json()
    assert wallet["balance"]["available"] == 500


def test_it_is_linked_once(daemon: Process, person: Person) -> None:
    """S66: a card that is linked, by whomever, is 409; one that was revoked may be linked again."""
    card = {"card": "1111", "iban": f"FR76{secrets.token_hex(8)}"}
    first = person.linked(**card)
    other = Person.new(daemon)
    for somebody in (person, other):
        assert _code(somebody.link(**card)) == (409, "BANK_CARD_ALREADY_LINKED")
    assert person.ask("DELETE", f"/api/v1/connections/{first}").status == 202
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20})
    assert other.link(**card).status == 201


def test_whoever_is_not_linked_leaves_nothing(
    daemon: Process, sandbox: Process, person: Person
) -> None:
    """S57, S60: the access of a link that was refused is given back to the provider."""
    card = {"card": "2222", "iban": f"FR76{secrets.token_hex(8)}"}
    person.linked(**card)
    before = len(_calls(sandbox, "connections.delete"))
    assert person.link(**card).status == 409
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20})
    assert len(_calls(sandbox, "connections.delete")) == before + 1


def test_what_comes_back_twice(daemon: Process, person: Person) -> None:
    """S48, RFC 9700 4.7: `state` is good once, to the letter, and for its session."""
    session = person.start().json()
    sent_back = visit(session["authUrl"])
    location = sent_back.headers["location"]
    forged = location.replace("state=ls_", "state=ls_0")
    wrong = location.replace("code=", "code=x&code=")
    tampered = (
        location[:-1] + ("A" if location[-1] != "A" else "B")
        if "state" in location[-60:]
        else forged
    )
    for bad in (forged, wrong, tampered, location.partition("?")[0]):
        assert _code(visit(bad)) == (400, "BANK_CARD_LINKING_FAILED")
    assert visit(location).status == 303
    assert _code(visit(location)) == (400, "BANK_CARD_LINKING_FAILED")
    assert person.complete(session["sessionId"]).status == 201


def test_refused_at_the_bank(person: Person) -> None:
    """S48: who does not consent there is sent back to the app, and has no connection."""
    session = person.start().json()
    back = person.at_bank(session["authUrl"], outcome="denied")
    assert back.status == 303
    assert query_of(back.headers["location"]) == {
        "sessionId": session["sessionId"], "error": "access_denied",
    }  # fmt: skip
    assert _code(person.complete(session["sessionId"])) == (400, "BANK_CARD_LINKING_FAILED")


def test_too_early_and_too_late(daemon: Process, sandbox: Process, person: Person) -> None:
    """S45, S48: nothing is completed before the bank, nor after ten minutes of business time."""
    session = person.start().json()
    assert _code(person.complete(session["sessionId"])) == (400, "BANK_CARD_LINKING_FAILED")
    sent_back = visit(session["authUrl"]).headers["location"]
    _pass(daemon, sandbox, 601)
    assert visit(sent_back).status == 400
    assert _code(person.complete(session["sessionId"])) == (400, "BANK_CARD_LINKING_FAILED")


def test_an_sdk_comes_back_without_a_browser(daemon: Process, person: Person) -> None:
    """S48: the app's SDK has state, code and connection; a wrong connection is refused."""
    for right in (True, False):
        session = person.start().json()
        given = query_of(visit(session["authUrl"]).headers["location"])
        wrong = {} if right else {"connectionId": "conn_of_somebody"}
        answer = person.complete(
            session["sessionId"], state=given["state"], code=given["code"], **wrong
        )
        assert answer.status == (201 if right else 400), answer


def test_another_is_as_nobody(daemon: Process, person: Person) -> None:
    """Interface.md 9: a client sees its own sessions and connections, and of others nothing."""
    mine, other = person.linked(), Person.new(daemon)
    for method, suffix in (
        ("GET", ""), ("DELETE", ""), ("POST", "/renew"), ("POST", "/sync"),
    ):  # fmt: skip
        for connection in (mine, "cn_" + "0" * 20):
            answer = other.ask(method, f"/api/v1/connections/{connection}{suffix}")
            assert _code(answer) == (404, "NOT_FOUND"), (method, suffix)
    assert other.ask("GET", "/api/v1/connections").json()["items"] == []
    assert other.ask("GET", f"/api/v1/connections?userId={person.name}").status == 404
    session = person.start().json()
    person.at_bank(session["authUrl"])
    assert _code(other.complete(session["sessionId"])) == (404, "NOT_FOUND")
    assert person.complete(session["sessionId"]).status == 201
    assert person.ask("GET", f"/api/v1/connections/{mine}").json()["status"] == "active"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        (
            {"consent": {"accepted": False, "textVersion": "1", "durationDays": 90}},
            "/consent/accepted",
        ),
        (
            {"consent": {"accepted": True, "textVersion": "1", "durationDays": 91}},
            "/consent/durationDays",
        ),
        ({"consent": {"accepted": True, "durationDays": 90}}, "/consent/textVersion"),
        ({"redirectUri": "https://evil.example/"}, "/redirectUri"),
        ({"redirectUri": "http://127.0.0.1@evil.example/"}, "/redirectUri"),
        ({"provider": "nobody"}, "/provider"),
        ({"surprise": 1}, ""),
    ],
)
def test_what_is_not_taken(person: Person, fields: dict[str, Any], pointer: str) -> None:
    """S57, interface.md 1: no consent, no link; the place of each fault is told."""
    answer = person.start(**fields)
    assert _code(answer) == (422, "REQUEST_INVALID")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_under_one_key(daemon: Process, sandbox: Process, person: Person) -> None:
    """Interface.md 1: one session and one connection per Idempotency-Key, also across a kill."""
    first = person.start(key="s1")
    daemon.kill()
    daemon.start()
    again = person.start(key="s1")
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    session = first.json()
    person.at_bank(session["authUrl"])
    done = person.complete(session["sessionId"], key="c1")
    assert done.status == 201, done
    assert person.complete(session["sessionId"], key="c1").body == done.body
    assert len(person.ask("GET", "/api/v1/connections").json()["items"]) == 1


def test_pages(person: Person) -> None:
    """Interface.md 1: newest first, page by page."""
    made = [person.linked() for _ in range(3)]
    first = person.ask("GET", "/api/v1/connections?limit=2").json()
    assert [one["id"] for one in first["items"]] == made[:0:-1]
    rest = person.ask("GET", f"/api/v1/connections?limit=2&cursor={first['nextCursor']}").json()
    assert ([one["id"] for one in rest["items"]], rest["nextCursor"]) == (made[:1], None)


class TestFaults:
    """S63, X18: what is lost on the way to the provider is done once all the same."""

    @pytest.fixture(autouse=True)
    def healed(self, sandbox: Process) -> Any:
        """No fault outlives its test."""
        yield
        sandbox.request("DELETE", "/control/faults")

    @pytest.mark.parametrize("operation", ["auth.init", "auth.token", "connections.get"])
    def test_drop_after_effect(
        self, daemon: Process, sandbox: Process, person: Person, operation: str
    ) -> None:
        """S63: the effect happened and the answer was lost: the retry hears the first answer."""
        fault = {"party": "seed", "operation": operation, "fault": "drop_after_effect", "count": 1}
        assert sandbox.request("PUT", "/control/faults", json.dumps([fault]).encode()).status == 200
        # The retry is a timer of business time, which this daemon's test moves by hand.
        answers: list[Answered] = []
        worker = threading.Thread(target=lambda: answers.append(person.link()))
        worker.start()
        while worker.is_alive():
            daemon.post("/dev/v1/clock", {"advanceSeconds": 1})
            worker.join(0.2)
        assert answers[0].status == 201, answers[0]
        assert len(person.ask("GET", "/api/v1/connections").json()["items"]) == 1

    def test_away(self, daemon: Process, sandbox: Process, person: Person) -> None:
        """S66: a provider that does not answer is 503, retryable, and nothing is linked."""
        fault = [{"party": "seed", "operation": "auth.init", "fault": "status", "status": 503}]
        sandbox.request("PUT", "/control/faults", json.dumps(fault).encode())
        answer = person.start()
        assert _code(answer) == (503, "BANK_PROVIDER_UNAVAILABLE")
        assert answer.json()["retryable"] is True
        assert int(answer.headers["retry-after"]) > 0


def test_revoked(daemon: Process, sandbox: Process, person: Person) -> None:
    """S57: revoking until the provider confirms, asked again until it does; then nothing is left."""
    mine = person.linked()
    fault = [{"party": "seed", "operation": "connections.delete", "fault": "status", "status": 503}]
    sandbox.request("PUT", "/control/faults", json.dumps(fault).encode())
    answer = person.ask("DELETE", f"/api/v1/connections/{mine}")
    assert (answer.status, answer.json()) == (202, {"status": "revoking"})
    daemon.post("/dev/v1/clock", {"advanceSeconds": 60})
    shown = person.ask("GET", f"/api/v1/connections/{mine}").json()
    assert shown["status"] == "revoking"
    assert person.ask("DELETE", f"/api/v1/connections/{mine}").json() == {"status": "revoking"}
    sandbox.request("DELETE", "/control/faults")

    def over() -> bool:
        daemon.post("/dev/v1/clock", {"advanceSeconds": 3600})
        shown = person.ask("GET", f"/api/v1/connections/{mine}").json()
        return bool(shown["status"] == "revoked")

    eventually(over, 60)
    assert person.ask("GET", "/api/v1/connections").json()["items"] == []
    assert person.ask("POST", f"/api/v1/connections/{mine}/sync").status == 409


def test_renewed(daemon: Process, sandbox: Process, person: Person) -> None:
    """X20, E10: the person renews; until the new consent is there the old one is in force."""
    mine = person.linked()
    before = person.ask("GET", f"/api/v1/connections/{mine}").json()
    _pass(daemon, sandbox, 60 * DAY_S)
    answer = person.ask("POST", f"/api/v1/connections/{mine}/renew", {"redirectUri": APP})
    assert answer.status == 200, answer
    assert person.ask("GET", f"/api/v1/connections/{mine}").json() == before
    assert person.at_bank(answer.json()["authUrl"]).status == 303
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20})
    after = person.ask("GET", f"/api/v1/connections/{mine}").json()
    assert after["status"] == "active"
    assert after["consentExpiresAt"] > before["consentExpiresAt"]
    assert after["linkedAt"] == before["linkedAt"]


def test_a_consent_ends(daemon: Process, sandbox: Process, person: Person) -> None:
    """X20, X29, E10: at its end it is expired; reading is 401 without a challenge; a renewal heals it."""
    mine = person.linked()
    _pass(daemon, sandbox, 91 * DAY_S)
    assert person.ask("GET", f"/api/v1/connections/{mine}").json()["status"] == "expired"
    answer = person.ask("POST", f"/api/v1/connections/{mine}/sync")
    assert _code(answer) == (401, "BANK_CONNECTION_EXPIRED")
    assert "www-authenticate" not in answer.headers
    renewal = person.ask("POST", f"/api/v1/connections/{mine}/renew")
    assert renewal.status == 200, renewal
    assert person.at_bank(renewal.json()["authUrl"]).status == 303
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20})
    assert person.ask("GET", f"/api/v1/connections/{mine}").json()["status"] == "active"
    _pass(daemon, sandbox, 91 * DAY_S)
    assert person.ask("DELETE", f"/api/v1/connections/{mine}").json() == {"status": "revoking"}
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 20})
    assert person.ask("GET", f"/api/v1/connections/{mine}").json()["status"] == "revoked"


def test_read_now(daemon: Process, sandbox: Process, person: Person) -> None:
    """S51, X16: what was bought is read page by page, and what a webhook has told counts once."""
    daemon.load("partners", "id,name,rate_bp\nchez,Chez Nous,500\n")
    mine = person.linked()
    exchanged = _calls(sandbox, "auth.token")[-1]
    connection_id = exchanged["answer"]["body"].partition('"connectionId":"')[2].partition('"')[0]
    # Signed in the daemon's time: the tests before this one have moved it further than the bank's.
    signer = Customer(daemon)
    today = datetime.fromtimestamp(signer.now_ms() / 1000, UTC).date()
    bodies = [
        purchase(
            f"sy-{secrets.token_hex(6)}",
            connection_id,
            merchant={"name": "CHEZ NOUS"},
            date=(today - timedelta(days=int(number == 0))).isoformat(),
        )
        for number in range(151)
    ]
    items = [
        {
            key: value
            for key, value in body["data"].items()
            if key not in ("connection_id", "account_id")
        }
        for body in bodies
    ]
    booked = sandbox.post("/control/transactions", {"connectionId": connection_id, "items": items})
    assert booked.status == 200, booked
    for body in bodies[1:6]:
        assert signer.send(body).status == 202
    for _ in range(2):
        assert person.ask("POST", f"/api/v1/connections/{mine}/sync").status == 202
        daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30})
    wallet = person.ask("GET", f"/api/v1/wallets/{person.name}").json()
    assert wallet["balance"]["available"] == 150 * 500, (
        "and nothing of the day before the link (S60)"
    )

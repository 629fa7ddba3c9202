"""Tink, end to end, under every fault: what is lost, late, doubled, forged or killed on the way counts once.

Rule and sources as in test_tink.py; spec.md S54, S55, S63, X16, X19, E6.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from tests.contract.linked import ACCEPTED
from tests.contract.tink import Client, bought, faults, hold_all, serve

Start = Callable[..., Process]
Json = dict[str, Any]


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


def test_the_very_same_webhook_again(client: Client) -> None:
    """X16: replayed within its window it is a duplicate."""
    faults(
        client.sandbox,
        {"party": "tink", "operation": "webhooks.send", "fault": "replay", "count": 1},
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
def test_what_tink_has_not_signed_now(client: Client, fault: Json, code: str) -> None:
    """S54, S55, X16: refused by name; Tink sends it again, and then it counts."""
    faults(client.sandbox, {"party": "tink", "operation": "webhooks.send", "count": 1, **fault})
    (answer,) = client.book(bought())
    assert (answer["http"], answer["code"]) == (401, code)
    assert client.points() == 0
    assert client.happen() == [ACCEPTED, ACCEPTED]
    assert client.points() == 50


@pytest.mark.parametrize("fault", ["status", "drop_after_effect"])
@pytest.mark.parametrize(
    "operation",
    ["oauth.grant", "oauth.delegate", "user.create", "consents.list", "accounts.list", "providers.list"],
)  # fmt: skip
def test_a_link_through_an_outage(
    daemon: Process, sandbox: Process, operation: str, fault: str
) -> None:
    """S63: what is lost on the way is asked again, and there is one connection, of one user."""
    users = sandbox.get("/control/tink/credentials").json()["users"]
    faults(sandbox, {"party": "tink", "operation": operation, "fault": fault, "count": 1})
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
    assert sandbox.get("/control/tink/credentials").json()["users"] == users + 1


@pytest.mark.parametrize("operation", ["oauth.token", "consents.list", "transactions.list"])
def test_away_while_it_is_to_be_read(client: Client, operation: str) -> None:
    """S63: what could not be read is read when Tink is back, once."""
    faults(
        client.sandbox,
        {"party": "tink", "operation": operation, "fault": "status", "status": 503, "count": 2},
    )
    client.book(bought(), webhook=False)
    client.sync()
    assert client.points() == 0

    def there() -> bool:
        client.later(2)
        return client.points() == 50

    eventually(there, 30)


@pytest.mark.parametrize("fault", ["duplicate", "replay", "lost", "reorder"])
def test_whatever_becomes_of_a_webhook(client: Client, fault: str) -> None:
    """S63, X16, E6: sent twice, again, not at all or later: with what a reading finds it counts once."""
    faults(
        client.sandbox,
        {"party": "tink", "operation": "webhooks.send", "fault": fault, "count": 1},
    )
    client.book(bought("-20.00"))
    client.later(1)
    client.book(bought("-8.00"))
    client.sync()
    assert client.points() == 140


@pytest.mark.parametrize(
    "fault", [{"fault": "timeout", "ms": 300}, {"fault": "latency", "ms": 300}]
)
@pytest.mark.parametrize("operation", ["oauth.grant", "consents.list", "transactions.list"])
def test_whatever_becomes_of_a_call(client: Client, operation: str, fault: Json) -> None:
    """S63: an answer that is late, or does not come, is waited for or asked for again; it counts once."""
    faults(client.sandbox, {"party": "tink", "operation": operation, "count": 1, **fault})
    client.book(bought())

    def there() -> bool:
        client.later(1)
        client.settled()
        return client.points() == 50

    eventually(there, 30)


def test_killed_when_it_has_said_yes(client: Client) -> None:
    """X19: what was answered with 202 counts after a kill, once."""
    body = {"credentialsId": client.there, "transactions": [bought()]}
    answer = client.sandbox.post("/control/tink/transactions", body).json()
    assert [one["status"] for one in answer["answers"]] == [202]
    client.daemon.kill()
    client.daemon.start()
    eventually(lambda: client.points() == 50, 30)

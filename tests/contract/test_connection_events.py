"""What the provider of the source says of a connection itself: the three events of S52 beside purchases.

Source: interface.md 6 (rows 10 to 12) and 7; spec.md S52, S66, S67, X16, X20, X29.
"""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, free_port
from tests.contract.banking import Person

Start = Callable[..., Process]
Json = dict[str, Any]


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
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
    )


class Linked:
    """Somebody with a card, and what their provider says of it."""

    def __init__(self, daemon: Process, sandbox: Process) -> None:
        self.daemon, self.sandbox = daemon, sandbox
        self.person = Person.new(daemon)
        self.id = self.person.linked()
        calls = sandbox.get("/control/calls?party=seed").json()["items"]
        exchanged = [one for one in calls if one["operation"] == "auth.token"][-1]
        body = exchanged["answer"]["body"]
        self.connection_id = body.partition('"connectionId":"')[2].partition('"')[0]

    def told(self, event: str, **data: object) -> tuple[int, str]:
        """A signed webhook of now, and what it is answered."""
        body = {"event": event, "data": {"connection_id": self.connection_id, **data}}
        answer = Customer(self.daemon).send(body)
        Customer(self.daemon).quiet()
        return answer.status, answer.json()["status"]

    def shown(self) -> Json:
        """The card as its person sees it."""
        found: Json = self.person.ask("GET", f"/api/v1/connections/{self.id}").json()
        return found

    def readings(self) -> int:
        """How often the provider was asked for purchases."""
        calls = self.sandbox.get("/control/calls?party=seed").json()["items"]
        return sum(one["operation"] == "transactions.list" for one in calls)


def _counted(daemon: Process, condition: str) -> float:
    text = daemon.get("/metrics").body.decode()
    name = f'comptoir_connection_conditions_total{{condition="{condition}"}}'
    return float(next(x.split()[1] for x in text.splitlines() if x.startswith(name)))


def test_an_error_is_shown_counted_and_tried_again(daemon: Process, sandbox: Process) -> None:
    """S52 (connection.error: alert and retry; connection.synced: status), S66, X16."""
    linked = Linked(daemon, sandbox)
    before = _counted(daemon, "bank_unavailable")
    mark = secrets.token_hex(4)
    assert linked.told("connection.error", error={"code": mark}) == (202, "accepted")
    assert linked.told("connection.error", error={"code": mark}) == (200, "duplicate")
    shown = linked.shown()
    assert (shown["status"], shown["condition"]["code"]) == ("active", "BANK_PROVIDER_UNAVAILABLE")
    assert shown["condition"]["remedy"] == "time"
    assert _counted(daemon, "bank_unavailable") == before + 1
    readings = linked.readings()
    assert daemon.post("/dev/v1/clock", {"advanceSeconds": 3600}).status == 200
    Customer(daemon).quiet()
    assert linked.readings() > readings
    assert linked.told("connection.synced", mark=mark) == (202, "accepted")
    assert linked.shown()["condition"] is None


def test_an_access_that_ended_over_there(daemon: Process, sandbox: Process) -> None:
    """S52 (connection.expired), X20, X29: it is expired here too, and its person renews it."""
    linked = Linked(daemon, sandbox)
    assert linked.told("connection.expired") == (202, "accepted")
    assert linked.shown()["status"] == "expired"
    answer = linked.person.ask("POST", f"/api/v1/connections/{linked.id}/sync")
    assert (answer.status, answer.json()["code"]) == (401, "BANK_CONNECTION_EXPIRED")
    renewal = linked.person.ask("POST", f"/api/v1/connections/{linked.id}/renew")
    assert linked.person.at_bank(renewal.json()["authUrl"]).status == 303
    Customer(daemon).quiet()
    assert linked.shown()["status"] == "active"


def test_of_a_connection_that_nobody_knows(daemon: Process) -> None:
    """Row 11 of interface.md 6: it waits for its connection, as a purchase does."""
    body = {"event": "connection.error", "data": {"connection_id": f"c-{secrets.token_hex(6)}"}}
    answer = Customer(daemon).send(body)
    assert (answer.status, answer.json()) == (202, {"status": "parked"})

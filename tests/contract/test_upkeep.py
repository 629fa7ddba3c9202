"""Section 7, rows b1: outages that are waited out, the daily report, and the commands of operations.

Rule: daemon, sandbox and commands are processes of their own.
Source: interface.md 5, 7, 9, 10; spec.md S63 to S65, S68, X18, E5, E14.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, Customer, eventually, free_port
from tests.contract.banking import Person
from tests.contract.letters import Lost, Somebody

Start = Callable[..., Process]
OPS = "ops@example.org"
QUEUE = "dlq:transactions"
CARDS = 8


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """The bank, and who carries mail."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows them, and whom to report to."""
    return comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_PROVIDERS__SEED__BASE_URL=sandbox.url,
        COMPTOIR_PROVIDERS__SENDGRID__BASE_URL=sandbox.url,
        COMPTOIR_BREAKERS__POWENS__ERRORS="2",
        COMPTOIR_BREAKERS__POWENS__RECOVERY_S="1",
        COMPTOIR_DEAD_LETTERS__REPORT_TO=OPS,
    )


@pytest.fixture
def eva(daemon: Process) -> Somebody:
    """Of operations."""
    return Somebody.of(daemon, "eva", "OPERATIONS")


def _bank(eva: Somebody) -> dict[str, Any]:
    items: list[dict[str, Any]] = eva.got("/api/v1/parking")["items"]
    return next(one for one in items if one["gateway"] == "bank_seed")


def test_an_outage_is_waited_out(daemon: Process, sandbox: Process, eva: Somebody) -> None:
    """S65, X18, E5: while the bank is away, what is asked of it waits, and operations see how much, when it
    is asked again and when about all is done; once it is back all is done, and nothing is a dead letter.
    """
    customer = Customer(daemon)
    people = [Person.new(daemon) for _ in range(CARDS)]
    cards = [person.linked() for person in people]
    customer.quiet()
    assert (_bank(eva)["breaker"], _bank(eva)["estimatedReleaseAt"]) == ("closed", None)
    fault = [{"party": "seed", "operation": "transactions.list", "fault": "status", "status": 503}]
    assert sandbox.request("PUT", "/control/faults", json.dumps(fault).encode()).status == 200
    for person, card in zip(people, cards, strict=True):
        assert person.ask("POST", f"/api/v1/connections/{card}/sync").status == 202
    eventually(lambda: bool(_bank(eva)["parked"] >= CARDS - 2))
    away = _bank(eva)
    assert away["breaker"] in ("open", "half-open")
    assert away["nextProbeAt"] is not None
    assert away["estimatedReleaseAt"] >= away["nextProbeAt"]
    eventually(lambda: customer.metric("comptoir_parked_calls", gateway="bank_seed") >= CARDS - 2)
    assert customer.metric("comptoir_parked_release_seconds", gateway="bank_seed") > 0
    table = daemon.run("parking")
    assert "bank_seed" in table
    calls = len(sandbox.get("/control/calls?party=seed").json()["items"])
    sandbox.request("DELETE", "/control/faults")
    eventually(lambda: bool(_bank(eva)["breaker"] == "closed" and _bank(eva)["parked"] == 0), 60)
    customer.quiet()
    assert len(sandbox.get("/control/calls?party=seed").json()["items"]) >= calls + CARDS - 1
    assert eva.listed(kind="bank_seed") == []


def test_reported_daily(daemon: Process, sandbox: Process, eva: Somebody) -> None:
    """S64, S68: once a day operations hear by mail, in French and English, what dlq:transactions holds, and
    read the same over the API; a daemon that was killed meanwhile reports all the same.
    """
    customer = Customer(daemon)
    Lost.buy(customer, eva, 2)
    daemon.kill()
    daemon.start()
    before = len(eva.got("/api/v1/dead-letters/reports")["items"])
    customer.advance(DAY_S)
    eventually(lambda: len(eva.got("/api/v1/dead-letters/reports")["items"]) > before)
    told = eva.got("/api/v1/dead-letters/reports")
    assert (told["queue"], told["nextAt"] is not None) == (QUEUE, True)
    newest = told["items"][0]
    assert newest["letters"] >= 2
    assert sum(cause["letters"] for cause in newest["causes"]) == newest["letters"]
    assert all(item["fresh"] <= item["letters"] for item in told["items"])
    (since, *_) = (item["since"] for item in told["items"])
    assert since < newest["at"]
    eventually(
        lambda: eva.got("/api/v1/dead-letters/reports")["items"][0]["mail"] == "taken"
    )  # fmt: skip
    mails = sandbox.get(f"/control/inbox?channel=mail&to={OPS}").json()["items"]
    (text, *_) = [x["body"] for x in mails if f", {newest['at'][:10]} " in x["body"]]
    assert f"{newest['letters']} message(s) en échec" in text
    assert f"{newest['letters']} dead letter(s)" in text
    assert daemon.run("dlq", "reports", "--format", "json").count("\n") == len(told["items"])


def test_by_the_command(daemon: Process, eva: Somebody, tmp_path: Path) -> None:
    """S64, E14: `comptoir dlq` lists, shows, replays and gives up what the API does, under a right of
    operations; many need a second person, who is no command.
    """
    customer = Customer(daemon)
    lost = Lost.buy(customer, eva, 4)
    ids = [one["letterId"] for one in lost.letters]
    rows = [
        json.loads(line)
        for line in daemon.run("dlq", "list", "--queue", QUEUE, "--format", "json").splitlines()
    ]
    assert [row["letterId"] for row in rows[:4]] == ids
    table = daemon.run("dlq", "list", "--limit", "1")
    assert ids[0] in table
    assert ids[1] not in table
    assert "there are more" in table
    assert QUEUE in daemon.run("dlq", "queues")
    shown = json.loads(daemon.run("dlq", "show", ids[0], "--format", "json"))
    assert shown["fields"]["report"]["amount_cents"] == 10_000
    assert shown["message"] in daemon.run("dlq", "show", ids[0])
    lost.link()
    replayed = json.loads(daemon.run("dlq", "replay", ids[0]))
    assert replayed["act"] == "replay"
    assert len(lost.points(eva)) == 1
    given_up = json.loads(daemon.run("dlq", "discard", ids[1], "--reason", "paid by hand"))
    customer.quiet()
    told = json.loads(daemon.run("dlq", "disposition", given_up["dispositionId"]))
    assert (told["status"], told["reason"]) == ("done", "paid by hand")
    with pytest.raises(AssertionError, match="DEAD_LETTER_DECIDED"):
        daemon.run("dlq", "replay", ids[1])
    with pytest.raises(AssertionError, match="NOT_FOUND"):
        daemon.run("dlq", "show", ids[1])
    with pytest.raises(AssertionError, match=r"FORBIDDEN.*--token-file"):
        daemon.run("dlq", "replay", "--queue", QUEUE)
    mine = tmp_path / "mine"
    mine.write_text(daemon.token("max", "OPERATIONS"))
    by_max = ("--token-file", str(mine))
    asked = json.loads(daemon.run("dlq", "replay", "--queue", QUEUE, *by_max))
    assert asked["status"] == "proposed"
    with pytest.raises(AssertionError, match="FOUR_EYES"):
        daemon.run("approval", "approve", asked["approvalId"], *by_max)
    approval = f"/api/v1/approvals/{asked['approvalId']}"
    assert eva.ask("POST", f"{approval}/approve").status == 200
    name = asked["dispositionId"]
    place = f"/api/v1/dead-letters/dispositions/{name}"
    eventually(lambda: eva.ask("GET", place).status == 200)
    eventually(lambda: bool(eva.got(place)["status"] == "done"))
    assert len(lost.points(eva)) == 3

"""What we think was paid beside what whoever pays says, and what takes too long, as operations see it.

Source: interface.md 7 and 10; spec.md S46, S50, S56, S64, X25 to X27; docs/withdrawals.md.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from comptoir.engine.testing import Process
from tests.contract.letters import Somebody
from tests.contract.saving import DAY_S, Saver, started
from tests.contract.test_conventions import is_problem

Start = Callable[..., Process]
Json = dict[str, Any]
RECONCILIATIONS, OVERDUE = "/api/v1/payouts/reconciliations", "/api/v1/payouts/overdue"
CHANGES: dict[str, Json] = {
    "missing_there": {"hidden": True},
    "doubled": {"doubled": True},
    "amount": {"amount": 1.23},
    "state": {"status": "FAILED"},
}
"""What is shown of a payment at whoever pays, for each kind of difference."""


class World:
    """A daemon, whoever pays, and somebody of operations."""

    def __init__(self, start: Start, sandbox: Process, **more: str) -> None:
        self.sandbox = sandbox
        self.daemon = started(start, sandbox, COMPTOIR_WITHDRAWALS__RECONCILE_DAYS="3", **more)
        self.operator = Somebody.of(self.daemon, "ops", "OPERATIONS")

    def paid(self, number: int) -> list[tuple[Saver, str]]:
        """So many people whose withdrawals were paid on one day; their names."""
        savers = [Saver(self.daemon, self.sandbox) for _ in range(number)]
        names = [saver.withdraws() for saver in savers]
        savers[0].settles()
        for saver, name in zip(savers, names, strict=True):
            saver.told(name, "completed")
        return list(zip(savers, names, strict=True))

    def change(self, saver: Saver, name: str, change: Json) -> None:
        """What is shown of a payment from now on."""
        payment = saver.payment(name)["paymentId"]
        answer = self.sandbox.post(f"/control/payments/{payment}/change", change)
        assert answer.status == 200, answer

    def report(self, day: str) -> Json:
        """Of one day."""
        (found,) = self.operator.got(f"{RECONCILIATIONS}?day={day}")["items"]
        report: Json = found
        return report

    def counted(self, name: str) -> float:
        """A metric."""
        lines = self.daemon.get("/metrics").body.decode().splitlines()
        return float(next(one for one in lines if one.startswith(name)).split()[-1])


@pytest.fixture(scope="module")
def world(comptoir_daemon_shared: Start, comptoir_sandbox_shared: Start) -> World:
    """One for the tests that share it."""
    return World(comptoir_daemon_shared, comptoir_sandbox_shared())


def test_every_kind_of_difference_is_found(world: World) -> None:
    """S46, S50, X26: missing on either side, doubled, of another amount, in another state; nothing else is told,
    and what is right is in the sums; the command ends with 1.
    """
    people = world.paid(len(CHANGES) + 2)
    first, name = people[0]
    day = str(first.payment(name)["at"])[:10]
    references = {one: saver.payment(one)["reference"] for saver, one in people}
    wanted: dict[str, str] = {}
    for (saver, one), (kind, change) in zip(people, CHANGES.items(), strict=False):
        wanted[references[one]] = kind
        world.change(saver, one, change)
    stray = "REWAPP-WD-2020-01-01-999"
    wanted[stray] = "missing_here"
    told = world.sandbox.post("/control/payments", {"reference": stray, "amount": 5})
    assert told.status == 201
    first.later(DAY_S)
    first.customer.quiet()
    report = world.report(day)
    assert (report["source"], report["code"]) == ("provider", None)
    assert {one["reference"]: one["kind"] for one in report["rows"]} == wanted
    assert report["differences"] == len(wanted)
    rows = {one["kind"]: one for one in report["rows"]}
    assert (rows["amount"]["ourCents"], rows["amount"]["theirCents"]) == (950, 123)
    assert (rows["state"]["ours"], rows["state"]["theirs"]) == ("completed", "failed")
    assert (rows["missing_here"]["ours"], rows["missing_here"]["theirCents"]) == (None, 500)
    assert report["ours"] == [{"currency": "EUR", "payments": 6, "cents": 6 * 950}]
    (theirs,) = report["theirs"]
    assert (theirs["payments"], theirs["cents"]) == (7, 5 * 950 + 123 + 500)
    assert "Lovelace" not in json.dumps(report)
    assert "FR14" not in json.dumps(report)
    assert world.counted('comptoir_reconciliations_total{result="differs",source="provider"}') >= 1
    ended = world.daemon.ran("reconcile", "--day", day)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert all(reference in ended.stdout for reference in wanted)
    assert "9.50 completed" in ended.stdout


def test_what_is_right_is_the_same(comptoir_daemon: Start, comptoir_sandbox: Start) -> None:
    """S46: paid and returned as both say: no difference, and the command ends with 0; it goes on after a kill. A
    day on which whoever pays was away says so, and keeps the report from before.
    """
    world = World(comptoir_daemon, comptoir_sandbox(), COMPTOIR_BREAKERS__DEFAULT__ERRORS="1000")
    (saver, name), (other, returned) = world.paid(2)
    day = str(saver.payment(name)["at"])[:10]
    other.told(returned, "returned", reason="AC06")
    world.daemon.kill()
    world.daemon.start()
    saver.later(DAY_S)
    saver.customer.quiet()
    report = world.report(day)
    assert (report["differences"], report["rows"], report["code"]) == (0, [], None)
    assert report["ours"] == report["theirs"] == [{"currency": "EUR", "payments": 2, "cents": 1900}]
    assert saver.shown(name)["status"] == "completed"
    assert world.daemon.ran("reconcile").returncode == 0
    fault = [{"party": "seed", "operation": "payments.find", "fault": "status", "status": 503}]
    assert world.sandbox.request("PUT", "/control/faults", json.dumps(fault).encode()).status == 200
    saver.later(DAY_S)
    later = report
    for _ in range(20):
        saver.later(8)
        saver.customer.quiet()
        later = world.report(day)
        if later["code"]:
            break
    assert later["code"] == "PAYOUT_UNAVAILABLE"
    assert {**later, "code": None} == report
    assert world.daemon.ran("reconcile", "--format", "json").returncode == 1
    letters = world.operator.got("/api/v1/dead-letters?queue=dlq:withdrawals")["items"]
    assert letters == []


def test_the_list(world: World) -> None:
    """interface.md 1: page by page, the newest day first; wrong queries are refused."""
    found = world.operator.got(f"{RECONCILIATIONS}?limit=1")
    if found["nextCursor"] is not None:
        rest = world.operator.got(f"{RECONCILIATIONS}?cursor={found['nextCursor']}")["items"]
        days = [one["day"] for one in (*found["items"], *rest)]
        assert days == sorted(set(days), reverse=True)
    assert world.operator.got(f"{RECONCILIATIONS}?day=2020-01-01") == {
        "items": [],
        "nextCursor": None,
    }
    for query in ("day=2020-02-30", "day=1&day=2", "limit=0", "cursor=x"):
        is_problem(world.operator.ask("GET", f"{RECONCILIATIONS}?{query}"), 422, "REQUEST_INVALID")


def test_what_takes_too_long(world: World) -> None:
    """S50, X25: a payment without an end is marked and told once, and operations see it, until it ends."""
    saver = Saver(world.daemon, world.sandbox)
    name = saver.withdraws()
    saver.settles()
    assert world.operator.got(OVERDUE)["items"] == []
    before = world.counted("comptoir_withdrawals_overdue_total")
    for _ in range(2):
        saver.later(21 * DAY_S)
        saver.customer.quiet()
    shown = saver.shown(name)
    assert (shown["status"], shown["history"][-1]["code"]) == ("processing", "OVERDUE")
    assert shown["overdueSince"] == shown["history"][-1]["at"]
    assert [one["withdrawalId"] for one in world.operator.got(OVERDUE)["items"]] == [name]
    assert len([one for one in saver.pushes() if "longer than it should" in one]) == 1
    assert world.counted("comptoir_withdrawals_overdue_total") == before + 1
    saver.told(name, "completed")
    assert saver.shown(name)["status"] == "completed"
    assert world.operator.got(OVERDUE)["items"] == []
    for query in ("limit=0", "cursor=x"):
        is_problem(world.operator.ask("GET", f"{OVERDUE}?{query}"), 422, "REQUEST_INVALID")


@pytest.mark.parametrize(
    ("change", "status"), [({"status": "COMPLETED"}, "completed"), ({"hidden": True}, "held")]
)
def test_what_takes_too_long_is_looked_up(world: World, change: Json, status: str) -> None:
    """S50, S64: whoever pays is asked once more: what it has paid without telling is completed, and what it does
    not know any more is for a person.
    """
    saver = Saver(world.daemon, world.sandbox)
    name = saver.withdraws()
    saver.settles()
    world.change(saver, name, change)
    saver.later(21 * DAY_S)
    saver.customer.quiet()
    assert saver.shown(name)["status"] == status
    assert saver.balance()[1] == (0 if status == "completed" else 950)

"""The third flow of the source, end to end: points are withdrawn, ordered once, and end as money or as points.

Source: interface.md 7 (rows b2) and 10; spec.md S46, S47, S50, S52, S56, S64, S66, X21, X25 to X27.
"""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from comptoir.engine.testing import Answered, Process
from tests.contract.banking import Person
from tests.contract.letters import Somebody
from tests.contract.saving import BARE, IBAN, PATH, Saver, started
from tests.contract.test_conventions import is_problem

Start = Callable[..., Process]


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Whoever pays."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon whose withdrawals are paid by the provider."""
    return started(comptoir_daemon_shared, sandbox)


@pytest.fixture
def saver(daemon: Process, sandbox: Process) -> Saver:
    """Somebody with 1,000 points."""
    return Saver(daemon, sandbox)


def test_points_become_money(saver: Saver, sandbox: Process) -> None:
    """S46, S47, S50, S52, S56, X21, X25: asked for, blocked, ordered after the hold, completed, and told."""
    answer = saver.asks(950, userId=saver.person.name)
    assert answer.status == 201, answer
    begun = answer.json()
    day = begun["createdAt"][:10]
    assert begun["reference"].rpartition("-")[0] == f"REWAPP-WD-{day}"
    assert begun == begun | {
        "status": "pending", "points": 950, "rateCentsPerPoint": 1, "grossCents": 950, "feeCents": 0,
        "netCents": 950, "currency": "EUR", "ibanMasked": "FR14****2606",
    }  # fmt: skip
    name = begun["withdrawalId"]
    assert (
        saver.shown(name) == begun
    )  # at once: who was told that it has begun finds it, as it was told
    assert saver.balance() == (50, 950, 0)
    assert saver.payments(name) == []
    saver.settles()
    order = saver.payment(name)
    assert (order["amount"], order["currency"], order["reference"]) == (
        9.5,
        "EUR",
        begun["reference"],
    )
    assert order["beneficiary"] == {"iban": BARE, "name": "Ada Lovelace"}
    assert saver.shown(name)["status"] == "processing"
    assert saver.told(name, "completed") == [202]
    shown = saver.shown(name)
    assert [one["status"] for one in shown["history"]] == [
        "pending", "processing", "processing", "completed",
    ]  # fmt: skip
    assert saver.balance() == (50, 0, 0)
    assert any("950" in one for one in saver.pushes())
    entries = saver.person.ask("GET", f"/api/v1/wallets/{saver.person.name}/entries").json()[
        "items"
    ]
    ours = [(one["kind"], one["points"]) for one in entries if one["withdrawalId"] == name]
    assert [kind for kind, _ in ours] == ["payout", "hold"]


@pytest.mark.parametrize(("outcome", "status"), [("failed", "failed"), ("expired", "failed")])
def test_what_was_not_paid_is_points_again(saver: Saver, outcome: str, status: str) -> None:
    """S46, S52, X26: unblocked once, with the reason, and told; another may begin."""
    name = saver.withdraws()
    saver.settles()
    assert saver.told(name, outcome, reason="AC04", times=3) == [202, 200, 200]
    shown = saver.shown(name)
    assert (shown["status"], shown["history"][-1]["code"]) == (status, "AC04")
    assert saver.balance() == (1000, 0, 0)
    assert saver.asks().status == 201


def test_money_that_came_back_is_points_again(saver: Saver) -> None:
    """X26: paid, and returned a week later."""
    name = saver.withdraws()
    saver.settles()
    saver.told(name, "completed")
    assert saver.balance() == (50, 0, 0)
    saver.told(name, "returned", reason="AC06")
    assert saver.shown(name)["status"] == "returned"
    assert saver.balance() == (1000, 0, 0)


def test_contradictions_are_held(saver: Saver, daemon: Process) -> None:
    """S46, X26: paid and not paid: the points are blocked until somebody has found out; it is counted, and
    its person hears that it is looked at.
    """
    name = saver.withdraws()
    saver.settles()
    saver.told(name, "failed")
    saver.told(name, "completed")
    assert saver.shown(name)["status"] == "held"
    assert saver.balance() == (50, 950, 0)
    metrics = daemon.get("/metrics").body.decode()
    held = next(
        x for x in metrics.splitlines() if x.startswith('comptoir_withdrawals_total{status="held"}')
    )
    assert float(held.split()[1]) >= 1
    assert any("checking" in one for one in saver.pushes())
    is_problem(saver.asks(), 409, "BANK_WITHDRAWAL_PENDING")


def test_what_is_held_is_settled_by_two(saver: Saver, daemon: Process) -> None:
    """E14, X26: one has found out that it was not paid, another approves; then the points are back."""
    name = saver.withdraws()
    path = f"{PATH}/{name}/settle"
    finding = {"outcome": "failed", "reason": "the bank has no trace of it"}
    one, two = (
        Somebody.of(daemon, sub, role) for sub, role in (("o", "OPERATIONS"), ("a", "ADMIN"))
    )
    is_problem(one.ask("POST", path, finding), 409, "CONFLICT")
    saver.settles()
    saver.told(name, "failed")
    saver.told(name, "completed")
    assert saver.shown(name)["status"] == "held"
    is_problem(saver.person.ask("POST", path, finding), 403, "FORBIDDEN")
    is_problem(two.ask("POST", path, finding), 403, "FORBIDDEN")
    is_problem(one.ask("POST", path, {**finding, "outcome": "returned"}), 422, "REQUEST_INVALID")
    is_problem(one.ask("POST", path, {**finding, "reason": " "}), 422, "REQUEST_INVALID")
    proposed = one.ask("POST", path, finding)
    assert proposed.status == 202, proposed
    assert saver.shown(name)["status"] == "held"
    approval = f"/api/v1/approvals/{proposed.json()['approvalId']}"
    told = two.got(approval)
    assert (told["action"], told["subject"]) == ("withdrawals.settle", name)
    assert finding["reason"] in told["details"]
    assert two.ask("POST", f"{approval}/approve").status == 200
    saver.customer.quiet()
    shown = saver.shown(name)
    assert (shown["status"], shown["history"][-1]["code"]) == ("failed", "SETTLED_BY_HAND")
    assert saver.balance() == (1000, 0, 0)
    # Said again it is no news; money that comes back after all is.
    assert set(saver.told(name, "completed")) == {200}
    assert saver.shown(name)["status"] == "failed"


def test_cancelled_before_it_is_paid(saver: Saver) -> None:
    """S50, X26: until the order has left its person may take it back; said twice, it is said so twice."""
    name = saver.withdraws()
    for _ in range(2):
        answer = saver.person.ask("POST", f"{PATH}/{name}/cancel")
        assert (answer.status, answer.json()["status"]) == (200, "cancelled")
    saver.customer.quiet()
    assert saver.balance() == (1000, 0, 0)
    saver.settles()
    assert saver.payments(name) == []
    other = saver.withdraws()
    saver.settles()
    is_problem(saver.person.ask("POST", f"{PATH}/{other}/cancel"), 409, "CONFLICT")
    found = saver.person.ask("GET", f"{PATH}?limit=1").json()
    rest = saver.person.ask("GET", f"{PATH}?cursor={found['nextCursor']}").json()
    listed = [one["withdrawalId"] for one in (*found["items"], *rest["items"])]
    assert listed == [other, name]
    assert rest["nextCursor"] is None


def test_refusals(saver: Saver, daemon: Process, sandbox: Process) -> None:
    """S66: every code that belongs here, and nothing is changed by any of them."""
    wrong = is_problem(
        saver.asks(iban="FR15 2004 1010 0505 0001 3M02 606"), 400, "BANK_IBAN_INVALID"
    )
    assert wrong["errors"][0]["pointer"] == "/iban"
    assert "2004" not in str(wrong)
    is_problem(saver.asks(iban="SA0380000000608010167519"), 400, "BANK_IBAN_INVALID")
    is_problem(saver.asks(99), 400, "BANK_WITHDRAWAL_MINIMUM")
    is_problem(saver.asks(1001), 409, "POINTS_INSUFFICIENT")
    for points in (0, 1.5, "950", None):
        is_problem(saver.asks(points), 422, "REQUEST_INVALID")
    is_problem(saver.asks(beneficiaryName=" "), 422, "REQUEST_INVALID")
    is_problem(saver.asks(more=1), 422, "REQUEST_INVALID")
    poor = Saver(daemon, sandbox, euros=10)
    is_problem(poor.asks(50), 400, "BANK_WITHDRAWAL_MINIMUM")
    nobody = Person.new(daemon)
    body = {"points": 950, "iban": IBAN, "beneficiaryName": "Ada Lovelace"}
    is_problem(nobody.ask("POST", PATH, body), 400, "BANK_WITHDRAWAL_MINIMUM")
    assert saver.balance() == (1000, 0, 0)
    name = saver.withdraws()
    is_problem(saver.asks(100), 409, "BANK_WITHDRAWAL_PENDING")
    for answer in (
        poor.person.ask("GET", f"{PATH}/{name}"),
        poor.person.ask("POST", f"{PATH}/{name}/cancel"),
        poor.person.ask("GET", f"{PATH}?userId={saver.person.name}"),
        saver.person.ask("GET", f"{PATH}/wd_{'0' * 20}"),
        saver.person.ask("GET", f"{PATH}/x"),
    ):
        is_problem(answer, 404, "NOT_FOUND")
    assert saver.balance() == (50, 950, 0)


def test_asked_under_one_key_it_is_one(saver: Saver) -> None:
    """S50, interface.md 1: the same `Idempotency-Key` has the same answer, and blocks once."""
    key = secrets.token_hex(8)
    first, again = saver.asks(500, key), saver.asks(500, key)
    assert (first.status, first.json()) == (again.status, again.json())
    assert saver.balance() == (500, 500, 0)


def test_two_at_once_are_one(daemon: Process, sandbox: Process) -> None:
    """S66: of two that are asked for in the same moment, fifty times, one is accepted."""
    saver = Saver(daemon, sandbox)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(50):
            both = threading.Barrier(2)

            def asks(both: threading.Barrier = both) -> Answered:
                both.wait()
                return saver.asks(100)

            answers = [future.result() for future in [pool.submit(asks), pool.submit(asks)]]
            assert sorted(one.status for one in answers) == [201, 409]
            begun, refused = sorted(answers, key=lambda one: one.status)
            is_problem(refused, 409, "BANK_WITHDRAWAL_PENDING")
            name = begun.json()["withdrawalId"]
            assert saver.person.ask("POST", f"{PATH}/{name}/cancel").status == 200
            saver.customer.quiet()
    assert saver.balance() == (1000, 0, 0)


def test_strangers_payments_are_kept_for_somebody(saver: Saver) -> None:
    """S64, X26: a signed report about a withdrawal that never was waits in dlq:withdrawals."""
    data = {
        "payment_id": secrets.token_hex(4), "withdrawal_id": f"wd_{secrets.token_hex(10)}", "amount": 9.5,
        "currency": "EUR", "status": "COMPLETED", "reference": "x", "beneficiary_iban": "FR76****1234",
    }  # fmt: skip
    body = {"event": "payment.completed", "data": data}
    for status in (202, 200):
        assert saver.customer.send(body).status == status
    token = saver.daemon.token("ops", "OPERATIONS")
    headers = {"Authorization": f"Bearer {token}"}
    found = saver.daemon.request("GET", "/api/v1/dead-letters?queue=dlq:withdrawals", None, headers)
    reasons = [one["code"] for one in found.json()["items"]]
    assert "WITHDRAWAL_UNKNOWN" in reasons, found.json()

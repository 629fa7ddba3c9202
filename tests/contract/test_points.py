"""Tiers, ends of points, and adjustments, over sockets; the clock is moved (interface.md 7, 10).

Source: docs/points.md; spec.md S47, S52, S74, X21, X24, E7, E14.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from comptoir.engine.testing import Answered, Process
from tests.contract.letters import Somebody
from tests.contract.saving import DAY_S, Saver, started
from tests.contract.test_conventions import is_problem

Start = Callable[..., Process]
LOT_DAYS = 60
GRACE_DAYS = 45
PATH = "/api/v1/adjustments"
TIERS = [
    {"id": "base", "name": "Base", "threshold_points": 0, "multiplier_bp": 10_000},
    {"id": "gold", "name": "Gold", "threshold_points": 1_200, "multiplier_bp": 20_000},
]


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Whoever pays, and whoever takes notices."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon whose points end."""
    return started(
        comptoir_daemon_shared,
        sandbox,
        COMPTOIR_POINTS__LOT_DAYS=str(LOT_DAYS),
        COMPTOIR_POINTS__GRACE_DAYS=str(GRACE_DAYS),
        COMPTOIR_POINTS__EXPIRY_WARNING_DAYS="[30, 7]",
        COMPTOIR_POINTS__TIERS=json.dumps(TIERS),
    )


@pytest.fixture
def saver(daemon: Process, sandbox: Process) -> Saver:
    """Somebody with 1,000 points."""
    return Saver(daemon, sandbox)


@pytest.fixture(scope="module")
def one(daemon: Process) -> Somebody:
    """Somebody of OPERATIONS."""
    return Somebody.of(daemon, "one", "OPERATIONS")


@pytest.fixture(scope="module")
def two(daemon: Process) -> Somebody:
    """Another."""
    return Somebody.of(daemon, "two", "OPERATIONS")


def wallet(saver: Saver) -> dict[str, Any]:
    """As its owner sees it."""
    saver.customer.quiet()
    found: dict[str, Any] = saver.person.ask("GET", f"/api/v1/wallets/{saver.person.name}").json()
    return found


def entries(saver: Saver) -> list[tuple[str, int]]:
    """What has changed the wallet, the newest first."""
    path = f"/api/v1/wallets/{saver.person.name}/entries?limit=500"
    items = saver.person.ask("GET", path).json()["items"]
    return [(item["kind"], item["points"]) for item in items]


def last_day(saver: Saver, days: int) -> str:
    """The day so many days from now."""
    now = datetime.fromtimestamp(saver.customer.now_ms() / 1000, UTC)
    return (now + timedelta(days=days)).date().isoformat()


def notices(saver: Saver, word: str) -> list[str]:
    """What their devices showed of it."""
    return [text for text in saver.pushes() if word in text]


def later(saver: Saver, days: float) -> None:
    """So many days go by, and all that is due is done."""
    saver.later(days * DAY_S)
    saver.customer.advance(0)  # so that its webhooks are of that time
    saver.customer.quiet()


def test_points_end_and_their_owner_is_told_before(saver: Saver) -> None:
    """S47, S74, E7: forecast, a warning 30 and 7 days before of what is left by then, and expiry by the ledger."""
    on = last_day(saver, LOT_DAYS)
    assert wallet(saver)["expiring"] == [{"on": on, "points": 1000}]
    later(saver, LOT_DAYS - 29)
    assert len(notices(saver, "1,000 points expire in 30 days")) == 1
    saver.withdraws(400)
    assert wallet(saver)["expiring"] == [{"on": on, "points": 600}]
    later(saver, 23)
    assert len(notices(saver, "600 points expire in 7 days")) == 1
    saver.customer.buy(saver.card, 40)
    later(saver, 5)
    new = {"on": last_day(saver, LOT_DAYS - 5), "points": 200}
    assert wallet(saver)["expiring"] == [{"on": on, "points": 600}, new]
    later(saver, 3)
    after = wallet(saver)
    assert (after["balance"]["available"], after["expiring"]) == (200, [new])
    assert entries(saver)[0] == ("expiry", -600)
    assert len(notices(saver, "expire in")) == 2, "each once"
    is_problem(saver.asks(201), 409, "BANK_WITHDRAWAL_PENDING")


@pytest.mark.parametrize("looks", [0, 3])
def test_killed_while_points_end(daemon: Process, sandbox: Process, looks: int) -> None:
    """S47, X24, E7: SIGKILL as a warning and as the end of points fall due, some looks later, and again: each lot ends once,
    what is blocked does not, and the next daemon says the rest of it.
    """
    savers = [Saver(daemon, sandbox) for _ in range(3)]
    savers[0].withdraws(400)

    def killed_at(days: float) -> None:
        savers[0].later(days * DAY_S)  # nobody waits for what is due
        for _ in range(2):
            for _ in range(looks):
                savers[-1].balance()
            daemon.kill()
            daemon.start()
        savers[0].customer.quiet()

    killed_at(LOT_DAYS - 29)
    for saver in savers[1:]:
        warned = set(notices(saver, "expire in"))
        assert len(warned) == 1
        assert "1,000 points expire in 30 days" in warned.pop()
    killed_at(31)
    for saver, left in zip(savers, (600, 1000, 1000), strict=True):
        assert [one for one in entries(saver) if one[0] == "expiry"] == [("expiry", -left)]
        assert (saver.balance(), wallet(saver)["expiring"]) == ((0, 1000 - left, 0), [])


def test_a_refund_does_not_take_what_has_expired(saver: Saver) -> None:
    """X24, E7: of 1,000 points 600 expired; the refund takes from new points what was spent, and no more."""
    first = wallet(saver)
    name = saver.withdraws(400)
    saver.settles()
    saver.told(name, "completed")
    later(saver, LOT_DAYS)
    assert wallet(saver)["balance"]["available"] == 0
    saver.customer.buy(saver.card, 200)
    purchase = saver.person.ask("GET", f"/api/v1/wallets/{saver.person.name}/entries?limit=500")
    original = purchase.json()["items"][-1]["transactionId"]
    assert wallet(saver)["balance"] == first["balance"]
    saver.customer.refund(saver.card, 200, original)
    assert wallet(saver)["balance"]["available"] == 600
    assert entries(saver)[0] == ("clawback", -400)


def test_points_that_come_back_have_time_to_be_spent(saver: Saver) -> None:
    """S50, E7: their end passed while a payment was under way that failed; they are good for the grace."""
    later(saver, LOT_DAYS - 1)
    name = saver.withdraws(1000)
    saver.settles()
    assert wallet(saver)["balance"] == {
        "available": 0,
        "pending": 0,
        "blocked": 1000,
        "shortfall": 0,
    }
    saver.told(name, "failed")
    saver.customer.advance(0)
    on = last_day(saver, GRACE_DAYS)
    assert wallet(saver)["expiring"] == [{"on": on, "points": 1000}]
    assert saver.balance() == (1000, 0, 0)
    later(saver, GRACE_DAYS + 1)
    assert saver.balance() == (0, 0, 0)
    assert entries(saver)[0] == ("expiry", -1000)


def test_who_withdraws_and_cancels_wins_no_time(saver: Saver) -> None:
    """S50, E7: cancelled after their end, points have the time that was left when they were blocked."""
    later(saver, LOT_DAYS - 1.5)
    name = saver.withdraws(1000)
    later(saver, 1.9)
    cancelled = saver.person.ask("POST", f"/api/v1/withdrawals/{name}/cancel")
    assert cancelled.status == 200, cancelled
    left = wallet(saver)["expiring"]
    assert left in (
        [],
        [{"on": last_day(saver, 0), "points": 1000}],
        [{"on": last_day(saver, 1), "points": 1000}],
    )
    later(saver, 2.5)
    assert saver.balance() == (0, 0, 0)


def test_a_tier_is_reached_told_once_and_taken_back(saver: Saver) -> None:
    """S47, S74: by points earned; a purchase earns by the tier before it; a refund takes the tier back."""
    assert wallet(saver)["tier"]["next"] == {"id": "gold", "missingPoints": 200}
    assert notices(saver, "reached") == []
    saver.customer.buy(saver.card, 40)
    assert wallet(saver)["tier"] == {
        "id": "gold",
        "name": "Gold",
        "multiplierBp": 20_000,
        "next": None,
    }
    assert wallet(saver)["balance"]["available"] == 1200
    assert len(notices(saver, "reached a new level")) == 1
    second = saver.customer.buy(saver.card, 10)
    assert wallet(saver)["balance"]["available"] == 1300, "doubled"
    saver.withdraws(1000)
    assert wallet(saver)["tier"]["id"] == "gold", "spending changes nothing of it"
    saver.customer.refund(saver.card, 10, second)
    third = saver.customer.buy(saver.card, 5)
    assert (wallet(saver)["tier"]["id"], len(notices(saver, "reached"))) == ("gold", 1)
    saver.customer.refund(saver.card, 5, third)
    original = saver.person.ask("GET", f"/api/v1/wallets/{saver.person.name}/entries?limit=500")
    saver.customer.refund(saver.card, 1, original.json()["items"][-1]["transactionId"])
    assert wallet(saver)["tier"]["id"] == "base"
    saver.customer.buy(saver.card, 20)
    assert (wallet(saver)["tier"]["id"], len(notices(saver, "reached"))) == ("gold", 2)


def asked(who: Somebody, saver: Saver, points: int, key: str = "") -> Answered:
    """Ask for an adjustment."""
    body = {"userId": saver.person.name, "points": points, "reason": "a credit was missed"}
    return who.ask("POST", PATH, body, key)


def test_two_people_give_and_take_points(saver: Saver, one: Somebody, two: Somebody) -> None:
    """E14, S47, E7: one asks and another approves; it is in the history, and in the list."""
    wallet(saver)
    answer = asked(one, saver, 250, key="k-1")
    assert answer.status == 202, answer
    made = answer.json()
    name = made["adjustmentId"]
    assert made == made | {
        "userId": saver.person.name, "points": 250, "status": "pending", "maker": "one",
        "reason": "a credit was missed", "checker": None, "decidedAt": None,
    }  # fmt: skip
    assert asked(one, saver, 250, key="k-1").json() == made, "said again it is the same"
    assert wallet(saver)["balance"]["available"] == 1000
    is_problem(one.ask("POST", f"{PATH}/{name}/approve"), 403, "FOUR_EYES")
    done = two.ask("POST", f"{PATH}/{name}/approve")
    assert (done.status, done.json()["status"], done.json()["checker"]) == (200, "applied", "two")
    assert done.json()["reason"] == "a credit was missed"
    assert two.ask("POST", f"{PATH}/{name}/approve").json() == done.json()
    assert wallet(saver)["balance"]["available"] == 1250
    assert wallet(saver)["tier"]["id"] == "base", "what is given was not earned"
    assert entries(saver)[0] == ("adjustment", 250)
    taken = asked(one, saver, -1100).json()["adjustmentId"]
    assert two.ask("POST", f"{PATH}/{taken}/approve").json()["status"] == "applied"
    assert entries(saver)[:2] == [("adjustment", -100), ("adjustment", -1000)], "the oldest first"
    assert wallet(saver)["balance"]["available"] == 150
    listed = one.got(f"{PATH}?limit=1")
    older = one.got(f"{PATH}?limit=1&cursor={listed['nextCursor']}")
    shown = [item["adjustmentId"] for item in (*listed["items"], *older["items"])]
    assert shown == [taken, name]
    assert {item["reason"] for item in (*listed["items"], *older["items"])} == {
        "a credit was missed"
    }
    assert one.got(f"{PATH}/{taken}") == listed["items"][0]


def test_a_wallet_is_not_overdrawn_by_hand(saver: Saver, one: Somebody, two: Somebody) -> None:
    """E14, E7: more than there is is refused when it is asked for, and when it is approved."""
    wallet(saver)
    is_problem(asked(one, saver, -1001), 409, "POINTS_INSUFFICIENT")
    name = asked(one, saver, -1000).json()["adjustmentId"]
    saver.withdraws(200)
    done = two.ask("POST", f"{PATH}/{name}/approve")
    assert (done.status, done.json()["status"]) == (200, "refused")
    assert saver.balance() == (800, 200, 0)


def test_what_nobody_approves_does_not_happen(saver: Saver, one: Somebody, two: Somebody) -> None:
    """E14: rejected, or over when its time is."""
    wallet(saver)
    rejected, expired = (asked(one, saver, 10).json() for _ in range(2))
    approval = f"/api/v1/approvals/{rejected['approvalId']}"
    assert two.got(approval)["details"] == ["+10 points", "a credit was missed"]
    assert two.ask("POST", f"{approval}/reject").status == 200
    later(saver, 4)
    for made, status in ((rejected, "rejected"), (expired, "expired")):
        path = f"{PATH}/{made['adjustmentId']}"
        found = one.got(path)
        assert (found["status"], found["reason"]) == (status, "a credit was missed")
        is_problem(two.ask("POST", f"{path}/approve"), 409, "CONFLICT")
    assert saver.balance() == (1000, 0, 0)


def test_refusals_of_adjustments(saver: Saver, one: Somebody, daemon: Process) -> None:
    """E14: each wrong request has its code, and changes nothing."""
    wallet(saver)
    is_problem(asked(one, saver, 0), 422, "REQUEST_INVALID")
    body = {"userId": saver.person.name, "points": 1, "reason": "\n"}
    is_problem(one.ask("POST", PATH, body), 422, "REQUEST_INVALID")
    is_problem(one.ask("POST", PATH, {**body, "userId": "nobody", "reason": "x"}), 404, "NOT_FOUND")
    is_problem(one.ask("POST", f"{PATH}/adj_{'0' * 20}/approve"), 404, "NOT_FOUND")
    is_problem(one.ask("GET", f"{PATH}?cursor=x"), 422, "REQUEST_INVALID")
    for role in ("CLIENT", "COMPLIANCE", "CONSEILLER", "ADMIN"):
        is_problem(asked(Somebody.of(daemon, "x", role), saver, 1), 403, "FORBIDDEN")
    assert saver.balance() == (1000, 0, 0)

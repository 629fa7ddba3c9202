"""Section 7, rows b1: dead letters are found, read, replayed and given up, by whom it is theirs to do.

Rule: the daemon is a process of its own, which is killed where it hurts; nobody here sees inside.
Source: interface.md 1, 7 and 9; spec.md S60, S64, X23, E14.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio

from comptoir.engine.engine import Engine
from comptoir.engine.settings import Settings
from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import DAY_S, Customer, eventually, free_port
from tests.contract.letters import PATH, POINTS, Lost, Somebody

Start = Callable[..., Process]
QUEUE = "dlq:transactions"


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start) -> Process:
    """A daemon with accounts that keeps its address over a restart."""
    return comptoir_daemon_shared(
        COMPTOIR_AUTH__MODE="on",
        COMPTOIR_HTTP__RATE_LIMITS="off",
        COMPTOIR_HTTP__PORT=str(free_port()),
        COMPTOIR_DEAD_LETTERS__REPLAY_PER_SECOND_MAX="200",
    )


@pytest.fixture
def customer(daemon: Process) -> Customer:
    """Somebody who buys."""
    return Customer(daemon)


@pytest.fixture
def eva(daemon: Process) -> Somebody:
    """Of operations."""
    return Somebody.of(daemon, "eva", "OPERATIONS")


@pytest.fixture
def max_(daemon: Process) -> Somebody:
    """Of operations, too."""
    return Somebody.of(daemon, "max", "OPERATIONS")


def _code(answer: Answered) -> tuple[int, str]:
    return answer.status, answer.json()["code"]


def test_found(customer: Customer, eva: Somebody) -> None:
    """S64: by queue, reason, addressee and age, page by page, newest first, with the reason, the attempts
    and the times; and what they add up to.
    """
    lost = Lost.buy(customer, eva, 7)
    (newest, *_, oldest) = lost.letters
    assert newest.keys() == {
        "letterId", "queue", "kind", "sender", "code", "detail", "attempts", "createdAt", "diedAt",
        "expiresAt",
    }  # fmt: skip
    assert (newest["queue"], newest["kind"]) == (QUEUE, "connection")
    assert eva.got(f"{PATH}/{newest['letterId']}") == newest
    ids = [one["letterId"] for one in lost.letters]
    assert ids == sorted(ids, reverse=True)
    since = min(one["diedAt"] for one in lost.letters)
    assert [x["letterId"] for x in eva.listed(queue=QUEUE, diedFrom=since)] == ids
    assert [x["letterId"] for x in eva.listed(code=newest["code"], diedFrom=since)] == ids
    assert eva.listed(kind="wallet", diedFrom=since) == []
    assert oldest["letterId"] not in {x["letterId"] for x in eva.listed(diedBefore=since)}
    (queue,) = [x for x in eva.got(f"{PATH}/queues")["items"] if x["queue"] == QUEUE]
    assert queue["letters"] == len(eva.listed(queue=QUEUE))
    assert queue["fresh"] >= 7
    assert sum(cause["letters"] for cause in queue["causes"]) == queue["letters"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("queue=%20", "/query/queue"), ("code=a&code=b", "/query/code"), ("kind=", "/query/kind"),
        ("diedFrom=yesterday", "/query/diedFrom"), ("diedBefore=2026-02-30T00:00:00Z", "/query/diedBefore"),
        ("limit=0", "/query/limit"), ("cursor=x", "/query/cursor"),
    ],
)  # fmt: skip
def test_asked_wrongly(eva: Somebody, query: str, pointer: str) -> None:
    """Interface.md 1: what is wrong is named by its place, and nothing is guessed."""
    answer = eva.ask("GET", f"{PATH}?{query}")
    assert _code(answer) == (422, "REQUEST_INVALID")
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_what_it_says_is_for_whom_it_may_be(
    daemon: Process, customer: Customer, eva: Somebody
) -> None:
    """S60, X23: who reads people's data reads what a letter says, without what lets anybody in; an ADMIN
    sees that it is there; to everybody else there is nothing.
    """
    (letter,) = Lost.buy(customer, eva, 1).letters
    path = f"{PATH}/{letter['letterId']}/content"
    shown = eva.got(path)
    assert shown["message"] == "TransactionHeld"
    assert shown["fields"]["report"]["amount_cents"] == 10_000
    compliance = Somebody.of(daemon, "cora", "COMPLIANCE")
    assert compliance.got(path) == shown
    admin = Somebody.of(daemon, "ada", "ADMIN")
    assert admin.ask("GET", path).status == 403
    assert admin.got(f"{PATH}/{letter['letterId']}") == letter
    assert shown["fields"]["report"]["transaction_id"] not in json.dumps(letter)
    for who, act in ((admin, "replay"), (compliance, "replay"), (compliance, "discard")):
        refused = who.ask("POST", f"{PATH}/{letter['letterId']}/{act}", {"reason": "x"})
        assert _code(refused) == (403, "FORBIDDEN")
    client = Somebody.of(daemon, "u-1", "CLIENT")
    for place in (PATH, path, f"{PATH}/queues", f"{PATH}/reports", "/api/v1/parking"):
        assert client.ask("GET", place).status == 403
    assert eva.ask("GET", f"{PATH}/dl_{1:016x}/content").status == 404


def _readings(daemon: Process) -> list[tuple[str, dict[str, Any], int]]:
    """Whose actor each reading is an event of, what it says and when it was, in the audit log of a daemon
    that has stopped.
    """

    async def read() -> list[tuple[str, dict[str, Any], int]]:
        with trio.fail_after(60):
            async with Engine.open(Settings.load(None, daemon.env)) as engine:
                found = await engine.journal.events(0, 100_000)
        return [
            (one.address.key, msgspec.json.decode(one.payload), one.at)
            for one in found
            if one.type == "LetterRead"
        ]

    return trio.run(read)


def test_who_has_read_it_is_on_record(daemon: Process, customer: Customer, eva: Somebody) -> None:
    """S57, S60: each reading of what a letter says is an event of the audit log, which tells who, which letter
    and when, and nothing of what it says; who is refused, and who looks at the list, leaves none.
    """
    (letter,) = Lost.buy(customer, eva, 1).letters
    name = letter["letterId"]
    path = f"{PATH}/{name}"
    began = customer.advance(0)
    assert eva.got(path) == letter
    assert Somebody.of(daemon, "ada", "ADMIN").ask("GET", f"{path}/content").status == 403
    assert eva.ask("GET", f"{PATH}/dl_{1:016x}/content").status == 404
    assert eva.got(f"{path}/content")["letterId"] == name
    compliance = Somebody.of(daemon, "cora", "COMPLIANCE")
    assert compliance.got(f"{path}/content") == eva.got(f"{path}/content")
    daemon.stop()
    try:
        readings = [(said, at) for key, said, at in _readings(daemon) if key == name]
    finally:
        daemon.start()
    number = int(name.removeprefix("dl_"), 16)
    assert [said for said, _ in readings] == [
        {"type": "LetterRead", "letter": number, "reader": reader}
        for reader in ("eva", "cora", "eva")
    ]
    assert all(at >= began for _, at in readings)
    assert eva.ask("GET", f"{PATH}/dispositions/{name}").status == 404, "nothing was decided by it"
    assert eva.ask("POST", f"{path}/discard", {"reason": "seen"}).status == 202


def test_replayed_once(daemon: Process, customer: Customer, eva: Somebody) -> None:
    """S64: however often it is asked for, and though the daemon is killed on the answer, a replayed
    purchase is credited once; who wanted it, and when, is told.
    """
    lost = Lost.buy(customer, eva, 2)
    lost.link()
    first, second = (f"{PATH}/{one['letterId']}" for one in lost.letters)
    answer = eva.ask("POST", f"{first}/replay", key="k1")
    assert answer.status == 202, answer
    daemon.kill()
    daemon.start()
    assert eva.ask("POST", f"{first}/replay", key="k1").json() == answer.json()
    again = eva.ask("POST", f"{first}/replay")
    assert (again.status, again.json()["maker"]) == (202, "eva")
    assert lost.points(eva) == [POINTS]
    name = answer.json()["dispositionId"]
    eventually(lambda: eva.got(f"{PATH}/dispositions/{name}")["status"] == "done")
    assert eva.ask("GET", first).status == 404
    decided = eva.ask("POST", f"{first}/discard", {"reason": "too late"})
    assert _code(decided) == (409, "DEAD_LETTER_DECIDED")
    assert decided.json()["userAction"].keys() == {"fr", "en"}
    assert eva.ask("GET", second).status == 200, "another letter is not touched"


def test_many_need_two(daemon: Process, customer: Customer, eva: Somebody, max_: Somebody) -> None:
    """E14: many are replayed when a second person has agreed, and those alone that had died by then; killed
    in the middle it goes on, and every purchase is credited once.
    """
    lost = Lost.buy(customer, eva, 150)
    wanted = {"queue": QUEUE, "diedFrom": min(one["diedAt"] for one in lost.letters)}
    answer = eva.ask("POST", f"{PATH}/replay", wanted, key="many")
    assert answer.status == 202, answer
    asked = answer.json()
    assert (asked["status"], asked["letters"]) == ("proposed", 150)
    assert eva.ask("POST", f"{PATH}/replay", wanted, key="many").json() == asked
    later = Lost.buy(customer, eva, 1)
    lost.link()
    later.link()
    approval = f"/api/v1/approvals/{asked['approvalId']}"
    shown = max_.got(approval)
    assert (shown["action"], shown["subject"]) == ("dead_letters.replay", QUEUE)
    assert shown["details"][0] == "letters 150"
    assert _code(eva.ask("POST", f"{approval}/approve")) == (403, "FOUR_EYES")
    assert lost.points(eva) == []
    assert max_.ask("POST", f"{approval}/approve").status == 200
    daemon.kill()
    daemon.start()
    disposition = f"{PATH}/dispositions/{asked['dispositionId']}"
    eventually(lambda: eva.ask("GET", disposition).status == 200)
    eventually(lambda: bool(eva.got(disposition)["status"] == "done"), 60)
    assert lost.points(eva) == [POINTS] * 150
    assert later.points(eva) == []
    done = eva.got(disposition)
    assert (done["letters"], done["maker"]) == (150, "eva")
    assert max_.ask("POST", f"{approval}/approve").status == 200, "it is decided once"
    assert lost.points(eva) == [POINTS] * 150


def test_whose_proposals_are_whose(daemon: Process, customer: Customer, eva: Somebody) -> None:
    """S60: operations see and decide what is theirs to decide, and hear nothing of the rest."""
    Lost.buy(customer, eva, 1)
    admin = Somebody.of(daemon, "ada", "ADMIN")
    staff = admin.ask("POST", "/api/v1/staff", {"sub": "ida", "roles": ["COMPLIANCE"]}).json()
    mine = eva.ask("POST", f"{PATH}/replay", {"queue": QUEUE}).json()
    theirs = f"/api/v1/approvals/{staff['approvalId']}"
    assert eva.ask("GET", theirs).status == 404
    assert _code(eva.ask("POST", f"{theirs}/approve")) == (403, "FORBIDDEN")
    listed = {one["approvalId"] for one in eva.got("/api/v1/approvals")["items"]}
    assert mine["approvalId"] in listed
    assert staff["approvalId"] not in listed
    assert admin.ask("POST", f"/api/v1/approvals/{mine['approvalId']}/reject").status == 200
    assert eva.ask("GET", f"{PATH}/dispositions/{mine['dispositionId']}").status == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"reason": ""}, {"reason": "  "}, {"reason": "a\nb"}, {"reason": "x" * 501}, {"x": 1}],
)
def test_nothing_is_given_up_without_a_reason(
    customer: Customer, eva: Somebody, body: dict[str, Any]
) -> None:
    """S64: why stands in the record, so there is one; nothing is changed without it."""
    letter = f"{PATH}/dl_{7:016x}"
    assert _code(eva.ask("POST", f"{letter}/discard", body)) == (422, "REQUEST_INVALID")


def test_given_up(daemon: Process, customer: Customer, eva: Somebody) -> None:
    """S64: a letter that is discarded is gone, by whom and why is told; the log has neither."""
    lost = Lost.buy(customer, eva, 2)
    letter = f"{PATH}/{lost.letters[0]['letterId']}"
    answer = eva.ask("POST", f"{letter}/discard", {"reason": "Zephyrine has settled it"})
    assert answer.status == 202, answer
    customer.quiet()
    assert eva.ask("GET", letter).status == 404
    name = answer.json()["dispositionId"]
    shown = eva.got(f"{PATH}/dispositions/{name}")
    assert (shown["status"], shown["maker"]) == ("done", "eva")
    assert shown["reason"] == "Zephyrine has settled it"
    lost.link()
    assert lost.points(eva) == []
    assert not re.search(r"Zephyrine|\beva\b", daemon.said())


def test_kept_so_long(customer: Customer, eva: Somebody) -> None:
    """X23: `dead_letters.ttl_days` after it died a letter is gone, as it said it would be, and not before."""
    (letter,) = Lost.buy(customer, eva, 1).letters
    path = f"{PATH}/{letter['letterId']}"
    customer.advance(90 * DAY_S - 3600)
    assert eva.got(path)["expiresAt"] == letter["expiresAt"]
    customer.advance(3600)
    assert eva.ask("GET", path).status == 404
    assert eva.ask("POST", f"{path}/replay").status == 404
    expired = customer.metric("comptoir_dead_letters_expired_total", queue=QUEUE)
    assert expired >= 1

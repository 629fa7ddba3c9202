"""The third flow of the source by files: a batch, two people, pain.001, and what the bank says of it.

Source: interface.md 7 (rows b2) and 10; spec.md S46, S50, S56, S64, X25 to X27, E14; docs/payouts.md.
"""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from comptoir.engine.testing import Answered, Process
from tests.contract.paying import BATCHES, House, by_files, spelled
from tests.contract.saving import BARE, DAY_S, PATH, Saver
from tests.contract.test_conventions import is_problem

Start = Callable[..., Process]


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """The bank."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon whose withdrawals are paid by batches."""
    return by_files(comptoir_daemon_shared, sandbox)


@pytest.fixture(scope="module")
def house(daemon: Process, sandbox: Process) -> House:
    """Whoever pays."""
    return House(daemon, sandbox)


@pytest.fixture
def saver(daemon: Process, sandbox: Process) -> Saver:
    """Somebody with 1,000 points."""
    return Saver(daemon, sandbox)


def _saver(house: House) -> Saver:
    return Saver(house.daemon, house.sandbox)


def test_points_become_money_by_a_file(saver: Saver, house: House) -> None:
    """S46, S50, S56, X25, X27, E14: queued after the hold, closed, approved by a second person, taken to the
    bank, booked: paid, and told.
    """
    (name,) = house.queued(saver)
    assert saver.shown(name)["status"] == "pending"
    assert saver.balance() == (50, 950, 0)
    batch = house.open_batch()
    assert (batch["transfers"], batch["sumCents"], batch["currency"]) == (1, 950, "EUR")
    (row,) = house.rows(batch["batchId"])
    reference = saver.shown(name)["reference"]
    assert row == {
        "withdrawalId": name, "reference": reference, "amountCents": 950, "currency": "EUR",
        "ibanMasked": "FR14****2606", "status": "pending",
    }  # fmt: skip
    closed = house.closes()
    assert closed == batch["batchId"]
    assert saver.shown(name)["status"] == "processing"
    is_problem(house.file(closed), 409, "CONFLICT")
    is_problem(house.acts(house.maker, closed, "approve"), 403, "FOUR_EYES")
    approved = house.approves(closed)
    assert (approved["status"], approved["closedBy"], approved["decidedBy"]) == (
        "approved",
        "max",
        "eva",
    )
    answer = house.file(closed)
    assert dict(answer.headers)["content-type"] == "application/xml"
    assert sha256(answer.body).hexdigest() == approved["digest"]
    assert house.file(closed).body == answer.body
    read = house.submits(closed)
    assert (read["faults"], read["sumCents"], read["account"]) == ([], 950, BARE)
    assert read["transfers"] == [
        {
            "reference": reference, "instruction": name.removeprefix("wd_"), "cents": 950, "currency": "EUR",
            "name": "Ada Lovelace", "iban": BARE,
        }
    ]  # fmt: skip
    assert house.batch(closed)["downloads"] == 3
    taken = house.told("status", closed, status="ACCP")
    assert (taken["applied"], taken["unmatched"], taken["leftovers"]) == (1, 0, [])
    assert saver.shown(name)["status"] == "processing"
    house.told("statement", closed)
    shown = saver.shown(name)
    assert [one["status"] for one in shown["history"]] == [
        "pending", "pending", "processing", "processing", "completed",
    ]  # fmt: skip
    assert saver.balance() == (50, 0, 0)
    assert any("950" in one for one in saver.pushes())


def test_a_part_is_rejected_and_the_rest_is_paid(house: House) -> None:
    """X26, X27: of three one is rejected (AC04) and one comes back (AC06): each has what is said of it."""
    savers = [_saver(house) for _ in range(3)]
    names = house.queued(*savers)
    batch = house.pays()
    references = [saver.shown(name)["reference"] for saver, name in zip(savers, names, strict=True)]
    house.told("status", batch, reject={references[0]: "AC04"})
    assert [saver.shown(name)["status"] for saver, name in zip(savers, names, strict=True)] == [
        "failed", "processing", "processing",
    ]  # fmt: skip
    house.told("statement", batch, references=references[1:])
    house.told("statement", batch, returns={references[2]: "AC06"})
    shown = [saver.shown(name) for saver, name in zip(savers, names, strict=True)]
    assert [(one["status"], one["history"][-1]["code"]) for one in shown] == [
        ("failed", "AC04"), ("completed", None), ("returned", "AC06"),
    ]  # fmt: skip
    assert [saver.balance() for saver in savers] == [(1000, 0, 0), (50, 0, 0), (1000, 0, 0)]


@pytest.mark.parametrize("level", ["group", "payment"])
def test_a_file_that_the_bank_rejects_pays_nobody(house: House, level: str) -> None:
    """X26, X27: at the level of the file or of its part, every one of it fails, with the reason."""
    savers = [_saver(house) for _ in range(2)]
    names = house.queued(*savers)
    batch = house.pays()
    house.told("status", batch, level=level, status="RJCT", reason="AM10")
    for saver, name in zip(savers, names, strict=True):
        shown = saver.shown(name)
        assert (shown["status"], shown["history"][-1]["code"]) == ("failed", "AM10")
        assert saver.balance() == (1000, 0, 0)


def test_one_booking_of_a_whole_batch(house: House) -> None:
    """X27: `BtchBookg`: one debit of the sum completes all; one of another sum is for somebody to look at."""
    savers = [_saver(house) for _ in range(2)]
    names = house.queued(*savers)
    batch = house.pays()
    reference = savers[0].shown(names[0])["reference"]
    house.told("statement", batch, booking="batch", amounts={reference: 949})
    assert "BATCH_DIFFERS" in [one["code"] for one in house.letters()]
    assert savers[0].shown(names[0])["status"] == "processing"
    house.told("statement", batch, booking="batch")
    for saver, name in zip(savers, names, strict=True):
        assert saver.shown(name)["status"] == "completed"


def test_a_report_is_taken_once_whatever_it_is_called(saver: Saver, house: House) -> None:
    """X26: the same file twice, later ones before earlier ones; and another of the same id is refused."""
    (name,) = house.queued(saver)
    batch = house.pays()
    booked = house.said("statement", batch)
    first = house.brings(booked).json()
    assert house.brings(booked).json() == first
    house.told("status", batch, status="ACTC")
    assert saver.shown(name)["status"] == "completed"
    other = house.said("status", batch, status="RJCT", id="ONE-ID")
    same = house.said("status", batch, status="ACSP", id="ONE-ID")
    assert house.brings(same).status == 200
    is_problem(house.brings(other), 409, "REPORT_REUSED")
    assert saver.shown(name)["status"] == "completed"
    assert saver.balance() == (50, 0, 0)


def test_what_does_not_fit_is_for_a_person(saver: Saver, house: House) -> None:
    """S64, X26: an unknown reference and another amount are listed and kept; who was paid otherwise is held."""
    (name,) = house.queued(saver)
    batch = house.pays()
    reference = saver.shown(name)["reference"]
    before = len(house.letters())
    document = house.said("statement", batch)
    unknown = document.replace(reference.encode(), b"REWAPP-WD-1999-01-01-001")
    answer = house.brings(unknown.replace(b"BANK-", b"STRANGE-")).json()
    assert answer["unmatched"] == 1
    assert answer["leftovers"] == [
        {"code": "PAYMENT_UNKNOWN", "reference": "REWAPP-WD-1999-01-01-001", "batchId": batch}
    ]
    assert saver.shown(name)["status"] == "processing"
    taken = house.told("statement", batch, amounts={reference: 951})
    assert [one["code"] for one in taken["leftovers"]] == ["PAYMENT_DIFFERS"]
    assert saver.shown(name)["status"] == "held"
    assert saver.balance() == (50, 950, 0)
    codes = [one["code"] for one in house.letters()]
    assert len(codes) == before + 2
    assert {"PAYMENT_UNKNOWN", "PAYMENT_DIFFERS"} <= set(codes)
    assert BARE not in spelled(house.letters())


def test_reports_that_are_refused(saver: Saver, house: House) -> None:
    """X27, invariant 5: of another account, with an entity, of no kind that is known: nothing is changed."""
    (name,) = house.queued(saver)
    batch = house.pays()
    other = house.said("statement", batch, account="DE89370400440532013000")
    is_problem(house.brings(other), 422, "REPORT_ACCOUNT_OTHER")
    other = house.said("status", batch, level="transaction", account="DE89370400440532013000")
    is_problem(house.brings(other), 422, "REPORT_ACCOUNT_OTHER")
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08">&b;</Document>'
    )
    for wrong in (bomb, b"", b"<a/>", b"{}", house.file(batch).body, b"<a>" * 10_000):
        is_problem(house.brings(wrong), 422, "REPORT_MALFORMED")
    headers = {"Authorization": f"Bearer {house.checker.token}", "Content-Type": "application/json"}
    document = house.said("statement", batch)
    answer = house.daemon.request("POST", "/api/v1/payouts/reports", document, headers)
    is_problem(answer, 415, "MEDIA_TYPE_UNSUPPORTED")
    assert saver.shown(name)["status"] == "processing"
    is_problem(house.brings(document, house.admin), 403, "FORBIDDEN")
    is_problem(house.brings(document, house.person("c", "COMPLIANCE")), 403, "FORBIDDEN")


def test_whoever_cancels_leaves_the_batch_until_it_is_closed(house: House) -> None:
    """S50, X26: out of the open batch and of its sum, once; afterwards it cannot be taken back."""
    one, two = _saver(house), _saver(house)
    first, second = house.queued(one, two)
    assert house.open_batch()["transfers"] == 2
    for _ in range(2):
        answer = one.person.ask("POST", f"{PATH}/{first}/cancel")
        assert (answer.status, answer.json()["status"]) == (200, "cancelled")
    house.quiet()
    assert one.balance() == (1000, 0, 0)
    assert (house.open_batch()["transfers"], house.open_batch()["sumCents"]) == (1, 950)
    batch = house.closes()
    is_problem(two.person.ask("POST", f"{PATH}/{second}/cancel"), 409, "CONFLICT")
    house.approves(batch)
    read = house.submits(batch)
    assert read["faults"] == []
    reference = two.shown(second)["reference"]
    assert [one["reference"] for one in read["transfers"]] == [reference]


def test_a_batch_closes_at_its_cut_off(saver: Saver, house: House) -> None:
    """X25, X27: by its time, once; what comes later is in the next one."""
    (first,) = house.queued(saver)
    batch = house.open_batch()
    house.until(batch["cutOffAt"])
    found = house.batch(batch["batchId"])
    assert (found["status"], found["closedBy"], found["releasedBy"]) == (
        "awaiting_approval",
        None,
        None,
    )
    _signed_by_two(house, batch["batchId"])
    other = _saver(house)
    house.queued(other)
    following = house.open_batch()
    assert following["cutOffAt"] > batch["cutOffAt"]
    assert saver.shown(first)["status"] == "processing"
    assert house.acts(house.maker, house.closes(), "reject", {"reason": "a test's"}).status == 200


def _signed_by_two(house: House, name: str) -> None:
    """E14, interface.md 7: where nobody has closed it, the first who approves is its maker, and hears 403 the next
    time; by another it is approved.
    """
    first = house.acts(house.maker, name, "approve").json()
    assert (first["status"], first["releasedBy"]) == ("awaiting_approval", "max")
    assert house.batch(name)["digest"] is None
    is_problem(house.acts(house.maker, name, "approve"), 403, "FOUR_EYES")
    is_problem(house.file(name), 409, "CONFLICT")
    signed = house.approves(name)
    assert (signed["closedBy"], signed["releasedBy"], signed["decidedBy"]) == (None, "max", "eva")
    assert sha256(house.file(name).body).hexdigest() == signed["digest"]


def test_a_rejected_batch_gives_points_back(house: House) -> None:
    """E14, X26: with the reason on record; nobody approves it any more, and nobody has its file."""
    savers = [_saver(house) for _ in range(2)]
    names = house.queued(*savers)
    batch = house.closes()
    for wrong in ({}, {"reason": " "}, {"reason": "a\nb"}, {"reason": "x", "more": 1}):
        is_problem(house.acts(house.checker, batch, "reject", wrong), 422, "REQUEST_INVALID")
    answer = house.acts(house.checker, batch, "reject", {"reason": "two names look alike"})
    assert answer.status == 200, answer
    house.quiet()
    found = house.batch(batch)
    assert (found["status"], found["reason"]) == ("rejected", "two names look alike")
    for saver, name in zip(savers, names, strict=True):
        shown = saver.shown(name)
        assert (shown["status"], shown["history"][-1]["code"]) == ("failed", "BATCH_REJECTED")
        assert saver.balance() == (1000, 0, 0)
    is_problem(house.acts(house.person("zoe"), batch, "approve"), 409, "CONFLICT")
    is_problem(house.file(batch), 409, "CONFLICT")


def test_what_nobody_approves_is_escalated_and_dissolved(saver: Saver, house: House) -> None:
    """E14: an ADMIN may approve once it is escalated; and points never wait for ever."""
    (name,) = house.queued(saver)
    batch = house.closes()
    is_problem(house.acts(house.admin, batch, "approve"), 403, "FORBIDDEN")
    house.later(24 * 3600 + 1)
    assert house.batch(batch)["escalated"]
    metrics = house.daemon.get("/metrics").body.decode()
    assert 'comptoir_payout_batches_total{change="escalated"}' in metrics
    house.later(24 * 3600 + 1)
    assert house.batch(batch)["status"] == "expired"
    shown = saver.shown(name)
    assert (shown["status"], shown["history"][-1]["code"]) == ("failed", "BATCH_EXPIRED")
    assert saver.balance() == (1000, 0, 0)
    house.queued(saver)
    late = house.closes()
    house.later(24 * 3600 + 1)
    assert house.acts(house.admin, late, "approve").status == 200


def test_two_treasurers_in_the_same_moment(saver: Saver, house: House) -> None:
    """E14: of two who approve at once one has; the file is one."""
    house.queued(saver)
    batch = house.closes()
    people = [house.person("eva"), house.person("zoe")]
    both = threading.Barrier(2)

    def signs(place: int) -> Answered:
        both.wait()
        return house.acts(people[place], batch, "approve")

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(signs, range(2)))
    assert sorted(one.status for one in answers) == [200, 409]
    (signed,) = [one.json() for one in answers if one.status == 200]
    assert house.batch(batch)["digest"] == signed["digest"]
    assert sha256(house.file(batch).body).hexdigest() == signed["digest"]


def test_strangers_find_no_batches(saver: Saver, house: House) -> None:
    """S60, invariant 5: what is not there, and who may not see it."""
    house.queued(saver)
    name = house.open_batch()["batchId"]
    absent = "PB-199901011300-001"
    for path in (f"{BATCHES}/{absent}", f"{BATCHES}/{absent}/pain001", f"{BATCHES}/{'x' * 19}"):
        is_problem(house.checker.ask("GET", path), 404, "NOT_FOUND")
    for act in ("close", "approve"):
        is_problem(house.acts(house.checker, absent, act), 404, "NOT_FOUND")
    is_problem(house.acts(house.checker, name, "approve"), 409, "CONFLICT")
    is_problem(saver.person.ask("GET", f"{BATCHES}/{name}"), 403, "FORBIDDEN")
    is_problem(house.admin.ask("GET", f"{BATCHES}/{name}"), 403, "FORBIDDEN")
    is_problem(house.checker.ask("GET", f"{BATCHES}?cursor=x"), 422, "REQUEST_INVALID")
    assert house.acts(house.maker, house.closes(), "reject", {"reason": "a test's"}).status == 200


def test_files_are_carried_by_the_command(saver: Saver, house: House, tmp_path: Path) -> None:
    """X27: `comptoir payouts` looks and carries, and signs nothing."""
    (name,) = house.queued(saver)
    batch = house.closes()
    file = tmp_path / "out.xml"
    refused = house.daemon.ran("payouts", "download", batch, str(file))
    assert (refused.returncode != 0, "CONFLICT" in refused.stderr, file.exists()) == (
        True,
        True,
        False,
    )
    house.approves(batch)
    house.daemon.run("payouts", "download", batch, str(file))
    assert file.read_bytes() == house.file(batch).body
    assert file.stat().st_mode & 0o777 == 0o600
    assert "never overwritten" in house.daemon.ran("payouts", "download", batch, str(file)).stderr
    house.submits(batch)
    report = tmp_path / "camt054.xml"
    report.write_bytes(house.said("statement", batch))
    assert json.loads(house.daemon.run("payouts", "report", str(report)))["applied"] == 1
    house.quiet()
    assert saver.shown(name)["status"] == "completed"
    listed = house.daemon.run("payouts", "list", "--format", "json").splitlines()
    assert batch in [json.loads(line)["batchId"] for line in listed]
    assert json.loads(house.daemon.run("payouts", "show", batch))["batch"]["status"] == "approved"


def test_what_a_bank_has_booked_is_compared(house: House) -> None:
    """S46, X27: where files pay, the statements that were read say what was paid: what is booked agrees, what
    nobody has booked yet is no difference, since we do not think that it was paid, and another amount is one.
    """
    savers = [_saver(house) for _ in range(2)]
    names = house.queued(*savers)
    batch = house.pays()
    booked, late = (
        saver.shown(name)["reference"] for saver, name in zip(savers, names, strict=True)
    )
    day = house.now().date().isoformat()
    house.told("statement", batch, references=[booked])

    def differing() -> dict[str, str]:
        """The rows about these two, after another night."""
        house.later(DAY_S)
        (found,) = house.checker.got(f"/api/v1/payouts/reconciliations?day={day}")["items"]
        assert (found["source"], found["code"]) == ("statement", None)
        assert found["theirs"][0]["payments"] >= 1
        rows = ((one["reference"], one["kind"]) for one in found["rows"])
        return {reference: kind for reference, kind in rows if reference in (booked, late)}

    assert differing() == {}
    house.told("statement", batch, references=[late], amounts={late: 949})
    assert differing() == {late: "amount"}

"""Section 8, files and documents: begun, announced, uploaded to either store, proven; and what they cost.

Rule: daemon, sandbox and S3 are processes of their own; what a document is, its own bytes say.
Source: interface.md 8 (rows c1) and 9; spec.md S1, S8, S9, S12 to S14, S20, S62, X6, X30; issue 5.
"""

import json
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pikepdf
import pytest

from comptoir.engine.asking_testing import ANSWER_SECONDS_MAX
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import Customer, eventually
from tests.actors.inspection.hostile import pdf_with
from tests.actors.inspection.specimens import (
    Bill,
    Wear,
    as_pdf,
    identity,
    residence,
    tax_notice,
    worn,
)
from tests.actors.inspection.zones import Bearer
from tests.contract.documents import INITIATION, Applicant, Paper, folder_of, mails_late, to_people
from tests.contract.test_conventions import is_problem
from tests.storage.objects.seaweed import BUCKET

Start = Callable[..., Process]
ELSEWHERE = {"DUPLICATE_DOCUMENT", "LOOKS_ALIKE"}
"""What is told of papers that several files of this module have."""
TYPES = ("IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION")


SCRIPT = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
MARIE = Bearer("TREMBLAY", "MARIE ANNE", birth="800515", nationality="CAN", issuer="CAN")


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Paper]:
    """Marie's documents, as a scanner sends them: a passport, a bill of this week, a notice of tax."""
    folder = tmp_path_factory.mktemp("papers")
    bill = Bill(date=time.strftime("%d/%m/%Y", time.gmtime(time.time() - 7 * 86_400)))
    made = {
        "IDENTITY": identity(MARIE, "TD3"),
        "PROOF_OF_RESIDENCE": residence(bill),
        "TAX_DECLARATION": tax_notice(bill),
    }
    for name, picture in made.items():
        (folder / f"{name}.pdf").write_bytes(as_pdf(picture))
    return {name: Paper(folder / f"{name}.pdf") for name in made}


@pytest.fixture(scope="module")
def paper(papers: dict[str, Paper]) -> Paper:
    """The passport."""
    return papers["IDENTITY"]


def test_a_file_begins_as_the_source_writes_it(with_folder: Process, carrier: Process) -> None:
    """S8, S9: exactly these keys; the link is good seven days, and the client has it by mail; numbers rise."""
    first, second = Applicant(with_folder), Applicant(with_folder, clientType="TRUST")
    begun = first.begun
    assert begun.keys() == {
        "onboardingId", "status", "nextStep", "clientPortalUrl", "expiresAt", "createdAt",
    }  # fmt: skip
    assert re.fullmatch(r"ONB-\d{4}-\d{5}", begun["onboardingId"])
    assert (begun["status"], begun["nextStep"]) == ("INITIATED", "DOCUMENTS_UPLOAD")
    assert int(second.begun["onboardingId"][-5:]) == int(begun["onboardingId"][-5:]) + 1
    created, expires = (
        time.strptime(begun[x][:19], "%Y-%m-%dT%H:%M:%S") for x in ("createdAt", "expiresAt")
    )
    assert time.mktime(expires) - time.mktime(created) == 7 * 86_400
    path = "/control/inbox?channel=mail&to=marie.tremblay@example.com"
    eventually(lambda: begun["clientPortalUrl"] in carrier.get(path).body.decode())
    eventually(lambda: first.shown()["status"] == "DOCUMENTS_PENDING")
    assert second.shown()["missing"] == ["TRUST_DEED", "BENEFICIAL_OWNERS", "IDENTITY"]


def test_the_same_request_begins_no_second_file(with_folder: Process) -> None:
    """Interface.md 1: under one Idempotency-Key there is one file, one link and one number."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "a-file-of-its-own"}
    body = json.dumps(INITIATION).encode()
    answers = [
        with_folder.request("POST", "/api/v1/onboarding/initiate", body, headers) for _ in range(2)
    ]
    assert answers[0].status == 201
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_documents_are_uploaded_proven_inspected_and_accepted(
    with_folder: Process, papers: dict[str, Paper]
) -> None:
    """S4, S12, S13, S19, S27, interface.md 8: announced, sent straight to its store, proven by it, looked at and read; with
    the last type that is needed the file goes on. What was read is shown to whoever may see the file.
    """
    file = Applicant(with_folder, clientInfo={**INITIATION["clientInfo"], "taxResidence": "FR"})
    whole = file.shown()
    read: dict[str, dict[str, str]] = {}
    for number, doc_type in enumerate(TYPES, 1):
        shown = file.sends(papers[doc_type], doc_type)
        assert (shown["status"], shown["reasons"]) == ("accepted", []), shown
        assert (shown["sha256"], shown["sizeBytes"]) == (
            papers[doc_type].sha256, papers[doc_type].size,
        )  # fmt: skip
        assert shown["filename"] == "passeport de Marie.pdf"
        read[doc_type] = shown["fields"]
        whole = file.shown()
        assert len(whole["documents"]) == number
        assert whole["missing"] == list(TYPES[number:])
    passport = read["IDENTITY"]
    assert (passport["surname"], passport["birthDate"]) == ("TREMBLAY", "1980-05-15")
    assert (passport["documentNumber"], passport["nameMatch"]) == ("L898902C3", "given_names")
    bill = read["PROOF_OF_RESIDENCE"]
    assert (bill["holder"], bill["address"]) == ("Marie Tremblay", "12 rue des Lilas, 75011 Paris")
    assert read["TAX_DECLARATION"]["referenceIncome"] == "45678"
    # Nobody knows anything about people here, so a person looks (S27).
    eventually(lambda: file.shown()["status"] == "COMPLIANCE_HOLD")
    moves = with_folder.get(f"{file.path}/history").json()["items"]
    assert [one["to"] for one in moves] == [
        "COMPLIANCE_HOLD", "KYC_PENDING", "DOCUMENTS_UPLOADED", "DOCUMENTS_PENDING", "INITIATED",
    ]  # fmt: skip


def test_only_what_is_not_taken_is_asked_for_again(
    with_folder: Process, papers: dict[str, Paper], tmp_path: Path
) -> None:
    """S19, S20, interface.md 8: a script is refused, and known when it comes again; a bill of last year is to be redone; a
    passport of somebody else that has expired is taken, and it is told; what was accepted stays so, all the while.
    """
    file = Applicant(with_folder)
    notice = file.sends(papers["TAX_DECLARATION"], "TAX_DECLARATION")
    assert notice["status"] == "accepted"
    codes = {x["code"] for x in notice["reasons"]} - ELSEWHERE
    assert codes == {"TAX_RESIDENCE_DIFFERS"}, "of CA, a notice of FR"

    def sent(name: str, data: bytes, doc_type: str) -> tuple[str, list[str]]:
        (tmp_path / name).write_bytes(data)
        shown = file.sends(Paper(tmp_path / name), doc_type)
        assert all(reason["text"] for reason in shown["reasons"])
        return shown["status"], [reason["code"] for reason in shown["reasons"]]

    script = pdf_with(lambda pdf: setattr(pdf.Root, "OpenAction", SCRIPT))
    found = sent("script.pdf", script, "IDENTITY")
    assert found == ("refused", ["PDF_JAVASCRIPT", "PDF_AUTOMATIC_ACTION"])
    assert sent("again.pdf", script, "IDENTITY") == ("refused", ["KNOWN_REFUSED"])
    old = as_pdf(residence(Bill(date="02/01/2024")))
    assert sent("old.pdf", old, "PROOF_OF_RESIDENCE") == ("redo", ["PROOF_TOO_OLD"])
    assert file.shown()["missing"] == ["IDENTITY", "PROOF_OF_RESIDENCE"]
    stranger = Bearer("ERIKSSON", "ANNA", birth="740812", expiry="120415")
    found = sent("other.pdf", as_pdf(identity(stranger, "TD3")), "IDENTITY")
    assert found == ("accepted", ["DOCUMENT_EXPIRED", "DATA_INCONSISTENT"])
    whole = file.shown()
    assert (whole["status"], whole["missing"]) == ("DOCUMENTS_PENDING", ["PROOF_OF_RESIDENCE"])
    assert whole["documents"][0]["status"] == "accepted"
    assert len(list((folder_of(with_folder) / "objects").rglob("*/*"))) >= 2


def test_what_was_declared_is_held_against_what_is_shown(
    with_folder: Process, papers: dict[str, Paper]
) -> None:
    """S4, S20: a bill of another address than was declared is taken, and it is told in which parts; put right in whichever
    spelling, it is told no more, and nothing is looked at again.
    """
    file = Applicant(with_folder)
    profile = f"{file.path}/profile"

    def declares(street: str) -> None:
        version = with_folder.get(profile)
        answer = with_folder.request(
            "PATCH", profile, json.dumps({"address": {"street": street, "city": "PARIS"}}).encode(),
            {"Content-Type": "application/merge-patch+json", "If-Match": version.headers["etag"]},
        )  # fmt: skip
        assert answer.status == 200, answer

    declares("21 avenue des Lilas")
    bill = file.sends(papers["PROOF_OF_RESIDENCE"], "PROOF_OF_RESIDENCE")
    codes = {x["code"] for x in bill["reasons"]} - ELSEWHERE
    assert (bill["status"], codes) == ("accepted", {"ADDRESS_DIFFERS"})
    assert bill["fields"]["addressDiffers"] == "number, street"
    declares("12, r. des lilas")
    (again,) = file.shown()["documents"]
    assert {x["code"] for x in again["reasons"]} <= ELSEWHERE
    assert again["fields"]["addressMatch"] == "abbreviations"
    assert "addressDiffers" not in again["fields"]


def test_what_is_in_another_file_is_told(
    comptoir_daemon: Start, carrier: Process, tmp_path: Path
) -> None:
    """S19, S20, X13: the same passport in two files is taken in both, and told of the second one; the same bytes in
    another place of one's own file are nothing; a script that comes again without it is known by its look. After the
    first file is over and forgotten, nothing of it is known.
    """
    process = comptoir_daemon(**to_people(carrier))

    def sent(file: Applicant, name: str, data: bytes, doc_type: str) -> tuple[str, list[str]]:
        (tmp_path / name).write_bytes(data)
        shown = file.sends(Paper(tmp_path / name), doc_type)
        assert shown.get("elsewhere", []) == (told if shown["reasons"] else []), shown
        return shown["status"], [reason["code"] for reason in shown["reasons"]]

    told: list[str] = []
    other = {**INITIATION["clientInfo"], "firstName": "Marie Anne"}
    first, second = Applicant(process), Applicant(process, clientInfo=other)
    passport = as_pdf(identity(MARIE, "TD3"))
    assert sent(first, "p.pdf", passport, "IDENTITY") == ("accepted", [])
    assert sent(first, "p.pdf", passport, "CONTRACT") == ("accepted", [])
    told = [first.begun["onboardingId"]]
    photographed = as_pdf(worn(identity(MARIE, "TD3"), Wear(blur=0.5)))
    found = sent(second, "q.pdf", photographed, "IDENTITY")
    assert found == ("accepted", ["DUPLICATE_IDENTITY"])
    told = []
    script = pdf_with(lambda pdf: setattr(pdf.Root, "OpenAction", SCRIPT))
    refused = first.announce(Paper(_written(tmp_path / "s.pdf", script)), "CONTRACT").json()
    first.upload(refused, Paper(tmp_path / "s.pdf"))
    first.complete(refused)
    assert first.settled(refused)["status"] == "refused"
    told = [first.begun["onboardingId"]]
    assert sent(second, "plain.pdf", pdf_with(), "CONTRACT") == ("accepted", ["LOOKS_REFUSED"])
    Customer(process).advance(7 * 86_400 + 60)
    eventually(lambda: first.shown()["status"] == "INCOMPLETE")
    Customer(process).advance(90 * 86_400 + 60)  # until nobody can resume it any more
    third = Applicant(process)
    told = []
    assert sent(third, "plain.pdf", pdf_with(), "CONTRACT") == ("accepted", [])


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_an_address_says_what_where_and_until_when(keeper: Process, paper: Paper) -> None:
    """S12: PUT, an hour, the bucket and `{onboardingId}/{docType}/{filename}`; the client's own name for the
    document is in no address.
    """
    file = Applicant(keeper)
    address = file.announce(paper).json()
    assert address.keys() == {"documentId", "uploadUrl", "method", "headers", "expiresAt"}
    assert address["method"] == "PUT"
    assert address["headers"]["Content-Type"] == "application/pdf"
    key = f"/{BUCKET}/{file.begun['onboardingId']}/IDENTITY/{address['documentId']}.pdf?"
    assert key in address["uploadUrl"]
    assert "Marie" not in address["uploadUrl"]
    again = file.announce(paper).json()
    assert again["uploadUrl"] != address["uploadUrl"], "each document has its own"


def test_what_was_not_sent_is_not_there(keeper: Process, paper: Paper) -> None:
    """S16: completed before it was sent, a document is to be sent; then it is taken all the same."""
    file = Applicant(keeper)
    address = file.announce(paper, "CONTRACT").json()
    assert file.complete(address).status == 202
    shown = file.settled(address)
    assert (shown["status"], shown["reasons"][0]["code"]) == ("redo", "UPLOAD_MISSING")
    assert file.upload(address, paper).status_code == 200
    file.complete(address)
    assert file.settled(address)["status"] == "accepted"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"contentType": "image/png"}, 409, "DOCUMENT_FORMAT_REFUSED"),
        ({"sizeBytes": 104_857_601}, 413, "DOCUMENT_TOO_LARGE"),
        ({"sizeBytes": 0}, 422, "REQUEST_INVALID"),
        ({"docType": "SELFIE"}, 422, "REQUEST_INVALID"),
        ({"filename": "../etc/passwd"}, 422, "REQUEST_INVALID"),
        ({"sha256": "ab"}, 422, "REQUEST_INVALID"),
    ],
)
def test_what_is_not_taken_gets_no_address(
    with_folder: Process, paper: Paper, changes: Any, status: int, code: str
) -> None:
    """S19: type, size and form are judged before anything is sent."""
    is_problem(Applicant(with_folder).announce(paper, **changes), status, code)


def test_neither_store_takes_anything_else(keeper: Process, paper: Paper, tmp_path: Path) -> None:
    """S12: other bytes, and a second use, are refused by either store, and leave nothing, or what was there."""
    file = Applicant(keeper)
    address = file.announce(paper, "CONTRACT").json()
    other = tmp_path / "other.pdf"
    other.write_bytes(paper.path.read_bytes()[:-6] + b"%%FOE\n")
    assert file.upload(address, Paper(other)).status_code in (400, 422)
    assert file.upload(address, paper).status_code == 200
    assert file.upload(address, paper).status_code in (409, 412)
    file.complete(address)
    assert file.settled(address)["sha256"] == paper.sha256


def test_a_file_that_waited_too_long_keeps_what_was_accepted_for_a_while(
    comptoir_daemon: Start, carrier: Process, paper: Paper
) -> None:
    """S14, S18, X6: after its seven days a file is INCOMPLETE, and nothing more is taken; what was accepted stays for
    onboarding.incomplete_kept_days, so that it can be resumed, and is deleted then.
    """
    process = comptoir_daemon(**to_people(carrier))
    file = Applicant(process)
    shown = file.sends(paper, "CONTRACT")
    objects = folder_of(process) / "objects"
    assert len(list(objects.rglob("*/*"))) == 1
    Customer(process).advance(7 * 86_400 + 60)
    eventually(lambda: file.shown()["status"] == "INCOMPLETE")
    assert len(list(objects.rglob("*/*"))) == 1
    assert file.shown()["nextStep"] is None
    is_problem(file.announce(paper), 409, "ONBOARDING_OVER")
    is_problem(file.complete(shown), 409, "ONBOARDING_OVER")
    Customer(process).advance(90 * 86_400 + 60)
    eventually(lambda: not list(objects.rglob("*/*")))
    is_problem(process.post(f"{file.path}/resume", {}), 409, "ONBOARDING_OVER")


def test_an_address_ends_after_its_hour(with_folder: Process, paper: Paper) -> None:
    """S12: 3,600 s, and not a second more."""
    file = Applicant(with_folder)
    address = file.announce(paper).json()
    Customer(with_folder).advance(3_601)
    answer = file.upload(address, paper)
    assert (answer.status_code, answer.json()["code"]) == (410, "UPLOAD_EXPIRED")


def test_documents_are_deaf_to_whoever_may_not_know_of_them(
    comptoir_daemon: Start, carrier: Process, paper: Paper
) -> None:
    """S34: with accounts: an advisor sees the files that they began, another advisor none of them (404), and no
    advisor sends a client's documents; COMPLIANCE reads, and nobody without a token hears anything.
    """
    process = comptoir_daemon(**to_people(carrier), COMPTOIR_AUTH__MODE="on")
    process.bearer = process.token("c.martin", "CONSEILLER")
    file = Applicant(process)
    assert file.shown()["kyc"] is None
    is_problem(file.announce(paper), 403, "FORBIDDEN")
    for who, status in (("d.petit", 404), ("c.martin", 200)):
        process.bearer = process.token(who, "CONSEILLER")
        assert process.get(file.path).status == status
        assert process.get(f"{file.path}/history").status == status
    process.bearer = process.token("compliance", "COMPLIANCE")
    assert process.get(file.path).status == 200
    process.bearer = process.token("somebody", "CLIENT")
    is_problem(process.get(file.path), 404, "NOT_FOUND")
    is_problem(file.announce(paper), 404, "NOT_FOUND")
    process.bearer = ""
    is_problem(process.get(file.path), 401, "UNAUTHENTICATED")


def test_a_client_gets_in_by_the_link_and_sends_its_own_documents(
    comptoir_daemon: Start, carrier: Process, paper: Paper
) -> None:
    """S4, X8, interface.md 8: by the link of its file and the code on its telephone, a client sees its own file,
    without what is not for it, and sends its documents; of another file it hears 404.
    """
    process = comptoir_daemon(**to_people(carrier), COMPTOIR_AUTH__MODE="on")
    process.bearer = process.token("c.martin", "CONSEILLER")
    phone = f"+3361{secrets.randbelow(10**7):07d}"
    mails_late(carrier, 2, 2000)  # hers is taken when she is in
    mine = Applicant(process, clientInfo={**INITIATION["clientInfo"], "phone": phone})
    other = Applicant(process)
    number, token = mine.begun["onboardingId"], mine.begun["clientPortalUrl"].partition("token=")[2]
    inbox = f"/control/inbox?channel=sms&to={phone.replace('+', '%2B')}"
    url = process.url
    with httpx.Client(
        base_url=url, headers={"Origin": url}, verify=trust_of(url), timeout=ANSWER_SECONDS_MAX
    ) as browser:
        began = browser.post("/portal/session", json={"onboardingId": number, "token": token})
        assert began.status_code == 204, began.text
        eventually(lambda: bool(carrier.get(inbox).json()["items"]))
        code = re.findall(r"\b\d{6}\b", carrier.get(inbox).json()["items"][0]["body"])[0]
        typed = browser.post("/portal/session/code", json={"onboardingId": number, "code": code})
        assert typed.status_code == 204, typed.text
        # The mail moves it, and her code came by another way.
        eventually(lambda: browser.get(mine.path).json()["status"] == "DOCUMENTS_PENDING")
        file = browser.get(mine.path).json()
        assert file["onboardingId"] == number
        assert "kyc" not in file
        body = {
            "docType": "CONTRACT", "filename": "moi.pdf", "contentType": "application/pdf",
            "sizeBytes": paper.size,
        }  # fmt: skip
        address = browser.post(f"{mine.path}/documents", json=body).json()
        assert mine.upload(address, paper).status_code == 200
        document = f"{mine.path}/documents/{address['documentId']}"
        assert browser.post(f"{document}/complete", json={}).status_code == 202
        eventually(lambda: browser.get(document).json()["status"] == "accepted", 90.0)
        assert browser.get(document).json()["sha256"] == paper.sha256
        for path in (other.path, f"{other.path}/history"):
            assert browser.get(path).status_code == 404
        assert browser.post(f"{other.path}/documents", json=body).status_code == 404
    assert [one["status"] for one in mine.shown()["documents"]] == ["accepted"], "its advisor sees"

"""Section 8, files and documents: begun, announced, uploaded to either store, proven; and what they cost.

Rule: daemon, sandbox and S3 are processes of their own; what a document is, its own bytes say.
Source: interface.md 8 (rows c1) and 9; spec.md S1, S8, S9, S12 to S14, S20, S62, X6, X30; issue 5.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, eventually, purchase
from tests.contract.documents import INITIATION, Applicant, Paper, make_pdf
from tests.contract.test_conventions import is_problem
from tests.storage.objects.seaweed import BUCKET, REGION, Seaweed, seaweed

Start = Callable[..., Process]
KIB_GROWN_MAX = 24 * 1024
"""Of the daemon's memory, under an upload of 60 MB: a chunk, hypercorn's queue, and what webhooks take."""
TYPES = ("IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION")


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """It plays SendGrid and Twilio."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """An S3 server."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


def to_people(sandbox: Process) -> dict[str, str]:
    """Settings of a daemon that reaches its clients."""
    return {
        "COMPTOIR_PROVIDERS__SENDGRID__BASE_URL": sandbox.url,
        "COMPTOIR_PROVIDERS__TWILIO__BASE_URL": sandbox.url,
    }


def in_s3(server: Seaweed) -> dict[str, str]:
    """Settings of a daemon that keeps documents there."""
    return {
        "COMPTOIR_DOCUMENTS__STORE": "s3",
        "COMPTOIR_DOCUMENTS__BUCKET": BUCKET,
        "COMPTOIR_DOCUMENTS__S3__REGION": REGION,
        "COMPTOIR_DOCUMENTS__S3__ENDPOINT_URL": server.url,
        "COMPTOIR_DOCUMENTS__S3__ACCESS_KEY_ID": server.access_key,
        "COMPTOIR_DOCUMENTS__S3__SECRET_ACCESS_KEY": server.secret_key,
    }


@pytest.fixture(scope="module")
def with_folder(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that keeps documents in its folder."""
    return comptoir_daemon_shared(**to_people(sandbox))


@pytest.fixture(params=["folder", "s3"])
def daemon(
    request: pytest.FixtureRequest, comptoir_daemon: Start, with_folder: Process, sandbox: Process
) -> Process:
    """A daemon, with either store."""
    if request.param == "folder":
        return with_folder
    server: Seaweed = request.getfixturevalue("s3")
    return comptoir_daemon(**to_people(sandbox), **in_s3(server))


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    """A small PDF."""
    return make_pdf(tmp_path_factory.mktemp("papers") / "small.pdf", 0.5)


def folder_of(process: Process) -> Path:
    """Where a daemon keeps documents."""
    return Path(process.env["COMPTOIR_STORAGE__DATA_DIR"]) / "documents"


def drafts(process: Process) -> list[Path]:
    """Uploads that it is writing."""
    return list((folder_of(process) / "drafts").iterdir())


def test_a_file_begins_as_the_source_writes_it(with_folder: Process, sandbox: Process) -> None:
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
    eventually(lambda: begun["clientPortalUrl"] in sandbox.get(path).body.decode())
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


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"clientType": "PERSON"}, "/clientType"),
        ({"conseillerEmail": "nobody"}, "/conseillerEmail"),
        ({"clientInfo": {**INITIATION["clientInfo"], "dateOfBirth": "1980-02-30"}},
         "/clientInfo/dateOfBirth"),
        ({"clientInfo": {**INITIATION["clientInfo"], "phone": "+0-1"}}, "/clientInfo/phone"),
        ({"status": "COMPLETED"}, ""),
    ],
)  # fmt: skip
def test_a_wrong_request_says_where(with_folder: Process, changes: Any, pointer: str) -> None:
    """Interface.md 1: 422 with the place, and nothing is begun."""
    answer = with_folder.post("/api/v1/onboarding/initiate", {**INITIATION, **changes})
    body = is_problem(answer, 422, "REQUEST_INVALID")
    assert body["errors"][0]["pointer"] == pointer


def test_documents_are_uploaded_proven_and_wait_for_inspection(
    daemon: Process, paper: Paper
) -> None:
    """S12, S13, interface.md 8: announced, sent straight to its store, proven by it; with the last type that
    is needed the file goes on. What they show nobody has looked at yet, and it says so.
    """
    file = Applicant(daemon)
    whole = file.shown()
    for number, doc_type in enumerate(TYPES, 1):
        shown = file.sends(paper, doc_type)
        assert (shown["status"], shown["reasons"], shown["fields"]) == ("inspecting", [], None)
        assert (shown["sha256"], shown["sizeBytes"]) == (paper.sha256, paper.size)
        assert shown["filename"] == "passeport de Marie.pdf"
        whole = file.shown()
        assert len(whole["documents"]) == number
        assert whole["missing"] == list(TYPES[number:])
    assert (whole["status"], whole["summaryStatus"]) == ("DOCUMENTS_UPLOADED", "DOCS_PENDING")
    assert (whole["nextStep"], whole["waitingFor"]) == ("DOCUMENTS_INSPECTION", None)
    moves = daemon.get(f"{file.path}/history").json()["items"]
    assert [one["to"] for one in moves] == ["DOCUMENTS_UPLOADED", "DOCUMENTS_PENDING", "INITIATED"]


def test_an_address_says_what_where_and_until_when(daemon: Process, paper: Paper) -> None:
    """S12: PUT, an hour, the bucket and `{onboardingId}/{docType}/{filename}`; the client's own name for the
    document is in no address.
    """
    file = Applicant(daemon)
    address = file.announce(paper).json()
    assert address.keys() == {"documentId", "uploadUrl", "method", "headers", "expiresAt"}
    assert address["method"] == "PUT"
    assert address["headers"]["Content-Type"] == "application/pdf"
    key = f"/{BUCKET}/{file.begun['onboardingId']}/IDENTITY/{address['documentId']}.pdf?"
    assert key in address["uploadUrl"]
    assert "Marie" not in address["uploadUrl"]
    again = file.announce(paper).json()
    assert again["uploadUrl"] != address["uploadUrl"], "each document has its own"


def test_what_was_not_sent_is_not_there(daemon: Process, paper: Paper) -> None:
    """S16: completed before it was sent, a document is to be sent; then it is taken all the same."""
    file = Applicant(daemon)
    address = file.announce(paper).json()
    assert file.complete(address).status == 202
    shown = file.settled(address)
    assert (shown["status"], shown["reasons"][0]["code"]) == ("redo", "UPLOAD_MISSING")
    assert file.upload(address, paper).status_code == 200
    file.complete(address)
    assert file.settled(address)["status"] == "inspecting"


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


def test_neither_store_takes_anything_else(daemon: Process, paper: Paper, tmp_path: Path) -> None:
    """S12: other bytes, and a second use, are refused by either store, and leave nothing, or what was there."""
    file = Applicant(daemon)
    address = file.announce(paper).json()
    other = tmp_path / "other.pdf"
    other.write_bytes(paper.path.read_bytes()[:-6] + b"%%FOE\n")
    assert file.upload(address, Paper(other)).status_code in (400, 422)
    assert file.upload(address, paper).status_code == 200
    assert file.upload(address, paper).status_code in (409, 412)
    file.complete(address)
    assert file.settled(address)["sha256"] == paper.sha256


def test_a_file_that_waited_too_long_keeps_no_documents(
    comptoir_daemon: Start, sandbox: Process, paper: Paper
) -> None:
    """S14, X6: after its seven days a file is INCOMPLETE; what was sent is deleted, nothing more is taken."""
    process = comptoir_daemon(**to_people(sandbox))
    file = Applicant(process)
    shown = file.sends(paper)
    objects = folder_of(process) / "objects"
    assert len(list(objects.rglob("*/*"))) == 1
    Customer(process).advance(7 * 86_400 + 60)
    eventually(lambda: file.shown()["status"] == "INCOMPLETE")
    eventually(lambda: not list(objects.rglob("*/*")))
    assert file.shown()["nextStep"] is None
    is_problem(file.announce(paper), 409, "ONBOARDING_OVER")
    is_problem(file.complete(shown), 409, "ONBOARDING_OVER")


def test_an_address_ends_after_its_hour(with_folder: Process, paper: Paper) -> None:
    """S12: 3,600 s, and not a second more."""
    file = Applicant(with_folder)
    address = file.announce(paper).json()
    Customer(with_folder).advance(3_601)
    answer = file.upload(address, paper)
    assert (answer.status_code, answer.json()["code"]) == (410, "UPLOAD_EXPIRED")


@contextmanager
def webhooks_flowing(process: Process) -> Generator[list[tuple[int, float]]]:
    """Webhooks of a card, one after the other, as long as this lasts: (status, seconds) of each."""
    customer, over = Customer(process), threading.Event()
    answers: list[tuple[int, float]] = []
    card = customer.card()

    def flow() -> None:
        while not over.is_set():
            began = time.monotonic()
            merchant = {"name": card.label}
            body = purchase(customer.name("tx"), card.connection_id, merchant=merchant)
            answer = customer.send(body)
            answers.append((answer.status, time.monotonic() - began))

    thread = threading.Thread(target=flow)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


@contextmanager
def memory_watched(process: Process) -> Generator[list[int]]:
    """What the daemon's memory grew by, in KiB, seen again and again."""
    grown, over = [0], threading.Event()

    def kib() -> int:
        text = Path(f"/proc/{process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", text)[0])

    before = kib()

    def watch() -> None:
        while not over.wait(0.01):
            grown.append(kib() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield grown
    finally:
        over.set()
        thread.join()


def test_sixty_megabytes_pass_in_constant_memory_while_webhooks_flow(
    daemon: Process, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """S12, issue 5: a PDF of 60 MB to either store; the daemon's memory does not grow with it, and webhooks are
    answered all the while.
    """
    large = make_pdf(tmp_path / "large.pdf", 60)
    assert large.size > 60_000_000
    file = Applicant(daemon)
    file.sends(make_pdf(tmp_path / "warm.pdf", 1))  # what is loaded at a first upload is no growth
    with webhooks_flowing(daemon) as answers:
        eventually(lambda: len(answers) > 20)
        with memory_watched(daemon) as grown:
            before, began = len(answers), time.monotonic()
            shown = file.sends(large)
            took = time.monotonic() - began
        during = answers[before:]
    assert (shown["status"], shown["sha256"]) == ("inspecting", large.sha256)
    assert during, "some came while it went"
    assert {status for status, _ in answers} == {202}
    assert max(grown) < KIB_GROWN_MAX, f"{max(grown)} KiB"
    slowest = max(seconds for _, seconds in during)
    with capsys.disabled():
        sys.stdout.write(
            f"\n60 MB in {took:.1f} s; memory +{max(grown) / 1024:.1f} MiB; {len(during)} webhooks "
            f"meanwhile, slowest {slowest * 1000:.0f} ms\n"
        )


def test_good_uploads_are_outside_the_anonymous_limit_and_forged_ones_are_not(
    comptoir_daemon: Start, sandbox: Process, paper: Paper
) -> None:
    """S62, issue 5: what is left of the minute is the same after uploads, and one less for each address that we
    did not sign; both are counted by result, and by nothing of what they were.
    """
    process = comptoir_daemon(**to_people(sandbox), COMPTOIR_HTTP__RATE_LIMITS="on")
    file = Applicant(process)
    addresses = [file.announce(paper).json() for _ in range(3)]

    def left() -> int:
        told = process.get("/api/v1/openapi.json").headers["ratelimit"]
        return int(re.findall(r"r=(\d+)", told)[0])

    before = left()
    assert [file.upload(one, paper).status_code for one in addresses] == [200] * 3
    assert left() == before - 1, "one for the question itself"
    for one in addresses:
        forged = {**one, "uploadUrl": one["uploadUrl"][:-1] + "x"}
        answer = file.upload(forged, paper)
        assert (answer.status_code, answer.json()["code"]) == (401, "UPLOAD_SIGNATURE_INVALID")
    assert left() == before - 2 - len(addresses)
    metrics = process.get("/metrics").body.decode()
    assert 'comptoir_uploads_total{code="",result="taken"} 3.0' in metrics
    assert 'comptoir_uploads_total{code="UPLOAD_SIGNATURE_INVALID",result="refused"} 3.0' in metrics
    said = metrics + process.log.read_text(errors="replace")
    for secret in ("signature=", "passeport", "Marie", addresses[0]["documentId"]):
        assert secret not in said


def test_a_kill_in_the_middle_of_an_upload_leaves_nothing_half_stored(
    comptoir_daemon: Start, sandbox: Process, tmp_path: Path
) -> None:
    """S12, S16: SIGKILL with half a document taken: the next daemon has neither it nor a draft of it, and takes
    the whole one by the same address; what had arrived before is there, and is proven after another kill.
    """
    process = comptoir_daemon(**to_people(sandbox))
    file, paper = Applicant(process), make_pdf(tmp_path / "p.pdf", 4)
    address = file.announce(paper).json()

    def half() -> Iterator[bytes]:
        parts = paper.parts()
        for _ in range(32):
            yield next(parts)
        eventually(lambda: bool(drafts(process)) and drafts(process)[0].stat().st_size > 1_000_000)
        process.kill()
        yield from parts

    with pytest.raises(httpx.HTTPError):
        httpx.put(address["uploadUrl"], content=half(), headers=address["headers"], timeout=20.0)
    assert len(drafts(process)) == 1, "it was writing"
    restart(process)
    assert drafts(process) == []
    assert not list((folder_of(process) / "objects").rglob("*/*"))
    moved = {
        **address,
        "uploadUrl": process.url + address["uploadUrl"][address["uploadUrl"].index("/uploads/") :],
    }
    assert file.upload(moved, paper).status_code == 200
    process.kill()
    restart(process)
    file.complete(address)
    shown = file.settled(address)
    assert (shown["status"], shown["sha256"]) == ("inspecting", paper.sha256)


def restart(process: Process) -> None:
    """Another daemon on the same data; its first log is kept."""
    process.start()


def test_documents_are_deaf_to_whoever_may_not_know_of_them(
    comptoir_daemon: Start, sandbox: Process, paper: Paper
) -> None:
    """S34: with accounts: an advisor sees the files that they began, another advisor none of them (404), and no
    advisor sends a client's documents; COMPLIANCE reads, and nobody without a token hears anything.
    """
    process = comptoir_daemon(**to_people(sandbox), COMPTOIR_AUTH__MODE="on")
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

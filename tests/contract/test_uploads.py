"""Section 8 and 9, uploads: what they cost, what bounds them, and what a kill or a stop leaves of them.

Source: interface.md 2, 8 and 9; spec.md S12, S16, S62; issue 5.
"""

import re
import statistics
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import Customer, eventually, purchase
from tests.contract.documents import Applicant, drafts, folder_of, make_pdf, to_people

Start = Callable[..., Process]
BEFORE = 40
"""Webhooks before the upload, with which those beside it are compared."""
KIB_GROWN_MAX = 24 * 1024
"""Of the daemon's memory, under an upload of 60 MB: a chunk, hypercorn's queue, and what webhooks take."""


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
    keeper: Process, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """S12, issues 5 and 8: a PDF of 60 MB to either store; the daemon's memory does not grow with it, and webhooks are
    answered all the while: each is acknowledged, none turned away, and their latency before and during is told (the bench
    measures it on a machine with nothing beside it).
    """
    large = make_pdf(tmp_path / "large.pdf", 60)
    assert large.size > 60_000_000
    file = Applicant(keeper)
    file.sends(
        make_pdf(tmp_path / "warm.pdf", 1), "CONTRACT"
    )  # what is loaded at a first upload is no growth
    with webhooks_flowing(keeper) as answers:
        eventually(lambda: len(answers) > BEFORE)
        with memory_watched(keeper) as grown:
            before, began = len(answers), time.monotonic()
            shown = file.sends(large, "CONTRACT")  # of which nothing is read
            took = time.monotonic() - began
        alone, during = answers[:before], answers[before:]
    assert (shown["status"], shown["sha256"]) == ("accepted", large.sha256)
    assert during, "some came while it went"
    assert {status for status, _ in answers} == {202}
    assert max(grown) < KIB_GROWN_MAX, f"{max(grown)} KiB"
    with capsys.disabled():
        sys.stdout.write(
            f"\n60 MB in {took:.1f} s; memory +{max(grown) / 1024:.1f} MiB; webhooks before: "
            f"{latency(alone)}; during: {latency(during)}\n"
        )


def latency(answers: list[tuple[int, float]]) -> str:
    """Median and slowest of some."""
    taken = [seconds * 1000 for _, seconds in answers]
    return f"{len(taken)}, median {statistics.median(taken):.0f} ms, slowest {max(taken):.0f} ms"


def test_good_uploads_are_outside_the_anonymous_limit_and_forged_ones_are_not(
    comptoir_daemon: Start, carrier: Process, tmp_path: Path
) -> None:
    """S62, issue 5: what is left of the minute is the same after uploads, and one less for each address that we
    did not sign; both are counted by result, and by nothing of what they were.
    """
    process = comptoir_daemon(**to_people(carrier), COMPTOIR_HTTP__RATE_LIMITS="on")
    file, paper = Applicant(process), make_pdf(tmp_path / "p.pdf", 0.5)
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
    comptoir_daemon: Start, carrier: Process, tmp_path: Path
) -> None:
    """S12, S16: SIGKILL with half a document taken: the next daemon has neither it nor a draft of it, and takes
    the whole one by the same address; what had arrived before is there, and is proven after another kill.
    """
    process = comptoir_daemon(**to_people(carrier))
    file, paper = Applicant(process), make_pdf(tmp_path / "p.pdf", 4)
    address = file.announce(paper, "CONTRACT").json()

    def half() -> Iterator[bytes]:
        parts = paper.parts()
        for _ in range(32):
            yield next(parts)
        eventually(lambda: bool(drafts(process)) and drafts(process)[0].stat().st_size > 1_000_000)
        process.kill()
        yield from parts

    with pytest.raises(httpx.HTTPError):
        httpx.put(
            address["uploadUrl"], content=half(), headers=address["headers"], timeout=20.0,
            verify=trust_of(address["uploadUrl"]),
        )  # fmt: skip
    assert len(drafts(process)) == 1, "it was writing"
    process.start()
    assert drafts(process) == []
    assert not list((folder_of(process) / "objects").rglob("*/*"))
    moved = {
        **address,
        "uploadUrl": process.url + address["uploadUrl"][address["uploadUrl"].index("/uploads/") :],
    }
    assert file.upload(moved, paper).status_code == 200
    process.kill()
    process.start()
    file.complete(address)
    shown = file.settled(address)
    assert (shown["status"], shown["sha256"]) == ("accepted", paper.sha256)


def test_a_stop_in_the_middle_of_an_upload_is_in_time_and_leaves_nothing(
    comptoir_daemon: Start, carrier: Process, tmp_path: Path
) -> None:
    """interface.md 2: a sender that takes its time holds up no stop: exit 0 within ten seconds, and no draft."""
    process = comptoir_daemon(**to_people(carrier))
    file, paper = Applicant(process), make_pdf(tmp_path / "p.pdf", 4)
    address = file.announce(paper).json()
    took: list[float] = []

    def half() -> Iterator[bytes]:
        parts = paper.parts()
        for _ in range(32):
            yield next(parts)
        eventually(lambda: bool(drafts(process)))
        began = time.monotonic()
        assert process.stop() == 0
        took.append(time.monotonic() - began)
        yield from parts

    with pytest.raises(httpx.HTTPError):
        httpx.put(
            address["uploadUrl"], content=half(), headers=address["headers"], timeout=20.0,
            verify=trust_of(address["uploadUrl"]),
        )  # fmt: skip
    assert took[0] < 10.0
    assert drafts(process) == []

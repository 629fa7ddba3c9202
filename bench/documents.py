"""What documents cost everybody else: webhooks and readings beside an upload of 60 MB, and beside hostile files.

A daemon of its own for each store: the folder, to which uploads come through the daemon, and a real S3 server
(SeaweedFS), to which they do not. One sender asks one thing after the other, a webhook and a reading of a client's file in
turn: for some seconds alone, then while a PDF of 60 MB is sent by its pre-signed address, proven, and looked at, then
while each bomb of the tests is. What is compared is of one run, on one machine.

Rule: every webhook must be taken, every reading answered, every bomb come to an end that is no error of the daemon.
Source: issue 8, "Must show"; spec.md S12, S19, S62; docs/uploads.md, docs/documents.md.

    BENCH_SECONDS=10 make bench ARGS=documents
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

import trio

from bench.populate import disk_folder, variables
from comptoir.engine.testing import Answered, Process
from comptoir.http.contract_testing import Card, Customer, purchase
from comptoir.storage.embedded import EmbeddedPostgres
from tests.actors.inspection.hostile import BOMBS, OCR_BOMBS
from tests.contract.documents import Applicant, Paper, in_s3, make_pdf, to_people
from tests.storage.objects.seaweed import Seaweed, seaweed

__all__ = ["main"]

SECONDS: Final = float(os.environ.get("BENCH_SECONDS", "10"))
"""Without any document."""
MEBIBYTES: Final = 60
UPLOADS: Final = 2
SETTLED: Final = {"accepted", "refused", "redo"}
Taken = dict[str, list[float]]


@contextmanager
def _asking(customer: Customer, card: Card, path: str) -> Generator[Taken]:
    """One thing after the other, as long as this lasts: milliseconds of each."""
    taken: Taken = {"webhook": [], "GET": []}
    over, failed = threading.Event(), list[str]()

    def ask() -> None:
        while not over.is_set():
            body = purchase(customer.name("tx"), card.connection_id, merchant={"name": card.label})
            calls: tuple[tuple[str, int, Callable[[], Answered]], ...] = (
                ("webhook", 202, partial(customer.send, body)),
                ("GET", 200, partial(customer.process.get, path)),
            )
            for kind, wanted, call in calls:
                began = time.perf_counter()
                answer = call()
                taken[kind].append((time.perf_counter() - began) * 1000)
                if answer.status != wanted:
                    failed.append(repr(answer))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield taken
    finally:
        over.set()
        thread.join()
    assert not failed, failed[:3]


def _told(phase: str, taken: Taken, before: Taken | None) -> None:
    """One line of a phase."""
    words: list[str] = []
    for kind, all_ms in taken.items():
        cuts = statistics.quantiles(all_ms, n=20)
        ratio = ""
        if before is not None:
            ratio = f" ({cuts[9] / statistics.median(before[kind]):.1f} times)"
        words.append(
            f"{kind} p50 {cuts[9]:.1f}{ratio}, p95 {cuts[18]:.1f}, most {max(all_ms):.0f} ms of {len(all_ms)}"
        )
    print(f"  {phase}: {'; '.join(words)}", flush=True)


def _upload(file: Applicant, papers: list[Paper]) -> None:
    for paper in papers:
        began = time.perf_counter()
        shown = file.sends(paper, "CONTRACT")
        assert (shown["status"], shown["sha256"]) == ("accepted", paper.sha256), shown
        print(
            f"  {paper.size / 1e6:.0f} MB sent, proven and looked at in {time.perf_counter() - began:.1f} s"
        )


def _attack(file: Applicant, folder: Path) -> None:
    """Each bomb, as a client would send it."""
    slowest = (0.0, "")
    for name, make in {**BOMBS, **OCR_BOMBS}.items():
        path = folder / f"{name}.bin"
        path.write_bytes(make())
        media_type = "application/pdf" if path.read_bytes()[:4] == b"%PDF" else "image/jpeg"
        began = time.perf_counter()
        shown = file.sends(Paper(path, media_type), "TAX_DECLARATION")  # which is read
        slowest = max(slowest, (time.perf_counter() - began, name))
        assert shown["status"] in SETTLED, shown
    print(
        f"  {len(BOMBS) + len(OCR_BOMBS)} bombs came to an end, the slowest ({slowest[1]}) after {slowest[0]:.1f} s"
    )


def _measure(daemon: Process, folder: Path) -> None:
    customer = Customer(daemon)
    card = customer.card()
    file = Applicant(daemon)
    file.sends(make_pdf(folder / "warm.pdf", 1), "CONTRACT")
    papers = [make_pdf(folder / f"large{n}.pdf", MEBIBYTES) for n in range(UPLOADS)]

    def during(phase: str, work: Callable[[], None], before: Taken | None = None) -> Taken:
        with _asking(customer, card, file.path) as taken:
            work()
        _told(phase, taken, before)
        return taken

    during("(warming up)", lambda: time.sleep(SECONDS / 2))
    alone = during("alone", lambda: time.sleep(SECONDS))
    during("beside an upload", lambda: _upload(file, papers), alone)
    during("beside hostile files", lambda: _attack(Applicant(daemon), folder), alone)
    during("alone again", lambda: time.sleep(SECONDS), alone)


@contextmanager
def _sandbox(folder: Path) -> Generator[Process]:
    """Who carries mail and text messages."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
    words = [str(Path(sys.executable).with_name("comptoir-sandbox")), "serve", "--port", "0"]
    sandbox = Process(words, kept, folder).start()
    try:
        yield sandbox
    finally:
        sandbox.stop()


@contextmanager
def _daemon(url: str, folder: Path, carrier: Process, store: Seaweed | None) -> Generator[Process]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COMPTOIR_")}
    more = {"COMPTOIR_AUTH__MODE": "loopback", "COMPTOIR_CLOCK__MODE": "manual"}
    chosen = {} if store is None else in_s3(store)
    values = variables(url, folder, **more, **to_people(carrier), **chosen)
    words = [str(Path(sys.executable).with_name("comptoir")), "serve"]
    daemon = Process(words, {**kept, **values}, folder).start()
    try:
        yield daemon
    finally:
        daemon.stop()


def main() -> None:
    """Print the figures of both stores."""
    for name in ("folder", "s3"):
        print(f"documents in {name}", flush=True)
        with disk_folder() as folder, ExitStack() as stack:
            server = EmbeddedPostgres(folder / "server")
            trio.run(server.start)
            stack.callback(trio.run, server.destroy)
            trio.run(server.create_database, "documents")
            places = [folder / x for x in ("data", "carrier", "seaweed", "papers")]
            for place in places:
                place.mkdir()
            own, sandboxed, stored, papers = places
            store = stack.enter_context(seaweed(stored) if name == "s3" else nullcontext())
            carrier = stack.enter_context(_sandbox(sandboxed))
            url = server.url("documents")
            _measure(stack.enter_context(_daemon(url, own, carrier, store)), papers)


if __name__ == "__main__":
    main()

"""`comptoir demo`: end to end with few webhooks, with the clients that it takes on, its ends, and its judgement.

Rule: all demos here have one data folder, as somebody's who tries it again has, so each but the first finds a
database. Those that are ended in the midst come last: what they left is still paid out in the next.
Source: issue "the engine" (deliver 7); spec.md S4, S5, S7.
"""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.actors.imports import parse_connections, parse_partners
from comptoir.engine.cli.demo_applicants import APPLICANTS
from comptoir.engine.cli.demo_books import Books
from comptoir.engine.cli.demo_data import connections_csv, partners_csv, user_id
from comptoir.engine.cli.demo_result import Timings, compare, rows_of
from comptoir.engine.forking_testing import Watchdog
from comptoir.sandbox.runs.catalogue import load
from comptoir.storage.embedded import EmbeddedPostgres
from tests.engine.cli.demos import ends, processes_of

RUN: Mapping[str, Any] = {
    "status": "done",
    "sent": 10,
    "gaveUp": 0,
    "retries": 0,
    "surprises": {},
    "failedAttempts": {},
    "expected": {"points": 30, "byUser": {"u1": 10, "u2": 20}},
    "acknowledged": {"points": 30, "byUser": {"u1": 10, "u2": 20}},
    "byCode": {"accepted": 9, "WEBHOOK_SIGNATURE_INVALID": 1},
    "byKind": {"partner": 9, "forged": 1},
    "latencyMs": {"p50": 1.0, "p99": 2.0},
    "progress": {"ratePerSecond": 100.0},
}
BOOKS = Books(matched=9, credited=9, clawed_back=0, ledger_sum=0)
BEFORE = {"u1": 5, "u2": 0, "u3": 7}
AFTER = {"u1": 15, "u2": 20, "u3": 7}
MONTH = [
    "day  0  dinner, 64.00 at 2 %  +128  128 available",
    "day  1  books and a coat, 340.00  +1,000  1,128 available",
    "day  2  a third of the coat given back  -300  828 available",
    "day  3  a week in a hotel, 2,400.00  +9,600  10,428 available",
    "day  3  Silver is reached  10,428 available",
    "day  3  2,000 points withdrawn  -2,000  8,428 available, 2,000 blocked",
    "day  9  paid by the provider: 20.00  8,428 available",
    "day 10  1,500 points withdrawn  -1,500  6,928 available, 1,500 blocked",
    "day 15  account closed (AC04): released  +1,500  8,428 available",
    "day 16  3,000 points withdrawn  -3,000  5,428 available, 3,000 blocked",
    "day 27  warned: 3,928 end in a week  5,428 available",
]
"""A customer's, in every demo, beside what a batch of payouts is called."""
SECONDS_MAX = 285
"""Some thirty pages are read, each in a second or two of a processor that the suite shares; and less than what the
suite gives a test (pyproject.toml, faulthandler_timeout), so that what the demo said is told."""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all demos are started."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def tmp_path(ground: Path) -> Path:
    """For the fixtures that start programs."""
    return ground


@pytest.fixture(scope="module")
def place(ground: Path) -> Iterator[Path]:
    """Their data folder, whose database is gone at the end."""
    yield ground / "place"
    trio.run(EmbeddedPostgres(ground / "place").destroy)


def _playing(cli_process: Any) -> "subprocess.Popen[bytes]":
    """A demo in which webhooks are about to be played."""
    ports = ("--port", "0", "--sandbox-port", "0")
    child: subprocess.Popen[bytes] = cli_process(
        "demo", "--data-dir", "place", "--count", "100000", *ports
    )
    assert child.stdout is not None
    assert any(b"connections: " in line for line in child.stdout)
    return child


def test_the_demo_counts_to_the_point(place: Path, run: Any) -> None:
    """Killed half-way, and every point is there, on other ports if need be.

    S47, S50, S52, X21, X24 to X27: then a customer's month, whose balances are foretold.
    """
    demo = ("demo", "--exit", "--no-clients", "--data-dir", "place", "--count", "400")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        shown = run(*demo, "--port", port, "--sandbox-port", port)
    assert (shown.status, shown.err) == (0, "")
    assert "SIGKILL: the daemon is dead" in shown.out
    assert "Right to the point: " in shown.out.splitlines()[-1]
    figures = _figures(shown.out)
    assert figures["webhooks sent"] == "400"
    assert figures["points expected"] == figures["points found"] != "0"
    assert figures["users that differ"] == "0"
    assert figures["ledger sum"] == "0"
    assert _month(shown.out) == MONTH
    statement = re.search(r"its statement: (\S+\.pdf)", shown.out)
    assert statement is not None
    assert Path(statement[1]).read_bytes().startswith(b"%PDF-")
    assert ends(place.parent, 0)


def _figures(out: str) -> dict[str, str]:
    """The table: name and figure of each row."""
    rows = [line.strip().split("  ") for line in out.splitlines() if line.startswith("  ")]
    parts = [[part.strip() for part in row if part.strip()] for row in rows]
    return {row[0]: row[1] for row in parts if len(row) > 1}


def _month(out: str) -> list[str]:
    """The rows of the customer's month, with two blanks between their cells; without the payout that names its batch."""
    rows = [line.strip() for line in out.splitlines() if line.startswith("  day ")]
    rows = [row for row in rows if " paid by PB-" not in row]
    return [re.sub(r" {3,}", "  ", row) for row in rows]


def test_ten_clients_are_taken_on_by_a_demo_that_stays(place: Path, cli_process: Any) -> None:
    """S4, S5, S7, S13, S23, X3, X31: all types at once, by advisor and by partner: approved, reviewed, asked again for
    one document, refused; each as the table foretells. The mainframe itself counts nine accounts after nine commands (E11),
    and the last words say so, and who was refused. It is the second demo here: another customer has the same month.

    Interface.md 3 and 9: it has accounts; nobody reads a wallet without a token, and the line that it
    shows, given to a shell as it stands, reads it as the wallet's owner.
    """
    ports = ("--port", "0", "--sandbox-port", "0")
    demo = ("demo", "--data-dir", "place", "--count", "50", "--no-kill", "--seed", "8")
    known = place.exists()
    child = cli_process(*demo, *ports)
    watchdog = Watchdog(child, SECONDS_MAX)
    lines = [line.decode().rstrip() for line in _until(child, b"Ctrl-C")]
    watchdog.cancel()
    assert lines[-1].startswith("Ctrl-C"), (lines[-5:], child.stderr.read())
    assert any("200 unchanged" in line for line in lines) == known
    assert _month("\n".join(lines)) == MONTH
    _hold_clients(lines)
    shown = {name: text.strip() for name, _, text in (x.strip().partition("  ") for x in lines)}
    url = shown["a wallet"].rpartition(" ")[2]
    without = subprocess.run(["curl", "-s", url], capture_output=True, check=True)
    assert b'"code":"UNAUTHENTICATED"' in without.stdout
    told = subprocess.run(
        shown["a wallet"], shell=True, cwd=place.parent, capture_output=True, check=True
    )
    assert b'"userId":"demo-user-0000"' in told.stdout or b'"code":"NOT_FOUND"' in told.stdout
    child.send_signal(signal.SIGTERM)
    assert (child.wait(30), child.stderr.read()) == (0, b"")
    assert ends(place.parent)


def _until(child: "subprocess.Popen[bytes]", word: bytes) -> Iterator[bytes]:
    """The lines that it prints, to the one that begins with this."""
    assert child.stdout is not None
    for line in child.stdout:
        yield line
        if line.startswith(word):
            return


def _hold_clients(lines: Sequence[str]) -> None:
    """Ten clients came to what is foretold of them."""
    for applicant in APPLICANTS:
        (told,) = [line for line in lines if f"{applicant.name}, " in line]
        assert applicant.ends in told
    assert len(APPLICANTS) == 10
    (counted,) = [line for line in lines if "the mainframe's own count" in line]
    assert counted.split()[-5:] == ["9", "accounts", "after", "9", "commands"]
    (last,) = [line for line in lines if line.startswith("Right to the point: ")]
    assert last.endswith(
        "9 of 10 clients have an account on the mainframe, 1 refused (Sasha Factice)."
    )


def test_nothing_outlives_a_demo_that_is_ended_as_it_begins(place: Path, cli_process: Any) -> None:
    """A signal before the verdict: whatever of its children has begun ends too. After it, and with all of them up, the test
    above ends it so.
    """
    child = cli_process("demo", "--data-dir", "place", "--port", "0", "--sandbox-port", "0")
    assert child.stdout.readline().startswith(b"comptoir demo in ")
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) == 130
    assert ends(place.parent)


def test_nothing_outlives_a_demo_that_is_killed(place: Path, cli_process: Any) -> None:
    """SIGKILL while webhooks are played: nobody is left to end its children and its database, and they end too."""
    child = _playing(cli_process)
    passing = {b"token", b"screen"}  # of the daemon: what searches its lists
    running = processes_of(place.parent).values()
    assert (
        len([args for args in running if not passing & {*args}]) == 4
    )  # the demo, its leash, its two children
    child.send_signal(signal.SIGKILL)
    assert child.wait(30) == -signal.SIGKILL
    assert ends(place.parent)


def test_a_child_that_ends_by_itself_is_told(place: Path, cli_process: Any) -> None:
    """A daemon that dies ends the demo with status 1, its log's end and one line."""
    child = _playing(cli_process)
    (daemon,) = [pid for pid, args in processes_of(place.parent).items() if args[-2] == b"serve"]
    os.kill(daemon, signal.SIGKILL)
    assert child.stdout is not None
    out = child.stdout.read().decode()
    assert child.wait(30) == 1
    assert "-- the end of " in out
    assert "Traceback" not in out
    assert child.stderr is not None
    error = child.stderr.read().decode()
    assert error.startswith("comptoir: CHILD_ENDED: the daemon ended with signal SIGKILL: see ")
    assert len(error.splitlines()) == 1
    assert ends(place.parent)


def test_partners_and_connections_are_right() -> None:
    """200 partners and 1,000 connections that the import takes, each partner with a sure label."""
    partners, connections = parse_partners(partners_csv()), parse_connections(connections_csv())
    assert (partners.errors, connections.errors) == ((), ())
    assert (len(partners.rows), len(connections.rows)) == (200, 1000)
    assert load(partners_csv(), connections_csv()).partners_left_out == 0
    assert len({row.user_id for row in connections.rows}) == 850
    assert connections.rows[850].user_id == user_id(0)


def test_equal_books_are_good() -> None:
    """What was there before does not count; users who earned nothing do not differ."""
    compared = compare(RUN, BEFORE, AFTER, BOOKS)
    assert compared.good
    assert (compared.expected, compared.found) == (30, 30)
    assert len(rows_of(RUN, compared, BOOKS, Timings(1.0, 2.0, 3.0))) > 10


@pytest.mark.parametrize(
    ("run", "after", "books"),
    [
        ({}, {"u1": 14}, {}),
        ({}, {"u1": 16, "u2": 19}, {}),
        ({}, {"u3": 8}, {}),
        ({}, {"u2": 0}, {}),
        ({"status": "failed", "reason": "x"}, {}, {}),
        ({"gaveUp": 1}, {}, {}),
        ({"surprises": {"forged: 202 accepted": 1}}, {}, {}),
        ({"expected": {"points": 31, "byUser": {}}}, {}, {}),
        ({}, {}, {"ledger_sum": 1}),
    ],
)
def test_one_point_of_difference_is_not_good(
    run: dict[str, Any], after: dict[str, int], books: dict[str, int]
) -> None:
    """A point too few, too many, at another user, or a ledger that does not sum up, fails it."""
    found = Books(**{"matched": 9, "credited": 9, "clawed_back": 0, "ledger_sum": 0, **books})
    assert not compare({**RUN, **run}, BEFORE, {**AFTER, **after}, found).good

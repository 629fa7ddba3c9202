"""`comptoir demo`: end to end with few webhooks, its ends, and its judgement.

Rule: all demos here have one data folder, as somebody's who tries it again has, so each but the first finds a
database. Those that are ended in the midst come last: what they left is still paid out in the next.
Source: issue "the engine" (deliver 7).
"""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.actors.imports import parse_connections, parse_partners
from comptoir.engine.cli.demo_books import Books
from comptoir.engine.cli.demo_data import connections_csv, partners_csv, user_id
from comptoir.engine.cli.demo_result import Timings, compare, rows_of
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
    """Killed half-way, and every point is there; a second time too, on other ports if need be.

    S47, S50, S52, X21, X24 to X27: then a customer's month, whose balances are foretold.
    """
    demo = ("demo", "--exit", "--no-clients", "--data-dir", "place", "--count")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        first = run(*demo, "400", "--port", port, "--sandbox-port", port)
    assert (first.status, first.err) == (0, "")
    assert "SIGKILL: the daemon is dead" in first.out
    assert "Right to the point: " in first.out.splitlines()[-1]
    figures = _figures(first.out)
    assert figures["webhooks sent"] == "400"
    assert figures["points expected"] == figures["points found"] != "0"
    assert figures["users that differ"] == "0"
    assert figures["ledger sum"] == "0"
    month = _month(first.out)
    assert month[3] == "day  3  a week in a hotel, 2,400.00  +9,600  10,428 available"
    assert "day 15  account closed (AC04): released  +1,500  8,428 available" in month
    assert month[-1] == "day 27  warned: 3,928 end in a week  5,428 available"
    statement = re.search(r"its statement: (\S+\.pdf)", first.out)
    assert statement is not None
    assert Path(statement[1]).read_bytes().startswith(b"%PDF-")
    second = run(*demo, "50", "--no-kill", "--port", "0", "--sandbox-port", "0", "--seed", "8")
    assert (second.status, second.err) == (0, "")
    assert "200 unchanged" in second.out
    again = _month(second.out)  # another customer, a month later
    assert [row for row in again if "PB-" not in row] == [row for row in month if "PB-" not in row]
    assert ends(place.parent, 0)


def _figures(out: str) -> dict[str, str]:
    """The table: name and figure of each row."""
    rows = [line.strip().split("  ") for line in out.splitlines() if line.startswith("  ")]
    parts = [[part.strip() for part in row if part.strip()] for row in rows]
    return {row[0]: row[1] for row in parts if len(row) > 1}


def _month(out: str) -> list[str]:
    """The rows of the customer's month, with two blanks between their cells."""
    rows = [line.strip() for line in out.splitlines() if line.startswith("  day ")]
    return [re.sub(r" {3,}", "  ", row) for row in rows]


def test_a_demo_that_stays_tells_how_to_get_in(place: Path, cli_process: Any) -> None:
    """Interface.md 3 and 9: it has accounts; nobody reads a wallet without a token, and the line that it
    shows, given to a shell as it stands, reads it as the wallet's owner.
    """
    ports = ("--port", "0", "--sandbox-port", "0")
    child = cli_process(
        "demo", "--data-dir", "place", "--count", "50", "--no-kill", "--no-clients", *ports
    )
    shown: dict[str, str] = {}
    for line in child.stdout:
        name, _, text = line.decode().strip().partition("  ")
        shown[name] = text.strip()
        if name.startswith("Ctrl-C"):
            break
    url = shown["a wallet"].rpartition(" ")[2]
    without = subprocess.run(["curl", "-s", url], capture_output=True, check=True)
    assert b'"code":"UNAUTHENTICATED"' in without.stdout
    told = subprocess.run(
        shown["a wallet"], shell=True, cwd=place.parent, capture_output=True, check=True
    )
    assert b'"userId":"demo-user-0000"' in told.stdout or b'"code":"NOT_FOUND"' in told.stdout
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) == 0
    assert ends(place.parent)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_demo_that_is_ended(
    place: Path, cli_process: Any, number: signal.Signals
) -> None:
    """Whatever ends the demo, its children and its database end too."""
    child = _playing(cli_process)
    passing = {b"token", b"screen"}  # of the daemon: what searches its lists
    running = processes_of(place.parent).values()
    assert (
        len([args for args in running if not passing & {*args}]) == 4
    )  # the demo, its leash, its two children
    child.send_signal(number)
    assert child.wait(30) == (130 if number is signal.SIGTERM else -signal.SIGKILL)
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

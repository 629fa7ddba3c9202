"""`comptoir import`: to a daemon, else to the database; errors by line. Source: interface.md 4."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from comptoir.engine.cli import importing
from comptoir.engine.testing import Process
from comptoir.http import edge

PARTNERS = b"id,name,rate_bp\np1,Boulangerie Martin,300\np2,Garage Petit,50\n"
CONNECTIONS = b"connection_id,user_id\nc1,u1\nc2,u1\nc3,u2\n"
WRONG = b"id,name,rate_bp\np1,Boulangerie Martin,12000\n,Garage,x\np3,Garage\n"


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Callable[..., Process]) -> Process:
    """A daemon for all tests of the module."""
    return comptoir_daemon_shared()


def _counts(shown: Any) -> tuple[int, int, int]:
    assert (shown.status, shown.err) == (0, "")
    last = shown.out.splitlines()[-1]
    counts = json.loads(last)
    assert last == json.dumps(counts)
    assert list(counts) == ["imported", "updated", "unchanged"]
    return counts["imported"], counts["updated"], counts["unchanged"]


def test_import_into_a_running_daemon(run: Any, tmp_path: Path, daemon: Process) -> None:
    """A file is imported, again unchanged, and updated by id, by the port and by --url."""
    (tmp_path / "partners.csv").write_bytes(PARTNERS)
    port = daemon.url.rpartition(":")[2]
    assert _counts(run("import", "partners", "partners.csv", COMPTOIR_HTTP__PORT=port)) == (2, 0, 0)
    changed = PARTNERS.replace(b",50", b",60")
    url = ("--url", daemon.url)
    assert _counts(run("import", "partners", "-", *url, stdin=changed)) == (0, 1, 1)
    assert _counts(run("import", "connections", "-", *url, stdin=CONNECTIONS)) == (3, 0, 0)
    assert _counts(run("import", "connections", "-", *url, stdin=CONNECTIONS)) == (0, 0, 3)


def test_wrong_lines_are_told_and_change_nothing(run: Any, tmp_path: Path, daemon: Process) -> None:
    """Every wrong place is `FILE:LINE: COLUMN: CODE: text`, and the file changes nothing."""
    (tmp_path / "wrong.csv").write_bytes(b"id,name,rate_bp\nnew,A Good One,1\n" + WRONG[16:])
    shown = run("import", "partners", "wrong.csv", "--url", daemon.url)
    assert (shown.status, shown.out) == (2, "")
    *places, last = shown.err.splitlines()
    found = [place.split(": ", 3)[:3] for place in places]
    assert found == [
        ["wrong.csv:3", "rate_bp", "VALUE_OUT_OF_RANGE"],
        ["wrong.csv:4", "id", "VALUE_MISSING"],
        ["wrong.csv:4", "rate_bp", "VALUE_INVALID"],
        ["wrong.csv:5", "-", "CSV_FIELD_COUNT"],
    ]
    assert last.startswith("comptoir: IMPORT_REFUSED: wrong.csv has 4 errors")
    good = b"id,name,rate_bp\nnew,A Good One,1\n"
    assert _counts(run("import", "partners", "-", "--url", daemon.url, stdin=good)) == (1, 0, 0)


def test_at_most_a_hundred_errors_are_told(run: Any, daemon: Process) -> None:
    """Of a file of garbage a hundred lines are told (interface.md 4)."""
    garbage = b"id,name,rate_bp\n" + b"x,y,z\n" * 1000
    shown = run("import", "partners", "-", "--url", daemon.url, stdin=garbage)
    assert shown.status == 2
    assert len(shown.err.splitlines()) == 101
    assert shown.err.startswith("-:2: ")


def test_without_a_daemon_the_database_itself(run: Any, comptoir_daemon: Any) -> None:
    """Without a daemon the file goes to the database, and a later daemon knows it."""
    later = comptoir_daemon(start=False)
    own = {name: text for name, text in later.env.items() if name.startswith("COMPTOIR_")}
    assert _counts(run("import", "partners", "-", stdin=PARTNERS, **own)) == (2, 0, 0)
    shown = run("import", "connections", "-", stdin=b"connection_id\n", **own)
    assert shown.status == 2
    assert shown.err.startswith("-:1: user_id: CSV_COLUMN_MISSING: ")
    later.start()
    again = run("import", "partners", "-", "--url", later.url, stdin=PARTNERS)
    assert _counts(again) == (0, 0, 2)


def test_a_daemon_elsewhere_is_not_waited_for(run: Any, comptoir_daemon: Any) -> None:
    """Where another daemon is the writer, the import says so instead of queueing behind it."""
    daemon = comptoir_daemon()
    own = {name: text for name, text in daemon.env.items() if name.startswith("COMPTOIR_")}
    shown = run("import", "partners", "-", stdin=PARTNERS, **own)
    assert (shown.status, shown.out) == (3, "")
    assert shown.last_error.startswith("comptoir: DATABASE_BUSY: ")


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("missing.csv",), 2, "FILE_UNREADABLE"),
        (("-", "--url", "http://127.0.0.1:9"), 1, "DAEMON_UNREACHABLE"),
        (("-", "--url", "ftp://127.0.0.1"), 2, "USAGE"),
        (("-", "--url", "http://[::"), 2, "USAGE"),
    ],
)
def test_what_cannot_be_imported(
    run: Any, arguments: tuple[str, ...], status: int, code: str
) -> None:
    """A missing file and an address where nobody answers end with one line and a remedy."""
    shown = run("import", "partners", *arguments, stdin=PARTNERS)
    assert (shown.status, shown.out) == (status, "")
    assert len(shown.err.splitlines()) == 1
    assert shown.err.startswith(f"comptoir: {code}: ")


def test_bound_on_a_file_is_the_daemons() -> None:
    """The command reads as much as a daemon takes, and no more."""
    assert importing.FILE_BYTES_MAX == edge.IMPORT_BYTES_MAX


def test_another_program_is_no_daemon(run: Any, comptoir_sandbox: Any) -> None:
    """What answers at the address and is no daemon is named as such."""
    shown = run("import", "partners", "-", "--url", comptoir_sandbox().url, stdin=PARTNERS)
    assert shown.status in (1, 2)
    assert len(shown.err.splitlines()) == 1

"""`comptoir db`: the embedded server by hand. Source: interface.md 2 (the table of commands)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import trio

from comptoir.storage import _locate


def test_the_database_by_hand(run: Any, place: Path) -> None:
    """start, status, url, stop: it outlives the command, psql reaches it, it ends when told."""
    there = {"COMPTOIR_STORAGE__DATA_DIR": str(place)}
    assert json.loads(run("db", "status", **there).out)["state"] == "absent"
    absent = run("db", "url", **there)
    assert (absent.status, absent.out) == (3, "")
    assert absent.last_error.endswith("start it: comptoir db start")
    try:
        started = json.loads(run("db", "start", **there).out)
        assert not started["adopted"]
        assert json.loads(run("db", "start", **there).out)["adopted"]
        status = json.loads(run("db", "status", **there).out)
        assert (status["state"], status["pid"]) == ("running", started["pid"])
        url = run("db", "url", **there).out.strip()
        psql = trio.run(_locate.find_binaries).program("psql")
        asked = subprocess.run(
            [psql, "-XqAt", "-d", url, "-c", "select current_database()"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert asked.stdout.strip() == "comptoir"
    finally:
        stopped = run("db", "stop", **there)
    assert json.loads(stopped.out) == {"state": "stopped"}
    assert json.loads(run("db", "stop", **there).out) == {"state": "stopped"}
    unsure = run("db", "destroy", **there)
    assert (unsure.status, unsure.err.split(": ")[1]) == (2, "CONFIRMATION_MISSING")
    assert run("db", "destroy", "--yes", **there).status == 0
    assert json.loads(run("db", "status", **there).out)["state"] == "absent"


def test_a_server_of_the_users_own_is_theirs(run: Any) -> None:
    """Where storage.url names a server, there is nothing to start or stop."""
    url = {"COMPTOIR_STORAGE__URL": "postgresql://u:a-secret@127.0.0.1:1/x"}
    for command in ("stop", "url"):
        shown = run("db", command, **url)
        assert (shown.status, shown.out) == (2, "")
        assert shown.err.startswith("comptoir: DATABASE_EXTERNAL: ")
        assert "a-secret" not in shown.err


def test_migrate_says_what_it_did(run: Any, comptoir_daemon: Any, unmigrated: str) -> None:
    """`comptoir migrate` applies all files once; a running daemon has done it already."""
    daemon = comptoir_daemon(start=False, COMPTOIR_STORAGE__URL=unmigrated)
    own = {name: text for name, text in daemon.env.items() if name.startswith("COMPTOIR_")}
    first, again = (json.loads(run("migrate", **own).out) for _ in range(2))
    assert first["applied"] == list(range(1, first["version"] + 1))
    assert again == {"applied": [], "version": first["version"]}
    daemon.start()
    port = daemon.url.rpartition(":")[2]
    refused = run("migrate", **{**own, "COMPTOIR_HTTP__PORT": port})
    assert (refused.status, refused.out) == (3, "")
    assert refused.last_error.startswith("comptoir: DAEMON_RUNNING: ")

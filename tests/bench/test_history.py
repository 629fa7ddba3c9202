"""Old events written by COPY are such that the daemon goes on after them.

Source: bench/history.py; storage/migrations/0003 (the journal of events).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import trio
import uvloop

from bench.history import copy_events
from bench.wires import body_of
from comptoir.engine.testing import Process
from comptoir.storage._cluster import SUPERUSER
from comptoir.storage.ledger_testing import audit

EVENTS = 120


def test_daemon_goes_on_after_old_events(
    comptoir_daemon: Callable[..., Process], comptoir_postgres_server: Any, comptoir_postgres: str
) -> None:
    """After the copy, numbers are dense, months have their events, and webhooks are credited as ever."""
    database = urlsplit(comptoir_postgres).path[1:]
    comptoir_daemon().stop()
    uvloop.run(copy_events(comptoir_postgres_server.url(database, SUPERUSER), EVENTS))
    daemon = comptoir_daemon()
    daemon.load("partners", "id,name,rate_bp\np0,Enseigne 000,500\n")
    daemon.load("connections", "connection_id,user_id\nc0,user0\n")
    assert daemon.webhook(body_of({"users": 1, "partners": 1, "prefix": "t"}, 0)).status == 202
    daemon.post("/dev/v1/quiesce", {"timeoutSeconds": 30})
    found = trio.run(audit, comptoir_postgres_server, database)
    assert (found.faults, found.entries, found.points) == ({}, 1, 50)
    sql = "select count(*), count(distinct date_trunc('month', at)) > 10, max(number) from comptoir.event"
    rows = trio.run(comptoir_postgres_server.run_sql, sql, database)
    assert rows == f"{EVENTS + 4}|t|{EVENTS + 4}"

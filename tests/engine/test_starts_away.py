"""A database that goes away anywhere in a start, and is back at once, ends no start.

Rule: the statements of a start are found by the test: one new one is held like the others.
Source: issue 2, "Must show"; design.md 7 (While PostgreSQL is away); spec S43.
"""

# pyright: reportPrivateUsage=false
# A connection is refused where it is made.

import time
from collections import Counter
from pathlib import Path

import pytest

from comptoir.engine.boot.daemon import Daemon
from comptoir.engine.settings import Settings
from comptoir.storage import bridge
from comptoir.storage.bridge import Connection, Target
from comptoir.storage.query import Query

STATEMENTS_MIN = 20
"""Statements of a start: fewer would mean that the test does not see them."""
AWAY_S = 0.3
"""Longer than whoever asks once more at once."""
TIMES_MAX = 3
"""Each gateway's rows are read by one statement."""


class Outage:
    """The database goes away at one statement of a start, and takes no connection for a while."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.said = Counter[str]()
        """Statements, and how often each was sent."""
        self.at: tuple[str, int] | None = None
        """Which one, and which time of it."""
        self._until = 0.0
        sending, connecting = Connection.start, bridge._connect

        def start(connection: Connection, sql: str, *args: object) -> "Query[list[object]]":
            self.said[sql] += 1
            query = sending(connection, sql, *args)
            if self.at == (sql, self.said[sql]):
                self.at, self._until = None, time.monotonic() + AWAY_S
                connection.terminate()
            return query

        async def connect(target: Target) -> object:
            if time.monotonic() < self._until:
                raise ConnectionRefusedError
            return await connecting(target)

        patch.setattr(Connection, "start", start)
        patch.setattr(bridge, "_connect", connect)


async def test_a_start_survives_a_break_at_each_of_its_statements(
    comptoir_postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S43: a database that is lost at any statement of a start, and returns, ends no start."""
    settings = Settings.load(
        None,
        {
            "COMPTOIR_STORAGE__URL": comptoir_postgres,
            "COMPTOIR_STORAGE__DATA_DIR": str(tmp_path),
            "COMPTOIR_CLOCK__MODE": "manual",
        },
    )
    outage = Outage(monkeypatch)
    for _ in ("migrates", "finds all migrated"):
        outage.said.clear()
        async with Daemon(settings).open(listen=False):
            found = [
                (sql, nth)
                for sql, times in outage.said.items()
                for nth in range(1, min(times, TIMES_MAX) + 1)
            ]
    assert len(found) >= STATEMENTS_MIN
    for place in found:
        outage.said.clear()
        outage.at = place
        async with Daemon(settings).open(listen=False) as daemon:
            assert outage.at is None, f"not sent this time: {place}"
            assert daemon.health().status == "ready"

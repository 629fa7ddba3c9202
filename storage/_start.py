"""One start of the embedded server: adopt what runs, or make and start it, and wait for it.

Rule: the caller holds the lock of the data folder. A start that is cancelled leaves the server
going on by itself; nothing is undone, because the next start finds and adopts it.
Source: design.md 7, third bullet (recovery awaited and reported).
"""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import trio

from comptoir.storage import _cluster, _locate, _place, _postmaster
from comptoir.storage._locate import Account, Binaries
from comptoir.storage._place import Place
from comptoir.storage._psql import dsn, psql
from comptoir.storage.errors import DatabaseFolderBroken, StorageUnavailable
from comptoir.storage.roles import ROLE_DAEMON

Progress = Callable[[str], None]

# A server that was killed refuses before it is gone; the kernel takes its memory apart first.
ENDING_SECONDS = 2.0

# psql quotes the names; what is there already is left as it is, so it is run at every start.
BOOTSTRAP = """
SELECT format('CREATE ROLE %I LOGIN CREATEDB CREATEROLE', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \\gexec
-- Its sessions come in as this role itself: there is no owner whom `reset role` would bring back.
SELECT format('CREATE ROLE %I LOGIN', :'daemon')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'daemon') \\gexec
SELECT format('ALTER ROLE %I LOGIN', :'daemon')
  FROM pg_roles WHERE rolname = :'daemon' AND NOT rolcanlogin \\gexec
SELECT format('GRANT %I TO %I', :'daemon', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_auth_members
     WHERE roleid = :'daemon'::regrole AND member = :'role'::regrole) \\gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \\gexec
"""


def silent(_: str) -> None:
    """Take progress that nobody wants to see."""


@dataclass(slots=True)
class Start:
    """What one start works with."""

    place: Place
    account: Account
    wheel: Binaries
    settings: Mapping[str, str]
    on_progress: Progress
    child: _postmaster.Child | None
    """The server of an earlier start if that was ours; then the one of this start."""
    log_offset: int = 0
    """Where this start's part of the log begins, in bytes."""

    async def run(self) -> tuple[int, bool]:
        """Adopt or start, and wait until it answers a statement.

        Returns:
            The server's process, and whether it was adopted.

        Raises:
            StorageError: by what is wrong.
        """
        pid, adopted = await self._adopt_or_spawn()
        try:
            await self._bootstrap()
        except StorageUnavailable:
            if not adopted or not await self._ends(pid):
                raise
            # It was dying when it was found: killed, or its machine's memory ran out.
            self.on_progress("the running PostgreSQL has ended; starting it again")
            pid, adopted = await self._adopt_or_spawn()
            await self._bootstrap()
        return pid, adopted

    async def _adopt_or_spawn(self) -> tuple[int, bool]:
        exists = _cluster.check_version(self.place, self.wheel)
        pid = await self._adoptable() if exists else None
        if pid is not None:
            await self._adopt(pid)
            return pid, True
        return await self._spawn(exists), False

    async def _bootstrap(self) -> None:
        """Make our database and our login where they are missing: the first statements."""
        head = f"\\set role {_cluster.ROLE}\n\\set database {_cluster.DATABASE}\n"
        head += f"\\set daemon {ROLE_DAEMON}\n"
        url = dsn(self.place, _cluster.SUPERUSER, _cluster.SUPERUSER)
        await psql(self.wheel, url, head + BOOTSTRAP)

    async def _ends(self, pid: int) -> bool:
        """Whether a server that refused us is gone, or will be in a moment."""
        with trio.move_on_after(ENDING_SECONDS):
            while not self._has_ended(pid):  # noqa: ASYNC110 - another program ends: no event
                await trio.sleep(_postmaster.POLL_SECONDS)
            return True
        return False

    async def _adoptable(self) -> int | None:
        """Find a server that runs here and will go on running."""
        found = _postmaster.running(self.place, self.account)
        if found is None:
            return None
        if found.status == "stopping":
            self.on_progress("PostgreSQL is stopping; waiting for its end")
            await _postmaster.gone(found.pid, self.child)
            return None
        socket = self.place.socket / _place.SOCKET_FILE
        if found.status == "ready" and not socket.exists():
            self.on_progress("the socket of the running PostgreSQL was swept away; restarting it")
            await _postmaster.end(found.pid, self.child)
            return None
        return found.pid

    async def _adopt(self, pid: int) -> None:
        """Wait for a server that runs already, and give it our present configuration."""
        self.on_progress(f"adopting the running PostgreSQL, process {pid}")
        if _cluster.write_configuration(self.place, self.account, self.settings):
            os.kill(pid, signal.SIGHUP)  # what needs a restart applies at the next one
        _postmaster.rotate(self.place.log)
        self.log_offset = _postmaster.log_size(self.place.log)
        await self._until_ready(pid)

    async def _spawn(self, exists: bool) -> int:
        programs = await self._programs()
        if not _locate.enterable(self.place.home, self.account):
            raise DatabaseFolderBroken(
                f"{self.account.name} can no longer reach {self.place.cluster}",
                remedy=f"let {self.account.name} enter every folder above it (chmod o+x)",
            )
        if self.child is not None:
            self.child.poll()  # one that was killed keeps its number until it is reaped
        if exists:
            await _postmaster.clear_orphans(self.place, self.account)
        else:
            self.on_progress(f"making a PostgreSQL {programs.version} cluster")
            await _cluster.make_cluster(self.place, programs, self.account)
        self.place = _place.prepare_socket(self.place, self.account)
        _place.remember(self.place)
        _cluster.write_configuration(self.place, self.account, self.settings)
        _postmaster.rotate(self.place.log)
        self.log_offset = _postmaster.log_size(self.place.log)
        self.child = await trio.to_thread.run_sync(
            _postmaster.spawn, self.place, programs, self.account
        )
        await self._until_ready(self.child.pid)
        return self.child.pid

    async def _programs(self) -> Binaries:
        """Give the wheel's programs, or a copy of them that the account can reach."""
        if _locate.usable(self.wheel, self.account):
            return self.wheel
        target = self.place.binaries
        if _locate.copied_version(target) != self.wheel.version:
            self.on_progress(f"copying PostgreSQL's programs to {target}")
            await trio.to_thread.run_sync(_locate.copy_binaries, self.wheel, target)
        return await _locate.binaries_below(target)

    async def _until_ready(self, pid: int) -> None:
        """Wait until the server itself says that it is ready, and pass on what it does."""
        offset = self.log_offset
        while True:
            offset = _report(self.place.log, offset, self.on_progress)
            found = _postmaster.read_pid_file(self.place.cluster)
            if found is not None and found.pid == pid and found.status in ("ready", "standby"):
                return
            if self._has_ended(pid):
                said, _ = _postmaster.log_lines(self.place.log, self.log_offset)
                raise _cluster.failure("PostgreSQL", said, self.place)
            await trio.sleep(_postmaster.POLL_SECONDS)

    def _has_ended(self, pid: int) -> bool:
        if self.child is not None and self.child.pid == pid:
            return self.child.poll() is not None
        return _postmaster.running(self.place, self.account) is None


def _report(log: Path, offset: int, on_progress: Progress) -> int:
    """Pass on what the server says of its recovery; give the next offset."""
    lines, after = _postmaster.log_lines(log, offset)
    for line in lines:
        text = line.rpartition("LOG:")[2].strip()
        if text.startswith(("database system was", "redo", "syncing data")):
            on_progress(text)
    return after

"""The running server: who it is, whether it lives, what it says, and how it is told to stop.

Rule: a signal only goes to a process that was seen to be the server of this very folder; a
number read from a file is never enough. The server has a session of its own, so neither Ctrl-C
in the daemon's terminal nor SIGKILL of the daemon reaches it.
Source: design.md 7, third bullet; PostgreSQL manual 18.5 (SIGINT is a fast shutdown, SIGQUIT an
immediate one), 66.1 (postmaster.pid).
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trio

from comptoir.storage._cluster import read_small
from comptoir.storage._locate import ENVIRONMENT, Account, Binaries
from comptoir.storage._place import SOCKET_FILE, Place

# A fast shutdown writes a checkpoint: 128 MB of shared buffers take a slow disk some seconds.
# The daemon as a whole has 10 s to stop (interface.md 2), so this takes at most 4 + 2 + 1.
STOP_FAST_SECONDS = 4.0
# An immediate shutdown writes nothing; the next start recovers from the log.
STOP_IMMEDIATE_SECONDS = 2.0
# After SIGKILL only the kernel is left to answer.
STOP_KILL_SECONDS = 1.0

# Backends see that their postmaster died at their next wait, usually at once; one inside a long
# computation is ended by us, because PostgreSQL refuses to start while one is attached.
ORPHAN_SECONDS = 2.0

# How often files and processes are looked at where nothing wakes us.
POLL_SECONDS = 0.01

# The log and its predecessor: 16 MiB at most while somebody watches, and again at each start.
LOG_BYTES_MAX = 8 * 1024 * 1024
LOG_TAIL_BYTES = 16 * 1024

PID_FILE = "postmaster.pid"
# Above every process number that a kernel gives (Linux: 4,194,304 at most), within C's int.
PID_OF_NOBODY = 2_147_483_647
HAS_PROC = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True)
class PidFile:
    """What the server says of itself in postmaster.pid."""

    pid: int
    started_unix_s: int
    status: str
    """`starting`, `stopping`, `ready` or `standby`; empty while the file is being written."""


class Child(subprocess.Popen[bytes]):
    """A server that we started; unlike other children it may outlive us without a warning."""

    def __del__(self) -> None:
        """Let go of it: it is meant to be left running (the base class would warn)."""
        self.poll()


def read_pid_file(cluster: Path) -> PidFile | None:
    """Read postmaster.pid; None where it is absent or does not begin with a number."""
    try:
        lines = read_small(cluster / PID_FILE).splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    texts = [line.strip() for line in lines] + [""] * 8
    if not texts[0].lstrip("-").isdigit():
        return None
    # A negative number is a single-user backend (miscinit.c); it is nobody's server.
    started = int(texts[2]) if texts[2].isdigit() else 0
    return PidFile(int(texts[0]), started, texts[7])


def is_server(pid: int, cluster: Path, account: Account) -> bool:
    """Say whether this process is alive, the account's, a postgres, and works in this cluster."""
    if pid <= 1:
        return False
    if not HAS_PROC:
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    try:
        process = Path(f"/proc/{pid}")
        here = (process / "cwd").stat()
        there = cluster.stat()
        name = (process / "exe").readlink().name
        owner = process.stat().st_uid
    except OSError:  # gone, a zombie, or another user's: not a server of ours
        return False
    same = (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    return same and owner == account.uid and name.removesuffix(" (deleted)") == "postgres"


def running(place: Place, account: Account) -> PidFile | None:
    """Give the server of this cluster, if one lives."""
    found = read_pid_file(place.cluster)
    if found is None or not is_server(found.pid, place.cluster, account):
        return None
    return found


def spawn(place: Place, binaries: Binaries, account: Account) -> Child:
    """Start the server; its standard error is appended to the log, opened by us.

    Blocks for the fork (a few milliseconds).
    """
    handle = _open_log(place.log)
    try:
        return Child(
            [
                binaries.program("postgres"),
                *("-D", place.cluster),
                *("-c", f"config_file={place.configuration / 'postgresql.conf'}"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            umask=0o077,
            **account.process_options(),
        )
    finally:
        os.close(handle)


async def gone(pid: int, child: Child | None) -> None:
    """Wait until a process has ended; a child of ours is reaped."""
    if child is not None and child.pid == pid:
        while child.poll() is None:
            await _ended(pid)
        return
    await _ended(pid)


async def end(pid: int, child: Child | None, *, immediately: bool = False) -> None:
    """Stop a server: fast, then immediately, then by force; each step is bounded.

    What was committed is safe on every path.
    """
    steps = [
        (signal.SIGINT, STOP_FAST_SECONDS),
        (signal.SIGQUIT, STOP_IMMEDIATE_SECONDS),
        (signal.SIGKILL, STOP_KILL_SECONDS),
    ]
    for number, seconds in steps[1 if immediately else 0 :]:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            break
        with trio.move_on_after(seconds) as scope:
            await gone(pid, child)
        if not scope.cancelled_caught:
            break
    if child is not None:
        child.poll()


async def clear_orphans(place: Place, account: Account) -> None:
    """End the backends of a server that was killed, and unmask its lock files.

    A lock file whose number now belongs to another process of the same account would make
    PostgreSQL refuse to start; it is touched only once no process of the cluster is left.
    """
    with trio.move_on_after(ORPHAN_SECONDS):
        for pid in list(_processes(place.cluster, account)):
            await gone(pid, None)
    left = list(_processes(place.cluster, account))
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    with trio.move_on_after(STOP_KILL_SECONDS):
        for pid in left:
            await gone(pid, None)
    if HAS_PROC and not list(_processes(place.cluster, account)):
        for lock in (place.cluster / PID_FILE, place.socket / f"{SOCKET_FILE}.lock"):
            _unmask(lock)


def _unmask(lock: Path) -> None:
    """Take a living process's number out of a lock file (a zombie of a daemon's, or a stranger's).

    The rest of the file stays, because by it PostgreSQL finds and frees the shared memory of the
    server that died, and refuses to start while something is attached to it.
    """
    try:
        first, _, rest = read_small(lock).partition("\n")
    except FileNotFoundError:
        return
    number = first.strip().lstrip("-")
    if number.isdigit() and not Path(f"/proc/{number}").exists():
        return
    handle = os.open(lock, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{PID_OF_NOBODY}\n{rest}")


def rotate(log: Path) -> None:
    """Keep the log within its bound: one predecessor, then begin again.

    The file is copied and cut, not renamed, because the server holds it open for appending. Where
    the disk has no room for the copy, the log gives its own room back instead.
    """
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        before = log.with_name(log.name + ".1")
        try:
            shutil.copyfile(log, before)
        except OSError:
            before.unlink(missing_ok=True)
        os.truncate(log, 0)


def log_size(log: Path) -> int:
    """Give the present size of the log in bytes, 0 where there is none."""
    try:
        return log.stat().st_size
    except FileNotFoundError:
        return 0


def log_lines(log: Path, offset: int) -> tuple[list[str], int]:
    """Read the whole lines after `offset`, of at most the last 16 KiB; give the next offset."""
    size = log_size(log)
    if size <= offset:
        return [], min(offset, size)
    begin = max(offset, size - LOG_TAIL_BYTES)
    with log.open("rb") as file:
        file.seek(begin)
        complete = file.read(LOG_TAIL_BYTES).rpartition(b"\n")
    lines = complete[0].decode("utf-8", "replace").splitlines() if complete[1] else []
    return lines, begin + len(complete[0]) + len(complete[1])


def _open_log(log: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(log, flags, 0o600)


async def _ended(pid: int) -> None:
    """Wait for the end of any process: woken by the kernel where it can, else by looking."""
    await trio.lowlevel.checkpoint()
    if sys.platform == "linux":
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:
            handle = -1  # a kernel or sandbox without pidfd_open: look instead
        if handle >= 0:
            try:
                await trio.lowlevel.wait_readable(handle)
            finally:
                os.close(handle)
            return
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await trio.sleep(POLL_SECONDS)


def _processes(cluster: Path, account: Account) -> Iterator[int]:
    """List the processes of a cluster, without a server to ask."""
    if not HAS_PROC:
        return
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and is_server(int(process.name), cluster, account):
            yield int(process.name)

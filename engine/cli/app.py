"""The commands, their options and their help; the work is done elsewhere.

Rule: nothing heavy is imported here (`comptoir version` and completion are quick); every command shows an example.
Source: interface.md 2 and 4; check-command contract.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from comptoir.engine.cli.access import approval, client, person, staff
from comptoir.engine.cli.account_rows import core_banking
from comptoir.engine.cli.batches import payouts
from comptoir.engine.cli.copybook_rows import copybook
from comptoir.engine.cli.kinds import CHECK_KINDS, MACHINES, ROLES, complete
from comptoir.engine.cli.kyc_rows import kyc
from comptoir.engine.cli.list_rows import lists
from comptoir.engine.cli.match_rows import match
from comptoir.engine.cli.options import HELP, Config
from comptoir.engine.cli.upkeep import dlq, reconcile, show_parking

__all__ = ["app"]

app = typer.Typer(
    name="comptoir",
    help="One daemon for client onboarding and open-banking cashback.",
    epilog="Begin with [bold]comptoir demo[/bold]; the manual is in the project's docs/ folder.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
imports = typer.Typer(help="Load partners or connections from a CSV file.", context_settings=HELP)
database = typer.Typer(help="The embedded PostgreSQL by hand.", context_settings=HELP)
keys = typer.Typer(
    help="The keys at rest: which there are, and replacing them.", context_settings=HELP
)
for name, group in {
    "import": imports, "client": client, "staff": staff, "person": person, "approval": approval,
    "dlq": dlq, "payouts": payouts, "match": match, "kyc": kyc, "lists": lists, "db": database, "keys": keys, "copybook": copybook, "core-banking": core_banking,
}.items():  # fmt: skip
    app.add_typer(group, name=name)
app.command("parking", epilog="Example: [bold]comptoir parking[/bold]")(show_parking)
app.command("reconcile", epilog="Example: [bold]comptoir reconcile --day 2026-11-30[/bold]")(
    reconcile
)

CsvFile = Annotated[
    str, typer.Argument(metavar="FILE.csv", help="UTF-8 with a header row; - is standard input.")
]
Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The daemon's address; else COMPTOIR_HTTP__PORT of this machine, and where none "
        "answers the database itself.",
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    shown: Annotated[
        bool, typer.Option("--version", help="Print the version.", show_default=False)
    ] = False,
) -> None:
    if shown:
        version()
        raise typer.Exit
    _help(context)


@imports.callback(invoke_without_command=True)
@database.callback(invoke_without_command=True)
@keys.callback(invoke_without_command=True)
@client.callback(invoke_without_command=True)
@staff.callback(invoke_without_command=True)
@person.callback(invoke_without_command=True)
@approval.callback(invoke_without_command=True)
@dlq.callback(invoke_without_command=True)
@match.callback(invoke_without_command=True)
@kyc.callback(invoke_without_command=True)
@lists.callback(invoke_without_command=True)
def _help(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog="Example: [bold]comptoir serve --config /etc/comptoir.toml[/bold]")
def serve(config: Config = None) -> None:
    """Run the daemon in the foreground until SIGTERM or Ctrl-C.

    Writes one line of JSON to standard output when it accepts work, and nothing else there; the
    log goes to standard error.
    """
    from comptoir.engine.cli.running import run_serve

    run_serve(config)


@app.command(epilog="Example: [bold]comptoir demo --exit --count 2000[/bold]")
def demo(
    exit_: Annotated[
        bool, typer.Option("--exit", help="End after the verdict instead of staying up.")
    ] = False,
    count: Annotated[int, typer.Option(min=1, max=10_000_000, help="Webhooks to play.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the run: the same one, the same run.")] = 7,
    rate: Annotated[
        int | None,
        typer.Option(min=1, help="Webhooks a second; without it, as fast as it goes."),
    ] = None,
    kill: Annotated[
        bool, typer.Option(help="SIGKILL the daemon half-way and start it again.")
    ] = True,
    clients: Annotated[bool, typer.Option(help="Take ten clients on at the end.")] = True,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Of the daemon; else 8080, or any where it is taken."),
    ] = None,
    sandbox_port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Of the sandbox, or any where it is taken.")
    ] = 8090,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data folder; else that of the settings, .comptoir."),
    ] = None,
    config: Config = None,
) -> int:
    """Play a bank's webhooks against a daemon that is killed half-way, and count to the point.

    Starts the daemon and the sandbox as processes of their own, imports partners and connections,
    plays the webhooks, and compares what the daemon holds with what it acknowledged; then a customer's
    month, and ten clients to a decision. It stays up until Ctrl-C, and shows the addresses to open. Exit
    status 1 where a point is missing, or anything is not as foretold.
    """
    from comptoir.engine.cli.demo import DemoOptions, run_demo

    options = DemoOptions(
        stay=not exit_,
        count=count,
        seed=seed,
        rate_per_second=rate,
        kill=kill,
        clients=clients,
        port=port,
        sandbox_port=sandbox_port,
        data_dir=data_dir,
        config=config,
    )
    return run_demo(options)


@app.command(epilog="Example: [bold]comptoir machines wallet --format table[/bold]")
def machines(
    name: Annotated[
        str | None,
        typer.Argument(help="One machine; all without it.", autocompletion=complete(MACHINES)),
    ] = None,
    form: Annotated[
        Literal["mermaid", "table"], typer.Option("--format", help="Diagram, or every pair.")
    ] = "mermaid",
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the pages of docs/machines there.")
    ] = None,
) -> None:
    """Draw the state machines from the tables that are executed."""
    from comptoir.engine.cli.drawing import draw, write_pages

    if write is not None:
        for path in write_pages(write, name):
            typer.echo(str(path))
    else:
        typer.echo(draw(name, form), nl=False)


@app.command(epilog="Example: [bold]comptoir config --format json[/bold]")
def config(
    config: Config = None,
    form: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Of the list.")
    ] = "text",
) -> None:
    """Show every setting in force and where it came from, secrets masked."""
    import json

    from comptoir.engine.settings import Settings, effective, effective_text

    settings = Settings.load(config, os.environ)
    if form == "json":
        typer.echo(json.dumps(effective(settings), ensure_ascii=False, indent=2))
    else:
        typer.echo(effective_text(settings), nl=False)


@app.command(epilog="Example: [bold]comptoir migrate[/bold]")
def migrate(config: Config = None) -> None:
    """Bring the database to this release's schema, without serving; a start does it too."""
    from comptoir.engine.cli.running import run_migrate

    run_migrate(config)


@imports.command(epilog="Example: [bold]comptoir import partners partners.csv[/bold]")
def partners(file: CsvFile, url: Url = None, config: Config = None) -> int:
    """Add or update partners: id, name, rate_bp; optional mcc, patterns, city and others."""
    from comptoir.engine.cli.importing import run_import

    return run_import("partners", file, url, config)


@imports.command(epilog="Example: [bold]comptoir import connections - < connections.csv[/bold]")
def connections(file: CsvFile, url: Url = None, config: Config = None) -> int:
    """Make connections known: connection_id, user_id; optional provider, bank_name and others."""
    from comptoir.engine.cli.importing import run_import

    return run_import("connections", file, url, config)


@app.command(
    epilog="Example: [bold]comptoir check label < labels.jsonl | grep '\"ok\":false'[/bold]"
)
def check(
    kind: Annotated[
        str,
        typer.Argument(
            help=f"One of {', '.join(CHECK_KINDS)}.", autocompletion=complete(CHECK_KINDS)
        ),
    ],
    lists: Annotated[
        list[Path] | None,
        typer.Option(
            "--list",
            metavar="FILE",
            help="screen: a watch list, or its index; may be repeated; else screening.lists.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check data in bulk with the daemon's own functions: JSON lines in, one answer a line out."""
    from comptoir.engine.cli.checking import run_check

    run_check(kind, sys.stdin.buffer, sys.stdout.buffer, tuple(lists or ()))


@app.command(epilog="Example: [bold]comptoir token --sub u1 --role CLIENT[/bold]")
def token(
    sub: Annotated[
        str, typer.Option(metavar="USER", help="Whom it speaks for; of a CLIENT, its userId.")
    ],
    role: Annotated[
        list[str],
        typer.Option(
            help=f"One of {', '.join(ROLES)}; may be repeated.", autocompletion=complete(ROLES)
        ),
    ],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Such as partner:submit; may be repeated.", show_default=False),
    ] = None,
    ttl: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=86_400,
            metavar="SECONDS",
            help="Its life; else auth.access_token_minutes.",
            show_default=False,
        ),
    ] = None,
    amr: Annotated[
        list[str] | None,
        typer.Option(
            help="How they signed in (RFC 8176), such as otp; else mfa.", show_default=False
        ),
    ] = None,
    signed_in_ago: Annotated[
        int, typer.Option(min=0, metavar="SECONDS", help="How long ago they signed in.")
    ] = 0,
    config: Config = None,
) -> None:
    """Print an access token, for development: whoever reads the data folder's keys may have any.

    Refused where auth.dev_tokens is false, as it must be beyond loopback. Each one is recorded
    beside the keys before it is printed.
    """
    from comptoir.engine.cli.tokens import TokenOptions, run_token

    methods = tuple(amr or ())
    run_token(
        TokenOptions(sub, tuple(role), tuple(scope or ()), ttl, methods, signed_in_ago), config
    )


@database.command("start", epilog="Example: [bold]comptoir db start[/bold]")
def start_database(config: Config = None) -> None:
    """Start the embedded PostgreSQL, or say that it runs; it outlives this command."""
    from comptoir.engine.cli.databases import run_start

    run_start(config)


@database.command("stop", epilog="Example: [bold]comptoir db stop[/bold]")
def stop_database(config: Config = None) -> None:
    """Stop the embedded PostgreSQL, unless a daemon uses it."""
    from comptoir.engine.cli.databases import run_stop

    run_stop(config)


@database.command("destroy", epilog="Example: [bold]comptoir db destroy --yes[/bold]")
def destroy_database(
    config: Config = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Confirm: all data are deleted.")
    ] = False,  # an option
) -> None:
    """Stop the embedded PostgreSQL and delete its data."""
    from comptoir.engine.cli.databases import run_destroy

    run_destroy(config, yes=yes)


@database.command("status", epilog="Example: [bold]comptoir db status[/bold]")
def show_database(config: Config = None) -> None:
    """Tell where the embedded PostgreSQL lies and whether it runs."""
    from comptoir.engine.cli.databases import run_status

    run_status(config)


@database.command("url", epilog='Example: [bold]psql "$(comptoir db url)"[/bold]')
def show_database_url(config: Config = None) -> None:
    """Print the address of the embedded PostgreSQL for psql."""
    from comptoir.engine.cli.databases import run_url

    run_url(config)


@keys.command("status", epilog="Example: [bold]comptoir keys status --format json[/bold]")
def show_keys(
    config: Config = None,
    form: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Of the list.")
    ] = "text",
) -> None:
    """Tell which keys there are, what wraps them, and how far rotations have come."""
    from comptoir.engine.cli.keys import run_status

    run_status(config, form=form)


@keys.command("rotate", epilog="Example: [bold]comptoir keys rotate data[/bold]")
def rotate_keys(
    what: Annotated[
        str,
        typer.Argument(
            metavar="KEY",
            help="kek (what the provider holds), wrap, data (one for each person), once, index, subject, or all.",
        ),
    ],
    config: Config = None,
    renew: Annotated[
        bool,
        typer.Option("--renew/--no-renew", help="kek: have the provider make a new version first."),
    ] = True,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Return when it is done, or at once.")
    ] = True,
) -> None:
    """Replace a key while the daemon works; after a crash it goes on where it was.

    The daemon that runs does it; without one this command does. The last line of standard output
    has the rows of each.
    """
    from comptoir.engine.cli.keys import run_rotate

    run_rotate(what, config, renew=renew, wait=wait)


@keys.command("backup", epilog="Example: [bold]comptoir keys backup /mnt/keys/2026-11-30.db[/bold]")
def back_up_keys(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
    config: Config = None,
) -> None:
    """Copy the key store while the daemon works; keep no copy longer than an erasure may take."""
    from comptoir.engine.cli.keys import run_backup

    run_backup(file, config)


@app.command(epilog="Example: [bold]comptoir version[/bold]")
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as version_of

    typer.echo(version_of("comptoir"))

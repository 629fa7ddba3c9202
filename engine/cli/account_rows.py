"""The commands about accounts on the mainframe.

Rule: as in `app.py`, nothing heavy is imported here.
Source: spec.md E11, E14; docs/core-banking.md.
"""

from typing import Annotated, Literal

import typer

from comptoir.engine.cli.access import ClientUrl
from comptoir.engine.cli.options import HELP, Config, TokenFile

__all__ = ["core_banking"]

core_banking = typer.Typer(
    help="Accounts on the mainframe: those that have no end, and what is true of them.",
    context_settings=HELP,
)

Form = Annotated[
    Literal["table", "json"], typer.Option("--format", help="A table, or a line of JSON each.")
]


@core_banking.command(
    "reconcile", epilog="Example: [bold]comptoir core-banking reconcile --wait 30[/bold]"
)
def reconcile_accounts(
    wait: Annotated[
        float, typer.Option(min=0, max=600, help="Seconds to wait for the mainframe's answers.")
    ] = 10.0,
    form: Form = "table",
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Ask the mainframe, by CLIENT-ID, about every account without an end; exit 1 where one is held."""
    from comptoir.engine.cli.accounts import run_reconcile

    run_reconcile(wait, form, (url, config))


@core_banking.command(
    "settle",
    epilog="Example: [bold]comptoir core-banking settle ONB-2026-00001 --outcome created "
    "--reason 'asked the mainframe desk' --token-file mine[/bold]",
)
def settle_account(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The file's, the CLIENT-ID.")],
    outcome: Annotated[
        Literal["created", "refused"],
        typer.Option(help="The account that was seen stands; or nothing is there."),
    ],
    reason: Annotated[str, typer.Option(help="How it was found out, on one line.")],
    token: TokenFile,
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Say what is true of an account that is held; a second person approves it."""
    from comptoir.engine.cli.accounts import run_settle

    run_settle(number, {"outcome": outcome, "reason": reason}, token, (url, config))

"""The commands `comptoir kyc`: rule sets, decisions, and rules tried on decisions that were taken.

Rule: as in `app.py`, nothing heavy is imported here. Source: issue 8, deliver 3; spec.md E2, S23 to S27.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from comptoir.engine.cli.access import ClientUrl
from comptoir.engine.cli.options import HELP, Config

__all__ = ["kyc"]

kyc = typer.Typer(help="KYC rules: show, decide, try before they apply.", context_settings=HELP)

RulesFile = Annotated[
    Path | None,
    typer.Option(
        "--rules", metavar="RULES.json", help="A rule set; else that of the settings.",
        show_default=False,
    ),
]  # fmt: skip


@kyc.command(epilog="Example: [bold]comptoir kyc rules > v8.json[/bold]")
def rules(config: Config = None) -> None:
    """Print the rule set of the settings, to be changed and tried."""
    from comptoir.engine.cli.kyc import run_rules

    run_rules(config)


@kyc.command(epilog="Example: [bold]comptoir kyc decide < facts.jsonl > decisions.jsonl[/bold]")
def decide(rules: RulesFile = None, config: Config = None) -> None:
    """Decide on facts: JSON lines with `id` and `facts` in, a decision a line out."""
    from comptoir.engine.cli.kyc import run_decide

    run_decide(rules, config)


@kyc.command(
    "dry-run", epilog="Example: [bold]comptoir kyc dry-run v8.json < decisions.jsonl[/bold]"
)
def dry_run(
    rules: Annotated[Path, typer.Argument(metavar="RULES.json", help="The rules to try.")],
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="A table, or one line of JSON.")
    ] = "table",
) -> int:
    """Take stored decisions again under other rules, and list those that would flip.

    Decisions are read from standard input, as `kyc decide` writes them. Nothing is changed. Exit status 1 where
    one would flip.
    """
    from comptoir.engine.cli.kyc import run_dry_run

    return run_dry_run(rules, form)


@kyc.command(epilog="Example: [bold]comptoir kyc export | comptoir kyc dry-run v8.json[/bold]")
def export(url: ClientUrl = None, config: Config = None) -> None:
    """Print what a running daemon's rules have decided, as JSON lines: what `kyc dry-run` reads.

    A line names a file by its number and has the facts of its decision; nothing in it names a client.
    """
    from comptoir.engine.cli.kyc import run_export

    run_export(url, config)


@kyc.command(epilog="Example: [bold]comptoir kyc report[/bold]")
def report(
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="Tables with bars, or JSON.")
    ] = "table",
    url: ClientUrl = None,
    config: Config = None,
) -> None:
    """Show what a running daemon measures of onboarding: times, shares, cost, stability of scores."""
    from comptoir.engine.cli.kyc_report import run_report

    run_report(form, url, config)

"""The commands `comptoir match`: whether the partner base and the rule match as they should.

Rule: as in `app.py`, nothing heavy is imported here.
Source: issue 6, deliver 4; spec.md E9, X22, X23.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from comptoir.engine.cli.access import ClientUrl
from comptoir.engine.cli.options import HELP, Config

__all__ = ["match"]

match = typer.Typer(
    help="The merchant matcher's proof: labelled sets, backtests.", context_settings=HELP
)

Form = Annotated[
    Literal["table", "json"], typer.Option("--format", help="A table, or one line of JSON.")
]


@match.command(
    "score", epilog="Example: [bold]comptoir match score cases.jsonl --partners base.csv[/bold]"
)
def score_labels(
    labels: Annotated[
        Path,
        typer.Argument(metavar="LABELS.jsonl", help="A line each: label, partner, mcc, country."),
    ],
    partners: Annotated[
        Path, typer.Option(metavar="FILE.csv", help="The partner base, as it is imported.")
    ],
    form: Form = "table",
) -> int:
    """Tell precision and recall on labelled statement lines, and every one that went wrong.

    Exit status 1 where a label was given a partner that is not its own.
    """
    from comptoir.engine.cli.matching import run_score

    return run_score(labels, partners, form)


@match.command(epilog="Example: [bold]comptoir match backtest changed.csv[/bold]")
def backtest(
    base: Annotated[
        Path | None,
        typer.Argument(
            metavar="BASE.csv",
            help="Partners as they would be imported; without it the base in force, by this release's rule.",
            show_default=False,
        ),
    ] = None,
    purchases: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Purchases instead of a daemon's; BASE.csv is the whole base then.",
            show_default=False,
        ),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(
            "--alone", help="BASE.csv is the whole base, and not said of the one in force."
        ),
    ] = False,
    limit: Annotated[
        int, typer.Option(min=0, max=1000, help="Show at most so many of each kind.")
    ] = 20,
    form: Form = "table",
    url: ClientUrl = None,
    config: Config = None,
) -> int:
    """Try a changed partner base on purchases and kept candidates, before it is imported.

    Tells what would gain a partner, lose it, or change it. Nothing is changed. Exit status 1 where a purchase would
    have another partner than it had, or two.
    """
    from comptoir.engine.cli.backtesting import BacktestOptions, run_backtest

    return run_backtest(BacktestOptions(base, purchases, alone, form, limit), (url, config))


@match.command(epilog="Example: [bold]comptoir match cases > granted.jsonl[/bold]")
def cases(url: ClientUrl = None, config: Config = None) -> None:
    """Print granted claims as labelled cases, a line of JSON each, for `match score`."""
    from comptoir.engine.cli.backtesting import run_cases

    run_cases((url, config))

"""The commands `comptoir match`: whether the partner base and the rule match as they should.

Rule: as in `app.py`, nothing heavy is imported here.
Source: issue 6, deliver 4; spec.md E9, X22, X23.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from comptoir.engine.cli.options import HELP

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

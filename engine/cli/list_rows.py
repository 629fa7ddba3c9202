"""The commands `comptoir lists`: watch lists, indexed and shown.

Rule: as in `app.py`, nothing heavy is imported here. Source: issue 8, deliver 3.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from comptoir.engine.cli.options import HELP

__all__ = ["lists"]

lists = typer.Typer(
    help="Watch lists: build the index of one, tell what it holds.", context_settings=HELP
)

Form = Annotated[
    Literal["text", "json"], typer.Option("--format", help="A sentence, or one line of JSON.")
]


@lists.command(epilog="Example: [bold]comptoir lists build targets.simple.csv sanctions.idx[/bold]")
def build(
    source: Annotated[
        Path, typer.Argument(metavar="LIST", help="A list's file, or the folder of OFAC's files.")
    ],
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="The file to write.")],
    delta: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Changes to apply to it first, a line each.", show_default=False
        ),
    ] = None,
    form: Form = "text",
) -> None:
    """Read a list whole and write the index that `check screen --list` and a daemon (`screening.lists`) open at once."""
    from comptoir.engine.cli.listing import run_build

    run_build(source, index, delta, form)


@lists.command(epilog="Example: [bold]comptoir lists show sanctions.idx[/bold]")
def show(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="An index.")], form: Form = "text"
) -> None:
    """Tell an index's version, entries and names."""
    from comptoir.engine.cli.listing import run_show

    run_show(index, form)

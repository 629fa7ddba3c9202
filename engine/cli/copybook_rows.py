"""The commands `comptoir copybook`: records of a mainframe for the eye, field by field.

Rule: as in `app.py`, nothing heavy is imported here.
Source: spec.md E11 (copybook diff view); docs/copybook.md.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

from comptoir.engine.cli.options import HELP

__all__ = ["copybook"]

copybook = typer.Typer(
    help="Records of a mainframe, field by field: offset, bytes, meaning.", context_settings=HELP
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="COPYBOOK",
        help="A copybook's file; or the name of one of ours, as ACCOUNT-CREATE-REQUEST.",
    ),
]
CodePage = Annotated[
    str, typer.Option("--code-page", metavar="PAGE", help="cp037, cp1140, ascii and others.")
]
RecordFormat = Annotated[
    Literal["F", "V", "VB", "D"],
    typer.Option("--record-format", help="As in files: fixed, with RDW, in blocks, lines."),
]
RecordName = Annotated[
    str, typer.Option("--record", metavar="NAME", help="Of several records in one copybook.")
]
Number = Annotated[int, typer.Option("--number", min=1, help="Which record of the file, from 1.")]
Form = Annotated[
    Literal["table", "json"], typer.Option("--format", help="A table, or a line of JSON a field.")
]


@copybook.command(
    epilog="Example: [bold]comptoir copybook show ACCOUNT-REPLY reply.bin --code-page cp1140[/bold]"
)
def show(
    source: Source,
    data: Annotated[Path, typer.Argument(metavar="FILE", help="The bytes; - for standard input.")],
    code_page: CodePage = "cp037",
    record_format: RecordFormat = "F",
    record: RecordName = "",
    number: Number = 1,
    form: Form = "table",
) -> int:
    """Show a record: every field with its offset, its bytes in hex and what they mean.

    Exit status 1 where a field cannot be read.
    """
    from comptoir.engine.cli.copybooks import Asked, run_show

    return run_show(Asked(source, code_page, record_format, record, number, form), data)


@copybook.command(
    epilog="Example: [bold]comptoir copybook diff order.cpy sent.bin received.bin[/bold]"
)
def diff(
    source: Source,
    left: Annotated[Path, typer.Argument(metavar="FILE", help="The one; - for standard input.")],
    right: Annotated[Path, typer.Argument(metavar="OTHER", help="The other.")],
    code_page: CodePage = "cp037",
    record_format: RecordFormat = "F",
    record: RecordName = "",
    number: Number = 1,
    form: Form = "table",
    whole: Annotated[bool, typer.Option("--all", help="Fields that are the same, too.")] = False,
) -> int:
    """Compare two records by one copybook: the fields whose bytes differ.

    Exit status 1 where they differ.
    """
    from comptoir.engine.cli.copybooks import Asked, run_diff

    asked = Asked(source, code_page, record_format, record, number, form)
    return run_diff(asked, left, right, whole=whole)

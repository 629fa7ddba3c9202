"""What `comptoir copybook` does: one record, or two, by a copybook.

Rule: the functions that read are the adapter's own. What is shown is personal data, and is shown to whoever can read the
file: nothing of it goes anywhere else. Source: spec.md E11.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import typer

from comptoir.actors.gateways.account_record import COPYBOOKS, copybook_source
from comptoir.actors.gateways.copybook import (
    Codec,
    CopybookRefused,
    Options,
    RecordRefused,
    read_copybook,
)
from comptoir.actors.gateways.copybook.frames import raw_records
from comptoir.actors.gateways.copybook.showing import Difference, Shown, compare, show
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError, nearest, one_line
from comptoir.engine.cli.matching import read_file
from comptoir.engine.cli.tables import print_table

__all__ = ["Asked", "run_diff", "run_show"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be read, and how."""

    source: str
    code_page: str
    record_format: Literal["F", "V", "VB", "D"]
    record: str
    number: int
    form: Literal["table", "json"]


def run_show(asked: Asked, data: Path) -> int:
    """Print a record.

    Returns:
        The exit status: 1 where a field cannot be read.

    Raises:
        CommandError: a file that cannot be read, a copybook that is none, no such record.
    """
    codec = _codec(asked)
    rows = show(codec, _record(codec, asked, data))
    if asked.form == "json":
        for row in rows:
            typer.echo(json.dumps(asdict(row), ensure_ascii=False))
    else:
        head = ("field", "offset", "picture", "hex", "meaning")
        print_table(
            head,
            [(row.field, str(row.offset), row.picture, row.hex, _meaning(row)) for row in rows],
        )
    return EXIT_OTHER if any(row.wrong for row in rows) else 0


def run_diff(asked: Asked, left: Path, right: Path, *, whole: bool) -> int:
    """Print where two records differ.

    Returns:
        The exit status: 1 where they do.

    Raises:
        CommandError: as `run_show`.
    """
    codec = _codec(asked)
    rows = compare(codec, *(_record(codec, asked, path) for path in (left, right)))
    shown = [row for row in rows if whole or not row.is_same]
    if asked.form == "json":
        for row in shown:
            typer.echo(json.dumps({**asdict(row), "same": row.is_same}, ensure_ascii=False))
    else:
        head = ("field", "offset", "hex", "meaning", "other hex", "other meaning")
        print_table(head, [_row(row) for row in shown])
        typer.echo(f"{len(rows)} fields, {sum(not row.is_same for row in rows)} differ")
    return 0 if all(row.is_same for row in rows) else EXIT_OTHER


def _row(row: Difference) -> tuple[str, ...]:
    one = row.left or row.right
    assert one is not None
    return (one.field, str(one.offset), *_side(row.left), *_side(row.right))


def _side(row: Shown | None) -> tuple[str, str]:
    return (row.hex, _meaning(row)) if row is not None else ("", "(not there)")


def _meaning(row: Shown) -> str:
    return f"{row.wrong} {row.meaning}".strip() if row.wrong else row.meaning


def _codec(asked: Asked) -> Codec:
    if asked.source.upper() in COPYBOOKS:
        text = copybook_source(asked.source.upper())
    else:
        text = _source(asked.source)
    options = Options(code_page=asked.code_page, record_format=asked.record_format)
    try:
        return Codec(read_copybook(text, asked.record), options)
    except CopybookRefused as refused:
        raise CommandError(
            refused.code, one_line(str(refused)), "docs/copybook.md lists what is understood"
        ) from None
    except RecordRefused as refused:
        raise CommandError(
            refused.code, one_line(str(refused)), "see comptoir copybook show --help"
        ) from None


def _source(name: str) -> str:
    path = Path(name)
    if not path.exists():
        near = nearest(name.upper(), COPYBOOKS)
        remedy = (
            f"did you mean {near}?" if near else f"name a file, or one of {', '.join(COPYBOOKS)}"
        )
        raise CommandError("FILE_UNREADABLE", f"{one_line(name)} is no file", remedy)
    try:
        return read_file(path).decode("utf-8")
    except UnicodeDecodeError:
        text = f"{one_line(name)} is not UTF-8 text"
        raise CommandError("COPYBOOK_INVALID", text, "a copybook's source is text") from None


def _record(codec: Codec, asked: Asked, path: Path) -> bytes:
    """The bytes of the record that is meant; of F they may be too few or too many, which the table then shows."""
    data = sys.stdin.buffer.read() if str(path) == "-" else read_file(path)
    try:
        records: Any = raw_records(codec, data)
        for place, record in enumerate(records, 1):
            if place == asked.number:
                return bytes(record)
    except RecordRefused as refused:
        raise CommandError(
            refused.code, one_line(str(refused)), "see comptoir copybook show --help"
        ) from None
    raise CommandError("RECORD_MISSING", f"there is no record {asked.number} in it", "count from 1")

"""What `comptoir match` does: the matcher's proof, on files and on a daemon's purchases.

Rule: the functions that match are the daemon's own. Source: issue 6, deliver 4; spec.md E9.
"""

import json
from pathlib import Path
from typing import Any

import typer

from comptoir.actors.imports import parse_partners
from comptoir.actors.merchants import Builder, Catalogue, Partner
from comptoir.actors.merchants.scoring import Miss, Score, read_cases, score
from comptoir.engine.cli.errors import EXIT_OTHER, EXIT_USAGE, CommandError, one_line
from comptoir.engine.cli.tables import print_table

__all__ = ["run_score"]


def run_score(labels: Path, partners: Path, form: str) -> int:
    """Print what a labelled set comes to, and every label that went wrong.

    Returns:
        The exit status: 1 where a label was given a partner that is not its own, else 0.

    Raises:
        CommandError: a file cannot be read, or is none.
    """
    catalogue = catalogue_of(read_base(partners))
    try:
        cases = read_cases(read_file(labels).splitlines())
    except ValueError as error:
        text = f"{one_line(str(labels))}, {error}"
        raise CommandError("LABELS_INVALID", text, "a case is a line of JSON") from None
    result = score(catalogue, cases)
    if form == "json":
        typer.echo(json.dumps(_figures(result), ensure_ascii=False))
    else:
        _print(result)
    return EXIT_OTHER if result.false_partners else 0


def read_file(path: Path) -> bytes:
    """The whole file.

    Raises:
        CommandError: FILE_UNREADABLE.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        text = f"{one_line(str(path))} cannot be read ({error.strerror})"
        raise CommandError("FILE_UNREADABLE", text, "name a readable file") from None


def read_base(path: Path) -> tuple[Partner, ...]:
    """The partners of a file as `comptoir import partners` takes it.

    Raises:
        CommandError: FILE_UNREADABLE, or the first thing that is wrong with it.
    """
    parsed = parse_partners(read_file(path))
    if parsed.errors:
        first = parsed.errors[0]
        text = f"{one_line(str(path))}:{first.line}: {first.column or '-'}: {first.text}"
        raise CommandError(first.code, text, "correct it", exit_status=EXIT_USAGE)
    return parsed.rows


def catalogue_of(partners: tuple[Partner, ...]) -> Catalogue:
    """A snapshot of these partners."""
    builder = Builder(0)
    builder.add(partners)
    return builder.build()


def _figures(result: Score) -> dict[str, Any]:
    return {
        "labels": result.labels,
        "positives": result.positives,
        "given": result.given,
        "right": result.right,
        "falsePartners": result.false_partners,
        "precision": round(result.precision, 4),
        "recall": round(result.recall, 4),
        "misses": [
            {"label": one.case.label, "expected": one.case.partner, "given": one.given,
             "trace": list(one.trace)}
            for one in result.misses
        ],
    }  # fmt: skip


def _print(result: Score) -> None:
    if result.misses:
        rows = [_row(one) for one in sorted(result.misses, key=_false_first)]
        print_table(("label", "mcc", "is", "was given", "why"), rows)
    typer.echo(
        f"{result.labels} labels: precision {result.precision:.1%} "
        f"({result.false_partners} false partners), recall {result.recall:.1%} "
        f"({result.right} of {result.positives})"
    )


def _false_first(miss: Miss) -> bool:
    return not miss.is_false_partner


def _row(miss: Miss) -> tuple[str, ...]:
    case = miss.case
    return (
        case.label, case.mcc or "-", case.partner or "nobody", miss.given or "nobody",
        "; ".join(miss.trace[1:]),
    )  # fmt: skip

"""What `comptoir match backtest` does: a changed partner base, tried on purchases before it is published.

Rule: it changes nothing. Purchases, candidates and the base in force come from the daemon, as somebody of operations
may read them (docs/authorization.md); they are matched here, so the daemon goes on undisturbed. A file of purchases
stands for a daemon where there is none. Source: issue 6, deliver 4; spec.md E9, X22, X23.
"""

import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import typer

from comptoir.actors.merchants import Partner
from comptoir.actors.merchants.backtest import Backtest, Change, Finding, Seen, changed_base
from comptoir.engine.cli.clients import asked
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError, one_line
from comptoir.engine.cli.matching import catalogue_of, read_base, read_file
from comptoir.engine.cli.tables import print_table
from comptoir.http.principal import Role

__all__ = ["BacktestOptions", "run_backtest", "run_cases"]

PATH: Final = "/api/v1/matching"
PAGE_ITEMS: Final = 500
PER_TICK: Final = 500
"""Purchases between two steps of the bar."""
_SEEN: Final = msgspec.json.Decoder(Seen)

Where = tuple[str | None, Path | None]
"""The daemon's address and the settings' file, as given."""
Advance = Callable[[], None]


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """What is tried on what."""

    base: Path | None
    """Words about partners, as `comptoir import` takes them; None: the base in force, by this release's rule."""
    purchases: Path | None
    """A file that stands for the daemon."""
    alone: bool
    """Whether `base` is all that there is, and not said of the base in force."""
    form: str
    told: int
    """Findings of a kind that are shown."""


def run_backtest(options: BacktestOptions, where: Where) -> int:
    """Print gains, losses and conflicts.

    Returns:
        The exit status: 1 where there is a conflict, else 0.

    Raises:
        CommandError: USAGE, a file that cannot be read, or see `clients.asked`.
    """
    if options.base is None and (options.purchases is not None or options.alone):
        raise CommandError(
            "USAGE", "there is no base to try", "give BASE.csv, or ask a daemon for its own"
        )
    given = () if options.base is None else read_base(options.base)
    whole = options.alone or options.purchases is not None
    in_force = () if whole else tuple(_base_in_force(where))
    test = Backtest(catalogue_of(tuple(changed_base(in_force, given).values())))
    seen = _of_daemon(where) if options.purchases is None else _of_file(options.purchases)
    began = perf_counter()
    with _progress() as advance:
        for number, one in enumerate(seen, start=1):
            test.take(one)
            if number % PER_TICK == 0:
                advance()
    seconds = perf_counter() - began
    if options.form == "json":
        typer.echo(json.dumps(_figures(test, seconds, options.told), ensure_ascii=False))
    else:
        _print(test, seconds, options.told)
    return EXIT_OTHER if test.counts[Change.CONFLICT] else 0


def run_cases(where: Where) -> None:
    """Print granted claims as lines of a labelled set.

    Raises:
        CommandError: see `clients.asked`.
    """
    for item in _pages(f"{PATH}/cases", where):
        del item["claimId"]
        typer.echo(json.dumps(item, ensure_ascii=False))


def _pages(path: str, where: Where) -> Iterator[dict[str, Any]]:
    """Every item of a list."""
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": str(PAGE_ITEMS)} | ({"cursor": cursor} if cursor else {})
        page = _got(f"{path}?{urlencode(query)}", where)
        yield from page["items"]
        cursor = page["nextCursor"]


def _got(path: str, where: Where) -> dict[str, Any]:
    return asked(lambda client: client.get(path), *where, role=Role.OPERATIONS)


def _of_daemon(where: Where) -> Iterator[Seen]:
    for item in _pages(f"{PATH}/purchases", where):
        yield msgspec.convert(item, Seen)


def _base_in_force(where: Where) -> Iterator[Partner]:
    for item in _pages(f"{PATH}/partners", where):
        yield msgspec.convert(item, Partner)


def _of_file(path: Path) -> Iterator[Seen]:
    """A purchase a line, as the daemon's list has them; read as it is matched."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _read(path, number, line)
    except OSError:
        read_file(path)  # which says why
        raise


def _read(path: Path, number: int, line: bytes) -> Seen:
    try:
        return _SEEN.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = f"{one_line(str(path))}:{number}: {error}"
        raise CommandError("PURCHASES_INVALID", text, "a purchase is a line of JSON") from None


@contextmanager
def _progress() -> Generator[Advance]:
    """A bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("backtest"), BarColumn(), TextColumn("{task.completed:,.0f} purchases"), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("backtest", total=None)
        yield lambda: bar.advance(task, PER_TICK)


def _figures(test: Backtest, seconds: float, told: int) -> dict[str, Any]:
    return {
        "purchases": test.purchases,
        "candidates": test.candidates,
        "unchanged": test.unchanged,
        "gains": test.counts[Change.GAIN],
        "losses": test.counts[Change.LOSS],
        "conflicts": test.counts[Change.CONFLICT],
        "seconds": round(seconds, 3),
        "byPartner": {
            whose: {change.value: count for change, count in counted.items()}
            for whose, counted in sorted(test.by_partner.items())
        },
        "findings": [_shown(one) for one in _told(test, told)],
    }


def _told(test: Backtest, told: int) -> Iterable[Finding]:
    """What hurts most comes first."""
    for change in (Change.CONFLICT, Change.LOSS, Change.GAIN):
        yield from test.findings[change][:told]


def _shown(one: Finding) -> dict[str, object]:
    seen = one.seen
    return {
        "change": one.change.value, "label": seen.label, "mcc": seen.mcc, "date": seen.date,
        "before": seen.partner_id, "after": one.after, "trace": list(one.trace),
    }  # fmt: skip


def _print(test: Backtest, seconds: float, told: int) -> None:
    rows = [
        (one.change.value, one.seen.label, one.seen.partner_id or "nobody", one.after or "nobody", one.trace[-1])
        for one in _told(test, told)
    ]  # fmt: skip
    if rows:
        print_table(("change", "label", "was", "is", "why"), rows)
    typer.echo(
        f"{test.purchases} purchases ({test.candidates} of them candidates) in {seconds:.1f} s: "
        f"{test.counts[Change.GAIN]} gains, {test.counts[Change.LOSS]} losses, "
        f"{test.counts[Change.CONFLICT]} conflicts, {test.unchanged} unchanged"
    )

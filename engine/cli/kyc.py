"""What `comptoir kyc` does: rule sets and decisions, on files.

Rule: it decides by the daemon's own functions, and changes nothing. Source: issue 8, deliver 3; spec.md E2.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
import typer

from comptoir.actors.kyc import Facts, Rules
from comptoir.actors.kyc.deciding import decide
from comptoir.actors.kyc.replay import DryRun, Stored, read_stored
from comptoir.actors.kyc.rules import read_rules
from comptoir.engine.cli.clients import asked
from comptoir.engine.cli.errors import EXIT_OTHER, CommandError, one_line
from comptoir.engine.cli.matching import read_file
from comptoir.engine.cli.tables import print_table
from comptoir.engine.settings import Settings
from comptoir.http.principal import Role

__all__ = ["run_decide", "run_dry_run", "run_export", "run_rules"]


DECISIONS: Final = "/api/v1/kyc/decisions"
PAGE_ITEMS: Final = 200
"""Every one of them is asked of its own case."""


class _Case(msgspec.Struct, frozen=True):
    """A line of `kyc decide`."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    facts: Facts


_CASE: Final = msgspec.json.Decoder(_Case)


def run_rules(config: Path | None) -> None:
    """Print the rule set of the settings."""
    found = msgspec.json.encode(Rules.of(Settings.load(config, os.environ)))
    typer.echo(msgspec.json.format(found).decode())


def run_decide(path: Path | None, config: Path | None) -> None:
    """Decide on every line of standard input.

    Raises:
        CommandError: RULES_INVALID or FACTS_INVALID; what came before that line was answered.
    """
    rules = Rules.of(Settings.load(config, os.environ)) if path is None else _rules(path)
    for case in _cases():
        decided = decide(rules, case.facts)
        line = {"id": case.id, **msgspec.to_builtins(decided)}
        typer.echo(json.dumps(line, ensure_ascii=False))


def run_dry_run(path: Path, form: str) -> int:
    """Take decisions again, and print the flips.

    Returns:
        The exit status: 1 where there is a flip, else 0.

    Raises:
        CommandError: RULES_INVALID or DECISIONS_INVALID.
    """
    run = DryRun(_rules(path))
    for stored in _decisions():
        run.take(stored)
    if form == "json":
        typer.echo(json.dumps(_figures(run), ensure_ascii=False))
    else:
        _print(run)
    return EXIT_OTHER if run.flips else 0


def run_export(url: str | None, config: Path | None) -> None:
    """Print what the rules of a running daemon have decided, a decision a line, as a dry run reads it.

    Raises:
        CommandError: see `clients.asked`.
    """
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": str(PAGE_ITEMS)} | ({"cursor": cursor} if cursor else {})
        path = f"{DECISIONS}?{urlencode(query)}"
        page = _got(path, url, config)
        for item in page["items"]:
            typer.echo(json.dumps(item, ensure_ascii=False))
        cursor = page["nextCursor"]


def _got(path: str, url: str | None, config: Path | None) -> dict[str, Any]:
    return asked(lambda client: client.get(path), url, config, role=Role.COMPLIANCE)


def _rules(path: Path) -> Rules:
    try:
        return read_rules(read_file(path))
    except ValueError as error:
        text = f"{one_line(str(path))}: {error}"
        raise CommandError("RULES_INVALID", text, "comptoir kyc rules prints one") from None


def _cases() -> Iterator[_Case]:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            yield _CASE.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            text = f"line {number}: {error}"
            raise CommandError("FACTS_INVALID", text, "a line has id and facts") from None


def _decisions() -> Iterator[Stored]:
    try:
        yield from read_stored(sys.stdin.buffer)
    except ValueError as error:
        remedy = "give what kyc decide wrote, unchanged"
        raise CommandError("DECISIONS_INVALID", str(error), remedy) from None


def _figures(run: DryRun) -> dict[str, Any]:
    return {
        "rules": run.rules.version,
        "decisions": run.decisions,
        "moved": run.moved,
        "outcomes": {one.value: count for one, count in run.outcomes.items()},
        "flips": msgspec.to_builtins(run.flips),
    }


def _print(run: DryRun) -> None:
    if run.flips:
        rows = [
            (one.id, one.was.value, one.becomes.value, _score(one.score_was), _score(one.score_becomes), ", ".join(one.shares))
            for one in run.flips
        ]  # fmt: skip
        print_table(("file", "was", "becomes", "score was", "score is", "why"), rows)
    shares = ", ".join(
        f"{one.value} {count / run.decisions:.0%}" for one, count in run.outcomes.items()
    )
    typer.echo(
        f"{run.decisions} decisions under {run.rules.version}: {len(run.flips)} flips, "
        f"{run.moved} scores moved{'; ' + shares if shares else ''}"
    )


def _score(score: int | None) -> str:
    return "-" if score is None else str(score)

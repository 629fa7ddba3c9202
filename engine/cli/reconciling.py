"""`comptoir reconcile`: whether what we think was paid is what is said to have been paid, through a daemon's API.

Rule: as `comptoir dlq`: of OPERATIONS, by a token that it signs for itself; it reads reports, and makes none.
Source: spec.md S46, S50; docs/withdrawals.md.
"""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import typer

from comptoir.engine.cli.clients import asked
from comptoir.engine.cli.errors import EXIT_OTHER
from comptoir.engine.cli.tables import print_table
from comptoir.http.principal import Role

__all__ = ["run_reconcile"]

PATH: Final = "/api/v1/payouts/reconciliations"


def run_reconcile(
    day: str | None, limit: int, form: str, where: tuple[str | None, Path | None]
) -> None:
    """Print the reports, the newest day first, and what differs in them.

    Raises:
        CommandError: see `clients.asked`.
        typer.Exit: 1, something differs, or could not be compared.
    """
    query = {"limit": str(limit), **({"day": day} if day else {})}
    path = f"{PATH}?{urlencode(query)}"
    items = asked(lambda client: client.get(path), *where, role=Role.OPERATIONS)["items"]
    if form == "json":
        for item in items:
            typer.echo(json.dumps(item, ensure_ascii=False))
    else:
        _print(items)
    if any(one["differences"] or one["code"] for one in items):
        raise typer.Exit(EXIT_OTHER)


def _print(items: list[dict[str, Any]]) -> None:
    rows = [
        (x["day"], x["source"], _sum(x["ours"]), _sum(x["theirs"]), str(x["differences"]), x["code"] or "-")
        for x in items
    ]  # fmt: skip
    print_table(("day", "source", "ours", "theirs", "differences", "not compared"), rows)
    found = [
        (x["day"], row["reference"], row["kind"], _side(row, "our"), _side(row, "their"))
        for x in items
        for row in x["rows"]
    ]
    if found:
        print_table(("day", "reference", "what", "ours", "theirs"), found)


def _sum(totals: list[dict[str, Any]]) -> str:
    """Such as `2: 19.00 EUR`."""
    told = [f"{x['payments']}: {_amount(x['cents'])} {x['currency']}" for x in totals]
    return ", ".join(told) or "0"


def _side(row: dict[str, Any], whose: str) -> str:
    cents, status = row[f"{whose}Cents"], row[f"{whose}s"]
    return "-" if cents is None else f"{_amount(cents)} {status}"


def _amount(cents: int) -> str:
    units, rest = divmod(cents, 100)
    return f"{units}.{rest:02d}"

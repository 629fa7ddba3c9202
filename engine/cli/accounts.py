"""`comptoir core-banking`: accounts on the mainframe that have no end, through a daemon's API (E11).

Rules:
- to look it is of OPERATIONS, as `comptoir dlq`, by a token that it signs for itself. It has every account looked for once,
  all at first, and then waits for the answers; it decides nothing;
- whoever settles is a person, by their own token: two people settle, and who shares the command's own name are not two.
Source: spec.md X9, E11, E14; docs/core-banking.md.
"""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import typer

from comptoir.engine.cli.clients import asked
from comptoir.engine.cli.errors import EXIT_OTHER
from comptoir.engine.cli.tables import print_table
from comptoir.http.principal import Role

__all__ = ["advice", "run_reconcile", "run_settle"]

PATH: Final = "/api/v1/core-banking/accounts"
PAUSE_S: Final = 0.2
ORPHANED: Final = "ACCOUNT_ORPHANED"
_OVER: Final = ("created", "refused")

Where = tuple[str | None, Path | None]
"""The daemon's address and the settings' file, as given."""
Account = dict[str, Any]


def run_reconcile(wait_s: float, form: str, where: Where) -> None:
    """Print every account without an end: its age, what the mainframe says now, and what to do.

    Raises:
        CommandError: see `clients.asked`.
        typer.Exit: 1, one is held.
    """
    names = [one["onboardingId"] for one in _open(where)]
    found = {name: _said("POST", f"{_path(name)}/look", where) for name in names}
    until = time.monotonic() + wait_s
    while any(one["looking"] for one in found.values()) and time.monotonic() < until:
        time.sleep(PAUSE_S)
        waits = [name for name, one in found.items() if one["looking"]]
        found |= {name: _said("GET", _path(name), where) for name in waits}
    told = [{**one, "age": _age(one["askedAt"]), "advice": advice(one)} for one in found.values()]
    if form == "json":
        for one in told:
            typer.echo(json.dumps(one, ensure_ascii=False))
    else:
        _print(told)
    if any(one["status"] == "held" for one in told):
        raise typer.Exit(EXIT_OTHER)


def advice(one: Account) -> str:
    """What somebody should do about an account, as it is after the look."""
    found = one["seen"]
    seen = None if found is None else found["outcome"]
    if one["status"] in _OVER:
        return "nothing: it has its end now"
    if one["settling"]:
        return "wait: two people have settled it, and the mainframe is asked"
    if seen is None:
        return "see that the mainframe and its queues are there: it has not answered"
    if one["status"] != "held":
        return "wait: it is looked for again, and asked for again if nothing is there"
    if seen == "absent":
        return "settle it as refused"
    if one["code"] == ORPHANED:
        return "close it on the mainframe, look again, and settle it as refused"
    return "if it is the one that stands, settle it as created; else close it there first"


def run_settle(number: str, body: dict[str, str], token: Path, where: Where) -> None:
    """Ask for it; one line of JSON, with the id under which a second person approves it.

    Args:
        number: the file's.
        body: outcome and reason.
        token: the file of the person's access token; `-` is standard input.
        where: the daemon.

    Raises:
        CommandError: USAGE; see `clients.asked`.
    """
    path = f"{_path(number)}/settle"
    told = asked(lambda client: client.request("POST", path, json=body), *where, token_file=token)
    typer.echo(json.dumps(told, ensure_ascii=False))


def _open(where: Where) -> list[Account]:
    items: list[Account] = []
    cursor: str | None = ""
    while cursor is not None:
        query = f"?{urlencode({'cursor': cursor})}" if cursor else ""
        page = _said("GET", f"{PATH}{query}", where)
        items += page["items"]
        cursor = page["nextCursor"]
    return items


def _path(number: str) -> str:
    return f"{PATH}/{quote(number, safe='')}"


def _said(method: str, path: str, where: Where) -> dict[str, Any]:
    return asked(lambda client: client.request(method, path), *where, role=Role.OPERATIONS)


def _print(told: list[Account]) -> None:
    rows = [
        (x["onboardingId"], x["status"], x["code"] or "-", x["age"], str(x["attempts"]), _mainframe(x), x["advice"])
        for x in told
    ]  # fmt: skip
    print_table(("file", "status", "why", "asked ago", "commands", "the mainframe", "to do"), rows)


def _mainframe(one: Account) -> str:
    """What it says: `created ********0001`, `absent`, or nothing."""
    seen = one["seen"]
    if seen is None:
        return one["status"] if one["status"] in _OVER else "no answer"
    return " ".join(filter(None, (seen["outcome"], seen["accountNumber"])))


def _age(at: str) -> str:
    """Such as `3d 4h` or `12m`, by this machine's clock."""
    ago = datetime.now(UTC) - datetime.fromisoformat(at)
    minutes = max(int(ago.total_seconds()) // 60, 0)
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"{days}d {hours}h" if days else f"{hours}h {minutes % 60}m"

"""`comptoir dlq` and `comptoir parking`, through the API of a running daemon.

Rule: as `comptoir client`: it signs a token for itself, of OPERATIONS here, and does nothing that somebody
of operations could not do; what needs two people is asked for with a person's own token. Ages are counted from this
machine's clock. Source: interface.md 7; spec.md S64, E5, E14.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import typer

from comptoir.engine.cli.clients import asked
from comptoir.engine.cli.errors import CommandError
from comptoir.engine.cli.tables import print_table
from comptoir.http.principal import Role

__all__ = [
    "Wanted",
    "run_discard",
    "run_disposition",
    "run_list",
    "run_parking",
    "run_queues",
    "run_replay",
    "run_reports",
    "run_show",
]

PATH: Final = "/api/v1/dead-letters"
PAGE_ITEMS: Final = 50
_AGE: Final = re.compile(r"([0-9]{1,6})([smhd])").fullmatch
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Where = tuple[str | None, Path | None]
"""The daemon's address and the settings' file, as given."""


class Wanted(NamedTuple):
    """Which letters are meant, as the options say."""

    queue: str | None
    code: str | None
    kind: str | None
    older_than: str | None
    newer_than: str | None

    def fields(self) -> dict[str, str]:
        """As the API takes them.

        Raises:
            CommandError: USAGE, an age is none.
        """
        times = {"diedBefore": self.older_than, "diedFrom": self.newer_than}
        found = {"queue": self.queue, "code": self.code, "kind": self.kind}
        found |= {name: _time(age) for name, age in times.items() if age is not None}
        return {name: value for name, value in found.items() if value is not None}


def _time(age: str) -> str:
    """The moment that was so long ago."""
    found = _AGE(age)
    if found is None:
        raise CommandError("USAGE", f"{age!r} is no age", "give one such as 90s, 15m, 2h or 7d")
    moment = datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _got(path: str, where: Where) -> dict[str, Any]:
    return asked(lambda client: client.get(path), *where, role=Role.OPERATIONS)


def _posted(path: str, body: object, where: Where, token: Path | None = None) -> dict[str, Any]:
    return asked(
        lambda client: client.post(path, json=body), *where, role=Role.OPERATIONS, token_file=token
    )


def run_list(wanted: Wanted, limit: int, form: str, where: Where) -> None:
    """Print letters, page by page, up to a number.

    Raises:
        CommandError: USAGE, or see `clients.asked`.
    """
    fields, items = wanted.fields(), list[dict[str, Any]]()
    cursor: str | None = ""
    while cursor is not None and len(items) < limit:
        query = {**fields, "limit": str(min(PAGE_ITEMS, limit - len(items)))}
        if cursor:
            query["cursor"] = cursor
        page = _got(f"{PATH}?{urlencode(query)}", where)
        items += page["items"]
        cursor = page["nextCursor"]
    if form == "json":
        _lines(items)
        return
    rows = [
        (x["letterId"], x["queue"], x["kind"], x["code"], str(len(x["attempts"])), x["diedAt"],
         x["expiresAt"] or "never")
        for x in items
    ]  # fmt: skip
    print_table(("letter", "queue", "to", "reason", "attempts", "died", "kept until"), rows)
    if cursor is not None:
        typer.echo("there are more: see --limit, or narrow it")


def run_queues(form: str, where: Where) -> None:
    """Print what each queue holds, by reason.

    Raises:
        CommandError: see `clients.asked`.
    """
    items = _got(f"{PATH}/queues", where)["items"]
    if form == "json":
        _lines(items)
        return
    rows = [
        (x["queue"], cause["code"], str(cause["letters"]), str(cause["fresh"]), cause["oldestAt"])
        for x in items
        for cause in x["causes"]
    ]
    print_table(("queue", "reason", "letters", "within a day", "oldest"), rows)


def run_show(letter_id: str, form: str, where: Where) -> None:
    """Print one letter and what it says.

    Raises:
        CommandError: see `clients.asked`.
    """
    path = f"{PATH}/{quote(letter_id, safe='')}"
    letter, said = _got(path, where), _got(f"{path}/content", where)
    if form == "json":
        _lines([{**letter, **said}])
        return
    rows = [(name, _plain(value)) for name, value in letter.items() if name != "attempts"]
    rows += [
        (f"attempt {n}", f"{x['at']} {x['outcome']}") for n, x in enumerate(letter["attempts"], 1)
    ]
    rows += [("message", said["message"]), ("key", said["key"])]
    rows += [(f"  {name}", _plain(value)) for name, value in said["fields"].items()]
    rows += [("not shown", ", ".join(said["withheld"]) or "-")]
    print_table(("of the letter", ""), rows)
    if said["record"] is not None:
        _print_record(said["record"])


def _print_record(record: dict[str, Any]) -> None:
    rows = [
        (x["field"], str(x["offset"]), x["picture"], x["hex"], x["meaning"] or "", x["wrong"] or "")
        for x in record["fields"]
    ]
    size = f"{record['bytes']} of {record['expectedBytes']} bytes"
    print_table((record["copybook"], "offset", "picture", "hex", "meaning", size), rows)


def run_replay(
    letter_id: str | None, wanted: Wanted, where: Where, token: Path | None = None
) -> None:
    """Replay one, or ask for many, by a person's own token; one line of JSON.

    Raises:
        CommandError: USAGE, or see `clients.asked`.
    """
    fields = wanted.fields()
    if letter_id is None and "queue" not in fields:
        raise CommandError(
            "USAGE", "neither a letter nor a queue is given", "give LETTER_ID or --queue"
        )
    if letter_id is not None and fields:
        raise CommandError("USAGE", "both a letter and a filter are given", "give one of them")
    if letter_id is not None:
        found = _posted(f"{PATH}/{quote(letter_id, safe='')}/replay", {}, where, token)
    else:
        found = _posted(f"{PATH}/replay", fields, where, token)
    _lines([found])


def run_discard(letter_id: str, reason: str, where: Where, token: Path | None = None) -> None:
    """Give one up; what takes two people by a person's own token; one line of JSON.

    Raises:
        CommandError: see `clients.asked`.
    """
    path = f"{PATH}/{quote(letter_id, safe='')}/discard"
    _lines([_posted(path, {"reason": reason}, where, token)])


def run_disposition(disposition_id: str, where: Where) -> None:
    """Print a disposition; one line of JSON.

    Raises:
        CommandError: see `clients.asked`.
    """
    _lines([_got(f"{PATH}/dispositions/{quote(disposition_id, safe='')}", where)])


def run_reports(form: str, where: Where) -> None:
    """Print the daily reports.

    Raises:
        CommandError: see `clients.asked`.
    """
    items = _got(f"{PATH}/reports", where)["items"]
    if form == "json":
        _lines(items)
        return
    rows = [
        (x["at"], str(x["letters"]), str(x["fresh"]), x["oldestAt"] or "-",
         ", ".join(f"{c['code']} {c['letters']}" for c in x["causes"]) or "-", x["mail"] or "-")
        for x in items
    ]  # fmt: skip
    print_table(("made", "letters", "new", "oldest", "reasons", "mail"), rows)


def run_parking(form: str, where: Where) -> None:
    """Print how outside parties are doing.

    Raises:
        CommandError: see `clients.asked`.
    """
    items = _got("/api/v1/parking", where)["items"]
    if form == "json":
        _lines(items)
        return
    rows = [
        (x["gateway"], x["breaker"], str(x["parked"]), str(x["waiting"]), str(x["inFlight"]),
         x["nextProbeAt"] or "-", f"{x['releasePerSecond']:g}/s", x["estimatedReleaseAt"] or "-")
        for x in items
    ]  # fmt: skip
    print_table(
        ("party", "breaker", "parked", "due", "in flight", "next probe", "pace", "released by"), rows
    )  # fmt: skip


def _lines(items: Sequence[object]) -> None:
    """A line of JSON each."""
    for item in items:
        typer.echo(json.dumps(item, ensure_ascii=False))


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""`comptoir import partners|connections FILE.csv`: to the running daemon, else to the database.

Rule: one reader of the file, the daemon's; a wrong line changes nothing and is told as
`FILE:LINE: COLUMN: CODE: text`. Source: interface.md 4.
"""

import json
import os
import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import httpx
import trio
import typer

from comptoir.engine.cli.daemons import client_of, daemon_address, is_live
from comptoir.engine.cli.errors import (
    EXIT_OTHER,
    EXIT_USAGE,
    CommandError,
    one_line,
)
from comptoir.engine.settings import Settings

if TYPE_CHECKING:
    pass

__all__ = ["Outcome", "Wrong", "post_csv", "run_import"]

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
"""What a daemon takes at once (http/edge.py)."""
STDIN = "-"
COUNTS: Final = ("imported", "updated", "unchanged")
STANDBY_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing wrong with a file."""

    pointer: str
    """`/LINE/COLUMN`, the column empty where the row as a whole is meant."""
    code: str
    text: str

    def line(self, file: str) -> str:
        """`FILE:LINE: COLUMN: CODE: text`; `-` stands for the whole row."""
        _, number, column = self.pointer.split("/", 2)
        name = column.replace("~1", "/").replace("~0", "~") or "-"
        return f"{file}:{number}: {name}: {self.code}: {one_line(self.text)}"


Outcome = dict[str, int] | list[Wrong]
"""The counts, or what is wrong with the file, of which nothing was taken then."""


def run_import(kind: str, file: str, url: str | None, config: Path | None) -> int:
    """Import; the last line of standard output has the counts.

    Returns:
        The exit status: 0, or 2 where the file is wrong.
    """
    data = _read(file)
    outcome = trio.run(_import, kind, data, url, config)
    if isinstance(outcome, list):
        for wrong in outcome:
            sys.stderr.write(wrong.line(file) + "\n")
        count = f"{len(outcome)} error{'s' if len(outcome) > 1 else ''}"
        text = f"{one_line(file)} has {count}, and nothing was changed"
        sys.stderr.write(f"comptoir: IMPORT_REFUSED: {text}: correct them and import it again\n")
        return EXIT_USAGE
    typer.echo(json.dumps(outcome))
    return 0


def _read(file: str) -> bytes:
    try:
        if file == STDIN:
            data = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        text = f"{one_line(file)} cannot be read ({reason})"
        raise CommandError("FILE_UNREADABLE", text, "name a readable CSV file") from None
    if len(data) > FILE_BYTES_MAX:
        text = f"{one_line(file)} is over {FILE_BYTES_MAX // 2**20} MiB"
        raise CommandError("FILE_TOO_LARGE", text, "import it in parts")
    return data


async def _import(kind: str, data: bytes, url: str | None, config: Path | None) -> Outcome:
    if url is not None:
        return await _to_daemon(url, kind, data)
    settings = Settings.load(config, os.environ)
    address = daemon_address(settings)
    certificate = settings.http.tls_certificate
    if address is not None and await is_live(address, certificate):
        return await _to_daemon(address, kind, data, certificate)
    return await _to_database(settings, kind, data)


async def _to_daemon(address: str, kind: str, data: bytes, certificate: str = "") -> Outcome:
    try:
        async with client_of(address, certificate) as client:
            return await post_csv(client, kind, data)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        text = f"{one_line(address)} is not an http address"
        raise CommandError("USAGE", text, "give --url http://127.0.0.1:8080") from None
    except httpx.HTTPError as error:
        raise CommandError(
            "DAEMON_UNREACHABLE",
            f"no daemon answers on {one_line(address)} ({type(error).__name__})",
            "start it with comptoir serve, or leave --url away to write to the database",
            exit_status=EXIT_OTHER,
        ) from None


async def post_csv(client: httpx.AsyncClient, kind: str, data: bytes) -> Outcome:
    """Hand a file to a daemon; what it did, or what is wrong.

    Raises:
        CommandError: the daemon does not take it now, or it is none.
        httpx.HTTPError: it cannot be reached.
    """
    headers = {"Content-Type": "text/csv"}
    answer = await client.post(f"/dev/v1/import/{kind}", content=data, headers=headers)
    body = _json(answer)
    if answer.status_code == HTTPStatus.OK and all(name in body for name in COUNTS):
        return {name: int(body[name]) for name in COUNTS}
    if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and body.get("errors"):
        return [Wrong(one["pointer"], one["code"], one["detail"]) for one in body["errors"]]
    code = body.get("code")
    if not isinstance(code, str):
        raise CommandError(
            "NOT_A_DAEMON",
            f"what answers there is no comptoir daemon (status {answer.status_code})",
            "give its address with --url",
        )
    text = one_line(str(body.get("detail") or body.get("title") or "refused"))
    remedy = "try again in a while" if body.get("retryable") else "see the daemon's log"
    raise CommandError(one_line(code), text, remedy, exit_status=EXIT_OTHER)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


async def _to_database(settings: Settings, kind: str, data: bytes) -> Outcome:
    """Without a daemon: become the writer for the length of the import."""
    # Heavy, and only wanted where no daemon runs.
    from comptoir.engine.boot import Daemon
    from comptoir.engine.telemetry import configure_logging
    from comptoir.http.imports import IMPORTS, BadFile

    configure_logging(settings.log.format, "warning")
    async with Daemon(settings).open(listen=False) as daemon:
        try:
            counts = await IMPORTS[kind](daemon, data)
        except BadFile as bad:
            return [Wrong(one["pointer"], one["code"], one["detail"]) for one in bad.errors]
    return {
        "imported": counts["imported"],
        "updated": counts["updated"],
        "unchanged": counts["unchanged"],
    }

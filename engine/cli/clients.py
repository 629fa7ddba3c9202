"""`comptoir client add|list|revoke`: credentials of services, through the API of a running daemon.

Rule: it does nothing that an ADMIN could not do by the API. Its own right is a token of that role, for a
minute, that it signs with the keys of the data folder: who can read them could do so by hand, so file
permissions are its authorization, and each such token is on record (`comptoir token`). So it works beyond
loopback as well, where `auth.dev_tokens` must be false.
Source: interface.md 9; spec.md X7.
"""

import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

import httpx
import trio
import typer

from comptoir.engine.cli.daemons import client_of, daemon_address
from comptoir.engine.cli.errors import EXIT_OTHER, EXIT_USAGE, CommandError, one_line
from comptoir.engine.cli.tokens import CLIENT_ID, signed_by_hand
from comptoir.engine.settings import Settings
from comptoir.http.identity.issuing import BY_HAND_METHODS, Grant, noted_issuer
from comptoir.http.identity.signing import KEYS_FOLDER
from comptoir.http.principal import Role

__all__ = ["asked", "run_add", "run_list", "run_revoke"]

LIFE_SECONDS: Final = 60
"""Of the token: a request, and clocks that differ."""
PATH: Final = "/api/v1/clients"
TOKEN_BYTES_MAX: Final = 16_384
"""Of an access token: as much as a header may have."""
_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*").fullmatch
"""RFC 6750, section 2.1: b64token."""

Work = Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]


def run_add(name: str, scopes: tuple[str, ...], url: str | None, config: Path | None) -> None:
    """Register a service; one line of JSON with `clientId` and `clientSecret`.

    Raises:
        CommandError: see `asked`.
    """
    words = [word for given in scopes for word in given.split()]
    body = {"name": name, "scopes": list(dict.fromkeys(words))}
    found = asked(lambda client: client.post(PATH, json=body), url, config)
    shown = {"clientId": found["clientId"], "clientSecret": found["clientSecret"]}
    typer.echo(json.dumps(shown))


def run_list(url: str | None, config: Path | None) -> None:
    """Print every service, a line of JSON each.

    Raises:
        CommandError: see `asked`.
    """
    for item in asked(lambda client: client.get(PATH), url, config)["items"]:
        typer.echo(json.dumps(item, ensure_ascii=False))


def run_revoke(client_id: str, url: str | None, config: Path | None) -> None:
    """Give a service no more tokens.

    Raises:
        CommandError: see `asked`.
    """
    path = f"{PATH}/{quote(client_id, safe='')}"
    typer.echo(json.dumps(asked(lambda client: client.delete(path), url, config)))


def asked(
    work: Work,
    url: str | None,
    config: Path | None,
    role: Role = Role.ADMIN,
    token_file: Path | None = None,
) -> dict[str, Any]:
    """What the daemon answers to whoever has this role, or this token.

    Args:
        work: one request.
        url: the daemon's address; None: as the settings say.
        config: the settings' file.
        role: of the token that the command signs for itself.
        token_file: of the person's own access token instead; `-` is standard input.

    Raises:
        CommandError: DAEMON_UNREACHABLE, USAGE, or the daemon's own code.
    """
    given = None if token_file is None else _given(token_file)
    settings = Settings.load(config, os.environ)
    address = url or _address(settings)
    if given is None:
        grant = Grant(CLIENT_ID, (role,), (), CLIENT_ID, LIFE_SECONDS, BY_HAND_METHODS)
        token = signed_by_hand(settings, grant)
    else:
        token = given
    headers = {"Authorization": f"Bearer {token}"}

    async def ask() -> httpx.Response:
        async with client_of(address) as client:
            client.headers.update(headers)
            return await work(client)

    try:
        answer = trio.run(ask)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        text = f"{one_line(address)} is not an http address"
        raise CommandError("USAGE", text, "give --url http://127.0.0.1:8080") from None
    except httpx.HTTPError as error:
        raise CommandError(
            "DAEMON_UNREACHABLE",
            f"no daemon answers on {one_line(address)} ({type(error).__name__})",
            "start it with comptoir serve, or give its address with --url",
            exit_status=EXIT_OTHER,
        ) from None
    return _read(answer, by_command=given is None)


def _given(path: Path) -> str:
    """The token of a person.

    Raises:
        CommandError: USAGE, there is none.
    """
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as source:
            found = source.read(TOKEN_BYTES_MAX + 1).strip()
    except OSError:
        found = b""
    if len(found) > TOKEN_BYTES_MAX or not _TOKEN(found):
        text = "--token-file holds no access token"
        remedy = "give the file of the token with which you are signed in"
        raise CommandError("USAGE", text, remedy)
    return found.decode("ascii")


def _address(settings: Settings) -> str:
    """Where the daemon of these settings listens: as they say, or as it noted for any free port."""
    found = daemon_address(settings)
    if found is None and not settings.auth.issuer:
        found = noted_issuer(settings.storage.data_dir / KEYS_FOLDER)
    if found is None:
        text = "http.port is any free one, and nothing says which"
        raise CommandError("USAGE", text, "give the daemon's address with --url")
    return found


def _read(answer: httpx.Response, *, by_command: bool) -> dict[str, Any]:
    """The body of a success; a problem becomes an error of the command."""
    try:
        body = cast("dict[str, Any]", answer.json())
    except ValueError:
        body = {}
    if answer.is_success:
        return body
    code = body.get("code")
    if not isinstance(code, str):
        text = f"what answers there is no comptoir daemon (status {answer.status_code})"
        raise CommandError("NOT_A_DAEMON", text, "give its address with --url")
    faults = body.get("errors") or [body]
    text = one_line(str(faults[0].get("detail") or "refused"))
    mine = answer.status_code in (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_FOUND)
    remedy = "correct it" if mine else "see the daemon's log"
    if code == "FORBIDDEN" and by_command:
        remedy = "a command is no person: where two decide, give your own token with --token-file"
    status = EXIT_USAGE if mine else EXIT_OTHER
    raise CommandError(one_line(code), text, remedy, exit_status=status)

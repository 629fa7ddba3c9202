"""`comptoir staff`, `person`, `approval`: people of the house, and what two of them decide, through the API
of a running daemon.

Rule: as `comptoir client`: nothing that an ADMIN could not do. What needs two people is said by each of them with their own
token: a command is nobody, neither whoever asks nor whoever approves. A link is printed once and kept nowhere.
Source: interface.md 9; spec.md S34, S59, E14, X8.
"""

import json
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import typer

from comptoir.engine.cli.clients import asked

__all__ = ["run_add_staff", "run_approval", "run_erase", "run_list", "run_remove_staff"]


def run_add_staff(
    sub: str, roles: tuple[str, ...], token: Path | None, url: str | None, config: Path | None
) -> None:
    """Print one line of JSON with `enrolUrl`, which is good once, and `expiresAt`; and, where a second
    person has to approve it first, `approvalId`.

    Raises:
        CommandError: see `clients.asked`.
    """
    body = {"sub": sub, "roles": list(dict.fromkeys(roles))}
    found = asked(
        lambda client: client.post("/api/v1/staff", json=body), url, config, token_file=token
    )
    names = ("approvalId", "enrolUrl", "expiresAt")
    typer.echo(json.dumps({name: found[name] for name in names if name in found}))


async def _page(path: str, client: httpx.AsyncClient) -> httpx.Response:
    """One page of a list."""
    return await client.get(path)


def run_list(path: str, url: str | None, config: Path | None) -> None:
    """Print a list of the API to its end, a line of JSON each.

    Args:
        path: of the list.
        url: the daemon's address.
        config: the settings' file.

    Raises:
        CommandError: see `clients.asked`.
    """
    cursor: str | None = ""
    while cursor is not None:
        query = f"?cursor={cursor}" if cursor else ""
        found = asked(partial(_page, path + query), url, config)
        for item in found["items"]:
            typer.echo(json.dumps(item, ensure_ascii=False))
        cursor = found["nextCursor"]


def run_remove_staff(sub: str, token: Path | None, url: str | None, config: Path | None) -> None:
    """End all that somebody has; one line of JSON when it is in force. One of two ADMINs is dismissed by a person.

    Raises:
        CommandError: see `clients.asked`.
    """
    work = asked(
        lambda client: client.post("/api/v1/staff/removals", json={"sub": sub}),
        url,
        config,
        token_file=token,
    )
    typer.echo(json.dumps(work))


def run_erase(sub: str, token: Path, url: str | None, config: Path | None) -> None:
    """Ask for somebody's erasure; one line of JSON with `approvalId` and `erasureId`.

    Raises:
        CommandError: see `clients.asked`.
    """
    found = asked(
        lambda client: client.post("/api/v1/erasures", json={"sub": sub}),
        url,
        config,
        token_file=token,
    )
    typer.echo(json.dumps(found))


def run_approval(
    approval_id: str, act: str, token: Path | None, url: str | None, config: Path | None
) -> None:
    """Show, approve or reject what was asked for; one line of JSON.

    Args:
        approval_id: as it was printed.
        act: `show`, `approve` or `reject`.
        token: whose word it is; None: it is only shown.
        url: the daemon's address.
        config: the settings' file.

    Raises:
        CommandError: see `clients.asked`.
    """
    path = f"/api/v1/approvals/{quote(approval_id, safe='')}"
    if act == "show":
        found = asked(lambda client: client.get(path), url, config)
    else:
        found = asked(lambda client: client.post(f"{path}/{act}"), url, config, token_file=token)
    typer.echo(json.dumps(found, ensure_ascii=False))

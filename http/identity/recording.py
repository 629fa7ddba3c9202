"""Tokens made by hand, taken over into the audit log while the daemon runs.

The rule: a line is removed when it is durable in the log, and not before; a line that is told twice, after
a crash in between, is recorded once, by its `jti`. Lines go in the order in which they were written. While
the engine takes nothing, they wait where they are.
Source: interface.md 9 (recorded in the audit log); spec.md S36; `issued` (the file).
"""

import errno
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
import trio

from comptoir.actors.issuance.messages import BY_HAND, RecordToken
from comptoir.engine import EngineError, Failed
from comptoir.http.identity import issued
from comptoir.http.port import ApiPort

__all__ = ["keep_taking_over", "take_over"]

log = structlog.get_logger("comptoir.identity")

PERIOD_SECONDS: Final = 1.0
"""A look at a folder; commands that made a token have ended long before anybody reads the log."""


class _Line(msgspec.Struct, frozen=True, rename="camel"):
    """A line of the file, as `issued` writes it."""

    jti: str
    at: int
    sub: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...]
    client_id: str
    seconds: int
    uid: int


async def take_over(port: ApiPort, folder: Path) -> int:
    """Have every line that waits recorded; how many.

    Args:
        port: the daemon.
        folder: DATA_DIR/keys.

    Raises:
        EngineError: some may be recorded, and none is removed; call it again.
        OSError: the folder cannot be read.
    """
    rows = await trio.to_thread.run_sync(issued.waiting, folder)
    lines = _read(rows)
    for line in lines:
        message = RecordToken(
            token_id=line.jti,
            issued_at=line.at,
            subject=line.sub,
            roles=line.roles,
            scopes=line.scopes,
            client_id=line.client_id,
            life_s=line.seconds,
            account=line.uid,
        )
        with suppress(Failed):  # it is a dead letter now, and that is kept as well
            await port.ask(BY_HAND, message)
    await trio.to_thread.run_sync(issued.taken, folder)
    return len(lines)


async def keep_taking_over(port: ApiPort, folder: Path) -> None:
    """Take over what waits, at once and then whenever there is more, until cancelled."""
    told = ""
    while True:
        why = await _try(port, folder)
        if why and why != told:  # once for each trouble, not once a second
            log.warning("tokens made by hand wait for the audit log", why=why)
        told = why
        await trio.sleep(PERIOD_SECONDS)


async def _try(port: ApiPort, folder: Path) -> str:
    """Take over what waits; why it goes on waiting, or nothing."""
    try:
        await take_over(port, folder)
    except EngineError as error:
        return error.code
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "OSError")
    return ""


def _read(rows: Sequence[Mapping[str, Any]]) -> list[_Line]:
    """The lines that are of the form; one that is not was not written by us, and is told."""
    lines: list[_Line] = []
    for row in rows:
        try:
            lines.append(msgspec.convert(row, _Line))
        except msgspec.ValidationError:
            log.warning("no line of ours is in the record of tokens", file=issued.RECORD_FILE)
    return lines

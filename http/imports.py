"""Partners and connections handed to a running daemon as CSV (`comptoir import`).

The rule: a file is read and judged as a whole before the first message is sent; a wrong line
changes nothing. Partners become one message and so change together. Connections are one message
each, a bounded number at a time; an import that is cut short may be sent again, since what is there
already is `unchanged`.
Source: interface.md 4; design.md 2 (the one path), 5 (nothing unbounded).
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final, NamedTuple, TypedDict, TypeVar

import trio

from comptoir.actors.connection import messages as connection
from comptoir.actors.imports import (
    ERRORS_MAX,
    ConnectionRow,
    LineError,
    read_connections,
    read_partners,
)
from comptoir.actors.merchants import messages as merchants
from comptoir.engine import Address, EngineError, Overloaded
from comptoir.http.port import Port
from comptoir.http.problems import FieldError

__all__ = ["IMPORTS", "BadFile", "Counts", "import_connections", "import_partners"]

ASKS_AT_ONCE: Final = 64
"""Enough to fill a batch of the journal, far from filling any bound of the engine."""
ROWS_PER_BREATH: Final = 50
"""About a millisecond of reading before other tasks get their turn (design.md 2)."""
ASK_SECONDS_MAX: Final = 60.0
OVERLOADED_RETRIES_MAX: Final = 6
"""0.05 s doubled six times: three seconds of patience for each row."""
OVERLOADED_PAUSE_SECONDS: Final = 0.05

Row = TypeVar("Row")


class Counts(TypedDict):
    """What an import did, as interface.md 4 shows it."""

    imported: int
    updated: int
    unchanged: int


class BadFile(Exception):
    """The file is refused; `errors` names lines and columns, at most a hundred."""

    def __init__(self, errors: list[FieldError]) -> None:
        """Keep what is wrong where."""
        super().__init__("REQUEST_INVALID")
        self.errors = errors


class _Link(NamedTuple):
    """One connection on its way."""

    address: Address
    message: connection.LinkConnection


async def import_partners(port: Port, data: bytes) -> Counts:
    """Add or update all partners of a file at once.

    Raises:
        BadFile: nothing was changed.
        EngineError: nothing was changed, or it is not known; send it again.
    """
    message = merchants.ImportPartners(tuple(await _rows(read_partners(data))))
    answer = await port.ask(merchants.MERCHANTS, message, ASK_SECONDS_MAX)
    reply = answer.reply
    assert isinstance(reply, merchants.PartnersImported)
    return Counts(imported=reply.imported, updated=reply.updated, unchanged=reply.unchanged)


async def import_connections(port: Port, data: bytes) -> Counts:
    """Make every connection of a file known.

    Raises:
        BadFile: nothing was changed.
        EngineError: some may be changed; send it again.
    """
    rows = await _rows(read_connections(data))
    links = (_link(port, row) for row in rows)
    counts = Counts(imported=0, updated=0, unchanged=0)
    failed: list[EngineError] = []

    async def work(scope: trio.CancelScope) -> None:
        for link in links:  # shared: each worker takes the next one
            try:
                reply = await _linked(port, link)
            except EngineError as error:
                failed.append(error)
                scope.cancel()  # the others stop too: one answer is enough to tell
                return
            match reply.change:
                case "imported" | "updated" | "unchanged" as change:
                    counts[change] += 1
                case other:
                    raise AssertionError(f"a connection answered {other!r}")

    async with trio.open_nursery() as nursery:
        for _ in range(ASKS_AT_ONCE):
            nursery.start_soon(work, nursery.cancel_scope)
    if failed:
        raise failed[0]
    return counts


IMPORTS: Final[dict[str, Callable[[Port, bytes], Awaitable[Counts]]]] = {
    "partners": import_partners,
    "connections": import_connections,
}


def _link(port: Port, row: ConnectionRow) -> _Link:
    """The message for a row, and whom it is for."""
    key = port.blind(row.provider, row.connection_id)
    message = connection.LinkConnection(
        connection_id=row.connection_id,
        user_id=row.user_id,
        provider=row.provider,
        bank_name=row.bank_name,
        card_last4=row.card_last4,
        consent_expires_on=row.consent_expires_on,
    )
    return _Link(Address(connection.KIND, key), message)


async def _linked(port: Port, link: _Link) -> connection.Linked:
    """Ask, and be patient while the engine is full."""
    pause = OVERLOADED_PAUSE_SECONDS
    for attempt in range(OVERLOADED_RETRIES_MAX + 1):
        try:
            answer = await port.ask(link.address, link.message, ASK_SECONDS_MAX)
        except Overloaded:
            if attempt == OVERLOADED_RETRIES_MAX:
                raise
            await trio.sleep(pause)
            pause *= 2
        else:
            assert isinstance(answer.reply, connection.Linked)
            return answer.reply
    raise AssertionError("the loop returns or raises")


async def _rows(read: Iterator[Row | LineError]) -> list[Row]:
    """Read a file, letting others work in between.

    Raises:
        BadFile: with at most `ERRORS_MAX` errors.
    """
    rows: list[Row] = []
    errors: list[FieldError] = []
    for number, item in enumerate(read):
        if isinstance(item, LineError):
            errors.append(_shown(item))
            if len(errors) == ERRORS_MAX:
                break
        else:
            rows.append(item)
        if number % ROWS_PER_BREATH == 0:
            await trio.lowlevel.checkpoint()
    if errors:
        raise BadFile(errors)
    return rows


def _shown(error: LineError) -> FieldError:
    """A line's error as one of a problem: the pointer is /LINE/COLUMN (RFC 6901 escapes)."""
    column = error.column.replace("~", "~0").replace("/", "~1")
    return FieldError(pointer=f"/{error.line}/{column}", code=error.code, detail=error.text)

"""The doors under /dev: the clock and the quiet that tests need, and imports of the command line.

The rule: they open to this machine only; to everybody else they do not exist (404). The clock and
the quiet exist where the clock is manual or there are no accounts yet. A body must name its media
type, because a browser sends a foreign page's request without asking only when it does not.
Source: interface.md 4, 5 and 10; the Fetch standard (CORS-safelisted request headers).
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from comptoir.http.answers import Response, json_response
from comptoir.http.imports import IMPORTS, BadFile
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.strict_json import Malformed, parse

__all__ = ["Doors"]

ADVANCE_SECONDS_MAX: Final = 100 * 366 * 86_400
"""A century: retention runs to decades, and business time stays within four digits of year."""
QUIESCE_SECONDS_MAX: Final = 600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Advance(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Body of /dev/v1/clock."""

    advance_seconds: Annotated[float, msgspec.Meta(ge=0, le=ADVANCE_SECONDS_MAX)]


class _Quiesce(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Body of /dev/v1/quiesce."""

    timeout_seconds: Annotated[float, msgspec.Meta(ge=0, le=QUIESCE_SECONDS_MAX)] = 30.0


_ADVANCE = msgspec.json.Decoder(_Advance)
_QUIESCE = msgspec.json.Decoder(_Quiesce)


class Doors:
    """The doors of one daemon. Whoever calls has made sure that the peer is this machine."""

    def __init__(self, port: Port) -> None:
        """Act through `port`."""
        self._port = port
        self._rules = port.rules

    async def clock(self, ticket: str, media_type: str, body: bytes) -> Response:
        """POST /dev/v1/clock: move business time; answers when all due by then is handled."""
        refused = self._refused(ticket, media_type, body)
        if refused is not None:
            return refused
        if not self._rules.clock_manual:
            return problem("CONFLICT", ticket)
        try:
            wanted = _ADVANCE.decode(body)
        except msgspec.ValidationError:
            return problem("REQUEST_INVALID", ticket, errors=[_ADVANCE_FAULT])
        now_ms, fired = await self._port.advance_clock(wanted.advance_seconds)
        return json_response(200, {"now": _rfc3339(now_ms), "fired": fired}, ticket)

    async def quiesce(self, ticket: str, media_type: str, body: bytes) -> Response:
        """POST /dev/v1/quiesce: wait until no message is due."""
        if not body:
            media_type, body = "application/json", b"{}"
        refused = self._refused(ticket, media_type, body)
        if refused is not None:
            return refused
        try:
            wanted = _QUIESCE.decode(body)
        except msgspec.ValidationError:
            return problem("REQUEST_INVALID", ticket, errors=[_QUIESCE_FAULT])
        if await self._port.quiesce(wanted.timeout_seconds):
            return json_response(200, {"status": "quiescent"}, ticket)
        return problem("QUIESCE_TIMEOUT", ticket)

    async def load(self, ticket: str, kind: str, media_type: str, body: bytes) -> Response:
        """POST /dev/v1/import/{kind}: a CSV file, whole or not at all (interface.md 4)."""
        work = IMPORTS.get(kind)
        if work is None:
            return problem("NOT_FOUND", ticket)
        if media_type != "text/csv":
            return problem("MEDIA_TYPE_UNSUPPORTED", ticket)
        try:
            counts = await work(self._port, body)
        except BadFile as bad:
            return problem("REQUEST_INVALID", ticket, errors=bad.errors)
        return json_response(200, counts, ticket)

    def _refused(self, ticket: str, media_type: str, body: bytes) -> Response | None:
        """What is common to the doors of tests; None if nothing is wrong."""
        if not self._rules.dev_open:
            return problem("NOT_FOUND", ticket)
        if media_type != "application/json":
            return problem("MEDIA_TYPE_UNSUPPORTED", ticket)
        try:
            parse(body)
        except Malformed:
            return problem("REQUEST_MALFORMED", ticket)
        return None


_ADVANCE_FAULT = FieldError(
    pointer="/advanceSeconds",
    code="VALUE_INVALID",
    detail=f"a number from 0 to {ADVANCE_SECONDS_MAX}, and nothing else",
)
_QUIESCE_FAULT = FieldError(
    pointer="/timeoutSeconds",
    code="VALUE_INVALID",
    detail=f"a number from 0 to {QUIESCE_SECONDS_MAX}, and nothing else",
)


def _rfc3339(ms: int) -> str:
    """A time as interface.md 1 writes it: UTC, milliseconds, Z."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"

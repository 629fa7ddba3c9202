"""The doors under /dev: the clock and the quiet that tests need, and imports of the command line.

The rule: they open to this machine only; to everybody else they do not exist (404). The clock and
the quiet exist where the clock is manual or there are no accounts yet. A body must name its media
type, because a browser sends a foreign page's request without asking only when it does not.
Source: interface.md 4, 5 and 10; the Fetch standard (CORS-safelisted request headers).
"""

import msgspec

from comptoir.http.answers import Response, json_response
from comptoir.http.imports import IMPORTS, BadFile
from comptoir.http.operation import Call
from comptoir.http.port import Port
from comptoir.http.problems import FieldError, problem
from comptoir.http.shapes import ADVANCE_SECONDS_MAX, QUIESCE_SECONDS_MAX, Advance, Quiesce
from comptoir.http.strict_json import Malformed, parse
from comptoir.http.times import rfc3339

__all__ = ["clock", "load", "quiesce"]

_ADVANCE = msgspec.json.Decoder(Advance)
_QUIESCE = msgspec.json.Decoder(Quiesce)
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


async def clock(port: Port, call: Call) -> Response:
    """POST /dev/v1/clock: move business time; answers when all due by then is handled."""
    refused = _refused(port, call.ticket, call.media_type, call.body)
    if refused is not None:
        return refused
    if not port.rules.clock_manual:
        return problem("CONFLICT", call.ticket)
    try:
        wanted = _ADVANCE.decode(call.body)
    except msgspec.ValidationError:
        return problem("REQUEST_INVALID", call.ticket, errors=[_ADVANCE_FAULT])
    now_ms, fired = await port.advance_clock(wanted.advance_seconds)
    return json_response(200, {"now": rfc3339(now_ms), "fired": fired}, call.ticket)


async def quiesce(port: Port, call: Call) -> Response:
    """POST /dev/v1/quiesce: wait until no message is due."""
    media_type, body = call.media_type, call.body
    if not body:
        media_type, body = "application/json", b"{}"
    refused = _refused(port, call.ticket, media_type, body)
    if refused is not None:
        return refused
    try:
        wanted = _QUIESCE.decode(body)
    except msgspec.ValidationError:
        return problem("REQUEST_INVALID", call.ticket, errors=[_QUIESCE_FAULT])
    if await port.quiesce(wanted.timeout_seconds):
        return json_response(200, {"status": "quiescent"}, call.ticket)
    return problem("QUIESCE_TIMEOUT", call.ticket)


async def load(port: Port, call: Call) -> Response:
    """POST /dev/v1/import/{kind}: a CSV file, whole or not at all (interface.md 4)."""
    work = IMPORTS.get(call.path["kind"])
    if work is None:
        return problem("NOT_FOUND", call.ticket)
    if call.media_type != "text/csv":
        return problem("MEDIA_TYPE_UNSUPPORTED", call.ticket)
    try:
        counts = await work(port, call.body)
    except BadFile as bad:
        return problem("REQUEST_INVALID", call.ticket, errors=bad.errors)
    return json_response(200, counts, call.ticket)


def _refused(port: Port, ticket: str, media_type: str, body: bytes) -> Response | None:
    """What is common to the doors of tests; None if nothing is wrong."""
    if not port.rules.dev_open:
        return problem("NOT_FOUND", ticket)
    if media_type != "application/json":
        return problem("MEDIA_TYPE_UNSUPPORTED", ticket)
    try:
        parse(body)
    except Malformed:
        return problem("REQUEST_MALFORMED", ticket)
    return None

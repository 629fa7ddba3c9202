"""An answer as the edge gives it, and the headers that every answer carries.

The rule: every answer has `X-Request-Id` (the caller's where it is well formed), is never stored
by a cache and never sniffed or framed by a browser.
Source: interface.md 1; RFC 9110; OWASP secure headers.
"""

import itertools
import re
import secrets
from typing import Any, NamedTuple

import orjson

__all__ = ["Headers", "Response", "json_response", "no_content", "request_id", "response"]

Headers = list[tuple[bytes, bytes]]

_WELL_FORMED = re.compile(rb"[A-Za-z0-9_-]{8,64}").fullmatch
_PREFIX = secrets.token_hex(6)
_NUMBERS = itertools.count(1)

COMMON: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""For JSON and text. A page sets its own content-security-policy."""


class Response(NamedTuple):
    """One complete answer."""

    status: int
    headers: Headers
    body: bytes


def request_id(given: bytes | None) -> str:
    """The caller's request id if it is 8-64 of `[A-Za-z0-9_-]`, else a new one of this process."""
    if given is not None and _WELL_FORMED(given):
        return given.decode("ascii")
    return f"{_PREFIX}-{next(_NUMBERS):08x}"


def response(status: int, media_type: bytes, body: bytes, request: str) -> Response:
    """An answer with the common headers."""
    headers = [
        (b"content-type", media_type),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request.encode("ascii")),
        *COMMON,
    ]
    return Response(status, headers, body)


def no_content(request: str) -> Response:
    """204 with the common headers; it has no body, so no type and no length (RFC 9110 section 8.6)."""
    return Response(204, [(b"x-request-id", request.encode("ascii")), *COMMON], b"")


def json_response(status: int, value: Any, request: str) -> Response:
    """A JSON answer with the common headers."""
    return response(status, b"application/json", orjson.dumps(value), request)

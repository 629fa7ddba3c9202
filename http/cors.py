"""Which pages elsewhere may call the API from a browser: an allow-list of origins, empty by default.

The rule: an origin is allowed if it stands in the list, whole, and only for `/api/` and `/uploads/`; there is no
wildcard, nothing is echoed that is not on the list, and no credentials are allowed, because the API
takes none that a browser sends by itself. A caller without an Origin is none of this module's affair.
Source: the Fetch standard (CORS protocol); RFC 6454; spec.md S37.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from comptoir.http.answers import COMMON, Headers, Response

__all__ = ["Cors"]

PREFIXES: Final = ("/api/", "/uploads/")
MAX_AGE_SECONDS: Final = 600
"""How long a browser may remember a preflight: an origin that is struck off is out soon after."""
_ALLOWED: Final = b"Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id"
_EXPOSED: Final = b"ETag, Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"
_VARY: Final = (b"vary", b"Origin")


class Cors:
    """The allow-list of one daemon."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Allow these origins, as a browser writes them: `https://app.example`."""
        self._origins = frozenset(origin.encode("ascii") for origin in origins)

    def __repr__(self) -> str:
        """Show how many origins are allowed."""
        return f"Cors({len(self._origins)} origins)"

    def headers(self, path: str, given: Iterable[tuple[bytes, bytes]]) -> Headers:
        """What an answer to this request carries so that an allowed page may read it."""
        if not self._origins or not path.startswith(PREFIXES):
            return []
        origin = self._allowed(given)
        if origin is None:
            return [_VARY]
        return [
            _VARY,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def preflight(
        self, path: str, given: Iterable[tuple[bytes, bytes]], methods: Iterable[str], ticket: str
    ) -> Response | None:
        """The answer to a preflight of an allowed page; None if it is none, or of another.

        Args:
            path: what is asked about.
            given: the request's headers, names in lower case.
            methods: what that path takes.
            ticket: the request id.
        """
        pairs = list(given)
        asked = any(name == b"access-control-request-method" for name, _ in pairs)
        if not asked or not path.startswith(PREFIXES) or self._allowed(pairs) is None:
            return None
        allowed = ", ".join(sorted(methods)).encode("ascii")
        headers = [
            (b"access-control-allow-methods", allowed),
            (b"access-control-allow-headers", _ALLOWED),
            (b"access-control-max-age", b"%d" % MAX_AGE_SECONDS),
            (b"x-request-id", ticket.encode("ascii")),
            *COMMON,
        ]
        return Response(204, headers, b"")

    def _allowed(self, given: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """The request's origin, if it gives one only and that is on the list."""
        values = [value for name, value in given if name == b"origin"]
        return values[0] if len(values) == 1 and values[0] in self._origins else None

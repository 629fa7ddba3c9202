"""The route table: which handler answers which method and path.

Rule: every refusal is JSON with a code; a path that does not exist is told apart from a method that
the path does not take; only callers on this machine are served.

Source: interface.md 10; RFC 9110 section 15.5.6 (405 names the methods allowed).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

import structlog

from comptoir.sandbox.errors import Refused, nearest
from comptoir.sandbox.wire.server import Outcome, Request, json_reply

_log = structlog.get_logger("comptoir.sandbox")

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request that found its route."""

    request: Request
    argument: str
    """What stands in the path for `{id}`; empty where the route has none."""
    query: dict[str, str]


Handler = Callable[[Call], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Route:
    """One row: `path` may hold one `{id}`, anywhere."""

    method: str
    path: str
    handler: Handler
    query: tuple[str, ...] = ()
    """The query parameters that the route takes."""


class Router:
    """Finds the route of a request and turns refusals into answers."""

    def __init__(self, routes: list[Route]) -> None:
        self._routes: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_method = self._routes.setdefault(route.path, {})
            assert route.method not in by_method, f"two routes for {route.method} {route.path}"
            by_method[route.method] = route

    async def respond(self, request: Request) -> Outcome:
        """The answer to `request`; a refusal is an answer too."""
        try:
            _refuse_foreign(request)
            route, argument = self._find(request)
            query = _query(request.query, route.query)
            return await route.handler(Call(request, argument, query))
        except Refused as refusal:
            return json_reply(refusal.status, refusal.document(), refusal.headers)
        except Exception:  # noqa: BLE001  (logged with its trace, and answered as 500)
            # A bug in one call must not end the other parties in the middle of somebody's test.
            _log.exception("call.failed", method=request.method, path=request.path)
            return json_reply(500, {"code": "INTERNAL", "detail": "see the sandbox's log"})

    def _match(self, path: str) -> tuple[dict[str, Route], str] | None:
        if path in self._routes:
            return self._routes[path], ""
        parts = path.split("/")
        for place in range(len(parts) - 1, 0, -1):
            pattern = "/".join([*parts[:place], "{id}", *parts[place + 1 :]])
            by_method = self._routes.get(pattern)
            if by_method and parts[place]:
                return by_method, unquote(parts[place])
        return None

    def _find(self, request: Request) -> tuple[Route, str]:
        match = self._match(request.path)
        if match is None:
            detail = f"no such path: {nearest(request.path, self._routes)}"
            raise Refused(404, "NOT_FOUND", detail)
        by_method, argument = match
        if request.method not in by_method:
            allowed = ", ".join(sorted(by_method))
            detail = f"this path takes {allowed}"
            raise Refused(405, "METHOD_NOT_ALLOWED", detail, headers=(("Allow", allowed),))
        return by_method[request.method], argument


def _refuse_foreign(request: Request) -> None:
    """Keeps web pages out: a browser names another host (rebinding) or another origin (CSRF)."""
    for name in ("host", "origin"):
        value = request.headers.get(name)
        if value is None:
            continue
        try:
            host = urlsplit(value if "//" in value else f"//{value}").hostname
        except ValueError:
            host = None
        if host not in LOOPBACK_HOSTS:
            raise Refused(403, "FORBIDDEN", f"{name} is not a loopback name: call 127.0.0.1")


def _query(text: str, known: tuple[str, ...]) -> dict[str, str]:
    query = dict(parse_qsl(text, keep_blank_values=True))
    for name in query:
        if name not in known:
            remedy = nearest(name, known) if known else "this path takes none"
            raise Refused(422, "REQUEST_INVALID", f"unknown query parameter: {remedy}")
    return query

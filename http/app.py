"""The Quart application: which path goes to which answer, and what becomes of an error.

The rule: whatever goes wrong becomes a problem of `comptoir.http.problems`. Until accounts exist,
everything here is for this machine only: a host name that is not this machine's is refused, since
a page elsewhere can point its own name at loopback (DNS rebinding); and the doors under /dev answer
loopback peers alone.
Source: interface.md 1, 4, 5, 7 (rows a), 10; spec.md S62, X28.
"""

import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, Final

import structlog
from quart import Request, request
from quart import Response as QuartResponse
from quart_trio import QuartTrio
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from comptoir.engine import EngineError
from comptoir.http import peers
from comptoir.http.answers import Response
from comptoir.http.api import Api
from comptoir.http.doors import Doors
from comptoir.http.landing import landing
from comptoir.http.port import Port
from comptoir.http.problems import problem, problem_of

__all__ = ["make_app"]

DEV_PREFIX: Final = "/dev/"
_LOCAL_NAME = re.compile(r"(?:[a-z0-9-]+\.)*localhost\.?").fullmatch
_CODES: Final = {
    400: "REQUEST_MALFORMED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    413: "PAYLOAD_TOO_LARGE",
    415: "MEDIA_TYPE_UNSUPPORTED",
}
"""What the framework itself may raise; anything else of it is a bug."""

_log = structlog.stdlib.get_logger("comptoir.http.app")


def make_app(port: Port) -> QuartTrio:
    """The application in front of one daemon."""
    app = QuartTrio(__name__)
    app.config["MAX_CONTENT_LENGTH"] = None  # the edge has read, counted and timed the body
    app.config["BODY_TIMEOUT"] = None
    app.config["RESPONSE_TIMEOUT"] = None
    app.url_map.redirect_defaults = False
    app.url_map.strict_slashes = True
    _reads(app, Api(port, port.rules))
    _doors(app, Doors(port))
    _guard(app, loopback_only=port.rules.loopback_only)
    _catch(app)
    return app


def _reads(app: QuartTrio, api: Api) -> None:
    """Everything that is asked with GET."""

    async def page() -> QuartResponse:
        return _shown(landing(_ticket()))

    async def live() -> QuartResponse:
        return _shown(api.live(_ticket()))

    async def ready() -> QuartResponse:
        return _shown(api.ready(_ticket()))

    async def metrics() -> QuartResponse:
        return _shown(api.metrics(_ticket()))

    async def wallet(user_id: str) -> QuartResponse:
        return _shown(await api.wallet(_ticket(), user_id))

    async def entries(user_id: str) -> QuartResponse:
        query = {name: request.args.getlist(name) for name in ("limit", "cursor")}
        return _shown(await api.entries(_ticket(), user_id, query))

    async def transaction(transaction_id: str) -> QuartResponse:
        return _shown(await api.transaction(_ticket(), transaction_id))

    _route(app, "GET", "/", page)
    _route(app, "GET", "/health/live", live)
    _route(app, "GET", "/health/ready", ready)
    _route(app, "GET", "/metrics", metrics)
    _route(app, "GET", "/api/v1/wallets/<user_id>", wallet)
    _route(app, "GET", "/api/v1/wallets/<user_id>/entries", entries)
    _route(app, "GET", "/api/v1/transactions/<transaction_id>", transaction)


def _doors(app: QuartTrio, doors: Doors) -> None:
    """What tests and the command line do."""

    async def clock() -> QuartResponse:
        return _shown(await doors.clock(_ticket(), request.mimetype, await _body()))

    async def quiesce() -> QuartResponse:
        return _shown(await doors.quiesce(_ticket(), request.mimetype, await _body()))

    async def load(kind: str) -> QuartResponse:
        return _shown(await doors.load(_ticket(), kind, request.mimetype, await _body()))

    _route(app, "POST", "/dev/v1/clock", clock)
    _route(app, "POST", "/dev/v1/quiesce", quiesce)
    _route(app, "POST", "/dev/v1/import/<kind>", load)


def _route(
    app: QuartTrio, method: str, path: str, view: Callable[..., Awaitable[QuartResponse]]
) -> None:
    """Send a method and a path to a view. HEAD comes with GET; OPTIONS is answered by Quart."""
    app.add_url_rule(path, view.__name__, view, methods=[method])


def _guard(app: QuartTrio, *, loopback_only: bool) -> None:
    """Refuse before any view whoever must not get to it."""

    async def refuse() -> QuartResponse | None:
        asked: Request = request
        if loopback_only and not _is_local_name(asked.headers.getlist("Host")):
            return _shown(problem("FORBIDDEN", _ticket()))
        if asked.path.startswith(DEV_PREFIX) and not _from_here():
            return _shown(problem("NOT_FOUND", _ticket()))
        if asked.headers.get("Content-Encoding", "identity").lower() != "identity":
            return _shown(problem("MEDIA_TYPE_UNSUPPORTED", _ticket()))
        return None

    app.before_request(refuse)


def _catch(app: QuartTrio) -> None:
    """Turn every error into a problem."""

    async def known(error: EngineError) -> QuartResponse:
        return _shown(problem_of(error, _ticket()))

    async def raised(error: HTTPException) -> QuartResponse:
        answer = problem(_CODES.get(error.code or 500, "INTERNAL"), _ticket())
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            allowed = ", ".join(sorted(error.valid_methods)).encode("ascii")
            answer.headers.append((b"allow", allowed))
        return _shown(answer)

    async def unknown(error: Exception) -> QuartResponse:
        ticket = _ticket()
        _log.error("request_crashed", request_id=ticket, exc_info=error)
        return _shown(problem("INTERNAL", ticket))

    app.register_error_handler(EngineError, known)
    app.register_error_handler(HTTPException, raised)
    app.register_error_handler(Exception, unknown)


def _ticket() -> str:
    """The request id that the edge has given."""
    return str(_scope()["comptoir.request_id"])


def _scope() -> dict[str, Any]:
    """The ASGI scope, with what the edge put into it."""
    scope: Any = request.scope
    return scope  # type: ignore[no-any-return]


async def _body() -> bytes:
    """The whole body."""
    data = await request.get_data(as_text=False)
    assert isinstance(data, bytes)
    return data


def _shown(answer: Response) -> QuartResponse:
    """The answer as Quart takes it."""
    headers = Headers(
        [(name.decode("ascii"), value.decode("ascii")) for name, value in answer.headers]
    )
    return QuartResponse(answer.body, status=answer.status, headers=headers)


def _from_here() -> bool:
    """Say whether the peer is on this machine, and nobody stands behind it."""
    scope = _scope()
    client = scope["client"]
    return peers.is_loopback(client[0] if client else None, scope["headers"])


def _is_local_name(hosts: list[str]) -> bool:
    """Say whether the Host names this machine, or is an address, which nobody can point elsewhere."""
    if len(hosts) != 1:
        return not hosts  # HTTP/1.0 has none; doubled is refused by the server, and here
    host = hosts[0].lower()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if _LOCAL_NAME(name):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True

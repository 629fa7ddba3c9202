"""The Quart application: which path goes to which answer, and what becomes of an error.

The rule: every route is a row of `comptoir.http.operations`, every request passes the gate, and
whatever goes wrong becomes a problem of `comptoir.http.problems`. While there are no accounts,
everything here is for this machine only: a host name that is not this machine's is refused, since
a page elsewhere can point its own name at loopback (DNS rebinding).
Source: interface.md 1, 4, 5, 7 (rows a), 9, 10; spec.md S34, S62, X28; RFC 6797 (HSTS).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import structlog
from quart import Request, request
from quart import Response as QuartResponse
from quart.routing import QuartMap, QuartRule
from quart_trio import QuartTrio
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from comptoir.engine import EngineError
from comptoir.http import peers
from comptoir.http.answers import Response
from comptoir.http.cors import Cors
from comptoir.http.gate import Asked, Browsers, Gate, Passage
from comptoir.http.idempotency import Idempotency, is_keyed
from comptoir.http.limits import Limits
from comptoir.http.oauth.sessions import client_of, is_from_elsewhere
from comptoir.http.operation import Call, Operation
from comptoir.http.operations import BY_ID, OPERATIONS
from comptoir.http.port import Port
from comptoir.http.principal import Authenticator, Principal
from comptoir.http.problems import problem, problem_of

__all__ = ["make_app", "routes"]

_CODES: Final = {
    400: "REQUEST_MALFORMED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    413: "PAYLOAD_TOO_LARGE",
    415: "MEDIA_TYPE_UNSUPPORTED",
}
"""What the framework itself may raise; anything else of it is a bug."""
_HSTS: Final = ("Strict-Transport-Security", "max-age=31536000")
"""A year; no word on subdomains, which are not ours."""
_PASSAGE: Final = "comptoir.passage"

_log = structlog.stdlib.get_logger("comptoir.http.app")


class _Rule(QuartRule):
    """A route from addresses to handlers; the way back is compiled for whoever goes it.

    werkzeug compiles two functions for each route that make addresses of it. We make none (no `url_for`), and
    for all our routes they are a fifth of what a start computes.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = super()._compile_builder

        def build(rule: "_Rule", **values: Any) -> tuple[str, str]:
            made: tuple[str, str] = compiled(append_unknown)(rule, **values)
            return made

        return build


@cache
def routes() -> QuartMap:
    """Every row that a handler answers: the same for all daemons of a process, and nothing changes it.

    HEAD comes with GET; OPTIONS is answered by Quart.
    """
    routes = QuartMap(strict_slashes=True, redirect_defaults=False)
    for operation in OPERATIONS:
        if operation.handle is not None:
            methods = [operation.method, "OPTIONS"]
            rule = _Rule(operation.rule, endpoint=operation.id, methods=methods)
            rule.provide_automatic_options = True
            routes.add(rule)
    return routes


def make_app(
    port: Port, authenticator: Authenticator | None = None, limits: Limits | None = None
) -> QuartTrio:
    """The application in front of one daemon.

    Args:
        port: the daemon.
        authenticator: judges tokens; None: there are no accounts, and this machine may do all.
        limits: of S62; None: none.
    """
    app = QuartTrio(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = None  # the edge has read, counted and timed the body
    app.config["BODY_TIMEOUT"] = None
    app.config["RESPONSE_TIMEOUT"] = None
    app.url_map = routes()
    work = _Work(port, limits, Idempotency(port))
    for operation in OPERATIONS:
        if operation.handle is not None:
            app.view_functions[operation.id] = _view(operation, work)
    cors = Cors(port.rules.cors_origins)
    _guard(app, Gate(port.rules, authenticator, limits, _browsers(port)), cors)
    _dress(app, port, cors)
    _catch(app)
    return app


def _browsers(port: Port) -> Browsers:
    """What knows the clients who have signed in with a browser."""

    async def find(asked: Asked) -> Principal | None:
        identity, operation = port.identity, asked.operation
        if identity is None or operation is None:
            return None
        if operation.method != "GET" and is_from_elsewhere(identity, asked):
            return None  # a page elsewhere made the browser send it along: it is not there (CSRF)
        return await client_of(port, identity, asked)

    return find


@dataclass(frozen=True, slots=True)
class _Work:
    """What every handler is called with."""

    port: Port
    limits: Limits | None
    idempotency: Idempotency


def _view(operation: Operation, work: _Work) -> Callable[..., Awaitable[QuartResponse]]:
    """What Quart calls for an operation: its handler."""
    handle = operation.handle
    assert handle is not None, "answered in front of the framework"
    keyed = is_keyed(operation)

    async def view(**path: str) -> QuartResponse:
        asked: Request = request
        passage = _passage()
        call = Call(
            ticket=_ticket(),
            path=path,
            query={name: asked.args.getlist(name) for name in asked.args},
            media_type=asked.mimetype,
            body=await _body(),
            access=passage.access,
            principal=passage.principal,
            headers=_scope()["headers"],
            source=passage.source,
            limits=work.limits,
        )
        if keyed:
            line = f"{operation.method} {asked.path}"
            return _shown(await work.idempotency.answer(operation, call, line))
        return _shown(await handle(work.port, call))

    return view


def _guard(app: QuartTrio, gate: Gate, cors: Cors) -> None:
    """Refuse before any handler whoever must not get to it."""

    async def refuse() -> QuartResponse | None:
        asked: Request = request
        scope = _scope()
        if asked.method == "OPTIONS" and asked.url_rule is not None:
            methods = asked.url_rule.methods or ()
            allowed = cors.preflight(asked.path, scope["headers"], methods, _ticket())
            if allowed is not None:
                return _shown(allowed)
        scope[_PASSAGE] = passage = await gate.admit(_asked(asked, scope))
        if passage.refusal is not None:
            return _shown(passage.refusal)
        if asked.headers.get("Content-Encoding", "identity").lower() != "identity":
            return _shown(problem("MEDIA_TYPE_UNSUPPORTED", _ticket()))
        return None

    app.before_request(refuse)


def _asked(asked: Request, scope: dict[str, Any]) -> Asked:
    """A request as the gate takes it."""
    rule, client = asked.url_rule, scope["client"]
    operation = None if rule is None or asked.method == "OPTIONS" else BY_ID[rule.endpoint]
    return Asked(
        ticket=_ticket(),
        operation=operation,
        path=asked.view_args or {},
        headers=scope["headers"],
        peer=client[0] if client else None,
    )


def _dress(app: QuartTrio, port: Port, cors: Cors) -> None:
    """Give every answer what the caller is to know beside it."""
    trusted = port.rules.trusted_proxies

    async def complete(answer: QuartResponse) -> QuartResponse:
        scope = _scope()
        given, client = scope["headers"], scope["client"]
        fields = [*_passage().headers, *cors.headers(scope["path"], given)]
        for name, value in fields:
            answer.headers.add(name.decode("ascii"), value.decode("ascii"))
        if peers.is_secure(scope["scheme"], client[0] if client else None, given, trusted):
            answer.headers.add(*_HSTS)
        return answer

    app.after_request(complete)


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


def _passage() -> Passage:
    """What the gate said; a preflight did not get to it."""
    passage: Passage = _scope().get(_PASSAGE, Passage())
    return passage


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

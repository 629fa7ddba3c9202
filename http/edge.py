"""The ASGI application: webhooks straight to their function, everything else to Quart.

The rule: whatever comes, the body is read here, counted and timed, before anybody works on it, and
every answer leaves with a request id. A body costs what has come of it, from one budget for all, and
its request counts as work only when it is complete, so that slow senders take no turn of others.
Webhooks do not pass Quart, because a framework's request,
context and response cost more than the webhook's whole budget (design.md 10).

An address that is not on the API's list is refused before anything of its request is read.

Why the body is always read to its end or thrown away says asgi.py. Uploads of documents are no bodies in
this sense: they pass in parts, within bounds of their own (uploads.py).
Source: interface.md 1 and 6 (row 2); spec.md S62, X28; the ASGI specification 3.0; design.md 2.1, 5, 10.
"""

from collections.abc import MutableMapping
from typing import Any, Final

import trio

from comptoir.http.answers import COMMON
from comptoir.http.asgi import (
    DISCARD_SECONDS_MAX,
    Application,
    Receive,
    Rest,
    Scope,
    Send,
    crashed,
    declared,
    discard,
    respond,
    ticket_of,
    works,
)
from comptoir.http.bank_reports import REPORTS_PATH
from comptoir.http.port import Port
from comptoir.http.powens import POWENS_PATH
from comptoir.http.problems import problem
from comptoir.http.receptions import own_receptions
from comptoir.http.uploads import PREFIX as UPLOADS_PREFIX
from comptoir.http.uploads import UploadReception
from comptoir.http.verifying import VERIFY_PATH
from comptoir.http.webhooks import Reception, WebhookRequest

__all__ = ["IMPORT_BYTES_MAX", "IMPORT_PREFIX", "Edge"]

WEBHOOKS_PREFIX: Final = "/webhooks/"
IMPORT_PREFIX: Final = "/dev/v1/import/"
HEALTH_PREFIX: Final = "/health/"
IMPORT_BYTES_MAX: Final = 16 * 1024 * 1024
"""Three hundred thousand connections in one file; one file at a time. Larger ones come in parts: to
read one takes ten times its size, and a daemon works within 512 MiB."""
IMPORTS_WAITING_MAX: Final = 4
"""Unread, a request holds ten parts of 64 KiB in the server's queue."""
IMPORT_PATIENCE_SECONDS: Final = 2.0
"""How long an import waits for the one before it; then 503."""
BODIES_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of all bodies together, imports aside: half for webhooks, half for calls of the API, each five
hundred of the largest; and half as much again for Powens's, which are large. Beyond it 503."""
FORM_BYTES: Final = 8 * 1024
"""What a form with one document has beside it."""
BODY_BYTES_FREE: Final = 8 * 1024
"""Of each body, outside that budget: whoever fills it with large bodies, sent slowly, does not keep
out a webhook, which has some hundred bytes. The places for connections bound the sum."""
BODY_SECONDS_MAX: Final = 20.0
"""From a request's header to the last byte of its body; an import may take `IMPORT_SECONDS_MAX`."""
IMPORT_SECONDS_MAX: Final = 120.0


class _Body:
    """A request's body while and after it is read."""

    __slots__ = ("complete", "cost", "data", "gone", "no_room", "too_large", "too_slow")

    def __init__(self) -> None:
        self.data = b""
        self.cost = 0
        """Bytes that it holds of the budget of all."""
        self.complete = False
        """The last byte was seen; else something may still come and must be thrown away."""
        self.too_large = False
        self.too_slow = False
        self.no_room = False
        """The bodies of all together are too large."""
        self.gone = False
        """The caller has left."""


class _Lane:
    """What bodies of one sort may take; they share `bytes_left`."""

    __slots__ = ("bytes_left", "limit")

    def __init__(self, limit: int, bytes_all: int) -> None:
        self.limit = limit
        self.bytes_left = bytes_all


class Edge:
    """One ASGI application for one daemon."""

    def __init__(self, port: Port, application: Application, reception: Reception) -> None:
        """Stand before `application`, which gets requests with their whole body at hand, and before
        `reception`, which gets the webhooks.
        """
        self._rules = rules = port.rules
        self._reception = reception
        self._receptions = own_receptions(port, reception)
        self._uploads = UploadReception(port, reception.limits)
        self._application = application
        self._in_flight = 0
        self._import_turn = trio.Semaphore(1, max_value=1)
        webhook, call = rules.banking.body_bytes_max, rules.api_body_bytes_max
        # A setting may allow one body more than all have together by default.
        self._webhooks = _Lane(webhook, max(webhook, BODIES_BYTES_MAX // 2))
        large = rules.powens.body_bytes_max
        self._synced = _Lane(large, max(large, BODIES_BYTES_MAX // 2))
        # A form has its boundaries and its names beside the document.
        signed = rules.verify_bytes_max + FORM_BYTES
        self._signed = _Lane(signed, max(signed, BODIES_BYTES_MAX // 2))
        report = rules.batches.report_bytes_max
        self._reports = _Lane(report, max(report, BODIES_BYTES_MAX // 2))
        self._calls = _Lane(call, max(call, BODIES_BYTES_MAX // 2))
        self._imports = _Lane(IMPORT_BYTES_MAX, IMPORT_BYTES_MAX)

    def __repr__(self) -> str:
        """Show how much is being worked on."""
        return f"Edge({self._in_flight} in flight, {self._reception!r})"

    @property
    def in_flight(self) -> int:
        """Requests being worked on: complete, and not answered yet."""
        return self._in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a WebSocket is refused."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if not self._may_call(scope, path):
            answer = problem("SOURCE_FORBIDDEN", ticket_of(scope))
            await respond(receive, send, answer, complete=False)
        elif path.startswith(UPLOADS_PREFIX):
            await self._uploads.take(scope, receive, send)
        elif self._is_full(path):
            await self._refuse(scope, receive, send, complete=False)
        elif path == POWENS_PATH:
            await self._read(scope, receive, send, self._synced)
        elif path.startswith(WEBHOOKS_PREFIX):
            await self._read(scope, receive, send, self._webhooks)
        elif path == VERIFY_PATH:
            await self._read(scope, receive, send, self._signed)
        elif path == REPORTS_PATH:
            await self._read(scope, receive, send, self._reports)
        elif not path.startswith(IMPORT_PREFIX):
            await self._read(scope, receive, send, self._calls)
        else:
            await self._import(scope, receive, send)

    def _may_call(self, scope: Scope, path: str) -> bool:
        """Whether this address is answered here; webhooks have a list of their own, health has none."""
        if path.startswith((WEBHOOKS_PREFIX, HEALTH_PREFIX)):
            return True
        client = scope["client"]
        return self._rules.may_call(client[0] if client else None, scope["headers"])

    async def _import(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one import at a time; a few wait for their turn, with their body unread."""
        turn = self._import_turn
        with trio.move_on_after(IMPORT_PATIENCE_SECONDS) as patience:
            if turn.statistics().tasks_waiting >= IMPORTS_WAITING_MAX:
                patience.cancel()
            await turn.acquire()
        if patience.cancelled_caught:
            await self._refuse(scope, receive, send, complete=False)
            return
        try:
            await self._read(scope, receive, send, self._imports)
        finally:
            turn.release()

    def _is_full(self, path: str) -> bool:
        """Whether as much is worked on as may be; how the daemon is it tells at any time."""
        full = self._in_flight >= self._rules.requests_in_flight_max
        return full and not path.startswith(HEALTH_PREFIX)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, *, complete: bool) -> None:
        """Say that there is too much to do."""
        answer = problem("OVERLOADED", ticket_of(scope), retry_after_s=self._rules.retry_after_s)
        await respond(receive, send, answer, complete=complete)

    async def _read(self, scope: Scope, receive: Receive, send: Send, lane: _Lane) -> None:
        """Read a request's body, and have it answered if that comes to its end."""
        body = _Body()
        seconds = IMPORT_SECONDS_MAX if lane is self._imports else BODY_SECONDS_MAX
        try:
            await _read(scope, receive, lane, body, seconds)
            if body.gone:
                return
            if body.no_room or (body.complete and self._is_full(scope["path"])):
                await self._refuse(scope, receive, send, complete=body.complete)
                return
            if body.complete:
                works(scope)
            self._in_flight += 1
            try:
                webhook = lane is self._webhooks or lane is self._synced
                answer = self._webhook if webhook else self._other
                await answer(scope, receive, send, body)
            finally:
                self._in_flight -= 1
        finally:
            lane.bytes_left += body.cost

    async def _webhook(self, scope: Scope, receive: Receive, send: Send, body: _Body) -> None:
        """Receive a webhook (interface.md 6)."""
        if body.too_slow:
            answer = problem("REQUEST_TIMEOUT", ticket_of(scope))
        else:
            client = scope["client"]
            request = WebhookRequest(
                scope["method"],
                scope["path"],
                scope["headers"],
                body.data,
                client[0] if client else None,
                body.too_large,
            )
            try:
                answer = await self._receptions.get(request.path, self._reception).receive(request)
            except Exception:  # noqa: BLE001 (logged with its traceback, answered as INTERNAL)
                answer = crashed(scope)
        await respond(receive, send, answer, complete=body.complete)

    async def _other(self, scope: Scope, receive: Receive, send: Send, body: _Body) -> None:
        """Give any other request to the application, with its body read and its answer dressed."""
        ticket = scope["comptoir.request_id"] = ticket_of(scope)
        if body.too_large or body.too_slow:
            code = "PAYLOAD_TOO_LARGE" if body.too_large else "REQUEST_TIMEOUT"
            await respond(receive, send, problem(code, ticket), complete=body.complete)
            return
        dressed = _Dressed(send, ticket)
        data, body.data = body.data, b""  # the application's alone: an import's is large
        try:
            await self._application(scope, _replayed(data, receive, dressed), dressed)
        except Exception:
            if dressed.started:
                raise  # too late for an answer: the server breaks the connection off
            await respond(receive, send, crashed(scope), complete=True)


async def _read(scope: Scope, receive: Receive, lane: _Lane, body: _Body, seconds: float) -> None:
    """Read a body within the lane's bounds and so many seconds."""
    with trio.move_on_after(seconds) as deadline:
        if declared(scope) > lane.limit:
            body.too_large = True
        else:
            await _collect(receive, lane, body)
    if deadline.cancelled_caught:
        body.too_slow = True
    elif body.too_large and not body.complete:
        with trio.move_on_after(DISCARD_SECONDS_MAX):
            rest = await discard(receive)
            body.gone, body.complete = rest is Rest.NOBODY, rest is Rest.NOTHING


async def _collect(receive: Receive, lane: _Lane, body: _Body) -> None:
    """Read parts until the end, or until they are too many."""
    message = await receive()
    parts: list[bytes] = []
    size = 0
    while message["type"] == "http.request":
        part = message.get("body", b"")
        size += len(part)
        if size > lane.limit:
            body.too_large = True
            body.complete = not message.get("more_body", False)
            return
        cost = max(0, size - BODY_BYTES_FREE)
        if cost - body.cost > lane.bytes_left:
            body.no_room = True
            body.complete = not message.get("more_body", False)
            return
        lane.bytes_left -= cost - body.cost
        body.cost = cost
        parts.append(part)
        if not message.get("more_body", False):
            body.data = b"".join(parts)
            body.complete = True
            return
        message = await receive()
    body.gone = True


def _replayed(data: bytes, receive: Receive, dressed: "_Dressed") -> Receive:
    """A `receive` that gives the body in one part, and then whatever the server tells.

    The server's disconnect after the answer is kept back: it comes out of the very send of the last
    part, and quart-trio would cancel that send before the connection is closed.
    """
    given = False

    async def once() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            message = await receive()
            if dressed.ended:
                await trio.sleep_forever()  # until the application, which is done, returns
            return message
        given = True
        return {"type": "http.request", "body": data, "more_body": False}

    return once


class _Dressed:
    """A `send` that completes the header of the answer with what every answer carries."""

    __slots__ = ("_send", "_ticket", "ended", "started")

    def __init__(self, send: Send, ticket: str) -> None:
        self._send = send
        self._ticket = ticket
        self.started = False
        self.ended = False
        """The last part of the answer is on its way."""

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.started = True
            headers = [
                (name, value)
                for name, value in message["headers"]
                if name.lower() != b"x-request-id"
            ]
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in COMMON if pair[0] not in present]
            headers.append((b"x-request-id", self._ticket.encode("ascii")))
            message = {**message, "headers": headers}
        elif not message.get("more_body", False):
            self.ended = True
        await self._send(message)

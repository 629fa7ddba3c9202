"""Uploads of documents to our own folder: a PUT to an address that we signed, in parts, never as a whole.

The rule: nothing of an upload waits in memory but the part in hand, and nothing of it is kept unless all of it
came and is what its address says. The first of these that applies is the answer: another method than PUT (405);
uploads do not come here (404); the address is not of our making (401, counted against the sender's anonymous
minute as failed webhooks are); its time is over (410); another type (415); another length than the signed one
(413, 422); too many at once (503, of one address 429); something is there already (409); no room (503); then,
as it comes, too slow (408), more or less than said, another digest (422). A good upload is outside the anonymous
limit; its bounds are how many there are at once, how slow they may be, and what was signed.

Neither the address nor anything of it is told to a log or a metric: whoever reads it could upload.
Source: spec.md S12, S62; interface.md 6 (rows 1, 3), 8 and 9; docs/uploads.md.
"""

from collections import Counter
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import parse_qsl

import structlog
import trio

from comptoir.engine import EngineError
from comptoir.engine.objects import UploadDoor, UploadRefused, UploadTerms
from comptoir.http import peers
from comptoir.http.answers import COMMON, Response
from comptoir.http.asgi import (
    DISCARD_SECONDS_MAX,
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
from comptoir.http.cors import Cors
from comptoir.http.limits import Limits
from comptoir.http.port import Port
from comptoir.http.problems import problem, problem_of

__all__ = ["PREFIX", "UploadReception"]

PREFIX: Final = "/uploads/"
METHOD: Final = "PUT"
PARAMETERS_MAX: Final = 8

_log = structlog.stdlib.get_logger("comptoir.http.uploads")


class _Gone(Exception):
    """The caller has left: there is nobody to answer."""


class _Body:
    """A body as it comes."""

    __slots__ = ("_receive", "rest")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.rest = Rest.SOME

    async def next(self) -> bytes:
        """The next part, perhaps empty.

        Raises:
            _Gone: there will be none.
        """
        message: MutableMapping[str, Any] = await self._receive()
        if message["type"] != "http.request":
            self.rest = Rest.NOBODY
            raise _Gone
        if not message.get("more_body", False):
            self.rest = Rest.NOTHING
        part: bytes = message.get("body", b"")
        return part

    async def discard(self) -> None:
        """Forget what is left, within bounds, so that the sender sees the answer."""
        if self.rest is Rest.SOME:
            with trio.move_on_after(DISCARD_SECONDS_MAX):
                self.rest = await discard(self._receive)


class UploadReception:
    """Takes the uploads of one daemon."""

    __slots__ = ("_cors", "_limits", "_port", "_rules", "_senders")

    def __init__(self, port: Port, limits: Limits | None) -> None:
        """Take them under the rules of the port.

        Args:
            port: the daemon.
            limits: of anonymous callers, against which failed signatures count; None: none.
        """
        self._port = port
        self._rules = port.rules.uploads
        self._limits = limits
        self._cors = Cors(port.rules.cors_origins)
        self._senders: Counter[str] = Counter()

    def __repr__(self) -> str:
        """Show how many are under way."""
        return f"UploadReception({self._senders.total()} of {self._rules.uploads_max})"

    async def take(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request below `/uploads/`."""
        body = _Body(receive)
        try:
            answer = await self._answer(scope, body)
        except _Gone:
            self._port.count_upload("left", "")
            return
        except Exception:  # noqa: BLE001 (logged with its traceback, answered as INTERNAL)
            answer = crashed(scope)
        await body.discard()
        if body.rest is Rest.NOBODY:
            return
        answer.headers.extend(self._cors.headers(scope["path"], scope["headers"]))
        await respond(receive, send, answer, complete=body.rest is Rest.NOTHING)

    async def _answer(self, scope: Scope, body: _Body) -> Response:
        ticket = ticket_of(scope)
        if scope["method"] != METHOD:
            return self._other_method(scope, ticket)
        try:
            digest = await self._upload(scope, body)
        except UploadRefused as refused:
            return self._refused(refused.code, problem(refused.code, ticket), ticket)
        except EngineError as error:
            return self._refused(error.code, problem_of(error, ticket), ticket)
        self._port.count_upload("taken", "")
        headers = [
            (b"content-length", b"0"),
            (b"etag", f'"{digest}"'.encode("ascii")),
            (b"x-request-id", ticket.encode("ascii")),
            *COMMON,
        ]
        return Response(200, headers, b"")

    def _other_method(self, scope: Scope, ticket: str) -> Response:
        if scope["method"] == "OPTIONS":
            asked = (scope["path"], scope["headers"])
            allowed = self._cors.preflight(*asked, (METHOD,), ticket)
            if allowed is not None:
                return allowed
        answer = problem("METHOD_NOT_ALLOWED", ticket)
        answer.headers.append((b"allow", METHOD.encode("ascii")))
        return answer

    def _refused(self, code: str, answer: Response, ticket: str) -> Response:
        self._port.count_upload("refused", code)
        _log.warning("upload_refused", code=code, request_id=ticket)
        return answer

    async def _upload(self, scope: Scope, body: _Body) -> str:
        """Take it; its digest.

        Raises:
            UploadRefused, EngineError: it was not taken, and nothing of it is kept.
            _Gone: likewise.
        """
        door = self._port.upload_door
        if door is None:
            raise UploadRefused("NOT_FOUND")
        client = self._client(scope)
        terms = self._judged(door, scope, client)
        if self._port.now_ms() >= terms.expires_at:
            raise UploadRefused("UPLOAD_EXPIRED")
        _check_headers(scope, terms)
        with self._place(peers.name_of(client)):
            works(scope)
            if await door.is_used(terms.key):
                raise UploadRefused("UPLOAD_USED")
            return await self._stream(door, terms, body)

    def _client(self, scope: Scope) -> peers.Address | None:
        client, forwarded = scope["client"], peers.forwarded_for(scope["headers"])
        peer = client[0] if client else None
        return peers.client(peer, forwarded, self._port.rules.trusted_proxies)

    def _judged(self, door: UploadDoor, scope: Scope, client: peers.Address | None) -> UploadTerms:
        """The terms of the address, if it is ours; one that is not counts against its sender's minute."""
        terms = door.judge(scope["path"], _query(scope))
        if terms is not None:
            return terms
        if self._limits is not None and self._limits.address(client).refused:
            raise UploadRefused("RATE_LIMITED")
        raise UploadRefused("UPLOAD_SIGNATURE_INVALID")

    @contextmanager
    def _place(self, sender: str) -> Generator[None]:
        """A place among the uploads under way."""
        if self._senders[sender] >= self._rules.per_address_max:
            raise UploadRefused("RATE_LIMITED")
        if self._senders.total() >= self._rules.uploads_max:
            raise UploadRefused("OVERLOADED")
        self._senders[sender] += 1
        try:
            yield
        finally:
            self._senders[sender] -= 1
            if not self._senders[sender]:
                del self._senders[sender]

    async def _stream(self, door: UploadDoor, terms: UploadTerms, body: _Body) -> str:
        """Hand it on part by part, as long as it comes fast enough: what we ourselves take is not counted."""
        rules, began = self._rules, trio.current_time()
        got, waited = 0, 0.0
        async with door.receive(terms) as incoming:
            while body.rest is Rest.SOME:
                asked = trio.current_time()
                patience = rules.patience_s + got / rules.bytes_per_second_min - waited
                part: bytes | None = None
                with trio.move_on_after(min(patience, began + rules.seconds_max - asked)):
                    part = await body.next()
                if part is None:
                    raise UploadRefused("REQUEST_TIMEOUT")
                waited += trio.current_time() - asked
                got += len(part)
                await incoming.write(part)
            return await incoming.finish()


def _query(scope: Scope) -> dict[str, str]:
    """The parameters of an address; nothing where one is given twice, or is no UTF-8: we sign no such."""
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("ascii"), keep_blank_values=True, strict_parsing=True,
            errors="strict", max_num_fields=PARAMETERS_MAX,
        )  # fmt: skip
    except ValueError:
        return {}
    given = dict(pairs)
    return given if len(given) == len(pairs) else {}


def _check_headers(scope: Scope, terms: UploadTerms) -> None:
    """Hold what is announced to what was signed, before a byte of it is read."""
    headers = scope["headers"]
    encodings = [value.lower() for name, value in headers if name == b"content-encoding"]
    if any(value != b"identity" for value in encodings):
        raise UploadRefused("MEDIA_TYPE_UNSUPPORTED")
    types = [value for name, value in headers if name == b"content-type"]
    if types != [terms.media_type.encode("ascii")]:
        raise UploadRefused("UPLOAD_TYPE_MISMATCH")
    if any(name == b"content-length" for name, _ in headers):
        if declared(scope) > terms.size_bytes:
            raise UploadRefused("UPLOAD_TOO_LONG")
        if declared(scope) < terms.size_bytes:
            raise UploadRefused("UPLOAD_TOO_SHORT")

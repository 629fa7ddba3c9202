"""What is asked for twice is done once: `Idempotency-Key`, for every operation that changes something.

The rule: the first answer under a key is durable before the caller hears it, and every repeat within
`KEPT_MS` hears the same. A repeat while the first is worked on is told so; another body under the key is
refused. What leaves no trace (`FREE`) leaves the key free, too; what may be better in a moment (`AGAIN`)
is tried again, with the chance that it had (`Call.draw`), and so upon the same actors; and so is what changes nothing and
may not be kept (`Operation.kept`).
Source: interface.md 1; design.md 3; draft-ietf-httpapi-idempotency-key-header-07.
"""

import re
import secrets
from hashlib import sha256
from typing import Final

import structlog

from comptoir.actors.idempotency.messages import (
    KIND,
    BeginRequest,
    EndRequest,
    ForgetRequest,
    RequestBegun,
    RequestEnded,
)
from comptoir.engine import Address, EngineError
from comptoir.http.answers import Response, response
from comptoir.http.operation import SEED_BYTES, Call, Handler, Operation
from comptoir.http.port import Port
from comptoir.http.problems import problem, problem_of

__all__ = ["HEADER", "Idempotency", "is_keyed"]

HEADER: Final = "Idempotency-Key"
KEPT_MS: Final = 86_400_000
FREE: Final = frozenset((400, 401, 403, 404, 413, 415))
AGAIN: Final = frozenset((429, 503))
_REPLAYED: Final = (b"idempotency-replayed", b"true")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}").fullmatch
_MEDIA_TYPE: Final = b"content-type"
_METHODS: Final = frozenset(("POST", "PUT", "PATCH", "DELETE"))

_log = structlog.stdlib.get_logger("comptoir.http.idempotency")


def is_keyed(operation: Operation) -> bool:
    """Whether an operation honours the header."""
    return operation.method in _METHODS and operation.path.startswith("/api/v1/")


class Idempotency:
    """The keys that one daemon's callers use now; what outlives it is with the actors."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._running: dict[tuple[Address, str], str] = {}
        """Digest of the body, by caller and key; as many as there are requests under way."""

    def __repr__(self) -> str:
        """Show how many run."""
        return f"Idempotency({len(self._running)} running)"

    async def answer(self, operation: Operation, call: Call, request_line: str) -> Response:
        """Answer one call of a keyed operation.

        Args:
            operation: which.
            call: the request.
            request_line: method and path: a key is the caller's own for each.
        """
        handle = operation.handle
        assert handle is not None, "answered in front of the framework"
        given = call.values(HEADER.lower().encode())
        if not given:
            return await handle(self._port, call)
        if len(given) != 1 or not _KEY(given[0]):
            return problem("REQUEST_MALFORMED", call.ticket)
        who = call.principal
        caller = "" if who is None else f"{who.issuer}\n{who.subject}"
        address = Address(KIND, self._port.blind("principal", caller))
        key = self._port.blind("idempotency", f"{request_line}\n{given[0]}")
        digest = sha256(call.body).hexdigest()
        running = self._running.get((address, key))
        if running is not None:
            other = "IDEMPOTENCY_IN_PROGRESS" if running == digest else "IDEMPOTENCY_KEY_REUSED"
            return problem(other, call.ticket)
        self._running[address, key] = digest
        try:
            begin = BeginRequest(key, digest, secrets.token_hex(SEED_BYTES), KEPT_MS)
            return await self._first(operation, call, address, begin)
        finally:
            del self._running[address, key]

    async def _first(
        self, operation: Operation, call: Call, address: Address, begin: BeginRequest
    ) -> Response:
        """Work on it, or tell what it ended in."""
        port = self._port
        begun = (await port.ask(address, begin)).reply
        if isinstance(begun, RequestEnded):
            return _replayed(begun, begin.digest, call.ticket)
        assert isinstance(begun, RequestBegun)
        assert operation.handle is not None
        answer = await self._work(operation.handle, call.seeded(bytes.fromhex(begun.seed)))
        if answer.status in AGAIN or not operation.kept:
            return answer
        if answer.status in FREE:
            await port.ask(address, ForgetRequest(begin.key))
            return answer
        media_type = next(value for name, value in answer.headers if name == _MEDIA_TYPE)
        ended = EndRequest(
            begin.key, begin.digest, answer.status, media_type.decode("ascii"),
            answer.body.decode(), KEPT_MS,
        )  # fmt: skip
        first = await port.ask(address, ended)
        if first.replayed and isinstance(first.reply, RequestEnded):
            return _replayed(first.reply, begin.digest, call.ticket)
        return answer

    async def _work(self, handle: Handler, call: Call) -> Response:
        """The handler's answer; an error of the engine's is one, and is kept like any other."""
        try:
            return await handle(self._port, call)
        except EngineError as error:
            return problem_of(error, call.ticket)


def _replayed(ended: RequestEnded, digest: str, ticket: str) -> Response:
    """The first answer again, if it was given to this very request."""
    if ended.digest != digest:
        return problem("IDEMPOTENCY_KEY_REUSED", ticket)
    answer = response(ended.status, ended.media_type.encode("ascii"), ended.body.encode(), ticket)
    answer.headers.append(_REPLAYED)
    return answer

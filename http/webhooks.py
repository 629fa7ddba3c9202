"""Receiving a webhook: one function, whatever server read the bytes.

The rule: S53's order, made exact by the twelve rows of interface.md 6: the first row that applies
is the answer, and 2xx is said only after the decision is durable (X19). Nothing is parsed before
the signature over the raw bytes held, and nothing that the sender wrote is repeated in an answer.
Source: spec.md S52 to S56, S62, S66, X15 to X19, X28; interface.md 6.
"""

import re
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import structlog
import trio

from comptoir.actors.connection.messages import KIND, TransactionTaken
from comptoir.engine import Address, EngineError
from comptoir.http import payloads
from comptoir.http.answers import Response, request_id
from comptoir.http.port import WebhookPort
from comptoir.http.problems import FieldError, code_of, problem, problem_of
from comptoir.http.rates import Rates
from comptoir.http.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, seed_fault

__all__ = ["BANKING_PATH", "Reception", "WebhookRequest"]

BANKING_PATH = "/webhooks/banking"

_log = structlog.stdlib.get_logger("comptoir.http.webhooks")


class WebhookRequest(NamedTuple):
    """A webhook as a server hands it over."""

    method: str
    path: str
    headers: Iterable[tuple[bytes, bytes]]
    """As received, in order, repeats kept; names in lower case."""
    body: bytes
    """Raw, never decoded; of any content when `too_large`."""
    peer: str | None
    """The socket's other end; None where it has no IP address."""
    too_large: bool = False
    """The body, declared or counted, is over `WebhookRules.body_bytes_max`."""


class Reception:
    """Receives the webhooks of one daemon; holds no request between two."""

    __slots__ = ("_port", "_rates", "_rules")

    def __init__(self, port: WebhookPort) -> None:
        """Take the rules of the port as they are now."""
        self._port = port
        self._rules = port.rules
        self._rates = Rates(port.rules.webhooks_per_minute_max)

    def __repr__(self) -> str:
        """Show the rate table."""
        return f"Reception({self._rates!r})"

    async def receive(self, request: WebhookRequest) -> Response:
        """Answer one webhook, after its decision is durable if it is taken.

        Never raises but for `trio.Cancelled` and for bugs of ours.
        """
        started = time.perf_counter()
        headers = _picked(request.headers)
        ticket = request_id(headers[_REQUEST_ID])
        code = self._fault(request, headers)
        if code is not None:
            return self._refused(code, ticket)
        banking = self._rules.banking
        try:
            connection_id, message = payloads.read(request.body, banking.provider)
        except payloads.BadBody as bad:
            return self._refused(bad.code, ticket, bad.errors)
        address = Address(KIND, self._port.blind(banking.provider, connection_id))
        try:
            answer = await self._port.ask(address, message)
        except EngineError as error:
            self._count_refusal(code_of(error), ticket)
            return problem_of(error, ticket)
        finally:
            self._port.observe_ack(time.perf_counter() - started)
        reply = answer.reply
        if answer.replayed:
            outcome = _DUPLICATE
        elif isinstance(reply, TransactionTaken) and reply.parked:
            outcome = _PARKED
        else:
            outcome = _ACCEPTED
        self._port.count_webhook(outcome.result, "")
        return outcome.answer(ticket)

    def _fault(self, request: WebhookRequest, headers: list[bytes | None]) -> str | None:
        """The code of the first of rows 1 to 5 that applies; None if none does."""
        if request.path != BANKING_PATH:
            return "NOT_FOUND"
        if request.method != "POST":
            return "METHOD_NOT_ALLOWED"
        rules = self._rules
        source = rules.source(request.peer, headers[_FORWARDED])
        if source is None:
            return self._limited(request.peer or "") or "WEBHOOK_SOURCE_FORBIDDEN"
        if request.too_large:
            return "PAYLOAD_TOO_LARGE"
        banking = rules.banking
        given = (headers[_SIGNATURE], headers[_TIMESTAMP])
        window = (self._port.now_ms(), banking.window_ms)
        code = seed_fault(given, request.body, banking.secrets, window)
        # One token a request: a failed signature spends the same budget as a good one.
        code = self._limited(source) or code
        if code is None and not _is_plain_json(headers[_ENCODING], headers[_MEDIA_TYPE]):
            return "MEDIA_TYPE_UNSUPPORTED"
        return code

    def _limited(self, address: str) -> str | None:
        """RATE_LIMITED if the address has spent its minute (only where a bound is configured)."""
        if self._rates.per_minute and not self._rates.take(address, trio.current_time()):
            return "RATE_LIMITED"
        return None

    def _refused(self, code: str, ticket: str, errors: Sequence[FieldError] = ()) -> Response:
        """Count a refusal and answer it."""
        self._count_refusal(code, ticket)
        answer = problem(code, ticket, errors=errors)
        if code == "METHOD_NOT_ALLOWED":
            answer.headers.append((b"allow", b"POST"))
        return answer

    def _count_refusal(self, code: str, ticket: str) -> None:
        """Tell the metrics and the log (S63: log and alert); neither hears of the content."""
        self._port.count_webhook("refused", code)
        _log.warning("webhook_refused", code=code, request_id=ticket)


class _Outcome:
    """A success, ready but for the request id."""

    __slots__ = ("_body", "_headers", "_status", "result")

    def __init__(self, status: int, result: str) -> None:
        self.result = result
        self._status = status
        self._body = b'{"status":"%b"}' % result.encode()
        self._headers = (
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(self._body)),
            (b"x-content-type-options", b"nosniff"),
        )

    def answer(self, ticket: str) -> Response:
        """The answer to one request."""
        headers = [*self._headers, (b"x-request-id", ticket.encode())]
        return Response(self._status, headers, self._body)


_ACCEPTED = _Outcome(202, "accepted")
_PARKED = _Outcome(202, "parked")
_DUPLICATE = _Outcome(200, "duplicate")

_SIGNATURE, _TIMESTAMP, _REQUEST_ID, _MEDIA_TYPE, _ENCODING, _FORWARDED = range(6)
_SLOTS = {
    SIGNATURE_HEADER: _SIGNATURE,
    TIMESTAMP_HEADER: _TIMESTAMP,
    b"x-request-id": _REQUEST_ID,
    b"content-type": _MEDIA_TYPE,
    b"content-encoding": _ENCODING,
    b"x-forwarded-for": _FORWARDED,
}


def _picked(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes | None]:
    """The headers that matter, by slot; None where missing.

    A repeated signature, timestamp or request id becomes empty, which no form allows; the others
    are lists by their nature (RFC 9110 section 5.3) and are joined.
    """
    values: list[bytes | None] = [None] * len(_SLOTS)
    for name, value in headers:
        slot = _SLOTS.get(name)
        if slot is None:
            continue
        before = values[slot]
        if before is None:
            values[slot] = value
        else:
            values[slot] = b"" if slot <= _REQUEST_ID else before + b"," + value
    return values


_JSON_TYPE = re.compile(rb"(?i:application/json)[ \t]*(;.*)?").fullmatch
_OTHER_CHARSET = re.compile(rb'(?i:;[ \t]*charset[ \t]*=[ \t]*(?!"?utf-8"?[ \t]*(?:;|$)))').search


def _is_plain_json(encoding: bytes | None, media_type: bytes | None) -> bool:
    """Row 5. A missing media type is no other media type: the signature vouches for the body."""
    if encoding is not None and encoding.lower() != b"identity":
        return False
    if media_type is None or media_type == b"application/json":
        return True
    return _JSON_TYPE(media_type) is not None and _OTHER_CHARSET(media_type) is None

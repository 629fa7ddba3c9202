"""What all receptions of webhooks share: whom they hear, what they count, how they answer.

The rule: the rows of interface.md 6 that do not depend on the sender's scheme stand here once, and
every sender's failures count against the same bounds.
Source: spec.md S53, S62, S63, X28; interface.md 6 (rows 1, 3 to 5, 9 to 12).
"""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final, Generic, NamedTuple, TypeVar

import structlog
import trio

from comptoir.actors.connection.messages import Noted, TransactionTaken
from comptoir.engine import EngineError
from comptoir.engine.gateway_spec import CallFault
from comptoir.http import peers
from comptoir.http.answers import Response, request_id
from comptoir.http.limits import Limits
from comptoir.http.payload_fields import BadBody
from comptoir.http.port import Answer, Port, WebhookPort
from comptoir.http.problems import FieldError, code_of, problem, problem_of
from comptoir.http.rates import Rates

__all__ = [
    "ACCEPTED",
    "DUPLICATE",
    "IGNORED",
    "PARKED",
    "OwnScheme",
    "Rows",
    "Taken",
    "WebhookRequest",
    "is_plain_json",
    "outcome_of",
    "picked",
    "slots_of",
]

T = TypeVar("T")
_COMMON: Final = (b"x-request-id", b"content-type", b"content-encoding", b"x-forwarded-for")
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


class Rows:
    """What every sender's reception shares: whom it hears, what it counts, how it refuses."""

    __slots__ = ("limits", "port", "rates", "rules")

    def __init__(self, port: WebhookPort, limits: Limits | None, rates: Rates) -> None:
        """Take the rules of the port as they are now.

        Args:
            port: the daemon.
            limits: of anonymous callers, against which failures at rows 1 and 3 count; None: none.
            rates: of webhooks by address, shared by all receptions of a daemon.
        """
        self.port = port
        self.limits = limits
        self.rules = port.rules
        self.rates = rates

    def opened(self, request: WebhookRequest, forwarded: bytes | None) -> tuple[str, str | None]:
        """The address that a webhook comes from, and the code of what is wrong before its signature."""
        if request.method != "POST":
            return "", "METHOD_NOT_ALLOWED"
        source, code = self.heard(request, forwarded)
        return source, code or ("PAYLOAD_TOO_LARGE" if request.too_large else None)

    def heard(self, request: WebhookRequest, forwarded: bytes | None) -> tuple[str, str | None]:
        """The address that a webhook comes from, and the code of row 1 if it is not one of ours."""
        rules = self.rules
        source = rules.source(request.peer, forwarded)
        if source is not None:
            return source, None
        client = peers.client(request.peer, forwarded, rules.trusted_proxies)
        limited = self.limited(request.peer or "") or self.too_many_failures(client)
        return "", limited or "WEBHOOK_SOURCE_FORBIDDEN"

    def judged(self, source: str, code: str | None) -> str | None:
        """What a verdict on a signature (rows 3 and 4) comes to, within this address's bounds.

        One token a request: a failed signature spends the same budget as a good one.
        """
        code = self.limited(source) or code
        if code == "WEBHOOK_SIGNATURE_INVALID":
            return self.too_many_failures(peers.parse(source)) or code
        return code

    def limited(self, address: str) -> str | None:
        """RATE_LIMITED if the address has spent its minute (only where a bound is configured)."""
        if self.rates.per_minute and not self.rates.take(address, trio.current_time()):
            return "RATE_LIMITED"
        return None

    def too_many_failures(self, client: peers.Address | None) -> str | None:
        """RATE_LIMITED if that many failures come from one address (interface.md 6)."""
        if self.limits is not None and self.limits.address(client).refused:
            return "RATE_LIMITED"
        return None

    def failed(self, error: EngineError, ticket: str, started: float) -> Response:
        """The answer to a webhook that the engine did not take, or could not decide."""
        self.port.observe_ack(time.perf_counter() - started)
        self._count_refusal(code_of(error), ticket)
        return problem_of(error, ticket)

    def refused(self, code: str, ticket: str, errors: Sequence[FieldError] = ()) -> Response:
        """Count a refusal and answer it."""
        self._count_refusal(code, ticket)
        answer = problem(code, ticket, errors=errors)
        if code == "METHOD_NOT_ALLOWED":
            answer.headers.append((b"allow", b"POST"))
        return answer

    def taken(self, outcome: "Taken", ticket: str, started: float) -> Response:
        """Count what is durable and answer it."""
        self.port.observe_ack(time.perf_counter() - started)
        self.port.count_webhook(outcome.result, "")
        return outcome.answer(ticket)

    def _count_refusal(self, code: str, ticket: str) -> None:
        """Tell the metrics and the log (S63: log and alert); neither hears of the content."""
        self.port.count_webhook("refused", code)
        _log.warning("webhook_refused", code=code, request_id=ticket)


class OwnScheme(Rows, ABC, Generic[T]):
    """A sender with a scheme of its own, whose webhook says one thing in plain JSON: the rows in their order.

    What a sender has of its own are three steps: whether it has signed, what it says, and what becomes of that.
    """

    __slots__ = ("own_port",)
    SLOTS: ClassVar[Mapping[bytes, int]]
    """Made by `slots_of` from the headers that are the scheme's."""

    def __init__(self, port: Port, others: Rows) -> None:
        """Share the bounds of the other senders' reception."""
        super().__init__(port, others.limits, others.rates)
        self.own_port = port

    async def receive(self, request: WebhookRequest) -> Response:
        """Answer one webhook, after its decision is durable if it is taken.

        Never raises but for `trio.Cancelled` and for bugs of ours.
        """
        started = time.perf_counter()
        alone = len(self.SLOTS) - len(_COMMON)
        headers = picked(request.headers, self.SLOTS, alone)
        given, (name, media_type, encoding, forwarded) = headers[:alone], headers[alone:]
        ticket = request_id(name)
        source, code = self.opened(request, forwarded)
        if code is not None:
            return self.refused(code, ticket)
        try:
            code = await self.fault(given, request)
        except CallFault as away:
            return self.refused(away.code, ticket)
        code = self.judged(source, code)
        if code is None and not is_plain_json(encoding, media_type):
            code = "MEDIA_TYPE_UNSUPPORTED"
        if code is not None:
            return self.refused(code, ticket)
        try:
            told = self.read(given, request.body)
        except BadBody as bad:
            return self.refused(bad.code, ticket, bad.errors)
        try:
            return self.taken(await self.take(told), ticket, started)
        except EngineError as error:
            return self.failed(error, ticket, started)

    @abstractmethod
    async def fault(self, given: Sequence[bytes | None], request: WebhookRequest) -> str | None:
        """Rows 3 and 4: None if it is genuine and in time, else the code.

        Args:
            given: values of the scheme's headers, in their order; None where missing, empty where repeated.
            request: all of it.

        Raises:
            CallFault: that cannot be known now.
        """

    @abstractmethod
    def read(self, given: Sequence[bytes | None], body: bytes) -> T:
        """Rows 6 to 8.

        Raises:
            BadBody: the first that applies.
        """

    @abstractmethod
    async def take(self, told: T) -> "Taken":
        """Rows 9 to 12.

        Raises:
            EngineError: it is not taken.
        """


class Taken:
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


ACCEPTED = Taken(202, "accepted")
PARKED = Taken(202, "parked")
DUPLICATE = Taken(200, "duplicate")
IGNORED = Taken(200, "ignored")
"""Genuine, and nothing follows from it."""


def outcome_of(answer: Answer) -> Taken:
    """Rows 10 to 12: what became of one report."""
    if answer.replayed:
        return DUPLICATE
    reply = answer.reply
    return PARKED if isinstance(reply, TransactionTaken | Noted) and reply.parked else ACCEPTED


def slots_of(*names: bytes) -> Mapping[bytes, int]:
    """Where `OwnScheme` finds a scheme's headers, and those that every webhook may have."""
    return {name: slot for slot, name in enumerate((*names, *_COMMON))}


def picked(
    headers: Iterable[tuple[bytes, bytes]], slots: Mapping[bytes, int], alone: int
) -> list[bytes | None]:
    """The headers that matter, by slot; None where missing.

    A repeated one of the slots up to `alone` becomes empty, which no form allows; the others are
    lists by their nature (RFC 9110 section 5.3) and are joined.
    """
    values: list[bytes | None] = [None] * len(slots)
    for name, value in headers:
        slot = slots.get(name)
        if slot is None:
            continue
        before = values[slot]
        if before is None:
            values[slot] = value
        else:
            values[slot] = b"" if slot <= alone else before + b"," + value
    return values


_JSON_TYPE = re.compile(rb"(?i:application/json)[ \t]*(;.*)?").fullmatch
_OTHER_CHARSET = re.compile(rb'(?i:;[ \t]*charset[ \t]*=[ \t]*(?!"?utf-8"?[ \t]*(?:;|$)))').search


def is_plain_json(encoding: bytes | None, media_type: bytes | None) -> bool:
    """Row 5. A missing media type is no other media type: the signature vouches for the body."""
    if encoding is not None and encoding.lower() != b"identity":
        return False
    if media_type is None or media_type == b"application/json":
        return True
    return _JSON_TYPE(media_type) is not None and _OTHER_CHARSET(media_type) is None

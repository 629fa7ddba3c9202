"""Receiving a webhook: one function, whatever server read the bytes.

The rule: S53's order, made exact by the twelve rows of interface.md 6: the first row that applies
is the answer, and 2xx is said only after the decision is durable (X19). Nothing is parsed before
the signature over the raw bytes held, and nothing that the sender wrote is repeated in an answer.

Webhooks that were read together go through each stage together: what a processor has at hand of a stage serves
all of them, where one after another each would find it put away (docs/performance.md, "What bounds it").
Source: spec.md S52 to S56, S62, S66, X15 to X19, X28; interface.md 6.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog

from comptoir.actors.connection.messages import KIND
from comptoir.actors.withdrawal.messages import KIND as WITHDRAWAL
from comptoir.actors.withdrawal.messages import PaymentReported
from comptoir.engine import Address, EngineError, Message, Waiter
from comptoir.http import payloads
from comptoir.http.answers import Response, request_id
from comptoir.http.limits import Limits
from comptoir.http.port import Answer, WebhookPort
from comptoir.http.problems import problem
from comptoir.http.rates import Rates
from comptoir.http.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, seed_fault
from comptoir.http.webhook_rows import (
    Rows,
    WebhookRequest,
    is_plain_json,
    outcome_of,
    picked,
)

__all__ = ["BANKING_PATH", "Reception", "WebhookRequest"]

BANKING_PATH = "/webhooks/banking"

_log = structlog.stdlib.get_logger("comptoir.http.webhooks")

T = TypeVar("T")


class Reception(Rows):
    """Receives the webhooks of one daemon; holds no request between two."""

    __slots__ = ()

    def __init__(self, port: WebhookPort, limits: Limits | None = None) -> None:
        """As `Rows`, with the rates of the port's rules."""
        super().__init__(port, limits, Rates(port.rules.webhooks_per_minute_max))

    def __repr__(self) -> str:
        """Show the rate table."""
        return f"Reception({self.rates!r})"

    async def receive(self, request: WebhookRequest) -> Response:
        """Answer one webhook, after its decision is durable if it is taken.

        Never raises but for `trio.Cancelled`.
        """
        waiter: Waiter[Response] = Waiter()
        self.take([(request, waiter.give)])
        return await waiter.wait()

    def take(self, webhooks: Iterable[tuple[WebhookRequest, Callable[[Response], None]]]) -> None:
        """Take webhooks without waiting, all of them through one stage before any goes into the next.

        Args:
            webhooks: each with what is told its answer, once, perhaps before this returns: when it is refused, or
                when its decision is durable or has failed. It returns at once and raises nothing.
        """
        started = time.perf_counter()
        going: list[tuple[_UnderWay, Any]] = [
            (_UnderWay(self, tell, started), request) for request, tell in webhooks
        ]
        for stage in (self._judge, self._read, self._ask):
            going = [
                (one, left)
                for one, given in going
                if (left := one.pass_through(stage, given)) is not None
            ]

    def answered(self, answer: Answer, ticket: str, started: float) -> Response:
        """The answer to a webhook that is durable."""
        return self.taken(outcome_of(answer), ticket, started)

    # The stages: each gives what the next one needs, or None where the webhook goes no further.

    def _judge(self, one: "_UnderWay", request: WebhookRequest) -> WebhookRequest | None:
        """Rows 1 to 5."""
        headers = picked(request.headers, _SLOTS, _REQUEST_ID)
        one.ticket = request_id(headers[_REQUEST_ID])
        code = self._fault(request, headers)
        if code is None:
            return request
        one.end(self.refused(code, one.ticket))
        return None

    def _read(self, one: "_UnderWay", request: WebhookRequest) -> tuple[Address, Message] | None:
        """Rows 6 to 8."""
        provider = self.rules.banking.provider
        try:
            about, message = payloads.read(request.body, provider)
        except payloads.BadBody as bad:
            one.end(self.refused(bad.code, one.ticket, bad.errors))
            return None
        if type(message) is PaymentReported:
            return Address(WITHDRAWAL, about), message
        return Address(KIND, self.port.blind(provider, about)), message

    def _ask(self, one: "_UnderWay", asked: tuple[Address, Message]) -> None:
        """Rows 9 to 12, which are told when they are durable."""
        try:
            self.port.ask_for(one, *asked)
        except EngineError as error:
            one.fail(error)

    def _fault(self, request: WebhookRequest, headers: list[bytes | None]) -> str | None:
        """The code of the first of rows 1 to 5 that applies; None if none does."""
        if request.path != BANKING_PATH:
            return "NOT_FOUND"
        if request.method != "POST":
            return "METHOD_NOT_ALLOWED"
        source, code = self.heard(request, headers[_FORWARDED])
        if code is not None:
            return code
        if request.too_large:
            return "PAYLOAD_TOO_LARGE"
        banking = self.rules.banking
        given = (headers[_SIGNATURE], headers[_TIMESTAMP])
        window = (self.port.now_ms(), banking.window_ms)
        code = self.judged(source, seed_fault(given, request.body, banking.secrets, window))
        if code is None and not is_plain_json(headers[_ENCODING], headers[_MEDIA_TYPE]):
            return "MEDIA_TYPE_UNSUPPORTED"
        return code


class _UnderWay:
    """One webhook on its way to its answer, in no task of its own (`Asker`); it keeps nothing of the request."""

    __slots__ = ("_reception", "_started", "_tell", "done", "ticket")

    def __init__(
        self, reception: Reception, tell: Callable[[Response], None], started: float
    ) -> None:
        self.done = False
        self.ticket = ""
        self._reception = reception
        self._tell = tell
        self._started = started

    def pass_through(self, stage: "Callable[[_UnderWay, Any], T]", given: Any) -> T | None:
        """What a stage makes of what it is given; whatever goes wrong in it is this webhook's alone."""
        try:
            return stage(self, given)
        except Exception:  # noqa: BLE001 (logged with its traceback, answered as INTERNAL)
            self._crash()
            return None

    def give(self, value: Answer) -> None:
        """Its decision is durable."""
        self._hear(self._reception.answered, value)

    def fail(self, error: EngineError) -> None:
        """It has none, or none in time."""
        self._hear(self._reception.failed, error)

    def end(self, answer: Response) -> None:
        """Tell the answer, once: what is heard after it comes too late."""
        if not self.done:
            self.done = True
            self._tell(answer)

    def _hear(self, put: Callable[[T, str, float], Response], result: T) -> None:
        """Tell the answer, whatever goes wrong: nobody else ends the wait, or may hear of it."""
        if self.done:
            return
        try:
            answer = put(result, self.ticket, self._started)
        except Exception:  # noqa: BLE001 (logged with its traceback, answered as INTERNAL)
            self._crash()
        else:
            self.end(answer)

    def _crash(self) -> None:
        self.ticket = self.ticket or request_id(None)
        _log.exception("request_crashed", request_id=self.ticket)
        self.end(problem("INTERNAL", self.ticket))


_SIGNATURE, _TIMESTAMP, _REQUEST_ID, _MEDIA_TYPE, _ENCODING, _FORWARDED = range(6)
_SLOTS = {
    SIGNATURE_HEADER: _SIGNATURE,
    TIMESTAMP_HEADER: _TIMESTAMP,
    b"x-request-id": _REQUEST_ID,
    b"content-type": _MEDIA_TYPE,
    b"content-encoding": _ENCODING,
    b"x-forwarded-for": _FORWARDED,
}

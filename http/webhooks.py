"""Receiving a webhook: one function, whatever server read the bytes.

The rule: S53's order, made exact by the twelve rows of interface.md 6: the first row that applies
is the answer, and 2xx is said only after the decision is durable (X19). Nothing is parsed before
the signature over the raw bytes held, and nothing that the sender wrote is repeated in an answer.
Source: spec.md S52 to S56, S62, S66, X15 to X19, X28; interface.md 6.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from comptoir.actors.connection.messages import KIND
from comptoir.actors.withdrawal.messages import KIND as WITHDRAWAL
from comptoir.actors.withdrawal.messages import PaymentReported
from comptoir.engine import Address, EngineError, Waiter
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

        Never raises but for `trio.Cancelled` and for bugs of ours.
        """
        waiter: Waiter[Response] = Waiter()
        refusal = self.take(request, waiter.give)
        return await waiter.wait() if refusal is None else refusal

    def take(self, request: WebhookRequest, tell: Callable[[Response], None]) -> Response | None:
        """Take one webhook without waiting: a refusal now, or None, and then the answer is told.

        Args:
            request: the webhook.
            tell: called once, perhaps before this returns, when the decision is durable or has
                failed; it returns at once and raises nothing.
        """
        started = time.perf_counter()
        headers = picked(request.headers, _SLOTS, _REQUEST_ID)
        ticket = request_id(headers[_REQUEST_ID])
        code = self._fault(request, headers)
        if code is not None:
            return self.refused(code, ticket)
        banking = self.rules.banking
        try:
            about, message = payloads.read(request.body, banking.provider)
        except payloads.BadBody as bad:
            return self.refused(bad.code, ticket, bad.errors)
        if type(message) is PaymentReported:
            address = Address(WITHDRAWAL, about)
        else:
            address = Address(KIND, self.port.blind(banking.provider, about))
        try:
            self.port.ask_for(_UnderWay(self, tell, ticket, started), address, message)
        except EngineError as error:
            return self.failed(error, ticket, started)
        return None

    def answered(self, answer: Answer, ticket: str, started: float) -> Response:
        """The answer to a webhook that is durable."""
        return self.taken(outcome_of(answer), ticket, started)

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
    """One webhook whose decision is awaited, in no task of its own (`Asker`)."""

    __slots__ = ("_reception", "_started", "_tell", "_ticket", "done")

    def __init__(
        self,
        reception: Reception,
        tell: Callable[[Response], None],
        ticket: str,
        started: float,
    ) -> None:
        self.done = False
        self._reception = reception
        self._tell = tell
        self._ticket = ticket
        self._started = started

    def give(self, value: Answer) -> None:
        """Its decision is durable."""
        self._hear(self._reception.answered, value)

    def fail(self, error: EngineError) -> None:
        """It has none, or none in time."""
        self._hear(self._reception.failed, error)

    def _hear(self, put: Callable[[T, str, float], Response], result: T) -> None:
        """Tell the answer once, whatever goes wrong: nobody else ends the wait, or may hear of it."""
        if self.done:
            return
        self.done = True
        try:
            answer = put(result, self._ticket, self._started)
        except Exception:  # noqa: BLE001 (logged with its traceback, answered as INTERNAL)
            _log.exception("request_crashed", request_id=self._ticket)
            answer = problem("INTERNAL", self._ticket)
        self._tell(answer)


_SIGNATURE, _TIMESTAMP, _REQUEST_ID, _MEDIA_TYPE, _ENCODING, _FORWARDED = range(6)
_SLOTS = {
    SIGNATURE_HEADER: _SIGNATURE,
    TIMESTAMP_HEADER: _TIMESTAMP,
    b"x-request-id": _REQUEST_ID,
    b"content-type": _MEDIA_TYPE,
    b"content-encoding": _ENCODING,
    b"x-forwarded-for": _FORWARDED,
}

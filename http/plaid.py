"""Receiving Plaid's webhooks: verified by a key that is asked of Plaid, once per key.

The rule: the rows of interface.md 6 in their order, as for every sender. A key that is not at hand is asked
for while the webhook waits; where Plaid is away, or too many unknown keys are named, the answer is 503 and
the sender comes again: nothing is refused that could be genuine.
Source: plaid.com/docs/api/webhooks; protocols.md 5.2; spec.md S42, S53 to S55, X16, X19.
"""

import time
from typing import Final

from comptoir.actors.connection.messages import KIND
from comptoir.engine import Address, EngineError
from comptoir.engine.gateway_spec import CallFault
from comptoir.http.answers import Response, request_id
from comptoir.http.payload_fields import BadBody
from comptoir.http.plaid_body import PROVIDER, Told, read
from comptoir.http.plaid_jwt import PlaidToken, key_of, plaid_fault, token_of
from comptoir.http.port import Port
from comptoir.http.signatures import INVALID
from comptoir.http.webhook_rows import (
    IGNORED,
    Rows,
    WebhookRequest,
    is_plain_json,
    outcome_of,
    picked,
)

__all__ = ["PLAID_PATH", "PlaidReception"]

PLAID_PATH: Final = "/webhooks/plaid"

_VERIFICATION, _REQUEST_ID, _MEDIA_TYPE, _ENCODING, _FORWARDED = range(5)
_SLOTS: Final = {
    b"plaid-verification": _VERIFICATION,
    b"x-request-id": _REQUEST_ID,
    b"content-type": _MEDIA_TYPE,
    b"content-encoding": _ENCODING,
    b"x-forwarded-for": _FORWARDED,
}


class PlaidReception(Rows):
    """Receives Plaid's webhooks of one daemon."""

    __slots__ = ("_port",)

    def __init__(self, port: Port, others: Rows) -> None:
        """Share the bounds of the other senders' reception."""
        super().__init__(port, others.limits, others.rates)
        self._port = port

    async def receive(self, request: WebhookRequest) -> Response:
        """Answer one webhook, after its decision is durable if it is taken.

        Never raises but for `trio.Cancelled` and for bugs of ours.
        """
        started = time.perf_counter()
        headers = picked(request.headers, _SLOTS, _REQUEST_ID)
        ticket = request_id(headers[_REQUEST_ID])
        source, code = self.opened(request, headers[_FORWARDED])
        if code is not None:
            return self.refused(code, ticket)
        token = token_of(headers[_VERIFICATION])
        try:
            code = INVALID if token is None else await self._fault(token, request.body)
        except CallFault as away:
            return self.refused(away.code, ticket)
        code = self.judged(source, code)
        if code is None and not is_plain_json(headers[_ENCODING], headers[_MEDIA_TYPE]):
            code = "MEDIA_TYPE_UNSUPPORTED"
        if token is None or code is not None:
            return self.refused(code or INVALID, ticket)
        try:
            told = read(request.body, token.reference, self.port.now_ms())
        except BadBody as bad:
            return self.refused(bad.code, ticket, bad.errors)
        return await self._take(told, ticket, started)

    async def _fault(self, token: PlaidToken, body: bytes) -> str | None:
        """Rows 3 and 4.

        Raises:
            CallFault: its key cannot be had now.
        """
        jwk = await self._port.plaid_key(token.key_id)
        key = None if jwk is None else key_of(jwk, token.key_id)
        window = (self.port.now_ms(), self.rules.banking.window_ms)
        return plaid_fault(token, body, key, window)

    async def _take(self, told: Told, ticket: str, started: float) -> Response:
        """Rows 9 to 12."""
        if told.report is None:
            return self.taken(IGNORED, ticket, started)
        address = Address(KIND, self.port.blind(PROVIDER, told.item_id))
        try:
            answer = await self._port.ask(address, told.report)
        except EngineError as error:
            return self.failed(error, ticket, started)
        return self.taken(outcome_of(answer), ticket, started)

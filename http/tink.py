"""Receiving Tink's webhooks: notices that make a connection read, and deletions.

The rule: the rows of interface.md 6 in their order, as for every sender. Nothing numbers a webhook: the very
same one, with the time that it was signed at, is taken once; one that Tink signs anew is told anew, which asks
for nothing that harms when it is done twice.

Source: docs.tink.com/resources/transactions/webhooks-for-transactions; spec.md S42, S53 to S55, X16, X19.
"""

import time
from hashlib import sha256
from typing import Final

from comptoir.actors.connection.messages import KIND
from comptoir.actors.gateways.tink_meaning import PROVIDER
from comptoir.engine import Address, EngineError
from comptoir.http.answers import Response, request_id
from comptoir.http.payload_fields import BadBody
from comptoir.http.port import Port
from comptoir.http.schemes import Window, tink_fault, tink_signature
from comptoir.http.signatures import INVALID
from comptoir.http.tink_body import Told, read
from comptoir.http.webhook_reports import take_all
from comptoir.http.webhook_rows import IGNORED, Rows, WebhookRequest, is_plain_json, picked

__all__ = ["TINK_PATH", "TinkReception"]

TINK_PATH: Final = "/webhooks/tink"
REFERENCE_CHARACTERS: Final = 32
"""Of the digest that stands for a webhook without a number of its own."""

_SIGNATURE, _REQUEST_ID, _MEDIA_TYPE, _ENCODING, _FORWARDED = range(5)
_SLOTS: Final = {
    b"x-tink-signature": _SIGNATURE,
    b"x-request-id": _REQUEST_ID,
    b"content-type": _MEDIA_TYPE,
    b"content-encoding": _ENCODING,
    b"x-forwarded-for": _FORWARDED,
}


class TinkReception(Rows):
    """Receives Tink's webhooks of one daemon."""

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
        rules = self.rules.tink
        window = Window(self.port.now_ms(), rules.window_ms)
        signature = tink_signature(headers[_SIGNATURE])
        code = self.judged(source, tink_fault(signature, request.body, rules.secrets, window))
        if code is None and not is_plain_json(headers[_ENCODING], headers[_MEDIA_TYPE]):
            code = "MEDIA_TYPE_UNSUPPORTED"
        if signature is None or code is not None:
            return self.refused(code or INVALID, ticket)
        signed = sha256(signature.seconds + b"." + request.body).hexdigest()
        try:
            told = read(request.body, signed[:REFERENCE_CHARACTERS])
        except BadBody as bad:
            return self.refused(bad.code, ticket, bad.errors)
        return await self._take(told, ticket, started)

    async def _take(self, told: Told, ticket: str, started: float) -> Response:
        """Rows 9 to 12."""
        reports = [*([told.stands] if told.stands is not None else []), *told.reports]
        if not reports:
            return self.taken(IGNORED, ticket, started)
        address = Address(KIND, self.port.blind(PROVIDER, told.user))
        try:
            outcome = await take_all(self._port, address, reports)
        except EngineError as error:
            return self.failed(error, ticket, started)
        return self.taken(outcome, ticket, started)

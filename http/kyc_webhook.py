"""Receiving the bureau's webhooks: KYC_COMPLETED, in the seed's scheme with secrets of its own.

The rule: the rows of interface.md 6 in their order; what follows a right body is the case's to say: taken, a duplicate, or
ignored and on record, and each of the three is an answer that makes the bureau stop sending.
Source: spec.md S10, S11, S53 to S55, X4, X16, X19; interface.md 6 and 8.
"""

import time
from typing import Final

from comptoir.actors.kyc.messages import KIND, ReportTaken
from comptoir.engine import Address, EngineError
from comptoir.http.answers import Response, request_id
from comptoir.http.kyc_body import read
from comptoir.http.payload_fields import BadBody
from comptoir.http.port import Port
from comptoir.http.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, seed_fault
from comptoir.http.webhook_rows import (
    ACCEPTED,
    DUPLICATE,
    IGNORED,
    Rows,
    WebhookRequest,
    is_plain_json,
    picked,
)

__all__ = ["KYC_PATH", "KycReception"]

KYC_PATH: Final = "/webhooks/kyc"
_SIGNATURE, _TIMESTAMP, _REQUEST_ID, _MEDIA_TYPE, _ENCODING, _FORWARDED = range(6)
_SLOTS: Final = {
    SIGNATURE_HEADER: _SIGNATURE,
    TIMESTAMP_HEADER: _TIMESTAMP,
    b"x-request-id": _REQUEST_ID,
    b"content-type": _MEDIA_TYPE,
    b"content-encoding": _ENCODING,
    b"x-forwarded-for": _FORWARDED,
}
_OUTCOMES: Final = {"accepted": ACCEPTED, "duplicate": DUPLICATE, "ignored": IGNORED}


class KycReception(Rows):
    """Receives the webhooks of one daemon's bureau."""

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
        rules = self.rules.kyc
        given = (headers[_SIGNATURE], headers[_TIMESTAMP])
        window = (self.port.now_ms(), rules.window_ms)
        code = self.judged(source, seed_fault(given, request.body, rules.secrets, window))
        if code is None and not is_plain_json(headers[_ENCODING], headers[_MEDIA_TYPE]):
            code = "MEDIA_TYPE_UNSUPPORTED"
        if code is not None:
            return self.refused(code, ticket)
        try:
            told = read(request.body)
        except BadBody as bad:
            return self.refused(bad.code, ticket, bad.errors)
        try:
            answer = await self._port.ask(Address(KIND, told.file), told.report)
        except EngineError as error:
            return self.failed(error, ticket, started)
        assert isinstance(answer.reply, ReportTaken)
        return self.taken(_OUTCOMES[answer.reply.status], ticket, started)

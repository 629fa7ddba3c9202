"""Receiving Powens's webhooks: one body, many transactions, one answer.

The rule: the rows of interface.md 6 in their order, as for every sender; 2xx is said only when every
report of the body is durable (webhook_reports.py); Powens tries until it is taken. How the connection stands is
heeded first: where all is well again, what the body tells may be looked at.

A body is compressed or not, and implementations differ in which bytes were signed; so the bytes as
they came are tried first, and then what they decompress to, within the bound of a body. A large body
is read in a thread, so that the loop turns meanwhile.
Source: docs.powens.com/documentation/integration-guides/webhooks; protocols.md 5.1 (Webhook auth,
Events); spec.md S42, S53 to S55, X16, X19; RFC 1952.
"""

import time
import zlib
from collections.abc import Sequence
from typing import Final

import trio

from comptoir.actors.connection.messages import KIND
from comptoir.engine import Address, EngineError
from comptoir.http.answers import Response, request_id
from comptoir.http.payload_fields import MALFORMED, BadBody
from comptoir.http.port import Port
from comptoir.http.powens_body import PROVIDER, Synced, read
from comptoir.http.schemes import Signed, Window, powens_fault
from comptoir.http.signatures import INVALID
from comptoir.http.webhook_reports import take_all
from comptoir.http.webhook_rows import Rows, WebhookRequest, is_plain_json, picked

__all__ = ["POWENS_PATH", "PowensReception"]

POWENS_PATH: Final = "/webhooks/powens"
IN_LOOP_BYTES_MAX: Final = 65_536
"""A body that takes longer to read than a turn of the loop may last is read in a thread."""
GZIP_WINDOW: Final = 31
"""zlib's word for "a gzip member and nothing else"."""

_SIGNATURE, _DATE, _REQUEST_ID, _MEDIA_TYPE, _ENCODING, _FORWARDED = range(6)
_SLOTS: Final = {
    b"bi-signature": _SIGNATURE,
    b"bi-signature-date": _DATE,
    b"x-request-id": _REQUEST_ID,
    b"content-type": _MEDIA_TYPE,
    b"content-encoding": _ENCODING,
    b"x-forwarded-for": _FORWARDED,
}


class _Refused(Exception):
    """A body that is refused before it is read, with the code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PowensReception(Rows):
    """Receives Powens's webhooks of one daemon."""

    __slots__ = ("_port",)

    def __init__(self, port: Port, others: Rows) -> None:
        """Share the bounds of the other senders' reception."""
        super().__init__(port, others.limits, others.rates)
        self._port = port

    async def receive(self, request: WebhookRequest) -> Response:
        """Answer one webhook, after all its reports are durable.

        Never raises but for `trio.Cancelled` and for bugs of ours.
        """
        started = time.perf_counter()
        headers = picked(request.headers, _SLOTS, _REQUEST_ID)
        ticket = request_id(headers[_REQUEST_ID])
        try:
            body = self._plain(request, headers)
            synced = await _read(body)
        except _Refused as refused:
            return self.refused(refused.code, ticket)
        except BadBody as bad:
            return self.refused(bad.code, ticket, bad.errors)
        address = Address(KIND, self.port.blind(PROVIDER, synced.connection_id))
        try:
            outcome = await take_all(self._port, address, (synced.stands, *synced.reports))
        except EngineError as error:
            return self.failed(error, ticket, started)
        return self.taken(outcome, ticket, started)

    def _plain(self, request: WebhookRequest, headers: Sequence[bytes | None]) -> bytes:
        """Rows 1 to 5; the body as text.

        Raises:
            _Refused: with the first that applies.
        """
        source, code = self.opened(request, headers[_FORWARDED])
        if code is not None:
            raise _Refused(code)
        rules = self.rules.powens
        compressed = (headers[_ENCODING] or b"").lower() == b"gzip"
        code = self._fault(request, request.body, headers)
        text: bytes | None = None
        if code == INVALID and compressed and headers[_SIGNATURE]:
            text = _decompressed(request.body, rules.body_bytes_max)
            code = INVALID if text is None else self._fault(request, text, headers)
        code = self.judged(source, code)
        if code is not None:
            raise _Refused(code)
        if not is_plain_json(None if compressed else headers[_ENCODING], headers[_MEDIA_TYPE]):
            raise _Refused("MEDIA_TYPE_UNSUPPORTED")
        if not compressed:
            return request.body
        text = _decompressed(request.body, rules.body_bytes_max) if text is None else text
        if text is None:
            raise _Refused(MALFORMED)
        if len(text) > rules.body_bytes_max:
            raise _Refused("PAYLOAD_TOO_LARGE")
        return text

    def _fault(
        self, request: WebhookRequest, body: bytes, headers: Sequence[bytes | None]
    ) -> str | None:
        """Rows 3 and 4 over these bytes."""
        rules = self.rules.powens
        signed = Signed(request.method, request.path, {}, body)
        given = (headers[_SIGNATURE], headers[_DATE])
        return powens_fault(
            signed, given, rules.secrets, Window(self.port.now_ms(), rules.window_ms)
        )


async def _read(body: bytes) -> Synced:
    """Read a body where it holds nobody up.

    Raises:
        BadBody: see `powens_body.read`.
    """
    if len(body) <= IN_LOOP_BYTES_MAX:
        return read(body)
    return await trio.to_thread.run_sync(read, body)


def _decompressed(body: bytes, bytes_max: int) -> bytes | None:
    """What one gzip member holds, at most one byte over the bound; None if it is not whole."""
    inflater = zlib.decompressobj(GZIP_WINDOW)
    try:
        text = inflater.decompress(body, bytes_max + 1)
    except zlib.error:
        return None
    if len(text) > bytes_max:
        return text
    return text if inflater.eof and not inflater.unused_data else None

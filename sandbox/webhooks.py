"""Single webhooks on demand: `POST /control/webhooks`.

Rule: the body's bytes go as they came (a raw text or raw bytes where the JSON is to be broken), so
that what is tested is the receiver, not our writer; every attempt's answer is reported as it was.

Source: interface.md 10; interface.md 6 (the cases that a receiver must tell apart).
"""

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Annotated, Any

import msgspec
import orjson
import trio

from comptoir.sandbox.clock import Clock
from comptoir.sandbox.deliveries import Delivery, Sender, encode_headers
from comptoir.sandbox.errors import invalid
from comptoir.sandbox.faults import Faults, Operation
from comptoir.sandbox.parties.party import Stage
from comptoir.sandbox.parties.seed import misbehave
from comptoir.sandbox.runs.request import check_scheme
from comptoir.sandbox.schemes import SCHEMES, SEED_V1, Scheme, Signature
from comptoir.sandbox.wire.client import Answer, Connection, NoAnswer, Target

TIMES_MAX = 10_000
PARTY_SECONDS = 10.0
"""So long a provider waits for an answer."""
_SHOWN_HEADERS = ("content-type", "retry-after", "x-request-id", "www-authenticate", "allow")
_SHOWN_BYTES_MAX = 16_384

HeaderValue = str | list[str] | None


class WebhookRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """The body of `POST /control/webhooks`; just one of the three bodies is given."""

    target: str
    secret: str
    scheme: str = SEED_V1
    body: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    """Any JSON but null; its bytes are sent as they stand in this request."""
    body_text: str | None = None
    """Sent as UTF-8, JSON or not."""
    body_b64: str | None = None
    """Any bytes, in base64."""
    timestamp_ms: int | None = None
    """Default: the sandbox's clock at each sending."""
    signature: Signature = Signature.VALID
    times: Annotated[int, msgspec.Meta(ge=1, le=TIMES_MAX)] = 1
    headers: dict[str, HeaderValue] = msgspec.field(default_factory=dict[str, HeaderValue])
    """Headers to add or replace: a value, a list to send it several times, null to leave it out."""
    timeout_ms: Annotated[int, msgspec.Meta(ge=10, le=120_000)] = 30_000


def _body_of(request: WebhookRequest) -> bytes:
    given: list[bytes] = []
    raw = bytes(request.body)
    if raw not in {b"", b"null"}:
        given.append(raw)
    if request.body_text is not None:
        try:
            given.append(request.body_text.encode())
        except UnicodeEncodeError:
            raise invalid("/bodyText", "FIELD_INVALID", "not UTF-8: use bodyB64") from None
    if request.body_b64 is not None:
        try:
            given.append(b64decode(request.body_b64, validate=True))
        except (Base64Error, ValueError):
            raise invalid("/bodyB64", "FIELD_INVALID", "not base64") from None
    if len(given) != 1:
        raise invalid("/body", "FIELD_INVALID", "give one of body, bodyText and bodyB64")
    return given[0]


def _replaced(headers: dict[str, HeaderValue]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    replaced: list[tuple[str, tuple[str, ...]]] = []
    for name, value in headers.items():
        values = (value,) if isinstance(value, str) else tuple(value or ())
        if not name or not all(char.isalnum() or char in "-_!#$%&'*+.^`|~" for char in name):
            raise invalid("/headers", "FIELD_INVALID", "a header's name is not a token")
        if any(char in text for text in values for char in "\r\n\0") or not _latin(name, *values):
            detail = "a header holds a line break, a NUL or a character outside Latin-1"
            raise invalid("/headers", "FIELD_INVALID", detail)
        replaced.append((name, values))
    return tuple(replaced)


def _latin(*texts: str) -> bool:
    return all(char <= "\xff" for text in texts for char in text)


def sender_of(request: WebhookRequest, hosts: frozenset[str]) -> Sender:
    """Checks the target, scheme and headers; raises `Refused` 422."""
    check_scheme(request.scheme)
    return Sender(
        target=Target.parse(request.target, hosts),
        scheme=SCHEMES[request.scheme],
        secret=request.secret.encode("utf-8", "surrogatepass"),
        replaced=_replaced(request.headers),
    )


async def send(
    request: WebhookRequest, sender: Sender, clock: Clock, faults: Faults
) -> list[dict[str, object]]:
    """Sends the webhook `times` times, one after the other; returns an answer for each sending."""
    body = _body_of(request)
    planned = (Delivery("single", body, signature=request.signature) for _ in range(request.times))
    answers: list[dict[str, object]] = []
    async with Connection(sender.target) as connection:
        for delivery in misbehave(planned, faults):
            now_ms = clock.now_ms() if request.timestamp_ms is None else request.timestamp_ms
            delivery.message = sender.message(delivery, now_ms)
            answers.append(await _answer(connection, delivery.message, request.timeout_ms / 1000))
    return answers


async def post(
    body: bytes,
    signs: tuple[Target, Scheme, bytes],
    stage: Stage,
    sends: tuple[str, Operation],
    headers: tuple[tuple[str, tuple[str, ...]], ...] = (),
) -> list[dict[str, Any]]:
    """Sends a webhook that a party has made itself; an answer for each sending."""
    sender = Sender(*signs, replaced=headers)
    answers: list[dict[str, Any]] = []
    async with Connection(sender.target) as connection:
        for delivery in misbehave([Delivery("single", body)], stage.faults, sends):
            delivery.message = sender.message(delivery, stage.clock.now_ms())
            answers.append(await _answer(connection, delivery.message, PARTY_SECONDS))
    return answers


async def _answer(connection: Connection, message: bytes, seconds: float) -> dict[str, object]:
    begin = trio.current_time()
    shown: dict[str, object] = {"status": None, "error": "TIMEOUT"}
    try:
        with trio.move_on_after(seconds):
            answer = await _once_more(connection, message)
            headers = encode_headers(answer.headers, _SHOWN_HEADERS)
            shown = {"status": answer.status, "headers": headers, "body": _shown(answer.body)}
    except NoAnswer as failure:
        shown["error"] = failure.code
    shown["latencyMs"] = round((trio.current_time() - begin) * 1000, 3)
    return shown


async def _once_more(connection: Connection, message: bytes) -> Answer:
    """A kept connection that the receiver had closed is nobody's fault: one new one."""
    try:
        return await connection.exchange(message)
    except NoAnswer as failure:
        if not failure.stale:
            raise
        return await connection.exchange(message)


def _shown(body: bytes) -> object:
    """JSON as JSON, anything else as text, bounded."""
    try:
        return orjson.loads(body) if len(body) <= _SHOWN_BYTES_MAX else _text(body)
    except orjson.JSONDecodeError:
        return _text(body)


def _text(body: bytes) -> str:
    return body[:_SHOWN_BYTES_MAX].decode("utf-8", "replace")

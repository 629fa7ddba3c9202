"""One webhook on its way out: what is sent, how it is signed, and what a correct receiver answers.

Rule: a delivery knows what is wrong with it, so the right answer to it is a function of the
delivery alone; the bytes are made at the moment of sending, because they carry the time.

Source: interface.md 6 (order of answers); spec S54, S55, X16.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import orjson

from comptoir.sandbox.runs.accounts import Transaction
from comptoir.sandbox.schemes import Form, Scheme, Signature, ToSign
from comptoir.sandbox.wire.client import Target

ACCEPTED = "accepted"
DUPLICATE = "duplicate"
PARKED = "parked"


@dataclass(slots=True, eq=False)
class Delivery:
    """A webhook that is to be sent, once or (after failures) again."""

    kind: str
    """partner, other, refund, duplicate, replay, unknown_connection, forged, late, wrong_clock."""
    body: bytes
    transaction: Transaction | None = None
    """What it earns or claws back if taken; None where it must not be taken."""
    signature: Signature = Signature.VALID
    form: Form = Form.LOWER
    skew_ms: int = 0
    """How far its timestamp is from the time of sending."""
    after: "Delivery | None" = None
    """It may go only once this one was acknowledged, and not at all if that was refused."""
    verbatim: bool = False
    """True for a replay: the very bytes of `after` go again, old timestamp and all."""
    message: bytes = b""
    """The bytes of the last attempt."""
    acknowledged: bool | None = None
    """None until its last attempt is over."""
    waiting: list["Delivery"] = field(default_factory=list["Delivery"])
    """Those whose `after` it is, and whose turn came too early."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Turns a delivery into the bytes of one request."""

    target: Target
    scheme: Scheme
    secret: bytes
    window_ms: int = 300_000
    """The receiver's window (S55), either way (X16)."""
    replaced: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Headers to send instead of ours: name and its values, none to leave it out."""

    def message(self, delivery: Delivery, now_ms: int) -> bytes:
        """The request's bytes, signed for `now_ms`; a replay's are those of the first time."""
        if delivery.verbatim:
            assert delivery.after is not None
            return delivery.after.message
        headers = self.scheme(
            self.secret,
            ToSign(self.target.path, max(now_ms + delivery.skew_ms, 0), delivery.body),
            delivery.signature,
            delivery.form,
        )
        headers = [
            ("Host", self.target.authority),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(delivery.body))),
            *headers,
        ]
        if self.replaced:
            headers = self._replace(headers)
        lines = [f"{name}: {value}\r\n" for name, value in headers]
        head = f"POST {self.target.path} HTTP/1.1\r\n{''.join(lines)}\r\n"
        return head.encode("latin-1") + delivery.body

    def _replace(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        names = {name.lower() for name, _ in self.replaced}
        kept = [(name, value) for name, value in headers if name.lower() not in names]
        return kept + [(name, value) for name, values in self.replaced for value in values]

    def valid(self, delivery: Delivery) -> bool:
        """True where a correct receiver takes it (or has taken its like before)."""
        return (
            delivery.signature is Signature.VALID
            and abs(delivery.skew_ms) <= self.window_ms
            and delivery.transaction is not None
        )

    def right_codes(self, delivery: Delivery) -> tuple[str, ...]:
        """The codes of interface.md 6 that a correct receiver may answer with."""
        if delivery.signature is not Signature.VALID:
            return ("WEBHOOK_SIGNATURE_INVALID",)
        if abs(delivery.skew_ms) > self.window_ms:
            return ("WEBHOOK_TIMESTAMP_EXPIRED",)
        if delivery.verbatim or delivery.after is not None:
            return (DUPLICATE,)
        if delivery.transaction is None:
            return (PARKED, DUPLICATE)
        return (ACCEPTED, DUPLICATE)


# Answers repeat: a handful of bodies stand for nearly all of a run.
_CODES_MAX = 256


class Codes:
    """Reads the `status` (2xx) or the `code` (problem) of an answer's body, with a bounded memo."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def read(self, status: int, body: bytes) -> str:
        """The stable word of an answer; `HTTP_nnn` where the body has none."""
        code = self._known.get(body)
        if code is None:
            code = _word(body)
            if len(self._known) < _CODES_MAX and len(body) <= _CODES_MAX:
                self._known[body] = code
        return code or f"HTTP_{status}"


def _word(body: bytes) -> str:
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(document, dict):
        return ""
    fields = cast("dict[str, object]", document)
    word = fields.get("code", fields.get("status", ""))
    # An answer's text becomes a key of a result: bounded, or a strange receiver fills the memory.
    return word[:64] if isinstance(word, str) else ""


def encode_headers(headers: dict[str, str], wanted: Iterable[str]) -> dict[str, str]:
    """The subset of an answer's headers that a report shows."""
    return {name: headers[name] for name in wanted if name in headers}

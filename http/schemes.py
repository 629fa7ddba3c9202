"""Named webhook schemes beside the seed's: how other senders sign, as pure functions.

The rule: as in `signatures`, over the raw bytes, constant time, every secret tried; a scheme whose
sender signs a time is held to the same two-sided window. `comptoir check webhook` verifies with them,
and the endpoints (`/webhooks/powens`, `/webhooks/docusign` and their like) with these very functions.

- `powens-bi`: base64 of HMAC-SHA256 over METHOD.PATH.DATE.body; the date is ISO 8601 or epoch.
- `docusign`: base64 of HMAC-SHA256 over the body, one header per configured key; no time is signed.
- `standard-webhooks`: base64 over id.seconds.body, several space-separated `v1,` signatures.
- `tink`: hex of HMAC-SHA256 over seconds.body, with the time in the same header.
- `plaid-jwt`: a token over the body's hash, by a key that the sender publishes (plaid_jwt.py).

Source: protocols.md 5.1 and 5.3; docs.tink.com/resources/api-setup/webhook-signature-validation; the
Standard Webhooks specification; RFC 2104, RFC 4648.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from comptoir.http import plaid_jwt
from comptoir.http.signatures import (
    EXPIRED,
    INVALID,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    seed_fault,
)

__all__ = [
    "SCHEMES", "Signed", "TinkSignature", "Verifier", "Window", "docusign_fault", "powens_fault",
    "tink_fault", "tink_signature",
]  # fmt: skip

SIGNATURES_MAX: Final = 32
"""Signatures that one request may offer: senders rotate two keys, not a hundred."""
_DOCUSIGN_HEADER = re.compile(rb"x-docusign-signature-[0-9]{1,3}").fullmatch
_EPOCH_MS_DIGITS: Final = 12
"""From so many digits on, a number counts milliseconds: seconds have ten until the year 2286."""
_HEX = re.compile(rb"[0-9a-f]{64}").fullmatch
_EPOCH_DIGITS = re.compile(r"[0-9]{1,16}").fullmatch


class Signed(NamedTuple):
    """A request as it was signed."""

    method: str
    path: str
    headers: Mapping[str, Sequence[bytes]]
    """Every value by lower-case name."""
    body: bytes
    keys: Sequence[Mapping[str, object]] = ()
    """JSON Web Keys of the sender, for schemes that verify by such."""


class Window(NamedTuple):
    """Now, and the largest skew either way, in ms."""

    now_ms: int
    skew_ms_max: int


class TinkSignature(NamedTuple):
    """What stands in Tink's header."""

    seconds: bytes
    """When it was signed, in digits."""
    claims: Sequence[bytes]


Verifier = Callable[[Signed, Sequence[str], Window], str | None]
"""None if genuine and in time, else a code of S66."""


def _one(signed: Signed, name: str) -> bytes | None:
    """The value of a header that was given exactly once."""
    values = signed.headers.get(name, ())
    return values[0] if len(values) == 1 else None


def _matches(keys: Sequence[bytes], message: bytes, claims: Sequence[bytes]) -> bool:
    """Say whether any claim is the HMAC under any key; the work depends on their numbers only."""
    genuine = False
    for key in keys:
        made = hmac.digest(key, message, "sha256")
        for claim in claims:
            genuine |= hmac.compare_digest(made, claim)
    return genuine


def _decoded(text: bytes) -> bytes | None:
    """Strict base64 of 32 bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return raw if len(raw) == 32 else None  # noqa: PLR2004 (SHA-256)


def _late(time_ms: int | None, window: Window) -> bool:
    """Say whether a signed time is outside the window."""
    return time_ms is None or abs(window.now_ms - time_ms) > window.skew_ms_max


def _seed(signed: Signed, secrets: Sequence[str], window: Window) -> str | None:
    """The seed scheme, by the function that receives it."""
    signature = _one(signed, SIGNATURE_HEADER.decode())
    timestamp = _one(signed, TIMESTAMP_HEADER.decode())
    keys = [secret.encode() for secret in secrets]
    return seed_fault((signature, timestamp), signed.body, keys, window)


def _powens(signed: Signed, secrets: Sequence[str], window: Window) -> str | None:
    """Powens, by the function that receives it."""
    given = (_one(signed, "bi-signature"), _one(signed, "bi-signature-date"))
    return powens_fault(signed, given, [secret.encode() for secret in secrets], window)


def powens_fault(
    signed: Signed,
    given: tuple[bytes | None, bytes | None],
    secrets: Sequence[bytes],
    window: Window,
) -> str | None:
    """Judge a webhook of Powens (Budget Insight): None if genuine and in time, else the code.

    Args:
        signed: the request; the configured path is signed, a trailing slash included.
        given: the values of the signature and of the date header; None when missing or repeated.
        secrets: any may match, each costs the same.
        window: now, and the largest skew either way.
    """
    signature, date = given
    claim = _decoded(signature) if signature is not None else None
    if claim is None or date is None:
        return INVALID
    line = f"{signed.method}.{signed.path}.".encode() + date + b"."
    if not _matches(secrets, line + signed.body, [claim]):
        return INVALID
    return EXPIRED if _late(_time_ms(date.decode("latin-1")), window) else None


def _time_ms(text: str) -> int | None:
    """A time in ISO 8601 (UTC where it names no zone) or as an epoch, in ms."""
    if _EPOCH_DIGITS(text):
        return int(text) if len(text) >= _EPOCH_MS_DIGITS else int(text) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def _docusign(signed: Signed, secrets: Sequence[str], window: Window) -> str | None:
    """DocuSign Connect, by the function that receives it."""
    del window  # nothing of the time is signed; a replay is met by the envelope's own state
    given = [
        (name.encode("utf-8", "surrogatepass"), value)
        for name, values in signed.headers.items()
        for value in values
    ]
    return docusign_fault(given, signed.body, [secret.encode() for secret in secrets])


def docusign_fault(
    headers: Iterable[tuple[bytes, bytes]], body: bytes, secrets: Sequence[bytes]
) -> str | None:
    """Judge a webhook of DocuSign Connect: None if genuine, else the code.

    Args:
        headers: all of them, names in lower case; one of a signature that is repeated counts not.
        body: raw.
        secrets: as text, which looks like base64 and is not decoded; any may match any of the numbered headers.
    """
    offered: dict[bytes, bytes] = {}
    for name, value in headers:
        if _DOCUSIGN_HEADER(name):
            offered[name] = b"" if name in offered else value
    claims = [_decoded(text) for text in list(offered.values())[:SIGNATURES_MAX]]
    found = [claim for claim in claims if claim is not None]
    return None if _matches(secrets, body, found) else INVALID


def _standard(signed: Signed, secrets: Sequence[str], window: Window) -> str | None:
    """Standard Webhooks: symmetric `v1` signatures; others of the list are passed over."""
    name, seconds = _one(signed, "webhook-id"), _one(signed, "webhook-timestamp")
    given = _one(signed, "webhook-signature")
    if not name or given is None or seconds is None or not _EPOCH_DIGITS(seconds.decode("latin-1")):
        return INVALID
    offered = [part for part in given.split(b" ") if part.startswith(b"v1,")][:SIGNATURES_MAX]
    claims = [claim for part in offered if (claim := _decoded(part[3:])) is not None]
    keys = [key for secret in secrets if (key := _standard_key(secret)) is not None]
    if not _matches(keys, name + b"." + seconds + b"." + signed.body, claims):
        return INVALID
    return EXPIRED if _late(int(seconds) * 1000, window) else None


def _standard_key(secret: str) -> bytes | None:
    """The key inside `whsec_...`, whose text is base64."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:  # not base64, or not ASCII
        return None


def _tink(signed: Signed, secrets: Sequence[str], window: Window) -> str | None:
    """Tink, by the function that receives it."""
    keys = [secret.encode() for secret in secrets]
    signature = tink_signature(_one(signed, "x-tink-signature"))
    return tink_fault(signature, signed.body, keys, window)


def tink_signature(given: bytes | None) -> TinkSignature | None:
    """Take apart the value of Tink's header, `t=SECONDS,v1=HEX`; None if it is none.

    Other keys in it are passed over, as Tink asks.
    """
    parts = [part.partition(b"=") for part in (given or b"").split(b",")[:SIGNATURES_MAX]]
    times = [value for name, _, value in parts if name == b"t"]
    if len(times) != 1 or not _EPOCH_DIGITS(times[0].decode("latin-1")):
        return None
    offered = [value for name, _, value in parts if name == b"v1"]
    return TinkSignature(times[0], [bytes.fromhex(text.decode()) for text in offered if _HEX(text)])


def tink_fault(
    signature: TinkSignature | None, body: bytes, secrets: Sequence[bytes], window: Window
) -> str | None:
    """Judge a webhook of Tink: None if genuine and in time, else the code.

    Args:
        signature: from its header.
        body: raw.
        secrets: any may match, each costs the same.
        window: now, and the largest skew either way.
    """
    if signature is None:
        return INVALID
    if not _matches(secrets, signature.seconds + b"." + body, signature.claims):
        return INVALID
    return EXPIRED if _late(int(signature.seconds) * 1000, window) else None


def _plaid(signed: Signed, secrets: Sequence[str], window: Window) -> str | None:
    """Plaid, by the function that receives it."""
    del secrets  # it shares none: who has signed is known by a published key
    token = plaid_jwt.token_of(_one(signed, "plaid-verification"))
    if token is None:
        return INVALID
    key = plaid_jwt.find(signed.keys, token.key_id)
    return plaid_jwt.plaid_fault(token, signed.body, key, window)


SCHEMES: Final[Mapping[str, Verifier]] = {
    "seed-v1": _seed,
    "powens-bi": _powens,
    "plaid-jwt": _plaid,
    "tink": _tink,
    "docusign": _docusign,
    "standard-webhooks": _standard,
}
"""Every scheme by name."""

"""How Plaid signs its webhooks: a token over the hash of the body, by a key that it publishes.

The rule: nothing of the token is believed before its signature holds under the key that Plaid has under its
`kid`; ES256 and nothing else; a key that Plaid has ended verifies nothing; the body's hash is compared in
constant time, and the token's time is held to a window with two sides (X16), after the signature.
Source: plaid.com/docs/api/webhooks/webhook-verification; RFC 7515, RFC 7517, RFC 7518 sections 3.4 and 6.2;
RFC 8725; protocols.md 5.2; spec.md S53 to S55, X16.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from comptoir.http.identity.base64url import decoded
from comptoir.http.identity.compact import TOKEN_CHARS_MAX, Compact, take_apart
from comptoir.http.identity.refused import TokenRefused
from comptoir.http.signatures import EXPIRED, INVALID
from comptoir.http.strict_json import Malformed, Number, parse

__all__ = ["PlaidToken", "find", "key_of", "plaid_fault", "token_of"]

ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
COORDINATE_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SECONDS_DIGITS: Final = re.compile(r"[0-9]{1,12}").fullmatch
"""Of `iat`; more digits are outside any window, and never made an integer."""
_REGISTRY: Final = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
"""The header was judged by `take_apart`, more strictly than the library would."""
_REGISTRY.max_header_length = _REGISTRY.max_payload_length = TOKEN_CHARS_MAX
_REGISTRY.max_signature_length = TOKEN_CHARS_MAX


@dataclass(frozen=True, slots=True)
class PlaidToken:
    """A token of the right form; nothing of it is proven yet."""

    compact: Compact
    key_id: str

    @property
    def reference(self) -> str:
        """What makes this very webhook the same when it is sent again (X16)."""
        return hashlib.sha256(self.compact.text.encode()).hexdigest()


def token_of(header: bytes | None) -> PlaidToken | None:
    """Take the header's token apart; None where there is none, or one of another form or algorithm."""
    if not header or not header.isascii():
        return None
    try:
        compact = take_apart(header.decode("ascii"), ALGORITHM)
    except TokenRefused:
        return None
    known = compact.key_id is not None and compact.type in (None, "jwt")
    return PlaidToken(compact, compact.key_id or "") if known else None


def key_of(jwk: Mapping[str, object], key_id: str) -> ECKey | None:
    """The key of a JSON Web Key of Plaid's; None where it may verify nothing under this `kid`.

    Args:
        jwk: `key` as `/webhook_verification_key/get` answers it.
        key_id: as asked for.
    """
    right = (
        jwk.get("kid") == key_id
        and jwk.get("kty") == "EC"
        and jwk.get("crv") == CURVE
        and jwk.get("alg", ALGORITHM) == ALGORITHM
        and jwk.get("use", "sig") == "sig"
        and jwk.get("expired_at") is None
        and "d" not in jwk
    )
    x, y = jwk.get("x"), jwk.get("y")
    if not right or not isinstance(x, str) or not isinstance(y, str):
        return None
    if any(len(decoded(one) or b"") != COORDINATE_BYTES for one in (x, y)):
        return None
    try:
        return ECKey.import_key({"kty": "EC", "crv": CURVE, "x": x, "y": y})
    except (JoseError, ValueError):  # no point of the curve
        return None


def plaid_fault(
    token: PlaidToken, body: bytes, key: ECKey | None, window: tuple[int, int]
) -> str | None:
    """Judge a webhook of Plaid: None if it is genuine and in time, else the code of S66.

    Args:
        token: of its `Plaid-Verification` header.
        body: as received.
        key: what Plaid has under the token's `kid`; None: nothing that may verify.
        window: now, and the largest skew either way, in ms.
    """
    if key is None or len(decoded(token.compact.text.rpartition(".")[2]) or b"") != SIGNATURE_BYTES:
        return INVALID
    try:
        jws.deserialize_compact(token.compact.text, key, registry=_REGISTRY)
    except JoseError:
        return INVALID
    claimed, issued_ms = _claims(token.compact.payload)
    made = hashlib.sha256(body).hexdigest().encode()
    if not hmac.compare_digest(made, claimed):
        return INVALID
    now, skew_max = window
    return EXPIRED if issued_ms is None or abs(now - issued_ms) > skew_max else None


def _claims(payload: bytes) -> tuple[bytes, int | None]:
    """The body's hash and the time of a token whose signature held; nothing where they are of another form."""
    try:
        value = parse(payload)
    except Malformed:
        return b"", None
    claims = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    digest, issued = claims.get("request_body_sha256"), claims.get("iat")
    seconds = issued.text if type(issued) is Number else ""
    return (
        digest.encode("utf-8", "replace") if isinstance(digest, str) else b"",
        int(seconds) * 1000 if SECONDS_DIGITS(seconds) else None,
    )


def find(keys: Sequence[Mapping[str, object]], key_id: str) -> ECKey | None:
    """The key of a set by its `kid`; None where none, or more than one, has it."""
    named = [jwk for jwk in keys if jwk.get("kid") == key_id]
    return key_of(named[0], key_id) if len(named) == 1 else None

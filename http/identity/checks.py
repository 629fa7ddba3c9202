"""`comptoir check jwt` and `check jwk`: the daemon's own verification, as data in, data out.

The rule: the functions that answer here are those that judge requests. What the daemon always asks
(form, header, key, signature, types of claims) is always asked; issuer, audience and time where the
input has them. `typ` may be missing here, as the leniency for providers has it, since the input does
not say whose token it is. Malformed input is an answer (`CHECK_INPUT_INVALID`), never an exception.
Source: check-command contract, kinds `jwt` and `jwk`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec

from comptoir.http.identity.claims import Expected
from comptoir.http.identity.compact import take_apart
from comptoir.http.identity.keys import KeySet, public_key
from comptoir.http.identity.refused import KeyRefused, TokenRefused
from comptoir.http.identity.tokens import verified

__all__ = ["CHECKS", "Answer", "check_jwk", "check_jwt"]

Answer = dict[str, Any]
"""`ok`, and the kind's own fields or `error` with `code` and `detail`; ready for JSON."""

_Time = Annotated[float, msgspec.Meta(ge=0, le=2**53)]
"""Seconds since 1970; a program's clock may have given a fraction, which decides nothing here."""


class _TokenInput(msgspec.Struct):
    """The input as the contract has it; other fields are ignored."""

    token: str
    jwks: dict[str, Any]
    issuer: str | None = None
    audience: str | None = None
    now: _Time | None = None


class _KeyInput(msgspec.Struct):
    jwk: dict[str, Any]


def check_jwt(given: object) -> Answer:
    """Verify one token: `claims`, or a code of its own for each reason (`TOKEN_EXPIRED`, ...)."""
    try:
        asked = msgspec.convert(given, _TokenInput)
    except (msgspec.ValidationError, RecursionError) as error:
        return _not_ok("CHECK_INPUT_INVALID", str(error))
    try:
        keys = KeySet.of(asked.jwks)
        token = take_apart(asked.token)
        now = None if asked.now is None else int(asked.now)
        expected = Expected(asked.issuer, asked.audience, now)
        claims = verified(token, keys.find(token.key_id), expected, "lenient")
    except KeyRefused as refused:
        return _not_ok(refused.reason.upper(), refused.detail)
    except TokenRefused as refused:
        return _not_ok(f"TOKEN_{refused.reason.upper()}", refused.detail)
    return {"ok": True, "claims": claims}


def check_jwk(given: object) -> Answer:
    """Judge one key: whether it may verify RS256 tokens."""
    try:
        asked = msgspec.convert(given, _KeyInput)
    except (msgspec.ValidationError, RecursionError) as error:
        return _not_ok("CHECK_INPUT_INVALID", str(error))
    try:
        public_key(asked.jwk)
    except KeyRefused as refused:
        return _not_ok(refused.reason.upper(), refused.detail)
    return {"ok": True}


CHECKS: Final[Mapping[str, Callable[[object], Answer]]] = MappingProxyType(
    {"jwk": check_jwk, "jwt": check_jwt}
)
"""The kinds of this part, by name."""


def _not_ok(code: str, detail: str) -> Answer:
    return {"ok": False, "error": {"code": code, "detail": detail}}

"""What a token whose signature holds claims, judged claim by claim, and the principal made of it.

The rule: every registered claim that is there has its type, whether or not anybody asked about it; an
issuer and an audience match as exact texts; times are whole seconds, and both clocks may be wrong by
`SKEW_S` together. Roles that we do not know are passed over: they grant nothing here, and providers
put their own words beside ours. A list of roles that is no list of texts refuses the token.
Source: RFC 7519 section 4.1; RFC 8693 section 4.2 and RFC 6749 section 3.3 (`scope`); RFC 9068 section
2.2; OpenID Connect Core 1.0 section 2 (`acr`, `auth_time`); RFC 8176 (`amr`); spec.md S34, S62, X7; interface.md 9.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from comptoir.http.identity.refused import TokenRefused
from comptoir.http.principal import Principal, Role
from comptoir.http.strict_json import Malformed, Number, parse

__all__ = [
    "ROLES_CLAIM",
    "SKEW_S",
    "Claims",
    "Expected",
    "is_scope",
    "is_text",
    "judge",
    "principal_of",
    "read",
]

Claims = dict[str, Any]
"""A token's payload in plain Python: objects, lists, texts, integers, floats, booleans, None."""

SKEW_S: Final = 60
"""How far the issuer's clock may be from ours, in seconds (S62's tokens live 900)."""
ROLES_CLAIM: Final = "roles"
"""Of our own tokens (interface.md 9)."""
ENTRIES_MAX: Final = 64
"""Roles, scopes, audiences, methods of one token."""
TEXT_CHARS_MAX: Final = 255
"""OpenID Connect Core section 2 bounds `sub` so; the others are given the same."""
NUMBER_CHARS_MAX: Final = 32
"""Python reads 4,300 digits, and more slowly with each."""

_INTEGER = re.compile(r"0|[1-9][0-9]{0,14}").fullmatch
_SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,255}").fullmatch
_TEXTS: Final = ("iss", "sub", "jti", "client_id", "azp", "acr")
_TIMES: Final = ("exp", "nbf", "iat", "auth_time")
_ROLES: Final = {role.value: role for role in Role}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token is held to; None leaves that question out."""

    issuer: str | None = None
    audience: str | None = None
    now: int | None = None
    """Seconds since 1970. With it, `exp` must be there."""


def read(payload: bytes) -> dict[str, object]:
    """The claims as strict JSON, numbers still their texts.

    Raises:
        TokenRefused: `malformed`.
    """
    try:
        found = parse(payload)
    except Malformed as error:
        raise TokenRefused("malformed", f"a payload that is {error}") from None
    if not isinstance(found, dict):
        raise TokenRefused("malformed", "a payload that is no object")
    return cast("dict[str, object]", found)


def judge(read_claims: Mapping[str, object], expected: Expected) -> Claims:
    """Hold claims to what is expected of them.

    Args:
        read_claims: as `read` gave them.
        expected: the questions.

    Returns:
        The claims in plain Python.

    Raises:
        TokenRefused: `claims_invalid`, `issuer_unknown`, `audience_mismatch`, `expired` or
            `not_yet_valid`.
    """
    for name in _TEXTS:
        if name in read_claims and not is_text(read_claims[name]):
            raise _invalid(f"{name} is no text of 1 to {TEXT_CHARS_MAX} characters")
    times = {name: _seconds(name, read_claims[name]) for name in _TIMES if name in read_claims}
    audiences = _audiences(read_claims.get("aud", []))
    _scopes(read_claims.get("scope", ""))
    if expected.issuer is not None and read_claims.get("iss") != expected.issuer:
        raise TokenRefused("issuer_unknown", "iss is another")
    if expected.audience is not None and expected.audience not in audiences:
        raise TokenRefused("audience_mismatch", "aud does not name us")
    if expected.now is not None:
        _judge_times(times, expected.now)
    return cast("Claims", _plain(dict(read_claims)))


def _judge_times(times: Mapping[str, int], now: int) -> None:
    if "exp" not in times:
        raise _invalid("exp is missing")
    if now >= times["exp"] + SKEW_S:
        raise TokenRefused("expired", "exp is over")
    for name in ("nbf", "iat"):
        if times.get(name, now) > now + SKEW_S:
            raise TokenRefused("not_yet_valid", f"{name} is to come")
    if times.get("nbf", 0) > times["exp"] or times.get("iat", 0) > times["exp"]:
        raise _invalid("exp is before nbf or iat")


def principal_of(claims: Claims, roles_claim: str) -> Principal:
    """Who a judged token speaks for.

    Args:
        claims: as `judge` returned them, held to an issuer, an audience and a time.
        roles_claim: which claim has the roles: its name, or a JSON pointer (`/realm_access/roles`).

    Raises:
        TokenRefused: `claims_invalid`: no subject, or roles or methods of a wrong type.
    """
    if "sub" not in claims:
        raise _invalid("sub is missing")
    words = _texts("roles", _at(claims, roles_claim))
    return Principal(
        subject=claims["sub"],
        issuer=claims["iss"],
        roles=frozenset(_ROLES[word] for word in words if word in _ROLES),
        scopes=_scopes(claims.get("scope", "")),
        methods=frozenset(_texts("amr", claims.get("amr", []))),
        context=claims.get("acr", ""),
        signed_in_at=claims.get("auth_time", 0),
        client_id=str(claims.get("client_id", claims.get("azp", ""))),
        expires_at=claims["exp"],
    )


def _invalid(detail: str) -> TokenRefused:
    return TokenRefused("claims_invalid", detail)


def is_scope(word: str) -> bool:
    """Say whether a word may be a scope (RFC 6749 section 3.3)."""
    return _SCOPE_TOKEN(word) is not None


def is_text(value: object) -> bool:
    """Want a text that can be shown: it becomes a key of rows, and stands in the audit log."""
    return isinstance(value, str) and 0 < len(value) <= TEXT_CHARS_MAX and value.isprintable()


def _texts(name: str, value: object) -> list[str]:
    """A bounded list of texts."""
    if not isinstance(value, list):
        raise _invalid(f"{name} is no list")
    items = cast("list[object]", value)
    if len(items) > ENTRIES_MAX or not all(is_text(item) for item in items):
        raise _invalid(f"{name} is no list of up to {ENTRIES_MAX} texts")
    return cast("list[str]", items)


def _audiences(value: object) -> list[str]:
    """`aud`: one text, or a list of them (RFC 7519 section 4.1.3)."""
    return _texts("aud", [value] if isinstance(value, str) else value)


def _scopes(value: object) -> frozenset[str]:
    """`scope`: words with one space between each two of them; the empty text has none."""
    if value == "":
        return frozenset()
    words = value.split(" ") if isinstance(value, str) else []
    if not 0 < len(words) <= ENTRIES_MAX or not all(map(is_scope, words)):
        raise _invalid(f"scope is no text of up to {ENTRIES_MAX} words")
    return frozenset(words)


def _seconds(name: str, value: object) -> int:
    """A time in whole seconds; RFC 7519 allows fractions, and nobody has ever needed them."""
    if not isinstance(value, Number) or _INTEGER(value.text) is None:
        raise _invalid(f"{name} is no whole number of seconds")
    return int(value.text)


def _plain(value: object) -> object:
    """The value with numbers in place of their texts."""
    if isinstance(value, Number):
        return _number(value.text)
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {name: _plain(member) for name, member in members.items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    return value


def _number(text: str) -> int | float:
    if len(text) > NUMBER_CHARS_MAX:
        raise _invalid(f"a number of over {NUMBER_CHARS_MAX} characters")
    if text.lstrip("-").isdigit():
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise _invalid("a number beyond every bound")
    return number


def _at(claims: Claims, place: str) -> object:
    """The value at a claim's name or JSON pointer (RFC 6901); an empty list where there is none."""
    if not place.startswith("/"):
        return claims.get(place, [])
    value: object = claims
    for step in place[1:].split("/"):
        if not isinstance(value, dict):
            raise _invalid("the claim of the roles is not where it belongs")
        name = step.replace("~1", "/").replace("~0", "~")
        inner = cast("dict[str, object]", value)
        if name not in inner:
            return []
        value = inner[name]
    return value

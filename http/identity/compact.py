"""A token taken apart: three canonical base64url parts, and a header that chooses nothing.

The rule: libraries ignore what they do not know, as RFC 7515 asks them to. Here a header parameter
that could name a key (`jku`, `x5u`, `x5c`, `jwk`), change what is signed (`b64`, `crit`) or hide
another token inside (`cty`, the parameters of encryption) refuses the token before any key is looked
for, so no address in a token is ever called. `kid` is text to look up and nothing else.
Source: RFC 7515 sections 3.1, 4.1 and 7.1; RFC 7516 section 4; RFC 7797; RFC 8725 (best practice);
RFC 9068 section 2.1 (`typ`).
"""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from comptoir.http.identity.base64url import decoded
from comptoir.http.identity.refused import TokenRefused
from comptoir.http.strict_json import Malformed, parse

__all__ = [
    "ALGORITHM",
    "HEADER_CHARS_MAX",
    "TOKEN_CHARS_MAX",
    "Compact",
    "TypeRule",
    "is_key_id",
    "take_apart",
    "type_allowed",
]

TOKEN_CHARS_MAX: Final = 8192
"""One token: half of what the edge takes of headers (http/server.py); ours have 800 characters."""
HEADER_CHARS_MAX: Final = 1024
"""The first part: a `kid` of the longest kind with two thumbprints has 350."""
PARTS: Final = 3
ALGORITHM: Final = "RS256"
"""S62, and nothing else: a verifier with one algorithm cannot be talked into another."""
FORBIDDEN: Final = frozenset({
    "jku", "jwk", "x5u", "x5c",                                       # a key of the sender's choice
    "crit", "b64",                                                    # another meaning of the rest
    "cty", "enc", "zip", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c",  # another token inside
})  # fmt: skip
_KEY_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}").fullmatch
"""Thumbprints, UUIDs, dates, URNs; no quote, blank, control or percent that a log could stumble over."""

TypeRule = Literal["rfc9068", "lenient"]
"""`rfc9068`: `typ` says that it is an access token. `lenient`: it may also be missing, or JWT."""
ACCESS_TOKEN_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
LENIENT_TYPES: Final = ACCESS_TOKEN_TYPES | {"jwt", "application/jwt"}


@dataclass(frozen=True, slots=True)
class Compact:
    """A token of the right form; nothing of it is proven yet."""

    text: str = field(repr=False)
    """As it came: a secret of its bearer, so no log shows it."""
    key_id: str | None
    """`kid`, None if the header names none."""
    type: str | None
    """`typ` in lower case (media types know no case), None if there is none."""
    payload: bytes = field(repr=False)
    """The second part, decoded: personal data."""


def is_key_id(text: object) -> bool:
    """Say whether a value may be a `kid` here."""
    return isinstance(text, str) and _KEY_ID(text) is not None


def take_apart(token: str, algorithm: str = ALGORITHM) -> Compact:
    """Judge the form of a token and its header.

    Args:
        token: as it came.
        algorithm: the one that it may name.

    Raises:
        TokenRefused: `malformed`, `header_forbidden` or `algorithm_unsupported`.
    """
    if len(token) > TOKEN_CHARS_MAX:
        raise TokenRefused("malformed", f"over {TOKEN_CHARS_MAX} characters")
    parts = token.split(".", PARTS)
    if len(parts) != PARTS:
        raise TokenRefused("malformed", "not three parts")
    if len(parts[0]) > HEADER_CHARS_MAX:
        raise TokenRefused("malformed", f"a header of over {HEADER_CHARS_MAX} characters")
    raw = [decoded(part) for part in parts]
    if not all(raw):
        raise TokenRefused("malformed", "a part that is empty, or not canonical base64url")
    header, payload, _ = cast("list[bytes]", raw)
    key_id, kind = _judge(header, algorithm)
    return Compact(token, key_id, kind, payload)


def _judge(raw: bytes, algorithm: str) -> tuple[str | None, str | None]:
    """`kid` and `typ` of a header that may stand."""
    try:
        header = parse(raw)
    except Malformed as error:
        raise TokenRefused("malformed", f"a header that is {error}") from None
    if not isinstance(header, dict):
        raise TokenRefused("malformed", "a header that is no object")
    named = cast("dict[str, object]", header)
    if not FORBIDDEN.isdisjoint(named):
        raise TokenRefused("header_forbidden", "a header parameter that is not taken from a token")
    if named.get("alg") != algorithm:
        raise TokenRefused("algorithm_unsupported", f"alg is not {algorithm}")
    key_id, kind = named.get("kid"), named.get("typ")
    if "kid" in named and not is_key_id(key_id):
        raise TokenRefused("malformed", "a kid that is none")
    if "typ" in named and not isinstance(kind, str):
        raise TokenRefused("malformed", "a typ that is no text")
    return cast("str | None", key_id), kind.lower() if isinstance(kind, str) else None


def type_allowed(kind: str | None, rule: TypeRule) -> bool:
    """Say whether a token of this `typ` may be an access token under the rule."""
    if rule == "rfc9068":
        return kind in ACCESS_TOKEN_TYPES
    return kind is None or kind in LENIENT_TYPES

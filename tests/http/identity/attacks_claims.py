"""Attacks by what a token claims: every claim wrong, of a wrong type, or written twice.

Rule: every one of these tokens is genuinely signed. Source: attacks.py; RFC 7519 section 4.1; RFC 9068
sections 2.2 and 4; RFC 8693 section 4.2.
"""

import json
from collections.abc import Iterator
from typing import Any

from tests.http.identity.attack import Attack
from tests.http.identity.forge import ISSUER, NOW, Forge, having, right_claims, without

__all__ = ["CLAIMS"]


Values = tuple[Any, ...]

WRONG: tuple[tuple[str, str, Values], ...] = (
    ("iss", "issuer_unknown", ("https://attacker.example", f"{ISSUER}/", ISSUER.upper(), f" {ISSUER}")),
    ("iss", "issuer_unknown", (["x", ISSUER], None, 1, {ISSUER: 1}, "")),
    ("aud", "audience_mismatch", ("comptoi", "comptoir2", "COMPTOIR", "comptoir ", "https://comptoir")),
    ("aud", "audience_mismatch", ([], ["a", "b"])),
    ("aud", "claims_invalid", (None, 1, True, {"comptoir": 1}, "", [["comptoir"]], ["comptoir", 1])),
    ("aud", "claims_invalid", (["comptoir"] * 65,)),
    ("sub", "claims_invalid", (None, 1, True, "", "a" * 256, ["u1"], {}, "u1\n", "u1\u202e", "\x7f")),
    ("scope", "claims_invalid", (["a"], 1, None, {}, "a  b", " a", "a ", "a\tb", 'a"b', "a\\b", "\u00e9")),
    ("scope", "claims_invalid", ("x " * 64 + "x",)),
    ("jti", "claims_invalid", (1, "", None)),
    ("client_id", "claims_invalid", (1, ["app"])),
    ("azp", "claims_invalid", (1,)),
    ("n", "claims_invalid", (int("9" * 40), -int("9" * 40))),
    *((n, "claims_invalid", (None, str(NOW), 1.9e9, -1, True, [NOW], {}, 10**15, 10**40))
      for n in ("exp", "nbf", "iat")),
)  # fmt: skip
"""Claim, word of the refusal, values that each are refused so."""
OF_THE_DAEMON: tuple[tuple[str, Values], ...] = (
    ("roles", ("ADMIN", {"ADMIN": True}, None, 1, [1], [["ADMIN"]], [None], ["CLIENT"] * 65, [""])),
    ("amr", ("pwd", {"pwd": 1}, [1], None)),
)
"""What only whoever makes a principal asks."""
TIMES: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("exp just over", "expired", {"exp": NOW - 60, "iat": NOW - 900}),
    ("exp long over", "expired", {"exp": 1, "iat": 0}),
    ("exp 0", "expired", {"exp": 0, "iat": 0}),
    ("nbf to come", "not_yet_valid", {"nbf": NOW + 61}),
    ("iat to come", "not_yet_valid", {"iat": NOW + 61}),
    ("nbf after exp", "claims_invalid", {"nbf": NOW + 30, "exp": NOW + 10}),
    ("iat after exp", "claims_invalid", {"iat": NOW + 30, "exp": NOW + 10}),
)
WRITTEN = {
    "1.8e9": "claims_invalid",
    "1900000000.0": "claims_invalid",
    "-0": "claims_invalid",
    "Infinity": "malformed",
    "01900000000": "malformed",
    "0x713FB300": "malformed",
    "1_900_000_000": "malformed",
}
"""Ways to write `exp`."""
_GOOD = json.dumps(right_claims()).encode()
PAYLOADS = {
    "sub twice": _GOOD[:-1] + b',"sub":"u2"}',
    "exp twice": _GOOD[:-1] + b',"exp":9999999999}',
    "a list": b"[]",
    "a text": b'"u1"',
    "a number": b"1",
    "null": b"null",
    "not JSON": b"u1",
    "not UTF-8": _GOOD[:-1] + b',"n":"\xff"}',
    "a byte-order mark": b"\xef\xbb\xbf" + _GOOD,
    "UTF-16": _GOOD.decode().encode("utf-16"),
    "NaN": _GOOD[:-1] + b',"n":NaN}',
    "U+0000": _GOOD[:-1] + b',"n":"\\u0000"}',
    "a lone surrogate": _GOOD[:-1] + b',"n":"\\udfff"}',
    "deep": _GOOD[:-1] + b',"n":' + b"[" * 40 + b"]" * 40 + b"}",
    "something after it": _GOOD + b" {}",
}


def _values() -> Iterator[Attack]:
    for claim, reason, values in WRONG:
        for value in values:
            forge = Forge(claims=having(**{claim: value}))
            yield Attack(f"claim: {claim} {ascii(value)[:30]}", reason, forge.token)
    for claim, values in OF_THE_DAEMON:
        for value in values:
            forge = Forge(claims=having(**{claim: value}))
            yield Attack(
                f"claim: {claim} {ascii(value)[:30]}", "claims_invalid", forge.token, check=False
            )


def _others() -> Iterator[Attack]:
    for claim, reason in (
        ("iss", "issuer_unknown"),
        ("aud", "audience_mismatch"),
        ("exp", "claims_invalid"),
    ):
        yield Attack(f"claim: no {claim}", reason, Forge(claims=without(claim)).token)
    yield Attack("claim: no sub", "claims_invalid", Forge(claims=without("sub")).token, check=False)
    for name, reason, times in TIMES:
        yield Attack(f"claim: {name}", reason, Forge(claims=having(**times)).token)
    for text, reason in WRITTEN.items():
        payload = json.dumps(without("exp")).encode()[:-1] + b',"exp":' + text.encode() + b"}"
        yield Attack(f"claim: exp written {text}", reason, Forge(raw_payload=payload).token)
    for name, raw in PAYLOADS.items():
        yield Attack(f"payload: {name}", "malformed", Forge(raw_payload=raw).token)


CLAIMS: tuple[Attack, ...] = (*_values(), *_others())

"""`comptoir check webhook`: the daemon's own verification of one webhook, as data in, data out.

The rule: the functions that answer here are those that receive webhooks; nothing is verified a
second way. Malformed input is an answer (`CHECK_INPUT_INVALID`), never an exception.
Source: check-command contract, kind `webhook`; spec.md S54, S55, S66, X16; interface.md 6.
"""

import base64
import binascii
from typing import Annotated, Any, Final

import msgspec

from comptoir.http.schemes import SCHEMES, Signed, Window
from comptoir.http.signatures import EXPIRED

__all__ = ["Answer", "check"]

Answer = dict[str, Any]
"""`ok`, and where false `error` with `code` and `detail`; ready for JSON."""

WINDOW_MS: Final = 300_000
"""S55; not the configured one, so that the same input has the same answer everywhere."""

KEYS_MAX: Final = 64
"""Of a set; senders rotate two."""
_Secrets = Annotated[list[str], msgspec.Meta(max_length=32)]


class _KeySet(msgspec.Struct):
    """A JWK Set."""

    keys: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=KEYS_MAX)]


class _Input(msgspec.Struct):
    """The input as the contract has it; other fields are ignored.

    `headers` is an object (a list of texts stands for a repeated header) or a list of pairs.
    """

    scheme: str
    secrets: _Secrets
    headers: dict[str, str | list[str]] | list[tuple[str, str]]
    body_b64: str
    now_ms: int
    method: str = "POST"
    path: str = "/"
    jwks: _KeySet | None = None
    """The sender's keys, for schemes that verify by such: a JWK Set (RFC 7517)."""


def check(given: object) -> Answer:
    """Verify one webhook.

    Args:
        given: the decoded input line, of any shape.

    Returns:
        `{"ok": True}`, or `ok` false and `error` with a code of S66 or `CHECK_INPUT_INVALID`.
    """
    try:
        wanted = msgspec.convert(given, _Input)
        signed = Signed(
            wanted.method.upper(),
            wanted.path,
            _by_name(wanted.headers),
            base64.b64decode(wanted.body_b64, validate=True),
            wanted.jwks.keys if wanted.jwks is not None else (),
        )
        "".join((signed.method, signed.path, *wanted.secrets)).encode()
    except (msgspec.ValidationError, RecursionError) as error:
        return _not_ok("CHECK_INPUT_INVALID", str(error))
    except binascii.Error:
        return _not_ok("CHECK_INPUT_INVALID", "body_b64 is not base64")
    except ValueError:
        return _not_ok("CHECK_INPUT_INVALID", "a text holds a character that UTF-8 has not")
    if wanted.scheme not in SCHEMES:
        return _not_ok("CHECK_INPUT_INVALID", f"scheme is one of {', '.join(SCHEMES)}")
    code = SCHEMES[wanted.scheme](signed, wanted.secrets, Window(wanted.now_ms, WINDOW_MS))
    if code is None:
        return {"ok": True}
    if code == EXPIRED:
        return _not_ok(code, f"the signed time is over {WINDOW_MS} ms from now_ms")
    return _not_ok(
        code, "missing, doubled, not of the form, or not made with any of the secrets or keys"
    )


def _by_name(headers: dict[str, str | list[str]] | list[tuple[str, str]]) -> dict[str, list[bytes]]:
    """Every value by lower-case name, without the blanks around it that a server strips."""
    named: dict[str, list[bytes]] = {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    for name, value in pairs:
        values = value if isinstance(value, list) else [value]
        named.setdefault(name.lower(), []).extend(text.strip(" \t").encode() for text in values)
    return named


def _not_ok(code: str, detail: str) -> Answer:
    return {"ok": False, "error": {"code": code, "detail": detail}}

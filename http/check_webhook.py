"""`comptoir check webhook`: the daemon's own verification of one webhook, as data in, data out.

The rule: the functions that answer here are those that receive webhooks; nothing is verified a
second way. Malformed input is an answer (`CHECK_INPUT_INVALID`), never an exception. A scheme that
no endpoint serves yet is refused by name (`SCHEME_UNSUPPORTED`).
Source: check-command contract, kind `webhook`; spec.md S53 to S55, S66, X16; interface.md 6.
"""

import base64
import binascii
from typing import Any, Final

import msgspec

from comptoir.http.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, seed_fault

__all__ = ["SCHEMES", "Answer", "check"]

Answer = dict[str, Any]
"""`ok`, and where false `error` with `code` and `detail`; ready for JSON."""

SCHEMES: Final = ("seed-v1", "powens-bi", "plaid-jwt", "tink", "docusign", "standard-webhooks")
WINDOW_MS: Final = 300_000
"""S55; the check has no configuration, so that the same input has the same answer everywhere."""
SECRETS_MAX: Final = 32

Headers = dict[str, str | list[str]] | list[tuple[str, str]]


class _Input(msgspec.Struct):
    """The input as check-command.md has it; other fields are ignored."""

    scheme: str
    secrets: list[str]
    headers: Headers
    body_b64: str
    now_ms: int

"""`comptoir check aead-open`: AES-256-GCM as everything sealed here is opened, data in, data out.

The rule: the sizes are those that the vault uses and no others: a key of 32 bytes, a nonce of 12, a tag
of 16. A shorter key or tag is refused, not merely unsupported: it would be weaker than what is
promised. What does not open says nothing of why. Malformed input is an answer, never an exception.
Source: check-command contract, kind `aead-open`; spec.md S62; NIST SP 800-38D; RFC 5116 section 5.2.
"""

import base64
import binascii
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["Answer", "check"]

Answer = dict[str, Any]
"""`ok`, and `plaintext_b64` or `error` with `code` and `detail`; ready for JSON."""

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


class _Input(msgspec.Struct):
    """The input as the contract has it; other fields are ignored."""

    key_b64: str
    nonce_b64: str
    aad_b64: str
    ciphertext_b64: str


def check(given: object) -> Answer:
    """Open one sealed value: `plaintext_b64`, or `AEAD_KEY_REFUSED`, `AEAD_NONCE_REFUSED`,
    `AEAD_TAMPERED` or `CHECK_INPUT_INVALID`.
    """
    try:
        asked = msgspec.convert(given, _Input)
        texts = (asked.key_b64, asked.nonce_b64, asked.aad_b64, asked.ciphertext_b64)
        key, nonce, aad, sealed = (base64.b64decode(text, validate=True) for text in texts)
    except (msgspec.ValidationError, RecursionError) as error:
        return _not_ok("CHECK_INPUT_INVALID", str(error))
    except (binascii.Error, ValueError):
        return _not_ok("CHECK_INPUT_INVALID", "a field that is not base64")
    if len(key) != KEY_BYTES:
        return _not_ok("AEAD_KEY_REFUSED", f"a key has {KEY_BYTES} bytes")
    if len(nonce) != NONCE_BYTES:
        return _not_ok("AEAD_NONCE_REFUSED", f"a nonce has {NONCE_BYTES} bytes")
    if len(sealed) < TAG_BYTES:
        return _not_ok("AEAD_TAMPERED", "shorter than its tag")
    try:
        plaintext = AESGCM(key).decrypt(nonce, sealed, aad)
    except InvalidTag:
        return _not_ok("AEAD_TAMPERED", "not what was sealed with this key, nonce and data")
    return {"ok": True, "plaintext_b64": base64.b64encode(plaintext).decode("ascii")}


def _not_ok(code: str, detail: str) -> Answer:
    return {"ok": False, "error": {"code": code, "detail": detail}}

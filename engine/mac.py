"""HMAC-SHA256 under a key that stays: its two padded blocks are hashed once, not for every message.

Rule: the same bytes as the standard library's `hmac.digest`, which the tests hold it to; here because a
webhook needs three of them, and `hmac.digest` sets its key up anew each time, at twice the cost.
Source: RFC 2104 section 4 (precomputed intermediate results), RFC 4231 (test vectors).
"""

import hashlib

__all__ = ["Mac"]

BLOCK_BYTES = 64
INNER, OUTER = 0x36, 0x5C


class Mac:
    """Authenticates messages under one key."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        """Take a key of any length."""
        if len(key) > BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        block = key.ljust(BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ INNER for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ OUTER for byte in block))

    def digest(self, *parts: bytes) -> bytes:
        """The 32-byte code of a message, given in one or several parts."""
        inner, outer = self._inner.copy(), self._outer.copy()
        for part in parts:
            inner.update(part)
        outer.update(inner.digest())
        return outer.digest()

    def __repr__(self) -> str:
        return "<Mac>"

"""Base64url as JOSE has it: without padding, and one text for one value.

The rule: a decoder that passes over stray bits takes two texts for one signature; whoever compares or
logs tokens by their text is then deceived. So what would not be written the same is not read.
Source: RFC 7515 section 2 and appendix C; RFC 4648 sections 3.5 and 5.
"""

import base64
import re

__all__ = ["decoded", "encoded", "unsigned"]

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*").fullmatch
IMPOSSIBLE_REMAINDER = 1
"""Characters over a multiple of four: six bits are no byte."""


def encoded(raw: bytes) -> str:
    """The canonical text of some bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes | None:
    """The bytes of a canonical text; None for any other text."""
    if _ALPHABET(text) is None or len(text) % 4 == IMPOSSIBLE_REMAINDER:
        return None
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return raw if encoded(raw) == text else None


def unsigned(text: str) -> int | None:
    """A positive integer as RFC 7518 section 2 writes it, in the fewest bytes; else None."""
    raw = decoded(text)
    if not raw or raw[0] == 0:
        return None
    return int.from_bytes(raw, "big")

"""The key that signs receipts: one that is never replaced, so that a receipt can be verified for as long as it is kept.

The rule: tokens live for minutes and their keys for weeks; a receipt is shown years later, to somebody who asks
`/oauth/jwks.json` then. So its key is another one, in a file beside theirs, made when the first receipt is signed. The
`typ` of what it signs is `receipt+jwt`, and no token of ours is verified with it.
Source: spec.md E16; RFC 7515; RFC 8725 section 3.11 (explicit typing); docs/onboarding.md.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import trio

from comptoir.http.identity.signing import SigningKeys

__all__ = ["RECEIPTS_FILE", "TYPE", "ReceiptKeys"]

RECEIPTS_FILE: Final = "receipts.json"
"""In DATA_DIR/keys."""
TYPE: Final = "receipt+jwt"


class ReceiptKeys:
    """Signs receipts."""

    __slots__ = ("_keys", "_path", "_turn")

    def __init__(self, path: Path, keys: SigningKeys | None = None) -> None:
        """Args: the file; what is in it, None before there is one."""
        self._path = path
        self._keys = keys
        self._turn = trio.Lock()

    def __repr__(self) -> str:
        return f"<ReceiptKeys {self._keys!r}>"

    @classmethod
    def open(cls, path: Path, now: int) -> "ReceiptKeys":
        """Read the file where there is one; call it in a thread.

        Args:
            path: such as DATA_DIR/keys/receipts.json.
            now: seconds since 1970.

        Raises:
            SigningKeysUnsafe: others may read it, or it is not of the right form.
        """
        return cls(path, SigningKeys.open(path, now) if path.exists() else None)

    async def sign(self, claims: Mapping[str, Any], now: int) -> str:
        """One receipt; the first makes the key, durable before it signs anything.

        Raises:
            SigningKeysUnsafe, OSError: the file cannot be used.
        """
        async with self._turn:
            if self._keys is None:
                self._keys = await trio.to_thread.run_sync(SigningKeys.open, self._path, now)
        return self._keys.sign(claims, TYPE)

    def public_keys(self, now: int) -> list[dict[str, str]]:
        """What verifies them."""
        return [] if self._keys is None else self._keys.public_keys(now)

"""What the journal needs of whoever seals: the port between rows and keys.

The rule: sealing and opening are synchronous and touch no network, because they happen while a batch is
folded; whatever has to be durable before a sealed row may be (the key of a person never seen before) is
`durable`, or made so by `make_durable`, which the writer awaits before it sends anything. `about` and
`sender` say whose data it is; `identity` is what the value is bound to. Source: design.md 7; spec.md X13, X14.
"""

from collections.abc import Sequence
from typing import Protocol

from comptoir.engine.values import Address

__all__ = ["SETTING", "Sealer"]

SETTING = "vault"
"""The setting in which a database keeps whose keys it was sealed by."""


class Sealer(Protocol):
    """Seals values for rows, opens them, and makes the digests by which sealed things are found."""

    def seal(
        self,
        plaintext: bytes,
        identity: bytes,
        about: Address | None = None,
        sender: Address | None = None,
    ) -> bytes:
        """Encrypt a value for the row `identity`; it is about this actor, else about its sender."""
        ...

    def open(self, sealed: bytes, identity: bytes) -> bytes:
        """Decrypt a value of the row named by `identity`."""
        ...

    def once_digest(self, scope: str, key: str) -> bytes:
        """The digest under which a `once` key is stored."""
        ...

    def blind_index(self, field: str, value: str) -> bytes:
        """The 32-byte digest by which a sealed value of a field is looked up (X15)."""
        ...

    @property
    def durable(self) -> bool:
        """Whether every key that sealed something would survive a crash now."""
        ...

    async def make_durable(self) -> None:
        """Return when every key that sealed something would survive a crash."""
        ...

    async def erase(self, subjects: Sequence[Address]) -> int:
        """Destroy what seals for these actors, where each has a key; answers how many keys."""
        ...

    async def attach(self, bound: str | None, *, fresh: bool) -> str | None:
        """Take up the work on one database.

        Args:
            bound: what it keeps under `SETTING`; None if nothing.
            fresh: no actor has a state in it yet.

        Returns: what it is to keep there from now on; None to leave it.

        Raises:
            VaultError: it was sealed by other keys.
        """
        ...

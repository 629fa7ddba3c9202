"""The port to whoever holds the key-encryption key (KEK), and what it wraps.

The rule: a provider wraps 32-byte keys for a context and unwraps them for the same context only; it
never hands its own key out, and is asked at a start and in a rotation, never on the hot path.
Source: design.md 7; spec.md S35, X14.
"""

from dataclasses import dataclass
from typing import Protocol

__all__ = ["KeyProvider", "Wrapped"]


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key that only its provider can open."""

    kek: str
    """Which key, and which version of it, wrapped: `k2`, an ARN, `comptoir:v3`."""
    blob: bytes


class KeyProvider(Protocol):
    """One holder of key-encryption keys."""

    @property
    def name(self) -> str:
        """`local`, `aws-kms` or `transit`; a wrapped key remembers whose it is."""
        ...

    async def current(self) -> str:
        """The name of the KEK version that wraps now, as `Wrapped.kek` would have it.

        Raises:
            KeyProviderUnavailable, KeyProviderRefused: it cannot be asked.
        """
        ...

    async def wrap(self, secret: bytes, context: str) -> Wrapped:
        """Wrap 32 bytes for a context (plain text, no secret).

        Raises:
            KeyProviderUnavailable, KeyProviderRefused: it was not done.
        """
        ...

    async def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """The 32 bytes.

        Raises:
            KeyProviderUnavailable, KeyProviderRefused: it was not done.
            VaultTampered, VaultKeyUnknown: it is not what was wrapped for this context.
        """
        ...

    async def make_version(self) -> str | None:
        """Make a new version of the KEK, which wraps from now on; its name.

        None: this provider's versions are made elsewhere (a console, a policy), and whatever version is
        current there is used.
        """
        ...

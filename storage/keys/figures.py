"""What a keyring tells of itself: figures only, nothing of a key or of a person. Source: docs/keys.md."""

from dataclasses import dataclass

__all__ = ["KeyringStatistics"]


@dataclass(frozen=True, slots=True)
class KeyringStatistics:
    """A snapshot of a keyring."""

    generation: int
    """Of the data keys that seal."""
    wrap: int
    """Of the wrapping key."""
    once: int
    """Of the digests of `once` keys, as far as every row has it."""
    index: int
    """Of the blind indexes that are given to what is new."""
    subject: int
    """Of the names that are given to whoever is new."""
    cached: int
    """Persons whose key is in memory."""
    fresh: int
    """Keys in memory that are not durable yet."""

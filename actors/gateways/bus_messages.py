"""A record of the bus that nobody could read, kept as it came.

It is a message to the gateway of its topic, so that a letter that is delivered again is read again: by a release that
knows more, or after the one who wrote it has said what was meant. Source: spec.md S64; design.md 3; docs/kafka.md.
"""

from comptoir.engine.values import Message

__all__ = ["ReadRecord"]


class ReadRecord(Message, frozen=True):
    """Read this record, and do what it says."""

    topic: str
    partition: int
    offset: int
    value: bytes
    """As it came; a tombstone is empty."""
    headers: "dict[str, str]"
    """Those of them that are ours and text."""

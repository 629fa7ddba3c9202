"""What may be asked of a series of public numbers (S9: ONB-YYYY-NNNNN).

Another machine may import this module and nothing else of this package (design.md 1).
"""

from comptoir.engine.values import Message, Reply

__all__ = ["KIND", "DrawNumber", "NumberDrawn"]

KIND = "numbering"
"""One actor a series, keyed by what stands before the number, such as `ONB-2026`."""


class DrawNumber(Message, frozen=True):
    """The next number. The same `reference` again gets the same one."""

    reference: str
    """Unique: what makes two requests the same."""


class NumberDrawn(Reply, frozen=True):
    """Nobody else has it."""

    number: int
    """From 1 on."""

"""What may be said to a series of public numbers, and what it answers."""

from comptoir.engine.values import Message, Reply

__all__ = ["KIND", "DrawNumber", "NumberDrawn"]

KIND = "numbering"


class DrawNumber(Message, frozen=True):
    """The next number. What is drawn and not used is not given again."""


class NumberDrawn(Reply, frozen=True):
    """It."""

    number: int
    """From 1 on."""

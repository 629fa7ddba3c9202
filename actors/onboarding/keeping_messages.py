"""What may be said to a file about how long it is kept, and what it answers (S36, X13, E13; docs/erasure.md).

Another machine may import this module beside `messages` (design.md 1).
"""

from typing import Final

from comptoir.engine.values import Message, Reply

__all__ = [
    "KEPT_FILES",
    "READ",
    "AskErasure",
    "EndRelation",
    "EraseFile",
    "ErasureAnswered",
    "KeepByRule",
]

KEPT_FILES: Final = "kept_file"
"""Documents of files that were asked to keep themselves by the rule (engine/boot/keeping.py): by which."""
READ: Final = "read"
"""Beside them: how far the journal was read for files that were abandoned, and by which rule."""


class KeepByRule(Message, frozen=True):
    """It has ended, perhaps before there was a rule: see that it goes when its time is over."""

    through: int = 0
    """Number of the event by which it was found in the journal: as far as that, all were asked."""


class AskErasure(Message, frozen=True):
    """May it be erased now (`ErasureAnswered`)? That it may not is put on record."""


class EraseFile(Message, frozen=True):
    """Its client wants it erased, and two people of the house have seen it."""


class EndRelation(Message, frozen=True):
    """Its client, who has an account, is a client no longer: the years of the law begin (`ErasureAnswered`; `until` is 0
    where there is none).
    """

    by: str


class ErasureAnswered(Reply, frozen=True):
    """Whether it may be erased."""

    ground: str
    """Why not, as a code of keeping.py; empty: it may."""
    until: int
    """Until when: business time, ms; 0: that is not known yet."""

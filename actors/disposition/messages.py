"""What may be said about what people do with dead letters, and what is answered (S64, E14).

Another machine may import this module and nothing else of this package (design.md 1). A letter is named by
its id, which says nothing of what is in it.
"""

from enum import StrEnum
from typing import Final

from comptoir.engine.letters import LetterFilter
from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "OTHERWISE",
    "Act",
    "DescribeDisposition",
    "DisposeLetter",
    "DispositionDescribed",
    "LettersSettled",
    "LettersUnsettled",
    "NoteReading",
    "PageDue",
    "ReadingNoted",
    "ReplayLetters",
]

KIND = "disposition"
OTHERWISE: Final = "DEAD_LETTER_DECIDED"
"""Something else was decided about this letter before."""


class Act(StrEnum):
    """What is done with a letter."""

    REPLAY = "replay"
    """It is delivered again, as it was."""
    DISCARD = "discard"
    """It is given up."""


class DisposeLetter(Message, frozen=True):
    """One letter, by its id."""

    act: Act
    letter: int
    maker: str
    """`sub` of who wants it."""
    reason: str = ""
    """Why it is given up, as a person has written it."""


class ReplayLetters(Message, frozen=True):
    """Every letter that a filter covers and that had died when this was asked for."""

    wanted: LetterFilter
    until: int
    """The newest of them, by its id: what dies later is not meant."""
    maker: str
    per_second: int
    """The pace."""


class PageDue(Message, frozen=True):
    """One's own later self: it is the turn of the next letters."""

    wanted: LetterFilter
    after: int
    """The last one that was named."""
    until: int


class LettersSettled(Message, frozen=True):
    """From the desk of dead letters: it is done."""


class LettersUnsettled(Message, frozen=True):
    """From the desk of dead letters: it could not be done, for good."""

    code: str


class NoteReading(Message, frozen=True):
    """Somebody is about to be shown what a letter says."""

    letter: int
    reader: str
    """Their `sub`."""


class ReadingNoted(Reply, frozen=True):
    """It is on record, and they may be shown it."""


class DescribeDisposition(Message, frozen=True):
    """Say how far it is."""


class DispositionDescribed(Reply, frozen=True):
    """What was decided by whom, and how far it is."""

    act: str
    status: str
    """`settling`, `waiting` (for the next page's turn), `done` or `failed`."""
    letters: int
    """Those that were named so far, each once."""
    maker: str
    reason: str
    code: str
    """Why it has failed; else empty."""
    since: int
    """Business time, ms since 1970: when it was decided."""

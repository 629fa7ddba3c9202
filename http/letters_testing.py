"""Dead letters for tests of the edge: a list in memory, and what real actors would say of them.

The rule: it fulfils `comptoir.engine.letters.LetterReads`, and has the letters that a test gives it.
Source: comptoir.http.port.
"""

from collections import Counter

from comptoir.actors.disposition.messages import (
    Act,
    DisposeLetter,
    DispositionDescribed,
    NoteReading,
    ReadingNoted,
    ReplayLetters,
)
from comptoir.engine import Address, Message, Reply
from comptoir.engine.letters import DeadLetterRow, LetterCount, LetterFilter

__all__ = ["FakeLetters", "a_letter", "of_dispositions"]


def a_letter(number: int, queue: str = "dlq:points", died_at: int = 0) -> DeadLetterRow:
    """A letter to somebody's wallet."""
    wallet, card = Address("wallet", "u-1"), Address("connection", "c-1")
    return DeadLetterRow(number, queue, wallet, card, "CRASHED", "", (), died_at, died_at, b"{}")


class FakeLetters:
    """Letters as a test gives them."""

    def __init__(self) -> None:
        self.rows: list[DeadLetterRow] = []

    async def letters(
        self, wanted: LetterFilter, before: int | None, limit: int
    ) -> list[DeadLetterRow]:
        """As set, newest first."""
        found = [x for x in self.rows if wanted.covers(x) and (before is None or x.id < before)]
        return sorted(found, key=lambda row: -row.id)[:limit]

    async def letter_ids(
        self, wanted: LetterFilter, after: int, until: int, limit: int
    ) -> list[int]:
        """As set, oldest first."""
        ids = sorted(x.id for x in self.rows if wanted.covers(x) and after < x.id <= until)
        return ids[:limit]

    async def count_letters(self, wanted: LetterFilter, until: int) -> int:
        """As set."""
        return sum(wanted.covers(x) and x.id <= until for x in self.rows)

    async def letter(self, letter_id: int) -> DeadLetterRow | None:
        """As set."""
        return next((x for x in self.rows if x.id == letter_id), None)

    async def open_letter(self, letter_id: int) -> bytes | None:
        """As set."""
        found = await self.letter(letter_id)
        return None if found is None else found.payload

    async def count_dead_letters(self) -> dict[str, int]:
        """As set."""
        return dict(Counter(x.queue for x in self.rows))

    async def sum_letters(self, queue: str, since: int) -> list[LetterCount]:
        """All of one reason."""
        died = [x.died_at for x in self.rows if x.queue == queue]
        fresh = sum(at >= since for at in died)
        return [LetterCount(queue, "CRASHED", len(died), fresh, min(died))] if died else []


def of_dispositions(message: Message, now: int) -> Reply:
    """What a disposition says that goes well."""
    match message:
        case DisposeLetter(act=act, maker=maker, reason=reason):
            return DispositionDescribed(act.value, "settling", 1, maker, reason, "", now)
        case NoteReading():
            return ReadingNoted()
        case ReplayLetters(maker=maker):
            return DispositionDescribed(Act.REPLAY.value, "waiting", 0, maker, "", "", now)
        case _:
            return DispositionDescribed(Act.REPLAY.value, "done", 1, "eva", "", "", now)

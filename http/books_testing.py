"""Books of points for tests of the edge: what a test sets, month by month.

The rule: it fulfils `comptoir.http.books_port.BooksPort`, and what it answers adds up. Source: http/books_port.py.
"""

from collections.abc import Mapping, Sequence

from comptoir.actors.wallet.statement import Line, Purchase
from comptoir.engine.books import Change, Fate, Month, Movement, Origin, Part, Total

__all__ = ["FakeBooks"]

NOTHING: Change = (0, 0, 0, 0)


class FakeBooks:
    """The books of a daemon that a test makes up."""

    def __init__(self) -> None:
        super().__init__()
        self.movements: dict[str, list[Line]] = {}
        """By user, in their order."""
        self.parts: dict[str, list[Part]] = {}
        """By withdrawal, in their order."""
        self.fates: list[Fate] = []
        self.bought: dict[str, Purchase] = {}

    async def month(self, user_id: str, since: int, until: int) -> Month:
        """Added up from what is set."""
        told = [line.movement for line in self.movements.get(user_id, [])]
        before = [one for one in told if one.at < since]
        mine = [one for one in told if since <= one.at < until]
        first, opening = (before[-1].id, before[-1].after) if before else (0, NOTHING)
        last, closing = (mine[-1].id, mine[-1].after) if mine else (first, opening)
        kinds = sorted({one.kind for one in mine})
        return Month(first, last, opening, closing, tuple(_total(kind, mine) for kind in kinds))

    async def lines(self, user_id: str, after: int, last: int, limit: int) -> Sequence[Line]:
        """As set."""
        told = self.movements.get(user_id, [])
        return [line for line in told if after < line.movement.id <= last][:limit]

    async def origin(
        self, user_id: str, withdrawal_id: str, after: int, limit: int, each: int
    ) -> Origin:
        """As set, whoever asks."""
        del user_id, each
        found = self.parts.get(withdrawal_id, [])
        page = tuple(part for part in found if part.before + part.points > after)[:limit]
        lots = {part.lot for part in page}
        fates = tuple(fate for fate in self.fates if fate.lot in lots)
        return Origin(sum(part.points for part in found), page, fates)

    async def purchases(self, user_id: str, transactions: Sequence[str]) -> Mapping[str, Purchase]:
        """As set, whoever asks."""
        del user_id
        return {one: self.bought[one] for one in transactions if one in self.bought}


def _total(kind: str, movements: Sequence[Movement]) -> Total:
    changes = [one.change for one in movements if one.kind == kind]
    a, p, b, s = (sum(column) for column in zip(*changes, strict=True))
    return Total(kind, len(changes), (a, p, b, s))

"""What the edge reads of the books of points (http/books_port.py), once there is a journal.

Rule: reading only, and no decision; while the database is away nothing is shown.
Source: interface.md 7; design.md 2; engine/books.py.
"""

from collections.abc import Mapping, Sequence

from comptoir.actors.wallet.statement import Line, Purchase, find_purchases, label
from comptoir.engine.books import Month, Origin
from comptoir.engine.errors import Unavailable
from comptoir.storage.journal import PostgresJournal

__all__ = ["BookViews"]


class BookViews:
    """The books of a daemon."""

    def __init__(self) -> None:
        self.journal: PostgresJournal | None = None

    def _open_books(self) -> PostgresJournal:
        if self.journal is None or not self.journal.available:
            raise Unavailable("the database is away")
        return self.journal

    async def month(self, user_id: str, since: int, until: int) -> Month:
        """A wallet between two times."""
        return await self._open_books().month(user_id, since, until)

    async def lines(self, user_id: str, after: int, last: int, limit: int) -> Sequence[Line]:
        """A page of its movements, with the names of partners."""
        books = self._open_books()
        return await label(books, user_id, await books.movements(user_id, after, last, limit))

    async def origin(
        self, user_id: str, withdrawal_id: str, after: int, limit: int, each: int
    ) -> Origin:
        """A page of what a withdrawal is of."""
        return await self._open_books().origin(user_id, withdrawal_id, after, limit, each)

    async def purchases(self, user_id: str, transactions: Sequence[str]) -> Mapping[str, Purchase]:
        """A person's purchases by their ids; those that are not known are left out."""
        return await find_purchases(self._open_books(), user_id, transactions)

"""What the edge reads of the books of points: a part of the port (comptoir.http.port).

Source: interface.md 7 (statements); engine/books.py.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from comptoir.actors.wallet.statement import Line, Purchase
from comptoir.engine.books import Month, Origin

__all__ = ["BooksPort"]


class BooksPort(Protocol):
    """The books."""

    async def month(self, user_id: str, since: int, until: int) -> Month:
        """A wallet between two times (business time, ms; the second is not in it)."""
        ...

    async def lines(self, user_id: str, after: int, last: int, limit: int) -> Sequence[Line]:
        """A page of a wallet's movements in their order, with ids in (`after`, `last`]."""
        ...

    async def origin(
        self, user_id: str, withdrawal_id: str, after: int, limit: int, each: int
    ) -> Origin:
        """A page of what a withdrawal is of now, first in, first out, from the part that holds the point after
        so many; of each lot, so many withdrawals are told one by one.
        """
        ...

    async def purchases(self, user_id: str, transactions: Sequence[str]) -> Mapping[str, Purchase]:
        """A person's purchases by their ids; those that are not known are left out."""
        ...

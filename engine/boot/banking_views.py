"""What the edge reads of accounts on the mainframe (http/accounts_port.py), once there is a journal.

Rule: reading only, and no decision; while the database is away nothing is shown.
Source: spec.md E11; design.md 2; docs/core-banking.md.
"""

from collections.abc import Sequence
from typing import Final

from comptoir.actors.account.messages import ACCOUNTS
from comptoir.engine.boot.feeding import EventViews

__all__ = ["AccountViews"]

ROWS_PER_LOOK: Final = 1000
"""As of reviews: those that have their end are passed over here."""


class AccountViews(EventViews):
    """The accounts of a daemon that have no end."""

    async def open_accounts(self, after: str, limit: int) -> Sequence[str]:
        """What was asked for first first."""
        waiting: list[str] = []
        while True:
            found = await self._open_books().scan(ACCOUNTS, after, ROWS_PER_LOOK)
            waiting += [place for place, one in found if one["waits"]]
            if len(waiting) >= limit or len(found) < ROWS_PER_LOOK:
                return waiting[:limit]
            after = found[-1][0]

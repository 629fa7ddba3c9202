"""What the edge reads of accounts on the mainframe: a part of the port (comptoir.http.port).

Source: spec.md E11; docs/core-banking.md.
"""

from collections.abc import Sequence
from typing import Protocol

__all__ = ["AccountsPort"]


class AccountsPort(Protocol):
    """Accounts without an end."""

    async def open_accounts(self, after: str, limit: int) -> Sequence[str]:
        """A page of them by their places (`account.messages.place_of`), those after this one, what was asked for first
        first.
        """
        ...

"""Accounts on the mainframe for tests of the edge: what a test sets.

The rule: it fulfils that part of `comptoir.http.port.ApiPort`. Source: comptoir.http.accounts_port.
"""

from collections.abc import Sequence

import msgspec

from comptoir.actors.account.messages import (
    KIND,
    AccountDescribed,
    DescribeAccount,
    LookForAccount,
    Seen,
    place_of,
)
from comptoir.engine import Address, Message, Refused, Reply

__all__ = ["HELD", "FakeAccounts"]

ASKED_MS = 1_764_000_000_000
HELD = AccountDescribed(
    "held", "WM0000000001", "CREATED_YET_REFUSED", ASKED_MS, ASKED_MS, 1, ASKED_MS + 1, False,
    Seen("created", "WM0000000001", ASKED_MS + 2), "",
)  # fmt: skip
"""One that two people may settle as created."""


class FakeAccounts:
    """The accounts of a daemon that a test makes up."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts: dict[str, AccountDescribed] = {}
        """By numbers of files."""
        self.looks_spent = False
        """Whether there is no number left for a look."""

    async def open_accounts(self, after: str, limit: int) -> Sequence[str]:
        """As set, in their order."""
        ends = ("created", "refused")
        places = sorted(
            place_of(one.asked_at, name)
            for name, one in self.accounts.items()
            if one.status not in ends
        )
        return [place for place in places if place > after][:limit]

    def of_accounts(self, address: Address, message: Message) -> Reply | None:
        """What is answered to what is said to an account; None: it is said to others."""
        if address.kind != KIND or not isinstance(message, DescribeAccount | LookForAccount):
            return None
        known = self.accounts.get(address.key)
        if known is None:
            raise Refused("NOT_FOUND", "no account was asked for this file")
        ended = known.status in ("created", "refused")
        looks = isinstance(message, LookForAccount) and not ended and not self.looks_spent
        return msgspec.structs.replace(known, looking=looks)

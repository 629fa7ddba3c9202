"""What the edge reads of what is committed (http/port.py), once there is a journal.

Rule: reading only, and no decision; while the database is away nothing is shown.
Source: interface.md 7; design.md 2.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from comptoir.actors.approval.messages import COLLECTION as APPROVALS
from comptoir.actors.candidates.messages import Candidate
from comptoir.actors.candidates.views import find_candidates
from comptoir.actors.claim.messages import CASES
from comptoir.actors.claim.messages import COLLECTION as CLAIMS
from comptoir.actors.connection.views import (
    find_connections,
    find_owner,
    find_purchases,
    find_transaction,
    show_transaction,
)
from comptoir.actors.consent_week.views import find_weeks
from comptoir.actors.kyc.messages import CASES as KYC_CASES
from comptoir.actors.merchants.messages import CHANGES, COLLECTION, change_key
from comptoir.actors.onboarding.messages import SUBMISSIONS
from comptoir.actors.payout_batch.messages import BATCHES, ROWS, row_key
from comptoir.actors.programme import Programme
from comptoir.actors.reconciliation.messages import COLLECTION as RECONCILIATIONS
from comptoir.actors.wallet.messages import ADJUSTMENTS, ADJUSTMENTS_LISTED
from comptoir.actors.wallet.views import show_entry, show_wallet
from comptoir.actors.withdrawal.messages import COLLECTION as WITHDRAWALS
from comptoir.actors.withdrawal.messages import OVERDUE, listing_of
from comptoir.engine.boot.reviewing import ReviewViews
from comptoir.engine.journal import Journal
from comptoir.engine.letters import LetterReads
from comptoir.http.port import BatchRow

__all__ = ["Views"]


class Views(ReviewViews, ABC):
    """The reading half of a daemon."""

    def __init__(self, programme: Programme) -> None:
        super().__init__()
        self.programme = programme

    def _open_journal(self) -> Journal:
        return self._open_books()

    async def wallet(self, user_id: str) -> Mapping[str, Any] | None:
        """A wallet as interface.md 7 shows it."""
        now = self.now_ms()
        return await show_wallet(self._open_journal(), user_id, self.programme, now)

    async def entries(
        self, user_id: str, before: int | None, limit: int
    ) -> Sequence[tuple[int, Mapping[str, Any]]]:
        """A page of a user's history."""
        page = await self._open_journal().entries(user_id, before, limit)
        return [(entry.id, show_entry(entry)) for entry in page]

    async def transaction(self, transaction_id: str) -> Mapping[str, Any] | None:
        """A transaction as interface.md 7 shows it."""
        found = await find_transaction(self._open_journal(), transaction_id)
        return None if found is None else show_transaction(found)

    async def connections(self, user_id: str) -> Mapping[str, Mapping[str, Any]]:
        """A user's connections by their ids, as they are kept."""
        return await find_connections(self._open_journal(), user_id)

    async def connection(self, connection_id: str) -> Mapping[str, str] | None:
        """To whom a connection belongs, and the key of its actor."""
        return await find_owner(self._open_journal(), connection_id)

    async def consent_weeks(
        self, weeks: Sequence[str]
    ) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
        """How many consents end in these weeks, and what became of them."""
        return await find_weeks(self._open_journal(), weeks)

    async def waiting(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """What waits for a second person, and what has by now been decided, by their places."""
        return await self._places(APPROVALS, after, limit)

    async def claims(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """Likewise the claims of people."""
        return await self._places(CLAIMS, after, limit)

    async def withdrawals(self, user_id: str, after: str, limit: int) -> Sequence[str]:
        """A person's withdrawals, by their places."""
        mine = listing_of(user_id)
        found = await self._open_journal().scan(WITHDRAWALS, mine + after, limit)
        return [key.removeprefix(mine) for key, _ in found if key.startswith(mine)]

    async def batches(self, after: str, limit: int) -> Sequence[str]:
        """Batches of payouts, by their places."""
        return [key for key, _ in await self._open_journal().scan(BATCHES, after, limit)]

    async def batch_rows(self, name: str, after: str, limit: int) -> Sequence[BatchRow]:
        """A page of a batch's rows."""
        mine = row_key(name)
        found = await self._open_journal().scan(ROWS, mine + after, limit)
        return [
            BatchRow(
                key.removeprefix(mine), str(one["withdrawal"]), int(one["cents"]), str(one["currency"]),
                bool(one["in"]),
            )
            for key, one in found
            if key.startswith(mine)
        ]  # fmt: skip

    async def overdue(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """Withdrawals that were overdue, and whether they are, by their places."""
        return await self._places(OVERDUE, after, limit)

    async def reconciliations(
        self, after: str, limit: int
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Reports of payments, by their keys."""
        return await self._open_journal().scan(RECONCILIATIONS, after, limit)

    async def adjustments(self, after: str, limit: int) -> Sequence[str]:
        """Adjustments by their places."""
        found = await self._open_journal().scan(ADJUSTMENTS_LISTED, after, limit)
        return [place for place, _ in found]

    async def adjustment(self, adjustment_id: str) -> Mapping[str, Any] | None:
        """What is noted of one."""
        found = await self._open_journal().documents(ADJUSTMENTS, [adjustment_id])
        return found.get(adjustment_id)

    async def submission(self, place: str) -> str | None:
        """The file to which a partner's own reference leads."""
        found = (await self._open_journal().documents(SUBMISSIONS, [place])).get(place)
        return None if found is None else str(found["onboarding_id"])

    async def _places(self, collection: str, after: str, limit: int) -> list[tuple[str, bool]]:
        found = await self._open_journal().scan(collection, after, limit)
        return [(place, bool(one["waits"])) for place, one in found]

    @property
    def letters(self) -> LetterReads:
        """The dead letters."""
        return self._open_books()

    async def partner(self, partner_id: str) -> Mapping[str, Any] | None:
        """A partner's columns."""
        return (await self._open_journal().documents(COLLECTION, [partner_id])).get(partner_id)

    async def partners(self, after: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """Partners in the order of ids."""
        return [one for _, one in await self._open_journal().scan(COLLECTION, after, limit)]

    async def partner_changes(
        self, partner_id: str, before: int | None, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """What a partner was, the newest first."""
        begin = change_key(partner_id)
        # The order of keys is that of versions turned round; a key itself is left out, as `before` is.
        after = begin if before is None else change_key(partner_id, before)
        found = await self._open_journal().scan(CHANGES, after, limit)
        return [one for key, one in found if key.startswith(begin)]

    async def cases(self, after: str, limit: int) -> Sequence[str]:
        """Files whose client was assessed, by their numbers."""
        return [key for key, _ in await self._open_journal().scan(KYC_CASES, after, limit)]

    async def match_cases(self, after: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Labelled cases, by the ids of their claims."""
        return await self._open_journal().scan(CASES, after, limit)

    async def matched_purchases(
        self, after: str, limit: int
    ) -> tuple[str | None, Sequence[Mapping[str, Any]]]:
        """Purchases that were matched, of a page of documents."""
        return await find_purchases(self._open_journal(), after, limit)

    async def candidates(self, after: str, users: int) -> tuple[str | None, Sequence[Candidate]]:
        """What is kept for a page of users."""
        return await find_candidates(self._open_journal(), after, users, self.now_ms())

    @abstractmethod
    def now_ms(self) -> int:
        """Business time; the daemon has the clock."""

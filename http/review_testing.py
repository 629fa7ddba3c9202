"""Reviews and days of onboarding for tests of the edge: what a test sets, and what real actors would say.

The rule: it fulfils that part of `comptoir.http.port.ApiPort`. Source: comptoir.http.review_port.
"""

from collections.abc import Mapping, Sequence

import msgspec

from comptoir.actors.onboarding.views import FileRow
from comptoir.actors.onboarding.views import place_of as file_place
from comptoir.actors.onboarding_day.messages import Sums
from comptoir.actors.review.messages import (
    KIND,
    ClaimReview,
    DecideReview,
    Note,
    NoteReview,
    ReviewDescribed,
    SnoozeReview,
    place_of,
)
from comptoir.engine import Address, Message, Refused, Reply
from comptoir.http.accounts_testing import FakeAccounts
from comptoir.http.docusign_testing import of_envelopes
from comptoir.http.events_testing import FakeEvents
from comptoir.http.lists_testing import FakeLists, of_lists
from comptoir.http.signing_testing import of_signing

__all__ = ["FakeReviews", "review_of"]

DUE_MS = 1_764_000_000_000


def review_of(due_at: int = DUE_MS) -> ReviewDescribed:
    """One that waits."""
    return ReviewDescribed(
        "open", 1, "INDIVIDUAL", ("PEP",), 70, "MANUAL_REVIEW", False, "", due_at, due_at - 1000, 0, False,
        (Note("eva", due_at - 500, "called"),), "", 0, "",
    )  # fmt: skip


class FakeReviews(FakeLists, FakeEvents, FakeAccounts):
    """The reviews of a daemon that a test makes up, with the lists that compliance searches."""

    def __init__(self) -> None:
        super().__init__()
        self.reviewed: dict[str, ReviewDescribed] = {}
        """By numbers of files."""
        self.days: dict[str, Sums] = {}
        self.filed: dict[str, dict[str, FileRow]] = {}
        """Rows of files by the beginnings of their lists' keys, by numbers."""

    async def reviews(self, after: str, limit: int) -> Sequence[str]:
        """As set, what is due first first."""
        places = sorted(place_of(one.due_at, name) for name, one in self.reviewed.items())
        return [place for place in places if place > after][:limit]

    async def files(self, mine: str, after: str, limit: int) -> Sequence[tuple[str, FileRow]]:
        """As set, the newest first."""
        rows = self.filed.get(mine, {})
        found = sorted((file_place(one.created_at, name), one) for name, one in rows.items())
        return [one for one in found if one[0] > after][:limit]

    async def onboarding_days(self, days: Sequence[str]) -> Mapping[str, Sums]:
        """As set."""
        return {day: self.days[day] for day in days if day in self.days}

    def of_compliance(self, address: Address, message: Message) -> Reply | None:
        """What is answered to what compliance says; None: it is said to others."""
        others = of_lists(address, message) or of_envelopes(address, message)
        told = self.of_reviews(address, message) or self.of_events(address, message)
        told = told or self.of_accounts(address, message)
        return told or others or of_signing(address, message)

    def of_reviews(self, address: Address, message: Message) -> Reply | None:
        """What is answered to what is said to a review; None: it is said to others."""
        if address.kind != KIND:
            return None
        known = self.reviewed.get(address.key)
        if known is None:
            raise Refused("CONFLICT", "there is no review of this file")
        match message:
            case ClaimReview(reviewer=reviewer):
                known = msgspec.structs.replace(known, status="claimed", claimed_by=reviewer)
            case NoteReview(reviewer=reviewer, text=text):
                noted = (*known.notes, Note(reviewer, known.opened_at, text))
                known = msgspec.structs.replace(known, notes=noted)
            case SnoozeReview(until=until):
                known = msgspec.structs.replace(known, status="snoozed", snoozed_until=until)
            case DecideReview(reviewer=reviewer, approve=approve, reason=reason):
                known = msgspec.structs.replace(
                    known, status="approved" if approve else "rejected", decided_by=reviewer,
                    decided_at=known.due_at, reason=reason,
                )  # fmt: skip
            case _:
                pass
        self.reviewed[address.key] = known
        return known

"""Partners and claims for tests of the edge: what a test sets, and what real actors would say of them.

The rule: it fulfils that part of `comptoir.http.port.ApiPort`. Source: comptoir.http.port.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from comptoir.actors.candidates.messages import Candidate, CandidateMissing, FindCandidate
from comptoir.actors.claim.messages import (
    ClaimDescribed,
    DescribeClaim,
    GrantClaim,
    OpenClaim,
    RefuseClaim,
    Verdict,
)
from comptoir.actors.merchants.messages import ImportPartners, PartnersImported, Purchase
from comptoir.engine import Address, Message, Refused, Reply

__all__ = ["FakeMatching"]

OPENED_MS = 1_763_994_600_000


class FakeMatching:
    """The partner base, candidates and claims of a daemon that a test makes up."""

    def __init__(self) -> None:
        super().__init__()
        self.partner_base: dict[str, dict[str, Any]] = {}
        self.claim_owners: dict[str, str] = {}
        """Claims that are open: whose they are."""

    async def partner(self, partner_id: str) -> Mapping[str, Any] | None:
        """As set."""
        return self.partner_base.get(partner_id)

    async def partners(self, after: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """As set."""
        known = sorted(self.partner_base.items())
        return [one for partner_id, one in known if partner_id > after][:limit]

    async def partner_changes(
        self, partner_id: str, before: int | None, limit: int
    ) -> Sequence[Mapping[str, Any]]:
        """None: what is set was always so."""
        del partner_id, before, limit
        return []

    def explain(self, purchase: Purchase) -> tuple[str, ...]:
        """What the label is."""
        return (f"label reads: {purchase.label}",)

    async def claims(self, after: str, limit: int) -> Sequence[tuple[str, bool]]:
        """As set, in their order."""
        places = sorted(f"{0:015d}:{claim_id}" for claim_id in self.claim_owners)
        return [(place, True) for place in places if place > after][:limit]

    async def match_cases(self, after: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """None: nothing was granted."""
        del after, limit
        return []

    async def matched_purchases(
        self, after: str, limit: int
    ) -> tuple[str | None, Sequence[Mapping[str, Any]]]:
        """None."""
        del after, limit
        return None, []

    async def candidates(self, after: str, users: int) -> tuple[str | None, Sequence[Candidate]]:
        """None."""
        del after, users
        return None, []

    def of_matching(self, address: Address, message: Message) -> Reply | None:
        """What is answered to what is said to these actors; None: it is said to others."""
        if isinstance(message, ImportPartners):
            return PartnersImported(len(message.partners), 0, 0, 1)
        if isinstance(message, FindCandidate):
            return CandidateMissing()
        if address.kind != "claim":
            return None
        owner = self.claim_owners.get(address.key, "")
        if isinstance(message, OpenClaim):
            self.claim_owners[address.key] = message.user_id
            return ClaimDescribed(
                "answered", message.user_id, message.verdict, message.trace, OPENED_MS
            )
        if isinstance(message, DescribeClaim) and address.key not in self.claim_owners:
            raise Refused("NOT_FOUND", "nothing was claimed under this id")
        described = ClaimDescribed("open", owner, Verdict.NOT_MATCHED, (), OPENED_MS)
        if isinstance(message, GrantClaim):
            return ClaimDescribed(
                "granted", owner, described.verdict, (), OPENED_MS, None, message.partner_id
            )
        if isinstance(message, RefuseClaim):
            return ClaimDescribed("refused", owner, described.verdict, (), OPENED_MS)
        return described

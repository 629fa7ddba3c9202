"""What may be said to the assessment of a client, and what is answered (S10, S11, S21 to S27).

One actor per file, under the file's number. Another machine may import this module and nothing else of this
package (design.md 1).
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "CASES",
    "KIND",
    "AssessClient",
    "BureauReported",
    "CaseDescribed",
    "CaseDue",
    "CaseReviewed",
    "DescribeCase",
    "DocumentsJudged",
    "ForgetCase",
    "PartiesChanged",
    "Party",
    "PostalAddress",
    "ReportTaken",
    "RescreenCase",
]

KIND = "kyc"
CASES = "kyc"
"""Documents by which all cases are listed, by the numbers of their files: `{"round": 1}`."""
Role = Literal["client", "entity", "representative", "beneficial_owner", "settlor", "trustee"]


class Party(msgspec.Struct, frozen=True):
    """Somebody who is looked at: the client, or who stands behind one that is no person (S1)."""

    id: str
    """Within its file, and the same for ever: `client`, `entity`, `owner-1`."""
    role: Role
    schema: Literal["Person", "Organization"]
    first_name: str = ""
    last_name: str = ""
    """Of an organisation its name, and `first_name` is empty."""
    date_of_birth: str = ""
    """YYYY-MM-DD; of an organisation: when it was founded; empty: not known."""
    residence_country: str = ""
    """ISO 3166-1 alpha-2; of an organisation: where it is registered."""
    tax_residence: str = ""
    nationality: str = ""
    former: tuple[str, ...] = ()
    """Names that it had since it was first looked at, whole, the last one first (watching.py)."""

    @property
    def name(self) -> str:
        """Its name, whole."""
        return " ".join(one for one in (self.first_name, self.last_name) if one)


class PostalAddress(msgspec.Struct, frozen=True):
    """Where the client lives, or is registered; each part as declared or as read."""

    street: str = ""
    postal_code: str = ""
    city: str = ""
    province: str = ""
    """Of countries that have them: `QC`."""
    country: str = ""


class DocumentsJudged(msgspec.Struct, frozen=True):
    """What the documents of a file came to (S20, S24, S25)."""

    valid: bool | None = None
    expired: bool = False
    inconsistent: bool = False
    codes: tuple[str, ...] = ()
    """The flags that say so (docs/documents.md)."""


class AssessClient(Message, frozen=True):
    """The documents are there: look at the client. The same `round` again is the same assessment."""

    round: int
    """1, and one more each time that a file comes again after it was incomplete or rejected."""
    client_type: str
    user_id: str
    advisor: str
    """`sub`: who began it cannot review it (X5)."""
    email: str
    phone: str
    parties: tuple[Party, ...]
    """The client first; at least one."""
    address: PostalAddress
    documents: DocumentsJudged
    accelerated: bool = False
    """A partner attested it: its review is due sooner (X31)."""


class BureauReported(Message, frozen=True):
    """KYC_COMPLETED (S10), by webhook or by reading what the bureau has."""

    status: str
    score: int
    checks: Mapping[str, str]
    risk_level: str
    recommendation: str
    reviewed_by: str
    completed_at: str
    digest: str
    """SHA-256 of what was said, in hexadecimal: the same again is a duplicate."""
    healed: bool = False
    """Read, because no webhook had come (E6)."""


class CaseReviewed(Message, frozen=True):
    """A person has decided a case that was held (X3, X4)."""

    approved: bool
    reviewer: str
    reason: str
    round: int = 0
    """`OpenReview.round` that it answers; one that is not the last decides nothing. 0: the last."""
    first: str = ""
    """Who had approved it before them, where that takes two people (E14)."""


class RescreenCase(Message, frozen=True):
    """A watch list has another version: search again."""

    list: str
    version: str


class PartiesChanged(Message, frozen=True):
    """Somebody who is looked at is called otherwise now than when the client was assessed: search for everybody again."""

    parties: tuple[Party, ...]
    """All of them, as `AssessClient` has them."""


class CaseDue(Message, frozen=True):
    """One's own later self: what is not there is to be read, or not waited for any longer."""


class ForgetCase(Message, frozen=True):
    """The file goes: nothing of its client stays here, and no list is held against them any more."""


class DescribeCase(Message, frozen=True):
    """Say what is known and decided."""


class ReportTaken(Reply, frozen=True):
    """What became of a report: `accepted`, `duplicate` or `ignored` (interface.md 9)."""

    status: Literal["accepted", "duplicate", "ignored"]


class CaseDescribed(Reply, frozen=True):
    """A case; what may be told of it to whom is the edge's to know (E3)."""

    status: Literal["none", "checking", "approved", "held", "rejected"]
    score: int | None = None
    """The bureau's (S11)."""
    computed_score: int | None = None
    """Ours (X4)."""
    risk_level: str | None = None
    recommendation: str | None = None
    reasons: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    """Checks of which nothing was heard yet: `identity`, `address`, `credit`, `media`, `screening`."""
    decided: Mapping[str, object] | None = None
    """The decision as `actors/kyc/deciding.Decided` writes it; None before there is one."""
    by: str = ""
    """`SYSTEM`, or the `sub` of who reviewed it."""
    decided_at: int = 0
    reviewed: str = ""
    """Why who reviewed it decided so."""
    round: int = 0
    """The file's."""
    review_round: int = 0
    """Of the last review that was opened."""
    rules: Mapping[str, Any] | None = None
    """The rule set of `decided`, as `actors/kyc/rules.Rules` writes it: it explains the decision, years later."""
    checks: Mapping[str, str] = {}
    """The bureau's words, by its own names (S10)."""
    impossible: Mapping[str, str] = {}
    """Check -> why there is no answer of it."""
    hits: tuple[Mapping[str, Any], ...] = ()
    """Whom a list may have: `party`, `list`, `entryId`, `name`, `score`, `topics`, `features`, `fingerprint`, `word`,
    `wordBefore`, and `since`: `side`, `what`, `came`, `went` (E4).
    """
    headlines: tuple[Mapping[str, str], ...] = ()
    """`party`, `title`, `publisher`, `publishedAt`, `url`."""

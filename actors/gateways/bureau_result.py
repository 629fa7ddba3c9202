"""What the bureau found, in the source's own words: by webhook (S10), or read because none had come (E6).

Rule: both ways lead through here, so that the same finding has the same digest whichever way it came, in whatever
order its fields stood. What the source does not name is no finding of ours.
Source: spec.md S10, X4, X16, E6.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta

from comptoir.actors.kyc.messages import BureauReported

__all__ = ["KycResult", "report_of"]

Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_]*\Z")]


class KycResult(msgspec.Struct, frozen=True, rename="camel"):
    """`kycResult` of S10."""

    status: Word
    score: Annotated[int, Meta(ge=0, le=100)]
    checks: Annotated[Mapping[Word, Word], Meta(max_length=32)]
    risk_level: Word
    recommendation: Word
    reviewed_by: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[ -~]+\Z")]
    completed_at: Annotated[
        str,
        Meta(
            max_length=40,
            pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\Z",
        ),
    ]


def report_of(result: KycResult, *, healed: bool = False) -> BureauReported:
    """What the assessment hears of it.

    Args:
        result: what the bureau said.
        healed: it was read, because no webhook had come.
    """
    said = msgspec.json.encode(result, order="sorted")
    return BureauReported(
        status=result.status,
        score=result.score,
        checks=dict(result.checks),
        risk_level=result.risk_level,
        recommendation=result.recommendation,
        reviewed_by=result.reviewed_by,
        completed_at=result.completed_at,
        digest=sha256(said).hexdigest(),
        healed=healed,
    )

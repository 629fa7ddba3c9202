"""The assessment that every client has in tests of the edge: approved by score, as the source's own example.

Rule: what is shown of it is whole, so that every field is there to be told or withheld. Source: spec.md S10.
"""

from typing import Final

import msgspec

from comptoir.actors.kyc import Facts, Finding, Rules, decide
from comptoir.actors.kyc.messages import BureauReported, CaseDescribed, ReportTaken
from comptoir.engine import Message, Reply

__all__ = ["CASE", "of_case"]

_FACTS: Final = Facts(
    identity_verified=True, documents_valid=True, address_verified=True, pep=Finding.CLEAR,
    sanctions=Finding.CLEAR, adverse_media=Finding.CLEAR, residence="CA", lists={"demo": "a" * 64},
)  # fmt: skip
_DECIDED: Final = decide(Rules(), _FACTS)
CASE: Final = CaseDescribed(
    "approved", 85, _DECIDED.score, _DECIDED.risk_level.value, _DECIDED.recommendation.value,
    decided=msgspec.to_builtins(_DECIDED), by="SYSTEM", decided_at=1_763_994_600_000, round=1,
    rules=msgspec.to_builtins(Rules()), checks={"identityVerification": "PASSED"},
    impossible={"credit": "NOT_CONFIGURED"},
    hits=(
        {
            "party": "client", "list": "demo", "entryId": "Q1", "name": "Somebody", "score": 700,
            "topics": ["role.pep"], "features": {"name": 0.7}, "fingerprint": "f1", "word": "",
            "wordBefore": "cleared",
            "since": [{"side": "entry", "what": "birth_dates", "came": ["1961"], "went": []}],
        },
    ),
    headlines=(
        {
            "party": "client", "title": "News", "publisher": "The Paper", "publishedAt": "2025-01-01",
            "url": "https://paper.example/1",
        },
    ),
)  # fmt: skip


def of_case(message: Message) -> Reply:
    """What a case says that has been decided."""
    return ReportTaken("accepted") if isinstance(message, BureauReported) else CASE

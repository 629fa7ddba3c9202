"""What cases add to the sums of their day: what the rules decided, and whom they asked (S26, S27, E17).

The rule: a case that a person concludes was counted when the rules had decided it; the person's word is the review's to
count.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from comptoir.actors.gateways.kyc_messages import (
    CheckAddress,
    CheckCredit,
    SearchMedia,
    StartVerification,
)
from comptoir.actors.kyc.concluding import SYSTEM, outcome_of
from comptoir.actors.kyc.state import CaseDecided, KycState
from comptoir.actors.onboarding_day.messages import CountCalls, CountCase
from comptoir.engine import Decision, Message
from comptoir.engine.machine import Context

__all__ = ["tell"]

_PAID: Final[Mapping[type[Message], str]] = {
    StartVerification: "identity", CheckAddress: "address", CheckCredit: "credit", SearchMedia: "media",
}  # fmt: skip
"""Questions that somebody takes money for, by the names of `[measures]`; lists are searched by ourselves."""


def tell(_state: object, decision: Decision[Any], _context: Context) -> Iterator[Message]:
    """What one decision of a case adds."""
    after: KycState = decision.state
    for event in decision.events:
        if isinstance(event, CaseDecided) and event.by == SYSTEM:
            yield CountCase(
                event.rules_version, event.score, event.recommendation, event.factors,
                outcome_of(after.phase),
            )  # fmt: skip
    paid = Counter(_PAID[type(x.message)] for x in decision.messages if type(x.message) in _PAID)
    for party, count in paid.items():
        yield CountCalls(party, count)

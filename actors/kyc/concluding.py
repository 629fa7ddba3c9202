"""How a case is concluded: by our rules and the bureau's report, or by a person.

The rules:
- it is concluded when everything that was asked has an answer, or none will come; or when waiting has lasted too long,
  and then it is held whatever is known: no silence approves anybody, and none rejects (S27);
- where there is a bureau, its report and our own decision must agree (reported.py): whatever disagrees holds the case,
  and is an alert that names it (X4). Where there is none, our decision stands alone, and nobody has checked an identity;
- a bureau that has told two things, and documents of a kind that a person must see, hold it as well;
- held means that a review is opened; the one who concludes it then is the reviewer (S7, S11);
- a person who approves has cleared the sanctions that were suspected, which takes two people (E14, review/machine.py), and
  has seen the rest; one who rejects has confirmed them (X3). Both words stand for as long as list and client say the same (E4);
- what an advisor and a client may see of it is settled here, once: a list that changes later changes nothing of it,
  because a factor that disappears would tell as much as one that shows (E3).
Source: spec.md S7, S10, S11, S17, S21 to S27, X1 to X5, E2 to E4; docs/adr/0047-a-case-is-an-actor-of-its-own.md.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from comptoir.actors.kyc.deciding import Decided, Recommendation, decide
from comptoir.actors.kyc.explaining import WITHHELD
from comptoir.actors.kyc.knowing import facts_of, is_unserved
from comptoir.actors.kyc.messages import BureauReported, CaseReviewed
from comptoir.actors.kyc.reported import Outcome, Reported, settle
from comptoir.actors.kyc.rules import Rules
from comptoir.actors.kyc.state import (
    CLEARED,
    CONFIRMED,
    KNOWN,
    CaseAlerted,
    CaseDecided,
    Judged,
    KycState,
    Phase,
    check_of,
    is_sanction,
    open_hits,
)
from comptoir.actors.kyc.terms import kyc_terms_of
from comptoir.actors.onboarding.messages import KIND as FILE
from comptoir.actors.onboarding.messages import KycConcluded
from comptoir.actors.review.messages import KIND as REVIEW
from comptoir.actors.review.messages import OpenReview
from comptoir.engine import Address, Decision, Event, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "DUE",
    "NEW_HIT",
    "REVIEW_FLAGS",
    "SYSTEM",
    "conclude",
    "held_again",
    "outcome_of",
    "review",
    "when_whole",
]

DUE: Final = "due"
"""The timer's name."""
SYSTEM: Final = "SYSTEM"
"""S10's word for nobody."""
REVIEW_FLAGS: Final = frozenset({"DUPLICATE_IDENTITY"})
"""Of documents: no score weighs them, and a person must look (docs/documents.md)."""
BAND: Final = "SCORE_IN_REVIEW_BAND"
NEW_HIT: Final = "NEW_HIT"
_SANCTIONS: Final = ("SANCTIONS_SUSPECTED", "SANCTIONS_CONFIRMED")
_WORD: Final[Mapping[Phase, Literal["approved", "held", "rejected"]]] = {
    Phase.APPROVED: "approved", Phase.HELD: "held", Phase.REJECTED: "rejected",
}  # fmt: skip
_PHASES: Final = {
    Outcome.KYC_APPROVED: Phase.APPROVED,
    Outcome.COMPLIANCE_HOLD: Phase.HELD,
    Outcome.KYC_REJECTED: Phase.REJECTED,
}
_OURS: Final = {
    Recommendation.AUTO_APPROVE: Phase.APPROVED,
    Recommendation.MANUAL_REVIEW: Phase.HELD,
    Recommendation.REJECT: Phase.REJECTED,
}
_WORDS: Final = frozenset(one.value for one in Recommendation)
CaseDecision = Decision[KycState]


def outcome_of(phase: Phase) -> Literal["approved", "held", "rejected"]:
    """What a file hears of a case in this phase, which is one of the three ends."""
    return _WORD[phase]


def when_whole(state: KycState, context: Context, events: tuple[Event, ...] = ()) -> CaseDecision:
    """Conclude if nothing is waited for any more."""
    if state.waits:
        return Decision(state, events=events)
    return conclude(state, context, events)


def conclude(state: KycState, context: Context, events: tuple[Event, ...] = ()) -> CaseDecision:
    """Conclude a case with what is known; what is still waited for has been waited for too long.

    Args:
        state: of a case that is being checked.
        context: of the decision.
        events: what else has happened.
    """
    rules = kyc_terms_of(context).rules
    decided = decide(rules, facts_of(state))
    phase, disagreements = _settled(state, rules, decided)
    concluded = msgspec.structs.replace(
        state, phase=phase, waits=_still(state), rules=rules, decided=decided, disagreements=disagreements,
        by=SYSTEM, first="", reviewed="", decided_at=context.now,
    )  # fmt: skip
    alerts = tuple(_alerts(decided, disagreements))
    alerted = (CaseAlerted(_round(state), alerts),) if alerts else ()
    return _told(concluded, context, (*events, *alerted, _on_record(concluded)), cancel=(DUE,))


def _still(state: KycState) -> tuple[str, ...]:
    """What is waited for all the same: a search of lists that comes late may still have somebody (watching.py)."""
    return tuple(one for one in state.waits if check_of(one) == "screening")


def _settled(state: KycState, rules: Rules, decided: Decided) -> tuple[Phase, tuple[str, ...]]:
    """Where a case goes, and what disagrees or is missing."""
    disagreements = tuple(_obstacles(state))
    report = state.report
    phase = _OURS[decided.recommendation]
    if report is not None and report.recommendation not in _WORDS:
        disagreements = ("RECOMMENDATION_UNKNOWN", *disagreements)
    elif report is not None:
        settled = settle(rules, _reported(report), decided)
        disagreements = (*settled.disagreements, *disagreements)
        phase = _PHASES[settled.outcome]
    return (Phase.HELD if disagreements else phase), disagreements


def _reported(report: BureauReported) -> Reported:
    return Reported(
        report.status, report.score, Recommendation(report.recommendation), report.checks
    )


def _obstacles(state: KycState) -> Iterator[str]:
    """What holds a case whatever its score."""
    silent = {check_of(one) for one in state.waits}
    if "identity" in silent:
        yield "BUREAU_SILENT"
    if silent - {"identity"}:
        yield "CHECKS_SILENT"
    if state.report is None and "identity" not in silent and not is_unserved(state, "identity"):
        yield "BUREAU_REFUSED"
    if state.contradicted:
        yield "REPORTS_DIFFER"
    assert state.asked is not None, "asked of cases that have begun"
    yield from (code for code in state.asked.documents.codes if code in REVIEW_FLAGS)


def _alerts(decided: Decided, disagreements: tuple[str, ...]) -> Iterator[str]:
    yield from disagreements
    yield from (one for one in decided.reasons if one in _SANCTIONS)


def _told(
    state: KycState,
    context: Context,
    events: tuple[Event, ...],
    cancel: tuple[str, ...] = (),
    found: tuple[str, ...] = (),
) -> CaseDecision:
    """Tell the file, and have a person look where one must; `found`: what has come since it was decided."""
    file = Address(FILE, context.address.key)
    out = [Outgoing(file, _concluded(state))]
    opened = state
    if state.phase is Phase.HELD:
        opened = msgspec.structs.replace(state, reviews=state.reviews + 1)
        out.append(Outgoing(Address(REVIEW, context.address.key), _question(opened, found)))
    return Decision(opened, events=events, messages=tuple(out), cancel=cancel)


def _concluded(state: KycState) -> KycConcluded:
    report, decided = state.report, state.decided
    assert decided is not None, "concluded cases have one"
    withheld = bool(state.disagreements) or not WITHHELD.isdisjoint(decided.reasons)
    if withheld:
        return KycConcluded(
            _round(state),
            outcome_of(state.phase),
            None,
            None,
            None,
            state.by,
            withheld=True,
            first=state.first,
        )
    return KycConcluded(
        _round(state), outcome_of(state.phase),
        None if report is None else report.score,
        decided.risk_level.value if report is None else report.risk_level,
        decided.recommendation.value if report is None else report.recommendation,
        state.by, first=state.first,
    )  # fmt: skip


def _question(state: KycState, found: tuple[str, ...]) -> OpenReview:
    asked, decided = state.asked, state.decided
    assert asked is not None, "held cases have begun"
    assert decided is not None, "and were decided"
    reasons = (*decided.reasons, *state.disagreements, *found)
    return OpenReview(
        state.reviews, asked.client_type, reasons or (BAND,), (asked.advisor,),
        asked.accelerated, None if state.report is None else state.report.score,
        decided.recommendation.value, _takes_two(state),
    )  # fmt: skip


def _takes_two(state: KycState) -> bool:
    """Whether to approve it is to clear a sanction (E14): one of our lists', of the bureau's word, or one that was confirmed."""
    decided = state.decided
    named = decided is not None and not set(_SANCTIONS).isdisjoint(decided.reasons)
    return named or any(is_sanction(hit) for _, hit in open_hits(state))


def _on_record(state: KycState) -> CaseDecided:
    decided = state.decided
    assert decided is not None, "concluded cases have one"
    return CaseDecided(
        _round(state), decided.rules_version, decided.score, decided.recommendation.value,
        {one.factor: one.points for one in decided.shares}, state.phase.value, state.by,
        decided.reasons, state.disagreements,
        None if state.report is None else state.report.score, decided.facts_digest,
    )  # fmt: skip


def _round(state: KycState) -> int:
    assert state.asked is not None, "asked of cases that have begun"
    return state.asked.round


def review(state: KycState, message: CaseReviewed, context: Context) -> CaseDecision:
    """A person has decided what was held."""
    if message.round and message.round != state.reviews:
        return Decision(state)  # of a review before: it did not see what has come since
    words = tuple(
        Judged(
            hit.fingerprint, _word(message, sanction=is_sanction(hit)), message.reviewer, context.now,
            party, hit.list, hit.entry_id, hit.said, message.first,
        )
        for party, hit in open_hits(state)
    )  # fmt: skip
    reviewed = msgspec.structs.replace(
        state,
        phase=Phase.APPROVED if message.approved else Phase.REJECTED,
        words=(*state.words, *words), by=message.reviewer, first=message.first, reviewed=message.reason,
        decided_at=context.now,
    )  # fmt: skip
    return _told(reviewed, context, (_on_record(reviewed),))


def _word(message: CaseReviewed, *, sanction: bool) -> str:
    if sanction:
        return CLEARED if message.approved else CONFIRMED
    return KNOWN


def held_again(state: KycState, context: Context) -> CaseDecision:
    """A list has somebody whom nobody has judged: a person must look (again)."""
    held = msgspec.structs.replace(state, phase=Phase.HELD, by=SYSTEM, first="")
    alert = CaseAlerted(_round(state), (NEW_HIT,))
    return _told(held, context, (alert,), found=(NEW_HIT,))

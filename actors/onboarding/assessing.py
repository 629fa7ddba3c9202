"""How a file goes on when its documents are there: its client is assessed, approved, held or rejected.

The rules:
- with the last document that is needed the client is assessed at once, in the same decision; while another document
  is still being looked at, the file waits for that, because what it shows counts as well (S20, S25);
- from then on no document is taken: a decision is about what was there when it was taken;
- what the documents come to is what their flags say: of each type the last that was accepted counts;
- the conclusion leads to its own phase (X4), and is on record under S17's name, with the topic of what was approved;
- of a client who is accepted the contract is issued in the same decision (onward.py);
- a file that is held waits for compliance, and one that was approved is held again where a list has its client now; who
  reviewed it is kept, whenever and of whatever round, because the same person may not approve it a second time (X5), and
  shown as `compliance`;
- that is so until its client has an account: a contract that is out is not to be signed any more, one that is signed stays,
  and nothing is approved meanwhile. Accepted again, the file stands where its papers are. A COMPLETED one stays so.
Source: spec.md S11, S13, S14, S16, S17, S20, S25, X2 to X6; docs/kyc.md.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from comptoir.actors.kyc.messages import KIND as CASE
from comptoir.actors.kyc.messages import AssessClient, DocumentsJudged
from comptoir.actors.onboarding.compensating import contract_timers, undone, voided
from comptoir.actors.onboarding.completing import described
from comptoir.actors.onboarding.differing import compared
from comptoir.actors.onboarding.keeping import kept_until
from comptoir.actors.onboarding.messages import (
    CompleteUpload,
    DocumentsClosed,
    DocumentStatus,
    KycConcluded,
    KycShown,
    RequestUpload,
)
from comptoir.actors.onboarding.onward import anew, awaited, issued, standing, with_onward
from comptoir.actors.onboarding.onward_messages import ApprovalKept
from comptoir.actors.onboarding.opening import completed, orphaned, refused
from comptoir.actors.onboarding.people import address_of, is_accelerated, parties_of
from comptoir.actors.onboarding.state import OnboardingState, Phase, find, moved
from comptoir.actors.onboarding.terms import OnboardingTerms, terms_of
from comptoir.engine import Address, Decision, Event, Message, Outgoing
from comptoir.engine.machine import Context, Row, row

__all__ = [
    "ASSESSED",
    "ASSESSING_ROWS",
    "KycCompleted",
    "begin",
    "beside",
    "judged",
]

ASSESSED: Final = (
    Phase.KYC_PENDING, Phase.KYC_APPROVED, Phase.COMPLIANCE_HOLD, Phase.KYC_REJECTED,
    Phase.SIGNATURE_PENDING, Phase.SIGNED, Phase.ACCOUNT_CREATION_PENDING, Phase.COMPLETED,
)  # fmt: skip
"""Phases in which no document is taken."""
COMPLIANCE: Final = "compliance"
"""Who is shown to have reviewed a file; who it was, is kept beside it."""
SYSTEM: Final = "SYSTEM"
_UNDER_WAY: Final = (DocumentStatus.VERIFYING, DocumentStatus.INSPECTING)
_OUTCOMES: Final[Mapping[str, Phase]] = {
    "approved": Phase.KYC_APPROVED, "held": Phase.COMPLIANCE_HOLD, "rejected": Phase.KYC_REJECTED,
}  # fmt: skip
_ACCEPTED: Final = (
    Phase.KYC_APPROVED, Phase.SIGNATURE_PENDING, Phase.SIGNED, Phase.ACCOUNT_CREATION_PENDING,
)  # fmt: skip
"""Its client was accepted, and has no account yet."""
_ELSEWHERE: Final = (
    Phase.INITIATED, Phase.DOCUMENTS_PENDING, Phase.DOCUMENTS_UPLOADED, Phase.INCOMPLETE,
    Phase.KYC_REJECTED, Phase.COMPLETED,
)  # fmt: skip
EXPIRED: Final = "DOCUMENT_EXPIRED"
INCONSISTENT: Final = "DATA_INCONSISTENT"
Outcome = Decision[OnboardingState]
M = TypeVar("M", bound=Message)


class KycCompleted(Event, frozen=True):
    """KYC_COMPLETED of S17."""

    score: int | None
    """The bureau's; None: there is none, or none that may be told."""
    recommendation: str | None
    status: str
    """The phase that it led to."""
    topic: str
    """Of the bus that is told of an approval (S11); empty: of nothing else."""


def begin(
    state: OnboardingState,
    events: tuple[Event, ...],
    context: Context,
    messages: tuple[Outgoing, ...] = (),
) -> Outcome:
    """Go on from DOCUMENTS_UPLOADED, if no document is being looked at any more.

    Args:
        state: in that phase.
        events: what else has happened.
        context: of the decision.
        messages: what else is to be sent.
    """
    if any(one.status in _UNDER_WAY for one in state.documents):
        return Decision(state, events=events, messages=messages)
    pending = moved(state, Phase.KYC_PENDING, ("KYC_STARTED", "system"), context.now)
    pending = msgspec.structs.replace(anew(pending), round=state.round + 1)
    question = Outgoing(Address(CASE, context.address.key), _question(pending, terms_of(context)))
    return Decision(pending, events=events, messages=(*messages, question))


def beside(
    then: Callable[[OnboardingState, M, Context], Outcome],
) -> Callable[[OnboardingState, M, Context], Outcome]:
    """What becomes of a document beside those that are needed: the file goes on, if it was the last."""

    def settled(state: OnboardingState, message: M, context: Context) -> Outcome:
        found = then(state, message, context)
        return begin(found.state, found.events, context, found.messages)

    return settled


def _question(state: OnboardingState, terms: OnboardingTerms) -> AssessClient:
    opened, client = state.opened, state.client
    assert opened is not None, "assessed files have begun"
    assert client is not None, "and have a client"
    return AssessClient(
        state.round, opened.client_type, opened.user_id, opened.advisor, client.email, client.phone,
        parties_of(state), address_of(state), judged(state, terms), is_accelerated(state),
    )  # fmt: skip


def judged(state: OnboardingState, terms: OnboardingTerms) -> DocumentsJudged:
    """What the accepted documents come to, beside what is declared now: of each type the last one counts."""
    last = {one.doc_type: one for one in compared(state) if one.status is DocumentStatus.ACCEPTED}
    codes = tuple(sorted({code for one in last.values() for code in one.reasons}))
    expired = EXPIRED in codes
    was_read = any(one.fields for one in last.values())
    return DocumentsJudged(
        valid=not expired if was_read else None,
        expired=expired,
        inconsistent=not {INCONSISTENT, *terms.differences}.isdisjoint(codes),
        codes=codes,
    )


def _concluded(state: OnboardingState, message: KycConcluded, context: Context) -> Outcome:
    """Into the phase of the outcome; said again, or of a round before, it only counts who has decided."""
    to = _OUTCOMES[message.outcome]
    heard = _heard(state, message)
    if message.round != state.round or _is_known(state, to):
        return Decision(heard)
    by_person = message.by != SYSTEM
    shown = KycShown(
        message.score, message.risk_level, message.recommendation, message.by,
        withheld=message.withheld, completed_at=context.now,
    )  # fmt: skip
    known = msgspec.structs.replace(_withdrawn(heard), kyc=shown)
    move = ("KYC_REVIEWED", COMPLIANCE) if by_person else ("KYC_COMPLETED", "system")
    after = _WAYS[to](known, move, context)
    topic = terms_of(context).kyc_approved_topic if to is Phase.KYC_APPROVED else ""
    completed = KycCompleted(message.score, message.recommendation, to.value, topic)
    return msgspec.structs.replace(after, events=(completed, *after.events))


def _is_known(state: OnboardingState, to: Phase) -> bool:
    """Whether the file has gone that way already."""
    if to is Phase.KYC_APPROVED:
        return state.phase not in (Phase.KYC_PENDING, Phase.COMPLIANCE_HOLD)
    return state.phase is to and state.kyc is not None


def _heard(state: OnboardingState, message: KycConcluded) -> OnboardingState:
    """Whoever has decided it does not have the last word as well: in any phase, and of whatever round (X5)."""
    if message.by == SYSTEM:
        return state
    words = (message.first, message.by) if message.first else (message.by,)
    reviewers = tuple(dict.fromkeys((*state.onward.reviewers, *words)))
    return with_onward(state, reviewers=reviewers)


def _withdrawn(state: OnboardingState) -> OnboardingState:
    """If somebody who has decided had the last word before that, it is nobody's again (X5)."""
    approval, reviewers = state.onward.approval, state.onward.reviewers
    theirs = bool(approval.by) and approval.by in reviewers
    return with_onward(state, approval=ApprovalKept()) if theirs else state


def _accepted(state: OnboardingState, move: tuple[str, str], context: Context) -> Outcome:
    """It stands where its papers are; one that has none yet has its contract issued."""
    to = standing(state)
    if to is Phase.INCOMPLETE:
        return refused(state, context)
    there = moved(state, to, move, context.now)
    if to is Phase.KYC_APPROVED:
        return issued(there, context)
    if to is Phase.SIGNED:
        return awaited(there, context)
    return completed(there, context) if to is Phase.COMPLETED else Decision(there)


def _held(state: OnboardingState, move: tuple[str, str], context: Context) -> Outcome:
    """Nothing of it goes on until compliance has decided."""
    held = moved(state, Phase.COMPLIANCE_HOLD, move, context.now)
    left, words = voided(held, context, "FILE_HELD")
    return Decision(left, messages=words, cancel=contract_timers(state))


def _rejected(state: OnboardingState, move: tuple[str, str], context: Context) -> Outcome:
    rejected = moved(state, Phase.KYC_REJECTED, move, context.now)
    left, gone, cancel = undone(rejected, context, "FILE_REFUSED")
    ended = Decision(left, messages=(*gone, *kept_until(left, context)), cancel=cancel)
    if state.onward.account.status != "created":
        return ended
    alone = orphaned(left, context)
    return msgspec.structs.replace(
        ended, events=alone.events, messages=(*ended.messages, *alone.messages)
    )


_WAYS: Final[Mapping[Phase, Callable[[OnboardingState, tuple[str, str], Context], Outcome]]] = {
    Phase.KYC_APPROVED: _accepted, Phase.COMPLIANCE_HOLD: _held, Phase.KYC_REJECTED: _rejected,
}  # fmt: skip


def _closed(state: OnboardingState, message: Message, context: Context) -> Outcome:
    """No document is taken any more; one that was taken is told once more."""
    known = find(state, message.document_id) if isinstance(message, CompleteUpload) else None
    if known is not None and known.status is DocumentStatus.ACCEPTED:
        return Decision(state, described(state, terms_of(context)))
    return Decision(state, DocumentsClosed())


def _rows() -> Iterator[Row]:
    yield row(
        Phase.KYC_PENDING, KycConcluded, _concluded,
        Phase.KYC_PENDING, Phase.KYC_APPROVED, Phase.COMPLIANCE_HOLD, Phase.KYC_REJECTED,
    )  # fmt: skip
    yield row(
        Phase.COMPLIANCE_HOLD, KycConcluded, _concluded,
        Phase.COMPLIANCE_HOLD, Phase.KYC_APPROVED, Phase.KYC_REJECTED, Phase.SIGNED,
        Phase.ACCOUNT_CREATION_PENDING, Phase.COMPLETED, Phase.INCOMPLETE,
    )  # fmt: skip
    for phase in _ACCEPTED:
        yield row(phase, KycConcluded, _concluded, phase, Phase.COMPLIANCE_HOLD, Phase.KYC_REJECTED)
    for phase in _ELSEWHERE:
        yield row(phase, KycConcluded, _ignored, phase)
    for phase in ASSESSED:
        for message in (RequestUpload, CompleteUpload):
            yield row(phase, message, _closed, phase)


def _ignored(state: OnboardingState, message: KycConcluded, _context: Context) -> Outcome:
    """A file that was rejected begins anew, or not at all; one that is not assessed now will be; a COMPLETED one stays.
    Who has decided counts all the same.
    """
    return Decision(_heard(state, message))


ASSESSING_ROWS: Final[tuple[Row, ...]] = tuple(_rows())

"""How a file goes on when its documents are there: its client is assessed, approved, held or rejected.

The rules:
- with the last document that is needed the client is assessed at once, in the same decision; while another document
  is still being looked at, the file waits for that, because what it shows counts as well (S20, S25);
- from then on no document is taken: a decision is about what was there when it was taken;
- what the documents come to is what their flags say: of each type the last that was accepted counts;
- the conclusion leads to its own phase (X4), and is on record under S17's name, with the topic of what was approved;
- a file that is held waits for compliance, and one that was approved is held again where a list has its client now; who
  reviewed it is kept, because the same person may not approve it a second time (X5), and shown as `compliance`.
Source: spec.md S11, S13, S14, S16, S17, S20, S25, X2 to X6; docs/kyc.md.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from comptoir.actors.kyc.messages import KIND as CASE
from comptoir.actors.kyc.messages import AssessClient, DocumentsJudged
from comptoir.actors.onboarding.compensating import undone
from comptoir.actors.onboarding.completing import described
from comptoir.actors.onboarding.messages import (
    CompleteUpload,
    DocumentsClosed,
    DocumentStatus,
    KycConcluded,
    KycShown,
    RequestUpload,
)
from comptoir.actors.onboarding.people import address_of, is_accelerated, parties_of
from comptoir.actors.onboarding.state import OnboardingState, Phase, find, moved
from comptoir.actors.onboarding.terms import terms_of
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
)  # fmt: skip
"""Phases in which no document is taken."""
COMPLIANCE: Final = "compliance"
"""Who is shown to have reviewed a file; who it was, is kept beside it."""
SYSTEM: Final = "SYSTEM"
_UNDER_WAY: Final = (DocumentStatus.VERIFYING, DocumentStatus.INSPECTING)
_OUTCOMES: Final[Mapping[str, Phase]] = {
    "approved": Phase.KYC_APPROVED, "held": Phase.COMPLIANCE_HOLD, "rejected": Phase.KYC_REJECTED,
}  # fmt: skip
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
    pending = msgspec.structs.replace(pending, round=state.round + 1)
    question = Outgoing(Address(CASE, context.address.key), _question(pending))
    return Decision(pending, events=events, messages=(*messages, question))


def beside(
    then: Callable[[OnboardingState, M, Context], Outcome],
) -> Callable[[OnboardingState, M, Context], Outcome]:
    """What becomes of a document beside those that are needed: the file goes on, if it was the last."""

    def settled(state: OnboardingState, message: M, context: Context) -> Outcome:
        found = then(state, message, context)
        return begin(found.state, found.events, context, found.messages)

    return settled


def _question(state: OnboardingState) -> AssessClient:
    opened, client = state.opened, state.client
    assert opened is not None, "assessed files have begun"
    assert client is not None, "and have a client"
    return AssessClient(
        state.round, opened.client_type, opened.user_id, opened.advisor, client.email, client.phone,
        parties_of(state), address_of(state), judged(state), is_accelerated(state),
    )  # fmt: skip


def judged(state: OnboardingState) -> DocumentsJudged:
    """What the accepted documents come to: of each type the last one counts."""
    last = {one.doc_type: one for one in state.documents if one.status is DocumentStatus.ACCEPTED}
    codes = tuple(sorted({code for one in last.values() for code in one.reasons}))
    expired = EXPIRED in codes
    was_read = any(one.fields for one in last.values())
    return DocumentsJudged(
        valid=not expired if was_read else None,
        expired=expired,
        inconsistent=INCONSISTENT in codes,
        codes=codes,
    )


def _concluded(state: OnboardingState, message: KycConcluded, context: Context) -> Outcome:
    """Into the phase of the outcome; said again, or of a round before, it changes nothing."""
    to = _OUTCOMES[message.outcome]
    if message.round != state.round or (state.phase is to and state.kyc is not None):
        return Decision(state)
    by_person = message.by != SYSTEM
    name = "KYC_REVIEWED" if by_person else "KYC_COMPLETED"
    actor = COMPLIANCE if by_person else "system"
    shown = KycShown(
        message.score, message.risk_level, message.recommendation, message.by,
        withheld=message.withheld, completed_at=context.now,
    )  # fmt: skip
    concluded = msgspec.structs.replace(moved(state, to, (name, actor), context.now), kyc=shown)
    topic = terms_of(context).kyc_approved_topic if to is Phase.KYC_APPROVED else ""
    completed = KycCompleted(message.score, message.recommendation, to.value, topic)
    if to is not Phase.KYC_REJECTED:
        return Decision(concluded, events=(completed,))
    left, gone, cancel = undone(concluded, context)
    return Decision(left, events=(completed,), messages=gone, cancel=cancel)


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
        Phase.COMPLIANCE_HOLD, Phase.KYC_APPROVED, Phase.KYC_REJECTED,
    )  # fmt: skip
    yield row(
        Phase.KYC_APPROVED, KycConcluded, _concluded,
        Phase.KYC_APPROVED, Phase.COMPLIANCE_HOLD, Phase.KYC_REJECTED,
    )  # fmt: skip
    yield row(Phase.KYC_REJECTED, KycConcluded, _ignored, Phase.KYC_REJECTED)
    for phase in ASSESSED:
        for message in (RequestUpload, CompleteUpload):
            yield row(phase, message, _closed, phase)


def _ignored(state: OnboardingState, _message: KycConcluded, _context: Context) -> Outcome:
    """A file that was rejected begins anew, or not at all."""
    return Decision(state)


ASSESSING_ROWS: Final[tuple[Row, ...]] = tuple(_rows())

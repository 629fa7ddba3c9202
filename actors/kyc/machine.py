"""The machine of a case: the assessment of the client of one file.

Rules:
- everybody who knows something is asked at once, and the case waits for all of them, and for no one for ever
  (gathering.py);
- what is known makes the decision, ours and the bureau's held against one another; whatever disagrees, is missing, or is
  no matter of points waits for a person (knowing.py, concluding.py);
- a decided case is searched for again whenever a list changes, or its client is called otherwise (watching.py);
- a file that comes again in another round is assessed anew, and what a person has said of a hit is remembered.
Source: spec.md S10, S11, S16, S21 to S27, X1 to X4, E2 to E6; docs/kyc.md; docs/adr/0047-a-case-is-an-actor-of-its-own.md.
"""

from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckImpossible,
    CreditChecked,
    MediaSearched,
    PartyScreened,
    VerificationStarted,
)
from comptoir.actors.kyc import gathering, watching
from comptoir.actors.kyc.concluding import DUE, CaseDecision, review
from comptoir.actors.kyc.messages import (
    CASES,
    KIND,
    AssessClient,
    BureauReported,
    CaseDescribed,
    CaseDue,
    CaseReviewed,
    DescribeCase,
    ForgetCase,
    PartiesChanged,
    ReportTaken,
    RescreenCase,
)
from comptoir.actors.kyc.state import CaseForgotten, KycState, Phase, described
from comptoir.actors.review.messages import KIND as REVIEW
from comptoir.actors.review.messages import WithdrawReview
from comptoir.engine import Address, Decision, Message, Outgoing, Put, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES"]


def _describe(state: KycState, _message: DescribeCase, _context: Context) -> CaseDecision:
    return Decision(state, described(state))


def _forget(state: KycState, _message: ForgetCase, context: Context) -> CaseDecision:
    """As if it had never been; it is listed as over, so that no list walks by, and nobody has to look at it any more."""
    if state.phase is Phase.NONE:
        return Decision(state)
    number = context.address.key
    over = Put(CASES, number, {"over": True})
    withdrawn = Outgoing(Address(REVIEW, number), WithdrawReview(state.reviews))
    return Decision(
        KycState(Phase.NONE), events=(CaseForgotten(),), cancel=(DUE,), documents=(over,),
        messages=(withdrawn,) if state.phase is Phase.HELD else (),
    )  # fmt: skip


def _late(state: KycState, _message: Message, _context: Context) -> CaseDecision:
    """Nobody waits for it any more."""
    return Decision(state)


_DECIDED = (Phase.APPROVED, Phase.HELD, Phase.REJECTED)
_ENDS = (Phase.CHECKING, *_DECIDED)
"""Where an answer may lead to: the last one concludes."""
_ANSWERS: tuple[type[Message], ...] = (
    VerificationStarted, AddressChecked, CreditChecked, MediaSearched, CaseDue,
)  # fmt: skip

MACHINE: Machine[KycState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        AssessClient, VerificationStarted, BureauReported, AddressChecked, CreditChecked,
        MediaSearched, PartyScreened, CheckImpossible, CaseDue, CaseReviewed, RescreenCase,
        PartiesChanged, DescribeCase, ForgetCase,
    ),
    rows=(
        row(Phase.NONE, AssessClient, gathering.assess, Phase.CHECKING),
        row(Phase.NONE, BureauReported, gathering.report_late, Phase.NONE),
        *(row(Phase.NONE, x, _late, Phase.NONE) for x in (RescreenCase, PartiesChanged)),
        row(Phase.NONE, DescribeCase, _describe, Phase.NONE),
        *(row(x, ForgetCase, _forget, Phase.NONE) for x in Phase),
        *(row(Phase.NONE, x, _late, Phase.NONE) for x in (PartyScreened, CheckImpossible)),
        row(Phase.CHECKING, AssessClient, gathering.assess, Phase.CHECKING),
        row(Phase.CHECKING, VerificationStarted, gathering.started, Phase.CHECKING),
        row(Phase.CHECKING, BureauReported, gathering.report, *_ENDS),
        row(Phase.CHECKING, AddressChecked, gathering.address_checked, *_ENDS),
        row(Phase.CHECKING, CreditChecked, gathering.credit_checked, *_ENDS),
        row(Phase.CHECKING, MediaSearched, gathering.media_searched, *_ENDS),
        row(Phase.CHECKING, PartyScreened, gathering.screened, *_ENDS),
        row(Phase.CHECKING, CheckImpossible, gathering.impossible, *_ENDS),
        row(Phase.CHECKING, CaseDue, gathering.due, Phase.CHECKING, Phase.HELD),
        row(Phase.CHECKING, CaseReviewed, _late, Phase.CHECKING),
        row(Phase.CHECKING, RescreenCase, watching.rescreen, Phase.CHECKING),
        row(Phase.CHECKING, PartiesChanged, watching.changed, Phase.CHECKING),
        row(Phase.CHECKING, DescribeCase, _describe, Phase.CHECKING),
        row(Phase.HELD, CaseReviewed, review, Phase.HELD, Phase.APPROVED, Phase.REJECTED),
        row(Phase.APPROVED, PartyScreened, watching.rescreened, Phase.APPROVED, Phase.HELD),
        *(row(x, PartyScreened, watching.rescreened, x) for x in (Phase.HELD, Phase.REJECTED)),
        *(row(x, AssessClient, gathering.assess, x, Phase.CHECKING) for x in _DECIDED),
        *(row(x, BureauReported, gathering.report_late, x) for x in _DECIDED),
        *(row(x, CheckImpossible, watching.unscreened, x) for x in _DECIDED),
        *(row(x, RescreenCase, watching.rescreen, x) for x in _DECIDED),
        *(row(x, PartiesChanged, watching.changed, x) for x in _DECIDED),
        *(row(x, DescribeCase, _describe, x) for x in _DECIDED),
        *(row(x, CaseReviewed, _late, x) for x in (Phase.APPROVED, Phase.REJECTED)),
        *(row(x, message, _late, x) for x in _DECIDED for message in _ANSWERS),
    ),
    refusal=Refusal("NOT_FOUND", "no client of this file is being assessed"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (CaseDescribed, ReportTaken)

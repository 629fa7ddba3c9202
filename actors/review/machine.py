"""The machine of a review: opened by an assessment, claimed by a person, decided by them, or overdue.

Rules:
- a file has one review, and a round of it for each time that it is held; a round that was opened is not opened again;
- one person looks at a time: who has claimed it decides it, and if nobody has, whoever decides has claimed it by
  that. A claim that is not renewed lapses, so that nobody's holidays hold a client up;
- who began the file neither claims, nor puts off, nor decides it, whatever their roles (FOUR_EYES);
- where a sanction is suspected two people approve it: the first word opens it for somebody else, who decides; whoever said
  it may take it back by rejecting, and nothing else. To reject takes one (E14);
- it may be put off for a while, with a reason, and not for ever; what is due stays due meanwhile;
- it is due on a business day. If nobody has decided by then, compliance is told once more, and that is an alert;
- the case hears the outcome in the decision that takes it, once per round.

Source: spec.md S7, S11, S23, S27, X4, X5, X31, E14; interface.md 8; docs/review.md; adr/0048, adr/0062.
"""

from typing import Final

import msgspec

from comptoir.actors.cutoffs import cutoffs_of
from comptoir.actors.gateways.messages import MAIL, NoticeRefused, NoticeTaken, SendMail
from comptoir.actors.kyc.messages import KIND as CASE
from comptoir.actors.kyc.messages import CaseReviewed
from comptoir.actors.review.messages import (
    KIND,
    NOTES_MAX,
    REVIEWS,
    SNOOZES_MAX,
    ClaimReview,
    DecideReview,
    DescribeReview,
    Note,
    NoteReview,
    OpenReview,
    ReleaseReview,
    ReviewDescribed,
    ReviewDue,
    SnoozeReview,
    WithdrawReview,
    place_of,
)
from comptoir.actors.review.state import (
    LIVE,
    Phase,
    ReviewApprovedOnce,
    ReviewClaimed,
    ReviewDecided,
    ReviewEscalated,
    ReviewLapsed,
    ReviewNoted,
    ReviewOpened,
    ReviewReleased,
    ReviewSnoozed,
    ReviewState,
    ReviewUntold,
    ReviewWithdrawn,
    ReviewWoken,
    described,
    with_note,
)
from comptoir.actors.review.terms import terms_of
from comptoir.actors.review.texts import opened_mail, overdue_mail, second_mail
from comptoir.engine import Address, Decision, Event, Outgoing, Put, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES"]

DUE, CLAIM, SNOOZE = "due", "claim", "snooze"
"""Names of timers."""
FOUR_EYES: Final = "FOUR_EYES"
Outcome = Decision[ReviewState]
replace = msgspec.structs.replace


def _open(state: ReviewState, message: OpenReview, context: Context) -> Outcome:
    if message.round <= state.round:
        return Decision(state)
    terms = terms_of(context)
    days = terms.accelerated_days if message.accelerated else terms.days
    due_at = cutoffs_of(context).business_days_on(context.now, days)
    begun = ReviewState(
        Phase.OPEN, message.round, message.client_type, message.reasons, message.makers,
        message.accelerated, message.score, message.recommendation, context.now, due_at,
        notes=state.notes, two_people=message.two_people,
    )  # fmt: skip
    left = _listed(state, context, waits=False) if state.phase in LIVE else ()
    told = opened_mail(context.address.key, due_at, accelerated=message.accelerated)
    timer = Outgoing(context.address, ReviewDue(), due_at, DUE)
    mails, untold = _told("opened", told, begun, context)
    return Decision(
        begun,
        events=(ReviewOpened(begun.round, due_at, begun.accelerated), *untold),
        messages=(timer, *mails),
        cancel=(CLAIM, SNOOZE),
        documents=(*left, *_listed(begun, context, waits=True)),
    )


def _listed(state: ReviewState, context: Context, *, waits: bool) -> tuple[Put, ...]:
    return (Put(REVIEWS, place_of(state.due_at, context.address.key), {"waits": waits}),)


def _told(
    why: str, mail: tuple[str, str], state: ReviewState, context: Context
) -> tuple[tuple[Outgoing, ...], tuple[Event, ...]]:
    """A mail to each of compliance; an event where there is nobody to tell, or nobody who carries it."""
    terms, (subject, text) = terms_of(context), mail
    if not terms.to:
        return (), (ReviewUntold("COMPLIANCE_UNKNOWN"),)
    if not terms.mail:
        return (), (ReviewUntold("MAIL_NOT_CONFIGURED"),)
    sent = (
        SendMail(f"{context.address.key}:{state.round}:{why}:{number}", to, subject, text)
        for number, to in enumerate(terms.to)
    )
    return tuple(Outgoing(MAIL, one) for one in sent), ()


def _barred(
    state: ReviewState, reviewer: str, context: Context, *, rejects: bool = False
) -> Refusal | None:
    """Why this person may not act on it now."""
    if reviewer and reviewer in state.makers:  # without accounts nobody has a name (auth.mode)
        return Refusal(FOUR_EYES, "whoever has begun a file does not review it as well")
    if reviewer and reviewer == state.first and not rejects:
        return Refusal(FOUR_EYES, "they have approved it, and somebody else has to as well")
    held = state.phase is Phase.CLAIMED and context.now < state.claimed_until
    if held and state.claimed_by != reviewer:
        return Refusal("REVIEW_CLAIMED", "somebody else looks at it")
    return None


def _claim(state: ReviewState, message: ClaimReview, context: Context) -> "Outcome | Refusal":
    """Theirs; claiming again renews it."""
    barred = _barred(state, message.reviewer, context)
    if barred is not None:
        return barred
    until = context.now + terms_of(context).claim_ms
    claimed = replace(
        state, phase=Phase.CLAIMED, claimed_by=message.reviewer, claimed_until=until, snoozed_until=0
    )  # fmt: skip
    fresh = state.phase is not Phase.CLAIMED or state.claimed_by != message.reviewer
    return Decision(
        claimed,
        described(claimed),
        events=(ReviewClaimed(message.reviewer),) if fresh else (),
        messages=(Outgoing(context.address, ReviewDue(), until, CLAIM),),
        cancel=(SNOOZE,),
    )


def _free(state: ReviewState) -> ReviewState:
    return replace(state, phase=Phase.OPEN, claimed_by="", claimed_until=0, snoozed_until=0)


def _release(state: ReviewState, message: ReleaseReview, _context: Context) -> "Outcome | Refusal":
    if state.claimed_by != message.reviewer:
        return Refusal("REVIEW_CLAIMED", "somebody else looks at it")
    free = _free(state)
    happened = (ReviewReleased(message.reviewer),)
    return Decision(free, described(free), events=happened, cancel=(CLAIM,))


def _free_already(state: ReviewState, _message: ReleaseReview, _context: Context) -> Outcome:
    return Decision(state, described(state))


def _note(state: ReviewState, message: NoteReview, context: Context) -> "Outcome | Refusal":
    """Anybody of compliance may, also when it is decided."""
    if len(state.notes) >= NOTES_MAX:
        return Refusal("REVIEW_NOTES_TOO_MANY", f"{NOTES_MAX} of one file")
    noted = with_note(state, Note(message.reviewer, context.now, message.text))
    return Decision(noted, described(noted), events=(ReviewNoted(message.reviewer),))


def _snooze(state: ReviewState, message: SnoozeReview, context: Context) -> "Outcome | Refusal":
    barred = _barred(state, message.reviewer, context)
    if barred is not None:
        return barred
    if not context.now < message.until <= context.now + terms_of(context).snooze_ms:
        return Refusal("REVIEW_SNOOZE_BOUND", "onboarding.review_snooze_days")
    if state.snoozes >= SNOOZES_MAX or len(state.notes) >= NOTES_MAX:
        return Refusal("REVIEW_SNOOZE_BOUND", f"{SNOOZES_MAX} times of one round")
    off = replace(
        _free(state), phase=Phase.SNOOZED, snoozed_until=message.until, snoozes=state.snoozes + 1
    )
    kept = with_note(off, Note(message.reviewer, context.now, message.reason))
    return Decision(
        kept,
        described(kept),
        events=(ReviewSnoozed(message.reviewer, message.until),),
        messages=(Outgoing(context.address, ReviewDue(), message.until, SNOOZE),),
        cancel=(CLAIM,),
    )


def _decide(state: ReviewState, message: DecideReview, context: Context) -> "Outcome | Refusal":
    barred = _barred(state, message.reviewer, context, rejects=not message.approve)
    if barred is not None:
        return barred
    # Without accounts nobody has a name, and so nobody is another (auth.mode).
    if message.approve and state.two_people and message.reviewer and not state.first:
        return _approve_once(state, message, context)
    first = state.first if message.approve else ""
    decided = replace(
        _free(state),
        phase=Phase.APPROVED if message.approve else Phase.REJECTED,
        decided_by=message.reviewer,
        decided_at=context.now,
        reason=message.reason,
    )
    happened = ReviewDecided(
        state.round, message.reviewer, message.approve, state.recommendation,
        context.now - state.opened_at, state.overdue, first,
    )  # fmt: skip
    told = CaseReviewed(message.approve, message.reviewer, message.reason, state.round, first)
    return Decision(
        decided,
        described(decided),
        events=(happened,),
        messages=(Outgoing(Address(CASE, context.address.key), told),),
        cancel=(DUE, CLAIM, SNOOZE),
        documents=_listed(state, context, waits=False),
    )


def _approve_once(state: ReviewState, message: DecideReview, context: Context) -> Outcome:
    """The first of two: it waits, for anybody but them, and compliance is told."""
    once = replace(_free(state), first=message.reviewer, first_reason=message.reason)
    mails, untold = _told("second", second_mail(context.address.key, state.due_at), state, context)
    return Decision(
        once,
        described(once),
        events=(ReviewApprovedOnce(state.round, message.reviewer), *untold),
        messages=mails,
        cancel=(CLAIM, SNOOZE),
    )


def _decided(state: ReviewState, message: DecideReview, _context: Context) -> "Outcome | Refusal":
    """Asked again by whoever has, for the same; any other comes too late, and hears so."""
    same = message.approve == (state.phase is Phase.APPROVED)
    if message.reviewer != state.decided_by or not same:
        return Refusal("CONFLICT", "it is decided already")
    return Decision(state, described(state))


def _withdraw(state: ReviewState, message: WithdrawReview, context: Context) -> Outcome:
    if message.round != state.round:  # of one that has ended before
        return Decision(state)
    return Decision(
        replace(_free(state), phase=Phase.WITHDRAWN),
        events=(ReviewWithdrawn(state.round),),
        cancel=(DUE, CLAIM, SNOOZE),
        documents=_listed(state, context, waits=False),
    )


def _due(state: ReviewState, _message: ReviewDue, context: Context) -> Outcome:
    """A time has come: whichever it is, what is over by now is over."""
    now, after = context.now, state
    events: list[Event] = []
    mails: tuple[Outgoing, ...] = ()
    if state.phase is Phase.CLAIMED and now >= state.claimed_until:
        after = _free(state)
        events.append(ReviewLapsed(state.claimed_by))
    if state.phase is Phase.SNOOZED and now >= state.snoozed_until:
        after = _free(state)
        events.append(ReviewWoken())
    if now >= state.due_at and not state.overdue:
        after = replace(after, overdue=True)
        claimed = after.phase is Phase.CLAIMED
        told = overdue_mail(context.address.key, state.due_at, claimed=claimed)
        mails, untold = _told("overdue", told, state, context)
        events += (ReviewEscalated(state.round), *untold)
    return Decision(after, events=tuple(events), messages=mails)


def _describe(state: ReviewState, _message: DescribeReview, _context: Context) -> Outcome:
    return Decision(state, described(state))


def _lost(state: ReviewState, message: NoticeRefused, _context: Context) -> Outcome:
    """A mail has not arrived: it waits in the queue all the same."""
    return Decision(state, events=(ReviewUntold(message.code),))


def _nothing(state: ReviewState, _message: object, _context: Context) -> Outcome:
    """What was on its way, or is so already."""
    return Decision(state)


DECIDED = (Phase.APPROVED, Phase.REJECTED)
ENDED = (*DECIDED, Phase.WITHDRAWN)
KNOWN = (*LIVE, *ENDED)

MACHINE: Machine[ReviewState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        OpenReview, ClaimReview, ReleaseReview, NoteReview, SnoozeReview, DecideReview, WithdrawReview,
        ReviewDue, DescribeReview, NoticeTaken, NoticeRefused,
    ),
    rows=(
        row(Phase.NONE, OpenReview, _open, Phase.OPEN),
        row(Phase.OPEN, OpenReview, _open, Phase.OPEN),
        *(row(phase, OpenReview, _open, phase, Phase.OPEN) for phase in KNOWN if phase is not Phase.OPEN),
        *(row(phase, ClaimReview, _claim, Phase.CLAIMED) for phase in LIVE),
        row(Phase.CLAIMED, ReleaseReview, _release, Phase.OPEN),
        *(row(x, ReleaseReview, _free_already, x) for x in (Phase.OPEN, Phase.SNOOZED)),
        *(row(phase, NoteReview, _note, phase) for phase in KNOWN),
        *(row(phase, SnoozeReview, _snooze, Phase.SNOOZED) for phase in LIVE),
        *(row(phase, DecideReview, _decide, Phase.OPEN, *DECIDED) for phase in LIVE),
        *(row(phase, DecideReview, _decided, phase) for phase in DECIDED),
        *(row(phase, WithdrawReview, _withdraw, phase, Phase.WITHDRAWN) for phase in LIVE),
        *(row(phase, WithdrawReview, _nothing, phase) for phase in (Phase.NONE, *ENDED)),
        row(Phase.OPEN, ReviewDue, _due, Phase.OPEN),
        row(Phase.CLAIMED, ReviewDue, _due, Phase.CLAIMED, Phase.OPEN),
        row(Phase.SNOOZED, ReviewDue, _due, Phase.SNOOZED, Phase.OPEN),
        *(row(phase, ReviewDue, _nothing, phase) for phase in ENDED),
        *(row(phase, DescribeReview, _describe, phase) for phase in KNOWN),
        *(row(phase, NoticeTaken, _nothing, phase) for phase in KNOWN),
        *(row(phase, NoticeRefused, _lost, phase) for phase in KNOWN),
    ),
    refusal=Refusal("CONFLICT", "a review in this state does not take this, or there is none"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (ReviewDescribed,)

"""The last word of an advisor on a signed file: approved, refused, or late.

The rules:
- it is the word of somebody who did not decide the client's case, in any round (FOUR_EYES); the file's own advisor may;
- as long as compliance looks at the file again, there is nothing to approve;
- what the mainframe could not hold is named, and nothing is approved (S30, X11);
- approved, the account is asked for in the same decision; refused, the file is INCOMPLETE, its contract is kept, and its
  advisor may resume it;
- nobody having said it in time, the file's advisor is reminded, and then operations are told (E14). It stays due.
Source: spec.md S4, S13, S18, X5, E14; interface.md 8; docs/adr/0057-a-file-stands-where-its-papers-are.md.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from comptoir.actors.cutoffs import cutoffs_of
from comptoir.actors.onboarding import onward_events as facts
from comptoir.actors.onboarding.account_fields import unfit
from comptoir.actors.onboarding.compensating import undone
from comptoir.actors.onboarding.completing import APPROVAL, described
from comptoir.actors.onboarding.keeping import kept_until
from comptoir.actors.onboarding.onward import Outcome, standing, told, with_onward
from comptoir.actors.onboarding.onward_messages import (
    ApprovalDue,
    ApprovalKept,
    ApproveFile,
    OnwardRefused,
)
from comptoir.actors.onboarding.opening import asked, completed
from comptoir.actors.onboarding.profile import values
from comptoir.actors.onboarding.staff_texts import approval_mail
from comptoir.actors.onboarding.state import OnboardingState, Phase, moved
from comptoir.actors.onboarding.terms import terms_of
from comptoir.engine import Decision, Outgoing, Refusal
from comptoir.engine.machine import Context, Row, row

__all__ = ["APPROVING_ROWS"]

FOUR_EYES: Final = "FOUR_EYES"
NOT_BOTH: Final = "whoever has decided the case does not approve the file as well"
REFUSED: Final = "approval_refused"
REMINDERS: Final = 2
"""Of the advisor, then of operations."""


def _decide(state: OnboardingState, message: ApproveFile, context: Context) -> "Outcome | Refusal":
    if _has_decided(state, message.by):
        return Refusal(FOUR_EYES, NOT_BOTH)
    return (_approve if message.approve else _refuse)(state, message, context)


def _has_decided(state: OnboardingState, who: str) -> bool:
    """Whether this person has decided the client's case, in any round; without accounts nobody has a name."""
    last = state.kyc.by if state.kyc else ""
    return bool(who) and who in (*state.onward.reviewers, last)


def _approve(state: OnboardingState, message: ApproveFile, context: Context) -> Outcome:
    terms = terms_of(context)
    if not terms.accounts:
        return Decision(state, OnwardRefused("CORE_BANKING_NOT_CONFIGURED"))
    lacks = unfit(values(state.said), terms.code_page)
    if lacks and state.onward.account.status == "none":
        return Decision(state, OnwardRefused("ACCOUNT_FIELDS_UNFIT", lacks))
    approved = with_onward(state, approval=_word(state, message, context))
    opening = asked(approved, context)
    happened = (facts.FileApproved(message.by), *opening.events)
    move = ("FILE_APPROVED", message.by)
    pending = moved(opening.state, Phase.ACCOUNT_CREATION_PENDING, move, context.now)
    whole = standing(pending) is Phase.COMPLETED
    done = completed(pending, context) if whole else Decision(pending)
    return msgspec.structs.replace(
        done,
        reply=described(done.state, terms),
        events=(*happened, *done.events),
        messages=(*opening.messages, *done.messages),
        cancel=(APPROVAL,),
    )


def _word(state: OnboardingState, message: ApproveFile, context: Context) -> ApprovalKept:
    return msgspec.structs.replace(
        state.onward.approval, approved=message.approve, by=message.by, reason=message.reason,
        at=context.now,
    )  # fmt: skip


def _refuse(state: OnboardingState, message: ApproveFile, context: Context) -> Outcome:
    if state.onward.account.status != "none":
        return Decision(state, OnwardRefused("APPROVAL_NOT_AWAITED"))  # its account is asked for
    said = with_onward(state, approval=_word(state, message, context))
    over = moved(said, Phase.INCOMPLETE, ("APPROVAL_REFUSED", message.by), context.now)
    left, gone, cancel = undone(over, context, "APPROVAL_REFUSED")
    ended = msgspec.structs.replace(left, cause=REFUSED)
    return Decision(
        ended,
        described(ended, terms_of(context)),
        events=(facts.ApprovalRefused(message.by),),
        messages=(*gone, *kept_until(left, context)),
        cancel=cancel,
    )


def _again(state: OnboardingState, message: ApproveFile, context: Context) -> "Outcome | Refusal":
    """Asked again by whoever has, for the same; anybody else comes too late, or too early, and hears so."""
    approval = state.onward.approval
    if (approval.by, approval.approved) == (message.by, message.approve):
        return Decision(state, described(state, terms_of(context)))
    if _has_decided(state, message.by):
        return Refusal(FOUR_EYES, NOT_BOTH)
    return Decision(state, OnwardRefused("APPROVAL_NOT_AWAITED"))


def _due(state: OnboardingState, _message: ApprovalDue, context: Context) -> Outcome:
    """Nobody has said it in time: the advisor is reminded, then operations hear of it."""
    approval, terms = state.onward.approval, terms_of(context)
    if approval.told >= REMINDERS or context.now < approval.due_at:
        return Decision(state)
    first = approval.told == 0
    mail = approval_mail(context.address.key, approval.due_at, overdue=True)
    mails, untold = told(
        state, context, f"overdue:{approval.told}", mail, None if first else terms.operations
    )
    late = facts.ApprovalReminded if first else facts.ApprovalEscalated
    next_at = cutoffs_of(context).business_days_on(context.now, terms.approval_days)
    timer = (Outgoing(context.address, ApprovalDue(), next_at, APPROVAL),) if first else ()
    counted = msgspec.structs.replace(approval, told=approval.told + 1)
    return Decision(
        with_onward(state, approval=counted),
        events=(late(approval.due_at), *untold),
        messages=(*timer, *mails),
    )


def _nothing(state: OnboardingState, _message: ApprovalDue, _context: Context) -> Outcome:
    return Decision(state)


def _rows() -> Iterator[Row]:
    yield row(
        Phase.SIGNED, ApproveFile, _decide,
        Phase.SIGNED, Phase.ACCOUNT_CREATION_PENDING, Phase.COMPLETED, Phase.INCOMPLETE,
    )  # fmt: skip
    yield row(Phase.SIGNED, ApprovalDue, _due, Phase.SIGNED)
    for phase in Phase:
        if phase not in (Phase.NONE, Phase.SIGNED):
            yield row(phase, ApproveFile, _again, phase)
            yield row(phase, ApprovalDue, _nothing, phase)


APPROVING_ROWS: Final[tuple[Row, ...]] = tuple(_rows())

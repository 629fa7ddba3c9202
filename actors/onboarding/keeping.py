"""For how long a file is kept, and what becomes of it then, or when its client wants it erased.

The rules:
- a file on which no decision was taken may be resumed for a while, and goes then; its client may have it erased at once;
- a file whose client was assessed is kept as the law wants what was learnt of a client: for so many years after it
  ended, and where there is an account, after the relation did. Until then an erasure is refused, with why and until
  when, and that it was is on record;
- when it goes, all of it goes: bytes, statements, case, review, contract, invitation, and the keys by which anything of
  them could be read in any copy. What is left is the audit log with what cannot be read, and the proof (`erasure`);
- the end of a file follows from its state, so a timer that is lost or of an older rule is set anew when it is looked at.
Source: spec.md S36, X13, E13; GDPR article 17(1) and (3)(b); directive (EU) 2015/849, article 40(1); docs/erasure.md;
adr/0063.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from comptoir.actors.account.messages import KIND as ACCOUNT
from comptoir.actors.account.messages import ListAccount
from comptoir.actors.erasure.messages import KIND as ERASURE
from comptoir.actors.erasure.messages import BeginErasure, Sealed, erasure_of
from comptoir.actors.invitation.messages import KIND as INVITATION
from comptoir.actors.invitation.messages import ForgetInvitation
from comptoir.actors.kyc.messages import KIND as CASE
from comptoir.actors.kyc.messages import ForgetCase
from comptoir.actors.onboarding.compensating import contract_timers, deletions
from comptoir.actors.onboarding.completing import EXPIRY, KEPT, REMINDER
from comptoir.actors.onboarding.keeping_messages import (
    KEPT_FILES,
    READ,
    AskErasure,
    EndRelation,
    EraseFile,
    ErasureAnswered,
    KeepByRule,
)
from comptoir.actors.onboarding.messages import (
    KIND,
    DocumentStatus,
    KeptLongEnough,
)
from comptoir.actors.onboarding.sighted import forgotten
from comptoir.actors.onboarding.state import OnboardingState, Phase, moved
from comptoir.actors.onboarding.terms import OnboardingTerms, terms_of
from comptoir.actors.review.messages import KIND as REVIEW
from comptoir.actors.signature.messages import KIND as SIGNING
from comptoir.actors.signature.messages import ForgetContract
from comptoir.engine import Address, Decision, Event, Outgoing, Put
from comptoir.engine.machine import Context, Row, row

__all__ = [
    "KEEPING_ROWS",
    "DocumentsForgotten",
    "FileErasureRefused",
    "Ground",
    "RelationEnded",
    "end_of",
    "kept_until",
    "rule_of",
]

OWN: Final = (KIND, CASE, REVIEW, SIGNING, ACCOUNT)
"""Kinds that have an actor under the file's number, and a key; the invitation sees to its own."""
EARLY: Final = (Phase.INITIATED, Phase.DOCUMENTS_PENDING, Phase.DOCUMENTS_UPLOADED)
"""Nobody has decided anything: it is the client's own affair."""
OVER: Final = (Phase.INCOMPLETE, Phase.KYC_REJECTED, Phase.COMPLETED)
_LOOKED_AT: Final = (DocumentStatus.VERIFYING, DocumentStatus.INSPECTING)
UNDER_WAY: Final = tuple(one for one in Phase if one not in (Phase.NONE, *EARLY, *OVER))
Outcome = Decision[OnboardingState]


class Ground:
    """Why a file is not erased yet."""

    NONE: Final = ""
    UNDER_WAY: Final = "FILE_UNDER_WAY"
    """It is being decided, or opened: the law wants what is learnt for that to be kept."""
    RELATION: Final = "RELATION_LASTS"
    """Its client is one: the time begins when they are no longer."""
    UPLOAD: Final = "UPLOAD_OPEN"
    """Something may still be sent to an address that was given out, which ends within the hour, or is being looked at."""
    LAW: Final = "LAW_KEEPS"
    """It has ended, and its time is not over."""


class RelationEnded(Event, frozen=True):
    """Its client is no client any more: from now on its years count."""

    until: int
    """When it goes: business time, ms."""


class FileErasureRefused(Event, frozen=True):
    """Its client wanted it erased, and the law keeps it."""

    ground: str
    until: int
    """Business time, ms; 0: not known yet."""


class DocumentsForgotten(Event, frozen=True):
    """It was kept for as long as it may be, or its client wanted it gone: so it goes."""

    asked: bool = False
    """Its client wanted it."""


def rule_of(terms: OnboardingTerms) -> dict[str, int]:
    """What of the terms an end follows from: noted with whoever was asked, so that another rule has them asked again."""
    return {"audit_ms": terms.audit_ms, "kept_ms": terms.kept_ms}


def _is_gone(state: OnboardingState) -> bool:
    """Whether all of it went; a release before dropped documents and statements, and left client, invitation and keys."""
    return state.forgotten and state.client is None


def _has_account(state: OnboardingState) -> bool:
    """Whether it has made somebody a client: one that is rejected, say, may have an open account all the same."""
    return state.phase is Phase.COMPLETED or state.onward.account.status == "created"


def end_of(state: OnboardingState, terms: OnboardingTerms) -> int | None:
    """When what is kept of an ended file goes: business time, ms; None: it has not ended, or its relation lasts."""
    if state.phase not in OVER:
        return None
    if _has_account(state):
        return state.relation_ended_at + terms.audit_ms if state.relation_ended_at else None
    ended = state.history[-1].at if state.history else state.updated_at
    return ended + (terms.audit_ms if state.round else terms.kept_ms)


def kept_until(state: OnboardingState, context: Context) -> tuple[Outgoing, ...]:
    """The timer of that end: whatever leads to it sets it."""
    end = end_of(state, terms_of(context))
    if end is None or _is_gone(state):
        return ()
    return (Outgoing(context.address, KeptLongEnough(), end, KEPT),)


def _ground(state: OnboardingState, context: Context) -> tuple[str, int]:
    """Why it is not erased now, and until when; the empty one: nothing keeps it."""
    if state.phase in UNDER_WAY or (state.phase in EARLY and state.round):
        return Ground.UNDER_WAY, 0
    if _has_account(state) and not state.relation_ended_at:
        return Ground.RELATION, 0
    end = end_of(state, terms_of(context)) if state.round else None
    if end is not None and end > context.now:
        return Ground.LAW, end
    return _on_its_way(state, context.now)


def _on_its_way(state: OnboardingState, now: int) -> tuple[str, int]:
    """Whether something may still come of a document; to a valid address even what was accepted may be sent once more."""
    opened = max((one.expires_at for one in state.documents), default=0)
    if opened > now:
        return Ground.UPLOAD, opened
    looked_at = any(one.status in _LOOKED_AT for one in state.documents)
    return (Ground.UPLOAD if looked_at else Ground.NONE), 0


def _forget(state: OnboardingState, _message: KeptLongEnough, context: Context) -> Outcome:
    end = end_of(state, terms_of(context))
    if _is_gone(state) or end is None:
        return Decision(state)
    if context.now < end:  # a timer of an older rule, or one that was on its way
        return Decision(state, messages=kept_until(state, context))
    return _gone(state, context, asked=False)


def _keep(state: OnboardingState, message: KeepByRule, context: Context) -> Outcome:
    """Set the timer that it may not have yet, and see that its account is listed; it need not be asked again while the rule
    is this one.
    """
    rule = rule_of(terms_of(context))
    noted = [Put(KEPT_FILES, context.address.key, rule)]
    if message.through:
        noted.append(Put(KEPT_FILES, READ, {**rule, "through": message.through}))
    messages = (*kept_until(state, context), *_account(state, context))
    return Decision(state, messages=messages, documents=tuple(noted))


def _keep_on(state: OnboardingState, _message: KeepByRule, context: Context) -> Outcome:
    """It has not ended; its account may be of a release before all the same."""
    return Decision(state, messages=_account(state, context))


def _account(state: OnboardingState, context: Context) -> tuple[Outgoing, ...]:
    if state.forgotten or state.onward.account.status == "none":
        return ()
    return (Outgoing(Address(ACCOUNT, context.address.key), ListAccount()),)


def _ask(state: OnboardingState, _message: AskErasure, context: Context) -> Outcome:
    ground, until = _ground(state, context)
    refused = (FileErasureRefused(ground, until),) if ground else ()
    return Decision(state, ErasureAnswered(ground, until), events=refused)


def _erase(state: OnboardingState, _message: EraseFile, context: Context) -> Outcome:
    """A second person has approved it; whether it may be is looked at once more."""
    if _is_gone(state):
        return Decision(state)
    ground, until = _ground(state, context)
    if ground:
        return Decision(state, events=(FileErasureRefused(ground, until),))
    return _gone(state, context, asked=True)


def _gone(state: OnboardingState, context: Context, *, asked: bool) -> Outcome:
    """Nothing of the client is left in it, and the keys of what was go."""
    number, me = context.address.key, context.address
    over = state
    if state.phase in EARLY:
        over = moved(state, Phase.INCOMPLETE, ("FILE_ERASED", "client"), context.now)
    empty = OnboardingState(
        over.phase, opened=over.opened, history=over.history, created_at=over.created_at,
        expires_at=over.expires_at, updated_at=context.now, resumed=over.resumed, cause=over.cause,
        forgotten=True, round=over.round, relation_ended_at=over.relation_ended_at,
    )  # fmt: skip
    keys = tuple(Sealed(kind, number) for kind in OWN)
    words = (
        Outgoing(Address(CASE, number), ForgetCase()),
        Outgoing(Address(SIGNING, number), ForgetContract()),
        Outgoing(Address(INVITATION, number), ForgetInvitation()),
        Outgoing(Address(ERASURE, erasure_of(me)), BeginErasure(keys)),
    )
    return Decision(
        empty,
        events=(DocumentsForgotten(asked),),
        messages=(
            *deletions(state.documents, context),
            *forgotten(state.documents, context),
            *words,
        ),
        cancel=(EXPIRY, REMINDER, KEPT, *contract_timers(state)),
    )


def _end(state: OnboardingState, _message: EndRelation, context: Context) -> Outcome:
    """Its client is one no longer; said again, the first time counts."""
    if not (_has_account(state) or state.relation_ended_at):
        return Decision(state, ErasureAnswered(Ground.NONE, 0))
    ended = state
    happened: tuple[RelationEnded, ...] = ()
    if not state.relation_ended_at:
        ended = msgspec.structs.replace(
            state, relation_ended_at=context.now, updated_at=context.now
        )
        happened = (RelationEnded(context.now + terms_of(context).audit_ms),)
    until = end_of(ended, terms_of(context)) or 0
    timer = kept_until(ended, context) if happened else ()
    return Decision(ended, ErasureAnswered(Ground.LAW, until), events=happened, messages=timer)


def _late(state: OnboardingState, _message: object, _context: Context) -> Outcome:
    return Decision(state)


def _rows() -> Iterator[Row]:
    for phase in OVER:
        yield row(phase, KeptLongEnough, _forget, phase)
        yield row(phase, KeepByRule, _keep, phase)
        yield row(phase, EraseFile, _erase, phase)
        yield row(phase, EndRelation, _end, phase)
    for phase in EARLY:
        yield row(phase, EraseFile, _erase, phase, Phase.INCOMPLETE)
    for phase in UNDER_WAY:
        yield row(phase, EraseFile, _erase, phase)
    for phase in (*EARLY, *UNDER_WAY):
        yield row(phase, KeptLongEnough, _late, phase)
        yield row(phase, KeepByRule, _keep_on, phase)
    for phase in (*EARLY, *UNDER_WAY, *OVER):
        yield row(phase, AskErasure, _ask, phase)


KEEPING_ROWS: Final[tuple[Row, ...]] = tuple(_rows())

"""The machine of a proposal: made by one person, decided by another, or over when its time is.

Rules:
- whoever made it does not approve it, whatever their roles (FOUR_EYES); they may withdraw it;
- what is approved is what was proposed: the order lies in the state, sealed, its digest in the audit log,
  and it is sent by the decision that approves it, so once and never without;
- a proposal that nobody approves ends by itself, and says so in the audit log;
- a decided one keeps who and when, and the digest, and nothing of whom it was about; why points were given or
  taken stays with it, as they stay in the books;
- nobody hears of it but who made it and who may decide it.

Source: spec.md E14 (maker cannot check), S60 (least privilege), X5; adr/0028.
"""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.approval.messages import (
    COLLECTION,
    FOUR_EYES,
    KIND,
    Action,
    ApprovalDescribed,
    ApprovalExpired,
    Approve,
    DescribeApproval,
    Order,
    Propose,
    Proposed,
    Reject,
    approved_by,
    digest_of,
    place_of,
)
from comptoir.engine import (
    Address,
    Decision,
    Event,
    Outgoing,
    Put,
    Refusal,
    Reply,
    State,
)
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "ActProposed", "ApprovalState", "Phase", "ProposalDecided"]

EXPIRY = "expiry"
"""The timer's name."""
REMEMBERED: Final = frozenset((Action.ADJUST.value,))
"""Actions whose details stay when they are decided: whoever reads the list asks why."""


class Phase(Enum):
    """What became of it."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class ApprovalState(State, frozen=True):
    """Sealed as a whole at rest: who asks for what stands in it."""

    phase: Phase
    action: str = ""
    digest: str = ""
    target: tuple[str, str] = ("", "")
    order: Order | None = None
    """None but in PENDING."""
    subject: str = ""
    details: tuple[str, ...] = ()
    maker: str = ""
    checkers: tuple[str, ...] = ()
    checker: str = ""
    expires_at: int = 0
    """Business time, ms since 1970."""


class ActProposed(Event, frozen=True):
    """Somebody asked for it."""

    action: Action
    digest: str
    maker: str


class ProposalDecided(Event, frozen=True):
    """It is over, and how."""

    action: str
    digest: str
    outcome: str
    maker: str
    checker: str
    """Empty: its time was over."""


Outcome = Decision[ApprovalState]


def _propose(_state: ApprovalState, message: Propose, context: Context) -> Outcome:
    target = Address(message.target_kind, message.target_key)
    digest = digest_of(target, message.order)
    expires_at = context.now + message.lifetime_ms
    pending = ApprovalState(
        Phase.PENDING, message.action.value, digest, (target.kind, target.key), message.order, message.subject,
        message.details, message.maker, message.checkers, "", expires_at,
    )  # fmt: skip
    timer = Outgoing(context.address, ApprovalExpired(), expires_at, EXPIRY)
    return Decision(
        pending,
        Proposed(digest, expires_at),
        events=(ActProposed(message.action, digest, message.maker),),
        messages=(timer,),
        documents=(_listed(pending, context, waits=True),),
    )


def _listed(state: ApprovalState, context: Context, *, waits: bool) -> Put:
    return Put(COLLECTION, place_of(state.expires_at, context.address.key), {"waits": waits})


def _again(state: ApprovalState, message: Propose, _context: Context) -> Outcome | Refusal:
    """The request was run again, since its answer was lost; what became of it meanwhile stands."""
    target = Address(message.target_kind, message.target_key)
    same = digest_of(target, message.order) == state.digest and message.maker == state.maker
    return Decision(state, Proposed(state.digest, state.expires_at)) if same else MACHINE.refusal


def _approve(state: ApprovalState, message: Approve, context: Context) -> Outcome | Refusal:
    assert state.order is not None
    if message.checker == state.maker:
        return Refusal(FOUR_EYES, "whoever has asked for it does not approve it as well")
    if not set(message.roles) & set(state.checkers):
        return Refusal("FORBIDDEN", "another role approves this")
    if context.now >= state.expires_at:  # the timer may be late
        return _decided(state, Phase.EXPIRED, "", context)
    approved = _decided(state, Phase.APPROVED, message.checker, context)
    order = Outgoing(Address(*state.target), approved_by(state.order, message.checker))
    return msgspec.structs.replace(approved, messages=(order,))


def _reject(state: ApprovalState, message: Reject, context: Context) -> Outcome | Refusal:
    if message.checker != state.maker and not set(message.roles) & set(state.checkers):
        return Refusal("FORBIDDEN", "another role decides this")
    return _decided(state, Phase.REJECTED, message.checker, context)


def _expire(state: ApprovalState, _message: ApprovalExpired, context: Context) -> Outcome:
    expired = _decided(state, Phase.EXPIRED, "", context)
    return msgspec.structs.replace(expired, cancel=())  # this very timer


def _decided(state: ApprovalState, phase: Phase, checker: str, context: Context) -> Outcome:
    kept = state.details if state.action in REMEMBERED else ()
    over = msgspec.structs.replace(
        state, phase=phase, order=None, subject="", details=kept, checker=checker
    )
    happened = ProposalDecided(state.action, state.digest, phase.value, state.maker, checker)
    return Decision(
        over,
        _described(over),
        events=(happened,),
        cancel=(EXPIRY,),
        documents=(_listed(state, context, waits=False),),
    )


def _describe(
    state: ApprovalState, message: DescribeApproval, _context: Context
) -> Outcome | Refusal:
    return _told(state, message.viewer, message.roles)


def _late(state: ApprovalState, message: Approve | Reject, _context: Context) -> Outcome | Refusal:
    """It is decided already, and once: how, for whoever might have."""
    return _told(state, message.checker, message.roles)


def _told(state: ApprovalState, viewer: str, roles: tuple[str, ...]) -> Outcome | Refusal:
    """Least privilege: to everybody else there is nothing (S60)."""
    if viewer != state.maker and not set(roles) & set(state.checkers):
        return MACHINE.refusal
    return Decision(state, _described(state))


def _described(state: ApprovalState) -> ApprovalDescribed:
    return ApprovalDescribed(
        state.action, state.phase.value, state.digest, state.subject, state.details, state.maker,
        state.checker, state.expires_at,
    )  # fmt: skip


def _over(state: ApprovalState, _message: ApprovalExpired, _context: Context) -> Outcome:
    return Decision(state)


_DECIDED = (Phase.APPROVED, Phase.REJECTED, Phase.EXPIRED)

MACHINE: Machine[ApprovalState] = Machine(
    KIND,
    phases=Phase,
    messages=(Propose, Approve, Reject, DescribeApproval, ApprovalExpired),
    rows=(
        row(Phase.UNKNOWN, Propose, _propose, Phase.PENDING),
        row(Phase.PENDING, Propose, _again, Phase.PENDING),
        row(Phase.PENDING, Approve, _approve, Phase.APPROVED, Phase.EXPIRED),
        row(Phase.PENDING, Reject, _reject, Phase.REJECTED),
        row(Phase.PENDING, DescribeApproval, _describe, Phase.PENDING),
        row(Phase.PENDING, ApprovalExpired, _expire, Phase.EXPIRED),
        # Whoever asks sees what became of it: it is decided once.
        *(row(phase, Propose, _again, phase) for phase in _DECIDED),
        *(row(phase, Approve, _late, phase) for phase in _DECIDED),
        *(row(phase, Reject, _late, phase) for phase in _DECIDED),
        *(row(phase, DescribeApproval, _describe, phase) for phase in _DECIDED),
        # The timer was on its way.
        *(row(phase, ApprovalExpired, _over, phase) for phase in _DECIDED),
    ),
    terminal=_DECIDED,
    refusal=Refusal("NOT_FOUND", "nothing of this id is asked for"),
)

REPLIES: tuple[type[Reply], ...] = (Proposed, ApprovalDescribed)

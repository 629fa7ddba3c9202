"""The machine of a withdrawal: points that are blocked become money, once, or become points again, once.

Rules:
- the points were blocked by the decision that began it, and are wherever the last word about the money puts
  them: blocked while it is under way or held, paid when it has arrived, available again when it has not;
- the order leaves once. What is said of it afterwards is kept as a set, and the state is a function of that
  set (outcome.py), so neither the order nor the number of reports matters;
- a person may cancel until it leaves;
- whoever withdrew is told how it ended, also where it is held.

Source: spec.md S46, S50, S52, S64, X21, X25 to X27; design.md 6.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from comptoir.actors.gateways.messages import PAYOUT, PUSH, InitiatePayment, SendPush
from comptoir.actors.programme import programme_of
from comptoir.actors.wallet.messages import AVAILABLE, BLOCKED, PAID, MovePoints
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.withdrawal.messages import (
    COLLECTION,
    KIND,
    MISMATCH,
    UNKNOWN,
    BeginWithdrawal,
    CancelWithdrawal,
    DescribeWithdrawal,
    Order,
    OutcomeUnknown,
    PaymentInitiated,
    PaymentReported,
    SettlementOver,
    SettleWithdrawal,
    Step,
    WithdrawalDescribed,
    listing_of,
    place_of,
)
from comptoir.actors.withdrawal.outcome import HISTORY_MAX, Phase, outcome_of, status_of
from comptoir.engine import (
    Address,
    DeadLetter,
    Decision,
    Event,
    Once,
    Outgoing,
    Put,
    Refusal,
    Reply,
    State,
)
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "WithdrawalMoved", "WithdrawalSettled", "WithdrawalState"]

PLACES: Final[Mapping[Phase, str]] = MappingProxyType(
    {
        Phase.CANCELLED: AVAILABLE,
        Phase.FAILED: AVAILABLE,
        Phase.RETURNED: AVAILABLE,
        Phase.COMPLETED: PAID,
    }
)
"""Where the points are; blocked in every other phase."""
TOLD: Final = (Phase.COMPLETED, Phase.FAILED, Phase.RETURNED, Phase.HELD)
SETTLEMENT: Final = "settlement"
"""The timer's name."""
SETTLED: Final = "SETTLED_BY_HAND"
"""In its history: why it is so."""


class WithdrawalState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    order: Order | None = None
    asked_at: int = 0
    payment_id: str = ""
    reports: tuple[str, ...] = ()
    """A set, in order: all that was ever said of the payment."""
    history: tuple[Step, ...] = ()

    @property
    def place(self) -> str:
        """Where its points are."""
        return PLACES.get(self.phase, BLOCKED)


class WithdrawalSettled(Event, frozen=True):
    """A person has found out what is true."""

    outcome: str
    maker: str
    reason: str


class WithdrawalMoved(Event, frozen=True):
    """It is in another phase."""

    phase: str
    code: str = ""


Outcome = Decision[WithdrawalState]


def _begin(_state: WithdrawalState, message: BeginWithdrawal, context: Context) -> Outcome:
    order = message.order
    asked_at = message.asked_at
    due = asked_at + order.settlement_ms
    key = listing_of(order.user_id) + place_of(asked_at, context.address.key)
    begun = WithdrawalState(
        Phase.PENDING, order, asked_at, history=(Step(Phase.PENDING.value, asked_at),)
    )
    return Decision(
        begun,
        _described(begun),
        events=(WithdrawalMoved(Phase.PENDING.value),),
        messages=(Outgoing(context.address, SettlementOver(), due, SETTLEMENT),),
        documents=(Put(COLLECTION, key, {}, order.user_id),),
    )


def _initiate(state: WithdrawalState, _message: SettlementOver, context: Context) -> Outcome:
    order = _order(state)
    call = InitiatePayment(
        context.address.key, order.reference, order.net_cents, order.currency, order.iban,
        order.beneficiary,
    )  # fmt: skip
    moved = _moved(state, Phase.INITIATING, context)
    return msgspec.structs.replace(moved, messages=(*moved.messages, Outgoing(PAYOUT, call)))


def _cancel(state: WithdrawalState, _message: CancelWithdrawal, context: Context) -> Outcome:
    moved = _moved(state, Phase.CANCELLED, context)
    return msgspec.structs.replace(moved, cancel=(SETTLEMENT,), reply=_described(moved.state))


def _initiated(state: WithdrawalState, message: PaymentInitiated, context: Context) -> Outcome:
    if state.payment_id and state.payment_id != message.payment_id:
        return _said(state, MISMATCH, MISMATCH.upper(), context)
    known = msgspec.structs.replace(state, payment_id=message.payment_id)
    phase = Phase.PROCESSING if state.phase is Phase.INITIATING else state.phase
    return _moved(known, phase, context)


def _unknown(state: WithdrawalState, _message: OutcomeUnknown, context: Context) -> Outcome:
    return _said(state, UNKNOWN, "OUTCOME_UNKNOWN", context)


def _reported(state: WithdrawalState, message: PaymentReported, context: Context) -> Outcome:
    order = _order(state)
    other = (
        state.phase in (Phase.PENDING, Phase.CANCELLED)
        or (message.amount_cents is not None and message.amount_cents != order.net_cents)
        or (message.currency and message.currency != order.currency)
        or (message.payment_id and state.payment_id not in ("", message.payment_id))
    )
    if other:
        return _once(message, _said(state, MISMATCH, MISMATCH.upper(), context), context)
    known = msgspec.structs.replace(state, payment_id=state.payment_id or message.payment_id)
    return _once(message, _said(known, message.event, message.reason, context), context)


def _once(message: PaymentReported, found: Outcome, context: Context) -> Outcome:
    """Row 10 of interface.md 6: what was told by a webhook is not told again."""
    if not message.payment_id:
        return found
    key = f"seed:payment.{message.event}:{message.payment_id}"
    once = Once("webhook", key, programme_of(context).once_transaction_ms)
    return msgspec.structs.replace(found, once=(once,))


def _stranger(state: WithdrawalState, message: PaymentReported, context: Context) -> Outcome:
    """Of a withdrawal that never was: for a person to find out."""
    letter = DeadLetter("dlq:withdrawals", "WITHDRAWAL_UNKNOWN", "paid by us, and never asked for")
    return _once(message, Decision(state, dead_letter=letter), context)


def _said(state: WithdrawalState, word: str, code: str, context: Context) -> Outcome:
    """One more thing was said of the payment."""
    reports = tuple(sorted({*state.reports, word}))
    known = msgspec.structs.replace(state, reports=reports)
    moved = _moved(known, outcome_of(state.phase, frozenset(reports)), context, code)
    if state.phase is Phase.PENDING:  # what is said before it has left keeps it from leaving
        return msgspec.structs.replace(moved, cancel=(SETTLEMENT,))
    return moved


def _moved(state: WithdrawalState, phase: Phase, context: Context, code: str = "") -> Outcome:
    """Into a phase, with its points and with whoever withdrew told, where it is another."""
    if phase is state.phase:
        return Decision(state)
    order, name = _order(state), context.address.key
    # Who contradicts themselves for ever makes no history: its first steps and its last are kept.
    kept = (
        state.history if len(state.history) < HISTORY_MAX else (*state.history[: HISTORY_MAX - 1],)
    )
    after = msgspec.structs.replace(
        state, phase=phase, history=(*kept, Step(status_of(phase), context.now, code))
    )
    messages: list[Outgoing] = []
    if after.place != state.place:
        move = MovePoints(name, after.place)
        messages.append(Outgoing(Address(WALLET, order.user_id), move))
    if phase in TOLD and programme_of(context).push:
        push = SendPush(
            f"{name}:{len(after.history)}", order.user_id, f"withdrawal_{phase.value}", order.points
        )
        messages.append(Outgoing(PUSH, push))
    return Decision(after, events=(WithdrawalMoved(phase.value, code),), messages=tuple(messages))


def _settle(state: WithdrawalState, message: SettleWithdrawal, context: Context) -> Outcome:
    """What was found out stands for all that was said before: what is said later is held against it."""
    known = msgspec.structs.replace(state, reports=(message.outcome,))
    moved = _moved(known, outcome_of(state.phase, frozenset(known.reports)), context, SETTLED)
    settled = WithdrawalSettled(message.outcome, message.maker, message.reason)
    return msgspec.structs.replace(moved, events=(settled, *moved.events))


def _describe(state: WithdrawalState, _message: object, _context: Context) -> Outcome:
    return Decision(state, _described(state))


def _described(state: WithdrawalState) -> WithdrawalDescribed:
    return WithdrawalDescribed(status_of(state.phase), _order(state), state.asked_at, state.history)


def _order(state: WithdrawalState) -> Order:
    assert state.order is not None, "what has begun has one"
    return state.order


def _nothing(state: WithdrawalState, _message: object, _context: Context) -> Outcome:
    """Said again, or overtaken."""
    return Decision(state)


BEGUN = tuple(phase for phase in Phase if phase is not Phase.NONE)
SENT = (
    Phase.INITIATING,
    Phase.PROCESSING,
    Phase.COMPLETED,
    Phase.FAILED,
    Phase.RETURNED,
    Phase.HELD,
)
ENDS: Final[Mapping[Phase, tuple[Phase, ...]]] = MappingProxyType(
    {
        Phase.PENDING: (Phase.HELD,),
        Phase.CANCELLED: (Phase.HELD,),
        Phase.INITIATING: (Phase.COMPLETED, Phase.FAILED, Phase.RETURNED, Phase.HELD),
        Phase.PROCESSING: (Phase.COMPLETED, Phase.FAILED, Phase.RETURNED, Phase.HELD),
        Phase.COMPLETED: (Phase.COMPLETED, Phase.RETURNED, Phase.HELD),
        Phase.FAILED: (Phase.FAILED, Phase.RETURNED, Phase.HELD),
        Phase.RETURNED: (Phase.RETURNED, Phase.HELD),
        Phase.HELD: (Phase.HELD, Phase.COMPLETED, Phase.FAILED, Phase.RETURNED),
    }
)
"""Where a report may lead."""

MACHINE: Machine[WithdrawalState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        BeginWithdrawal, SettlementOver, CancelWithdrawal, PaymentInitiated, OutcomeUnknown,
        PaymentReported, SettleWithdrawal, DescribeWithdrawal,
    ),
    rows=(
        row(Phase.NONE, BeginWithdrawal, _begin, Phase.PENDING),
        row(Phase.NONE, PaymentReported, _stranger, Phase.NONE),
        row(Phase.PENDING, SettlementOver, _initiate, Phase.INITIATING),
        row(Phase.PENDING, CancelWithdrawal, _cancel, Phase.CANCELLED),
        row(Phase.CANCELLED, CancelWithdrawal, _describe, Phase.CANCELLED),
        row(Phase.INITIATING, PaymentInitiated, _initiated, Phase.PROCESSING, Phase.HELD),
        *(
            row(phase, PaymentInitiated, _initiated, *dict.fromkeys((phase, Phase.HELD)))
            for phase in SENT
            if phase is not Phase.INITIATING
        ),
        *(
            row(phase, OutcomeUnknown, _unknown, *ENDS[phase])
            for phase in SENT
        ),
        *(row(phase, PaymentReported, _reported, *ENDS[phase]) for phase in BEGUN),
        row(Phase.HELD, SettleWithdrawal, _settle, Phase.COMPLETED, Phase.FAILED),
        # Whoever pays has said it meanwhile.
        *(row(phase, SettleWithdrawal, _nothing, phase) for phase in BEGUN if phase is not Phase.HELD),
        *(row(phase, DescribeWithdrawal, _describe, phase) for phase in BEGUN),
        *(row(phase, BeginWithdrawal, _describe, phase) for phase in BEGUN),
        *(row(phase, SettlementOver, _nothing, phase) for phase in BEGUN if phase is not Phase.PENDING),
    ),
    refusal=Refusal("CONFLICT", "there is no such withdrawal, or it has left and cannot be taken back"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (WithdrawalDescribed,)

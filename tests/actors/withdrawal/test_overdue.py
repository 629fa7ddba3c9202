"""A withdrawal that has no end in time, and what is on record of whose account it pays to (S50, X25, E18)."""

from typing import Any

import msgspec
import pytest

from comptoir.actors.gateways.messages import NOTIFICATION, PAYOUT, LookUpPayment, SendPush
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.actors.withdrawal.machine import MACHINE, PayeeConfirmed, WithdrawalState
from comptoir.actors.withdrawal.messages import (
    OVERDUE,
    PAYOUT_DAYS,
    PAYOUTS,
    BeginWithdrawal,
    OutcomeUnknown,
    PayeeShown,
    PaymentInitiated,
    PaymentOverdue,
    PaymentReported,
    SettlementOver,
)
from comptoir.actors.withdrawal.outcome import Phase
from comptoir.engine import Address, Decision, Message
from comptoir.engine.machine import Context
from tests.actors.withdrawal.books import NAME, order

PROGRAMME_OF_NOW = Programme(push=True, asks_payer=True, overdue_ms=21 * DAY_MS)
BEGAN = 1_000 * DAY_MS
Outcome = Decision[WithdrawalState]


def decide(
    state: WithdrawalState, message: Message, now: int, programme: Programme = PROGRAMME_OF_NOW
) -> Outcome:
    """One decision."""
    context = Context(Address("withdrawal", NAME), now, 1, {PROGRAMME: programme}, None)
    found = MACHINE.decide(state, message, context)
    assert isinstance(found, Decision)
    return found


def left(programme: Programme = PROGRAMME_OF_NOW, after_days: int = 14) -> Outcome:
    """An order has left."""
    begun = decide(
        WithdrawalState(Phase.NONE), BeginWithdrawal(order(500), BEGAN), BEGAN, programme
    ).state
    return decide(begun, SettlementOver(), BEGAN + after_days * DAY_MS, programme)


def _timer(found: Outcome) -> int | None:
    """When it is late."""
    due = [one.due_at for one in found.messages if isinstance(one.message, PaymentOverdue)]
    return due[0] if due else None


@pytest.mark.parametrize(
    ("days", "settled", "late"),
    [(21, 14, 21), (21, 21, 22), (1, 0, 1), (21, 60, 61), (0, 14, None)],
)
def test_when_it_is_late(days: int, settled: int, late: int | None) -> None:
    """S50, X25: so long after it was asked for, by a durable timer; a day after it left at least; 0: never."""
    found = left(msgspec.structs.replace(PROGRAMME_OF_NOW, overdue_ms=days * DAY_MS), settled)
    assert _timer(found) == (None if late is None else BEGAN + late * DAY_MS)


def _documents(found: Outcome) -> dict[tuple[str, str], dict[str, Any]]:
    return {(put.collection, put.key): dict(put.fields) for put in found.documents}


def test_it_is_told_once_listed_and_looked_up() -> None:
    """S50, X25: its person hears of it once, operations find it, whoever pays is asked; then it ends as it would."""
    processing = decide(left().state, PaymentInitiated("pay_1"), BEGAN + 15 * DAY_MS).state
    at = BEGAN + 21 * DAY_MS
    late = decide(processing, PaymentOverdue(), at)
    sent = {one.target: one.message for one in late.messages}
    push = sent[Address(NOTIFICATION, "u1")]
    assert isinstance(push, SendPush)
    assert (push.template, push.user_id, push.points) == ("withdrawal_overdue", "u1", 500)
    assert sent[PAYOUT] == LookUpPayment(NAME, order(500).reference)
    listed = (OVERDUE, f"{at:015d}:{NAME}")
    assert _documents(late) == {listed: {"waits": True}}
    assert (late.state.phase, late.state.overdue_at) == (Phase.PROCESSING, at)
    assert [(one.status, one.code) for one in late.state.history[-1:]] == [
        ("processing", "OVERDUE")
    ]
    again = decide(late.state, PaymentOverdue(), at + DAY_MS)
    assert (again.state, again.messages, again.documents) == (late.state, (), ())
    for said, phase in (
        (PaymentReported("completed", "pay_1", 500, "EUR"), Phase.COMPLETED),
        (OutcomeUnknown(), Phase.HELD),
    ):
        ended = decide(late.state, said, at + 1)
        assert ended.state.phase is phase
        assert _documents(ended)[listed] == {"waits": False}


def test_what_has_not_left_is_not_looked_up() -> None:
    """S50: whoever pays does not know an order that waits for its party to be back; its person hears of it."""
    late = decide(left().state, PaymentOverdue(), BEGAN + 21 * DAY_MS)
    assert [one.target for one in late.messages] == [Address(NOTIFICATION, "u1")]
    alone = msgspec.structs.replace(PROGRAMME_OF_NOW, asks_payer=False, push=False)
    state = decide(left().state, PaymentInitiated("pay_1"), BEGAN + 15 * DAY_MS).state
    assert decide(state, PaymentOverdue(), BEGAN + 21 * DAY_MS, alone).messages == ()


@pytest.mark.parametrize("phase", [Phase.COMPLETED, Phase.FAILED, Phase.RETURNED, Phase.HELD])
def test_what_has_ended_is_not_late(phase: Phase) -> None:
    """S50: the timer of one that has ended, or that somebody looks at, says nothing."""
    state = msgspec.structs.replace(left().state, phase=phase)
    found = decide(state, PaymentOverdue(), BEGAN + 21 * DAY_MS)
    assert (found.state, found.messages, found.events) == (state, (), ())


def test_what_is_written_down_of_an_order() -> None:
    """S56, S60: amount, state and day by the reference, from when it leaves; no name and no account."""
    found = left()
    reference, day = order(500).reference, "1972-10-11"
    documents = _documents(found)
    assert documents[PAYOUT_DAYS, f"{day}:{reference}"] == {}
    assert documents[PAYOUTS, reference] == {
        "withdrawal_id": NAME, "amount_cents": 500, "currency": "EUR", "status": "processing",
        "payment_id": "", "day": day,
    }  # fmt: skip
    known = decide(found.state, PaymentInitiated("pay_1"), BEGAN + 15 * DAY_MS)
    paid = decide(known.state, PaymentReported("completed", "pay_1"), BEGAN + 16 * DAY_MS)
    record = _documents(paid)[PAYOUTS, reference]
    assert (record["status"], record["payment_id"], record["day"]) == ("completed", "pay_1", day)
    assert order(500).iban not in str([documents, record])


def test_what_was_shown_is_on_record() -> None:
    """E18: what its person saw and said is an event of its own, and stays with the order."""
    shown = PayeeShown("close_match", "Ada Lovelase", BEGAN - 5, accepted=True, quoted=True)
    wanted = order(500, payee=shown)
    begun = decide(WithdrawalState(Phase.NONE), BeginWithdrawal(wanted, BEGAN), BEGAN)
    confirmed = PayeeConfirmed("close_match", "Ada Lovelase", BEGAN - 5, accepted=True, quoted=True)
    assert begun.events[0] == confirmed
    assert begun.state.order == wanted
    older = decide(WithdrawalState(Phase.NONE), BeginWithdrawal(order(500), BEGAN), BEGAN)
    assert not any(isinstance(one, PayeeConfirmed) for one in older.events)

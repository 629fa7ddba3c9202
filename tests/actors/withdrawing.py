"""Samples for withdrawals: a state for every phase, a message of every type."""

import msgspec

from comptoir.actors.wallet.messages import HoldPoints, MovePoints
from comptoir.actors.wallet.state import HoldFacts, WalletState
from comptoir.actors.wallet.state import Phase as W
from comptoir.actors.withdrawal.machine import WithdrawalState
from comptoir.actors.withdrawal.messages import (
    BeginWithdrawal,
    CancelWithdrawal,
    DescribeWithdrawal,
    OutcomeUnknown,
    PaymentInitiated,
    PaymentReported,
    SettlementOver,
    SettleWithdrawal,
)
from comptoir.actors.withdrawal.outcome import Phase
from comptoir.engine.journal import Lot
from comptoir.engine.values import Message, State
from tests.actors.withdrawal.books import order

__all__ = ["HOLDS", "WITHDRAWALS"]

ORDER = order(500)
SAID = {
    Phase.COMPLETED: ("completed",),
    Phase.FAILED: ("failed",),
    Phase.RETURNED: ("returned",),
    Phase.HELD: ("unknown",),
}
STATES = (
    WithdrawalState(Phase.NONE),
    *(
        WithdrawalState(phase, ORDER, 1, reports=SAID.get(phase, ()))
        for phase in Phase
        if phase is not Phase.NONE
    ),
)
TO_WITHDRAWAL: tuple[Message, ...] = (
    BeginWithdrawal(ORDER, 0), SettlementOver(), CancelWithdrawal(), PaymentInitiated("pay_1"),
    OutcomeUnknown(), DescribeWithdrawal(),
    SettleWithdrawal("completed", "ops", "asked"), SettleWithdrawal("failed", "ops", "asked"),
    *(PaymentReported(event, "pay_1", 500, "EUR") for event in ("completed", "failed", "returned")),
    PaymentReported("completed", "pay_1", 501, "EUR"),
)  # fmt: skip
KNOWN = msgspec.structs.replace(STATES[4], phase=Phase.INITIATING, payment_id="pay_2")
WITHDRAWALS: tuple[tuple[State, Message], ...] = (
    *((state, message) for state in STATES for message in TO_WITHDRAWAL),
    *(
        (msgspec.structs.replace(state, payment_id="pay_2"), PaymentInitiated("pay_1"))
        for state in STATES
        if state.phase not in (Phase.NONE, Phase.PENDING, Phase.CANCELLED)
    ),
    # Nobody knew of it, and then somebody did.
    *(
        (msgspec.structs.replace(STATES[-1], reports=()), PaymentReported(event, "pay_1"))
        for event in ("completed", "failed", "returned")
    ),
    *(
        (msgspec.structs.replace(KNOWN, phase=phase, reports=reports), OutcomeUnknown())
        for phase in (Phase.INITIATING, Phase.PROCESSING, Phase.HELD)
        for reports in (("completed",), ("failed",), ("returned",), ("completed", "failed"), ())
    ),
    *(
        (msgspec.structs.replace(KNOWN, phase=phase, reports=reports), OutcomeUnknown())
        for phase in (Phase.COMPLETED, Phase.FAILED, Phase.RETURNED)
        for reports in (("returned",), ("completed", "failed"))
    ),
)

LOT = Lot("lt_1", "u1", "tx1", "", 1000, 1000, 0, 0, 10_000, 0, None)
HELD = {"points": 500, "place": "blocked", "parts": [["lt_1", 500]], "owed": 0, "asked_at": 1}
OWED = {**HELD, "parts": [["lt_1", 100]], "owed": 400}
BACK = {**HELD, "place": "available", "parts": []}
RICH = WalletState(W.ACTIVE, available=1000)
BLOCKING = WalletState(W.ACTIVE, available=500, blocked=500, withdrawal="wd_1")
OWING = WalletState(W.OVERDRAWN, blocked=500, shortfall=400, withdrawal="wd_1")
SPENT = WalletState(W.ACTIVE, available=100)
ASK = HoldPoints("wd_1", ORDER)
HOLDS: tuple[tuple[State, Message, HoldFacts], ...] = (
    (WalletState(W.NEW), ASK, HoldFacts()),
    (RICH, ASK, HoldFacts({}, (LOT,))),
    (BLOCKING, ASK, HoldFacts(HELD)),
    (OWING, ASK, HoldFacts(HELD)),
    (WalletState(W.NEW), MovePoints("wd_1", "paid"), HoldFacts()),
    (BLOCKING, MovePoints("wd_1", "blocked"), HoldFacts(HELD)),
    (BLOCKING, MovePoints("wd_1", "paid"), HoldFacts(HELD)),
    (BLOCKING, MovePoints("wd_1", "available"), HoldFacts(HELD)),
    (SPENT, MovePoints("wd_1", "blocked"), HoldFacts(BACK, (LOT,))),
    (OWING, MovePoints("wd_1", "paid"), HoldFacts(OWED)),
    (OWING, MovePoints("wd_1", "available"), HoldFacts(OWED)),
)
"""State, message, and what its lookup finds."""

"""What is said of a payment, in any order and however often: actors/withdrawal/outcome.py and the machines
that follow it.
"""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.messages import InitiatePayment
from comptoir.actors.wallet.messages import AVAILABLE, BLOCKED, PAID, MovePoints
from comptoir.actors.withdrawal.messages import (
    BeginWithdrawal,
    CancelWithdrawal,
    OutcomeUnknown,
    PaymentInitiated,
    PaymentReported,
    SettlementOver,
    SettleWithdrawal,
)
from comptoir.actors.withdrawal.outcome import Phase
from comptoir.engine import Decision, Message
from tests.actors.withdrawal.books import DAY_MS, NAME, Books, order

LENGTH_MAX = 5
EVENTS: dict[str, Message | None] = {
    "initiated": PaymentInitiated("pay_1"),
    "completed": PaymentReported("completed", "pay_1", 800, "EUR"),
    "failed": PaymentReported("failed", "pay_1", 800, "EUR", "AC04"),
    "returned": PaymentReported("returned", "pay_1", 800, "EUR", "AC06"),
    "expired": PaymentReported("expired", "pay_1"),
    "refund": None,
}


def documented(said: frozenset[str]) -> tuple[Phase, str]:
    """The rule as docs/withdrawals.md states it, written down a second time."""
    if "returned" in said:
        return Phase.RETURNED, AVAILABLE
    if "completed" in said:
        contradicted = said & {"failed", "expired"}
        return (Phase.HELD, BLOCKED) if contradicted else (Phase.COMPLETED, PAID)
    if said & {"failed", "expired"}:
        return Phase.FAILED, AVAILABLE
    return Phase.PROCESSING if "initiated" in said else Phase.INITIATING, BLOCKED


def _sent() -> Books:
    """Of 1,100 points in two lots 800 are withdrawn, and the order has left."""
    books = Books()
    books.credit("p1", 600)
    books.credit("p2", 500)
    assert books.withdraw(800) is None
    books.to_withdrawal(SettlementOver())
    return books


def _balances(books: Books) -> tuple[int, ...]:
    wallet = books.wallet
    return (wallet.available, wallet.blocked, wallet.shortfall, books.accounts["paid:"])


def test_every_sequence_up_to_five_ends_by_what_was_said() -> None:
    """S46, S50, X26: 9,330 sequences of {initiated, completed, failed, returned, expired, refund}, repeats
    included: the state, the place of the points and every balance are a function of the set; each step
    conserves points, and one order has left.
    """
    ends: dict[frozenset[str], tuple[object, ...]] = {}
    sequences = 0
    for events, books in _longer((), _sent()):
        said = frozenset(events)
        end = (books.withdrawals[NAME].phase, books.place(), *_balances(books))
        assert end[:2] == documented(said), events
        assert ends.setdefault(said, end) == end, events
        assert sum(isinstance(x, InitiatePayment) for x in books.sent) == 1
        sequences += 1
    assert sequences == sum(6**length for length in range(1, LENGTH_MAX + 1))


def _longer(events: tuple[str, ...], before: Books) -> Iterator[tuple[tuple[str, ...], Books]]:
    """Every sequence that goes on from this one, and what is so after it: what several begin with is said once."""
    for event in EVENTS:
        books = before.copy()
        _say(books, event, told="refund" in events)
        said = (*events, event)
        yield said, books
        if len(said) < LENGTH_MAX:
            yield from _longer(said, books)


def _say(books: Books, event: str, *, told: bool) -> None:
    """One more is said, and checked; the wallet's connection tells of a refund once (S53, `once`)."""
    message = EVENTS[event]
    if message is not None:
        books.to_withdrawal(message)
    elif not told:
        books.refund("p2", "r1")
    books.check()


WORDS = st.sampled_from(
    [*EVENTS, "cancel", "unknown", "settlement", "other amount", "other payment"]
)


@given(st.lists(WORDS, max_size=12), st.integers(100, 1100))
def test_points_are_conserved_whatever_is_said(words: list[str], points: int) -> None:
    """Invariant 4, S50: also where the order never left, where nobody knows, and where another payment is
    spoken of: points are in one place, none are made or lost, and one order at most has left.
    """
    books = Books()
    books.credit("p1", 600)
    books.credit("p2", 500)
    assert books.withdraw(points) is None
    refunds = 0
    more: dict[str, Message] = {
        "cancel": CancelWithdrawal(),
        "unknown": OutcomeUnknown(),
        "settlement": SettlementOver(),
        "other amount": PaymentReported("completed", "pay_1", points + 1, "EUR"),
        "other payment": PaymentReported("completed", "pay_2", points, "EUR"),
    }
    for word in words:
        message = more.get(word) or EVENTS[word]
        if message is not None:
            if isinstance(message, PaymentReported) and message.amount_cents == 800:
                message = PaymentReported(message.event, "pay_1", points, "EUR", message.reason)
            books.to_withdrawal(message)
        elif not refunds:
            books.refund("p2", "r1")
            refunds = 1
        books.check()
    assert sum(isinstance(x, InitiatePayment) for x in books.sent) <= 1
    # Whoever has their points back is owed none, and whoever was paid has none of them.
    out = {AVAILABLE: 0, BLOCKED: 0, PAID: points}[books.place()]
    assert books.accounts["paid:"] == out
    w = books.wallet
    assert w.available + w.blocked - w.shortfall == 1100 - 500 * refunds - out


def test_what_was_never_sent_is_not_believed() -> None:
    """X26: a report about an order that has not left, or was cancelled, is for a person; and it never leaves."""
    books = Books()
    books.credit("p1", 1000)
    assert books.withdraw(800) is None
    books.to_withdrawal(EVENTS["completed"])  # type: ignore[arg-type]
    assert books.withdrawals[NAME].phase is Phase.HELD
    books.to_withdrawal(SettlementOver())
    assert books.sent == []
    assert books.place() == BLOCKED


@pytest.mark.parametrize(
    ("outcome", "phase", "place"),
    [("completed", Phase.COMPLETED, PAID), ("failed", Phase.FAILED, AVAILABLE)],
)
def test_what_two_people_found_out_stands(outcome: str, phase: Phase, place: str) -> None:
    """E14, X26: for all that was said before; what contradicts it afterwards is held anew, money that comes back
    is back, and of what is not held nothing is decided.
    """
    books = _sent()
    for event in ("initiated", "failed", "completed"):
        _say(books, event, told=False)
    books.to_withdrawal(SettleWithdrawal(outcome, "ops", "asked"))
    books.check()
    assert (books.withdrawals[NAME].phase, books.place()) == (phase, place)
    before = books.withdrawals[NAME]
    books.to_withdrawal(SettleWithdrawal("failed", "ops", "asked again"))
    assert books.withdrawals[NAME] == before
    other = "failed" if outcome == "completed" else "completed"
    books.to_withdrawal(PaymentReported(other, "pay_1", 800, "EUR"))
    books.check()
    assert (books.withdrawals[NAME].phase, books.place()) == (Phase.HELD, BLOCKED)
    books.to_withdrawal(PaymentReported("returned", "pay_1", 800, "EUR"))
    books.check()
    assert (books.withdrawals[NAME].phase, books.place()) == (Phase.RETURNED, AVAILABLE)


def test_one_at_a_time() -> None:
    """S66: while one is under way, or held, there is no other; what is refused changes nothing."""
    books = Books()
    books.credit("p1", 1000)
    assert books.withdraw(400) is None
    before = (books.wallet, dict(books.lots))
    refused = books.withdraw(400, "wd_2")
    assert refused is not None
    assert refused.code == "BANK_WITHDRAWAL_PENDING"
    assert (books.wallet, dict(books.lots)) == before
    assert books.withdraw(400) is None, "the same one, asked for again, is there already"
    assert books.wallet == before[0]


@pytest.mark.parametrize(
    ("points", "code"),
    [(99, "BANK_WITHDRAWAL_MINIMUM"), (1001, "POINTS_INSUFFICIENT")],
)
def test_too_few_and_too_many(points: int, code: str) -> None:
    """S66: below the minimum, and more than there is."""
    books = Books()
    books.credit("p1", 1000)
    refused = books.withdraw(points)
    assert refused is not None
    assert refused.code == code


@pytest.mark.parametrize("place", [AVAILABLE, BLOCKED, PAID])
def test_said_again_it_moves_nothing(place: str) -> None:
    """Invariant 2, E7: a place that is told once more, by a dead letter that is replayed say, is no movement."""
    books = Books()
    books.credit("p1", 1000)
    assert books.withdraw(800) is None
    books.to_wallet(MovePoints(NAME, place))
    told = books.wallet
    again = books.to_wallet(MovePoints(NAME, place))
    assert isinstance(again, Decision)
    assert (again.transfers, again.events, again.documents) == ((), (), ())
    assert books.wallet is told


def test_a_cancelled_one_gives_its_points_back_to_their_lots() -> None:
    """X26, S47, E7: first in, first out, into the very lots."""
    books = Books()
    books.credit("p1", 600)
    books.credit("p2", 500)
    before = dict(books.lots)
    assert books.withdraw(800) is None
    assert [left for _, left, _ in books.lots.values()] == [0, 300]
    books.to_withdrawal(CancelWithdrawal())
    assert books.lots == before
    assert books.withdraw(900, "wd_2") is None, "another may begin"


def test_it_counts_from_when_it_was_asked_for() -> None:
    """X25, S56: told late, as after a crash, or twice, it has the date of its points' hold, and it is due
    a settlement after that.
    """
    books = Books()
    books.now = 9 * DAY_MS
    begin = BeginWithdrawal(order(800), DAY_MS)
    begun = books.to_withdrawal(begin)
    assert isinstance(begun, Decision)
    assert [out.due_at for out in begun.messages] == [DAY_MS + 14 * DAY_MS]
    assert [step.at for step in begun.state.history] == [DAY_MS]
    again = books.to_withdrawal(begin)
    assert isinstance(again, Decision)
    assert (again.reply, again.messages, again.state) == (begun.reply, (), begun.state)

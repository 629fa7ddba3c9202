"""A withdrawal that is paid by a batch: whatever a bank says, in any order and however often.

Source: issue 7, "must show"; docs/withdrawals.md (the table), docs/payouts.md; spec.md S46, X26, X27.
"""

from itertools import chain, product

from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.payout_batch.messages import JoinBatch, LeaveBatch
from comptoir.actors.wallet.messages import AVAILABLE, BLOCKED
from comptoir.actors.withdrawal.messages import (
    PAYOUT_DAYS,
    PAYOUTS,
    BatchClosed,
    BatchJoined,
    CancelWithdrawal,
    PaymentInitiated,
    PaymentOverdue,
    PaymentReported,
    SettlementOver,
    TakenFromBatch,
)
from comptoir.actors.withdrawal.outcome import Phase
from comptoir.engine import Decision, Message, Refusal
from comptoir.engine.machine import Context
from tests.actors.withdrawal.books import NAME, Books
from tests.actors.withdrawal.test_outcome import documented

BATCH = "PB-202511241300-001"
WORDS: dict[str, Message] = {
    "initiated": PaymentInitiated(""),
    "completed": PaymentReported("completed", "", 800, "EUR"),
    "failed": PaymentReported("failed", "", 800, "EUR", "AC04"),
    "returned": PaymentReported("returned", "", 800, "EUR", "AC06"),
}


class Batched(Books):
    """Books of a programme that pays by batches."""

    def _context(self, kind: str, key: str, facts: object) -> Context:
        context = super()._context(kind, key, facts)
        references = {**context.references, CUTOFFS: Cutoffs(on=True)}
        return Context(context.address, context.now, context.version, references, facts)


def queued() -> Batched:
    """800 of 1,100 points wait in a batch."""
    books = Batched()
    books.credit("p1", 600)
    books.credit("p2", 500)
    assert books.withdraw(800) is None
    books.to_withdrawal(SettlementOver())
    books.to_withdrawal(BatchJoined(BATCH))
    return books


def test_every_sequence_of_reports_ends_by_the_table() -> None:
    """X26, X27: all 1,364 sequences of up to five of what files say: the state is a function of the set."""
    lengths = range(1, 6)
    count = 0
    for words in chain.from_iterable(product(WORDS, repeat=length) for length in lengths):
        books = queued()
        books.to_withdrawal(BatchClosed())
        for word in words:
            books.to_withdrawal(WORDS[word])
            books.check()
        phase = books.withdrawals[NAME].phase
        assert (phase, books.place()) == documented(frozenset(words)), words
        assert sum(isinstance(one, JoinBatch) for one in books.sent) == 1
        count += 1
    assert count == sum(4**length for length in lengths)


def test_an_order_leaves_with_its_batch() -> None:
    """S46, X25: from the closing on it is counted among the payments of its day, and may be late."""
    books = queued()
    closed = books.to_withdrawal(BatchClosed())
    assert isinstance(closed, Decision)
    assert closed.state.left_at == books.now
    assert [type(out.message) for out in closed.messages if out.due_at] == [PaymentOverdue]
    assert {put.collection for put in closed.documents} == {PAYOUTS, PAYOUT_DAYS}


def test_what_is_queued_is_not_cancelled_behind_its_batch() -> None:
    """S50, X26: the batch decides; what it has let go is points again, and what it keeps is paid."""
    books = queued()
    assert isinstance(books.to_withdrawal(CancelWithdrawal()), Refusal)
    books.to_withdrawal(TakenFromBatch())
    assert (books.withdrawals[NAME].phase, books.place()) == (Phase.CANCELLED, AVAILABLE)
    books.to_withdrawal(BatchClosed())
    assert books.withdrawals[NAME].phase is Phase.CANCELLED
    books.check()


def test_what_is_said_before_it_has_left_keeps_it_back() -> None:
    """X26: held, and out of its batch, if that is still open."""
    for word in WORDS.values():
        books = queued()
        books.to_withdrawal(word)
        assert (books.withdrawals[NAME].phase, books.place()) == (Phase.HELD, BLOCKED)
        (left,) = [one for one in books.sent if isinstance(one, LeaveBatch)]
        assert left.withdrawal_id == NAME
        books.to_withdrawal(TakenFromBatch())
        assert books.withdrawals[NAME].phase is Phase.HELD


ANY: dict[str, Message] = {
    **WORDS, "joined": BatchJoined(BATCH), "closed": BatchClosed(), "left": TakenFromBatch(),
    "cancel": CancelWithdrawal(), "settlement": SettlementOver(),
    "other amount": PaymentReported("completed", "", 801, "EUR"),
}  # fmt: skip


@given(st.lists(st.sampled_from(sorted(ANY)), max_size=12))
def test_points_are_conserved_whatever_is_said(words: list[str]) -> None:
    """Invariant 4: in one place, whatever comes when; one join at most has left."""
    books = Batched()
    books.credit("p1", 600)
    books.credit("p2", 500)
    assert books.withdraw(800) is None
    for word in words:
        books.to_withdrawal(ANY[word])
        books.check()
    assert sum(isinstance(one, JoinBatch) for one in books.sent) <= 1

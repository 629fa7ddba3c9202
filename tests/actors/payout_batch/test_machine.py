"""The rules of a batch: what it takes, who signs it, and what it never pays.

Source: spec.md S50, E14, X25 to X27; docs/payouts.md; adr/0043.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.cutoffs import CUTOFFS, Cutoffs, batch_id, cutoff_of, following
from comptoir.actors.payout_batch.machine import MACHINE
from comptoir.actors.payout_batch.messages import (
    REFERENCES,
    ROWS,
    ApproveBatch,
    BatchReported,
    CloseBatch,
    CutOffReached,
    DecisionDue,
    JoinBatch,
    LeaveBatch,
    RejectBatch,
    WalkOn,
)
from comptoir.actors.payout_batch.state import BatchReleased, BatchState, Phase
from comptoir.actors.payout_batch.walk import PAGE_ROWS
from comptoir.actors.payout_file.messages import KeepFile
from comptoir.actors.withdrawal.messages import (
    BatchClosed,
    PaymentReported,
    TakenFromBatch,
)
from comptoir.engine import Address, Decision, Message, Refusal
from comptoir.engine.machine import Context
from tests.actors.purchases import NOW

TERMS = Cutoffs(on=True, transfers_max=3, sum_cents_max=10_000)
NAME = batch_id(TERMS.after(NOW))
SIGN = ApproveBatch("eva", ("OPERATIONS",), "d" * 64, "2026-11-24", b"xml")


class Batch:
    """A batch, decided purely, with its rows beside it."""

    def __init__(self, terms: Cutoffs = TERMS) -> None:
        self.terms = terms
        self.state = BatchState(Phase.NONE)
        self.rows: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[Address, Message]] = []
        self.now = NOW
        self.letters: list[str] = []

    def takes(self, message: Message) -> Decision[Any] | Refusal:
        """It decides, and what it decided is so."""
        references = {CUTOFFS: self.terms}
        context = Context(
            Address("payout_batch", NAME), self.now, 1, references, self._facts(message)
        )
        found = MACHINE.decide(self.state, message, context)
        if isinstance(found, Refusal):
            return found
        self.state = found.state
        if found.dead_letter is not None:
            self.letters.append(found.dead_letter.code)
        for put in found.documents:
            if put.collection == ROWS:
                self.rows.setdefault(put.key, {}).update(put.fields)
        own = Address("payout_batch", NAME)
        for out in found.messages:
            if out.target == own and out.due_at is None:
                self.takes(out.message)
            elif out.due_at is None:
                self.sent.append((out.target, out.message))
        return found

    def _facts(self, message: Message) -> Any:
        if isinstance(message, LeaveBatch):
            return self.rows.get(f"{NAME}:{message.reference}")
        if isinstance(message, WalkOn):
            after = sorted(key for key in self.rows if key > message.after)
            return [(key, self.rows[key]) for key in after[:PAGE_ROWS]]
        return None

    def joins(self, *cents: int) -> "Batch":
        """So many join."""
        for amount in cents:
            number = len(self.rows)
            self.takes(JoinBatch(f"wd_{number}", f"R-{number:05d}", amount, "EUR"))
        return self

    def closed(self) -> "Batch":
        """By max."""
        assert not isinstance(self.takes(CloseBatch("max")), Refusal)
        return self

    def told(self, kind: type[Message]) -> list[str]:
        """To which withdrawals a message of this type has gone."""
        return [to.key for to, message in self.sent if isinstance(message, kind)]


def test_a_full_batch_sends_on_to_the_next() -> None:
    """X27: by number, and by sum; nothing of it is taken here."""
    batch = Batch().joins(100, 200, 300)
    batch.joins(400)
    (target, message) = batch.sent[-1]
    assert (target, message) == (
        Address("payout_batch", following(NAME)),
        JoinBatch("wd_3", "R-00003", 400, "EUR"),
    )
    assert (batch.state.transfers, batch.state.sum_cents, len(batch.rows)) == (3, 600, 3)
    rich = Batch().joins(9_000, 1_001)
    assert rich.sent[-1][0].key == following(NAME)
    assert rich.state.sum_cents == 9_000
    # One that is beyond the bound by itself is paid alone rather than by nobody.
    assert Batch().joins(20_000).state.transfers == 1


def test_another_currency_is_another_batch() -> None:
    """X27: a file has one account and so one currency."""
    batch = Batch().joins(100)
    batch.takes(JoinBatch("wd_9", "R-9", 100, "CHF"))
    assert batch.sent[-1][0].key == following(NAME)
    assert batch.state.transfers == 1


def test_after_its_cut_off_it_sends_on_to_the_next_one() -> None:
    """X25: whoever is late waits for the next cut-off, not for a number of this one."""
    batch = Batch()
    batch.now = cutoff_of(NAME)
    batch.joins(100)
    assert batch.sent[-1][0].key == batch_id(TERMS.after(batch.now))
    assert batch.state == BatchState(Phase.NONE)


def test_what_leaves_is_not_paid_and_leaves_once() -> None:
    """S50, X26: out of number and sum; said again, or by a stranger, it changes nothing."""
    batch = Batch().joins(100, 200)
    for _ in range(2):
        batch.takes(LeaveBatch("wd_0", "R-00000"))
    batch.takes(LeaveBatch("wd_0", "R-00001"))
    batch.takes(LeaveBatch("wd_7", "R-00007"))
    assert (batch.state.transfers, batch.state.sum_cents) == (1, 200)
    assert batch.told(TakenFromBatch) == ["wd_0"]
    batch.closed()
    assert batch.told(BatchClosed) == ["wd_1"]
    batch.takes(LeaveBatch("wd_1", "R-00001"))
    assert (batch.state.transfers, batch.state.phase) == (1, Phase.AWAITING)
    assert batch.told(TakenFromBatch) == ["wd_0"]


def test_what_all_have_left_needs_nobody() -> None:
    """E14: there is nothing to sign."""
    batch = Batch().joins(100)
    batch.takes(LeaveBatch("wd_0", "R-00000"))
    assert batch.closed().state.phase is Phase.EMPTY


def test_the_maker_does_not_sign() -> None:
    """E14: whatever their roles, and also when it is escalated."""
    batch = Batch().joins(100).closed()
    for roles in (("OPERATIONS",), ("OPERATIONS", "ADMIN")):
        found = batch.takes(msgspec.structs.replace(SIGN, checker="max", roles=roles))
        assert isinstance(found, Refusal)
        assert found.code == "FOUR_EYES"
    found = batch.takes(msgspec.structs.replace(SIGN, roles=("ADMIN",)))
    assert isinstance(found, Refusal)
    assert found.code == "FORBIDDEN"
    assert batch.state.phase is Phase.AWAITING
    assert batch.told(KeepFile) == []


def test_what_its_cut_off_has_closed_takes_two_people_as_well() -> None:
    """E14: who signs it first is its maker, and approves nothing by that, nor by signing again; another one does."""
    batch = Batch().joins(100)
    batch.takes(CutOffReached())
    assert (batch.state.phase, batch.state.maker) == (Phase.AWAITING, "")
    first = msgspec.structs.replace(SIGN, checker="max")
    released = batch.takes(first)
    assert isinstance(released, Decision)
    assert released.events == (BatchReleased("max", 1, 100),)
    assert (batch.state.phase, batch.told(KeepFile)) == (Phase.AWAITING, [])
    own = batch.takes(first)
    assert isinstance(own, Refusal)
    assert own.code == "FOUR_EYES"
    # Asked while it had no maker yet: no file was made for it.
    crossed = batch.takes(msgspec.structs.replace(SIGN, digest="", document=b""))
    assert isinstance(crossed, Refusal)
    assert crossed.code == "CONFLICT"
    assert not isinstance(batch.takes(SIGN), Refusal)
    assert (batch.state.maker, batch.state.checker, batch.state.released) == ("max", "eva", True)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("close", "cut-off", "approve", "due")),
            st.sampled_from(("max", "eva", "ada")),
        ),
        max_size=12,
    )
)
def test_no_file_without_two_people(acts: list[tuple[str, str]]) -> None:
    """E14: whoever does what in whatever order, what is approved has a maker and a checker who is somebody else."""
    batch = Batch().joins(100)
    for act, who in acts:
        role = ("ADMIN",) if who == "ada" else ("OPERATIONS",)
        batch.takes(
            {
                "close": CloseBatch(who),
                "cut-off": CutOffReached(),
                "approve": msgspec.structs.replace(SIGN, checker=who, roles=role),
                "due": DecisionDue(),
            }[act]
        )
    kept = batch.told(KeepFile)
    assert (batch.state.phase is Phase.APPROVED) == bool(kept)
    if kept:
        assert len({batch.state.maker, batch.state.checker} - {""}) == 2


def test_a_signed_file_is_kept_by_the_decision_that_signs_it() -> None:
    """X27: once; another is refused, as is an empty one."""
    batch = Batch().joins(100).closed()
    assert isinstance(batch.takes(msgspec.structs.replace(SIGN, digest="", document=b"")), Refusal)
    assert not isinstance(batch.takes(SIGN), Refusal)
    assert batch.sent[-1] == (Address("payout_file", NAME), KeepFile("d" * 64, b"xml"))
    again = batch.takes(msgspec.structs.replace(SIGN, digest="e" * 64, document=b"other"))
    assert isinstance(again, Decision)
    assert batch.state.digest == "d" * 64
    assert batch.told(KeepFile) == [NAME]
    assert isinstance(batch.takes(msgspec.structs.replace(SIGN, checker="zoe")), Refusal)
    assert isinstance(batch.takes(RejectBatch("zoe", "late")), Refusal)


def test_rows_that_do_not_agree_close_nothing() -> None:
    """Invariant 4: a row that somebody has changed in the database is found before anybody signs."""
    batch = Batch().joins(100, 200)
    batch.rows[f"{NAME}:R-00000"]["cents"] = 101
    with pytest.raises(AssertionError, match="worth what has joined"):
        batch.closed()
    gone = Batch().joins(100, 200)
    gone.rows.pop(f"{NAME}:R-00000")
    with pytest.raises(AssertionError, match="as many as have joined"):
        gone.closed()


def test_many_rows_are_told_by_pages() -> None:
    """Issue 7: 1,001 of them, each once, whatever is said of the whole while it is told."""
    many = Batch(Cutoffs(on=True, transfers_max=5_000)).joins(*range(1, 1_002)).closed()
    assert many.told(BatchClosed) == [f"wd_{number}" for number in range(1_001)]
    many.takes(SIGN)
    many.takes(BatchReported("failed", "AM10"))
    many.takes(BatchReported("failed", "AM10"))
    assert many.told(PaymentReported) == [f"wd_{number}" for number in range(1_001)]


def test_what_is_booked_with_another_sum_is_for_a_person() -> None:
    """X26: nothing of it is believed."""
    batch = Batch().joins(100, 200).closed()
    batch.takes(SIGN)
    batch.takes(BatchReported("completed", amount_cents=299, currency="EUR"))
    batch.takes(BatchReported("completed", amount_cents=300, currency="CHF"))
    assert batch.letters == ["BATCH_DIFFERS", "BATCH_DIFFERS"]
    assert batch.told(PaymentReported) == []
    batch.takes(BatchReported("completed", amount_cents=300, currency="EUR"))
    assert batch.told(PaymentReported) == ["wd_0", "wd_1"]


def test_a_bank_that_speaks_of_what_was_not_signed_is_not_believed() -> None:
    """X26: a letter, and nobody is told anything."""
    batch = Batch().joins(100).closed()
    batch.takes(BatchReported("completed"))
    assert batch.letters == ["BATCH_NOT_SENT"]
    assert batch.told(PaymentReported) == []


def test_references_lead_to_their_batch() -> None:
    """X27: what a report names is found."""
    context = Context(Address("payout_batch", NAME), NOW, 1, {CUTOFFS: TERMS})
    join = JoinBatch("wd_1", "R-1", 100, "EUR")
    found = MACHINE.decide(BatchState(Phase.NONE), join, context)
    assert isinstance(found, Decision)
    kept = {put.key: put.fields for put in found.documents if put.collection == REFERENCES}
    assert kept == {
        "R-1": {"withdrawal": "wd_1", "cents": 100, "currency": "EUR", "batch": NAME},
        NAME: {"batch": NAME},
    }

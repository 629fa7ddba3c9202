"""A user's candidates: kept for a month, found again, forgotten (X22, X23)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.candidates.machine import CANDIDATES_MAX, MACHINE, CandidatesState, Phase
from comptoir.actors.candidates.messages import (
    COLLECTION,
    Candidate,
    CandidateFound,
    CandidateMissing,
    DropCandidate,
    FindCandidate,
    ForgetCandidates,
    ForgetLink,
    KeepCandidate,
)
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message
from tests.actors.claiming import NOW, REPORT, candidate

ME = Address("candidates", "u1")


class Shelf:
    """One user's actor, message after message."""

    def __init__(self) -> None:
        self.state = CandidatesState(Phase.EMPTY)
        self.last: Decision[CandidatesState] = Decision(self.state)
        self.now = NOW

    def tell(self, message: Message) -> Decision[CandidatesState]:
        """Let it decide."""
        decision = MACHINE.decide(self.state, message, Context(ME, self.now, 1, {}))
        assert isinstance(decision, Decision)
        self.state = decision.state
        return decision

    def find(self, **meant: object) -> str | None:
        """The id of what is found."""
        reply = self.tell(FindCandidate(**meant)).reply  # type: ignore[arg-type]  # as given
        if isinstance(reply, CandidateFound):
            return reply.candidate.report.transaction_id
        assert isinstance(reply, CandidateMissing)
        return None


def bought(transaction_id: str, label: str = "CHEZ VOUS", cents: int = 4_200) -> Candidate:
    """A candidate of that day."""
    report = msgspec.structs.replace(
        REPORT, transaction_id=transaction_id, merchant_name=label, amount_cents=cents
    )
    return msgspec.structs.replace(candidate(), report=report)


def test_found_by_id_and_by_what_a_statement_says() -> None:
    """E9: by the provider's id, or by card, day and amount; the label tells equal ones apart."""
    shelf = Shelf()
    for one in (
        bought("t1", "BOULANGERIE DU PORT"),
        bought("t2", "CAFE DES ARTS"),
        bought("t3", cents=1),
    ):
        shelf.tell(KeepCandidate(one))
    assert shelf.find(transaction_id="t2") == "t2"
    assert shelf.find(transaction_id="t9") is None
    stated = {"link": "link-1", "date": REPORT.date, "amount_cents": 4_200}
    assert shelf.find(**stated, label="Boulangerie du Port, Brest") == "t1"
    assert shelf.find(**stated, label="café des arts") == "t2"
    assert shelf.find(**{**stated, "amount_cents": 1}, label="") == "t3"
    assert shelf.find(**{**stated, "link": "link-2"}, label="") is None
    assert shelf.find(**{**stated, "date": "2026-11-22"}, label="") is None


def test_told_again_it_is_what_it_was_told_last() -> None:
    """E8, X23: one purchase is one candidate, also under its booked id."""
    shelf = Shelf()
    shelf.tell(KeepCandidate(bought("pending")))
    shelf.tell(KeepCandidate(bought("pending", cents=5)))
    shelf.tell(KeepCandidate(bought("booked", cents=6), replaces="pending"))
    assert [one.report.amount_cents for one in shelf.state.kept] == [6]
    assert shelf.find(transaction_id="pending") is None


def test_a_timer_forgets_what_is_over_and_is_set_for_the_rest() -> None:
    """X23: kept for its time and no longer, whether or not the timer was late."""
    shelf = Shelf()
    first = shelf.tell(KeepCandidate(candidate("t1", NOW + 10)))
    (timer,) = first.messages
    assert (timer.target, timer.due_at, timer.message) == (ME, NOW + 10, ForgetCandidates())
    assert shelf.tell(KeepCandidate(candidate("t2", NOW + 20))).messages == ()
    shelf.now = NOW + 10
    assert shelf.find(transaction_id="t1") is None, "over, whether or not it was forgotten"
    again = shelf.tell(ForgetCandidates())
    assert [one.due_at for one in again.messages] == [NOW + 20]
    shelf.now = NOW + 25
    last = shelf.tell(ForgetCandidates())
    assert (last.messages, shelf.state.phase) == ((), Phase.EMPTY)
    (listed,) = last.documents
    assert (listed.collection, listed.key, listed.fields) == (COLLECTION, "u1", {"holds": False})


@given(st.lists(st.tuples(st.sampled_from(["keep", "drop"]), st.integers(0, 9)), max_size=40))
def test_what_is_kept_is_what_was_kept_last(steps: list[tuple[str, int]]) -> None:
    """X23: the oracle is a dictionary; a user is listed exactly while anything is kept."""
    shelf, model, holds = Shelf(), dict[str, bool](), False
    for step, number in steps:
        name = f"t{number}"
        if step == "keep":
            decision = shelf.tell(KeepCandidate(bought(name)))
            model.pop(name, None)
            model[name] = True
        else:
            decision = shelf.tell(DropCandidate("seed", name))
            model.pop(name, None)
        for put in decision.documents:
            holds = bool(put.fields["holds"])
        assert [one.report.transaction_id for one in shelf.state.kept] == list(model)
        assert holds == bool(model) == (shelf.state.phase is Phase.HOLDING)


def test_whoever_ends_a_consent_ends_what_was_kept_by_it() -> None:
    """S60: of that card nothing is kept any more; of another one it is."""
    shelf = Shelf()
    shelf.tell(KeepCandidate(bought("t1")))
    shelf.tell(KeepCandidate(msgspec.structs.replace(bought("t2"), link="link-2")))
    shelf.tell(ForgetLink("link-1"))
    assert [one.report.transaction_id for one in shelf.state.kept] == ["t2"]
    gone = shelf.tell(ForgetLink("link-2"))
    assert (shelf.state.phase, gone.cancel) == (Phase.EMPTY, ("forget",))


def test_the_newest_are_kept() -> None:
    """design.md 5 (nothing unbounded): beyond the bound the oldest goes first."""
    shelf = Shelf()
    for number in range(CANDIDATES_MAX + 3):
        shelf.tell(KeepCandidate(bought(f"t{number}")))
    assert len(shelf.state.kept) == CANDIDATES_MAX
    assert shelf.find(transaction_id="t2") is None
    assert shelf.find(transaction_id="t3") == "t3"


@pytest.mark.parametrize("provider", ["powens", "plaid"])
def test_ids_are_of_a_provider(provider: str) -> None:
    """S42: what one provider takes back is not another's purchase of the same id."""
    shelf = Shelf()
    shelf.tell(KeepCandidate(bought("t1")))
    shelf.tell(DropCandidate(provider, "t1"))
    assert shelf.find(transaction_id="t1") == "t1"

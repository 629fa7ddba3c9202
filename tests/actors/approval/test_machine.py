"""Four eyes: what one person asks for another approves, or nobody does (E14; adr/0028)."""

from dataclasses import dataclass, field

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st

from comptoir.actors.approval.machine import MACHINE, ApprovalState, Phase, ProposalDecided
from comptoir.actors.approval.messages import (
    FOUR_EYES,
    Action,
    ApprovalDescribed,
    ApprovalExpired,
    Approve,
    DescribeApproval,
    Propose,
    Proposed,
    Reject,
    digest_of,
    place_of,
)
from comptoir.actors.erasure.messages import ErasePerson
from comptoir.actors.person.messages import InvitePerson
from comptoir.actors.wallet.messages import AdjustPoints
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, encode

DAWN = 1_800_000_000_000
LIFE_MS = 1000
ME = Address("approval", "apr_1")
TARGET = Address("person", "p1")
ORDER = InvitePerson("m.durand", ("ADMIN",), "digest", 1000)
ASK = Propose(Action.INVITE, *TARGET, ORDER, "m.durand", ("ADMIN",), "eva", ("ADMIN",), LIFE_MS)
ADMIN = ("ADMIN",)


@dataclass
class Desk:
    """One proposal, and what it has sent to others."""

    state: ApprovalState = field(default_factory=lambda: ApprovalState(Phase.UNKNOWN))
    now: int = DAWN
    sent: list[tuple[Address, Message]] = field(default_factory=list[tuple[Address, Message]])
    timer: int | None = None
    events: list[object] = field(default_factory=list[object])
    listed: dict[str, object] = field(default_factory=dict[str, object])

    def tell(self, message: Message) -> "Decision[ApprovalState] | Refusal":
        """Decide, and make it durable."""
        outcome = MACHINE.decide(self.state, message, Context(ME, self.now, 1))
        if isinstance(outcome, Decision):
            self.state = outcome.state
            self.events += outcome.events
            self.listed |= {put.key: put.fields["waits"] for put in outcome.documents}
            self.timer = None if outcome.cancel else self.timer
            for sent in outcome.messages:
                if sent.target == ME:
                    self.timer = sent.due_at
                else:
                    self.sent.append((sent.target, sent.message))
        return outcome

    def status(self) -> str:
        """What it says of itself."""
        outcome = self.tell(DescribeApproval("eva", ADMIN))
        assert isinstance(outcome, Decision)
        assert isinstance(outcome.reply, ApprovalDescribed)
        return outcome.reply.status


def _asked() -> Desk:
    desk = Desk()
    outcome = desk.tell(ASK)
    assert isinstance(outcome, Decision)
    assert outcome.reply == Proposed(digest_of(TARGET, ORDER), DAWN + LIFE_MS)
    assert desk.timer == DAWN + LIFE_MS
    return desk


def test_another_person_approves() -> None:
    """E14: the order goes out by the decision that approves it, once, as it was proposed."""
    desk = _asked()
    assert desk.sent == []
    desk.tell(Approve("bob", ADMIN))
    assert desk.sent == [(TARGET, ORDER)]
    assert desk.timer is None
    desk.tell(Approve("carl", ADMIN))
    assert desk.sent == [(TARGET, ORDER)]
    assert (desk.state.maker, desk.state.checker) == ("eva", "bob")
    assert b"durand" not in encode(desk.state), "whom it was about is in the audit log"
    decided = desk.events[-1]
    assert decided == ProposalDecided(
        "staff.invite", digest_of(TARGET, ORDER), "approved", "eva", "bob"
    )


def test_what_waits_is_listed_until_it_is_decided() -> None:
    """E14: by its end and its id, which name nobody; and no longer than it waits."""
    for decision in (Approve("bob", ADMIN), Reject("eva", ()), ApprovalExpired()):
        desk = _asked()
        place = place_of(DAWN + LIFE_MS, ME.key)
        assert desk.listed == {place: True}
        desk.tell(decision)
        assert desk.listed == {place: False}
    assert place_of(DAWN) < place_of(DAWN, ME.key) < place_of(DAWN + 1) < place_of(10 * DAWN)


def test_asked_again_is_asked_once() -> None:
    """Interface.md 1: a request that is run again hears the first answer, whatever became of it meanwhile,
    and nothing is asked for anew; another one under its id is refused.
    """
    for meanwhile in (None, Approve("bob", ADMIN), Reject("bob", ADMIN), ApprovalExpired()):
        desk = _asked()
        if meanwhile is not None:
            desk.tell(meanwhile)
        before, events, sent = desk.state, list(desk.events), list(desk.sent)
        desk.now += LIFE_MS // 2
        outcome = desk.tell(ASK)
        assert isinstance(outcome, Decision)
        assert outcome.reply == Proposed(digest_of(TARGET, ORDER), DAWN + LIFE_MS)
        assert (desk.state, desk.events, desk.sent) == (before, events, sent)
        for other in (
            msgspec.structs.replace(ASK, maker="bob"),
            msgspec.structs.replace(ASK, order=ErasePerson()),
        ):
            assert isinstance(desk.tell(other), Refusal)
            assert desk.state is before


def test_the_maker_does_not_check() -> None:
    """E14: whatever their roles; and it waits for somebody else as before."""
    desk = _asked()
    before = desk.state
    outcome = desk.tell(Approve("eva", ("ADMIN", "COMPLIANCE")))
    assert isinstance(outcome, Refusal)
    assert outcome.code == FOUR_EYES
    assert desk.state is before
    assert desk.sent == []


def test_not_everybody_checks() -> None:
    """S60: whoever has none of the roles neither approves nor rejects; the maker may withdraw."""
    desk = _asked()
    for message in (Approve("bob", ("OPERATIONS",)), Reject("bob", ()), Approve("bob", ())):
        outcome = desk.tell(message)
        assert isinstance(outcome, Refusal)
        assert outcome.code == "FORBIDDEN"
    desk.tell(Reject("eva", ()))
    assert desk.status() == "rejected"
    assert desk.sent == []


def test_a_late_timer_lengthens_nothing() -> None:
    """E14: at its time it is over, though the timer has not fired; and says so in the audit log."""
    desk = _asked()
    desk.now += LIFE_MS
    desk.tell(Approve("bob", ADMIN))
    assert (desk.status(), desk.sent) == ("expired", [])
    assert isinstance(desk.events[-1], ProposalDecided)


def test_the_digest_is_of_all_of_it() -> None:
    """E14: another target, another order, another role: another digest."""
    found = {
        digest_of(TARGET, ORDER),
        digest_of(Address("person", "p2"), ORDER),
        digest_of(TARGET, InvitePerson("m.durand", ("OPERATIONS",), "digest", 1000)),
        digest_of(TARGET, ErasePerson()),
    }
    assert len(found) == 4


def test_nobody_approves_what_nobody_asked_for() -> None:
    """S34: refused by name, and no row is left."""
    for message in (Approve("bob", ADMIN), Reject("bob", ADMIN), DescribeApproval("eva", ADMIN)):
        desk = Desk()
        before = desk.state
        outcome = desk.tell(message)
        assert isinstance(outcome, Refusal)
        assert outcome.code == "NOT_FOUND"
        assert desk.state is before


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("approve", "reject")), st.sampled_from(("eva", "bob", "carl")),
                  st.sampled_from((ADMIN, (), ("OPERATIONS",)))),
        st.tuples(st.just("wait"), st.just(""), st.just(())),
    ),
    max_size=12,
)  # fmt: skip


@given(STEPS)
def test_done_once_by_two_in_time(steps: list[tuple[str, str, tuple[str, ...]]]) -> None:
    """E14: for any order of tries: it is done at most once, and only if the first who decided it in time
    was another than its maker, with a role that may.
    """
    desk, decided = _asked(), ""
    for step, who, roles in steps:
        if step == "wait":
            desk.now += LIFE_MS // 2
            if desk.timer is not None and desk.timer <= desk.now:
                desk.tell(ApprovalExpired())
        else:
            desk.tell(Approve(who, roles) if step == "approve" else Reject(who, roles))
        in_time = desk.now < DAWN + LIFE_MS
        may = roles == ADMIN and (step == "reject" or who != "eva")
        withdrawn = step == "reject" and who == "eva"
        if not decided and not in_time:
            decided = "expired"
        elif not decided and step != "wait" and (may or withdrawn):
            decided = step
        event(decided or "pending")
        assert desk.sent == ([(TARGET, ORDER)] if decided == "approve" else [])


def test_nobody_else_hears_of_it() -> None:
    """S60: to whoever neither made it nor may decide it there is nothing, before and after it is decided."""
    desk = _asked()
    others = ("OPERATIONS",)
    for _ in range(2):
        for message in (DescribeApproval("max", others), DescribeApproval("", ())):
            assert desk.tell(message) is MACHINE.refusal
        assert isinstance(desk.tell(DescribeApproval("max", ADMIN)), Decision)
        assert isinstance(desk.tell(DescribeApproval("eva", others)), Decision), "she made it"
        assert isinstance(desk.tell(Approve("bob", ADMIN)), Decision)
    for late in (Approve("max", others), Reject("max", others)):
        assert desk.tell(late) is MACHINE.refusal


def test_an_adjustment_says_who_has_approved_it() -> None:
    """E14: the ledger is told both people; the digest is of what was asked for."""
    desk, wallet = Desk(), Address("wallet", "u1")
    order = AdjustPoints("adj_1", -100, "credited twice", "eva")
    told = ("-100 points", "credited twice")
    desk.tell(Propose(Action.ADJUST, *wallet, order, "u1", told, "eva", ("ADMIN",), LIFE_MS))
    asked = desk.state.digest
    desk.tell(Approve("bob", ADMIN))
    assert desk.sent == [(wallet, msgspec.structs.replace(order, checker="bob"))]
    assert desk.state.digest == asked == digest_of(wallet, order)
    assert desk.state.details == told, "why stays with it, for the list"


def test_only_of_an_adjustment_it_is_remembered_why() -> None:
    """E14, S60: what is kept of it when it is over, however it ends."""
    told = ("-100 points", "credited twice")
    order = AdjustPoints("adj_1", -100, "credited twice", "eva")
    for end in (Approve("bob", ADMIN), Reject("bob", ADMIN), ApprovalExpired()):
        desk = Desk()
        desk.tell(Propose(Action.ADJUST, "wallet", "u1", order, "u1", told, "eva", ADMIN, LIFE_MS))
        desk.tell(end)
        assert (desk.state.details, desk.state.subject, desk.state.order) == (told, "", None)
        other = _asked()
        other.state = msgspec.structs.replace(other.state, details=told)
        other.tell(end)
        assert other.state.details == ()

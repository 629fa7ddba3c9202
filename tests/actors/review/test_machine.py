"""The rules of a review: who looks, until when, who may not, and what the case hears.

Source: spec.md S7, S11, S27, X4, X5, X31, E14; docs/review.md; adr/0048.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.gateways.messages import MAIL, NoticeRefused, SendMail
from comptoir.actors.kyc.messages import CaseReviewed
from comptoir.actors.review.machine import MACHINE
from comptoir.actors.review.messages import (
    NOTES_MAX,
    REVIEWS,
    SNOOZES_MAX,
    ClaimReview,
    DecideReview,
    DescribeReview,
    Note,
    NoteReview,
    OpenReview,
    ReleaseReview,
    ReviewDescribed,
    ReviewDue,
    SnoozeReview,
    WithdrawReview,
    place_of,
)
from comptoir.actors.review.state import (
    LIVE,
    Phase,
    ReviewDecided,
    ReviewEscalated,
    ReviewLapsed,
    ReviewState,
    ReviewUntold,
)
from comptoir.actors.review.terms import TERMS, ReviewTerms
from comptoir.engine import Address, Decision, Message, Refusal
from comptoir.engine.machine import Context
from tests.actors.reviewed import DAY_MS, OPEN, REVIEW_TERMS

FRIDAY = 1_764_345_600_000
"""2025-11-28T16:00Z, 17:00 in Paris."""
FILE = "ONB-2025-00123"
MINUTE_MS = 60_000


class Review:
    """A review, decided purely, with the documents and messages that came of it."""

    def __init__(self, terms: ReviewTerms = REVIEW_TERMS, now: int = FRIDAY) -> None:
        self.terms, self.now = terms, now
        self.state = ReviewState(Phase.NONE)
        self.sent: list[tuple[Address, Message]] = []
        self.events: list[object] = []
        self.queue: dict[str, bool] = {}

    def takes(self, message: Message) -> Decision[Any] | Refusal:
        """It decides, and what it decided is so."""
        references = {TERMS: self.terms, CUTOFFS: Cutoffs()}
        context = Context(Address("review", FILE), self.now, 1, references)
        found = MACHINE.decide(self.state, message, context)
        if isinstance(found, Decision):
            self.state = found.state
            self.sent += [(one.target, one.message) for one in found.messages]
            self.events += found.events
            for put in found.documents:
                assert put.collection == REVIEWS
                self.queue[put.key] = bool(put.fields["waits"])
        return found

    def told(self, message: Message) -> ReviewDescribed:
        """It takes this, and says how it is."""
        found = self.takes(message)
        assert isinstance(found, Decision)
        assert isinstance(found.reply, ReviewDescribed)
        return found.reply

    def refuses(self, message: Message) -> str:
        """It does not, and nothing has changed."""
        before = self.state
        found = self.takes(message)
        assert isinstance(found, Refusal)
        assert self.state is before
        return found.code

    def mails(self) -> list[SendMail]:
        """What compliance was sent."""
        return [one for to, one in self.sent if to == MAIL and isinstance(one, SendMail)]

    def outcomes(self) -> list[CaseReviewed]:
        """What the case heard."""
        return [one for _, one in self.sent if isinstance(one, CaseReviewed)]


def begun(**changes: Any) -> Review:
    """An open one."""
    review = Review()
    review.takes(msgspec.structs.replace(OPEN, **changes))
    return review


@pytest.mark.parametrize(
    ("accelerated", "due"),
    [(False, FRIDAY + 5 * DAY_MS), (True, FRIDAY + 3 * DAY_MS)],
    ids=["three business days", "one business day (X31)"],
)
def test_a_review_is_due_on_a_business_day(accelerated: bool, due: int) -> None:
    """S27, X31: what is opened on a Friday evening is due on Monday or Wednesday evening."""
    review = begun(accelerated=accelerated)
    assert review.told(DescribeReview()).due_at == due
    assert review.queue == {place_of(due, FILE): True}


def test_compliance_is_told_and_of_nobody_anything() -> None:
    """S7, S11: a mail to each names the file's number and its due date, neither person nor reason (E3)."""
    review = begun()
    assert [one.to for one in review.mails()] == list(REVIEW_TERMS.to)
    assert len({one.reference for one in review.mails()}) == 2
    for one in review.mails():
        assert FILE in one.subject
        assert "2025-12-03" in one.text
        assert not any(
            word in one.text + one.subject for word in ("PEP", "INDIVIDUAL", "adv-1", "70")
        )


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (ReviewTerms(mail=True), "COMPLIANCE_UNKNOWN"),
        (ReviewTerms(to=("kyc@bank.example",)), "MAIL_NOT_CONFIGURED"),
    ],
)
def test_who_cannot_be_told_is_counted(terms: ReviewTerms, code: str) -> None:
    """S11: the file waits in the queue all the same, and that nobody was told is an event."""
    review = Review(terms)
    review.takes(OPEN)
    assert (review.state.phase, review.mails()) == (Phase.OPEN, [])
    assert ReviewUntold(code) in review.events
    review.takes(NoticeRefused("x", "MAIL_REFUSED"))
    assert review.events[-1] == ReviewUntold("MAIL_REFUSED")


@pytest.mark.parametrize("message", [
    ClaimReview("adv-1"), SnoozeReview("adv-1", FRIDAY + DAY_MS, "later"), DecideReview("adv-1", True, "fine"),
])  # fmt: skip
def test_the_maker_cannot_check(message: Message) -> None:
    """X5, E14: who began the file neither claims, nor puts off, nor decides it."""
    review = begun()
    assert review.refuses(message) == "FOUR_EYES"
    review.takes(ClaimReview("eva"))
    assert review.refuses(message) == "FOUR_EYES"


def test_without_accounts_whoever_is_there_may_do_everything() -> None:
    """S34: a daemon inside a test knows nobody's name (auth.mode = loopback), and so no maker either."""
    review = begun(makers=("",))
    assert review.told(ClaimReview("")).status == "claimed"
    assert review.told(DecideReview("", True, "fine")).status == "approved"


def test_one_person_looks_at_a_time() -> None:
    """E14: what is claimed nobody else decides, puts off or gives back; released, anybody may."""
    review = begun()
    assert review.told(ClaimReview("eva")).claimed_by == "eva"
    for message in (
        ClaimReview("max"), ReleaseReview("max"), DecideReview("max", True, "fine"),
        SnoozeReview("max", FRIDAY + DAY_MS, "later"),
    ):  # fmt: skip
        assert review.refuses(message) == "REVIEW_CLAIMED"
    assert review.told(NoteReview("max", "I know them")).notes[-1] == Note(
        "max", FRIDAY, "I know them"
    )
    assert review.told(ReleaseReview("eva")).status == "open"
    assert review.told(ReleaseReview("eva")).status == "open", "and again"
    assert review.told(ClaimReview("max")).claimed_by == "max"


def test_a_claim_lapses_unless_it_is_renewed() -> None:
    """Whoever has claimed a review and goes home does not hold it; claiming again renews the time."""
    review = begun()
    review.takes(ClaimReview("eva"))
    review.now += 200 * MINUTE_MS
    review.takes(ClaimReview("eva"))
    review.now += 200 * MINUTE_MS
    review.takes(ReviewDue())
    assert review.state.phase is Phase.CLAIMED
    review.now += 41 * MINUTE_MS
    assert review.told(ClaimReview("max")).claimed_by == "max", "also before the timer has come"
    review.now += 240 * MINUTE_MS
    review.takes(ReviewDue())
    assert review.told(DescribeReview()).status == "open"
    assert review.events[-1] == ReviewLapsed("max")


def test_a_decision_reaches_the_case_once() -> None:
    """X4: the case hears who, what and why with the round; the same again tells nobody twice, another is late."""
    review = begun()
    found = review.told(DecideReview("eva", False, "not plausible"))
    assert (found.status, found.decided_by, found.reason) == ("rejected", "eva", "not plausible")
    assert review.queue == {place_of(review.state.due_at, FILE): False}
    assert review.told(DecideReview("eva", False, "not plausible")) == found
    assert review.refuses(DecideReview("eva", True, "no, fine")) == "CONFLICT"
    assert review.refuses(DecideReview("max", False, "not plausible")) == "CONFLICT"
    assert review.outcomes() == [CaseReviewed(False, "eva", "not plausible", 1)]
    decided = [one for one in review.events if isinstance(one, ReviewDecided)]
    assert decided == [ReviewDecided(1, "eva", False, "MANUAL_REVIEW", 0, False)]


def test_a_suspected_sanction_is_cleared_by_two() -> None:
    """E14: the first word clears nobody, and tells compliance; whoever said it neither claims, puts off nor confirms it;
    another person does, and the case hears both names.
    """
    review = begun(two_people=True)
    review.told(ClaimReview("eva"))
    once = review.told(DecideReview("eva", True, "another birth date"))
    assert (once.status, once.claimed_by, once.two_people) == ("open", "", True)
    assert (once.approved_first_by, once.approved_first_reason) == ("eva", "another birth date")
    assert (review.outcomes(), review.queue) == ([], {place_of(review.state.due_at, FILE): True})
    assert "second approval wanted" in review.mails()[-1].subject
    for again in (
        DecideReview("eva", True, "another birth date"), ClaimReview("eva"),
        SnoozeReview("eva", FRIDAY + DAY_MS, "later"), DecideReview("adv-1", True, "I know him"),
    ):  # fmt: skip
        assert review.refuses(again) == "FOUR_EYES"
    both = review.told(DecideReview("max", True, "seen as well"))
    assert (both.status, both.decided_by, both.approved_first_by) == ("approved", "max", "eva")
    assert review.outcomes() == [CaseReviewed(True, "max", "seen as well", 1, "eva")]
    assert review.told(DecideReview("max", True, "seen as well")) == both


@pytest.mark.parametrize("who", ["eva", "max"])
def test_one_person_is_enough_to_reject(who: str) -> None:
    """E14, X3: also whoever approved it first, who takes it back by that."""
    review = begun(two_people=True)
    assert begun(two_people=True).told(DecideReview("max", False, "it is her")).status == "rejected"
    review.told(DecideReview("eva", True, "another birth date"))
    assert review.told(DecideReview(who, False, "it is her")).status == "rejected"
    assert review.outcomes() == [CaseReviewed(False, who, "it is her", 1)]


def test_the_second_of_two_is_waited_for_and_escalated() -> None:
    """E14: what one person has approved stays due; a hit that comes meanwhile opens it anew, and wants both again."""
    review = begun(two_people=True)
    review.told(DecideReview("eva", True, "another birth date"))
    review.now = review.state.due_at
    review.takes(ReviewDue())
    assert [one for one in review.events if isinstance(one, ReviewEscalated)]
    review.takes(msgspec.structs.replace(OPEN, round=2, two_people=True))
    assert review.told(DescribeReview()).approved_first_by == ""
    assert review.told(DecideReview("max", True, "seen")).status == "open"


def test_without_names_there_is_no_second_person() -> None:
    """E14: a daemon without accounts (auth.mode) has nobody to tell apart."""
    assert begun(two_people=True).told(DecideReview("", True, "seen")).status == "approved"


@given(
    st.lists(
        st.builds(
            DecideReview, st.sampled_from(["eva", "max", "adv-1"]), st.booleans(), st.just("seen")
        )
        | st.builds(ClaimReview, st.sampled_from(["eva", "max", "adv-1"])),
        max_size=6,
    )
)
def test_nobody_clears_a_sanction_alone(said: list[Message]) -> None:
    """E14: in whatever order people speak, an approval that the case hears of is of two, and neither began the file."""
    review = begun(two_people=True)
    for one in said:
        review.takes(one)
    for told in review.outcomes():
        assert not told.approved or (told.first and told.first != told.reviewer)
        assert "adv-1" not in (told.first, told.reviewer)


def test_what_is_put_off_comes_back() -> None:
    """A snooze has a reason, which is a note, and a bound; it comes back by itself, or is claimed before."""
    review = begun()
    until = FRIDAY + 2 * DAY_MS
    found = review.told(SnoozeReview("eva", until, "waits for a translation"))
    assert (found.status, found.snoozed_until) == ("snoozed", until)
    assert found.notes == (Note("eva", FRIDAY, "waits for a translation"),)
    review.takes(ReviewDue())
    assert review.state.phase is Phase.SNOOZED
    review.now = until
    review.takes(ReviewDue())
    assert (review.state.phase, review.state.snoozed_until) == (Phase.OPEN, 0)
    assert not review.state.overdue


@pytest.mark.parametrize("until", [FRIDAY - 1, FRIDAY, FRIDAY + 7 * DAY_MS + 1])
def test_nothing_is_put_off_for_ever(until: int) -> None:
    """A snooze ends after now, within the setting, and is not repeated without end."""
    review = begun()
    assert review.refuses(SnoozeReview("eva", until, "later")) == "REVIEW_SNOOZE_BOUND"
    for _ in range(SNOOZES_MAX):
        review.takes(SnoozeReview("eva", FRIDAY + 1, "later"))
    assert review.refuses(SnoozeReview("eva", FRIDAY + 1, "later")) == "REVIEW_SNOOZE_BOUND"


@pytest.mark.parametrize("message", [
    None, ClaimReview("eva"), SnoozeReview("eva", FRIDAY + 7 * DAY_MS, "later"),
])  # fmt: skip
def test_what_is_overdue_is_escalated_once(message: Message | None) -> None:
    """E14: not decided in time, compliance is told once more, in every phase, and it is an alert."""
    review = begun()
    review.now = FRIDAY + 5 * DAY_MS - 1
    if message is not None:
        review.now = FRIDAY
        review.takes(message)
    review.now = FRIDAY + 5 * DAY_MS
    mails = len(review.mails())
    for _ in range(3):
        review.takes(ReviewDue())
    assert review.told(DescribeReview()).overdue
    assert review.events.count(ReviewEscalated(1)) == 1
    assert len(review.mails()) == mails + len(REVIEW_TERMS.to)
    assert review.queue[place_of(review.state.due_at, FILE)], "it waits all the same"


def test_a_second_round_is_a_review_again() -> None:
    """A file that is held again is reviewed again: by anybody but its makers, with the old notes beside it."""
    review = begun()
    review.takes(NoteReview("eva", "called"))
    review.takes(DecideReview("eva", True, "fine"))
    review.now += DAY_MS
    review.takes(OPEN)
    assert review.state.phase is Phase.APPROVED, "the same round opens none anew"
    review.takes(msgspec.structs.replace(OPEN, round=2, reasons=("SANCTIONS_SUSPECTED",)))
    found = review.told(DescribeReview())
    assert (found.status, found.round, found.decided_by) == ("open", 2, "")
    assert [one.text for one in found.notes] == ["called"]
    review.takes(WithdrawReview(1))
    assert review.told(DescribeReview()).status == "open", "that was the round before"
    review.takes(WithdrawReview(2))
    assert review.told(DescribeReview()).status == "withdrawn"
    assert not any(review.queue.values())
    assert review.refuses(DecideReview("eva", True, "fine")) == "CONFLICT"


def test_notes_are_bounded() -> None:
    """Nothing of a file grows without end."""
    review = begun()
    for number in range(NOTES_MAX):
        review.takes(NoteReview("eva", str(number)))
    assert review.refuses(NoteReview("eva", "one more")) == "REVIEW_NOTES_TOO_MANY"


PEOPLE = st.sampled_from(["eva", "max", "adv-1"])
SAID = st.one_of(
    st.builds(ClaimReview, PEOPLE),
    st.builds(ReleaseReview, PEOPLE),
    st.builds(NoteReview, PEOPLE, st.just("x")),
    st.builds(SnoozeReview, PEOPLE, st.integers(FRIDAY, FRIDAY + 9 * DAY_MS), st.just("x")),
    st.builds(DecideReview, PEOPLE, st.booleans(), st.just("x")),
    st.builds(WithdrawReview, st.integers(1, 3)),
    st.builds(ReviewDue),
    st.integers(1, 3).map(lambda n: msgspec.structs.replace(OPEN, round=n)),
)


@given(st.lists(st.tuples(SAID, st.integers(0, 2 * DAY_MS)), max_size=30))
def test_whatever_is_said_its_rules_hold(said: list[tuple[Message, int]]) -> None:
    """X4, X5, E14: no maker decides; the case hears at most once a round, and of the decision that stands; what
    waits stands in the queue, once, and nothing else does.
    """
    review = begun()
    for message, later in said:
        review.now += later
        review.takes(message)
        live = review.state.phase in LIVE
        place = place_of(review.state.due_at, FILE)
        assert [one for one, waits in review.queue.items() if waits] == [place] * live
        assert (review.state.phase is Phase.CLAIMED) == bool(review.state.claimed_by)
    heard = review.outcomes()
    assert "adv-1" not in {one.reviewer for one in heard}
    assert len({one.round for one in heard}) == len(heard)
    decided = [one for one in review.events if isinstance(one, ReviewDecided)]
    assert [(x.round, x.approved, x.reviewer) for x in decided] == [
        (x.round, x.approved, x.reviewer) for x in heard
    ]


def test_open_review_is_what_was_agreed() -> None:
    """A message of before the fields that were added since is read all the same."""
    assert msgspec.json.decode(msgspec.json.encode(OPEN), type=OpenReview) == OPEN

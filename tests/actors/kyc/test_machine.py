"""The assessment of a client: the machine of actors/kyc, its answers, its ends, and what may never happen."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckImpossible,
    CreditChecked,
    MediaSearched,
    PartyScreened,
    ReadVerification,
    ScreenParty,
    StartVerification,
    VerificationStarted,
)
from comptoir.actors.kyc import Finding, Recommendation, Rules
from comptoir.actors.kyc.messages import (
    BureauReported,
    CaseDescribed,
    CaseDue,
    CaseReviewed,
    DescribeCase,
    DocumentsJudged,
    PostalAddress,
    ReportTaken,
    RescreenCase,
)
from comptoir.actors.kyc.state import CaseAlerted, CaseDecided, KycState, Phase, ReportIgnored
from comptoir.actors.kyc.terms import KycTerms
from comptoir.actors.onboarding.messages import KycConcluded
from comptoir.actors.review.messages import OpenReview, WithdrawReview
from comptoir.engine import Address, Decision, Message
from tests.actors.assessed import (
    ADDRESS_R,
    ANSWERS,
    ARTICLE,
    ASK,
    CREDIT_R,
    EXAMPLE,
    HIT,
    LISTS,
    MEDIA_R,
    NOW,
    OWNER,
    PASSED,
    SANCTIONED,
    SCREEN_R,
    R,
    begun,
    play,
    report,
    step,
)

NOT_HERE = "NOT_CONFIGURED"
UNSERVED: tuple[Message, ...] = (
    CheckImpossible(CREDIT_R, "credit", NOT_HERE), CheckImpossible(MEDIA_R, "media", NOT_HERE),
    CheckImpossible(SCREEN_R, "screening", NOT_HERE),
)  # fmt: skip
NOWHERE = msgspec.structs.replace(ASK, address=PostalAddress(country="CA"))
"""A client of whom no address is known: nobody is asked about one."""


def told(made: Decision[KycState]) -> KycConcluded:
    """What the file hears."""
    (found,) = [x.message for x in made.messages if isinstance(x.message, KycConcluded)]
    return found


def opened(made: Decision[KycState]) -> list[OpenReview]:
    """The reviews that are opened."""
    return [x.message for x in made.messages if isinstance(x.message, OpenReview)]


def alerts(made: Decision[KycState]) -> tuple[str, ...]:
    """What compliance should know at once."""
    return tuple(c for x in made.events if isinstance(x, CaseAlerted) for c in x.codes)


def test_everybody_who_knows_something_is_asked_at_once_and_once() -> None:
    """S10, S21: under references that say which question it is; the same round again asks nobody."""
    two = msgspec.structs.replace(ASK, parties=(*ASK.parties, OWNER))
    made = step(KycState(Phase.NONE), two)
    assert [out.target.kind for out in made.messages] == [
        "bureau", "addresses", "credit", "media", "media", "screening", "screening", "kyc",
    ]  # fmt: skip
    assert set(made.state.waits) == {
        R, ADDRESS_R, CREDIT_R, MEDIA_R, f"{R}:media:owner-1", SCREEN_R, f"{R}:screening:owner-1:1",
    }  # fmt: skip
    start = made.messages[0].message
    assert isinstance(start, StartVerification)
    assert (start.reference, start.onboarding_id) == (R, "ONB-2026-00001")
    assert made.documents[0].collection == "kyc"
    assert made.documents[0].key == "ONB-2026-00001"
    again = step(made.state, two)
    assert (again.state, again.messages) == (made.state, ())


def test_the_published_example_scores_85_and_is_approved() -> None:
    """S10, S11, S23, X1: all passed, score 85, AUTO_APPROVE, LOW; without ports of ours and without lists the bureau's
    checks count, and our own rules come to the same 85.
    """
    state = play(UNSERVED, NOWHERE)
    made = step(state, EXAMPLE)
    assert made.reply == ReportTaken("accepted")
    assert made.state.phase is Phase.APPROVED
    decided = made.state.decided
    assert decided is not None
    assert (decided.score, decided.recommendation) == (85, Recommendation.AUTO_APPROVE)
    assert told(made) == KycConcluded(1, "approved", 85, "LOW", "AUTO_APPROVE", "SYSTEM")
    assert opened(made) == []
    assert made.cancel == ("due",)


@pytest.mark.parametrize(
    ("score", "phase"),
    [(49, Phase.REJECTED), (50, Phase.HELD), (79, Phase.HELD), (80, Phase.APPROVED)],
)
def test_the_boundaries_hold_through_the_machine(score: int, phase: Phase) -> None:
    """S22, S23, X2, X4: 49 is rejected, 50 and 79 are a person's, 80 is approved, where bureau and we agree."""
    rules = Rules(base=score, documents_valid=0, no_pep_no_sanctions=0, address_verified=0)
    state = play((*ANSWERS, report(score)), terms=KycTerms(rules))
    assert state.phase is phase
    assert state.decided is not None
    assert (state.decided.score, state.disagreements) == (score, ())


DISAGREE = [
    (report(85, recommendation="MANUAL_REVIEW"), "SCORE_AGAINST_RECOMMENDATION"),
    (report(85, status="REJECTED"), "STATUS_AGAINST_RECOMMENDATION"),
    (report(85, status="MARVELLOUS"), "STATUS_AGAINST_RECOMMENDATION"),
    (report(85, checks={**PASSED, "sanctionsCheck": "FAILED"}), "SANCTIONS_CHECK_FAILED"),
    (report(85, checks={**PASSED, "pepCheck": "FAILED"}), "PEP_DECIDED_BY_POINTS"),
    (report(40), "OURS_AGAINST_THEIRS"),
    (report(85, recommendation="PERHAPS"), "RECOMMENDATION_UNKNOWN"),
]


@pytest.mark.parametrize(("said", "code"), DISAGREE)
def test_whatever_disagrees_is_held_and_alerted(said: BureauReported, code: str) -> None:
    """X4: never approved, never rejected; the alert and the review name the disagreement."""
    made = step(play(ANSWERS), said)
    assert made.state.phase is Phase.HELD
    assert code in alerts(made)
    (question,) = opened(made)
    assert code in question.reasons
    assert question.makers == ("adv-1",)
    assert told(made).outcome == "held"
    assert told(made).withheld


def test_a_suspected_sanction_is_not_scored_and_waits_for_a_person() -> None:
    """X3: held without a score; a person who rejects confirms it, one who approves clears it, and it stays cleared."""
    found = (*ANSWERS[:3], PartyScreened(SCREEN_R, (SANCTIONED,), LISTS))
    made = step(play(found), EXAMPLE)
    assert (made.state.phase, told(made).score) == (Phase.HELD, None)
    assert made.state.decided is not None
    assert (made.state.decided.score, made.state.decided.facts.sanctions) == (
        None,
        Finding.SUSPECTED,
    )
    assert "SANCTIONS_SUSPECTED" in alerts(made)
    no = step(made.state, CaseReviewed(False, "cp-1", "it is her"))
    assert (no.state.phase, no.state.words[0].word) == (Phase.REJECTED, "confirmed")
    yes = step(made.state, CaseReviewed(True, "cp-1", "another birth date"))
    assert (yes.state.phase, yes.state.words[0].word) == (Phase.APPROVED, "cleared")
    concluded = told(yes)
    assert (concluded.by, concluded.outcome, concluded.withheld) == ("cp-1", "approved", True)
    second = msgspec.structs.replace(ASK, round=2)
    for before, finding in ((no, Finding.CONFIRMED), (yes, Finding.CLEAR)):
        state = step(before.state, second).state
        state = step(state, PartyScreened(f"ONB-2026-00001:2:screening:client:{state.searches}", (SANCTIONED,), LISTS)).state  # fmt: skip
        due = step(state, CaseDue(), now=NOW + 86_400_000).state
        assert due.decided is not None
        assert due.decided.facts.sanctions is finding


def test_a_pep_is_never_approved_or_rejected_by_points() -> None:
    """X3: a person decides, and in the next round a person again: what is known of an office is not cleared."""
    found = (*ANSWERS[:3], PartyScreened(SCREEN_R, (HIT,), LISTS))
    state = play((*found, report(60)))
    assert state.phase is Phase.HELD
    after = step(state, CaseReviewed(True, "cp-1", "source of wealth is known")).state
    assert after.words[0].word == "known"
    again = step(after, msgspec.structs.replace(ASK, round=2)).state
    hit = PartyScreened(f"ONB-2026-00001:2:screening:client:{again.searches}", (HIT,), LISTS)
    due = step(step(again, hit).state, CaseDue(), now=NOW + 86_400_000).state
    assert due.decided is not None
    assert due.decided.facts.pep is Finding.SUSPECTED


def test_a_bureau_that_is_silent_is_read_and_then_a_person_looks() -> None:
    """S27, E6: read after a while and again; after too long the case is held with its reason and an alert."""
    state = step(play(ANSWERS), VerificationStarted(R, "ver_1")).state
    read = step(state, CaseDue(), now=NOW + 900_000)
    assert [x.message for x in read.messages] == [
        CaseDue(), ReadVerification(R, "ONB-2026-00001", "ver_1"),
    ]  # fmt: skip
    assert read.messages[0].due_at == NOW + 1_800_000
    over = step(read.state, CaseDue(), now=NOW + 86_400_000)
    assert over.state.phase is Phase.HELD
    assert alerts(over) == ("BUREAU_SILENT",)
    assert told(over).score is None
    late = step(over.state, EXAMPLE)
    assert late.reply == ReportTaken("ignored")
    assert late.state == over.state
    assert isinstance(late.events[0], ReportIgnored)


def test_a_report_that_was_read_is_the_report() -> None:
    """E6: healed, it counts as one that was sent, and the webhook that comes after all is a duplicate."""
    healed = msgspec.structs.replace(EXAMPLE, healed=True)
    made = step(play(ANSWERS), healed)
    assert (made.reply, made.state.phase) == (ReportTaken("accepted"), Phase.APPROVED)
    assert step(made.state, EXAMPLE).reply == ReportTaken("duplicate")


def test_the_same_report_again_is_a_duplicate_and_another_one_is_on_record() -> None:
    """Interface.md 8: in CHECKING taken; equal again: duplicate; else ignored. A bureau that says two things is held."""
    first = step(begun(), EXAMPLE).state
    assert step(first, EXAMPLE).reply == ReportTaken("duplicate")
    other = step(first, report(49))
    assert other.reply == ReportTaken("ignored")
    state = other.state
    for answer in ANSWERS:
        state = step(state, answer).state
    assert (state.phase, state.disagreements) == (Phase.HELD, ("REPORTS_DIFFER",))
    nobody = step(KycState(Phase.NONE), EXAMPLE)
    assert (nobody.reply, nobody.state.phase) == (ReportTaken("ignored"), Phase.NONE)


def test_without_a_bureau_our_own_decision_stands_and_a_person_looks() -> None:
    """S27: nobody has checked who it is; no score approves that, and none rejects it for it."""
    made = step(play(ANSWERS), CheckImpossible(R, "identity", NOT_HERE))
    assert (made.state.phase, alerts(made)) == (Phase.HELD, ())
    assert "IDENTITY_NOT_CHECKED" in opened(made)[0].reasons
    nothing = play((*UNSERVED, CheckImpossible(R, "identity", NOT_HERE)), NOWHERE)
    assert nothing.phase is Phase.HELD
    refused = step(play(ANSWERS), CheckImpossible(R, "identity", "REFUSED"))
    assert alerts(refused) == ("BUREAU_REFUSED",)


@pytest.mark.parametrize(
    ("own", "word", "verified"),
    [
        (AddressChecked(ADDRESS_R, True, 97, None), "PASSED", True),
        (AddressChecked(ADDRESS_R, True, 97, None), "FAILED", False),
        (AddressChecked(ADDRESS_R, True, 97, None), "LATER", None),
        (AddressChecked(ADDRESS_R, False, 3, None), "PASSED", False),
        (CheckImpossible(ADDRESS_R, "address", "COUNTRY_NOT_COVERED"), "PASSED", True),
        (CheckImpossible(ADDRESS_R, "address", NOT_HERE), "FAILED", False),
        (CheckImpossible(ADDRESS_R, "address", "REFUSED"), "PASSED", None),
    ],
)  # fmt: skip
def test_the_worse_word_counts_where_both_have_one(
    own: Message, word: str, verified: bool | None
) -> None:
    """S24, X4: our own party's word and the bureau's; where there is no party of ours, the bureau's."""
    said = report(checks={**PASSED, "addressVerification": word})
    state = play((*ANSWERS[1:], own, said))
    assert state.decided is not None
    assert state.decided.facts.address_verified is verified


def test_what_the_press_or_a_list_of_crimes_says_is_a_persons_to_judge() -> None:
    """S21, X3: an article, or an entry that is neither a sanction nor an office."""
    crime = msgspec.structs.replace(HIT, topics=("crime",))
    for found in (
        (MediaSearched(MEDIA_R, (ARTICLE,)), ANSWERS[3]),
        (ANSWERS[2], PartyScreened(SCREEN_R, (crime,), LISTS)),
    ):
        state = play((*ANSWERS[:2], *found, report(85)))
        assert state.phase is Phase.HELD
        assert state.decided is not None
        assert state.decided.reasons == ("ADVERSE_MEDIA",)


def test_documents_that_a_person_must_see_hold_a_file() -> None:
    """S19: the same identity document in two clients' files is weighed by no score."""
    ask = msgspec.structs.replace(
        ASK, documents=DocumentsJudged(valid=True, codes=("DUPLICATE_IDENTITY",))
    )
    state = play((*ANSWERS, EXAMPLE), ask)
    assert (state.phase, state.disagreements) == (Phase.HELD, ("DUPLICATE_IDENTITY",))


# Whatever comes, in whatever order.

REPORTS = st.sampled_from([EXAMPLE, report(60), report(10), *(said for said, _ in DISAGREE)])
HITS = st.lists(
    st.sampled_from([HIT, SANCTIONED]), max_size=2, unique_by=lambda one: one.fingerprint
).map(tuple)


@st.composite
def answers(draw: st.DrawFn) -> list[Message]:
    """One answer to every question: it is there, or it cannot be had."""

    def either(answer: Message, reference: str, check: str) -> Message:
        code = draw(st.sampled_from(["", NOT_HERE, "REFUSED"]))
        return CheckImpossible(reference, check, code) if code else answer  # type: ignore[arg-type]

    return [
        either(AddressChecked(ADDRESS_R, draw(st.booleans()), 50, None), ADDRESS_R, "address"),
        either(CreditChecked(CREDIT_R, draw(st.booleans()), "x"), CREDIT_R, "credit"),
        either(MediaSearched(MEDIA_R, draw(st.sampled_from([(), (ARTICLE,)]))), MEDIA_R, "media"),
        either(PartyScreened(SCREEN_R, draw(HITS), LISTS), SCREEN_R, "screening"),
        either(draw(REPORTS), R, "identity"),
    ]  # fmt: skip


DOCUMENTS = st.builds(
    DocumentsJudged, st.none() | st.booleans(), st.booleans(), st.booleans(), st.just(())
)


def outcome(state: KycState) -> tuple[object, ...]:
    """All that a decision is."""
    return state.phase, state.decided, state.disagreements, state.waits


@given(answers(), st.randoms(use_true_random=False), DOCUMENTS)
def test_any_order_and_any_repetition_gives_the_same_decision(
    given_: list[Message], chance: object, documents: DocumentsJudged
) -> None:
    """S16, S21: answers come late, twice, in any order, with the case read in between: the decision is the same."""
    ask = msgspec.structs.replace(ASK, documents=documents)
    straight = play(given_, ask)
    twice = [*given_, *given_, VerificationStarted(R, "ver_1"), DescribeCase(), ask]
    chance.shuffle(twice)  # type: ignore[attr-defined]
    assert outcome(play(twice, ask)) == outcome(straight)
    assert straight.phase is not Phase.CHECKING


@given(answers(), st.sets(st.integers(0, 4), min_size=1), DOCUMENTS)
def test_no_outage_approves_or_rejects(
    given_: list[Message], away: set[int], documents: DocumentsJudged
) -> None:
    """S27: as long as anybody is away the case waits, and after too long a person decides."""
    ask = msgspec.structs.replace(ASK, documents=documents)
    state = play([x for n, x in enumerate(given_) if n not in away], ask)
    assert state.phase is Phase.CHECKING
    assert step(state, CaseDue(), now=state.due_at - 1).state.phase is Phase.CHECKING
    over = step(state, CaseDue(), now=state.due_at)
    assert over.state.phase is Phase.HELD
    assert alerts(over)
    assert len(opened(over)) == 1


@given(answers(), DOCUMENTS)
def test_what_is_approved_was_checked_and_agreed(
    given_: list[Message], documents: DocumentsJudged
) -> None:
    """X3, X4, S27: an approval by points has a report that agrees, a checked identity, searched lists, and no hit."""
    state = play(given_, msgspec.structs.replace(ASK, documents=documents))
    if state.phase is not Phase.APPROVED:
        return
    decided, said = state.decided, state.report
    assert decided is not None
    assert said is not None
    assert (decided.score or 0) >= 80
    assert (said.score >= 80, said.recommendation) == (True, "AUTO_APPROVE")
    assert decided.facts.identity_verified is True
    assert decided.facts.documents_valid is True
    assert (decided.facts.pep, decided.facts.sanctions) == (Finding.CLEAR, Finding.CLEAR)
    assert decided.facts.adverse_media in (Finding.CLEAR, None)


@given(answers(), DOCUMENTS)
def test_a_decision_can_be_taken_again_from_what_is_kept(
    given_: list[Message], documents: DocumentsJudged
) -> None:
    """E2: with its facts, its rules and the digests of both and of the lists; on record once."""
    state = play(given_, msgspec.structs.replace(ASK, documents=documents))
    shown = step(state, DescribeCase()).reply
    assert isinstance(shown, CaseDescribed)
    assert shown.decided is not None
    assert state.decided is not None
    assert state.rules is not None
    assert shown.decided["rulesDigest"] == state.rules.digest
    assert shown.decided["factsDigest"] == state.decided.facts.digest
    assert shown.computed_score == state.decided.score


# Watched for as long as the case is there.


def rescreened(state: KycState, *hits: object) -> Decision[KycState]:
    """A list has another version, and the search finds these."""
    asked = step(state, RescreenCase("demo", "2"))
    (question,) = asked.messages
    assert isinstance(question.message, ScreenParty)
    return step(asked.state, PartyScreened(question.message.reference, hits, {"demo": "bb" * 32}))  # type: ignore[arg-type]


def test_a_new_hit_holds_an_approved_case_and_a_cleared_one_is_silent() -> None:
    """S21, E4: an alert and a review; what a person has cleared speaks again only when list or client say otherwise."""
    approved = play((*ANSWERS, EXAMPLE))
    quiet = rescreened(approved)
    assert (quiet.state.phase, quiet.events, quiet.messages) == (Phase.APPROVED, (), ())
    assert quiet.state.lists == {"demo": "bb" * 32}
    found = rescreened(approved, SANCTIONED)
    assert (found.state.phase, alerts(found)) == (Phase.HELD, ("NEW_HIT",))
    assert not [x for x in found.events if isinstance(x, CaseDecided)]
    assert told(found).outcome == "held"
    assert told(found).score == 85, "what the advisor saw is what the advisor sees"
    (question,) = opened(found)
    cleared = step(found.state, CaseReviewed(True, "cp-1", "other", round=question.round)).state
    silent = rescreened(cleared, SANCTIONED)
    assert (silent.state.phase, silent.events) == (Phase.APPROVED, ())
    changed = rescreened(cleared, msgspec.structs.replace(SANCTIONED, fingerprint="f3"))
    assert alerts(changed) == ("NEW_HIT",)


def test_a_review_that_has_not_seen_the_new_hit_decides_nothing() -> None:
    """E4, X3: a hit that comes while a person looks opens the review anew, and the word of before does not count."""
    held = play((*ANSWERS, report(60)))
    assert (held.phase, held.reviews) == (Phase.HELD, 1)
    found = rescreened(held, SANCTIONED)
    assert opened(found)[0].round == 2
    late = step(found.state, CaseReviewed(True, "cp-1", "fine", round=1))
    assert late.state == found.state
    seen = step(found.state, CaseReviewed(True, "cp-1", "fine", round=2))
    assert seen.state.phase is Phase.APPROVED


def test_a_rejected_client_is_watched_too() -> None:
    """S21: an alert, and nothing to decide."""
    rejected = step(play((*ANSWERS, report(60))), CaseReviewed(False, "cp-1", "no")).state
    found = rescreened(rejected, SANCTIONED)
    assert (found.state.phase, alerts(found), found.messages) == (Phase.REJECTED, ("NEW_HIT",), ())


def test_a_search_that_was_overtaken_does_not_count() -> None:
    """S21: of two versions of a list the last one is what a case was searched in."""
    approved = play((*ANSWERS, EXAMPLE))
    once = step(approved, RescreenCase("demo", "2")).state
    twice = step(once, RescreenCase("demo", "3")).state
    late = step(twice, PartyScreened(f"{R}:screening:client:2", (SANCTIONED,), {"demo": "bb"}))
    assert (late.state, late.events) == (twice, ())
    gone = step(twice, CheckImpossible(f"{R}:screening:client:3", "screening", "REFUSED"))
    assert (gone.state.phase, gone.state.waits, gone.state.hits) == (
        Phase.APPROVED,
        (),
        {"client": ()},
    )


def test_a_list_that_changes_while_a_case_is_checked_is_searched_again() -> None:
    """S21, S27: the case waits for the search of the new version."""
    asked = step(play(ANSWERS), RescreenCase("demo", "2")).state
    state = step(asked, EXAMPLE).state
    assert state.phase is Phase.CHECKING
    done = step(state, PartyScreened(f"{R}:screening:client:2", (), LISTS)).state
    assert done.phase is Phase.APPROVED


def test_another_round_begins_anew_and_ends_the_review_of_before() -> None:
    """S16, E4: a file that comes again is assessed again; the review that was open is not needed any more."""
    held = play((*ANSWERS, report(60)))
    again = step(held, msgspec.structs.replace(ASK, round=2))
    assert again.state.phase is Phase.CHECKING
    assert again.messages[0].target == Address("review", "ONB-2026-00001")
    assert again.messages[0].message == WithdrawReview(1)
    assert (again.state.report, again.state.reviews) == (None, 1)
    assert step(again.state, report(60)).reply == ReportTaken("duplicate")

"""The assessment of a client: the machine of actors/kyc, its answers, its ends, and what may never happen."""

import msgspec
import pytest

from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckImpossible,
    MediaSearched,
    PartyScreened,
    ReadVerification,
    StartVerification,
    VerificationStarted,
)
from comptoir.actors.kyc import Finding, Recommendation, Rules
from comptoir.actors.kyc.messages import (
    BureauReported,
    CaseDue,
    CaseReviewed,
    DocumentsJudged,
    PostalAddress,
    ReportTaken,
)
from comptoir.actors.kyc.state import KycState, Phase, ReportIgnored
from comptoir.actors.kyc.terms import KycTerms
from comptoir.actors.onboarding.messages import KycConcluded
from comptoir.engine import Message
from tests.actors.assessed import (
    ADDRESS_R,
    ANSWERS,
    ARTICLE,
    ASK,
    CREDIT_R,
    DISAGREE,
    EXAMPLE,
    HIT,
    LISTS,
    MEDIA_R,
    NOT_HERE,
    NOW,
    OWNER,
    PASSED,
    SANCTIONED,
    SCREEN_R,
    R,
    alerts,
    begun,
    opened,
    play,
    report,
    step,
    told,
)

UNSERVED: tuple[Message, ...] = (
    CheckImpossible(CREDIT_R, "credit", NOT_HERE), CheckImpossible(MEDIA_R, "media", NOT_HERE),
    CheckImpossible(SCREEN_R, "screening", NOT_HERE),
)  # fmt: skip
NOWHERE = msgspec.structs.replace(ASK, address=PostalAddress(country="CA"))
"""A client of whom no address is known: nobody is asked about one."""


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

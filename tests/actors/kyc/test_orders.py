"""Whatever is answered, in whatever order: properties of the machine of actors/kyc."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckImpossible,
    CreditChecked,
    MediaSearched,
    PartyScreened,
    VerificationStarted,
)
from comptoir.actors.kyc import Finding
from comptoir.actors.kyc.messages import (
    CaseDescribed,
    CaseDue,
    DescribeCase,
    DocumentsJudged,
)
from comptoir.actors.kyc.state import KycState, Phase
from comptoir.engine import Message
from tests.actors.assessed import (
    ADDRESS_R,
    ARTICLE,
    ASK,
    CREDIT_R,
    DISAGREE,
    EXAMPLE,
    HIT,
    LISTS,
    MEDIA_R,
    NOT_HERE,
    SANCTIONED,
    SCREEN_R,
    R,
    alerts,
    opened,
    play,
    report,
    step,
)

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

"""Samples of a case, in each of its phases, and of what may be said to it; and a whole case, played."""

from collections.abc import Iterable
from typing import Any

import msgspec

from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckImpossible,
    CreditChecked,
    Headline,
    ListedHit,
    MediaSearched,
    PartyScreened,
    VerificationStarted,
)
from comptoir.actors.kyc.machine import MACHINE
from comptoir.actors.kyc.messages import (
    AssessClient,
    BureauReported,
    CaseDue,
    CaseReviewed,
    DescribeCase,
    DocumentsJudged,
    ForgetCase,
    PartiesChanged,
    Party,
    PostalAddress,
    RescreenCase,
)
from comptoir.actors.kyc.state import CaseAlerted, KycState, Phase
from comptoir.actors.kyc.terms import KYC_TERMS, KycTerms
from comptoir.actors.onboarding.messages import KycConcluded
from comptoir.actors.review.messages import OpenReview
from comptoir.engine import Address, Decision, Message
from comptoir.engine.machine import Context
from comptoir.engine.values import State

__all__ = [
    "ANSWERS", "ASK", "CASES", "CASE_TERMS", "DISAGREE", "EXAMPLE", "FILE", "HIT", "MARIE", "NOT_HERE", "OWNER", "PASSED", "RENAMED",
    "SANCTIONED", "alerts", "begun", "opened", "play", "report", "step", "told",
]  # fmt: skip

NOW = 1_800_000_000_000
FILE = Address("kyc", "ONB-2026-00001")
R = "ONB-2026-00001:1"
ADDRESS_R, CREDIT_R = f"{R}:address", f"{R}:credit"
MEDIA_R, SCREEN_R = f"{R}:media:client", f"{R}:screening:client:1"
CASE_TERMS = KycTerms()
MARIE = Party("client", "client", "Person", "Marie", "Tremblay", "1980-05-15", "CA", "CA", "CA")
RENAMED = msgspec.structs.replace(MARIE, last_name="Sorokina")
OWNER = Party("owner-1", "beneficial_owner", "Person", "Paul", "Roy", "1970-01-01", "CA", "CA")
ASK = AssessClient(
    1, "INDIVIDUAL", "cli_1", "adv-1", "m@t.example", "+15145551234", (MARIE,),
    PostalAddress("12 rue Sherbrooke", "H2X 1A1", "Montréal", "QC", "CA"), DocumentsJudged(valid=True),
)  # fmt: skip
PASSED: dict[str, str] = dict.fromkeys(
    ("identityVerification", "addressVerification", "pepCheck", "sanctionsCheck", "adverseMedia"),
    "PASSED",
)


def report(score: int = 85, **changes: Any) -> BureauReported:
    """A bureau's report that agrees with itself (S10, S23)."""
    word = "AUTO_APPROVE" if score >= 80 else "MANUAL_REVIEW" if score >= 50 else "REJECT"
    status = {"AUTO_APPROVE": "APPROVED", "MANUAL_REVIEW": "PENDING_REVIEW", "REJECT": "REJECTED"}
    risk = {"AUTO_APPROVE": "LOW", "MANUAL_REVIEW": "MEDIUM", "REJECT": "HIGH"}
    made = BureauReported(
        status[word],
        score,
        PASSED,
        risk[word],
        word,
        "SYSTEM",
        "2026-12-01T15:45:00Z",
        f"{score:064x}",
    )
    return msgspec.structs.replace(made, **changes)


EXAMPLE = report()
LISTS = {"demo": "aa" * 32}
HIT = ListedHit("demo", "Q1", "Marie T.", 910, ("role.pep",), {"name": 0.9}, "f1")
SANCTIONED = msgspec.structs.replace(HIT, entry_id="Q2", topics=("sanction",), fingerprint="f2")
ARTICLE = Headline("Fraud", "The Paper", "2026-01-01", "https://paper.example/1")
STARTED = VerificationStarted(R, "ver_1")
NOT_HERE = "NOT_CONFIGURED"
ANSWERS: tuple[Message, ...] = (
    AddressChecked(ADDRESS_R, True, 97, None), CreditChecked(CREDIT_R, False, "fair"),
    MediaSearched(MEDIA_R, ()), PartyScreened(SCREEN_R, (), LISTS),
)  # fmt: skip
"""Nothing against anybody, and no high credit: 85 with good documents."""


def step(
    state: KycState, message: Message, now: int = NOW, terms: KycTerms = CASE_TERMS
) -> Decision[KycState]:
    """One decision."""
    made = MACHINE.decide(state, message, Context(FILE, now, 1, {KYC_TERMS: terms}))
    assert isinstance(made, Decision), made
    return made


def play(
    messages: Iterable[Message], ask: AssessClient = ASK, terms: KycTerms = CASE_TERMS
) -> KycState:
    """A case to which these are said, in this order."""
    state = begun(ask)
    for message in messages:
        state = step(state, message, terms=terms).state
    return state


def begun(ask: AssessClient = ASK) -> KycState:
    """A case in which everybody was asked."""
    return step(KycState(Phase.NONE), ask).state


BAD = msgspec.structs.replace(ASK, documents=DocumentsJudged(valid=True, inconsistent=True))
"""45 points: rejected by them."""


def _last(message: Message, ask: AssessClient, told: BureauReported) -> KycState:
    """A case that waits for this answer and no other."""
    others = [one for one in (*ANSWERS, told) if type(one) is not type(message)]
    reference = getattr(message, "reference", "")
    others = [one for one in others if not reference or getattr(one, "reference", "") != reference]
    return play(others, ask)


_WAYS = ((ASK, EXAMPLE), (BAD, report(45)), (ASK, report(45)))
"""What agrees on an approval, on a rejection, and what disagrees."""
WAITING = begun()
DECIDED = (
    play((*ANSWERS, EXAMPLE)), play((*ANSWERS, report(45))), play((*ANSWERS, report(45)), BAD)
)  # fmt: skip
IMPOSSIBLE = CheckImpossible(CREDIT_R, "credit", "NOT_CONFIGURED")
TO_CASE: tuple[Message, ...] = (
    ASK, STARTED, EXAMPLE, *ANSWERS, IMPOSSIBLE, CaseDue(), CaseReviewed(True, "cp-1", "known"),
    RescreenCase("demo", "2"), PartiesChanged((RENAMED,)), DescribeCase(), ForgetCase(),
)  # fmt: skip
SEARCHED_AGAIN = tuple(step(one, RescreenCase("demo", "2")).state for one in DECIDED)
FOUND_LATE = PartyScreened(f"{R}:screening:client:2", (SANCTIONED,), LISTS)
CASES: tuple[tuple[State, Message], ...] = (
    *((state, message)
      for state in (KycState(Phase.NONE), WAITING, *DECIDED) for message in TO_CASE),
    *((_last(message, ask, told), told if isinstance(message, BureauReported) else message)
      for ask, told in _WAYS for message in (*ANSWERS, IMPOSSIBLE, EXAMPLE)),
    (msgspec.structs.replace(WAITING, due_at=NOW), CaseDue()),
    *((state, msgspec.structs.replace(ASK, round=2)) for state in DECIDED),
    (DECIDED[1], CaseReviewed(False, "cp-1", "it is them")),
    (DECIDED[1], CaseReviewed(True, "cp-1", "late", round=9)),
    *((state, FOUND_LATE) for state in SEARCHED_AGAIN),
)  # fmt: skip
"""Of every phase with every message, and so that every end is reached."""

DISAGREE = [
    (report(85, recommendation="MANUAL_REVIEW"), "SCORE_AGAINST_RECOMMENDATION"),
    (report(85, status="REJECTED"), "STATUS_AGAINST_RECOMMENDATION"),
    (report(85, status="MARVELLOUS"), "STATUS_AGAINST_RECOMMENDATION"),
    (report(85, checks={**PASSED, "sanctionsCheck": "FAILED"}), "SANCTIONS_CHECK_FAILED"),
    (report(85, checks={**PASSED, "pepCheck": "FAILED"}), "PEP_DECIDED_BY_POINTS"),
    (report(40), "OURS_AGAINST_THEIRS"),
    (report(85, recommendation="PERHAPS"), "RECOMMENDATION_UNKNOWN"),
]
"""What disagrees with itself, or with us, and what it is called (X4)."""


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

"""What decisions of files and reviews add to the sums of their day (S26, S39, E17; adr/0048)."""

from typing import Any

import msgspec
import pytest

from comptoir.actors.account.messages import AccountRefused
from comptoir.actors.counting import counted
from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.onboarding.counting import WAITS, tell
from comptoir.actors.onboarding.machine import MACHINE
from comptoir.actors.onboarding.messages import FileExpired, Move, Said
from comptoir.actors.onboarding.onward_messages import SignatureDue
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import TERMS
from comptoir.actors.onboarding_day.messages import (
    CountFate,
    CountReview,
    CountStage,
    day_at,
)
from comptoir.actors.review.counting import tell as tell_of_review
from comptoir.actors.review.machine import MACHINE as REVIEW
from comptoir.actors.review.messages import DecideReview
from comptoir.actors.review.terms import TERMS as REVIEW_TERMS_NAME
from comptoir.engine import Address, Decision, Message
from comptoir.engine.machine import Context, Machine
from tests.actors.filed import (
    ASSESSED,
    BEGUN,
    CONCLUDED,
    FILE_TERMS,
    INITIATE,
    INSPECTED,
    INSPECTING,
    NOW,
)
from tests.actors.onward import CREATED, PENDING, SENT
from tests.actors.reviewed import REVIEW_TERMS, STATES

REFERENCES = {TERMS: FILE_TERMS, REVIEW_TERMS_NAME: REVIEW_TERMS, CUTOFFS: Cutoffs()}
FILES = counted(MACHINE, tell)


def told(machine: Machine[Any], state: Any, message: Message) -> list[Message]:
    """What a decision sends to its day."""
    context = Context(Address(machine.name, "ONB-2027-00001"), NOW, 1, REFERENCES)
    found = machine.decide(state, message, context)
    assert isinstance(found, Decision)
    return [one.message for one in found.messages if one.target == day_at(NOW)]


def test_a_counted_machine_is_the_machine() -> None:
    """Its drawing and its table are the same, so the pages that are made of them tell the truth."""
    assert FILES.mermaid() == MACHINE.mermaid()
    assert FILES.table() == MACHINE.table()
    assert FILES.refusal is MACHINE.refusal


def test_a_file_that_begins_is_counted() -> None:
    """S39: abandonment is a share of what was begun."""
    assert told(FILES, OnboardingState(Phase.NONE), INITIATE) == [CountFate("begun")]


def test_a_stage_is_counted_when_it_is_left() -> None:
    """E17: by its time since the last move, with the reason for waiting."""
    move = Move("INITIATED", "DOCUMENTS_PENDING", "CLIENT_INVITED", "mail", NOW - 7000)
    state = msgspec.structs.replace(INSPECTING, history=(move,))
    assert told(FILES, state, INSPECTED)[0] == CountStage("DOCUMENTS_PENDING", "client", 7000)


def test_what_changes_nothing_is_not_counted() -> None:
    """A repeat, or a timer that was on its way, adds nothing to any day."""
    assert told(FILES, BEGUN, FileExpired()) == []


def test_an_abandoned_file_says_where() -> None:
    """S39, E17: its cause is the stage in which it was given up."""
    late = msgspec.structs.replace(BEGUN, expires_at=NOW)
    assert told(FILES, late, FileExpired()) == [
        CountStage("INITIATED", "client", 1), CountFate("abandoned", "INITIATED"),
    ]  # fmt: skip


def test_an_account_is_what_onboarding_took() -> None:
    """S39: from the beginning to the account, once, beside the stage that was left."""
    counted_ones = told(FILES, msgspec.structs.replace(PENDING, created_at=NOW - 9000), CREATED)
    assert counted_ones[1:] == [CountFate("completed"), CountStage("TO_ACCOUNT", "all", 9000)]


def test_who_says_no_has_not_given_up() -> None:
    """S39, E17: an advisor or the mainframe, after the decision; a contract that nobody signs is the client's."""
    refused = told(FILES, PENDING, AccountRefused("X", NOW))
    assert refused[-1] == CountFate("refused", "ACCOUNT_CREATION_PENDING")
    late = msgspec.structs.replace(SENT.onward.signing, due_at=NOW)
    unsigned = msgspec.structs.replace(
        SENT, onward=msgspec.structs.replace(SENT.onward, signing=late)
    )
    assert told(FILES, unsigned, SignatureDue())[-1] == CountFate("abandoned", "SIGNATURE_PENDING")


def test_every_stage_that_is_left_waits_for_somebody() -> None:
    """E17: a phase that is added without a reason for waiting fails here."""
    left = {
        line.source.value
        for line in MACHINE
        for target in line.targets
        if target is not line.source
    }
    assert left - {"NONE"} <= set(WAITS)


def test_what_a_person_decides_is_counted_against_the_rules() -> None:
    """S26: recommendation and decision, once."""
    machine = counted(REVIEW, tell_of_review)
    assert told(machine, STATES[1], DecideReview("eva", False, "not plausible")) == [
        CountReview("MANUAL_REVIEW", False, False, screened=True)
    ]
    assert told(machine, STATES[5], DecideReview("eva", False, "not plausible")) == []


@pytest.mark.parametrize(
    ("reasons", "screened"),
    [
        (("SANCTIONS_SUSPECTED",), True), (("ADVERSE_MEDIA", "IDENTITY_NOT_VERIFIED"), True),
        (("IDENTITY_NOT_VERIFIED",), False), (("PEP", "NEW_HIT"), False),
    ],
)  # fmt: skip
def test_who_is_stopped_by_screening_is_known(reasons: tuple[str, ...], screened: bool) -> None:
    """S27: a name on a list before the decision; found on one later, no file waited for it."""
    state = msgspec.structs.replace(STATES[1], reasons=reasons)
    found = told(counted(REVIEW, tell_of_review), state, DecideReview("eva", True, "a namesake"))
    assert found == [CountReview("MANUAL_REVIEW", True, False, screened)]


@pytest.mark.parametrize(
    ("again", "flags", "mistaken"),
    [
        (0, (), False),
        (1, (), True),
        (0, ("DATA_INCONSISTENT",), True),
        (0, ("IMAGE_PLACE",), False),
    ],
)
def test_a_file_is_whole_once_with_its_errors(
    again: int, flags: tuple[str, ...], mistaken: bool
) -> None:
    """S39: an entry error is a property of the file, counted as it is whole for the first time, and not once more
    after it was resumed.
    """
    state = msgspec.structs.replace(INSPECTING, asked_again=again)
    inspected = msgspec.structs.replace(INSPECTED, flags=flags)
    fates = [CountFate("entered"), *([CountFate("mistaken")] if mistaken else [])]
    found = [one for one in told(FILES, state, inspected) if isinstance(one, CountFate)]
    assert found == fates
    before = Move(
        "DOCUMENTS_PENDING", "DOCUMENTS_UPLOADED", "DOCUMENTS_UPLOADED", "client", NOW - 9
    )
    resumed = msgspec.structs.replace(state, history=(before,))
    assert not [one for one in told(FILES, resumed, inspected) if isinstance(one, CountFate)]


@pytest.mark.parametrize(("land", "mistaken"), [("FR", True), ("CA", False)])
def test_what_a_document_says_otherwise_is_an_error_of_its_file(land: str, mistaken: bool) -> None:
    """S39, S20: that is found by comparing it with what was declared, and stands in no flag of its inspection."""
    said = {**INSPECTING.said, "nationality": (Said(land, "client", "cli_1", NOW - 9),)}
    read = msgspec.structs.replace(INSPECTED, fields={"nationality": "CAN"})
    found = told(FILES, msgspec.structs.replace(INSPECTING, said=said), read)
    assert (CountFate("mistaken") in found) is mistaken


def test_a_document_that_is_asked_for_again_is_an_error_of_its_file() -> None:
    """S39: what was found in it counts; that it had not come yet does not."""
    machine = FILES
    context = Context(Address(machine.name, "ONB-2027-00001"), NOW, 1, REFERENCES)
    blurred = msgspec.structs.replace(INSPECTED, flags=("TEXT_UNREADABLE",))
    found = machine.decide(INSPECTING, blurred, context)
    assert isinstance(found, Decision)
    assert found.state.asked_again == 1


@pytest.mark.parametrize(
    ("held", "outcome", "name"),
    [(False, "approved", "TO_APPROVAL_ALONE"), (True, "approved", "TO_DECISION_REVIEWED"),
     (True, "rejected", "TO_DECISION_REVIEWED"), (False, "rejected", None)],
)  # fmt: skip
def test_a_decision_is_timed_by_who_took_it(held: bool, outcome: str, name: str | None) -> None:
    """S27: 24 hours are for what the rules approve alone, three days for what a person looks at."""
    move = Move("KYC_PENDING", "COMPLIANCE_HOLD", "KYC_HELD", "SYSTEM", NOW - 5)
    state = msgspec.structs.replace(
        ASSESSED, created_at=NOW - 9000, history=(move,) if held else ()
    )
    word = msgspec.structs.replace(CONCLUDED, outcome=outcome)
    wholes = [x for x in told(FILES, state, word) if isinstance(x, CountStage) and x.waits == "all"]
    assert wholes == [CountStage(x, "all", 9000) for x in ("TO_DECISION", name) if x]

"""One profile on both sides, once a client has an account: actors/onboarding/syncing.py."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.account.messages import (
    CoreProfileChanged,
    CorrectionAnswered,
    CorrectProfile,
)
from comptoir.actors.kyc.messages import PartiesChanged
from comptoir.actors.onboarding.messages import (
    ChangeProfile,
    ProfileClosed,
    ProfileDescribed,
    ProfileRefused,
)
from comptoir.actors.onboarding.onward_events import ProfileSynced
from comptoir.actors.onboarding.profile import said_by, values
from comptoir.actors.onboarding.state import OnboardingState
from comptoir.engine import Address, Decision
from tests.actors.filed import NOW
from tests.actors.onboarding.test_onward import FILE, decide, play, sent
from tests.actors.onward import COMPLETED, CORRECTED, MOVES

replace = msgspec.structs.replace
STREET, CITY = "address/street", "address/city"


def there(sequence: int, **fields: str) -> CoreProfileChanged:
    """What the mainframe says, in the letters of its record."""
    paths = {name.replace("__", "/"): text for name, text in fields.items()}
    return CoreProfileChanged(f"CH{sequence}", sequence, paths, NOW - 5)


def commands(made: "Decision[OnboardingState]") -> list[Any]:
    """All that it says but to its case, which hears what the file is about now (S21)."""
    return [x.message for x in made.messages if x.target.kind != "kyc"]


def correction(state: OnboardingState) -> str:
    """How far it is."""
    return state.onward.correction.status


def test_what_the_mainframe_changes_stands_and_who_said_what_is_kept() -> None:
    """S33, E16: the mainframe has the last word of a client with an account; nobody's word is lost; one event."""
    made = decide(COMPLETED, there(1, address__city="LAVAL"))
    assert values(made.state.said)[CITY] == "LAVAL"
    assert [one.source for one in made.state.said[CITY]] == ["mainframe", "client"]
    assert made.events == (ProfileSynced("CH1", 1, (CITY,), NOW - 5),)
    assert (made.state.version, commands(made)) == (COMPLETED.version + 1, [])


def test_who_is_called_otherwise_there_is_searched_for_again() -> None:
    """S21, S33: its case hears the name that stands now, with everything that is news, also of who was renamed before; and it is
    the case that knows whether it has searched for that name.
    """
    made = decide(COMPLETED, there(1, lastName="SOROKIN"))
    (again,) = sent(made, PartiesChanged)
    assert [x.target for x in made.messages] == [Address("kyc", FILE.key)]
    assert [(x.id, x.first_name, x.last_name) for x in again.parties] == [("client", "Marie", "SOROKIN")]  # fmt: skip
    assert decide(made.state, there(2, lastName="SOROKIN")).messages == ()
    (of_before,) = sent(decide(made.state, there(3, address__city="LAVAL")), PartiesChanged)
    assert of_before == again
    entity = replace(COMPLETED, said={**COMPLETED.said, "entity/name": COMPLETED.said["lastName"]})
    (named,) = sent(decide(entity, there(1, lastName="SAGUENAY INC")), PartiesChanged)
    assert [x.last_name for x in named.parties] == ["Tremblay", "SAGUENAY INC"]


@pytest.mark.parametrize(("path", "text"), [(CITY, "MONTRÉAL"), ("address/postalCode", "H3A1B1"), ("lastName", "TREMBLAY")])  # fmt: skip
def test_what_is_the_same_in_a_record_is_no_change(path: str, text: str) -> None:
    """X12: an echo of what we sent keeps the spelling of whoever said it, and nobody is told."""
    assert decide(COMPLETED, CoreProfileChanged("CH1", 1, {path: text}, NOW)) == Decision(COMPLETED)


def test_a_change_that_is_taken_back_there_has_the_spelling_that_was_here() -> None:
    """X12: `Montréal` again, and not `MONTRÉAL`."""
    moved = play(COMPLETED, there(1, address__city="LAVAL"))
    assert values(play(moved, there(2, address__city="MONTRÉAL")).said)[CITY] == "Montréal"


def test_the_name_of_a_client_who_is_no_person() -> None:
    """S30: a record has it in the field of the last name."""
    entity = replace(COMPLETED, said={**COMPLETED.said, "entity/name": COMPLETED.said["lastName"]})
    made = decide(entity, there(1, lastName="SAGUENAY INC"))
    assert values(made.state.said)["entity/name"] == "SAGUENAY INC"
    assert values(made.state.said)["lastName"] == "Tremblay"


def test_an_advisor_corrects_an_address_and_it_stands_when_the_mainframe_says_so() -> None:
    """S33: one command with the whole address and no number of a person; taken, then applied by its own echo."""
    asked = decide(COMPLETED, MOVES)
    (order,) = sent(asked, CorrectProfile)
    assert (order.number, order.profile.street, order.profile.city) == (1, "9 rue Peel", "Montréal")
    assert isinstance(asked.reply, ProfileDescribed)
    assert values(asked.state.said)[STREET] == "1 rue Sherbrooke", "not yet"
    taken = play(asked.state, CorrectionAnswered(1, "taken"))
    assert (correction(taken), values(taken.said)[STREET]) == ("taken", "1 rue Sherbrooke")
    applied = decide(taken, there(1, address__street="9 RUE PEEL"))
    assert (correction(applied.state), values(applied.state.said)[STREET]) == ("applied", "9 rue Peel")  # fmt: skip
    assert said_by(applied.state.said, "mainframe")[STREET].value == "9 rue Peel"
    assert commands(applied) == []
    again = decide(applied.state, there(1, address__street="9 RUE PEEL"))
    assert (again.events, again.messages) == ((), ())


STEPS = st.lists(
    st.sampled_from([
        CorrectionAnswered(1, "taken"), CorrectionAnswered(1, "refused", "STATUS_08"),
        CorrectionAnswered(1, "unconfirmed"), CorrectionAnswered(2, "taken"), there(1, address__street="9 RUE PEEL"),
        there(2, address__street="5 RUE GUY"), there(3, address__city="LAVAL"),
    ]),
    max_size=8,
)  # fmt: skip


@given(STEPS)
def test_whatever_comes_no_command_follows_and_the_last_said_there_stands(steps: list[Any]) -> None:
    """S33: no loop; once applied it stays so; what stands is what the mainframe said last."""
    state, was_applied = CORRECTED, False
    for step in steps:
        made = decide(state, step)
        assert commands(made) == []
        state = made.state
        was_applied = was_applied or correction(state) == "applied"
        assert not was_applied or correction(state) == "applied"
    streets = [x.fields[STREET] for x in steps if isinstance(x, CoreProfileChanged) and STREET in x.fields]  # fmt: skip
    wanted = {"9 RUE PEEL": "9 rue Peel", "5 RUE GUY": "5 RUE GUY"}
    assert values(state.said)[STREET] == (wanted[streets[-1]] if streets else "1 rue Sherbrooke")


def _says(**changes: Any) -> ChangeProfile:
    paths = {name.replace("__", "/"): value for name, value in changes.items()}
    return replace(MOVES, changes=paths)


@pytest.mark.parametrize(
    "message",
    [
        replace(MOVES, source="client"),
        _says(firstName="Anne"),
        _says(nationalId__number="130 692 544"),
        _says(address__street="9 rue Peel", address__country="FR"),
    ],
)
def test_nothing_but_an_address_and_nobody_but_an_advisor(message: ChangeProfile) -> None:
    """X11: what documents were held against, and numbers, stand."""
    assert decide(COMPLETED, message) == Decision(COMPLETED, ProfileClosed())


@pytest.mark.parametrize(
    ("state", "message", "code"),
    [
        (COMPLETED, _says(address__street=None), "PROFILE_FIELD_UNFIT"),
        (COMPLETED, _says(address__province="Québec"), "PROFILE_FIELD_UNFIT"),
        (COMPLETED, _says(address__city="☂"), "PROFILE_FIELD_UNFIT"),
        (COMPLETED, replace(MOVES, expected=99), "PRECONDITION_FAILED"),
        (CORRECTED, _says(address__city="Laval"), "CORRECTION_PENDING"),
    ],
)
def test_what_cannot_be_corrected_so(
    state: OnboardingState, message: ChangeProfile, code: str
) -> None:
    """E11, X12: it is said before anything leaves."""
    refused = decide(state, message)
    assert isinstance(refused.reply, ProfileRefused)
    assert (refused.reply.code, refused.state, refused.messages) == (code, state, ())


def test_what_a_record_has_already_is_no_correction() -> None:
    """X12: no command for a change of spelling that no record shows."""
    made = decide(COMPLETED, _says(address__city="montréal"))
    assert isinstance(made.reply, ProfileDescribed)
    assert (made.state, made.messages) == (COMPLETED, ())

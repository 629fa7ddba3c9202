"""The lists in which files stand: written by the decision that changes them, and by no other (S18, S38).

Source: docs/onboarding.md; docs/adr/0060; actors/onboarding/listing.py.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.onboarding.listing import listed, row_of
from comptoir.actors.onboarding.machine import MACHINE
from comptoir.actors.onboarding.messages import DescribeFile, FileExpired
from comptoir.actors.onboarding.onward_messages import ApprovalKept, Onward, SigningKept
from comptoir.actors.onboarding.state import OnboardingState, Phase
from comptoir.actors.onboarding.terms import TERMS
from comptoir.actors.onboarding.views import ALL, FILES, FileRow, advisors, partners, place_of
from comptoir.engine import Address, Decision, Message
from comptoir.engine.machine import Context
from tests.actors.filed import BEGUN, FILE_TERMS, INITIATE, NOW

FILE = Address("onboarding", "ONB-2026-00001")
LISTED = listed(MACHINE)


def decide(state: OnboardingState, message: Message, now: int = NOW) -> Decision[Any]:
    """What the file decides."""
    found = LISTED.decide(state, message, Context(FILE, now, 7, {TERMS: FILE_TERMS}))
    assert isinstance(found, Decision), found
    return found


def rows(decision: Decision[Any]) -> dict[str, FileRow]:
    """What it writes of the lists, by their keys."""
    return {
        one.key: msgspec.convert(one.fields, FileRow)
        for one in decision.documents
        if one.collection == FILES
    }


@pytest.mark.parametrize("partner", ["", "cl_1"])
def test_a_file_that_begins_stands_in_the_lists_of_whose_it_is(partner: str) -> None:
    """S38: in that of all, its advisor's, and its partner's where one has submitted it; nothing of the client is in it."""
    opened = msgspec.structs.replace(INITIATE.opened, partner=partner)
    begun = decide(OnboardingState(Phase.NONE), msgspec.structs.replace(INITIATE, opened=opened))
    place = place_of(NOW, FILE.key)
    lists = [ALL, advisors(opened.advisor), *([partners(partner)] if partner else [])]
    assert [*rows(begun)] == [mine + place for mine in lists]
    (row,) = {*rows(begun).values()}
    assert row == row_of(begun.state)
    assert (row.status, row.since, row.due_at) == ("INITIATED", NOW, begun.state.expires_at)
    said = str(begun.documents)
    assert not any(word in said for word in (INITIATE.client.last_name, INITIATE.client.email))


def test_it_is_written_where_it_changes_and_only_there() -> None:
    """S18: a question writes nothing; what ends a file writes each of its lists, under the same keys."""
    assert rows(decide(BEGUN, DescribeFile())) == {}
    ended = decide(BEGUN, FileExpired(), BEGUN.expires_at)
    assert {one.status for one in rows(ended).values()} == {"INCOMPLETE"}
    assert {one.cause for one in rows(ended).values()} == {ended.state.cause}
    assert [*rows(ended)] == [
        mine + place_of(BEGUN.created_at, FILE.key)
        for mine in (ALL, advisors(INITIATE.opened.advisor))
    ]


@pytest.mark.parametrize(
    ("phase", "due_at"),
    [(Phase.DOCUMENTS_PENDING, BEGUN.expires_at), (Phase.SIGNATURE_PENDING, 11), (Phase.SIGNED, 12),
     (Phase.COMPLIANCE_HOLD, 0), (Phase.COMPLETED, 0)],
)  # fmt: skip
def test_until_when_what_is_awaited_should_be_there(phase: Phase, due_at: int) -> None:
    """S38, E17: of documents the file's own end, of a signature and of the last word theirs."""
    onward = Onward(SigningKept("sent", due_at=11), ApprovalKept(12))
    row = row_of(msgspec.structs.replace(BEGUN, phase=phase, onward=onward))
    assert row is not None
    assert (row.due_at, row.signing) == (due_at, "sent")


@given(
    st.lists(st.tuples(st.integers(0, 10**13), st.text(":a1", max_size=5)), min_size=2, max_size=2)
)
def test_a_list_is_its_owners_alone_and_the_newest_is_first(files: list[tuple[int, str]]) -> None:
    """X7: no owner's keys begin as another's do, whatever they are called; places are in the order of time, turned round."""
    (first, one), (second, other) = files
    for mine in (advisors, partners):
        assert (mine(one) + place_of(first, "x")).startswith(mine(other)) == (one == other)
    assert (place_of(first, "x") < place_of(second, "x")) == (first > second)

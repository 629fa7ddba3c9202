"""The feed gives every public event its position, once, without a gap (S17, S33)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.endpoint.messages import FeedGrew
from comptoir.actors.feed.machine import ENDPOINTS_TOO_MANY, MACHINE, FeedState, Phase
from comptoir.actors.feed.messages import (
    ENDPOINTS_MAX,
    ENDPOINTS_PARTNER_MAX,
    FEED,
    AddEndpoint,
    DropEndpoint,
    FeedStands,
    Found,
    NotePublic,
    place_of,
)
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Message
from tests.actors.purchases import NOW
from tests.actors.telling import SECRET, TERMS


def _say(state: FeedState, message: Message) -> "Decision[Any]":
    found = MACHINE.decide(state, message, Context(FEED, NOW, 1))
    assert isinstance(found, Decision)
    return found


def _found(number: int) -> Found:
    return Found(number, "DOCUMENTS_UPLOADED", f"ONB-2026-{number:05d}", NOW, "")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.booleans()), max_size=40))
def test_positions_are_dense_whatever_is_said_twice(tries: list[tuple[int, int, bool]]) -> None:
    """interface.md 8: however often and from wherever a page is told (a daemon that was superseded, an answer that was
    lost), each number of the journal has one position, and positions are 1, 2, 3, ... in the journal's order.
    """
    state, kept = FeedState(Phase.OPEN), dict[str, int]()
    for after, many, right in tries:
        begin = state.through if right else after
        found = tuple(_found(begin + 1 + at) for at in range(many))
        decided = _say(state, NotePublic(begin, begin + many, found))
        for put in decided.documents:
            assert put.key not in kept
            kept[put.key] = int(str(put.fields["number"]))
        state = decided.state
    assert list(kept) == [place_of(position) for position in range(1, len(kept) + 1)]
    assert list(kept.values()) == [*range(1, len(kept) + 1)]


def test_everybody_is_told_that_there_is_more() -> None:
    """S33: each endpoint hears of the last position, in the decision that gives it; of a page without events nobody."""
    state = FeedState(Phase.OPEN)
    for name in ("we_1", "we_2"):
        state = _say(state, AddEndpoint(name, "", TERMS, SECRET)).state
    told = _say(state, NotePublic(0, 9, (_found(4), _found(9))))
    assert [one.message for one in told.messages] == [FeedGrew(2), FeedGrew(2)]
    assert told.reply == FeedStands(2, 9)
    assert _say(told.state, NotePublic(9, 20, ())).messages == ()


def test_there_are_so_many_endpoints_and_no_more() -> None:
    """Each is told of every page, so they are bounded; one that is there, or was dropped, is answered alike."""
    state = FeedState(Phase.OPEN)
    for number in range(ENDPOINTS_MAX):
        state = _say(state, AddEndpoint(f"we_{number}", "", TERMS, SECRET)).state
    refused = MACHINE.decide(state, AddEndpoint("we_x", "", TERMS, SECRET), Context(FEED, NOW, 1))
    assert isinstance(refused, Refusal)
    assert refused.code == ENDPOINTS_TOO_MANY
    assert _say(state, AddEndpoint("we_1", "", TERMS, SECRET)).state is state
    state = _say(state, DropEndpoint("we_1")).state
    assert _say(state, DropEndpoint("we_1")).state is state
    assert len(state.endpoints) == ENDPOINTS_MAX - 1


def test_one_partner_does_not_take_the_places_of_all() -> None:
    """S28, S33: a partner has so many of its own; the house and other partners have theirs all the same."""
    state = FeedState(Phase.OPEN)
    for number in range(ENDPOINTS_PARTNER_MAX):
        state = _say(state, AddEndpoint(f"we_{number}", "crm", TERMS, SECRET)).state
    refused = MACHINE.decide(
        state, AddEndpoint("we_x", "crm", TERMS, SECRET), Context(FEED, NOW, 1)
    )
    assert isinstance(refused, Refusal)
    assert refused.code == ENDPOINTS_TOO_MANY
    assert _say(state, AddEndpoint("we_1", "crm", TERMS, SECRET)).state is state
    for name, partner in (("we_y", "hub"), ("we_z", "")):
        state = _say(state, AddEndpoint(name, partner, TERMS, SECRET)).state
    state = _say(state, DropEndpoint("we_1")).state
    assert "we_x" in _say(state, AddEndpoint("we_x", "crm", TERMS, SECRET)).state.endpoints


@pytest.mark.parametrize("through", [0, 3])
def test_it_never_goes_back(through: int) -> None:
    """What was read is not read again."""
    state = FeedState(Phase.OPEN, 2, 5)
    assert _say(state, NotePublic(5, through, ())).state is state

"""A browser's session: somebody's from the sign-in until its time or the sign-out (S34, X8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.browser_session.machine import (
    MACHINE,
    Phase,
    SessionClosed,
    SessionStarted,
    SessionState,
)
from comptoir.actors.browser_session.messages import (
    DescribeSession,
    EndSession,
    FindSession,
    OpenSession,
    Person,
    SessionDescribed,
    SessionEnded,
    SessionExpired,
    SessionFound,
    SessionMissing,
    SessionOpened,
)
from comptoir.actors.person.messages import NoteGiven
from comptoir.actors.sessions.messages import NoteOpened
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, encode

DAWN = 1_800_000_000_000
LIFE_MS = 1_000
ME = Address("browser_session", "digest-of-the-cookie")
PERSON = Person("u1", ("CLIENT",), ("otp",), DAWN // 1000, "p1", 3, "p1", "Firefox, Linux")
UNKNOWN = SessionState(Phase.UNKNOWN)


def _decide(state: SessionState, message: Message, now: int = DAWN) -> Decision[SessionState]:
    outcome = MACHINE.decide(state, message, Context(ME, now, 1))
    assert isinstance(outcome, Decision)
    return outcome


def _due(decision: Decision[SessionState]) -> int:
    """When the timer falls due that a decision sets."""
    (timer,) = (x for x in decision.messages if x.name == "expiry")
    assert timer.due_at is not None
    return timer.due_at


def test_opened_with_one_durable_timer() -> None:
    """S34: the sign-in is on record, and its end is already due."""
    decision = _decide(UNKNOWN, OpenSession(PERSON, LIFE_MS))
    assert decision.reply == SessionOpened(DAWN + LIFE_MS)
    assert decision.events == (SessionStarted("p1", ("otp",)),)
    timer, given, noted = decision.messages
    assert timer == Outgoing(ME, SessionExpired(), DAWN + LIFE_MS, timer.name)
    note = NoteGiven("browser_session", ME.key, 3, DAWN + LIFE_MS)
    assert given == Outgoing(Address("person", "p1"), note)
    listed = NoteOpened("browser_session", ME.key, DAWN + LIFE_MS)
    assert noted == Outgoing(Address("sessions", "p1"), listed)


@pytest.mark.parametrize("ending", [EndSession(), SessionExpired()])
def test_an_ended_session_says_no_more_of_anybody(ending: Message) -> None:
    """X8: signed out or expired, nothing of the person is left in the state, and it stays so."""
    opened = _decide(UNKNOWN, OpenSession(PERSON, LIFE_MS)).state
    state = _decide(opened, ending, DAWN + LIFE_MS).state
    assert b"u1" not in encode(state)
    assert _decide(state, FindSession()).reply == SessionMissing()
    assert _decide(state, EndSession()).reply == SessionEnded()


def test_a_cookie_never_given_out_leaves_no_row() -> None:
    """A guess is answered like what has ended, and its state is the very same object."""
    for message, reply in ((FindSession(), SessionMissing()), (EndSession(), SessionEnded())):
        decision = _decide(UNKNOWN, message)
        assert decision == Decision(UNKNOWN, reply)
        assert decision.state is UNKNOWN


@given(st.lists(st.sampled_from((FindSession(), EndSession())), max_size=8), st.integers(0, 3_000))
def test_found_in_time_until_signed_out(steps: list[Message], passed: int) -> None:
    """S34: for any order of looks and sign-outs, at any moment, also with a timer that is late."""
    state = _decide(UNKNOWN, OpenSession(PERSON, LIFE_MS)).state
    signed_out = False
    for step in steps:
        decision = _decide(state, step, DAWN + passed)
        state = decision.state
        if isinstance(step, FindSession):
            good = not signed_out and passed < LIFE_MS
            assert decision.reply == (
                SessionFound(PERSON, DAWN + LIFE_MS) if good else SessionMissing()
            )
        else:
            signed_out = True


@given(st.lists(st.tuples(st.integers(0, 150), st.booleans()), max_size=40))
def test_used_it_lives_and_idle_it_ends(looks: list[tuple[int, bool]]) -> None:
    """S34: for any looks at any times, with timers that come in time, late or not at all: a session is
    found if and only if it was used within its bound of idleness, as far as that was written down, and in
    its life; never once it was missing; and the last timer that was set ends it.
    """
    idle, now = 100, DAWN
    decision = _decide(UNKNOWN, OpenSession(PERSON, LIFE_MS, idle))
    state, used, timer = decision.state, DAWN, _due(decision)
    assert timer == DAWN + idle
    missed = False
    for passed, fires in looks:
        now += passed
        if fires and now >= timer:
            state = _decide(state, SessionExpired(), now).state
            assert state.phase is Phase.ENDED
        decision = _decide(state, FindSession(), now)
        found = decision.reply == SessionFound(PERSON, DAWN + LIFE_MS)
        assert not (missed and found)
        if now - used >= idle or now >= DAWN + LIFE_MS:
            assert not found
        if now - used < idle - idle // 10 and now < DAWN + LIFE_MS and not missed:
            assert found
        if decision.messages:
            timer = _due(decision)
            assert timer == min(now + idle, DAWN + LIFE_MS)
        missed, used, state = not found, now if found else used, decision.state
    if state.phase is Phase.OPEN:
        assert _decide(state, SessionExpired(), timer - 1).state is state
        ended = _decide(state, SessionExpired(), timer)
        why = "expired" if timer == DAWN + LIFE_MS else "idle"
        assert ended.events == (SessionClosed(why),)
        assert ended.state.phase is Phase.ENDED


def test_shown_to_its_person_it_is_not_used() -> None:
    """OWASP ASVS 7.5.2: begun, used as far as that was written down, and until when; looking keeps it not alive,
    and what is over is not shown.
    """
    state = _decide(UNKNOWN, OpenSession(PERSON, LIFE_MS, 100)).state
    state = _decide(state, FindSession(), DAWN + 50).state
    for now in (DAWN + 60, DAWN + 149):
        seen = _decide(state, DescribeSession(), now)
        shown = SessionDescribed(PERSON, DAWN, DAWN + 50, DAWN + 150)
        assert seen == Decision(state, shown)
    assert _decide(state, DescribeSession(), DAWN + 150).reply == SessionMissing()


def test_use_is_written_down_rarely() -> None:
    """Ten times within the bound of idleness, however often it is used, so that reading costs no writing."""
    state, written = _decide(UNKNOWN, OpenSession(PERSON, 10**9, 1000)).state, 0
    for now in range(DAWN, DAWN + 1000, 5):
        decision = _decide(state, FindSession(), now)
        written += decision.state is not state
        state = decision.state
    assert 0 < written < 10

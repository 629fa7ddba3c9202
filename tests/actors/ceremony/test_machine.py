"""A challenge is good for one answer, of whom and for what it was drawn, for a short time (S34)."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.ceremony.machine import MACHINE, CeremonyEnded, CeremonyState, Phase
from comptoir.actors.ceremony.messages import (
    BeginCeremony,
    CeremonyBegun,
    CeremonyExpired,
    CeremonyFinished,
    CeremonyRefused,
    FinishCeremony,
    Purpose,
)
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message

DAWN = 1_800_000_000_000
LIFE_MS = 300_000
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class Ceremony:
    """One ceremony, without an engine."""

    def __init__(self) -> None:
        self.state = CeremonyState(Phase.UNKNOWN)
        self.now = DAWN
        self.last: Decision[CeremonyState] | None = None

    def ask(self, message: Message) -> object:
        """Decide, and make it durable."""
        outcome = MACHINE.decide(
            self.state, message, Context(Address("ceremony", "k"), self.now, 1)
        )
        assert isinstance(outcome, Decision)
        self.state, self.last = outcome.state, outcome
        return outcome.reply


def _begun(purpose: Purpose = "sign_in", who: str = "") -> Ceremony:
    ceremony = Ceremony()
    begun = ceremony.ask(BeginCeremony(purpose, who, "the-challenge", LIFE_MS))
    assert begun == CeremonyBegun(DAWN + LIFE_MS)
    return ceremony


@given(
    st.sampled_from(PURPOSES),
    st.sampled_from(["", "p1", "p2"]),
    st.lists(
        st.tuples(
            st.sampled_from(PURPOSES), st.sampled_from(["", "p1", "p2"]), st.integers(0, LIFE_MS)
        ),
        min_size=1,
        max_size=5,
    ),
    st.booleans(),
)
def test_the_first_answer_uses_it(
    purpose: Purpose, who: str, answers: list[tuple[Purpose, str, int]], timer_late: bool
) -> None:
    """S34, Web Authentication 13.4.3: for any answers at any times: the challenge is given out at most once,
    to the first, if that is in time and for the same purpose and person; and nothing of it is kept.
    """
    ceremony = _begun(purpose, who)
    for number, (given_purpose, given_who, after_ms) in enumerate(answers):
        ceremony.now += after_ms
        over = ceremony.now >= DAWN + LIFE_MS
        if over and not timer_late:
            ceremony.ask(CeremonyExpired())
        reply = ceremony.ask(FinishCeremony(given_purpose, given_who))
        good = number == 0 and not over and (given_purpose, given_who) == (purpose, who)
        assert isinstance(reply, CeremonyFinished) == good
        assert good or isinstance(reply, CeremonyRefused)
        assert ceremony.state.phase is Phase.ENDED
        assert (ceremony.state.challenge, ceremony.state.who) == ("", "")


def test_what_is_on_record() -> None:
    """S34: that a challenge ended, and why; never the challenge; and its timer goes with it."""
    ceremony = _begun("enrol", "p1")
    assert ceremony.ask(FinishCeremony("enrol", "p2")) == CeremonyRefused("person_mismatch")
    assert ceremony.last is not None
    assert ceremony.last.events == (CeremonyEnded("enrol", "person_mismatch"),)
    assert ceremony.last.cancel == ("expiry",)
    assert ceremony.ask(FinishCeremony("enrol", "p1")) == CeremonyRefused("person_mismatch")


def test_nobody_comes() -> None:
    """S34: a durable timer ends it, and says so."""
    ceremony = _begun()
    assert ceremony.last is not None
    (timer,) = ceremony.last.messages
    assert (timer.message, timer.due_at) == (CeremonyExpired(), DAWN + LIFE_MS)
    ceremony.ask(CeremonyExpired())
    assert ceremony.ask(FinishCeremony("sign_in", "")) == CeremonyRefused("expired")


def test_a_cookie_that_was_never_given_out() -> None:
    """S34: it is refused, and leaves no row."""
    ceremony = Ceremony()
    before = ceremony.state
    assert ceremony.ask(FinishCeremony("sign_in", "")) == CeremonyRefused("unknown")
    assert ceremony.state is before

"""What is open of one person: listed, ended by them or for them, in whatever order things come (S34, S60)."""

from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.browser_session.messages import EndSession
from comptoir.actors.refresh_family.messages import EndFamily
from comptoir.actors.sessions.machine import (
    LISTED_MAX,
    MACHINE,
    Phase,
    SessionsEnded,
    SessionsState,
)
from comptoir.actors.sessions.messages import (
    EndOpened,
    ListOpened,
    NoteOpened,
    Opened,
    OpenedEnded,
    OpenedListed,
)
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message

DAWN = 1_800_000_000_000
LIFE_MS = 10_000
ME = Address("sessions", "p1")


class Sessions:
    """One actor, without an engine; `over` are the keys that it has ended."""

    def __init__(self) -> None:
        self.state = SessionsState(Phase.NONE)
        self.now = DAWN
        self.over: set[str] = set()
        self.last: Decision[SessionsState] = Decision(self.state)

    def ask(self, message: Message) -> object:
        """Decide, and make it durable."""
        outcome = MACHINE.decide(self.state, message, Context(ME, self.now, 1))
        assert isinstance(outcome, Decision)
        self.state, self.last = outcome.state, outcome
        self.over |= {one.target.key for one in outcome.messages}
        return outcome.reply

    def opens(self, key: str, origin: str = "") -> None:
        """A browser's session; of one that has an origin, a family of tokens."""
        kind = "refresh_family" if origin else "browser_session"
        self.ask(NoteOpened(kind, key, self.now + LIFE_MS, origin))

    def listed(self) -> list[str]:
        """What it says may be open."""
        reply = self.ask(ListOpened())
        assert isinstance(reply, OpenedListed)
        return [one.key for one in reply.opened if not one.ended]


def test_one_ends_and_the_others_stay() -> None:
    """OWASP ASVS 7.5.2: it is told why, by whom is on record, and nothing else is touched."""
    mine = Sessions()
    mine.opens("laptop")
    mine.opens("phone")
    assert mine.ask(EndOpened("laptop")) == OpenedEnded((Opened("browser_session", "laptop"),))
    ending = Outgoing(Address("browser_session", "laptop"), EndSession("ended_by_person"))
    assert mine.last.messages == (ending,)
    assert mine.last.events == (SessionsEnded(1, ""),)
    assert mine.listed() == ["phone"]


def test_said_again_it_is_answered_as_before() -> None:
    """S34: an answer that was lost is had by asking again; nothing more happens, nothing more is on record."""
    mine = Sessions()
    mine.opens("laptop")
    mine.ask(EndOpened("laptop"))
    again = mine.ask(EndOpened("laptop"))
    assert again == OpenedEnded((Opened("browser_session", "laptop", ended=True),))
    assert (mine.last.messages, mine.last.events) == ((), ())
    assert mine.ask(EndOpened("never")) == OpenedEnded(())


def test_what_came_of_a_browser_ends_with_it() -> None:
    """S34: whoever had that browser may have got tokens by it; also those that are heard of afterwards."""
    mine = Sessions()
    mine.opens("laptop")
    mine.opens("app", origin="laptop")
    mine.opens("other app", origin="phone")
    mine.ask(EndOpened("laptop"))
    assert mine.over == {"laptop", "app"}
    mine.opens("late app", origin="laptop")
    late = Outgoing(Address("refresh_family", "late app"), EndFamily("ended_by_person"))
    assert mine.last.messages == (late,)
    assert mine.listed() == ["other app"]


def test_all_but_the_one_that_asks() -> None:
    """OWASP ASVS 7.5.2: any or all; and by the house all of them, with its name on record."""
    mine = Sessions()
    for key in ("laptop", "phone", "tablet"):
        mine.opens(key)
    mine.ask(EndOpened(keep="phone"))
    assert (mine.over, mine.listed()) == ({"laptop", "tablet"}, ["phone"])
    mine.ask(EndOpened(by="an.admin"))
    assert mine.last.events == (SessionsEnded(1, "an.admin"),)
    told = Outgoing(Address("browser_session", "phone"), EndSession("ended_by_staff"))
    assert mine.last.messages == (told,)
    assert mine.listed() == []


def test_beyond_the_bound_the_oldest_ends() -> None:
    """S60: so many are remembered, and none is open that is not listed."""
    mine = Sessions()
    for number in range(LISTED_MAX + 3):
        mine.opens(f"s{number}")
    assert mine.over == {"s0", "s1", "s2"}
    assert len(mine.listed()) == LISTED_MAX


KEYS = st.sampled_from("abcd")
STEPS = st.one_of(
    st.tuples(st.just("open"), KEYS, st.just("")),
    st.tuples(st.just("open"), st.sampled_from("wxyz"), KEYS),
    st.tuples(st.just("end"), st.sampled_from("abcdwxyz"), st.just("")),
    st.tuples(st.just("all"), st.just(""), st.sampled_from(["", *"abcd"])),
    st.tuples(st.just("wait"), st.just(""), st.just("")),
)


@given(st.lists(STEPS, max_size=30))
def test_in_any_order(steps: list[tuple[str, str, str]]) -> None:
    """OWASP ASVS 7.5.2, for any openings and ends in any order: whatever was asked to end has ended, and what
    came of it, whenever it is heard of; what nobody ended is listed until its time; each key is opened once.
    """
    mine = Sessions()
    origin_of: dict[str, str] = {}
    until: dict[str, int] = {}
    over: set[str] = set()
    for act, key, other in steps:
        if act == "wait":
            mine.now += LIFE_MS // 3
        elif act == "open" and key not in origin_of:
            origin_of[key], until[key] = other, mine.now + LIFE_MS
            mine.opens(key, other)
            if other in over and until.get(other, 0) > mine.now:
                over.add(key)
        elif act == "end":
            live = {x for x in origin_of if until[x] > mine.now}
            over |= {x for x in live if key in (x, origin_of[x])}
            mine.ask(EndOpened(key))
        elif act == "all":
            over |= {x for x in origin_of if until[x] > mine.now and x != other}
            mine.ask(EndOpened(keep=other))
        assert mine.over == over
        expected = [x for x in origin_of if until[x] > mine.now and x not in over]
        assert sorted(mine.listed()) == sorted(expected)

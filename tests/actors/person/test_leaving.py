"""Who leaves, or is invited anew, keeps nothing that they had (S34, S60; adr/0027)."""

from dataclasses import dataclass, field

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from comptoir.actors.browser_session.messages import KIND as SESSION
from comptoir.actors.browser_session.messages import EndSession
from comptoir.actors.erasure.messages import BeginErasure, ErasePerson, Sealed
from comptoir.actors.notification.messages import ForgetNotices
from comptoir.actors.person.machine import GIVEN_MAX, MACHINE, PersonState, Phase
from comptoir.actors.person.messages import (
    ConfirmSeed,
    DescribePerson,
    InvitePerson,
    LinkRefused,
    NoteGiven,
    OfferSeed,
    PersonDescribed,
    PersonErased,
    PersonRemoved,
    RemovePerson,
    SignIn,
    SignInRefused,
)
from comptoir.actors.person.totp import password_at
from comptoir.actors.refresh_family.messages import KIND as FAMILY
from comptoir.actors.refresh_family.messages import PERSON_OVER, EndFamily
from comptoir.actors.revocation.messages import REVOCATIONS, EndAccess, Ground
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, Reply, encode

DAWN = 1_800_000_000_000
STEP_MS = 30_000
DAY_MS = 86_400_000
ME = Address("person", "blind")
SEED = bytes(20)


@dataclass
class House:
    """One person, and what a careful clerk would write down of what they hold."""

    state: PersonState = field(default_factory=lambda: PersonState(Phase.UNKNOWN))
    now: int = DAWN
    open: dict[str, int] = field(default_factory=dict[str, int])
    """Sessions and families that nobody has ended, with the generation that they came of."""
    ends: dict[str, int] = field(default_factory=dict[str, int])
    """When each is over by itself."""
    refused_below: int = 0
    """Access tokens of an earlier generation are refused."""
    said: list[tuple[Address, Message]] = field(default_factory=list[tuple[Address, Message]])

    def tell(self, message: Message) -> "Decision[PersonState] | Refusal":
        """Decide, and let everything that is sent arrive."""
        outcome = MACHINE.decide(self.state, message, Context(ME, self.now, 1))
        if isinstance(outcome, Refusal):
            return outcome
        self.state = outcome.state
        for sent in outcome.messages:
            self.said.append((sent.target, sent.message))
            if isinstance(sent.message, (EndSession, EndFamily)):
                assert sent.message.why == PERSON_OVER
                self.open.pop(sent.target.key, None)
            elif isinstance(sent.message, EndAccess):
                assert (sent.target, sent.message.ground) == (REVOCATIONS, Ground.PERSON)
                assert sent.message.key == ME.key
                self.refused_below = sent.message.generation
        return outcome

    def ask(self, message: Message) -> Reply | None:
        """The reply to what is not refused."""
        outcome = self.tell(message)
        assert isinstance(outcome, Decision)
        return outcome.reply

    def enrol(self) -> int:
        """Invite and enrol them; the generation of what they have now."""
        self.ask(InvitePerson("m.durand", ("CONSEILLER",), "link", DAY_MS))
        self.ask(OfferSeed("link", SEED.hex()))
        self.now += STEP_MS
        self.ask(ConfirmSeed("link", password_at(SEED, self.now // STEP_MS)))
        assert self.state.phase is Phase.ENROLLED
        return self.state.generation

    def give(self, key: str, generation: int, life_ms: int = DAY_MS) -> None:
        """A session or a family is opened, and they hear of it."""
        self.open[key], self.ends[key] = generation, self.now + life_ms
        kind = SESSION if key.startswith("s") else FAMILY
        self.ask(NoteGiven(kind, key, generation, self.now + life_ms))

    def wait(self, milliseconds: int) -> None:
        """Time goes by, and what has its time over ends by its own timer."""
        self.now += milliseconds
        self.open = {key: of for key, of in self.open.items() if self.ends[key] > self.now}


def test_dismissed() -> None:
    """S60: sign-in, link, sessions, families and access tokens end by one decision; asked again, the same."""
    house = House()
    generation = house.enrol()
    house.give("s1", generation)
    house.give("f1", generation)
    assert house.ask(RemovePerson()) == PersonRemoved(generation + 1)
    assert house.open == {}
    assert house.refused_below == generation + 1
    assert house.ask(RemovePerson()) == PersonRemoved(generation + 1)
    house.now += STEP_MS
    assert house.ask(SignIn(password_at(SEED, house.now // STEP_MS))) == SignInRefused()
    described = PersonDescribed("m.durand", (), "removed", house.now - STEP_MS)
    assert house.ask(DescribePerson()) == described
    assert SEED.hex().encode() not in encode(house.state)


def test_a_link_dies_with_who_was_invited() -> None:
    """X8: a link that was given and not used opens nothing after the dismissal."""
    house = House()
    house.ask(InvitePerson("m.durand", ("CONSEILLER",), "link", DAY_MS))
    house.ask(OfferSeed("link", SEED.hex()))
    house.ask(RemovePerson())
    for message in (OfferSeed("link", "00"), ConfirmSeed("link", "1"), OfferSeed("", "00")):
        assert house.ask(message) == LinkRefused()


def test_nobody_is_dismissed_who_is_not_there() -> None:
    """S34: refused by name, and nothing is written."""
    house = House()
    for message in (RemovePerson(), DescribePerson()):
        before = house.state
        outcome = house.tell(message)
        assert isinstance(outcome, Refusal)
        assert outcome.code == "NOT_FOUND"
        assert house.state is before


@pytest.mark.parametrize("late", ["s9", "f9"])
def test_what_comes_late_ends_at_once(late: str) -> None:
    """S34: opened by who had signed in before, and heard of after: it ends, whoever is there by then."""
    house = House()
    old = house.enrol()
    for change in (RemovePerson(), InvitePerson("m.durand", (), "new", DAY_MS)):
        house.ask(change)
        house.give(late, old)
        assert house.open == {}
    again = house.enrol()
    house.give(late, old)
    house.give("s1", again)
    assert house.open == {"s1": again}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("give"), st.integers(0, 3)),
        st.tuples(st.just("give late"), st.integers(0, 3)),
        st.tuples(st.sampled_from(("remove", "invite", "enrol", "erase")), st.just(0)),
        st.tuples(st.just("wait"), st.integers(0, 2 * DAY_MS)),
    ),
    max_size=25,
)


@given(STEPS)
def test_only_what_came_of_now_is_open(steps: list[tuple[str, int]]) -> None:
    """S34, S60: for any order of invitations, enrolments, dismissals and things that are given, in time or
    late: what is open came of the sign-in that holds now, and whatever came of another is refused.
    """
    house, signed_in, number = House(), [0], 0
    for step, value in steps:
        enrolled = house.state.phase is Phase.ENROLLED
        if step.startswith("give"):
            number += 1
            late = signed_in[-1 - value % len(signed_in)]
            generation = house.state.generation if step == "give" and enrolled else late
            house.give(f"{'sf'[number % 2]}{number}", generation)
        elif step == "wait":
            house.wait(value)
        elif step == "enrol" and house.state.phase is not Phase.ERASED:
            signed_in.append(house.enrol())
        elif step == "remove":
            house.tell(RemovePerson())
        elif step == "erase":
            house.tell(ErasePerson())
        else:
            house.tell(InvitePerson("m.durand", (), "other", DAY_MS))
        enrolled = house.state.phase is Phase.ENROLLED
        event(f"open: {len(house.open) > 0}")
        assert all(enrolled and given == house.state.generation for given in house.open.values())
        over = [x for x in signed_in if x < house.state.generation]
        assert all(x < house.refused_below for x in over)
        assert house.refused_below <= house.state.generation


def test_so_many_are_remembered_and_no_more() -> None:
    """Design.md 5: the bound holds, and what falls out of it has ended; nothing is lost."""
    house = House()
    generation = house.enrol()
    for number in range(GIVEN_MAX + 5):
        house.give(f"f{number}", generation)
        assert len(house.state.given) <= GIVEN_MAX
    assert len(house.open) == GIVEN_MAX
    assert "f4" not in house.open
    assert "f5" in house.open
    assert len(encode(house.state)) < 200 * GIVEN_MAX


def test_erased() -> None:
    """S59, X13: everything ends as by a dismissal, the keys of all of it go, and nobody is left to read."""
    house = House()
    generation = house.enrol()
    house.give("s1", generation)
    house.give("f1", generation, life_ms=1)
    house.now += 1
    house.said.clear()
    house.tell(ErasePerson())
    own = tuple(Sealed(kind, "blind") for kind in ("person", "consent", "sessions"))
    what = (*own, Sealed(SESSION, "s1"), Sealed(FAMILY, "f1"))
    assert house.said[-1] == (Address("erasure", "blind"), BeginErasure(what))
    assert (Address(SESSION, "s1"), EndSession(PERSON_OVER)) in house.said
    assert (Address("notification", "m.durand"), ForgetNotices()) in house.said
    assert b"durand" not in encode(house.state)
    told = InvitePerson("m.durand", (), "new", DAY_MS)
    for message in (told, DescribePerson(), RemovePerson()):
        assert house.ask(message) == PersonErased()
    assert house.ask(SignIn("123456")) == SignInRefused()
    assert house.state.phase is Phase.ERASED

"""Who may sign in: links used once, passwords used once, guessing slowed down (S34, X8, RFC 6238)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.person.machine import (
    MACHINE,
    Enrolled,
    PersonState,
    Phase,
    SignInFailed,
    SignInSucceeded,
)
from comptoir.actors.person.messages import (
    ConfirmSeed,
    InvitePerson,
    LinkRefused,
    OfferSeed,
    PersonInvited,
    SeedOffered,
    SignedIn,
    SignIn,
    SignInRefused,
    Whence,
)
from comptoir.actors.person.throttle import FREE_FAILURES, WAIT_MS_MAX, Place
from comptoir.actors.person.totp import STEP_SECONDS, password_at
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, Reply

DAWN = 1_800_000_000_000
STEP_MS = STEP_SECONDS * 1000
DAY_MS = 86_400_000
SEED = b"12345678901234567890"
"""RFC 6238 appendix B."""
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
INVITE = InvitePerson("m.durand", ("COMPLIANCE",), "link", DAY_MS)
KNOWN = SignedIn("m.durand", ("COMPLIANCE",), ("otp",))


class Person:
    """One person's actor, without an engine."""

    def __init__(self) -> None:
        self.state = PersonState(Phase.UNKNOWN)
        self.now = DAWN
        self.events: tuple[object, ...] = ()

    def ask(self, message: Message) -> Reply | None:
        """Decide, and make it durable."""
        context = Context(Address("person", "blind"), self.now, 1)
        outcome = MACHINE.decide(self.state, message, context)
        assert isinstance(outcome, Decision)
        self.state, self.events = outcome.state, outcome.events
        return outcome.reply

    def password(self, steps: int = 0) -> str:
        """What the authenticator shows now, or so many steps away."""
        return password_at(SEED, self.now // STEP_MS + steps)


def enrolled() -> Person:
    """Somebody with an authenticator, who has just signed in."""
    person = Person()
    person.ask(INVITE)
    person.ask(OfferSeed("link", SEED.hex()))
    assert person.ask(ConfirmSeed("link", person.password())) == KNOWN
    return person


@pytest.mark.parametrize("seconds", VECTORS)
def test_the_rfcs_passwords(seconds: int) -> None:
    """RFC 6238 appendix B, SHA-1: its times have its passwords."""
    assert password_at(SEED, seconds // STEP_SECONDS, 8) == VECTORS[seconds]


def test_invited_andenrolled() -> None:
    """X8: a link, a seed, a password that shows that it arrived; it is a sign-in, and on record."""
    person = Person()
    assert person.ask(INVITE) == PersonInvited(DAWN + DAY_MS)
    assert person.ask(OfferSeed("link", SEED.hex())) == SeedOffered("m.durand")
    assert person.ask(ConfirmSeed("link", person.password())) == KNOWN
    assert person.events == (Enrolled("m.durand"), SignInSucceeded("m.durand", ("otp",)))
    assert person.state.link == ""


def test_a_link_is_used_once_and_in_time() -> None:
    """X8: opening it uses nothing; enrolling does; another one, or one that is over, is refused."""
    person = Person()
    person.ask(INVITE)
    assert person.ask(OfferSeed("other", SEED.hex())) == LinkRefused()
    assert person.ask(ConfirmSeed("link", person.password())) == LinkRefused(), "no seed yet"
    for _ in range(3):
        assert person.ask(OfferSeed("link", SEED.hex())) == SeedOffered("m.durand")
    person.now += DAY_MS
    assert person.ask(OfferSeed("link", SEED.hex())) == LinkRefused()
    assert person.ask(ConfirmSeed("link", person.password())) == LinkRefused()
    somebody = enrolled()
    for message in (OfferSeed("link", "00"), ConfirmSeed("link", "1"), OfferSeed("", "00")):
        before = somebody.state
        assert somebody.ask(message) == LinkRefused()
        assert somebody.state is before


def test_a_new_link_ends_what_was() -> None:
    """S34: who has lost the authenticator is invited again, and who has found it signs in no more."""
    person = enrolled()
    person.now += STEP_MS
    person.ask(InvitePerson("m.durand", ("ADMIN",), "second", DAY_MS))
    assert person.ask(SignIn(person.password())) == SignInRefused()
    assert person.ask(OfferSeed("link", SEED.hex())) == LinkRefused()
    assert person.ask(OfferSeed("second", SEED.hex())) == SeedOffered("m.durand")
    reply = person.ask(ConfirmSeed("second", person.password()))
    assert reply == SignedIn("m.durand", ("ADMIN",), ("otp",), 1)


def test_a_password_is_used_once() -> None:
    """RFC 6238 5.2: neither again within its step nor one of a step before it; the next one is good."""
    person = enrolled()
    for steps in (0, -1):
        assert person.ask(SignIn(person.password(steps))) == SignInRefused()
    person.now += STEP_MS
    used = person.password()
    assert person.ask(SignIn(used)) == KNOWN
    assert person.ask(SignIn(used)) == SignInRefused()


@pytest.mark.parametrize(
    ("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_step_to_either_side(steps: int, good: bool) -> None:
    """RFC 6238 5.2: a clock may be off by a step, not by two."""
    person = enrolled()
    person.now += 10 * STEP_MS
    assert (person.ask(SignIn(person.password(steps))) == KNOWN) == good


@pytest.mark.parametrize("text", ["", "12345", "1234567", "abcdef", "१२३४५६", "\x00" * 6])
def test_what_is_no_password(text: str) -> None:
    """S34: whatever is typed is refused, and counts."""
    person = enrolled()
    assert person.ask(SignIn(text)) == SignInRefused()
    assert person.events == (SignInFailed("m.durand", 1),)


def test_nobody_is_refused_alike_and_leaves_no_row() -> None:
    """S34: not known and not enrolled are answered as a wrong password is, and nothing is written."""
    for person in (Person(), Person()):
        before = person.state
        assert person.ask(SignIn("123456")) == SignInRefused()
        assert person.state is before
        assert person.events == ()


def test_guessing_is_slowed_down() -> None:
    """S34: in a day of guessing without pause from one place fewer than 40 passwords are looked at."""
    person = enrolled()
    start, looked_at = person.now, 0
    while person.now < start + DAY_MS:
        before = _place(person).failures
        assert person.ask(SignIn("wrong!")) == SignInRefused()
        looked_at += _place(person).failures > before
        person.now += 1000
    assert FREE_FAILURES < looked_at < 40
    assert _place(person).asked_again_at <= person.now + WAIT_MS_MAX


def _place(person: Person) -> Place:
    """What is remembered of where everybody comes from here."""
    places = person.state.throttle.places
    return places[0] if places else Place("", 0, 0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, WAIT_MS_MAX)), max_size=40))
def test_waiting_is_for_everybody_there_and_ends(tries: list[tuple[bool, int]]) -> None:
    """S34: for any tries at any times: a right password is good if and only if nobody has to wait there and
    it is new; a success forgives; and after an hour everybody is asked again.
    """
    person = enrolled()
    for right, after_ms in tries:
        person.now += after_ms
        waits = person.state.throttle.waits(Whence(), person.now)
        fresh = person.now // STEP_MS + 1 > person.state.step
        before = person.state
        reply = person.ask(SignIn(person.password(1) if right else "wrong!"))
        assert (reply == KNOWN) == (right and fresh and not waits)
        assert not waits or person.state is before
        if reply == KNOWN:
            assert _place(person).failures == 0
    person.now += WAIT_MS_MAX + 2 * STEP_MS
    assert person.ask(SignIn(person.password())) == KNOWN

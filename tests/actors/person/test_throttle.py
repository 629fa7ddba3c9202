"""Guessing is slow, and whoever fails at somebody's sign-in keeps nobody else out (OWASP ASVS 6.1.1, S34)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.person.messages import SignedIn, SignIn, SignInRefused, Whence
from comptoir.actors.person.state import SignInFailed
from comptoir.actors.person.throttle import (
    BROWSER_MS,
    BROWSERS_MAX,
    FREE_FAILURES,
    PLACES_MAX,
    STRANGERS_FAILURES,
    STRANGERS_MS,
    WAIT_MS_MAX,
    Throttle,
)
from tests.actors.person.authenticator import Authenticator
from tests.actors.person.test_machine import DAY_MS, STEP_MS, Person
from tests.actors.person.test_machine import enrolled as with_authenticator
from tests.actors.person.test_passkeys import enrolled as with_passkey

HOME = Whence("home", "", "laptop")
OUTSIDER = Whence("outside", "", "theirs")


def _at_home(person: Person) -> SignedIn:
    """The owner signs in, and their browser is known from then on."""
    person.now += 2 * STEP_MS
    reply = person.ask(SignIn(person.password(), HOME))
    assert isinstance(reply, SignedIn)
    return reply


def _guesses(person: Person, whence: Whence, count: int) -> int:
    """Guess so many times; how many were looked at."""
    looked_at = 0
    for _ in range(count):
        assert person.ask(SignIn("wrong!", whence)) == SignInRefused()
        looked_at += any(isinstance(one, SignInFailed) for one in person.events)
    return looked_at


def _signs_in(person: Person, whence: Whence, steps: int = 0) -> bool:
    return isinstance(person.ask(SignIn(person.password(steps), whence)), SignedIn)


def test_an_outsider_locks_out_themselves() -> None:
    """OWASP ASVS 6.1.1: from elsewhere the owner signs in at once, with no browser that is known, too."""
    person = with_authenticator()
    assert _guesses(person, OUTSIDER, 100) == FREE_FAILURES
    assert not _signs_in(person, OUTSIDER, 1), "there nobody is asked, whoever it is"
    assert _signs_in(person, Whence("home"), 1)


def test_many_addresses_do_not_lock_out_a_known_browser() -> None:
    """OWASP ASVS 6.1.1: all strangers together have a budget; used up, it keeps out strangers alone, and not
    for ever.
    """
    person = with_authenticator()
    assert _at_home(person).browser_known is False
    looked_at = sum(_guesses(person, Whence(f"s{n}"), 3) for n in range(1000))
    assert looked_at == STRANGERS_FAILURES
    person.now += 2 * STEP_MS
    assert not _signs_in(person, Whence("elsewhere"))
    reply = person.ask(SignIn(person.password(), Whence("elsewhere", "laptop")))
    assert isinstance(reply, SignedIn)
    assert reply.browser_known
    person.now += STRANGERS_MS
    assert _signs_in(person, Whence("elsewhere"))


def test_a_passkey_never_waits() -> None:
    """OWASP ASVS 6.1.1: nothing of it can be guessed, so nobody is slowed down who shows one."""
    device = Authenticator()
    person = with_passkey(device)
    for n in range(50):
        person.ask(SignIn("wrong!", Whence(f"s{n % 9}")))
    assert isinstance(person.show(device), SignedIn)


@pytest.mark.parametrize("sources", [1, 7, 300])
def test_guessing_is_slow_however_many_guess(sources: int) -> None:
    """S34: in a week of guessing without pause from so many addresses, no more than 24 passwords a day are
    looked at beside the budget of the beginning.
    """
    person, looked_at, days = with_authenticator(), 0, 7
    for n in range(days * DAY_MS // 300_000):
        looked_at += _guesses(person, Whence(f"s{n % sources}"), 1)
        person.now += 300_000
    assert looked_at <= STRANGERS_FAILURES + days * 24


def test_a_known_browser_is_slowed_down_by_its_own_failures() -> None:
    """S34: a stolen cookie guesses no faster than an address does, and uses up nobody's budget."""
    person = with_authenticator()
    _at_home(person)
    thief = Whence("anywhere", "laptop")
    assert _guesses(person, thief, 100) == FREE_FAILURES
    assert person.state.throttle.strangers == Throttle().strangers
    assert not _signs_in(person, Whence("home", "laptop"))
    person.now += WAIT_MS_MAX
    assert _signs_in(person, Whence("home", "laptop"))
    assert _guesses(person, thief, 100) == FREE_FAILURES, "a success forgives"


def test_a_browser_is_known_for_a_time() -> None:
    """OWASP, device cookies: half a year from its last sign-in, and of so many browsers at most."""
    person = with_authenticator()
    _at_home(person)
    throttle, now = person.state.throttle, person.now
    assert throttle.knows("laptop", now + BROWSER_MS - 1)
    assert not throttle.knows("laptop", now + BROWSER_MS)
    assert not throttle.knows("", now)
    for n in range(BROWSERS_MAX):
        throttle = throttle.succeed(Whence("home", "", f"b{n}"), now)
    assert not throttle.knows("laptop", now)
    assert throttle.knows("b0", now)


WHENCE = st.builds(Whence, st.sampled_from("abcdef"), st.sampled_from(["", "x", "y"]), st.just("x"))


@given(st.lists(st.tuples(WHENCE, st.booleans(), st.integers(0, WAIT_MS_MAX)), max_size=60))
def test_it_is_bounded_and_ends(steps: list[tuple[Whence, bool, int]]) -> None:
    """Design.md 2: whatever comes from wherever, so much is remembered; what waits, waits an hour at most, or
    until strangers have a failure again.
    """
    throttle, now = Throttle(), 0
    for whence, good, after_ms in steps:
        now += after_ms
        if throttle.waits(whence, now):
            continue
        throttle = throttle.succeed(whence, now) if good else throttle.guess(whence, now)
        assert len(throttle.places) <= PLACES_MAX
        assert len(throttle.browsers) <= BROWSERS_MAX
    for whence, *_ in steps:
        assert not throttle.waits(whence, now + WAIT_MS_MAX)

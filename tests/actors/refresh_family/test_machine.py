"""A family of refresh tokens against a list of tokens kept by hand (S34, RFC 6749, RFC 9700)."""

import hashlib
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from comptoir.actors.person.messages import NoteGiven
from comptoir.actors.refresh_family.machine import (
    MACHINE,
    FamilyEnded,
    FamilyStarted,
    FamilyState,
    Phase,
    Rotated,
)
from comptoir.actors.refresh_family.messages import (
    PERSON_OVER,
    Authorization,
    EndFamily,
    FamilyExpired,
    FamilyOpened,
    OpenFamily,
    Revoked,
    RevokeFamily,
    RotateToken,
    TokenRefused,
    TokenRotated,
)
from comptoir.actors.revocation.messages import REVOCATIONS, EndAccess, Ground
from comptoir.engine.decision import Decision, Outgoing, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, Reply, encode

DAWN = 1_800_000_000_000
UNKNOWN = FamilyState(Phase.UNKNOWN)
WEEK_MS = 7 * 24 * 3600 * 1000
ME = Address("refresh_family", "digest-of-its-name")
ALLOWED = Authorization("u1", "web", ("CLIENT",), ("openid",), ("otp",), DAWN // 1000)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class Book:
    """What a person would write down: which token is good now, and until when."""

    state: FamilyState = UNKNOWN
    now: int = DAWN
    version: int = 0
    timers: dict[str, Outgoing] = field(default_factory=dict[str, Outgoing])
    said: list[tuple[Address, Message]] = field(default_factory=list[tuple[Address, Message]])
    """To others."""

    def tell(self, message: Message) -> "Decision[FamilyState] | Refusal":
        """Decide, and make it durable."""
        outcome = MACHINE.decide(self.state, message, Context(ME, self.now, self.version))
        if isinstance(outcome, Decision):
            self.version += outcome.state is not self.state
            self.state = outcome.state
            for name in outcome.cancel:
                self.timers.pop(name, None)
            for sent in outcome.messages:
                if sent.target != ME:
                    self.said.append((sent.target, sent.message))
                    continue
                assert sent.name is not None
                self.timers[sent.name] = sent
        return outcome

    def ask(self, message: Message) -> Reply | None:
        """The reply to what is not refused."""
        outcome = self.tell(message)
        assert isinstance(outcome, Decision)
        return outcome.reply

    def pass_time(self, ms: int) -> None:
        """Fire what falls due."""
        self.now += ms
        due = [name for name, sent in self.timers.items() if (sent.due_at or 0) <= self.now]
        for sent in [self.timers.pop(name) for name in due]:
            self.tell(sent.message)


def _open() -> Book:
    book = Book()
    opened = book.ask(OpenFamily(ALLOWED, _digest("t0"), WEEK_MS))
    assert opened == FamilyOpened(DAWN + WEEK_MS)
    return book


def _rotate(old: str, new: str, client: str = "web") -> RotateToken:
    return RotateToken(client, _digest(old), _digest(new))


def test_a_token_is_used_once_and_names_its_successor() -> None:
    """S34: each use gives what was allowed at the sign-in, and the next token is the one that lives."""
    book = _open()
    for number in range(5):
        reply = book.ask(_rotate(f"t{number}", f"t{number + 1}"))
        assert reply == TokenRotated(ALLOWED, DAWN + WEEK_MS)
    assert book.state.rotations == 5


@pytest.mark.parametrize("old", ["t0", "t1", "never"])
def test_an_old_token_ends_the_family(old: str) -> None:
    """RFC 9700 4.14.2: whoever uses one that is not the living one ends them all, for good."""
    book = _open()
    book.ask(_rotate("t0", "t1"))
    book.ask(_rotate("t1", "t2"))
    outcome = book.tell(_rotate(old, "mine"))
    assert isinstance(outcome, Decision)
    assert outcome.reply == TokenRefused("reused")
    assert outcome.events == (FamilyEnded("reused", 2),)
    for token in (old, "t2", "mine"):
        assert book.ask(_rotate(token, "x")) == TokenRefused("reused")


def test_a_family_lives_seven_days_however_often_it_is_used() -> None:
    """S34: rotating makes the life no longer, and the timer ends it by business time."""
    book = _open()
    step = WEEK_MS // 10
    for number in range(9):
        book.pass_time(step)
        assert isinstance(book.ask(_rotate(f"t{number}", f"t{number + 1}")), TokenRotated)
    assert book.state.expires_at == DAWN + WEEK_MS
    book.pass_time(step)
    assert book.state == FamilyState(Phase.ENDED, rotations=9, why="expired")
    assert book.ask(_rotate("t9", "x")) == TokenRefused("expired")


def test_a_late_timer_lengthens_no_life() -> None:
    """S34: a token is refused at the very moment, though the timer has not fired."""
    book = _open()
    book.now = DAWN + WEEK_MS - 1
    assert isinstance(book.ask(_rotate("t0", "t1")), TokenRotated)
    book.now = DAWN + WEEK_MS
    assert book.ask(_rotate("t1", "t2")) == TokenRefused("expired")
    assert not book.timers


def test_another_clients_token_is_a_stolen_one() -> None:
    """RFC 6749 10.4: the living token from another client is refused, and ends the family."""
    book = _open()
    assert book.ask(_rotate("t0", "t1", "other")) == TokenRefused("client_mismatch")
    assert book.ask(_rotate("t0", "t1")) == TokenRefused("client_mismatch")


def test_scopes_narrow_and_never_widen() -> None:
    """RFC 6749 6: fewer scopes for one access token, as many as before for the next; more are refused,
    and cost the client nothing.
    """
    book = Book()
    allowed = msgspec.structs.replace(ALLOWED, scopes=("openid", "points:read"))
    book.ask(OpenFamily(allowed, _digest("t0"), WEEK_MS))
    too_much = msgspec.structs.replace(_rotate("t0", "t1"), scopes=("points:read", "points:write"))
    before = book.state
    assert book.ask(too_much) == TokenRefused("scope_exceeded")
    assert book.state is before
    less = msgspec.structs.replace(_rotate("t0", "t1"), scopes=("points:read",))
    narrowed = msgspec.structs.replace(allowed, scopes=("points:read",))
    assert book.ask(less) == TokenRotated(narrowed, DAWN + WEEK_MS)
    assert book.ask(_rotate("t1", "t2")) == TokenRotated(allowed, DAWN + WEEK_MS)


def test_revoking() -> None:
    """RFC 7009 2.1, 2.2: by its own client, at any time, and again; another client changes nothing."""
    assert Book().ask(RevokeFamily("web")) == Revoked()
    book = _open()
    before = book.state
    refused = book.tell(RevokeFamily("other"))
    assert isinstance(refused, Refusal)
    assert refused.code == "FORBIDDEN"
    assert book.state is before
    assert book.ask(RevokeFamily("web")) == Revoked(ended=True)
    assert book.ask(RevokeFamily("web")) == Revoked()
    assert book.ask(_rotate("t0", "t1")) == TokenRefused("revoked")
    assert not book.timers


def test_an_ended_family_says_no_more_of_anybody() -> None:
    """Whose it was is gone from the state, and was never in an event of the family's own (S59)."""
    book = Book()
    outcome = book.tell(OpenFamily(ALLOWED, _digest("t0"), WEEK_MS))
    assert isinstance(outcome, Decision)
    assert outcome.events == (FamilyStarted("", "web", ("otp",)),)
    book.ask(EndFamily("code_reused"))
    assert b"u1" not in encode(book.state)
    assert book.state.why == "code_reused"


@pytest.mark.parametrize(
    "why", ["reused", "client_mismatch", "revoked", "code_reused", "expired", PERSON_OVER]
)
def test_its_access_tokens_end_with_it(why: str) -> None:
    """RFC 7009 2.1: whatever ends a family but its time ends what came of it, by the same decision; of a
    person who is gone they are refused already.
    """
    book = _open()
    ways: dict[str, Message] = {
        "reused": _rotate("t9", "x"), "client_mismatch": _rotate("t0", "x", "other"),
        "revoked": RevokeFamily("web"), "expired": FamilyExpired(),
    }  # fmt: skip
    book.tell(ways.get(why, EndFamily(why)))
    assert book.state.why == why
    refused = (REVOCATIONS, EndAccess(Ground.FAMILY, ME.key))
    assert book.said == ([] if why in ("expired", PERSON_OVER) else [refused])


def test_its_person_hears_of_it() -> None:
    """S34: by the very decision that opens it, with the generation that it came of."""
    book = Book()
    allowed = msgspec.structs.replace(ALLOWED, person="p1", generation=3)
    book.tell(OpenFamily(allowed, _digest("t0"), WEEK_MS))
    given = NoteGiven("refresh_family", ME.key, 3, DAWN + WEEK_MS)
    assert book.said == [(Address("person", "p1"), given)]


def test_nothing_is_written_for_a_token_that_names_nothing() -> None:
    """A guess costs no row: an unknown family refuses, and its state is the very same object."""
    book = Book()
    newborn = book.state
    outcome = book.tell(_rotate("t0", "t1"))
    assert isinstance(outcome, Decision)
    assert outcome == Decision(newborn, TokenRefused("unknown"))
    assert outcome.state is newborn


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rotate"), st.integers(0, 5)),
        st.tuples(st.just("steal"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(0, WEEK_MS // 2)),
        st.tuples(st.just("revoke"), st.integers(0, 1)),
        st.tuples(st.just("end"), st.just(0)),
    ),
    max_size=30,
)


@given(STEPS)
def test_one_token_lives_or_none_does(steps: list[tuple[str, int]]) -> None:
    """S34: against a list of all tokens ever handed out. A token works if and only if it is the last
    one, in its client's hands, within the seven days, and nobody has used another one or revoked; and
    no token's digest but the living one's is ever in the state.
    """
    book, handed_out, alive = _open(), ["t0"], True
    for step, number in steps:
        in_time = book.now < DAWN + WEEK_MS
        if step in ("rotate", "steal"):
            token = handed_out[-1 - number % len(handed_out)]
            good = alive and in_time and token == handed_out[-1] and step == "rotate"
            new = f"t{len(handed_out)}"
            reply = book.ask(_rotate(token, new, "web" if step == "rotate" else "other"))
            assert isinstance(reply, TokenRotated) == good
            alive = good
            handed_out += [new] if good else []
        elif step == "wait":
            book.pass_time(number)
        elif step == "revoke":
            outcome = book.tell(RevokeFamily("other" if number else "web"))
            alive = alive and bool(number)
            assert isinstance(outcome, Decision) or number
        else:
            book.ask(EndFamily("code_reused"))
            alive = False
        alive = alive and book.now < DAWN + WEEK_MS
        event(f"alive: {alive}")
        assert (book.state.phase is Phase.ACTIVE) == alive
        assert book.state.digest == (_digest(handed_out[-1]) if alive else "")
        assert len(encode(book.state)) < 500, "the state does not grow"


@given(st.integers(1, 50))
def test_rotations_are_recorded(times: int) -> None:
    """Each use is an event with its number, so that the journal tells when a copy was used."""
    book, events = _open(), list[object]()
    for number in range(times):
        outcome = book.tell(_rotate(f"t{number}", f"t{number + 1}"))
        assert isinstance(outcome, Decision)
        events += outcome.events
    assert events == [Rotated(number) for number in range(1, times + 1)]


def test_the_timer_is_one_and_its_own() -> None:
    """S34: one durable timer for each family, which its end forgets."""
    book = _open()
    (timer,) = book.timers.values()
    assert timer == Outgoing(ME, FamilyExpired(), DAWN + WEEK_MS, timer.name)
    assert msgspec.json.decode(encode(timer.message), type=FamilyExpired) == FamilyExpired()
    book.ask(RevokeFamily("web"))
    assert not book.timers

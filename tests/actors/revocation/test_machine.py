"""Ended access against a list kept by hand: nothing that was ended is taken, for as long as it may live."""

import msgspec
from hypothesis import event, given
from hypothesis import strategies as st

from comptoir.actors.revocation import machine
from comptoir.actors.revocation.machine import MACHINE, EverythingEnded, Phase, RevocationState
from comptoir.actors.revocation.messages import (
    LIFE,
    REVOCATIONS,
    AccessEnded,
    EndAccess,
    Ground,
    PruneAccess,
)
from comptoir.actors.revocation.views import Given, Revocations
from comptoir.engine.decision import Decision
from comptoir.engine.machine import Context
from comptoir.engine.values import Message, encode

DAWN = 1_800_000_000_000
LIFE_MS = 900_000
KEPT_MS = LIFE_MS + machine.SKEW_MS + machine.LATE_MS


class List:
    """The actor, its timer and its snapshot."""

    def __init__(self) -> None:
        self.state = RevocationState(Phase.EMPTY)
        self.now = DAWN
        self.due: int | None = None
        self.events: list[object] = []

    def tell(self, message: Message) -> Decision[RevocationState]:
        """Decide, and set the one timer."""
        context = Context(REVOCATIONS, self.now, 1, {LIFE: LIFE_MS})
        outcome = MACHINE.decide(self.state, message, context)
        assert isinstance(outcome, Decision)
        self.state = outcome.state
        self.events += outcome.events
        for sent in outcome.messages:
            assert (sent.target, sent.name) == (REVOCATIONS, machine.PRUNING)
            self.due = sent.due_at
        return outcome

    def wait(self, ms: int) -> None:
        """Let time pass, and the timer fire."""
        self.now += ms
        while self.due is not None and self.due <= self.now:
            self.due = None
            self.tell(PruneAccess())

    def takes(self, token: Given) -> bool:
        """Whether a request with this token passes."""
        return not Revocations(self.state.number, self.state.floor, self.state.over).refuse(token)


def _token(generation: int | None = 0, **changes: str) -> Given:
    named = {"token_id": "jti1", "client_id": "web", "family": "f1", "person": "p1", **changes}
    return Given(DAWN, generation=generation, **named)


def test_each_ground_refuses_its_own_and_no_other() -> None:
    """RFC 7009: a token, a family, a client, a person; and nothing else of any of them."""
    for ground, key, field in (
        (Ground.TOKEN, "jti1", "token_id"), (Ground.FAMILY, "f1", "family"),
        (Ground.CLIENT, "web", "client_id"), (Ground.PERSON, "p1", "person"),
    ):  # fmt: skip
        book = List()
        assert book.takes(_token())
        assert book.tell(EndAccess(ground, key, 1)).reply == AccessEnded(1)
        assert not book.takes(_token())
        assert book.takes(_token(0, **{field: "another"}))
        assert book.takes(_token(generation=1)) == (ground is Ground.PERSON)


def test_said_again_it_is_the_same() -> None:
    """Design.md 3: told by a machine and by who waits for it, it is one entry and one event."""
    book = List()
    first = book.tell(EndAccess(Ground.PERSON, "p1", 2))
    before = book.state
    for generation in (2, 1):
        again = book.tell(EndAccess(Ground.PERSON, "p1", generation))
        assert (again.reply, again.events) == (first.reply, ())
        assert book.state is before


def test_a_token_of_no_sign_in_is_held_to_its_time() -> None:
    """S34: one that was made by hand has no generation: those from before the dismissal are refused."""
    book = List()
    book.tell(EndAccess(Ground.PERSON, "p1", 1))
    assert not book.takes(_token(generation=None))
    assert book.takes(_token(generation=None)._replace(issued_at_ms=DAWN + 1000))


def test_more_than_can_be_remembered_refuses_all() -> None:
    """Design.md 5: beyond the bound nothing that was ended gets through; the list stays as short."""
    book = List()
    book.tell(EndAccess(Ground.TOKEN, "jti0"))
    (told,) = book.state.over.values()
    names = (Revocations.name_of(Ground.TOKEN, f"jti{n}") for n in range(machine.ENTRIES_MAX - 1))
    book.state = msgspec.structs.replace(book.state, over=dict.fromkeys(names, told))
    book.tell(EndAccess(Ground.TOKEN, "the last that has a place"))
    assert len(book.state.over) == machine.ENTRIES_MAX
    assert book.takes(Given(DAWN, "never ended"))
    book.now += 1
    book.tell(EndAccess(Ground.TOKEN, "one more"))
    assert EverythingEnded(machine.ENTRIES_MAX) in book.events
    assert len(book.state.over) <= machine.ENTRIES_MAX
    assert not book.takes(Given(DAWN, "never ended"))
    assert book.takes(Given(book.now + 1, "issued since"))
    assert len(encode(book.state)) < 300_000


TELLING = st.tuples(
    st.sampled_from(Ground),
    st.sampled_from(("a", "b", "c")),
    st.integers(0, 3),
    st.integers(0, KEPT_MS),
)


@given(st.lists(TELLING, max_size=20))
def test_ended_is_ended_while_it_may_live(told: list[tuple[Ground, str, int, int]]) -> None:
    """S62: for any order of endings over time: a token that was ended is refused as long as it would be
    taken, a person's of the newest generation never is, and an hour later nothing is kept.
    """
    book, ended = List(), dict[tuple[Ground, str], tuple[int, int]]()
    for ground, key, generation, passed in told:
        book.wait(passed)
        book.tell(EndAccess(ground, key, generation))
        known = ended.get((ground, key), (-1, 0))
        if generation > known[0] or known[1] + KEPT_MS <= book.now:
            ended[ground, key] = (generation, book.now)
        for (what, name), (good_from, at) in ended.items():
            living = book.now < at + LIFE_MS + machine.SKEW_MS
            named = {
                Ground.TOKEN: Given(at, token_id=name), Ground.CLIENT: Given(at, client_id=name),
                Ground.FAMILY: Given(at, family=name),
                Ground.PERSON: Given(at, person=name, generation=good_from - 1),
            }  # fmt: skip
            event(f"living: {living}")
            assert not living or not book.takes(named[what])
            if what is Ground.PERSON:
                assert book.takes(Given(at, person=name, generation=good_from))
    book.wait(KEPT_MS + 1)
    assert book.state.over == {}
    assert book.state.phase is Phase.EMPTY


def test_the_snapshot_is_what_is_durable() -> None:
    """Design.md 2: state and snapshot say the same after a round trip through storage."""
    book = List()
    book.tell(EndAccess(Ground.FAMILY, "f1"))
    stored = msgspec.json.decode(encode(book.state), type=RevocationState)
    assert stored == book.state

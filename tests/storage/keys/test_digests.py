"""Digests of `once` keys while their rows move: one digest for each key at any moment.

Source: design.md 3; spec.md X14, X16.
"""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from comptoir.engine.mac import Mac
from comptoir.storage.keys.digests import OnceDigests

TEXTS = st.binary(min_size=1, max_size=4)


def test_generations_are_chained_macs() -> None:
    """X14: generation 3 by the description alone; the first is what it was before there were any."""
    keys = {n: bytes([n]) * 32 for n in (1, 2, 3)}
    first = Mac(keys[1]).digest(b"key")[:16]
    second = b"\x02" + Mac(keys[2]).digest(first)[:16]
    third = b"\x03" + Mac(keys[3]).digest(second)[:16]
    assert OnceDigests({1: keys[1]}).digest(b"key") == first
    assert OnceDigests(keys).digest(b"key") == third


@given(st.sets(TEXTS, min_size=1, max_size=30), st.integers(0, 30))
def test_a_crash_between_two_steps_changes_no_digest(texts: set[bytes], at: int) -> None:
    """X16: what another daemon resumes from the note makes the very same digests."""
    keys = {1: b"a" * 32, 2: b"b" * 32}
    moving = OnceDigests({1: keys[1]})
    moving.add(2, keys[2])
    ordered = sorted(moving.digest(x) for x in texts)
    moving.resume(1, ordered[min(at, len(ordered) - 1)])
    other = OnceDigests(keys)
    other.resume(*moving.progress())
    assert {x: other.digest(x) for x in texts} == {x: moving.digest(x) for x in texts}


@dataclass
class Row:
    """A row of `once`, and what it is of."""

    text: bytes


@dataclass
class Table:
    """Rows by digest."""

    rows: dict[bytes, Row] = field(default_factory=dict[bytes, Row])


class Moving(RuleBasedStateMachine):
    """Keys are taken and asked for while rows move from generation to generation, in pages of any size."""

    @initialize()
    def begin(self) -> None:
        """One generation, no row."""
        self.digests = OnceDigests({1: b"\x01" * 32})
        self.newest = 1
        self.table = Table()
        self.taken: set[bytes] = set()

    @rule(text=TEXTS)
    def take(self, text: bytes) -> None:
        """A key is taken: refused exactly if it was before."""
        digest = self.digests.digest(text)
        assert (digest in self.table.rows) is (text in self.taken), "taken twice, or refused once"
        self.table.rows.setdefault(digest, Row(text))
        self.taken.add(text)

    @rule()
    def ask(self) -> None:
        """A new generation is asked for."""
        if self.newest < 6:
            self.newest += 1
            self.digests.add(self.newest, bytes([self.newest]) * 32)

    @rule(rows=st.integers(1, 5))
    def move(self, rows: int) -> None:
        """A page of rows moves, if there is a generation to move to."""
        reached, cursor = self.digests.progress()
        if reached == self.newest:
            return
        length = 16 if reached == 1 else 17
        left = sorted(
            x
            for x in self.table.rows
            if len(x) == length and x > cursor and (reached == 1 or x[0] == reached)
        )
        page = left[:rows]
        for digest in page:
            self.table.rows[self.digests.move(digest, reached + 1)] = self.table.rows.pop(digest)
        if len(page) == rows:
            self.digests.resume(reached, page[-1])
        else:
            self.digests.resume(reached + 1, b"")

    @invariant()
    def every_key_is_found(self) -> None:
        """Each taken key is found under its digest of now."""
        for text in self.taken:
            assert self.table.rows[self.digests.digest(text)].text == text


TestMoving = Moving.TestCase

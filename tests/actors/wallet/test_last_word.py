"""Words of a provider in any order, more than once each: what is in the end depends on the words alone (ADR 0033).

Each property tells one wallet a shuffled list with repeats, and reckons the end from the set.
"""

from collections.abc import Coroutine, Sequence
from typing import Any

import msgspec
import trio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from comptoir.actors.programme import DAY_MS, Programme
from comptoir.actors.wallet.messages import ClawBack, Credit, TakeBack, tag_of
from comptoir.actors.wallet.points import points_for
from comptoir.actors.wallet.state import PurchaseRecognised, WalletState
from comptoir.engine import Message
from tests.actors.wallet.books import RATE_BP, Wallet, anew, credit, opened

SLOWLY = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Each example opens an engine: to shrink one takes minutes, and a list of words can be read as it is.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
CENTS = st.integers(1, 100_000)


def worth(cents: int) -> int:
    """Points of so much."""
    return points_for(cents, RATE_BP, 10_000, 1)


async def told(wallet: Wallet, messages: Sequence[Message]) -> WalletState:
    """The wallet after all of these; at every moment its points are those of its lots (invariant 4)."""
    state = await wallet.told(*messages)
    lots = await wallet.engine.journal.lots("u1", open_only=True)
    assert sum(lot.remaining for lot in lots) == state.available + state.pending
    return state


class Words(msgspec.Struct, frozen=True):
    """What is said of one purchase."""

    identity: str
    versions: tuple[tuple[int, bool, int], ...]
    """Revision, whether it is told as removed, cents."""
    refunds: tuple[int, ...]

    @property
    def messages(self) -> list[Message]:
        """As a connection sends them; a refund is told once, by its `once` key."""
        words: list[Message] = [
            anew(self.identity, self.identity, cents, revision=revision, removed=removed)
            for revision, removed, cents in self.versions
        ]
        return words

    @property
    def refund_messages(self) -> list[Message]:
        return [
            ClawBack("plaid", f"{self.identity}-r{number}", self.identity, "", cents, link="c1")
            for number, cents in enumerate(self.refunds)
        ]

    @property
    def points(self) -> int:
        """By the rule: of the last word, less what came back."""
        _, removed, cents = max(self.versions)
        return 0 if removed else worth(cents - min(cents, sum(self.refunds)))


def words(identity: str) -> st.SearchStrategy[Words]:
    """Reported, corrected up and down, deleted, told again; refunded, in part or whole."""
    version = st.tuples(st.integers(1, 6), st.booleans(), CENTS)
    return st.builds(
        Words,
        st.just(identity),
        st.lists(version, min_size=1, max_size=5).map(tuple),
        st.lists(CENTS, max_size=2).map(tuple),
    )


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Words], list[Message]]:
    """Two purchases, and everything that is said of them, some of it twice, in any order."""
    both = [draw(words("a")), draw(words("b"))]
    messages = [message for one in both for message in one.messages]
    again = draw(st.lists(st.sampled_from(messages), max_size=4))
    refunds = [message for one in both for message in one.refund_messages]
    return both, draw(st.permutations([*messages, *again, *refunds]))


def play(run: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""

    async def main() -> None:
        await run

    trio.run(main)


@SLOWLY
@given(shuffled(), st.sampled_from([0, DAY_MS]))
def test_the_last_word_holds(given_: tuple[list[Words], list[Message]], hold_ms: int) -> None:
    """E7, E8, X24: whatever the order and the repeats, each purchase is worth what its last word says."""
    both, messages = given_

    async def run() -> None:
        async with opened(Programme(hold_ms=hold_ms)) as wallet:
            state = await told(wallet, messages)
            held = sum(one.points for one in both)
            assert state.available + state.pending - state.shortfall == held
            assert (state.pending if hold_ms else state.available) == held
            assert state.shortfall == 0
            if hold_ms:
                await wallet.engine.advance_clock(2 * DAY_MS / 1000)
                assert (await told(wallet, [])).available == held

    play(run())


@SLOWLY
@given(CENTS, CENTS, st.data())
def test_booked_whatever_comes_first(pending: int, booked: int, data: st.DataObject) -> None:
    """E8: once the booked twin was told, only it counts: in any order with the pending one and its removal."""
    one = [
        anew("p1", "p1", pending, pending=True),
        anew("b1", "p1", booked),
        TakeBack("plaid", "p1"),
    ]
    again = data.draw(st.lists(st.sampled_from(one), max_size=4))
    order = data.draw(st.permutations([*one, *again]))

    async def run() -> None:
        async with opened() as wallet:
            state = await told(wallet, order)
            assert (state.available, state.shortfall) == (worth(booked), 0)

    play(run())


@SLOWLY
@given(st.integers(1, 4), st.integers(0, 4), st.data())
def test_booked_without_a_name(purchases: int, twins: int, data: st.DataObject) -> None:
    """E8: pending ones whose booked twins do not name them, of one amount: each twin takes one of them, and
    what is booked beyond them is a purchase of its own; no removal of a pending one hurts its twin.
    """
    told_pending = [anew(f"p{n}", f"p{n}", 10_000, pending=True) for n in range(purchases)]
    told_booked = data.draw(st.permutations([anew(f"b{n}", f"b{n}", 10_000) for n in range(twins)]))
    gone = [TakeBack("plaid", f"p{n}") for n in range(purchases)]

    async def run() -> None:
        async with opened() as wallet:
            state = await told(wallet, told_pending)
            assert state.available == purchases * worth(10_000)
            state = await told(wallet, told_booked)
            assert state.available == max(purchases, twins) * worth(10_000)
            state = await told(wallet, gone)
            assert state.available == twins * worth(10_000)

    play(run())


def by_link(link: str, identity: str, *, provider: str, cents: int = 10_000) -> Credit:
    """A purchase as one of two links of the account tells it."""
    tag = tag_of(link, "p", cents)
    return credit(identity, cents, provider=provider, tag=tag, link=link, account="4242")


@SLOWLY
@given(st.integers(0, 4), st.integers(0, 4), st.data())
def test_one_account_by_two_links(first: int, second: int, data: st.DataObject) -> None:
    """Issue 6, part 3: two links of one account earn what one of them would: equal purchases of one day are told
    apart by their number, whichever link is first.
    """
    one = [by_link("c1", f"s{n}", provider="seed") for n in range(first)]
    other = [by_link("c2", f"t{n}", provider="plaid") for n in range(second)]
    order = data.draw(st.permutations([*one, *other]))

    async def run() -> None:
        async with opened() as wallet:
            if not order:
                return
            state = await told(wallet, order)
            assert state.available == max(first, second) * worth(10_000)
            assert wallet.events().count(PurchaseRecognised.__name__) == min(first, second)

    play(run())


@SLOWLY
@given(st.permutations(range(5)))
def test_what_follows_follows_the_first_link(order: Sequence[int]) -> None:
    """E8: a recognised purchase is worth what the link that it follows says last: a correction, a removal by the
    other changes nothing, and a refund that both tell counts once.
    """
    said: list[Message] = [
        anew("t1", "t1", 30_000, revision=2, link="c2", account="4242"),
        anew("t1", "t1", 10_000, revision=3, removed=True, link="c2", account="4242"),
        ClawBack("plaid", "rt", "t1", "", 4_000, link="c2"),
        ClawBack("plaid", "rs", "s1", "", 4_000, link="c1"),
        anew("s1", "s1", 12_000, revision=2, link="c1", account="4242"),
    ]

    async def run() -> None:
        async with opened() as wallet:
            for identity, link in (("s1", "c1"), ("t1", "c2")):
                first = anew(identity, identity, 10_000, revision=1, link=link, account="4242")
                tag = tag_of(link, "p", 10_000)
                await wallet.told(
                    msgspec.structs.replace(
                        first, credit=msgspec.structs.replace(first.credit, tag=tag)
                    )
                )
            state = await told(wallet, [said[n] for n in order])
            assert (state.available, state.shortfall) == (worth(8_000), 0)
            assert (await wallet.found("t1"))["points"] == (await wallet.found("s1"))["points"]

    play(run())

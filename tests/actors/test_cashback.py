"""The cashback slice end to end over an in-memory journal: report in, durable points out (S49, S52).

The same rules as in the machines' own tests, here through actors, look-ups, messages and lots.
"""

from collections.abc import Sequence

import msgspec
import pytest
import trio
from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from comptoir.actors.connection.messages import (
    LinkConnection,
    TransactionReported,
    TransactionTaken,
)
from comptoir.actors.merchants import Partner
from comptoir.actors.merchants.messages import CATALOGUE, MERCHANTS, ImportPartners
from comptoir.actors.wallet.messages import TRANSACTIONS
from comptoir.actors.wallet.state import WalletState
from comptoir.engine.boot import memory_engine
from comptoir.engine.engine import Engine
from comptoir.engine.values import Address
from comptoir.storage.testing import MemoryJournal

CARD = Address("connection", "card")
WALLET = Address("wallet", "u1")
RATE = 500
PARTNER = Partner(id="p1", name="Chez Nous", rate_bp=RATE)
LABELS = {"CB CHEZ NOUS": True, "NOBODY KNOWN": False}


def _report(number: int, cents: int, label: str = "CB CHEZ NOUS") -> TransactionReported:
    return TransactionReported(
        "seed", "transaction.created", f"tx{number}", cents, "EUR", "DEBIT", "2026-11-21", label
    )


def _refund(number: int, cents: int, original: str) -> TransactionReported:
    return msgspec.structs.replace(
        _report(number, cents),
        transaction_id=f"rf{number}",
        direction="CREDIT",
        original_transaction_id=original,
    )


async def _open(engine: Engine) -> None:
    await engine.ask(MERCHANTS, ImportPartners((PARTNER,)))
    await engine.wait_reference(CATALOGUE, 1)


async def _wallet(engine: Engine) -> WalletState | None:
    loaded = await engine.journal.load(WALLET)
    return None if loaded is None else msgspec.json.decode(loaded.state, type=WalletState)


async def _check_books(engine: Engine) -> None:
    """Invariant 4: all books sum to zero, and the wallet's are its lots."""
    assert isinstance(engine.journal, MemoryJournal)
    balances = engine.journal.tables.balances
    assert sum(balances.values()) == 0
    wallet = await _wallet(engine)
    lots = await engine.journal.lots("u1")
    if wallet is not None:
        assert balances.get("available:u1", 0) == wallet.available
        assert sum(lot.remaining for lot in lots) == wallet.available + wallet.pending
    assert engine.statistics().delivery.stranded_total == 0
    assert not await engine.journal.dead_letters(None, 10)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("buy", "buy", "refund", "repeat")),
        st.integers(0, 6),
        st.sampled_from((19, 1_000, 9_999, 20_000)),
        st.sampled_from(sorted(LABELS)),
    ),
    max_size=25,
)


@settings(phases=(HypothesisPhase.explicit, HypothesisPhase.generate))
@given(STEPS, st.booleans())
def test_points_are_those_of_the_acknowledged_reports(
    steps: Sequence[tuple[str, int, int, str]], linked_first: bool
) -> None:
    """Whatever is reported, repeated, refunded too early, twice or too much, before or after the
    card is known: the points are what adding up the purchases by hand gives, none twice.
    """
    reports: list[TransactionReported] = []
    for number, (step, which, cents, label) in enumerate(steps):
        if step == "repeat" and reports:
            again = reports[which % len(reports)]
            reports.append(msgspec.structs.replace(again, amount_cents=cents))
        elif step == "refund":
            reports.append(_refund(number, cents, f"tx{which}"))
        else:
            reports.append(_report(number, cents, label))
    first = {one.transaction_id: one for one in reversed(reports)}
    expected = 0
    for one in first.values():
        if one.direction == "DEBIT" and LABELS[one.merchant_name]:
            back = sum(
                r.amount_cents
                for r in first.values()
                if r.original_transaction_id == one.transaction_id
            )
            expected += max(0, one.amount_cents - back) * RATE // 10_000

    async def play() -> None:
        async with memory_engine() as engine:
            await _open(engine)
            link = LinkConnection("cn", "u1")
            if linked_first:
                await engine.ask(CARD, link)
            seen: set[str] = set()
            for one in reports:
                answer = await engine.ask(CARD, one)
                assert isinstance(answer.reply, TransactionTaken)
                assert answer.replayed == (one.transaction_id in seen)
                assert answer.reply.parked != linked_first
                seen.add(one.transaction_id)
            if not linked_first:
                await engine.ask(CARD, link)
            assert await engine.quiesce(30)
            await _check_books(engine)
            wallet = await _wallet(engine)
            found = 0 if wallet is None else wallet.available - wallet.shortfall
            assert found == expected

    trio.run(play, clock=MockClock(autojump_threshold=0))


async def test_unknown_card_waits_and_is_credited(autojump_clock: MockClock) -> None:
    """interface.md 6, row 11: parked while unknown, credited once when the card appears."""
    async with memory_engine() as engine:
        await _open(engine)
        answer = await engine.ask(CARD, _report(1, 10_000))
        assert answer.reply == TransactionTaken("parked")
        assert await engine.quiesce(5)
        assert await _wallet(engine) is None
        await engine.ask(CARD, LinkConnection("cn", "u1"))
        assert await engine.quiesce(5)
        wallet = await _wallet(engine)
        assert wallet is not None
        assert wallet.available == 500
        await _check_books(engine)


async def test_unknown_card_is_given_up_and_can_be_replayed(autojump_clock: MockClock) -> None:
    """After 24 hours it is a dead letter; linked then and replayed, it is credited after all."""
    async with memory_engine() as engine:
        await _open(engine)
        await engine.ask(CARD, _report(1, 10_000))
        await engine.advance_clock(24 * 3600 + 1)
        (letter,) = await engine.journal.dead_letters("dlq:transactions", 10)
        assert letter.code == "CONNECTION_UNKNOWN"
        await engine.ask(CARD, LinkConnection("cn", "u1"))
        await engine.replay([letter.id])
        assert await engine.quiesce(5)
        wallet = await _wallet(engine)
        assert wallet is not None
        assert wallet.available == 500
        await _check_books(engine)


async def test_refund_without_a_purchase_is_ignored_in_the_end(autojump_clock: MockClock) -> None:
    """A refund waits for its purchase for its time, and is then seen as ignored."""
    async with memory_engine() as engine:
        await _open(engine)
        await engine.ask(CARD, LinkConnection("cn", "u1"))
        await engine.ask(CARD, _refund(1, 5_000, "tx9"))
        assert await engine.quiesce(5)
        await engine.advance_clock(24 * 3600 + 1)
        documents = await engine.journal.documents(TRANSACTIONS, ["seed:rf1"])
        assert documents["seed:rf1"]["status"] == "ignored"
        await _check_books(engine)


async def test_anonymous_refund_takes_back_the_newest_like_it(autojump_clock: MockClock) -> None:
    """interface.md 6: matched to the newest purchase of the same card, partner and amount."""
    async with memory_engine() as engine:
        await _open(engine)
        await engine.ask(CARD, LinkConnection("cn", "u1"))
        for number, cents in ((1, 10_000), (2, 10_000), (3, 20_000)):
            await engine.ask(CARD, _report(number, cents))
            await engine.quiesce(5)
            await engine.advance_clock(1)
        await engine.ask(CARD, _refund(4, 10_000, ""))
        assert await engine.quiesce(5)
        lots = {lot.source: lot.remaining for lot in await engine.journal.lots("u1")}
        assert lots == {"tx1": 500, "tx2": 0, "tx3": 1000}
        await _check_books(engine)


@pytest.mark.parametrize("original", ["foreign", "rf1", "rf2"])
async def test_refund_of_what_earned_nothing_does_not_crash(
    autojump_clock: MockClock, original: str
) -> None:
    """A refund that names an ignored purchase, another refund or itself crashes nobody: it waits for
    a purchase, and is ignored in the end (E7, invariant 5).
    """
    async with memory_engine() as engine:
        await _open(engine)
        await engine.ask(CARD, LinkConnection("cn", "u1"))
        await engine.ask(CARD, _report(1, 10_000))
        foreign = msgspec.structs.replace(
            _report(2, 10_000), transaction_id="foreign", currency="GBP"
        )
        await engine.ask(CARD, foreign)
        await engine.ask(CARD, _refund(1, 10_000, "tx1"))
        await engine.ask(CARD, _refund(2, 10_000, original))
        assert await engine.quiesce(5)
        await engine.advance_clock(24 * 3600 + 1)
        wallet = next(host for host in engine.statistics().hosts if host.kind == "wallet")
        assert wallet.restarts_total == 0
        await _check_books(engine)

"""The contract's ledger: points move with their lots, and what the data forbids is refused alone.

Against every journal, as test_contract.py.

Source: engine/journal.py; design.md 2, 3, 7, 8.
"""

from typing import Any

import msgspec
import pytest

from comptoir.engine.decision import Transfer
from comptoir.engine.journal import Ending, Rejected
from comptoir.engine.values import Address, encode
from comptoir.storage.journal_testing import (
    NOW,
    Desk,
    Noted,
    Remind,
    credit,
    debit,
    note,
    page,
    put,
    tell,
)

ALICE = Address("wallet", "alice")
BOB = Address("wallet", "bob")
PUSH = Address("push", "push")


async def test_points_move_with_their_lots(backend: Any) -> None:
    """Credits open lots, payouts consume them; the history is signed (S47, E7)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        await desk.write(
            ALICE,
            note("a", **credit("alice", "l1", 100, total=100)),
            note("b", **credit("alice", "l2", 50, total=150, at=NOW + 1)),
            note("c", **debit("alice", "l1", 100, total=50)),
        )
        lots = await journal.lots("alice")
        assert [(lot.id, lot.points, lot.remaining) for lot in lots] == [
            ("l1", 100, 0),
            ("l2", 50, 50),
        ]
        assert [lot.id for lot in await journal.lots("alice", open_only=True)] == ["l2"]
        assert [lot.id for lot in await journal.lots("alice", tag="tag")] == ["l2", "l1"]
        assert [lot.id for lot in await journal.lots("alice", lot="l1")] == ["l1"]
        assert [lot.id for lot in await journal.lots("alice", limit=1)] == ["l1"]
        newest, *older = await journal.entries("alice", None, 10)
        assert (newest.kind, newest.points, newest.after) == ("payout", -100, (50, 0, 0, 0))
        assert (newest.lot, newest.transaction, newest.withdrawal) == ("l1", None, "wd_1")
        assert [entry.points for entry in older] == [50, 100]
        assert await journal.entries("alice", newest.id, 1) == [older[0]]
        assert await journal.lots("bob") == []


async def test_lots_are_found_by_name_and_by_their_ends(backend: Any) -> None:
    """S74, E7: in the order in which they end, ties as they are spent; what is spent has no end any more."""
    async with backend.open() as journal:
        desk = Desk(journal)
        for number, (name, end) in enumerate((("l1", 30), ("l2", 20), ("l3", None), ("l4", 20))):
            made = credit("alice", name, 10, total=10 * (number + 1), at=NOW + number)
            ends = None if end is None else NOW + end
            lots = (msgspec.structs.replace(made["lots"][0], expires_at=ends),)
            await desk.write(ALICE, note(name, lots=lots, transfers=made["transfers"]))
        found = await journal.lots_by_end("alice", 10)
        assert [(lot.id, lot.expires_at) for lot in found] == [
            ("l2", NOW + 20), ("l4", NOW + 20), ("l1", NOW + 30),
        ]  # fmt: skip
        assert [lot.id for lot in await journal.lots_by_end("alice", 1)] == ["l2"]
        assert await journal.lots_ending("alice", 10) == [
            Ending(NOW + 20, 20),
            Ending(NOW + 30, 10),
        ]
        assert await journal.lots_ending("alice", 1) == [Ending(NOW + 20, 20)]
        named = await journal.lots_named("alice", ["l3", "l1", "nobody"])
        assert [lot.id for lot in named] == ["l1", "l3"]
        assert await journal.lots_named("alice", []) == []
        await desk.write(ALICE, note("spent", **debit("alice", "l2", 10, total=30)))
        assert [lot.id for lot in await journal.lots_by_end("alice", 10)] == ["l4", "l1"]
        assert (await journal.lots_ending("alice", 10))[0] == Ending(NOW + 20, 10)
        assert await journal.lots_named("bob", ["l1"]) == []
        assert await journal.lots_ending("bob", 10) == await journal.lots_by_end("bob", 10) == []


async def test_a_hold_and_a_shortfall_stay_within_their_books(backend: Any) -> None:
    """Blocked points come out of their lot and go back; what is owed is at most zero (E7)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        hold = Transfer(
            "available:alice", "blocked:alice", 60, "hold", "alice", (40, 0, 60, 0), "l1"
        )
        back = Transfer("blocked:alice", "available:alice", 60, "hold_released", "alice",
                        (100, 0, 0, 0), "l1")  # fmt: skip
        owed = Transfer("shortfall:alice", "issued:", 30, "clawback", "alice", (100, 0, 0, 30))
        await desk.write(ALICE, note("a", **credit("alice", "l1", 100, total=100)))
        await desk.write(ALICE, note("b", transfers=(hold,)))
        assert (await journal.lots("alice"))[0].remaining == 40
        await desk.write(ALICE, note("c", transfers=(back, owed)))
        assert (await journal.lots("alice"))[0].remaining == 100
        assert [x.points for x in await journal.entries("alice", None, 9)] == [-30, 60, -60, 100]


REFUSED = {
    "a balance below zero": (debit("alice", "l1", 101, total=0), {"lot_remaining", "balance_not_negative"}),
    "a shortfall above zero": ({"transfers": (Transfer("issued:", "shortfall:alice", 1, "clawback", "alice", (0, 0, 0, 0)),)}, {"balance_shortfall_not_positive"}),
    "a lot that nobody has": (debit("alice", "nobody", 1, total=0), {"transfer_lot_of_owner"}),
    "a lot of another": ({"transfers": (Transfer("issued:", "available:bob", 5, "credit", "bob", (5, 0, 0, 0), "l1"),)}, {"transfer_lot_of_owner"}),
    "more than the lot has": ({"transfers": (Transfer("issued:", "available:alice", 1, "credit", "alice", (101, 0, 0, 0), "l1"),)}, {"lot_remaining"}),
    "zero points": ({"transfers": (Transfer("issued:", "available:alice", 0, "credit", "alice", (1, 0, 0, 0)),)}, {"transfer_points"}),
    "a kind unknown": ({"transfers": (Transfer("issued:", "available:alice", 1, "gift", "alice", (1, 0, 0, 0)),)}, {"transfer_kind"}),
    "a book unknown": ({"transfers": (Transfer("vault:", "available:alice", 1, "credit", "alice", (1, 0, 0, 0)),)}, {"balance_book"}),
    "an owner who takes no part": ({"transfers": (Transfer("issued:", "paid:", 1, "credit", "alice", (1, 0, 0, 0)),)}, {"transfer_owner_takes_part"}),
    "a lot opened twice": ({"lots": credit("alice", "l1", 1, total=1)["lots"]}, {"lot_pkey"}),
    "an overflow on the wire": ({"transfers": (Transfer("issued:", "available:alice", 1 << 63, "credit", "alice", (1, 0, 0, 0)),)}, {""}),
    "an overflow in a sum": ({"transfers": (Transfer("issued:", "available:alice", (1 << 63) - 1, "credit", "alice", (1, 0, 0, 0)),)}, {""}),
    "a NUL in a document": ({"documents": (put("d", {"x": "\0"}),)}, {""}),
    "a NUL in a key": ({"documents": (put("a\0b", {}),)}, {""}),
    "a lone surrogate": ({"documents": (put("d", {"x": "\ud800"}),)}, {""}),
    "a number too great for JSON": ({"documents": (put("d", {"x": 1 << 70}),)}, {""}),
}  # fmt: skip


@pytest.mark.parametrize("case", list(REFUSED))
async def test_refused_data_changes_nothing(backend: Any, case: str) -> None:
    """The database refuses by constraint; the decision is told, and nothing of it is there (S47)."""
    fields, names = REFUSED[case]
    async with backend.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a", **credit("alice", "l1", 100, total=100)))
        fate = await desk.write(ALICE, note("b", events=(Noted("never"),), **fields))
        assert isinstance(fate.why, Rejected)
        assert fate.why.detail in names
        assert (await journal.load(ALICE)).state == encode(page("a"))
        assert await journal.events(0, 10) == []
        assert (await journal.lots("alice"))[0].remaining == 100
        assert len(await journal.entries("alice", None, 10)) == 1
        assert (await desk.write(ALICE, note("c"))).why is None


async def test_three_bad_values_hurt_three_decisions_of_a_batch_of_256(backend: Any) -> None:
    """A NUL, a CHECK violation and an overflow each hurt one decision and no other (design.md 7)."""
    bad: dict[int, dict[str, Any]] = {
        7: {"documents": (put("d", {"x": "\0"}),)},
        128: dict(debit("owner-128", "nobody", 5, total=0)),
        255: {"documents": (put("d", {"x": 1}),), "transfers": (
            Transfer("issued:", "available:x", 1 << 64, "credit", "x", (1, 0, 0, 0)),)},
    }  # fmt: skip
    async with backend.open() as journal:
        desk = Desk(journal)
        for n in range(256):
            address = Address("wallet", f"w{n}")
            good = dict(credit(f"w{n}", f"l{n}", 10, total=10))
            desk.submit(address, note("x", events=(Noted(str(n)),), **bad.get(n, good)))
        fates = await desk.wait(256)
        assert [run.address.key for run in desk.settled] == [f"w{n}" for n in range(256)]
        assert {n for n, fate in enumerate(fates) if fate.why is not None} == set(bad)
        assert all(isinstance(fates[n].why, Rejected) for n in bad)
        events = await journal.events(0, 500)
        assert [event.number for event in events] == list(range(1, 254))
        assert journal.statistics().rejections_total == 3


async def test_a_refused_decision_undoes_the_later_ones_of_its_run(backend: Any) -> None:
    """Earlier decisions of the run stand, later ones are undone, other actors are not hurt."""
    async with backend.open() as journal:
        desk = Desk(journal)
        desk.submit(
            ALICE,
            note("1", messages=(tell(PUSH, "kept"),)),
            note("2", documents=(put("d", {"x": "\0"}),)),
            note("3", messages=(tell(PUSH, "undone"),)),
        )
        desk.submit(BOB, note("b", messages=(tell(PUSH, "other"),)))
        one, two = await desk.wait(2)
        assert (one.count, [x.message for x in one.outgoing]) == (1, [Remind("kept")])
        assert isinstance(one.why, Rejected)
        assert (two.count, two.why) == (1, None)
        assert (await journal.load(ALICE)).version == 1
        assert [x.payload for x in await journal.pending(PUSH, 9, NOW)] == [
            encode(Remind("kept")), encode(Remind("other")),
        ]  # fmt: skip


async def test_a_payout_is_not_covered_by_a_later_credit_of_its_batch(backend: Any) -> None:
    """Each decision of a batch leaves lawful balances, not only all of them together: what is paid
    out before the points are there is refused, and the credit stands (E7).
    """
    early = Transfer("available:alice", "paid:", 15, "payout", "alice", (0, 0, 0, 0))
    async with backend.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a", **credit("alice", "l1", 10, total=10)))
        desk.submit(ALICE, note("b", transfers=(early,)))
        desk.submit(BOB, note("c", **credit("alice", "l2", 10, total=20)))
        refused, credited = await desk.wait(2)
        assert refused.why == Rejected("23514", "balance_not_negative")
        assert credited.why is None
        assert [x.points for x in await journal.entries("alice", None, 9)] == [10, 10]


async def test_a_payout_is_not_covered_by_a_later_hold_of_its_batch(backend: Any) -> None:
    """Blocked points are paid out after they were blocked, not before, batch or not (E7)."""
    paid = Transfer("blocked:alice", "paid:", 5, "payout", "alice", (5, 0, 0, 0))
    hold = Transfer("available:alice", "blocked:alice", 5, "hold", "alice", (5, 0, 5, 0), "l1")
    async with backend.open() as journal:
        desk = Desk(journal)
        await desk.write(ALICE, note("a", **credit("alice", "l1", 10, total=10)))
        desk.submit(ALICE, note("b", transfers=(paid,)))
        desk.submit(BOB, note("c", transfers=(hold,)))
        refused, held = await desk.wait(2)
        assert refused.why == Rejected("23514", "balance_not_negative")
        assert held.why is None

"""Why a decision is refused does not depend on what else is in its batch.

Against every journal, as test_contract.py. Of several reasons the first is told: a once key that is
taken, another version, a message that is gone, bad data.

Source: engine/journal.py (Fate); design.md 7 (Folding); found by test_equivalence.py.
"""

from typing import Any

import pytest

from comptoir.engine.decision import Attempt, Decision, Transfer
from comptoir.engine.journal import Duplicate, Gone, Lost, Rejected
from comptoir.engine.values import Address, encode
from comptoir.storage.journal_testing import (
    BLANK,
    NOW,
    Desk,
    Noted,
    Written,
    credit,
    keep,
    note,
    only_once,
    page,
    put,
    tell,
)

ALICE = Address("wallet", "alice")
BOB = Address("wallet", "bob")
PUSH = Address("push", "push")


async def test_a_key_that_expires_between_two_decisions_of_a_batch_is_free_again(
    backend: Any,
) -> None:
    """The batch is told apart where business time matters: the journal goes on (X23)."""
    async with backend.open() as journal:
        await Desk(journal).write(PUSH, keep(once=(only_once("k", ttl_ms=10),)), stateless=True)
    async with backend.open() as journal:  # it knows nothing of the key but what the table says
        desk = Desk(journal)
        desk.submit(ALICE, note("a", once=(only_once("other"),)), at=NOW + 5)
        desk.submit(BOB, note("b", once=(only_once("k"),)), at=NOW + 15)
        assert [fate.why for fate in await desk.wait(2)] == [None, None]
        assert (await desk.write(BOB, note("c"))).why is None


async def test_a_key_taken_and_expired_in_one_batch_is_free_again(backend: Any) -> None:
    """What a fold holds of a key ends with the key's life, as the table's row does (X23)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        short = only_once("k", ttl_ms=10)
        desk.submit(ALICE, note("a", once=(short,)), at=NOW)
        desk.submit(BOB, note("b", once=(short,)), at=NOW + 10)
        desk.submit(PUSH, keep(once=(short,)), at=NOW + 19, stateless=True)
        fates = await desk.wait(3)
        assert [fate.why for fate in fates] == [None, None, Duplicate(b"")]


@pytest.mark.parametrize("opened_again", [False, True])
async def test_a_stale_decision_is_refused_though_it_keeps_the_state(
    backend: Any, opened_again: bool
) -> None:
    """Events of a decision taken on an old state are as wrong as its new state would be."""
    async with backend.open() as journal:
        await Desk(journal).write(ALICE, note("a"))
        if not opened_again:
            assert await _keep_on(journal, version=0) == "STALE"
    async with backend.open() as journal:
        assert await _keep_on(journal, version=2) == "STALE"
        assert await _keep_on(journal, version=1) is None
        assert len(await journal.events(0, 10)) == 1


async def _keep_on(journal: Any, version: int) -> str | None:
    desk = Desk(journal)
    desk.versions[ALICE] = version
    fate = await desk.write(ALICE, Decision(BLANK, events=(Noted("e"),)))
    assert fate.why is None or isinstance(fate.why, Lost)
    return None if fate.why is None else fate.why.code


async def test_a_run_after_one_that_was_cut_stands_by_its_own_version(backend: Any) -> None:
    """In one batch as in two: what the first run would have left is what decides."""
    async with backend.open() as journal:
        desk = Desk(journal)
        await desk.write(PUSH, keep(once=(only_once("k"),)), stateless=True)
        desk.submit(ALICE, keep(once=(only_once("k"),)))
        desk.submit(ALICE, note("b"))
        cut, next_one = await desk.wait(2)
        assert (cut.why, next_one.why) == (Duplicate(b""), None)
        assert (await journal.load(ALICE)).state == encode(page("b"))


async def test_a_taken_key_is_told_before_everything_else(backend: Any) -> None:
    """Whoever asks again hears the first answer, however wrong the repeated decision is (X16)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        first = keep(once=(only_once("k"),), reply=Written("first"), messages=(tell(BOB, "m"),))
        (row,) = (await desk.write(PUSH, first, stateless=True)).outgoing
        await desk.write(BOB, note("b"), consumed=(row,))
    async with backend.open() as journal:
        desk = Desk(journal)
        again = {"once": (only_once("k"),)}
        bad = (Transfer("issued:", "available:alice", 0, "credit", "alice", (0, 0, 0, 0)),)
        desk.versions[ALICE] = 7
        desk.submit(ALICE, note("\ud800", transfers=bad, **again), consumed=(row,))
        desk.submit(PUSH, keep(transfers=bad, **again), consumed=(row,), stateless=True)
        desk.submit(PUSH, keep(transfers=bad), consumed=(row,), stateless=True)
        desk.submit(PUSH, keep(transfers=bad), stateless=True)
        *asked, gone, refused = await desk.wait(4)
        assert [fate.why for fate in asked] == [Duplicate(encode(Written("first")))] * 2
        assert gone.why == Gone()
        assert refused.why == Rejected("23514", "transfer_points")


async def test_a_message_consumed_in_the_batch_is_told_before_bad_data(backend: Any) -> None:
    """Although the database was asked about the key while the message was still there."""
    async with backend.open() as journal:
        desk = Desk(journal)
        (row,) = (await desk.write(PUSH, note("a", messages=(tell(BOB, "m"),)))).outgoing
        bad = {"documents": (put("d", {"x": "\ud800"}),), "once": (only_once("k"),)}
        desk.submit(BOB, note("b"), consumed=(row,))
        desk.submit(ALICE, note("c", **bad), consumed=(row,))
        desk.submit(PUSH, keep(documents=bad["documents"]), stateless=True)
        taken, gone, refused = await desk.wait(3)
        assert (taken.why, gone.why) == (None, Gone())
        assert isinstance(refused.why, Rejected)


async def test_a_lot_is_not_there_before_it_is_opened(backend: Any) -> None:
    """A transfer to a lot that the next decision of its batch opens is refused, as it is alone."""
    async with backend.open() as journal:
        desk = Desk(journal)
        opened = credit("alice", "l1", 10, total=10)["lots"]
        four, six = (
            Transfer("issued:", "available:alice", n, "credit", "alice", (n, 0, 0, 0), "l1")
            for n in (4, 6)
        )
        desk.submit(PUSH, keep(transfers=(four,)), stateless=True)
        desk.submit(BOB, note("b", lots=opened, transfers=(six,)))
        early, opening = await desk.wait(2)
        assert (early.why, opening.why) == (Rejected("CT005", "transfer_lot_of_owner"), None)


HIDDEN = {
    "a state": (note("\ud800"), note("b")),
    "a due time": (
        note("a", messages=(tell(ALICE, "1", due_at=1 << 63, name="t"),)),
        note("b", cancel=("t",)),
    ),
    "a due time of parked work": (
        note("a", messages=(tell(ALICE, "1", due_at=1 << 63, parked=True),)),
        note("b", release=True),
    ),
    "a sender": (
        note("a", messages=(tell(ALICE, "1", name="t", sender=Address("push", "\0")),)),
        note("b", cancel=("t",)),
    ),
    "an attempt": (
        note("a", messages=(tell(ALICE, "1", name="t", attempts=(Attempt(NOW, "\ud800"),)),)),
        note("b", cancel=("t",)),
    ),
}


@pytest.mark.parametrize("what", list(HIDDEN))
async def test_what_a_batch_hides_must_be_sound(backend: Any, what: str) -> None:
    """Bad data is refused, although a later decision of the same batch would have written over it."""
    async with backend.open() as journal:
        fate = await Desk(journal).write(ALICE, *HIDDEN[what])
        assert fate.count == 0
        assert isinstance(fate.why, Rejected)


async def test_a_refused_release_is_not_told(backend: Any) -> None:
    """`released` speaks of durable decisions only."""
    async with backend.open() as journal:
        bad = keep(release=True, documents=(), transfers=(
            Transfer("issued:", "available:alice", 0, "credit", "alice", (0, 0, 0, 0)),))  # fmt: skip
        fate = await Desk(journal).write(PUSH, bad, stateless=True)
        assert (fate.count, fate.released) == (0, False)

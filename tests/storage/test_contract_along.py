"""The contract's rows that go along: their receivers have them before they are durable (ADR 0013).

Against every journal, as test_contract.py.

Source: engine/journal.py; docs/adr/0013-messages-go-along.md; design.md 3, 7 (Folding).
"""

from typing import Any

from comptoir.engine.decision import Decision
from comptoir.engine.journal import Duplicate, Gone, Pending, Rejected, Run
from comptoir.engine.values import Address
from comptoir.storage.journal_testing import NOW, Desk, credit, note, only_once, tell

SENDER = Address("connection", "x")
RECEIVER = Address("wallet", "alice")


def _send_along(desk: Desk, decision: Decision[Any]) -> tuple[Run, Pending]:
    """Submit a decision that sends one message, and the row that its receiver has at once."""
    (out,) = decision.messages
    row = Pending(0, out.target, SENDER, NOW, NOW, (), out.message, along=True)
    run = desk.submit(SENDER, decision)
    run.decided[0].along = {0: row}
    return run, row


async def test_a_row_that_is_consumed_in_its_batch_is_never_told(backend: Any) -> None:
    """Invariant 2: both are durable, and nothing is left to hand over."""
    async with backend.open() as journal:
        desk = Desk(journal)
        _, row = _send_along(desk, note("a", messages=(tell(RECEIVER, "credit"),)))
        desk.submit(RECEIVER, note("b", **credit("alice", "l1", 5, total=5)), consumed=(row,))
        sent, taken = await desk.wait(2)
        assert (sent.count, sent.why, list(sent.outgoing)) == (1, None, [])
        assert (taken.count, taken.why) == (1, None)
        assert [lot.remaining for lot in await journal.lots("alice")] == [5]
        assert await journal.pending(RECEIVER, 9, NOW) == []


async def test_a_receiver_is_undone_with_its_sender(backend: Any) -> None:
    """X16, invariant 4: what a repeat would have sent is nowhere, and its decision is `Gone`."""
    async with backend.open() as journal:
        desk = Desk(journal)
        once = (only_once("k"),)
        await desk.write(Address("connection", "first"), note("first", once=once))
        repeat = note("again", once=once, messages=(tell(RECEIVER, "credit"),))
        _, row = _send_along(desk, repeat)
        desk.submit(RECEIVER, note("b", **credit("alice", "l1", 5, total=5)), consumed=(row,))
        sent, taken = await desk.wait(2)
        assert (sent.count, isinstance(sent.why, Duplicate)) == (0, True)
        assert (taken.count, taken.why) == (0, Gone())
        assert await journal.lots("alice") == []
        assert await journal.pending(RECEIVER, 9, NOW) == []
        assert (await desk.write(RECEIVER, note("c"))).why is None


async def test_in_two_batches_the_row_is_written_and_consumed_once(backend: Any) -> None:
    """Invariant 2: where the two are parted, the row has an id, and whoever consumes it later has it."""
    async with backend.open(batch_decisions_max=1) as journal:
        desk = Desk(journal)
        _, row = _send_along(desk, note("a", messages=(tell(RECEIVER, "credit"),)))
        sent = (await desk.wait(1))[0]
        assert [x.id for x in sent.outgoing] == [row.id]
        assert row.id > 0
        assert [x.id for x in await journal.pending(RECEIVER, 9, NOW)] == [row.id]
        assert (await desk.write(RECEIVER, note("b"), consumed=(row,))).why is None
        assert (await desk.write(RECEIVER, note("c"), consumed=(row,))).why == Gone()
        assert await journal.pending(RECEIVER, 9, NOW) == []


async def test_bad_data_of_the_receiver_hurts_the_receiver_only(backend: Any) -> None:
    """Design.md 7, Isolation: the sender's decision stands, and its row waits for a better one."""
    async with backend.open() as journal:
        desk = Desk(journal)
        _, row = _send_along(desk, note("a", messages=(tell(RECEIVER, "credit"),)))
        desk.submit(RECEIVER, note("b", **credit("alice", "l1", -5, total=5)), consumed=(row,))
        sent, taken = await desk.wait(2)
        assert (sent.count, sent.why) == (1, None)
        assert taken.count == 0
        assert [x.id for x in await journal.pending(RECEIVER, 9, NOW)] == [row.id]
        assert (await desk.write(RECEIVER, note("c"), consumed=(row,))).why is None


async def test_bad_data_after_its_row_was_numbered(backend: Any) -> None:
    """A sender that is refused for its data after its message was written leaves no row to consume."""
    async with backend.open() as journal:
        desk = Desk(journal)
        bad = note("a", messages=(tell(RECEIVER, "x"),), **credit("bob", "l1", -5, total=5))
        _, row = _send_along(desk, bad)
        desk.submit(RECEIVER, note("b"), consumed=(row,))
        sent, taken = await desk.wait(2)
        assert isinstance(sent.why, Rejected)
        assert taken.why == Gone()
        assert row.id == 0


async def test_a_row_that_was_given_back_is_told_as_any_other(backend: Any) -> None:
    """Invariant 2: its receiver ended before the sender's decision was durable: it is handed over."""
    async with backend.open() as journal:
        desk = Desk(journal)
        _, row = _send_along(desk, note("a", messages=(tell(RECEIVER, "credit"),)))
        row.along = False
        (sent,) = await desk.wait(1)
        assert [x.id for x in sent.outgoing] == [row.id]
        assert row.id > 0
        assert (await desk.write(RECEIVER, note("b"), consumed=(row,))).why is None

"""The contract's `once` keys: what may happen only once does, and its second asker hears of it.

Against every journal, as test_contract.py.

Source: engine/journal.py; design.md 2, 3, 7, 8.
"""

from typing import Any

from comptoir.engine.journal import Duplicate
from comptoir.engine.values import Address, encode
from comptoir.storage.journal_testing import (
    NOW,
    Desk,
    Written,
    keep,
    note,
    only_once,
    page,
)

ALICE = Address("wallet", "alice")
BOB = Address("wallet", "bob")
PUSH = Address("push", "push")


async def test_a_once_key_is_taken_once(backend: Any) -> None:
    """The loser gets the first answer, in the same batch and in a later one (X16, X19)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        first = note("a", reply=Written("first"), once=(only_once("k"),))
        again = note("b", reply=Written("second"), once=(only_once("k"),))
        desk.submit(ALICE, first)
        desk.submit(BOB, note("kept"), again, note("undone"))
        one, two = await desk.wait(2)
        assert one.why is None
        assert (two.count, two.why) == (1, Duplicate(encode(Written("first"))))
        assert (await journal.load(BOB)).state == encode(page("kept"))
        three = await desk.write(BOB, again)
        assert (three.count, three.why) == (0, Duplicate(encode(Written("first"))))
        other = await desk.write(BOB, note("c", once=(only_once("k", scope="idempotency"),)))
        assert other.why is None
    async with backend.open() as journal:
        desk = Desk(journal)
        fate = await desk.write(PUSH, keep(once=(only_once("k"),)), stateless=True)
        assert fate.why == Duplicate(encode(Written("first")))
        assert journal.statistics().refusals_total == 1


async def test_a_once_key_twice_in_one_run_is_cut_at_the_second(backend: Any) -> None:
    """A refused key undoes that decision and every later one of its run (design.md 3)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        fate = await desk.write(
            ALICE, note("a", once=(only_once("k"),)), note("b", once=(only_once("k"),)), note("c")
        )
        assert (fate.count, fate.why) == (1, Duplicate(b""))
        assert (await journal.load(ALICE)).version == 1


async def test_an_expired_once_key_may_be_taken_again(backend: Any) -> None:
    """A key lives as long as its class says, purged or not (X23)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        short = only_once("k", ttl_ms=10)
        assert (await desk.write(ALICE, note("a", once=(short,)))).why is None
        assert (await desk.write(ALICE, note("b", once=(short,)), at=NOW + 9)).why is not None
        assert (await desk.write(ALICE, note("c", once=(short,)), at=NOW + 10)).why is None
        assert await journal.purge(NOW + 19) == 0
        assert await journal.purge(NOW + 20) == 1
        assert (await desk.write(ALICE, note("d", once=(short,)), at=NOW + 21)).why is None

"""The contract's one writer, beyond decisions: nothing else of a superseded journal is written either.

Against every journal, as test_contract.py.

Source: engine/journal.py; design.md 7 (One writer), 9 (invariant 3).
"""

from typing import Any

import pytest
from msgspec import structs

from comptoir.engine.decision import DeadLetter
from comptoir.engine.errors import Superseded
from comptoir.engine.journal import Duplicate, Gone, Lost
from comptoir.engine.values import Address
from comptoir.storage.journal_testing import NOW, Desk, keep, note, only_once, tell

ALICE = Address("wallet", "alice")
BOB = Address("wallet", "bob")
PUSH = Address("push", "push")


@pytest.mark.parametrize(
    "what", ["replay", "discard", "purge", "put_setting", "expire_dead", "expire_actors"]
)
async def test_a_superseded_journal_writes_nothing_beside_decisions(
    backend: Any, what: str
) -> None:
    """Once the epoch is another's, dead letters, expired keys and settings stay as they are, and the
    caller is told so, although no batch has failed yet (S71).
    """
    async with backend.open() as journal:
        desk = Desk(journal)
        sent = note("a", messages=(tell(PUSH, "m"),), once=(only_once("k", ttl_ms=10),))
        (row,) = (await desk.write(ALICE, sent)).outgoing
        letter = keep(dead_letter=DeadLetter("dlq:points", "CRASHED"))
        await desk.write(PUSH, letter, consumed=(row,), stateless=True)
        (dead,) = await journal.dead_letters(None, 10)
        await journal.put_setting("clock", "1")
        await backend.usurp()
        arguments: dict[str, tuple[Any, ...]] = {
            "replay": ([dead.id], NOW),
            "discard": ([dead.id],),
            "purge": (NOW + 20,),
            "put_setting": ("clock", "2"),
            "expire_dead": (NOW + 20,),
            "expire_actors": ("wallet", "", NOW + 20),
        }
        with pytest.raises(Superseded):
            await getattr(journal, what)(*arguments[what])
        assert [x.id for x in await journal.dead_letters(None, 10)] == [dead.id]
        assert await journal.setting("clock") == "1"
    async with backend.open() as journal:
        assert await journal.purge(NOW + 20) == 1, "the key was still there"
        await journal.put_setting("clock", "3")
        assert await journal.setting("clock") == "3"


async def test_a_dead_letter_cannot_be_consumed(backend: Any) -> None:
    """What died comes back by a replay, under a new id, and in no other way (design.md 3)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        (row,) = (await desk.write(ALICE, note("a", messages=(tell(PUSH, "m"),)))).outgoing
        letter = keep(dead_letter=DeadLetter("dlq:points", "CRASHED"))
        await desk.write(PUSH, letter, consumed=(row,), stateless=True)
        (dead,) = await journal.dead_letters(None, 10)
        late = structs.replace(row, id=dead.id)
        assert (await desk.write(PUSH, keep(), consumed=(late,), stateless=True)).why == Gone()
        assert len(await journal.dead_letters(None, 10)) == 1


async def test_a_decision_on_an_actor_that_is_not_there_is_stale(backend: Any) -> None:
    """A version other than none cannot be taken up out of nothing (design.md 7, Loud fences)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        desk.versions[ALICE] = 5
        fate = await desk.write(ALICE, note("b"))
        assert isinstance(fate.why, Lost)
        assert fate.why.code == "STALE"
        assert await journal.load(ALICE) is None


@pytest.mark.parametrize("first", ["within", "beyond"])
async def test_each_decision_of_a_batch_meets_a_once_key_at_its_own_time(
    backend: Any, first: str
) -> None:
    """A key that expires between two decisions of one batch is taken for the one within its time,
    and free for the one beyond it, whichever comes first (X16, X23).
    """
    async with backend.open() as journal:
        await Desk(journal).write(ALICE, note("a", once=(only_once("k", ttl_ms=10),)))
    async with backend.open() as journal:
        desk = Desk(journal)
        late = (NOW + 9, NOW + 20)
        keys = ("k", "other") if first == "within" else ("other", "k")
        for address, at, key in zip((BOB, PUSH), late, keys, strict=True):
            desk.submit(address, keep(once=(only_once(key),)), at=at, stateless=True)
        one, two = await desk.wait(2)
        assert two.why is None
        assert one.why == (Duplicate(b"") if first == "within" else None)

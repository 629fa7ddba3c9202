"""The contract's actors that have ended long ago: they are deleted, and nobody who is waited for is.

Against every journal, as test_contract.py.

Source: engine/journal.py; spec.md S60, X13.
"""

from typing import Any

from comptoir.engine.values import Address
from comptoir.storage.journal_testing import NOW, Desk, note, tell

KIND = "wallet"
OLD, WAITED_FOR, YOUNG = (Address(KIND, key) for key in ("a-old", "b-waited-for", "c-young"))
ELSE = Address("connection", "a-old")


async def test_who_has_ended_long_ago_is_forgotten(backend: Any) -> None:
    """S60: of one kind, unchanged since then, and without a row that waits for them; begun anew, they are
    newborn. The others stay.
    """
    async with backend.open() as journal:
        desk = Desk(journal)
        for address in (OLD, ELSE):
            assert (await desk.write(address, note("a"), at=NOW)).why is None
        due = note("a", messages=(tell(WAITED_FOR, "later", due_at=NOW + 100),))
        assert (await desk.write(WAITED_FOR, due, at=NOW)).why is None
        assert (await desk.write(YOUNG, note("a"), at=NOW + 5)).why is None
        assert await journal.expire_actors(KIND, "", NOW - 1) == (None, 0)
        assert await journal.expire_actors(KIND, "", NOW + 4) == (None, 1)
        assert await journal.expire_actors(KIND, "", NOW + 4) == (None, 0)
        assert await journal.load(OLD) is None
        for address in (WAITED_FOR, YOUNG, ELSE):
            assert await journal.load(address) is not None

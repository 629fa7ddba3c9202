"""The journal's contract, of events that are looked for by name and by number (engine/journal.py; S33).

Source: engine/journal.py; design.md 7; docs/adr/0058.
"""

from typing import Any

import trio

from comptoir.engine.values import Address
from comptoir.storage.journal_testing import Desk, Noted, note

ALICE = Address("wallet", "alice")
BOB = Address("purse", "bob")
NAMES = (("wallet", "Noted"), ("purse", "Other"))


async def test_events_are_found_by_their_names_and_numbers(backend: Any) -> None:
    """Those of a kind and type, in a range, in order; and those of some numbers, as far as they exist (S33)."""
    async with backend.open() as journal:
        desk = Desk(journal)
        for number in range(6):
            await desk.write(
                BOB if number % 2 else ALICE, note(str(number), events=(Noted(str(number)),))
            )
        found = await journal.events_named(NAMES, 0, 6, 10)
        assert [one.number for one in found] == [1, 3, 5]
        assert found == [one for one in await journal.events(0, 10) if one.address == ALICE]
        assert [one.number for one in await journal.events_named(NAMES, 1, 4, 10)] == [3]
        assert [one.number for one in await journal.events_named(NAMES, 0, 6, 2)] == [1, 3]
        assert await journal.events_named((), 0, 6, 10) == []
        assert [one.number for one in await journal.events_at([5, 2, 99, 5])] == [2, 5]
        assert await journal.events_at([]) == []


async def test_no_number_is_seen_before_all_below_it(backend: Any) -> None:
    """interface.md 8: whoever reads while many commit sees numbers without a gap, each time from the first on, up to
    what the journal says to be its last (the feed reads up to there).
    """
    async with backend.open(batch_decisions_max=3) as journal:
        desk = Desk(journal)
        seen = list[int]()

        async def read() -> None:
            while len(seen) < 120:
                last = journal.statistics().last_event
                numbers = [one.number for one in await journal.events(0, 500)]
                assert numbers == [*range(1, len(numbers) + 1)]
                assert len(numbers) >= last
                seen[:] = numbers
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            for number in range(120):
                desk.submit(Address("wallet", str(number)), note("x", events=(Noted("e"),)))
                if number % 7 == 0:
                    await trio.lowlevel.checkpoint()
            await desk.wait(120)

"""The contract's dead letters: found by filters, discarded, deleted past their time, and nothing else is.

Against every journal, as test_contract.py.

Source: engine/journal.py; spec.md X23, S64.
"""

from typing import Any

from comptoir.engine.decision import DeadLetter, Outgoing
from comptoir.engine.letters import ID_MAX, LetterCount, LetterFilter
from comptoir.engine.values import Address, encode
from comptoir.storage.journal_testing import NOW, Desk, Remind, keep, tell

PUSH = Address("push", "push")
DEATHS = {"dlq:points": (1, 2, 3), "dlq:transactions": (2, 9), "hold": (1,)}
"""Queue -> ms after NOW at which its letters died."""


async def _bury_all(desk: Desk) -> None:
    for queue, moments in DEATHS.items():
        for moment in moments:
            letter = DeadLetter(queue, "CRASHED")
            fate = await desk.write(
                PUSH, keep(dead_letter=letter), message=Remind("x"), stateless=True, at=NOW + moment
            )
            assert fate.why is None


async def test_a_dead_letter_past_its_time_is_deleted(backend: Any) -> None:
    """X23: those that died by then go, counted by queue; younger ones, queues to keep and live rows
    stay, and what is gone cannot be replayed.
    """
    async with backend.open() as journal:
        desk = Desk(journal)
        await _bury_all(desk)
        (alive,) = (
            await desk.write(PUSH, keep(messages=(tell(PUSH, "live"),)), stateless=True)
        ).outgoing
        old = [letter.id for letter in await journal.dead_letters("dlq:points", 10)]
        assert await journal.expire_dead(NOW, ("hold",)) == {}
        assert await journal.expire_dead(NOW + 2, ("hold",)) == {
            "dlq:points": 2, "dlq:transactions": 1,
        }  # fmt: skip
        assert await journal.expire_dead(NOW + 2, ("hold",)) == {}
        left = {"dlq:points": 1, "dlq:transactions": 1, "hold": 1}
        assert await journal.count_dead_letters() == left
        assert len(await journal.replay(old, NOW + 20)) == 1, "the one that is left"
        pending = await journal.pending(PUSH, 10, NOW + 30)
        assert pending[0].id == alive.id
        assert await journal.expire_dead(NOW + 2) == {"hold": 1}
    async with backend.open() as journal:
        assert await journal.count_dead_letters() == {"dlq:transactions": 1}


ALL = LetterFilter()
WALLET = Address("wallet", "alice")


async def _found(journal: Any, wanted: LetterFilter) -> list[tuple[str, int]]:
    """Queue and moment of what a filter finds, newest first, in pages of two."""
    found: list[Any] = []
    before: int | None = None
    while page := await journal.letters(wanted, before, 2):
        found += page
        before = page[-1].id
    assert [x.id for x in found] == sorted((x.id for x in found), reverse=True)
    assert all(x.payload == b"" and wanted.covers(x) for x in found)
    ids = [x.id for x in found]
    assert await journal.letter_ids(wanted, 0, ID_MAX, 100) == ids[::-1]
    return [(x.queue, x.died_at - NOW) for x in found]


async def test_letters_are_found_by_filters(backend: Any) -> None:
    """S64: by queue, reason, addressee and age, in pages, newest first; what they add up to."""
    async with backend.open() as journal:
        desk = Desk(journal)
        await _bury_all(desk)
        other = keep(dead_letter=DeadLetter("dlq:points", "BANK_REFUSED"))
        await desk.write(WALLET, other, message=Remind("x"), stateless=True, at=NOW + 5)
        assert len(await _found(journal, ALL)) == 7
        points = [("dlq:points", x) for x in (5, 3, 2, 1)]
        assert await _found(journal, LetterFilter("dlq:points")) == points
        assert await _found(journal, LetterFilter(code="BANK_REFUSED")) == points[:1]
        assert await _found(journal, LetterFilter(kind="wallet")) == points[:1]
        aged = LetterFilter("dlq:points", died_from=NOW + 2, died_before=NOW + 5)
        assert await _found(journal, aged) == points[1:3]
        assert await _found(journal, LetterFilter("dlq:nobody")) == []
        ids = [x.id for x in await journal.letters(LetterFilter("dlq:points"), None, 10)]
        assert (
            await journal.letter_ids(LetterFilter("dlq:points"), ids[3], ids[1], 10) == ids[2:0:-1]
        )
        assert await journal.sum_letters("dlq:points", NOW + 3) == [
            LetterCount("dlq:points", "CRASHED", 3, 1, NOW + 1),
            LetterCount("dlq:points", "BANK_REFUSED", 1, 1, NOW + 5),
        ]
        letter = await journal.letter(ids[0])
        assert (letter.target, letter.code, letter.payload) == (WALLET, "BANK_REFUSED", b"")
        assert await journal.open_letter(ids[0]) == encode(Remind("x"))
        assert await journal.letter(ID_MAX) is await journal.open_letter(ID_MAX) is None
        assert await journal.count_letters(LetterFilter("dlq:points"), ids[1]) == 3
        assert await journal.count_letters(ALL, ID_MAX) == 7


async def test_a_letter_is_discarded_once(backend: Any) -> None:
    """S64: what is discarded is gone, also for a replay; what is no letter is not touched."""
    async with backend.open() as journal:
        desk = Desk(journal)
        await _bury_all(desk)
        (alive,) = (
            await desk.write(PUSH, keep(messages=(tell(PUSH, "live"),)), stateless=True)
        ).outgoing
        first, second, *_ = [x.id for x in await journal.letters(ALL, None, 10)]
        assert await journal.discard([first, alive.id, first]) == 1
        assert await journal.discard([first]) == 0
        (revived,) = await journal.replay([first, second, alive.id], NOW + 20)
        assert revived.id not in (second, alive.id)
        assert await journal.discard([second]) == 0, "it is no letter any more"
        assert await journal.replay([second], NOW + 25) == []
    async with backend.open() as journal:
        left = {row.id for row in await journal.pending(PUSH, 10, NOW + 30)}
        assert alive.id in left
        assert len(left) == 2
        assert sum((await journal.count_dead_letters()).values()) == 4


async def test_parked_rows_are_read_and_worked_on(backend: Any) -> None:
    """E5: parked rows are read in the order of their due times, a page of them, and a decision consumes
    one as it would any other row; what was released is parked no more.
    """
    async with backend.open() as journal:
        desk = Desk(journal)
        rows = tuple(
            Outgoing(PUSH, Remind(text), NOW + due, parked=parked)
            for text, due, parked in (("late", 90, True), ("timer", 5, False), ("early", 50, True))
        )
        await desk.write(PUSH, keep(messages=rows), stateless=True)
        early, late = await journal.parked(PUSH, 10)
        assert (early.due_at, late.due_at) == (NOW + 50, NOW + 90)
        assert [row.id for row in await journal.parked(PUSH, 1)] == [early.id]
        assert await journal.parked(WALLET, 10) == []
        assert (await desk.write(PUSH, keep(), consumed=(early,), stateless=True)).why is None
        assert [row.id for row in await journal.parked(PUSH, 10)] == [late.id]
        await desk.write(PUSH, keep(release=True), stateless=True)
        assert await journal.parked(PUSH, 10) == []

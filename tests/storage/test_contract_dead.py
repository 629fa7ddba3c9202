"""The contract's dead letters past their time: they are deleted, and nothing else is.

Against every journal, as test_contract.py.

Source: engine/journal.py; spec.md X23, S64.
"""

from typing import Any

from comptoir.engine.decision import DeadLetter
from comptoir.engine.values import Address
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

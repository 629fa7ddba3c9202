"""How often the demo asks: the longer it waits, the less often, and never so seldom that it seems to stand still.

Source: issue "client onboarding, first half".
"""

import trio
from trio.testing import MockClock

from comptoir.engine.cli.demo_waiting import PAUSE_SECONDS, PAUSE_SECONDS_MAX, Patience

FIVE_MINUTES = 300.0


def test_who_waits_long_asks_less_often() -> None:
    """No pause is shorter than the one before it, all are within their bounds; five minutes take less than a hundred questions."""

    async def pauses() -> list[float]:
        began, found, patience = trio.current_time(), list[float](), Patience()
        while (at := trio.current_time()) - began < FIVE_MINUTES:
            await patience.rest()
            found.append(round(trio.current_time() - at, 9))
        return found

    found = trio.run(pauses, clock=MockClock(autojump_threshold=0))
    assert found == sorted(found)
    assert (found[0], found[-1]) == (PAUSE_SECONDS, PAUSE_SECONDS_MAX)
    assert len(found) < 100

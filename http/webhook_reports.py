"""Many reports of one webhook, and the one answer to it.

The rule: 2xx is said only when every report is durable. Each is taken under a `once` key of its own, so a body
whose second half found the engine full is sent again and counts once. The first report is decided alone, before
the others: it may let them be looked at.
Source: spec.md X16, X19; interface.md 6 (rows 9 to 12).
"""

from collections.abc import Sequence
from typing import Final

import trio

from comptoir.engine import Address, EngineError, Message
from comptoir.http.port import ApiPort
from comptoir.http.webhook_rows import ACCEPTED, DUPLICATE, PARKED, Taken, outcome_of

__all__ = ["take_all"]

ASKS_MAX: Final = 64
"""Reports of one body under way at once; the connection takes them one by one all the same."""


async def take_all(port: ApiPort, address: Address, reports: Sequence[Message]) -> Taken:
    """Have every report decided.

    Args:
        port: the daemon.
        address: the connection's.
        reports: at least one.

    Raises:
        EngineError: the first that ended it, after those under way have ended.
    """
    outcomes = {outcome_of(await port.ask(address, reports[0]))}
    failed: list[EngineError] = []
    left = iter(reports[1:])

    async def work() -> None:
        for report in left:
            try:
                outcomes.add(outcome_of(await port.ask(address, report)))
            except EngineError as error:
                failed.append(error)
            if failed:
                return

    async with trio.open_nursery() as nursery:
        for _ in range(min(ASKS_MAX, len(reports) - 1)):
            nursery.start_soon(work)
    if failed:
        raise failed[0]
    if PARKED in outcomes:
        return PARKED
    return DUPLICATE if outcomes == {DUPLICATE} else ACCEPTED

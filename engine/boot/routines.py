"""What a daemon has its actors begin that comes round by itself: reports of dead letters, comparisons of payments.

Rule: it is asked for at every start, and changes nothing where it goes on already; what was missed is theirs.
Source: spec.md S46, S64, S68; docs/withdrawals.md.
"""

from collections.abc import Iterator
from typing import Final

import trio

from comptoir.actors.letter_report.messages import REPORTED, KeepReporting
from comptoir.actors.reconciliation.messages import KIND, KeepReconciling
from comptoir.engine.boot.paying import source_of
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.settings import Settings
from comptoir.engine.values import Address, Message

__all__ = ["keep_routines"]

RETRY_S: Final = 1.0


def _routines(settings: Settings) -> Iterator[tuple[Address, Message]]:
    """Those that these settings want."""
    if settings.dead_letters.report_to:
        yield REPORTED, KeepReporting()
    source = source_of(settings)
    if source and settings.withdrawals.reconcile_hours:
        yield Address(KIND, source), KeepReconciling()


async def keep_routines(engine: Engine, settings: Settings) -> None:
    """Have each begin, or go on."""
    for address, message in _routines(settings):
        await _keep(engine, address, message)


async def _keep(engine: Engine, address: Address, message: Message) -> None:
    while True:
        try:
            await engine.ask(address, message)
        except EngineError:  # the database is away, say: the timer that there may be stands
            await trio.sleep(RETRY_S)
        else:
            return

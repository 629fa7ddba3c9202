"""What a daemon has its actors begin that comes round by itself: reports of dead letters, comparisons of payments,
looks at watch lists; and what is carried between us and a bus.

Rule: it is asked for at every start, and changes nothing where it goes on already; what was missed is theirs.
Source: spec.md S21, S46, S64, S68; docs/withdrawals.md, docs/screening.md.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import trio

from comptoir.actors.letter_report.messages import REPORTED, KeepReporting
from comptoir.actors.onboarding.keeping import rule_of
from comptoir.actors.onboarding.terms import OnboardingTerms
from comptoir.actors.reconciliation.messages import KIND, KeepReconciling
from comptoir.actors.watch_list.messages import COLLECTION as LISTS
from comptoir.actors.watch_list.messages import KIND as LIST
from comptoir.actors.watch_list.messages import SYSTEM, DropList, KeepList, ReloadList
from comptoir.engine.boot.feeding import follow_journal
from comptoir.engine.boot.keeping import keep_files
from comptoir.engine.boot.paying import source_of
from comptoir.engine.engine import Engine
from comptoir.engine.errors import EngineError
from comptoir.engine.journal import Journal
from comptoir.engine.settings import Settings
from comptoir.engine.values import Address, Message

__all__ = ["keep_routines", "reload_lists"]

RETRY_S: Final = 1.0
LISTS_MAX: Final = 1_000
"""That there ever were."""


def _routines(settings: Settings) -> Iterator[tuple[Address, Message]]:
    """Those that these settings want."""
    if settings.dead_letters.report_to:
        yield REPORTED, KeepReporting()
    source = source_of(settings)
    if source and settings.withdrawals.reconcile_hours:
        yield Address(KIND, source), KeepReconciling()
    for one in settings.screening.lists:
        yield Address(LIST, one.name), KeepList()


async def keep_routines(
    engine: Engine,
    settings: Settings,
    journal: Journal,
    carry: Callable[[Engine], Awaitable[None]],
) -> None:
    """Have each begin, or go on; a list that there was, and is configured no more, ends. Beside them the bus is carried."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(carry, engine)
        rule = rule_of(OnboardingTerms.of(settings))
        nursery.start_soon(keep_files, engine, journal, rule)
        await _begin(engine, settings, journal)


async def _begin(engine: Engine, settings: Settings, journal: Journal) -> None:
    for name in await _dropped(settings, journal):
        await _keep(engine, Address(LIST, name), DropList())
    for address, message in _routines(settings):
        await _keep(engine, address, message)
    await follow_journal(engine, journal, settings.outward.poll_ms / 1000)


async def reload_lists(engine: Engine, settings: Settings) -> None:
    """Have every list read again, as somebody wants who may signal this daemon."""
    for one in settings.screening.lists:
        await _keep(engine, Address(LIST, one.name), ReloadList(SYSTEM))


async def _dropped(settings: Settings, journal: Journal) -> list[str]:
    names = {one.name for one in settings.screening.lists}
    while True:
        try:
            found = await journal.scan(LISTS, "", LISTS_MAX)
        except EngineError:
            await trio.sleep(RETRY_S)
        else:
            return [name for name, one in found if one["configured"] and name not in names]


async def _keep(engine: Engine, address: Address, message: Message) -> None:
    while True:
        try:
            await engine.ask(address, message)
        except EngineError:  # the database is away, say: the timer that there may be stands
            await trio.sleep(RETRY_S)
        else:
            return

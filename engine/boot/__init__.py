"""The composition root: the one place that knows every room and puts a daemon together.

Rule: only the command line, the shipped test fixtures and `Engine.open` come here; nothing else may
import it. Source: design.md 1; interface.md 11.
"""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

from comptoir.actors.connection.machine import MACHINE as CONNECTION
from comptoir.actors.merchants.machine import MACHINE as MERCHANTS
from comptoir.actors.wallet.machine import MACHINE as WALLET
from comptoir.engine.boot.daemon import Daemon, embedded
from comptoir.engine.boot.serving import serve
from comptoir.engine.breaker import BREAKER
from comptoir.engine.engine import Engine
from comptoir.engine.failures import Failure, failure_of
from comptoir.engine.machine import Machine
from comptoir.engine.settings import Settings

__all__ = [
    "Daemon",
    "Failure",
    "embedded",
    "failure_of",
    "machines",
    "memory_engine",
    "migrate",
    "open_engine",
    "open_headless",
    "serve",
]


def machines() -> dict[str, Machine[Any]]:
    """Every machine by name, for drawing and for enumeration."""
    return {m.name: m for m in (CONNECTION, WALLET, MERCHANTS, BREAKER)}


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncGenerator[Engine, None]:
    """The whole daemon, embedded in a test or a program (interface.md 11).

    A single error leaves as itself, not in a group: a caller's own must reach it as it was raised.
    """
    own: BaseException | None = None
    try:
        async with Daemon(settings).open() as daemon:
            assert daemon.engine is not None
            try:
                yield daemon.engine
            except BaseException as error:
                own = error
                raise
    except BaseExceptionGroup as group:
        alone: BaseException = group
        while alone is not own and isinstance(alone, BaseExceptionGroup):
            inside = cast("tuple[BaseException, ...]", alone.exceptions)
            if len(inside) != 1:
                raise
            alone = inside[0]
        raise alone from alone.__cause__


@asynccontextmanager
async def open_headless(settings: Settings) -> AsyncGenerator[Daemon, None]:
    """A daemon without its sockets: imports when none is running, under the writer's lock."""
    async with Daemon(settings).open(listen=False) as daemon:
        yield daemon


@asynccontextmanager
async def memory_engine(settings: Settings | None = None) -> AsyncGenerator[Engine, None]:
    """The cashback actors over an in-memory journal and a manual clock; no socket, no database."""
    from comptoir.storage.testing import MemoryJournal  # a test's, not a daemon's

    chosen = settings or Settings().having({("clock", "mode"): "manual"})
    daemon = Daemon(chosen)
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(MemoryJournal().open())
        yield await stack.enter_async_context(Engine(await daemon.parts(journal, stack)).running())


async def migrate(settings: Settings) -> Any:
    """Bring the database to our schema; what was applied."""
    async with Daemon(settings).open(listen=False) as daemon:
        assert daemon.journal is not None
        return daemon.journal.migrated

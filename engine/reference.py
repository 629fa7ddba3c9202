"""Reference snapshots: read-mostly data that every decision may see without a message.

Rule: a snapshot is immutable and carries a version; its owning actor announces a new version by an
event, and only what is durable is ever published. Building may take long (100,000 partners), so
it is done in slices between checkpoints, beside the work, and swapped in at the end. A building that
crashes hurts nobody: the snapshot before it stands, which the readiness shows, and it is tried again.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
import structlog
import trio

from comptoir.engine.bulkhead import Contained
from comptoir.engine.errors import Unavailable
from comptoir.engine.journal import Journal

__all__ = ["Publisher", "ReferenceSpec", "ReferenceStatistics", "Versioned"]

log = structlog.get_logger("comptoir.reference")

RETRY_S = 0.5
"""How soon a building that the database interrupted is tried again."""
RETRY_S_MAX = 30.0
"""One that crashes is tried again later each time, up to this."""


class Versioned(Protocol):
    """What a snapshot must have."""

    @property
    def version(self) -> int:
        """Grows with every change that its owner commits."""
        ...


class ReferenceSpec(msgspec.Struct, frozen=True):
    """How one snapshot is made."""

    name: str
    """As in `Context.references`."""
    owner: str
    """The kind of actor whose committed decisions change it."""
    build: Callable[[Journal], Awaitable[Any]]
    """Reads the committed rows and makes the snapshot; checkpoints at least every millisecond."""


class ReferenceStatistics(msgspec.Struct, frozen=True):
    """What became of one snapshot."""

    name: str
    builds_total: int
    crashes_total: int
    crashes_in_a_row: int
    """Above 0 the snapshot is older than what its owner committed."""


class Publisher:
    """Keeps one snapshot up to date."""

    def __init__(self, spec: ReferenceSpec, journal: Journal, references: dict[str, Any]) -> None:
        self.spec = spec
        self._journal = journal
        self._references = references
        self._stale = trio.Event()
        self._published = trio.Event()
        self.builds_total = 0
        self._crashes = Contained()
        self._in_a_row = 0

    async def build(self) -> None:
        """Make the snapshot and publish it."""
        self._references[self.spec.name] = await self.spec.build(self._journal)
        self.builds_total += 1
        self._in_a_row = 0
        published, self._published = self._published, trio.Event()
        published.set()

    def owner_changed(self) -> None:
        """The owning actor committed a decision."""
        self._stale.set()

    async def run(self) -> None:
        """Rebuild after every change, until cancelled; changes during a building are one more."""
        while True:
            await self._stale.wait()
            stale, self._stale = self._stale, trio.Event()
            try:
                await self.build()
            except Unavailable:
                self._stale.set()
                await trio.sleep(RETRY_S)
            except Exception as crash:  # noqa: BLE001  # a bulkhead: the last snapshot stands
                self._stale.set()
                self._crashes.note(log, "reference crashed", crash, name=self.spec.name)
                self._in_a_row += 1
                await trio.sleep(min(RETRY_S * self._in_a_row, RETRY_S_MAX))
            except BaseException:
                # Whoever starts this again must build: a change is not forgotten with a crash.
                self._stale = stale
                raise

    def statistics(self) -> ReferenceStatistics:
        """A snapshot of its own figures."""
        return ReferenceStatistics(
            self.spec.name, self.builds_total, self._crashes.total, self._in_a_row
        )

    async def wait_version(self, version: int) -> None:
        """Return once a snapshot of at least this version is published."""
        while self._references[self.spec.name].version < version:
            await self._published.wait()

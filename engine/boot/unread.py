"""The figure of connections that nobody can read: those that were imported and never linked (E6).

Rule: it is what is committed, so it is the same after a restart; while the database is away it is what it was.
Source: spec.md E6; docs/providers.md.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio
from prometheus_client import CollectorRegistry, Gauge

from comptoir.actors.consent_week.messages import UNREAD, Became
from comptoir.actors.consent_week.views import find_weeks
from comptoir.actors.programme import PROVIDERS
from comptoir.engine.errors import EngineError
from comptoir.engine.journal import Journal

__all__ = ["UnreadFigure"]

PERIOD_S: Final = 10.0


class UnreadFigure:
    """`comptoir_connections_unread{provider}`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauge = Gauge(
            "comptoir_connections_unread",
            "Connections that were imported and have no access: no reading finds what their webhooks miss (E6).",
            ("provider",),
            registry=registry,
        )
        for provider in PROVIDERS:
            self._gauge.labels(provider)

    async def take(self, journal: Journal) -> None:
        """As it is now."""
        counted = (await find_weeks(journal, [UNREAD])).get(UNREAD, {})
        for provider in PROVIDERS:
            found = counted.get(provider, {})
            self._gauge.labels(provider).set(found.get(Became.LIVE.value, 0))

    async def run(self, opened: Callable[[], Journal]) -> None:
        """Take it again and again, until cancelled.

        Args:
            opened: the journal; raises while there is none.
        """
        while True:
            with suppress(EngineError):  # the database is away
                await self.take(opened())
            await trio.sleep(PERIOD_S)

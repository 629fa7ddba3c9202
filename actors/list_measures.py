"""Figures of watch lists: what is searched, what was refused, and how many cases were told (S27)."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge

from comptoir.actors.watch_list.machine import (
    Phase,
    RescreeningEnded,
    WatchListLoaded,
    WatchListState,
)
from comptoir.engine.journal import Decided
from comptoir.engine.tally import Tallies

__all__ = ["ListMeasures"]


class ListMeasures:
    """Reads what lists decided."""

    def __init__(self, registry: CollectorRegistry, lists: Iterable[str]) -> None:
        """Take the lists that are configured; others are not told of."""
        names = tuple(lists)
        entries = Gauge(
            "comptoir_watch_list_entries",
            "Entries of the version of a watch list that is searched; 0: none is.",
            ("list",),
            registry=registry,
        )
        refused = Gauge(
            "comptoir_watch_list_refused",
            "1: what a watch list's file says cannot be taken; the version before is searched.",
            ("list",),
            registry=registry,
        )
        versions = Tallies(
            registry, "comptoir_watch_list_versions", "Other versions of a watch list.", ("list",)
        )
        told = Tallies(
            registry, "comptoir_cases_rescreened", "Cases that were told of one (S27).", ("list",)
        )
        self._entries = {name: entries.labels(name) for name in names}
        self._refused = {name: refused.labels(name) for name in names}
        self._versions = {name: versions.of(name) for name in names}
        self._told = {name: told.of(name) for name in names}

    def watch_list(self, decided: Decided) -> None:
        """Note how a list is after a decision, and count what it did."""
        state = decided.decision.state
        if not isinstance(state, WatchListState) or state.name not in self._entries:
            return
        name = state.name
        self._entries[name].set(state.entries if state.version else 0)
        self._refused[name].set(state.phase is Phase.REFUSED)
        for event in decided.decision.events:
            if isinstance(event, WatchListLoaded):
                self._versions[name].value += 1
            elif isinstance(event, RescreeningEnded):
                self._told[name].value += event.cases

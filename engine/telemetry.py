"""Metrics and logs: what an operator sees, and never a secret or a personal datum (invariant 8).

Metrics are Prometheus text from a registry of the engine's own (two engines in one test process do
not share one); what is a running total elsewhere is read at scrape time, so the hot path pays
nothing for it. Logs are structured lines on standard error (interface.md 2: standard output has the
ready line and nothing else, ever).

Source: interface.md 5; spec.md S67.
"""

import logging
import sys
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TextIO, cast

import orjson
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from comptoir.engine.parts import EngineStatistics
from comptoir.engine.tally import Spread, Tallies

__all__ = ["EngineCollector", "Telemetry", "configure_logging"]

ACK_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
"""Around S67's thresholds (100, 200, 500 ms) and our aim (p99 below 20 ms)."""
BREAKER_VALUES = {"closed": 0, "half-open": 1, "open": 2}


class EngineCollector(Collector):
    """Reads the engine's statistics when scraped."""

    def __init__(self) -> None:
        self.statistics: Callable[[], EngineStatistics] | None = None
        self.pending: Mapping[str, int] = {}
        """kind -> rows, as last counted; due timers and parked work under their own names."""
        self.parked: Mapping[str, int] = {}
        """gateway -> calls that wait for the end of an outage, as last counted."""
        self.dead_letters: Mapping[str, int] = {}
        self.dead_letters_expired: Counts[str] = Counts()
        self.loop_lag_s = 0.0
        self.chores_crashed = 0
        """Chores of the housekeeping that crashed, in all."""

    def collect(self) -> Iterable[Metric]:
        """Yield every metric of the engine; before it is open there are none."""
        if self.statistics is None:
            return
        figures = self.statistics()
        yield from self._actors(figures)
        yield from self._journal(figures)
        pending = _gauge("messages_pending", "Rows that still have to be handled.", "kind")
        for kind, rows in self.pending.items():
            pending.add_metric([kind], rows)
        yield pending
        dead = _gauge("dead_letters", "Messages in a dead-letter queue.", "queue")
        for queue, rows in self.dead_letters.items():
            dead.add_metric([queue], rows)
        yield dead
        expired = _counter(
            "dead_letters_expired", "Dead letters deleted after their time.", "queue"
        )
        for queue, letters in self.dead_letters_expired.items():
            expired.add_metric([queue], letters)
        yield expired
        crashed = _counter("crashes", "Crashes that were contained; each is a bug.", "part")
        for part, crashes in self._crashes(figures):
            crashed.add_metric([part], crashes)
        yield crashed
        lag = _gauge("loop_lag_seconds", "How late the event loop last was.")
        lag.add_metric([], self.loop_lag_s)
        yield lag

    def _crashes(self, figures: EngineStatistics) -> Iterable[tuple[str, int]]:
        yield "writer", figures.journal.crashes_total
        yield "delivery", figures.delivery.crashes_total
        yield "housekeeping", self.chores_crashed
        for child in figures.children:
            yield child.id, child.restarts_total
        for reference in figures.references:
            yield f"reference {reference.name} building", reference.crashes_total

    def _actors(self, figures: EngineStatistics) -> Iterable[Metric]:
        resident = _gauge("actors_resident", "Actors in memory.", "kind")
        restarts = _counter("actor_restarts", "Crashes of actors.", "kind")
        suspended = _gauge("actors_suspended", "Actors that crashed too often.", "kind")
        breakers = _gauge("breaker_state", "0 closed, 1 half-open, 2 open.", "gateway")
        for host in figures.hosts:
            resident.add_metric([host.kind], host.resident)
            restarts.add_metric([host.kind], host.restarts_total)
            suspended.add_metric([host.kind], len(host.suspended))
            breakers.add_metric([host.kind], BREAKER_VALUES[host.breaker])
        calls = _counter("gateway_calls", "Calls to outside parties.", "gateway")
        failures = _counter("gateway_failures", "Calls that failed.", "gateway")
        parked = _counter("gateway_parked", "Calls parked by an open breaker.", "gateway")
        waiting = _gauge("parked_calls", "Calls that wait for a party to come back.", "gateway")
        release = _gauge(
            "parked_release_seconds", "Estimate of when the last of them is released.", "gateway"
        )
        for gateway in figures.gateways:
            calls_parked = self.parked.get(gateway.kind, 0)
            waiting.add_metric([gateway.kind], calls_parked)
            release.add_metric([gateway.kind], gateway.release_ms(calls_parked) / 1000)
            breakers.add_metric([gateway.kind], BREAKER_VALUES[gateway.breaker])
            calls.add_metric([gateway.kind], gateway.calls_total)
            failures.add_metric([gateway.kind], gateway.failures_total)
            parked.add_metric([gateway.kind], gateway.parked_total)
        yield from (resident, restarts, suspended, breakers, calls, failures, parked)
        yield from (waiting, release)

    def _journal(self, figures: EngineStatistics) -> Iterable[Metric]:
        journal, delivery = figures.journal, figures.delivery
        yield SummaryMetricFamily(
            "comptoir_commit_batch_size",
            "Decisions committed together.",
            count_value=journal.batches_total,
            sum_value=journal.decisions_total,
        )
        yield SummaryMetricFamily(
            "comptoir_commit_seconds",
            "Time of one batch, from sending to durable.",
            count_value=journal.batches_total,
            sum_value=journal.seconds_committing_total,
        )
        for name, text, value in (
            ("messages_stranded", "Due rows that nobody had; a bug.", delivery.stranded_total),
            ("timers_fired", "Durable timers delivered.", delivery.timers_fired_total),
            ("decisions_duplicate", "Decisions refused by a once key.", journal.refusals_total),
            ("decisions_rejected", "Decisions whose data was refused.", journal.rejections_total),
            ("storage_reconnects", "Connections lost and made again.", journal.reconnects_total),
        ):
            counter = _counter(name, text)
            counter.add_metric([], value)
            yield counter


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"comptoir_{name}", text, labels=labels)


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"comptoir_{name}", text, labels=labels)


class Telemetry:
    """The registry of one daemon and the edge's own histograms."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.engine = EngineCollector()
        self.registry.register(self.engine)
        self.ack_seconds = Spread(
            self.registry,
            "comptoir_ack_seconds",
            "From a webhook's last byte to its answer.",
            ACK_BUCKETS_S,
        )
        self.credit_seconds = Spread(
            self.registry,
            "comptoir_credit_seconds",
            "From a purchase taken to its points credited.",
            ACK_BUCKETS_S,
        )

    def counter(self, name: str, text: str, labels: tuple[str, ...]) -> Tallies:
        """A counter in this registry."""
        return Tallies(self.registry, name, text, labels)

    def text(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self.registry)


class _Lossy:
    """Standard error as the log sees it: a line that cannot be written is lost, and nothing else.

    A log on a full disk, or whose reader has left, must not turn a request into an error, or keep
    the daemon from starting.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write if that is possible."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if that is possible."""
        with suppress(OSError):
            self._stream.flush()


def configure_logging(form: str, level: str) -> None:
    """Send structured logs to standard error, as JSON lines or as text; once per process."""
    last: Any
    if form == "json":
        last = structlog.processors.JSONRenderer(serializer=_dumps)
    else:
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Lossy(sys.stderr))),
        cache_logger_on_first_use=True,
    )


def _dumps(value: Any, **_options: Any) -> str:
    return orjson.dumps(value, default=repr).decode()

"""What an engine is made of, what bounds it, and what it tells of itself.

Rule: put together by the composition root or by a test; plain values, and what is read off them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from comptoir.engine.clock import BusinessClock
from comptoir.engine.delivery import DeliveryStatistics
from comptoir.engine.gateway import GatewayStatistics
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.hosting import HostStatistics
from comptoir.engine.journal import Journal, JournalStatistics
from comptoir.engine.reference import ReferenceSpec, ReferenceStatistics
from comptoir.engine.spec import ActorSpec, Intensity
from comptoir.engine.supervisor import ChildStatistics

__all__ = ["EngineBounds", "EngineStatistics", "Health", "Parts", "find_troubles"]


class EngineBounds(msgspec.Struct, frozen=True):
    """What the engine as a whole may hold."""

    ask_timeout_s: float = 10.0
    start_timeout_s: float = 30.0
    """How long the database may be away while the engine recovers."""
    stop_timeout_s: float = 10.0
    sweep_s: float = 5.0
    sweep_rows_max: int = 1000
    """Rows that one sweep looks at."""
    pending_rows_max: int = 1000
    """Rows waiting for one address, beyond which asks to it are Overloaded."""
    pending_rows_total_max: int = 100_000
    """Rows waiting for all addresses together, beyond which every ask is Overloaded."""
    intensity: Intensity = Intensity(restarts=20, period_ms=60_000)


class Parts(msgspec.Struct, frozen=True):
    """What an engine is made of; put together by the composition root or by a test."""

    journal: Journal
    clock: BusinessClock
    actors: Sequence[ActorSpec[Any]] = ()
    gateways: Sequence[GatewaySpec] = ()
    references: Sequence[ReferenceSpec] = ()
    constants: Mapping[str, Any] = {}
    """Snapshots that never change, such as the programme's configuration."""
    bounds: EngineBounds = EngineBounds()


class EngineStatistics(msgspec.Struct, frozen=True):
    """A snapshot of everything long-lived."""

    hosts: tuple[HostStatistics, ...]
    gateways: tuple[GatewayStatistics, ...]
    delivery: DeliveryStatistics
    journal: JournalStatistics
    children: tuple[ChildStatistics, ...]
    references: tuple[ReferenceStatistics, ...] = ()


def find_troubles(figures: EngineStatistics) -> dict[str, str]:
    """What is wrong with single parts while the whole is at work, as checks of the readiness."""
    found: dict[str, str] = {}
    for host in figures.hosts:
        if host.suspended:
            found[f"actors.{host.kind}"] = f"{len(host.suspended)} suspended"
        if host.breaker == "open":
            found[f"breaker.{host.kind}"] = "open"
    for gateway in figures.gateways:
        if gateway.breaker == "open":
            found[f"breaker.{gateway.kind}"] = "open"
    for child in figures.children:
        if child.restarts_recent:
            name = child.id.replace(" ", ".")
            found[f"crashes.{name}"] = f"restarted {child.restarts_recent} times lately"
    for reference in figures.references:
        if reference.crashes_in_a_row:
            times = reference.crashes_in_a_row
            found[f"reference.{reference.name}"] = f"outdated: {times} builds crashed in a row"
    if figures.delivery.crashes_recent:
        found["crashes.delivery"] = f"{figures.delivery.crashes_recent} lately"
    if figures.journal.crashes_recent:
        found["crashes.writer"] = f"{figures.journal.crashes_recent} lately"
    return found


class Health(msgspec.Struct, frozen=True):
    """What `/health/ready` says."""

    status: str
    """ready, starting, standby, degraded, stopping."""
    checks: dict[str, str]
    pending_messages: int

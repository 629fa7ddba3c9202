"""Settings of what the world is told: webhooks to others, and the feed that they go through.

Rule: nothing here lets a webhook go to a network of the house: this machine alone may be allowed, for development.
Source: spec.md S17, S33; the Standard Webhooks specification 1.0.0; docs/events.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from comptoir.engine.settings.fields import Section, flag, integer, number
from comptoir.engine.settings.listeners import Http
from comptoir.engine.settings.problems import Problem
from comptoir.engine.settings.rules import is_loopback, problem

__all__ = ["Outward", "outward_problems"]


@dataclass(frozen=True, slots=True)
class Outward(Section):
    """Webhooks to CRM and partners, and the feed of public events (docs/events.md)."""

    timeout_s: float = number(
        15.0, "s", (0.1, 60.0), "Longest wait for an endpoint's answer.", "S33, ours"
    )
    calls_in_flight_max: int = integer(
        32, "calls", (1, 1_024), "Webhooks under way at once; one for each endpoint.", "ours"
    )
    owner_calls_in_flight_max: int = integer(
        4, "calls", (1, 1_024),
        "Of these to the endpoints of one partner, or of the house: slow ones hold up nobody else's.", "S18, ours",
    )  # fmt: skip
    disable_after_hours: int = integer(
        120, "hours", (1, 8_760),
        "Of failures without one success, after which an endpoint is disabled.", "ours",
    )  # fmt: skip
    rotation_hours: int = integer(
        24, "hours", (1, 720), "For so long a secret signs after another took its place.", "ours"
    )
    this_machine: bool = flag(
        False, "Let endpoints be on this machine, in the clear too: for development, on loopback.", "ours"
    )  # fmt: skip
    poll_ms: int = integer(
        200, "ms", (10, 60_000), "Least time between two looks at the journal for the feed.", "ours"
    )


def outward_problems(outward: Outward, http: Http) -> Iterator[Problem]:
    """Whoever may register endpoints must not reach what listens on this machine only."""
    if outward.this_machine and not is_loopback(http.host):
        yield problem(
            "outward.this_machine", f"is true, but http.host is {http.host}", "set it to false"
        )  # fmt: skip

"""What an endpoint knows between two messages, and what it puts on record.

Source: spec.md S33; the Standard Webhooks specification 1.0.0; actors/endpoint/machine.py.
"""

from enum import Enum
from hashlib import blake2b
from typing import Final, Literal

import msgspec

from comptoir.actors.endpoint.messages import (
    ATTEMPTS_MAX,
    Attempted,
    DeliveryEnded,
    EndpointDescribed,
)
from comptoir.actors.feed.messages import EndpointTerms
from comptoir.engine import Event, State

__all__ = [
    "RETRY_MS",
    "EndpointChanged",
    "EndpointClosed",
    "EndpointDisabled",
    "EndpointEnabled",
    "EndpointOpened",
    "EndpointState",
    "Job",
    "Key",
    "Phase",
    "ReplayAsked",
    "SecretRotated",
    "delay_of",
    "described",
    "noted",
]

HOUR_MS: Final = 3_600_000
RETRY_MS: Final = (
    5_000, 300_000, 1_800_000, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS,
)  # fmt: skip
"""After each failure, until the next try; the last one again and again (the specification's own schedule)."""
JITTER_PERCENT: Final = 10
WAIT_MS_MAX: Final = 24 * HOUR_MS
"""That a consumer may ask for."""

Job = Literal["", "event", "single", "ping"]


class Phase(Enum):
    """Whether something is on its way."""

    NONE = "none"
    IDLE = "idle"
    """Everything was told."""
    SENDING = "sending"
    """One call is out: the next waits for its end, and so the order is kept."""
    WAITING = "waiting"
    """It failed, and is tried again."""
    DISABLED = "disabled"
    CLOSED = "closed"


class Key(msgspec.Struct, frozen=True):
    """A secret."""

    secret: str
    until: int = 0
    """Business time, ms; 0: for as long as no other takes its place."""


class EndpointState(State, frozen=True):
    """Sealed as a whole at rest: its secrets are nowhere else but in calls that are on their way."""

    phase: Phase
    partner: str = ""
    terms: EndpointTerms = EndpointTerms("", (), "", "")
    keys: tuple[Key, ...] = ()
    """The newest first."""
    created_at: int = 0
    cursor: int = 0
    known: int = 0
    rewind: int = -1
    """Where the cursor goes when the call that is out has ended; -1: on."""
    singles: tuple[int, ...] = ()
    """Positions to be told again, one by one."""
    pings: tuple[str, ...] = ()
    job: Job = ""
    """What the call that is out is for."""
    serial: int = 0
    tries: int = 0
    """Failures since the last success."""
    failing_since: int = 0
    retry_at: int = 0
    cause: str = ""
    attempts: tuple[Attempted, ...] = ()
    """The oldest first."""


class EndpointOpened(Event, frozen=True):
    """Somebody is to be told."""

    partner: str


class EndpointChanged(Event, frozen=True):
    """Its terms are others."""

    fields: tuple[str, ...]


class SecretRotated(Event, frozen=True):
    """It is signed for with another secret."""


class EndpointDisabled(Event, frozen=True):
    """It is told nothing any more."""

    cause: str


class EndpointEnabled(Event, frozen=True):
    """It is told again."""


class ReplayAsked(Event, frozen=True):
    """Something is told again, or passed over."""

    after: int | None
    position: int | None


class EndpointClosed(Event, frozen=True):
    """It is no more."""


def delay_of(key: str, serial: int, tries: int, wait_ms: int) -> int:
    """How long to wait after so many failures, ms.

    Args:
        key: of the endpoint: with the serial it sets by how much the delay is moved, so that those which failed
            together do not come back together.
        serial: of the call that failed.
        tries: failures by now, at least 1.
        wait_ms: what the consumer asked for.
    """
    base = RETRY_MS[min(tries, len(RETRY_MS)) - 1]
    drawn = int.from_bytes(blake2b(f"{key}|{serial}".encode(), digest_size=4).digest())
    moved = base * JITTER_PERCENT * drawn // (100 * 0xFFFF_FFFF)
    return max(base + moved, min(wait_ms, WAIT_MS_MAX))


def noted(state: EndpointState, ended: DeliveryEnded, now: int) -> EndpointState:
    """With this call among the last ones; one that found nothing to tell was none."""
    if ended.outcome == "nothing":
        return state
    one = Attempted(
        now, ended.position, ended.message_id, ended.outcome, ended.status, ended.code, ended.took_ms
    )  # fmt: skip
    return msgspec.structs.replace(state, attempts=(*state.attempts, one)[-ATTEMPTS_MAX:])


def described(state: EndpointState, now: int) -> EndpointDescribed:
    """How it stands."""
    return EndpointDescribed(
        state.partner,
        state.terms,
        "disabled" if state.phase is Phase.DISABLED else "enabled",
        state.cause,
        state.cursor,
        state.known,
        state.failing_since,
        state.retry_at,
        state.created_at,
        max((key.until for key in state.keys if key.until > now), default=0),
    )

"""The memory of one caller's requests: one that comes again is answered as it was the first time.

Rules:
- what a request ended in is kept under a `once` key for its time, sealed, and by nothing else;
- a request that was begun and has not ended (the daemon died, an outside party was away) is worked on
  again with the chance that it had before, so that it meets the actors that it met before;
- a key that runs for one body is refused to another.

Source: interface.md 1 (Idempotency-Key); design.md 3.
"""

from enum import Enum

import msgspec

from comptoir.actors.idempotency.messages import (
    KIND,
    REUSED,
    BeginRequest,
    EndRequest,
    ForgetRequest,
    RequestBegun,
    RequestEnded,
    RequestForgotten,
)
from comptoir.engine import Decision, Once, Refusal, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "IdempotencyState", "Phase", "Running"]

RUNNING_MAX = 128
"""Of one caller: more than it may have under way. Beyond it the oldest is forgotten, which died long ago."""
SCOPE = "idempotency"


class Phase(Enum):
    """Whether anything runs."""

    IDLE = "idle"
    BUSY = "busy"


class Running(msgspec.Struct, frozen=True):
    """A request that was begun."""

    digest: str
    seed: str
    at: int
    """Business time, ms since 1970."""


class IdempotencyState(State, frozen=True):
    """Sealed at rest, under the caller's own key."""

    phase: Phase
    running: dict[str, Running] = msgspec.field(default_factory=dict[str, Running])
    """By key, the oldest first."""


Outcome = Decision[IdempotencyState]


def _state(running: dict[str, Running]) -> IdempotencyState:
    return IdempotencyState(Phase.BUSY if running else Phase.IDLE, running)


def _begin(state: IdempotencyState, message: BeginRequest, context: Context) -> Outcome | Refusal:
    since = context.now - message.ttl_ms
    running = {key: one for key, one in state.running.items() if one.at > since}
    mine = running.get(message.key)
    if mine is not None and mine.digest != message.digest:
        return Refusal(REUSED, "another body runs under this key")
    # Taken for no time at all: refused, with the first answer, exactly if the request has ended.
    ended = _once(context, message.key, 0)
    if mine is not None:
        return Decision(state, RequestBegun(mine.seed), once=(ended,))
    if len(running) >= RUNNING_MAX:
        del running[next(iter(running))]
    running[message.key] = Running(message.digest, message.seed, context.now)
    return Decision(_state(running), RequestBegun(message.seed), once=(ended,))


def _end(state: IdempotencyState, message: EndRequest, context: Context) -> Outcome:
    ended = RequestEnded(message.digest, message.status, message.media_type, message.body)
    once = _once(context, message.key, message.ttl_ms)
    return Decision(_without(state, message.key), ended, once=(once,))


def _forget(state: IdempotencyState, message: ForgetRequest, _context: Context) -> Outcome:
    return Decision(_without(state, message.key), RequestForgotten())


def _once(context: Context, key: str, ttl_ms: int) -> Once:
    """A key is the caller's own: two callers may choose the same one."""
    return Once(SCOPE, f"{context.address.key}:{key}", ttl_ms)


def _without(state: IdempotencyState, key: str) -> IdempotencyState:
    if key not in state.running:
        return state
    return _state({other: one for other, one in state.running.items() if other != key})


MACHINE: Machine[IdempotencyState] = Machine(
    KIND,
    phases=Phase,
    messages=(BeginRequest, EndRequest, ForgetRequest),
    rows=(
        row(Phase.IDLE, BeginRequest, _begin, Phase.BUSY),
        row(Phase.IDLE, EndRequest, _end, Phase.IDLE),  # begun so long ago that it was forgotten
        row(Phase.IDLE, ForgetRequest, _forget, Phase.IDLE),
        row(Phase.BUSY, BeginRequest, _begin, Phase.BUSY),
        row(Phase.BUSY, EndRequest, _end, Phase.IDLE, Phase.BUSY),
        row(Phase.BUSY, ForgetRequest, _forget, Phase.IDLE, Phase.BUSY),
    ),
)

REPLIES: tuple[type[Reply], ...] = (RequestBegun, RequestEnded, RequestForgotten)

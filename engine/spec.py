"""How a kind of actor is declared to the engine: its machine, its bounds, its codecs.

The rule: nothing is unbounded, and every bound is in the declaration where it can be read.
Source: design.md 2, 4 and 5; spec.md S65.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar, Union, cast

import msgspec

from comptoir.engine.journal import Decided, Journal, Loaded
from comptoir.engine.machine import Machine
from comptoir.engine.values import Address, Message, Reply, State

__all__ = ["ActorSpec", "Bounds", "BreakerBounds", "Intensity", "Lookup", "decoder_of"]

S = TypeVar("S", bound=State)

Lookup = Callable[[Journal, Address, Any], Awaitable[Any]]
"""`await lookup(journal, address, message)`: reads this actor's own committed rows before deciding.
Reading only, of rows that nobody but this actor writes; so what it found is still true when the
decision is taken."""


class Intensity(msgspec.Struct, frozen=True):
    """At most this many restarts within the period, then the child is given up (OTP's words)."""

    restarts: int = 5
    period_ms: int = 30_000


class BreakerBounds(msgspec.Struct, frozen=True):
    """Opens after `errors` within `window_ms`; tries again after `recovery_ms` (S65)."""

    errors: int = 5
    window_ms: int = 10_000
    recovery_ms: int = 30_000


class Bounds(msgspec.Struct, frozen=True):
    """The bulkhead of one kind."""

    mailbox_max: int = 64
    """Messages waiting for one actor; beyond, an ask is Overloaded and a row waits in the table."""
    run_max: int = 32
    """Decisions of one actor committed together."""
    resident_max: int = 20_000
    """Actors of the kind in memory."""
    idle_ms: int = 300_000
    """After which an idle actor leaves memory."""
    intensity: Intensity = Intensity()
    breaker: BreakerBounds = BreakerBounds(errors=10, window_ms=10_000, recovery_ms=15_000)


def decoder_of(types: tuple[type[msgspec.Struct], ...]) -> "msgspec.json.Decoder[Any]":
    """A decoder for any of these tagged structs, made once (building one costs a millisecond)."""
    union: Any = Union[types] if types else None  # noqa: UP007  # a tuple of types cannot use "|"
    return msgspec.json.Decoder(union)


class ActorSpec(Generic[S]):
    """One kind of actor."""

    def __init__(
        self,
        machine: Machine[S],
        state: type[S],
        *,
        replies: tuple[type[Reply], ...] = (),
        lookups: Mapping[type[Message], Lookup] | None = None,
        bounds: Bounds | None = None,
        dead_queue: str = "dlq:engine",
        schema: int = 1,
        upgrades: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] | None = None,
        measure: Callable[[Decided], None] | None = None,
    ) -> None:
        """Declare a kind.

        Args:
            machine: Its table; the kind's name is the machine's.
            state: The state's class; `state(phase=machine.initial)` must be a valid newborn.
            replies: Every reply type, so that a stored first answer can be read back.
            lookups: Message types that need facts read before deciding.
            bounds: The bulkhead.
            dead_queue: Where messages go that cannot be handled (S64).
            schema: Version of the state's shape.
            upgrades: From schema n to n+1, as pure functions on the decoded JSON object.
            measure: Called with every committed decision, for metrics.
        """
        self.kind = machine.name
        self.machine = machine
        self.newborn = state(phase=machine.initial)
        self.lookups = dict(lookups or {})
        self.bounds = bounds or Bounds()
        self.dead_queue = dead_queue
        self.schema = schema
        self.measure = measure
        self._upgrades = dict(upgrades or {})
        self._state_type = state
        self._states = msgspec.json.Decoder(state)
        self._messages = decoder_of(machine.messages)
        self._replies = decoder_of(replies)

    def read_message(self, payload: bytes) -> Message:
        """Decode a stored message; raises msgspec.ValidationError for what is not one of ours."""
        return cast("Message", self._messages.decode(payload))

    def read_reply(self, payload: bytes) -> Reply | None:
        """Decode a stored first answer; empty means that it had none."""
        return cast("Reply", self._replies.decode(payload)) if payload else None

    def read_state(self, loaded: Loaded | None) -> tuple[S, int]:
        """The state and its version; an older schema is upgraded step by step."""
        if loaded is None:
            return self.newborn, 0
        if loaded.schema == self.schema:
            return self._states.decode(loaded.state), loaded.version
        raw = msgspec.json.decode(loaded.state)
        for schema in range(loaded.schema, self.schema):
            raw = self._upgrades[schema](raw)
        return msgspec.convert(raw, self._state_type), loaded.version

"""The machine of an erasure: it outlives the person's own actor, whose key is what goes.

Rules:
- keys go when nothing is on its way any more that is sealed with them: a code lives for a minute, and what
  ends a session has to be read by it. So it waits by a durable timer, and the key store looks again;
- it holds nothing that names anybody, and so stays as the proof: which keys went, how many, and when.

Source: spec.md S59, X13, E13; docs/keys.md; adr/0029.
"""

from enum import Enum
from typing import Final

from comptoir.actors.erasure.messages import (
    KIND,
    BeginErasure,
    DescribeErasure,
    DestroyNow,
    ErasureDescribed,
    KeysDestroyed,
    Sealed,
)
from comptoir.actors.gateways.messages import KEYS, DestroyKeys
from comptoir.engine import Decision, Event, Outgoing, Refusal, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "ErasureBegun", "ErasureState", "PersonErased", "Phase"]

WAIT_MS: Final = 120_000
"""Twice the life of an authorization code."""
WAITING: Final = "waiting"
"""The timer's name."""


class Phase(Enum):
    """How far it is."""

    NONE = "none"
    WAITING = "waiting"
    DESTROYING = "destroying"
    ERASED = "erased"


class ErasureState(State, frozen=True):
    """Nobody's name; the house's key seals it."""

    phase: Phase
    what: tuple[Sealed, ...] = ()
    keys: int = 0
    since: int = 0
    """Business time, ms since 1970, of the phase."""


class ErasureBegun(Event, frozen=True):
    """Everything of theirs has ended; the keys of so many actors go."""

    actors: int


class PersonErased(Event, frozen=True):
    """So many keys are no more; what they sealed opens in no copy of the database."""

    keys: int


Outcome = Decision[ErasureState]


def _begin(_state: ErasureState, message: BeginErasure, context: Context) -> Outcome:
    timer = Outgoing(context.address, DestroyNow(), context.now + WAIT_MS, WAITING)
    return Decision(
        ErasureState(Phase.WAITING, message.what, since=context.now),
        events=(ErasureBegun(len(message.what)),),
        messages=(timer,),
    )


def _destroy(state: ErasureState, _message: DestroyNow, context: Context) -> Outcome:
    order = DestroyKeys(context.address.key, tuple((x.kind, x.key) for x in state.what))
    return Decision(
        ErasureState(Phase.DESTROYING, state.what, since=context.now),
        messages=(Outgoing(KEYS, order),),
    )


def _destroyed(state: ErasureState, message: KeysDestroyed, context: Context) -> Outcome:
    return Decision(
        ErasureState(Phase.ERASED, state.what, message.keys, context.now),
        events=(PersonErased(message.keys),),
    )


def _describe(state: ErasureState, _message: DescribeErasure, _context: Context) -> Outcome:
    return Decision(state, ErasureDescribed(state.phase.value, state.keys, state.since))


MACHINE: Machine[ErasureState] = Machine(
    KIND,
    phases=Phase,
    messages=(BeginErasure, DestroyNow, KeysDestroyed, DescribeErasure),
    rows=(
        row(Phase.NONE, BeginErasure, _begin, Phase.WAITING),
        row(Phase.WAITING, DestroyNow, _destroy, Phase.DESTROYING),
        row(Phase.WAITING, DescribeErasure, _describe, Phase.WAITING),
        row(Phase.DESTROYING, KeysDestroyed, _destroyed, Phase.ERASED),
        row(Phase.DESTROYING, DescribeErasure, _describe, Phase.DESTROYING),
        row(Phase.ERASED, DescribeErasure, _describe, Phase.ERASED),
    ),
    terminal=(Phase.ERASED,),
    refusal=Refusal("NOT_FOUND", "nobody of this key is erased"),
)

REPLIES: tuple[type[Reply], ...] = (ErasureDescribed,)

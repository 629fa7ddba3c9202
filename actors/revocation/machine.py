"""The machine of ended access: what is refused although its signature holds, for as long as it would.

Rules:
- an entry is kept for as long as a token may live that it refuses, and no longer: so the list is short;
- there is a bound all the same. Beyond it everything that was issued until now is refused at once, which
  costs everybody a refresh, and nobody who should be refused gets through;
- an entry is made once: said again, after a crash in between or by two who found it out, it is the same.

Source: spec.md S34, S62; RFC 7009; RFC 9068 section 2.2 (tokens that nobody is asked about); adr/0027.
"""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.revocation.messages import (
    KIND,
    LIFE,
    AccessEnded,
    EndAccess,
    Ground,
    PruneAccess,
)
from comptoir.actors.revocation.views import Over, Revocations
from comptoir.engine import Decision, Event, Outgoing, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "ENTRIES_MAX",
    "MACHINE",
    "REPLIES",
    "EverythingEnded",
    "Phase",
    "RevocationState",
    "TokensEnded",
]

ENTRIES_MAX: Final = 4096
"""Of one life of a token. A few hundred kilobytes, which are written with each entry."""
SKEW_MS: Final = 60_000
"""By so much a token outlives its `exp`, where clocks differ (S62)."""
LATE_MS: Final = 60_000
"""By so much a token may be signed after the decision that it came of."""
LIFE_MS_MAX: Final = 86_400_000
"""Where nothing says how long tokens live."""
PRUNING: Final = "pruning"
"""The timer's name."""


class Phase(Enum):
    """Whether anything is refused."""

    EMPTY = "empty"
    HOLDING = "holding"


class RevocationState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    number: int = 0
    """Of the snapshot that is made of it."""
    floor: int = 0
    over: dict[str, Over] = msgspec.field(default_factory=dict[str, Over])
    """The oldest first."""


class TokensEnded(Event, frozen=True):
    """These access tokens are refused from now on."""

    ground: Ground
    key: str
    generation: int


class EverythingEnded(Event, frozen=True):
    """There was too much to remember: all that was issued until now is refused."""

    entries: int


Outcome = Decision[RevocationState]


def _end(state: RevocationState, message: EndAccess, context: Context) -> Outcome:
    name = Revocations.name_of(message.ground, message.key)
    known = state.over.get(name)
    if known is not None and known.generation >= message.generation:
        return Decision(state, AccessEnded(state.number))
    life_ms = context.references.get(LIFE, LIFE_MS_MAX)
    until = context.now + life_ms + SKEW_MS + LATE_MS
    kept = _kept(state, context.now)
    kept.pop(name, None)
    happened: tuple[Event, ...] = (TokensEnded(message.ground, message.key, message.generation),)
    floor = state.floor
    if len(kept) >= ENTRIES_MAX:
        happened += (EverythingEnded(len(kept)),)
        floor, kept = context.now, dict(list(kept.items())[ENTRIES_MAX // 2 :])
    kept[name] = Over(message.generation, context.now, until)
    number = state.number + 1
    return Decision(
        RevocationState(Phase.HOLDING, number, floor, kept),
        AccessEnded(number),
        events=happened,
        messages=(_pruning(kept, context),),
    )


def _prune(state: RevocationState, _message: PruneAccess, context: Context) -> Outcome:
    kept = _kept(state, context.now)
    if not kept:
        return Decision(RevocationState(Phase.EMPTY, state.number + 1, state.floor))
    pruned = RevocationState(Phase.HOLDING, state.number + 1, state.floor, kept)
    return Decision(pruned, messages=(_pruning(kept, context),))


def _kept(state: RevocationState, now: int) -> dict[str, Over]:
    """What some token may still be refused by."""
    return {name: over for name, over in state.over.items() if over.until > now}


def _pruning(kept: dict[str, Over], context: Context) -> Outgoing:
    due_at = min(over.until for over in kept.values())
    return Outgoing(context.address, PruneAccess(), due_at, PRUNING)


def _over(state: RevocationState, _message: PruneAccess, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[RevocationState] = Machine(
    KIND,
    phases=Phase,
    messages=(EndAccess, PruneAccess),
    rows=(
        row(Phase.EMPTY, EndAccess, _end, Phase.HOLDING),
        row(Phase.EMPTY, PruneAccess, _over, Phase.EMPTY),
        row(Phase.HOLDING, EndAccess, _end, Phase.HOLDING),
        row(Phase.HOLDING, PruneAccess, _prune, Phase.HOLDING, Phase.EMPTY),
    ),
)

REPLIES: tuple[type[Reply], ...] = (AccessEnded,)

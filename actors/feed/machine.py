"""The machine that numbers what the world is told.

Rules:
- positions are 1, 2, 3, ... without a gap, in the order in which the events were committed: a position, its document and
  the mark up to which the journal was read are one decision, so that a crash between them is none (invariant 2);
- whoever reads the journal for it says from where it read; what was read from elsewhere (a daemon that was superseded, an
  answer that was lost) changes nothing;
- of an event only where it is is kept: what it says stays sealed in the journal, and is gone with its person's key.

Source: spec.md S17, S33; interface.md 8 (`position` is dense); docs/events.md; docs/adr/0058.
"""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.endpoint.messages import CloseEndpoint, FeedGrew, OpenEndpoint, endpoint_at
from comptoir.actors.feed.messages import (
    COLLECTION,
    ENDPOINTS_MAX,
    ENDPOINTS_PARTNER_MAX,
    KIND,
    OWNERS,
    AddEndpoint,
    DescribeFeed,
    DropEndpoint,
    EndpointsListed,
    FeedStands,
    ListEndpoints,
    NotePublic,
    place_of,
)
from comptoir.engine import Decision, Event, Outgoing, Put, Refusal, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "ENDPOINTS_TOO_MANY",
    "MACHINE",
    "REPLIES",
    "EndpointAdded",
    "EndpointDropped",
    "FeedState",
    "Phase",
]

ENDPOINTS_TOO_MANY: Final = "ENDPOINTS_TOO_MANY"


class Phase(Enum):
    """There is nothing that it waits for."""

    OPEN = "open"


class FeedState(State, frozen=True):
    """How far it is, and who is told. Sealed as a whole at rest."""

    phase: Phase
    position: int = 0
    through: int = 0
    endpoints: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Whose each is, by id, the oldest first."""


class EndpointAdded(Event, frozen=True):
    """Somebody is told from now on."""

    endpoint_id: str
    partner: str


class EndpointDropped(Event, frozen=True):
    """Somebody is told no more."""

    endpoint_id: str


Outcome = Decision[FeedState]
replace = msgspec.structs.replace


def _note(state: FeedState, message: NotePublic, _context: Context) -> Outcome:
    if message.after != state.through or message.through < message.after:
        return Decision(state, _stands(state))
    position, documents = state.position, list[Put]()
    for position, found in enumerate(message.found, state.position + 1):
        fields = msgspec.structs.asdict(found)
        documents.append(Put(COLLECTION, place_of(position), fields))
        if found.partner:
            documents.append(Put(OWNERS, found.entity, {"partner": found.partner}))
    told = state.endpoints if message.found else ()
    noted = replace(state, position=position, through=message.through)
    return Decision(
        noted,
        _stands(noted),
        messages=tuple(Outgoing(endpoint_at(one), FeedGrew(position)) for one in told),
        documents=tuple(documents),
    )


def _add(state: FeedState, message: AddEndpoint, _context: Context) -> Outcome | Refusal:
    name, partner = message.endpoint_id, message.partner
    if name in state.endpoints:
        return Decision(state, _stands(state))
    own = sum(one == partner for one in state.endpoints.values()) if partner else 0
    if len(state.endpoints) >= ENDPOINTS_MAX or own >= ENDPOINTS_PARTNER_MAX:
        return Refusal(ENDPOINTS_TOO_MANY, "delete those that nobody listens at")
    added = replace(state, endpoints={**state.endpoints, name: partner})
    opened = OpenEndpoint(partner, message.terms, message.secret, state.position)
    return Decision(
        added,
        _stands(added),
        events=(EndpointAdded(name, partner),),
        messages=(Outgoing(endpoint_at(name), opened),),
    )


def _drop(state: FeedState, message: DropEndpoint, _context: Context) -> Outcome:
    name = message.endpoint_id
    if name not in state.endpoints:
        return Decision(state, _stands(state))
    left = {one: partner for one, partner in state.endpoints.items() if one != name}
    dropped = replace(state, endpoints=left)
    return Decision(
        dropped,
        _stands(dropped),
        events=(EndpointDropped(name),),
        messages=(Outgoing(endpoint_at(name), CloseEndpoint()),),
    )


def _describe(state: FeedState, _message: DescribeFeed, _context: Context) -> Outcome:
    return Decision(state, _stands(state))


def _list(state: FeedState, _message: ListEndpoints, _context: Context) -> Outcome:
    return Decision(state, EndpointsListed(dict(state.endpoints)))


def _stands(state: FeedState) -> FeedStands:
    return FeedStands(state.position, state.through)


MACHINE: Machine[FeedState] = Machine(
    KIND,
    phases=Phase,
    messages=(NotePublic, DescribeFeed, AddEndpoint, DropEndpoint, ListEndpoints),
    rows=(
        row(Phase.OPEN, NotePublic, _note, Phase.OPEN),
        row(Phase.OPEN, DescribeFeed, _describe, Phase.OPEN),
        row(Phase.OPEN, AddEndpoint, _add, Phase.OPEN),
        row(Phase.OPEN, DropEndpoint, _drop, Phase.OPEN),
        row(Phase.OPEN, ListEndpoints, _list, Phase.OPEN),
    ),
)

REPLIES: tuple[type[Reply], ...] = (FeedStands, EndpointsListed)

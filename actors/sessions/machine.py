"""The machine of a person's sessions: what was opened for them, and its end by their hand or the house's.

Rules:
- it hears of a session and of a family by the very decision that opens it, so none is open that is not listed;
- who ends a browser's session ends what came of it, too: whoever had that browser may have got tokens by it.
  In whatever order an end and an opening come, so it is: what comes later of an ended one ends when it is
  heard of;
- how each of them stands, its own actor tells; here are keys alone, until the time by which it has ended;
- an end is said again without harm, and answered as before: its answer may have been lost;
- so many are remembered and no more: beyond, the oldest ends.

Source: spec.md S34, S60; OWASP ASVS 5, 7.4.5 and 7.5.2.
"""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.browser_session.messages import KIND as SESSION
from comptoir.actors.browser_session.messages import EndSession
from comptoir.actors.refresh_family.messages import EndFamily
from comptoir.actors.sessions.messages import (
    BY_PERSON,
    KIND,
    EndOpened,
    ListOpened,
    NoteOpened,
    Opened,
    OpenedEnded,
    OpenedListed,
)
from comptoir.engine import Address, Decision, Event, Outgoing, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["LISTED_MAX", "MACHINE", "REPLIES", "Entry", "Phase", "SessionsEnded", "SessionsState"]

LISTED_MAX: Final = 128
"""Sign-ins of a week with several programs and browsers; each is two hundred bytes of the state."""
DISPLACED: Final = "displaced"
"""Why one ends: by newer ones."""


class Phase(Enum):
    """Whether anything was opened."""

    NONE = "none"
    LISTED = "listed"


class Entry(msgspec.Struct, frozen=True):
    """One of them."""

    kind: str
    key: str
    expires_at: int
    """Business time, ms since 1970."""
    origin: str = ""
    """Key of the browser's session that it came of."""
    ended: bool = False
    """By a message to this actor."""


class SessionsState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    entries: tuple[Entry, ...] = ()
    """The oldest first."""


class SessionsEnded(Event, frozen=True):
    """So many sessions and families that could be open were ended."""

    number: int
    by: str
    """`sub` of who asked for it; empty: the person."""


Outcome = Decision[SessionsState]


def _note(state: SessionsState, message: NoteOpened, context: Context) -> Outcome:
    before = _kept(state, context)
    over = any(x.ended for x in before if x.key == message.origin)
    opened = Entry(message.kind, message.key, message.expires_at, message.origin, over)
    displaced = before[: max(0, len(before) + 1 - LISTED_MAX)]
    ends = [_end(x, DISPLACED) for x in displaced if not x.ended]
    ends += [_end(opened, BY_PERSON)] if over else []
    entries = (*before[len(displaced) :], opened)
    return Decision(SessionsState(Phase.LISTED, entries), messages=tuple(ends))


def _list(state: SessionsState, _message: ListOpened, context: Context) -> Outcome:
    return Decision(state, OpenedListed(tuple(_shown(x) for x in _kept(state, context))))


def _end_some(state: SessionsState, message: EndOpened, context: Context) -> Outcome:
    kept = _kept(state, context)
    wanted = [x for x in kept if x.key != message.keep and _is_meant(x, message)]
    reply = OpenedEnded(tuple(_shown(x) for x in wanted))
    live = [x for x in wanted if not x.ended]
    if not live:
        return Decision(state, reply)
    over = tuple(
        msgspec.structs.replace(x, ended=True) if any(x is y for y in live) else x for x in kept
    )
    return Decision(
        SessionsState(Phase.LISTED, over),
        reply,
        events=(SessionsEnded(len(live), message.by),),
        messages=tuple(_end(x, message.why) for x in live),
    )


def _is_meant(entry: Entry, message: EndOpened) -> bool:
    return not message.key or message.key in (entry.key, entry.origin)


def _kept(state: SessionsState, context: Context) -> tuple[Entry, ...]:
    """What has not ended by its time."""
    return tuple(x for x in state.entries if x.expires_at > context.now)


def _end(entry: Entry, why: str) -> Outgoing:
    over = EndSession(why) if entry.kind == SESSION else EndFamily(why)
    return Outgoing(Address(entry.kind, entry.key), over)


def _shown(entry: Entry) -> Opened:
    return Opened(entry.kind, entry.key, entry.ended)


MACHINE: Machine[SessionsState] = Machine(
    KIND,
    phases=Phase,
    messages=(NoteOpened, ListOpened, EndOpened),
    rows=(
        row(Phase.NONE, NoteOpened, _note, Phase.LISTED),
        row(Phase.NONE, ListOpened, _list, Phase.NONE),
        row(Phase.NONE, EndOpened, _end_some, Phase.NONE),
        row(Phase.LISTED, NoteOpened, _note, Phase.LISTED),
        row(Phase.LISTED, ListOpened, _list, Phase.LISTED),
        row(Phase.LISTED, EndOpened, _end_some, Phase.LISTED),
    ),
)

REPLIES: tuple[type[Reply], ...] = (OpenedListed, OpenedEnded)

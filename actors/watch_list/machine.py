"""The machine of a watch list: which version of it is searched, and that every case is told of each new one.

Rules:
- its files are looked at again and again by a durable timer, and when somebody asks; what was loaded stays in force
  until another version is, and a list that is wrong changes nothing but what is told of it;
- a version that says something else is told to every case, a page at a time and at a pace. A case whose assessment
  begins later is searched for in the version that is there already, so that all are covered;
- a version that comes meanwhile is told from there on, and then round to there: however often one comes, each case
  is told again and again, and of the last one in the end;
- a case may be told twice, after a crash, and takes it as once.

Source: spec.md S21, S27, E4; issue 8, deliver 3; docs/screening.md; adr/0050.
"""

from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.gateways.list_messages import (
    CASES,
    LISTS,
    CasesRead,
    CasesUnread,
    ListLoaded,
    ListUnchanged,
    ListWrong,
    LoadList,
    ReadCases,
)
from comptoir.actors.kyc.messages import KIND as CASE
from comptoir.actors.kyc.messages import RescreenCase
from comptoir.actors.watch_list.messages import (
    COLLECTION,
    KIND,
    DescribeList,
    DropList,
    KeepList,
    ListDescribed,
    ListDue,
    NoteSearch,
    ReloadList,
    RescreenDue,
    Rescreening,
    SearchNoted,
)
from comptoir.actors.watch_list.terms import list_terms_of
from comptoir.engine import Address, Decision, Event, Message, Outgoing, Put, Refusal, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "MACHINE",
    "PAGE_CASES",
    "REPLIES",
    "ListReloadAsked",
    "ListSearched",
    "Phase",
    "RescreeningEnded",
    "Walk",
    "WatchListLoaded",
    "WatchListRefused",
    "WatchListState",
]

PAGE_CASES: Final = 50
"""Told by one decision."""
LATER_MS: Final = 10_000
"""When the searches that wait already are too many, or the cases cannot be read."""
LOAD_MS_MAX: Final = 4 * 3_600_000
"""After which a list whose reading was never answered for is read again."""
LOOK: Final = "look"
WALK: Final = "walk"


class Phase(Enum):
    """What is known of it."""

    NONE = "none"
    """It is not configured."""
    LOADING = "loading"
    READY = "ready"
    REFUSED = "refused"
    """What its files say cannot be taken; an earlier version may be in force."""


class Walk(msgspec.Struct, frozen=True):
    """How far the cases have been told of the version in force."""

    since: int
    after: str = ""
    """The last that was told; empty: none is yet, or it begins again from the first."""
    end: str = ""
    """Where it ends, once it has begun again from the first; empty: with the last case."""
    again: bool = False
    """Whether it has begun again."""
    done: int = 0
    of: int | None = None
    """None: not counted yet."""


class WatchListState(State, frozen=True):
    """One list."""

    phase: Phase
    name: str = ""
    """Its own: the actor's key."""
    version: str = ""
    entries: int = 0
    names: int = 0
    loaded_at: int = 0
    looked_at: int = 0
    look: str = ""
    """How its files looked when it was loaded."""
    code: str = ""
    detail: str = ""
    once_more: bool = False
    """Its file is to be read again as soon as it has been read."""
    walks: int = 0
    """Begun so far; the number of the present one."""
    walk: Walk | None = None
    last: Rescreening | None = None
    """The last walk that ended."""


class ListReloadAsked(Event, frozen=True):
    """Somebody wanted it read."""

    by: str


class ListSearched(Event, frozen=True):
    """Somebody searched it by hand."""

    by: str
    hits: int


class WatchListLoaded(Event, frozen=True):
    """Another version is in force."""

    version: str
    before: str
    entries: int


class WatchListRefused(Event, frozen=True):
    """What its files say cannot be taken."""

    code: str
    detail: str


class RescreeningEnded(Event, frozen=True):
    """Every case has been told."""

    version: str
    cases: int


Outcome = Decision[WatchListState]
replace = msgspec.structs.replace


def _look(state: WatchListState, _message: Message, context: Context) -> Outcome:
    return _load(state, context)


def _load(state: WatchListState, context: Context, *, anyway: bool = False) -> Outcome:
    """Have its files looked at."""
    asked = Outgoing(LISTS, LoadList(context.address.key, state.version, state.look, anyway))
    due = _timer(context, ListDue(), LOAD_MS_MAX, LOOK)
    loading = replace(state, phase=Phase.LOADING, name=context.address.key, once_more=False)
    return Decision(loading, messages=(asked, due))


def _reload(state: WatchListState, message: ReloadList, context: Context) -> Outcome:
    """Likewise, whatever they look like: a file may change within its time's grain. Who asks has seen what is in it."""
    begun = _load(replace(state, look=""), context, anyway=True)
    return _told(replace(begun, events=(ListReloadAsked(message.by),)))


def _reload_later(state: WatchListState, message: ReloadList, _context: Context) -> Outcome:
    """What is being read may be what was there before."""
    later = Decision(replace(state, once_more=True), events=(ListReloadAsked(message.by),))
    return _told(later)


def _stays(state: WatchListState, _message: Message, _context: Context) -> Outcome:
    return Decision(state)


def _loaded(state: WatchListState, message: ListLoaded, context: Context) -> Outcome:
    name, before = context.address.key, state.version
    known = replace(
        state, version=message.version, entries=message.entries, names=message.names, look=message.look,
        code="", detail="", loaded_at=context.now,
    )  # fmt: skip
    if message.version == before:
        return _settled(replace(known, loaded_at=state.loaded_at), context)
    kept = Put(COLLECTION, name, {"version": message.version, "configured": True})
    told = WatchListLoaded(message.version, before, message.entries)
    begun = replace(known, walks=state.walks + 1, walk=_begun(state.walk, context))
    settled = _settled(begun, context)
    walking = _timer(context, RescreenDue(begun.walks), 0, WALK)
    return replace(
        settled, events=(told,), documents=(kept,), messages=(*settled.messages, walking)
    )


def _begun(walk: Walk | None, context: Context) -> Walk:
    """A walk over all cases: from the first, or from where the one before was, and round."""
    if walk is None or not walk.after:
        return Walk(context.now)
    return Walk(context.now, walk.after, walk.after)


def _unchanged(state: WatchListState, _message: ListUnchanged, context: Context) -> Outcome:
    return _settled(replace(state, code="", detail=""), context)


def _wrong(state: WatchListState, message: ListWrong, context: Context) -> Outcome:
    # Its look is forgotten, so that it is read again at every look until it is mended.
    known = replace(state, code=message.code, detail=message.detail, look="")
    settled = _settled(known, context)
    if (message.code, message.detail) == (state.code, state.detail):
        return settled  # told before
    return replace(settled, events=(WatchListRefused(message.code, message.detail),))


def _settled(state: WatchListState, context: Context) -> Outcome:
    """Until the next look; or at once, where somebody has asked meanwhile."""
    if state.once_more:
        return _load(replace(state, look="", looked_at=context.now), context, anyway=True)
    phase = Phase.REFUSED if state.code else Phase.READY
    due = _timer(context, ListDue(), list_terms_of(context).look_ms, LOOK)
    return Decision(replace(state, phase=phase, looked_at=context.now), messages=(due,))


def _drop(state: WatchListState, _message: DropList, context: Context) -> Outcome:
    """Whoever is assessed from now on is not searched for in it: if it comes back, all are told."""
    gone = Put(COLLECTION, context.address.key, {"version": "", "configured": False})
    return Decision(
        WatchListState(Phase.NONE, state.name, walks=state.walks),
        cancel=(LOOK, WALK),
        documents=(gone,),
    )


def _walk(state: WatchListState, message: RescreenDue, _context: Context) -> Outcome:
    walk = state.walk
    if walk is None or message.walk != state.walks:
        return Decision(state)
    asked = ReadCases(state.walks, walk.after, PAGE_CASES, count=walk.of is None)
    return Decision(state, messages=(Outgoing(CASES, asked),))


def _read(state: WatchListState, message: CasesRead, context: Context) -> Outcome:
    walk = state.walk
    if walk is None or (message.walk, message.after) != (state.walks, walk.after):
        return Decision(state)  # of an earlier walk, or told before
    if message.total is not None:
        walk = replace(walk, of=message.total)
    if message.crowded:
        return _later(replace(state, walk=walk), context)
    keys = [key for key in message.keys if not walk.again or key <= walk.end]
    rescreen = RescreenCase(context.address.key, state.version)
    told = tuple(Outgoing(Address(CASE, key), rescreen) for key in keys)
    walk = replace(walk, done=walk.done + len(keys), after=keys[-1] if keys else walk.after)
    last = len(message.keys) < PAGE_CASES
    if walk.again and (last or len(keys) < len(message.keys) or walk.after == walk.end):
        return replace(_ended(state, walk, context), messages=told)
    if last and not walk.end:
        return replace(_ended(state, walk, context), messages=told)
    if last:
        walk = replace(walk, after="", again=True)
    pause = round(1000 * len(keys) / list_terms_of(context).cases_per_s)
    due = _timer(context, RescreenDue(state.walks), pause, WALK)
    return Decision(replace(state, walk=walk), messages=(*told, due))


def _ended(state: WatchListState, walk: Walk, context: Context) -> Outcome:
    done = Rescreening(state.version, walk.done, walk.of or 0, walk.since, context.now)
    ended = RescreeningEnded(state.version, walk.done)
    return Decision(replace(state, walk=None, last=done), events=(ended,))


def _unread(state: WatchListState, message: CasesUnread, context: Context) -> Outcome:
    walk = state.walk
    if walk is None or (message.walk, message.after) != (state.walks, walk.after):
        return Decision(state)
    return _later(state, context)


def _later(state: WatchListState, context: Context) -> Outcome:
    due = _timer(context, RescreenDue(state.walks), LATER_MS, WALK)
    return Decision(state, messages=(due,))


def _timer(context: Context, message: Message, after_ms: int, name: str) -> Outgoing:
    return Outgoing(context.address, message, context.now + after_ms, name)


def _note(state: WatchListState, message: NoteSearch, _context: Context) -> Outcome:
    return Decision(state, SearchNoted(), events=(ListSearched(message.by, message.hits),))


def _describe(state: WatchListState, _message: DescribeList, _context: Context) -> Outcome:
    return _told(Decision(state))


def _told(decision: Outcome) -> Outcome:
    """The same, and how the list is after it."""
    state = decision.state
    walk, shown = state.walk, state.last
    if walk is not None:
        shown = Rescreening(state.version, walk.done, walk.of or 0, walk.since)
    described = ListDescribed(
        state.phase.value, state.version, state.entries, state.names, state.loaded_at,
        state.looked_at, state.code, state.detail, shown,
    )  # fmt: skip
    return replace(decision, reply=described)


_KEPT: Final = (Phase.LOADING, Phase.READY, Phase.REFUSED)
_IDLE: Final = (Phase.READY, Phase.REFUSED)

MACHINE: Machine[WatchListState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        KeepList, DropList, ReloadList, ListDue, ListLoaded, ListUnchanged, ListWrong, RescreenDue,
        CasesRead, CasesUnread, NoteSearch, DescribeList,
    ),
    rows=(
        row(Phase.NONE, KeepList, _look, Phase.LOADING),
        row(Phase.LOADING, KeepList, _stays, Phase.LOADING),
        *(row(phase, KeepList, _look, Phase.LOADING) for phase in _IDLE),
        row(Phase.NONE, DropList, _stays, Phase.NONE),
        *(row(phase, DropList, _drop, Phase.NONE) for phase in _KEPT),
        row(Phase.LOADING, ReloadList, _reload_later, Phase.LOADING),
        *(row(phase, ReloadList, _reload, Phase.LOADING) for phase in _IDLE),
        row(Phase.NONE, ListDue, _stays, Phase.NONE),
        *(row(phase, ListDue, _look, Phase.LOADING) for phase in _KEPT),
        row(Phase.NONE, ListLoaded, _stays, Phase.NONE),
        row(Phase.LOADING, ListLoaded, _loaded, Phase.LOADING, Phase.READY),
        *(row(phase, ListLoaded, _loaded, Phase.READY) for phase in _IDLE),
        *(row(phase, ListUnchanged, _stays, phase) for phase in (Phase.NONE, *_IDLE)),
        row(Phase.LOADING, ListUnchanged, _unchanged, Phase.LOADING, Phase.READY),
        *(row(phase, ListWrong, _stays, phase) for phase in (Phase.NONE, *_IDLE)),
        row(Phase.LOADING, ListWrong, _wrong, Phase.LOADING, Phase.REFUSED),
        *(row(phase, RescreenDue, _walk, phase) for phase in _KEPT),
        row(Phase.NONE, RescreenDue, _stays, Phase.NONE),
        *(row(phase, CasesRead, _read, phase) for phase in _KEPT),
        row(Phase.NONE, CasesRead, _stays, Phase.NONE),
        *(row(phase, CasesUnread, _unread, phase) for phase in _KEPT),
        row(Phase.NONE, CasesUnread, _stays, Phase.NONE),
        *(row(phase, NoteSearch, _note, phase) for phase in _KEPT),
        *(row(phase, DescribeList, _describe, phase) for phase in Phase),
    ),
    refusal=Refusal("NOT_FOUND", "there is no such list"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (ListDescribed, SearchNoted)

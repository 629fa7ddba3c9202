"""The machine of a browser's session: opened once, found until its time is over or the person signs out.

Rules: its longest life is fixed when it is opened; where it has a bound of idleness too, being found keeps
it alive, and is written down no more often than ten times within that bound; an ended one keeps nothing of
the person; a cookie that was never given out is answered like one that has ended, and leaves no row.
The person's actor and the list of their sessions hear of it by the very decision that opens it, so none is
open that they do not know.
Source: spec.md S34, X8; OWASP Session Management; OWASP ASVS 5, V7.3.
"""

from enum import Enum

import msgspec

from comptoir.actors.browser_session.messages import (
    KIND,
    DescribeSession,
    EndSession,
    FindSession,
    OpenSession,
    Person,
    SessionDescribed,
    SessionEnded,
    SessionExpired,
    SessionFound,
    SessionMissing,
    SessionOpened,
)
from comptoir.actors.person.messages import KIND as PERSON
from comptoir.actors.person.messages import NoteGiven
from comptoir.actors.sessions.messages import KIND as SESSIONS
from comptoir.actors.sessions.messages import NoteOpened
from comptoir.engine import Address, Decision, Event, Outgoing, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "Phase", "SessionClosed", "SessionStarted", "SessionState"]

EXPIRY = "expiry"
"""The timer's name."""
NOTES_MAX = 10
"""That a session is used is written down so often, at most, within the time that it may be idle."""


class Phase(Enum):
    """Whether the browser is somebody's."""

    UNKNOWN = "unknown"
    OPEN = "open"
    ENDED = "ended"


class SessionState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    person: Person | None = None
    """None but in OPEN."""
    expires_at: int = 0
    """Business time, ms since 1970."""
    idle_ms: int = 0
    """How long it may be idle; 0: as long as it lives."""
    used_at: int = 0
    """Business time, ms since 1970: as far as it was written down."""
    opened_at: int = 0
    """Likewise; 0: a release before did not say."""

    @property
    def ends_at(self) -> int:
        """Business time, ms since 1970: if it is not used until then."""
        idle_until = self.used_at + self.idle_ms
        return min(self.expires_at, idle_until) if self.idle_ms else self.expires_at


class SessionStarted(Event, frozen=True):
    """Somebody signed in with a browser; who, is sealed with what is theirs (S59)."""

    person: str
    """Key of their actor; of a client, who has none, their id."""
    methods: tuple[str, ...]


class SessionClosed(Event, frozen=True):
    """It is over."""

    why: str
    """`signed_out`, `expired`, `idle`, or why somebody else ended it."""


Outcome = Decision[SessionState]


def _open(_state: SessionState, message: OpenSession, context: Context) -> Outcome:
    person, now = message.person, context.now
    opened = SessionState(Phase.OPEN, person, now + message.lifetime_ms, message.idle_ms, now, now)
    messages: tuple[Outgoing, ...] = (_timer(opened, context),)
    if person.person:
        given = NoteGiven(KIND, context.address.key, person.generation, opened.expires_at)
        messages += (Outgoing(Address(PERSON, person.person), given),)
    if person.listing:
        noted = NoteOpened(KIND, context.address.key, opened.expires_at)
        messages += (Outgoing(Address(SESSIONS, person.listing), noted),)
    return Decision(
        opened,
        SessionOpened(opened.expires_at),
        events=(SessionStarted(person.person or person.subject, person.methods),),
        messages=messages,
    )


def _find(state: SessionState, _message: FindSession, context: Context) -> Outcome:
    assert state.person is not None
    if context.now >= state.ends_at:  # the timer may be late
        return Decision(state, SessionMissing())
    found = SessionFound(state.person, state.expires_at)
    if context.now - state.used_at < max(1, state.idle_ms // NOTES_MAX) or not state.idle_ms:
        return Decision(state, found)
    used = msgspec.structs.replace(state, used_at=context.now)
    return Decision(used, found, messages=(_timer(used, context),))


def _describe(state: SessionState, _message: DescribeSession, context: Context) -> Outcome:
    assert state.person is not None
    if context.now >= state.ends_at:
        return Decision(state, SessionMissing())
    opened_at = state.opened_at or state.person.signed_in_at * 1000
    described = SessionDescribed(state.person, opened_at, state.used_at or opened_at, state.ends_at)
    return Decision(state, described)


def _timer(state: SessionState, context: Context) -> Outgoing:
    return Outgoing(context.address, SessionExpired(), state.ends_at, EXPIRY)


def _sign_out(_state: SessionState, message: EndSession, _context: Context) -> Outcome:
    closed = (SessionClosed(message.why),)
    return Decision(SessionState(Phase.ENDED), SessionEnded(), events=closed, cancel=(EXPIRY,))


def _expire(state: SessionState, _message: SessionExpired, context: Context) -> Outcome:
    if context.now < state.ends_at:  # a timer that was on its way when it was set anew
        return Decision(state)
    why = "expired" if context.now >= state.expires_at else "idle"
    return Decision(SessionState(Phase.ENDED), events=(SessionClosed(why),))


def _missing(
    state: SessionState, _message: FindSession | DescribeSession, _context: Context
) -> Outcome:
    return Decision(state, SessionMissing())


def _nothing_left(state: SessionState, _message: EndSession, _context: Context) -> Outcome:
    return Decision(state, SessionEnded())


def _over(state: SessionState, _message: SessionExpired, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[SessionState] = Machine(
    KIND,
    phases=Phase,
    messages=(OpenSession, FindSession, DescribeSession, EndSession, SessionExpired),
    rows=(
        row(Phase.UNKNOWN, OpenSession, _open, Phase.OPEN),
        row(Phase.UNKNOWN, FindSession, _missing, Phase.UNKNOWN),
        row(Phase.UNKNOWN, DescribeSession, _missing, Phase.UNKNOWN),
        row(Phase.UNKNOWN, EndSession, _nothing_left, Phase.UNKNOWN),
        row(Phase.OPEN, FindSession, _find, Phase.OPEN),
        row(Phase.OPEN, DescribeSession, _describe, Phase.OPEN),
        row(Phase.OPEN, EndSession, _sign_out, Phase.ENDED),
        row(Phase.OPEN, SessionExpired, _expire, Phase.OPEN, Phase.ENDED),
        row(Phase.ENDED, FindSession, _missing, Phase.ENDED),
        row(Phase.ENDED, DescribeSession, _missing, Phase.ENDED),
        row(Phase.ENDED, EndSession, _nothing_left, Phase.ENDED),
        row(Phase.ENDED, SessionExpired, _over, Phase.ENDED),  # the timer was on its way
    ),
    terminal=(Phase.ENDED,),
)

REPLIES: tuple[type[Reply], ...] = (
    SessionOpened, SessionFound, SessionDescribed, SessionMissing, SessionEnded,
)  # fmt: skip

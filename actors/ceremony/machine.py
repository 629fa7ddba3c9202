"""The machine of a ceremony: one challenge, good for one answer of one browser, for a short time.

Rules:
- the first answer uses the challenge, also a wrong one: so none is verified twice, and a copy of one is
  worth nothing (Web Authentication section 13.4.3);
- it is good for what it was drawn for: one purpose, and where a person is known, that person;
- it is found by a cookie of the browser that asked, so an answer made in another browser has none;
- what has ended keeps neither challenge nor person.

Source: spec.md S34; W3C Web Authentication Level 3 sections 7.1, 7.2 and 13.4.3.
"""

from enum import Enum

from comptoir.actors.ceremony.messages import (
    KIND,
    BeginCeremony,
    CeremonyBegun,
    CeremonyExpired,
    CeremonyFinished,
    CeremonyRefused,
    FinishCeremony,
)
from comptoir.engine import Decision, Event, Outgoing, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "REPLIES", "CeremonyEnded", "CeremonyState", "Phase"]

EXPIRY = "expiry"
"""The timer's name."""


class Phase(Enum):
    """Whether an answer is waited for."""

    UNKNOWN = "unknown"
    OPEN = "open"
    ENDED = "ended"


class CeremonyState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    purpose: str = ""
    who: str = ""
    challenge: str = ""
    expires_at: int = 0
    """Business time, ms since 1970."""
    why: str = ""
    """Of its end."""


class CeremonyEnded(Event, frozen=True):
    """The challenge is good for nothing any more."""

    purpose: str
    why: str
    """`used`, or the reason of the refusal."""


Outcome = Decision[CeremonyState]


def _begin(_state: CeremonyState, message: BeginCeremony, context: Context) -> Outcome:
    expires_at = context.now + message.lifetime_ms
    begun = CeremonyState(Phase.OPEN, message.purpose, message.who, message.challenge, expires_at)
    timer = Outgoing(context.address, CeremonyExpired(), expires_at, EXPIRY)
    return Decision(begun, CeremonyBegun(expires_at), messages=(timer,))


def _finish(state: CeremonyState, message: FinishCeremony, context: Context) -> Outcome:
    fault = _fault(state, message, context.now)
    reply = CeremonyRefused(fault) if fault else CeremonyFinished(state.challenge)
    why = fault or "used"
    return Decision(
        CeremonyState(Phase.ENDED, why=why),
        reply,
        events=(CeremonyEnded(state.purpose, why),),
        cancel=(EXPIRY,),
    )


def _fault(state: CeremonyState, message: FinishCeremony, now: int) -> str:
    """Why this answer is to another question; empty if it is not."""
    if now >= state.expires_at:  # the timer may be late
        return "expired"
    if message.purpose != state.purpose:
        return "purpose_mismatch"
    return "" if message.who == state.who else "person_mismatch"


def _expire(state: CeremonyState, _message: CeremonyExpired, _context: Context) -> Outcome:
    ended = (CeremonyEnded(state.purpose, "expired"),)
    return Decision(CeremonyState(Phase.ENDED, why="expired"), events=ended)


def _unknown(state: CeremonyState, _message: FinishCeremony, _context: Context) -> Outcome:
    return Decision(state, CeremonyRefused("unknown"))


def _ended(state: CeremonyState, _message: FinishCeremony, _context: Context) -> Outcome:
    return Decision(state, CeremonyRefused(state.why))


def _over(state: CeremonyState, _message: CeremonyExpired, _context: Context) -> Outcome:
    return Decision(state)


MACHINE: Machine[CeremonyState] = Machine(
    KIND,
    phases=Phase,
    messages=(BeginCeremony, FinishCeremony, CeremonyExpired),
    rows=(
        row(Phase.UNKNOWN, BeginCeremony, _begin, Phase.OPEN),
        row(Phase.UNKNOWN, FinishCeremony, _unknown, Phase.UNKNOWN),
        row(Phase.OPEN, FinishCeremony, _finish, Phase.ENDED),
        row(Phase.OPEN, CeremonyExpired, _expire, Phase.ENDED),
        row(Phase.ENDED, FinishCeremony, _ended, Phase.ENDED),
        row(Phase.ENDED, CeremonyExpired, _over, Phase.ENDED),  # the timer was on its way
    ),
    terminal=(Phase.ENDED,),
)

REPLIES: tuple[type[Reply], ...] = (CeremonyBegun, CeremonyFinished, CeremonyRefused)

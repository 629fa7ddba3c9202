"""How a person leaves: dismissed, invited anew or erased, everything that they were given ends.

The rule: what a person has is of a generation, and whatever is opened for them is told to their actor by
the decision that opens it; so in whatever order an opening and a leaving come, it ends.
Source: spec.md S34, S59; adr/0027.
"""

from typing import Final

import msgspec

from comptoir.actors.browser_session.messages import KIND as SESSION
from comptoir.actors.browser_session.messages import EndSession
from comptoir.actors.consent.messages import KIND as CONSENT
from comptoir.actors.erasure.messages import KIND as ERASURE
from comptoir.actors.erasure.messages import BeginErasure, ErasePerson, Sealed
from comptoir.actors.notification.messages import KIND as NOTICES
from comptoir.actors.notification.messages import ForgetNotices
from comptoir.actors.person.messages import (
    DescribePerson,
    Given,
    NoteGiven,
    PersonDescribed,
    PersonErased,
    PersonRemoved,
    RemovePerson,
)
from comptoir.actors.person.state import (
    Dismissed,
    Forgotten,
    Outcome,
    PersonState,
    Phase,
    ThingGiven,
)
from comptoir.actors.refresh_family.messages import PERSON_OVER, EndFamily
from comptoir.actors.revocation.messages import REVOCATIONS, EndAccess, Ground
from comptoir.actors.sessions.messages import KIND as SESSIONS
from comptoir.engine import Address, Decision, Message, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "GIVEN_MAX",
    "already",
    "describe",
    "ended",
    "erase",
    "erased",
    "gone",
    "note",
    "remove",
    "stale",
]

GIVEN_MAX: Final = 128
"""Sign-ins of a week with several programs and browsers; each is a hundred bytes of the state."""


def remove(state: PersonState, _message: RemovePerson, context: Context) -> Outcome:
    """They are of the house no longer: a way in, and all that they were given, ends."""
    generation = state.generation + 1
    removed = PersonState(Phase.REMOVED, state.subject, generation=generation, since=context.now)
    return Decision(
        removed,
        PersonRemoved(generation),
        events=(Dismissed(state.subject, len(state.given)),),
        messages=ended(state, generation, context),
    )


def ended(state: PersonState, generation: int, context: Context) -> tuple[Outgoing, ...]:
    """Everything that they were given ends, and their access tokens first."""
    refused = EndAccess(Ground.PERSON, context.address.key, generation)
    live = (x for x in state.given if x.expires_at > context.now)
    return (Outgoing(REVOCATIONS, refused), *map(end, live))


def end(given: Given) -> Outgoing:
    over = EndSession(PERSON_OVER) if given.kind == SESSION else EndFamily(PERSON_OVER)
    return Outgoing(Address(given.kind, given.key), over)


def note(state: PersonState, message: NoteGiven, context: Context) -> Outcome:
    """Something was opened for them; what is of an earlier generation ends at once."""
    given = Given(message.kind, message.key, message.expires_at)
    if message.generation != state.generation:
        return stale(state, message, context)
    over = max(0, len(state.given) + 1 - GIVEN_MAX)
    live = (x for x in state.given[:over] if x.expires_at > context.now)
    return Decision(
        msgspec.structs.replace(state, given=(*state.given[over:], given)),
        events=(ThingGiven(given.kind, given.key, ended=False),),
        messages=tuple(map(end, live)),
    )


def stale(state: PersonState, message: NoteGiven, _context: Context) -> Outcome:
    """It was opened by what was over already, or by nobody who is known here."""
    given = Given(message.kind, message.key, message.expires_at)
    happened = (ThingGiven(given.kind, given.key, ended=True),)
    return Decision(state, events=happened, messages=(end(given),))


def erase(state: PersonState, _message: ErasePerson, context: Context) -> Outcome:
    """Nothing is known of them from here on, and what could tell loses its key."""
    generation = state.generation + 1
    keys = (CONSENT, SESSIONS)
    own = (Sealed(*context.address), *(Sealed(kind, context.address.key) for kind in keys))
    what = (*own, *(Sealed(x.kind, x.key) for x in state.given))
    begin = Outgoing(Address(ERASURE, context.address.key), BeginErasure(what))
    notices = (Outgoing(Address(NOTICES, state.subject), ForgetNotices()),) if state.subject else ()
    return Decision(
        PersonState(Phase.ERASED, generation=generation, since=context.now),
        events=(Forgotten(len(what)),),
        messages=(*ended(state, generation, context), *notices, begin),
    )


def erased(state: PersonState, _message: Message, _context: Context) -> Outcome:
    """Say that they were erased."""
    return Decision(state, PersonErased())


def already(state: PersonState, _message: ErasePerson, _context: Context) -> Outcome:
    """They are nobody: there is nothing to erase."""
    return Decision(state)


def describe(state: PersonState, _message: DescribePerson, _context: Context) -> Outcome:
    """Say who it is, and whether they can sign in."""
    described = PersonDescribed(state.subject, state.roles, state.phase.value, state.since)
    return Decision(state, described)


def gone(state: PersonState, _message: RemovePerson, _context: Context) -> Outcome:
    """Dismissed before; an answer was lost."""
    return Decision(state, PersonRemoved(state.generation))

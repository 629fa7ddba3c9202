"""The machine of a sighting: in which files one document is, or how those look that were refused.

Rules:
- whoever sees a document notes it and hears of the other files that have it in one decision: of two that come at
  once, the second hears of the first;
- it hears of other files only: what a file has twice is its own business;
- what is remembered is bounded: the newest stay;
- whoever drops a document has it forgotten, and what is left of a sighting without any is an empty state under a
  digest that nobody can turn back (X13, X15).

Source: spec.md S19, S20, X13, X15; docs/documents.md; docs/adr/0045-a-document-is-opened-in-a-cell.md.
"""

from enum import Enum
from typing import Final

from comptoir.actors.sighting.messages import (
    KIND,
    CompareLook,
    ForgetSighting,
    NoteRefusedLook,
    SeeDocument,
    Seen,
    SeenIn,
)
from comptoir.engine import Decision, Event, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "LOOK_BITS_MAX", "MACHINE", "REPLIES", "SEEN_MAX", "DocumentForgotten", "DocumentSeen",
    "Phase", "SightingState", "bits_apart", "is_near",
]  # fmt: skip

SEEN_MAX: Final = 1000
"""Of one sighting: some 200 KiB of state, which each refusal writes anew."""
LOOK_BITS_MAX: Final = 24
"""Of the 512 of a look: copies that were compressed anew, scaled, cropped or blurred differ in fewer, most other forms
in more (docs/documents.md)."""


class Phase(Enum):
    """Whether it knows of any."""

    EMPTY = "empty"
    KNOWN = "known"


class SightingState(State, frozen=True):
    """Sealed at rest, by a key of its own."""

    phase: Phase
    seen: tuple[Seen, ...] = ()
    """The oldest first."""


class DocumentSeen(Event, frozen=True):
    """One more is known; events are for ever, and name neither file nor document."""

    doc_type: str
    elsewhere: int
    """Other files that have it, or the like of it."""


class DocumentForgotten(Event, frozen=True):
    """One fewer is."""


Outcome = Decision[SightingState]


def bits_apart(one: str, other: str) -> int:
    """In how many bits two looks differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def is_near(one: str, other: str) -> bool:
    """Whether two looks are as near as copies are; none is near nothing."""
    comparable = bool(one) and len(one) == len(other)
    return comparable and bits_apart(one, other) <= LOOK_BITS_MAX


def _see(state: SightingState, message: SeeDocument, _context: Context) -> Outcome:
    others = tuple(one for one in state.seen if one.file != message.seen.file)
    return _noted(state, message.seen, SeenIn(others))


def _noted(state: SightingState, seen: Seen, reply: SeenIn) -> Outcome:
    if seen in state.seen:
        return Decision(state, reply)
    kept = (*state.seen, seen)[-SEEN_MAX:]
    elsewhere = len({one.file for one in reply.others})
    return Decision(
        SightingState(Phase.KNOWN, kept), reply, events=(DocumentSeen(seen.doc_type, elsewhere),)
    )


def _compare(state: SightingState, message: CompareLook, _context: Context) -> Outcome:
    alike = tuple(
        one for one in state.seen if one.file != message.file and is_near(one.look, message.look)
    )
    return Decision(state, SeenIn(alike))


def _note(state: SightingState, message: NoteRefusedLook, _context: Context) -> Outcome:
    return _noted(state, message.seen, SeenIn(()))


def _forget(state: SightingState, message: ForgetSighting, _context: Context) -> Outcome:
    gone = (message.file, message.document_id)
    left = tuple(one for one in state.seen if (one.file, one.document_id) != gone)
    if left == state.seen:
        return Decision(state)
    phase = Phase.KNOWN if left else Phase.EMPTY
    return Decision(SightingState(phase, left), events=(DocumentForgotten(),))


MACHINE: Machine[SightingState] = Machine(
    KIND,
    phases=Phase,
    messages=(SeeDocument, CompareLook, NoteRefusedLook, ForgetSighting),
    rows=(
        *(row(phase, SeeDocument, _see, Phase.KNOWN) for phase in Phase),
        *(row(phase, CompareLook, _compare, phase) for phase in Phase),
        *(row(phase, NoteRefusedLook, _note, Phase.KNOWN) for phase in Phase),
        row(Phase.EMPTY, ForgetSighting, _forget, Phase.EMPTY),
        row(Phase.KNOWN, ForgetSighting, _forget, Phase.KNOWN, Phase.EMPTY),
    ),
)

REPLIES: tuple[type[Reply], ...] = (SeenIn,)

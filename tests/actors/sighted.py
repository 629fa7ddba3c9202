"""Samples of sightings, and of what may be said to them."""

import msgspec

from comptoir.actors.sighting.machine import Phase, SightingState
from comptoir.actors.sighting.messages import (
    CompareLook,
    ForgetSighting,
    NoteRefusedLook,
    SeeDocument,
    Seen,
)
from comptoir.engine.values import Message, State

__all__ = ["LOOK", "SEEN", "SIGHTINGS"]

LOOK = "0f" * 64
SEEN = Seen("ONB-2026-00001", "doc_1", "IDENTITY")
KNOWN = SightingState(Phase.KNOWN, (SEEN,))
TO_SIGHTING: tuple[Message, ...] = (
    SeeDocument(SEEN),
    CompareLook("ONB-2026-00002", LOOK),
    NoteRefusedLook(msgspec.structs.replace(SEEN, look=LOOK)),
    ForgetSighting("ONB-2026-00001", "doc_1"),
    ForgetSighting("ONB-2026-00001", "doc_2"),
)
SIGHTINGS: tuple[tuple[State, Message], ...] = tuple(
    (state, message) for state in (SightingState(Phase.EMPTY), KNOWN) for message in TO_SIGHTING
)

"""What may be said to a sighting, and what is answered (S19).

Another machine may import this module and nothing else of this package (design.md 1).
"""

import msgspec

from comptoir.engine.values import Message, Reply

__all__ = [
    "KIND",
    "LOOKS",
    "CompareLook",
    "ForgetSighting",
    "NoteRefusedLook",
    "SeeDocument",
    "Seen",
    "SeenIn",
]

KIND = "sighting"
LOOKS = "looks"
"""Key of the one that knows how refused documents look; every other key is a keyed digest (X15) of bytes, of
the number of an identity document, or of what a bill or a notice says."""


class Seen(msgspec.Struct, frozen=True):
    """A document, and whose it is."""

    file: str
    """Number of the file."""
    document_id: str
    doc_type: str
    look: str = ""
    """Of what was refused, or is noted by what it says (actors/inspection/pictures.py)."""
    holder: str = ""
    """Digest of whom the file is of, by name and birth; empty: not asked for."""


class SeeDocument(Message, frozen=True):
    """This one is in this file: where else is it? The same again is the same sighting."""

    seen: Seen


class CompareLook(Message, frozen=True):
    """Does what was refused of other files look like this?"""

    file: str
    look: str


class NoteRefusedLook(Message, frozen=True):
    """This one was refused, and looks like that."""

    seen: Seen


class ForgetSighting(Message, frozen=True):
    """The file does not have it any more; it is seen there no longer."""

    file: str
    document_id: str


class SeenIn(Reply, frozen=True):
    """Where else: other files only."""

    others: tuple[Seen, ...]

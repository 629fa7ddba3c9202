"""What an inspection may find against a document, by stable codes, and what each means for it.

The rule: a code is a fact about the file or about what it shows; whether the document is taken, refused, or asked
for again follows from this one table and from nothing else. A note costs nothing here: scoring knows what to make
of it (S20, S25). Source: spec.md S19, S20, S25; docs/documents.md.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

__all__ = ["FLAGS", "INTERNAL", "Weight", "is_accepted", "outcome_of"]


class Weight(Enum):
    """What a flag does to its document."""

    NOTE = "note"
    """It is told, and the document is taken."""
    REDO = "redo"
    """Another copy may do."""
    REFUSE = "refuse"
    """Nobody who sends a document needs that."""


FLAGS: Final[Mapping[str, Weight]] = MappingProxyType(
    {
        # What the file is.
        "TYPE_UNKNOWN": Weight.REDO,
        "TYPE_MISMATCH": Weight.REDO,
        "EXTENSION_MISMATCH": Weight.REDO,
        "POLYGLOT": Weight.REFUSE,
        "TRAILING_DATA": Weight.NOTE,
        "DAMAGED": Weight.REDO,
        "TRUNCATED": Weight.REDO,
        # Of a PDF.
        "PDF_ENCRYPTED": Weight.REDO,
        "PDF_JAVASCRIPT": Weight.REFUSE,
        "PDF_LAUNCH": Weight.REFUSE,
        "PDF_AUTOMATIC_ACTION": Weight.REFUSE,
        "PDF_EMBEDDED_FILE": Weight.REFUSE,
        "PDF_EXTERNAL_REFERENCE": Weight.REFUSE,
        "PDF_FORM": Weight.NOTE,
        "PDF_INCREMENTAL": Weight.NOTE,
        "PDF_NO_PAGES": Weight.REDO,
        "PDF_PAGES_TOO_MANY": Weight.REDO,
        "PDF_TOO_COMPLEX": Weight.REDO,
        # Of a picture.
        "IMAGE_TOO_LARGE": Weight.REDO,
        "IMAGE_TOO_SMALL": Weight.REDO,
        "IMAGE_METADATA": Weight.NOTE,
        "IMAGE_PLACE": Weight.NOTE,
        "IMAGE_EDITED": Weight.NOTE,
        # Of what it shows.
        "ZONE_UNREADABLE": Weight.REDO,
        "TEXT_UNREADABLE": Weight.REDO,
        "DATE_NOT_FOUND": Weight.REDO,
        "PROOF_TOO_OLD": Weight.REDO,
        "DOCUMENT_EXPIRED": Weight.NOTE,
        "DATA_INCONSISTENT": Weight.NOTE,
        "KNOWN_REFUSED": Weight.REFUSE,
        # Of what was declared beside name and birth (actors/onboarding/differing.py).
        "ADDRESS_DIFFERS": Weight.NOTE,
        "NATIONALITY_DIFFERS": Weight.NOTE,
        "TAX_RESIDENCE_DIFFERS": Weight.NOTE,
        "TAX_NUMBER_DIFFERS": Weight.NOTE,
        "TAX_YEAR_DIFFERS": Weight.NOTE,
        "TAX_INCOME_DIFFERS": Weight.NOTE,
        # Of where else it was seen (engine/boot/sightings.py).
        "DUPLICATE_IDENTITY": Weight.NOTE,
        "DUPLICATE_DOCUMENT": Weight.NOTE,
        "LOOKS_ALIKE": Weight.NOTE,
        "LOOKS_REFUSED": Weight.NOTE,
        # Of the inspection itself.
        "INSPECTION_TOO_LONG": Weight.REDO,
        "INSPECTION_TOO_LARGE": Weight.REDO,
        "INSPECTION_FAILED": Weight.REDO,
    }
)

INTERNAL: Final = frozenset(
    {"DUPLICATE_IDENTITY", "DUPLICATE_DOCUMENT", "LOOKS_ALIKE", "LOOKS_REFUSED"}
)
"""Of these only COMPLIANCE hears: they speak of other clients, and would warn whoever is found out."""


def is_accepted(flags: Iterable[str]) -> bool:
    """Whether a document with these flags is taken."""
    return outcome_of(flags) is Weight.NOTE


def outcome_of(flags: Iterable[str]) -> Weight:
    """The heaviest of them; none at all is a note without words."""
    weights = {FLAGS[flag] for flag in flags}
    for weight in (Weight.REFUSE, Weight.REDO):
        if weight in weights:
            return weight
    return Weight.NOTE

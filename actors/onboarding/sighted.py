"""What the sightings of a file's documents are told when the file does not have them any more.

The rule: whatever drops a document has it forgotten in the same decision (X13): it was sent anew, its file is over, or
its inspection came to an end when the file had. What was refused stays known until its file is over.
Source: spec.md S19, X13; docs/documents.md.
"""

from collections.abc import Iterable

from comptoir.actors.onboarding.messages import Document
from comptoir.actors.sighting.messages import KIND, ForgetSighting
from comptoir.engine import Address, Outgoing
from comptoir.engine.machine import Context

__all__ = ["forgotten", "forgotten_marks"]


def forgotten(documents: Iterable[Document], context: Context) -> tuple[Outgoing, ...]:
    """What is said of documents that the file drops."""
    return tuple(out for one in documents for out in forgotten_marks(one.id, one.marks, context))


def forgotten_marks(
    document_id: str, marks: Iterable[str], context: Context
) -> tuple[Outgoing, ...]:
    """Likewise of one by its id."""
    word = ForgetSighting(context.address.key, document_id)
    return tuple(Outgoing(Address(KIND, mark), word) for mark in marks)

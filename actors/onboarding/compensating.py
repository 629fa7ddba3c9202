"""What is undone of a file that ends badly, and what is kept by rule. Pure functions.

The rule is the table: what a step has done outside of its file is taken back when a later one fails for good, unless
a reason to keep it stands there. Nothing that was said, decided or signed for is ever undone: it is history.
Source: spec.md S18 (saga: rollback, compensation), S36; docs/onboarding.md.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from comptoir.actors.gateways.document_messages import OBJECTS, DeleteObject
from comptoir.actors.onboarding.completing import EXPIRY, REMINDER
from comptoir.actors.onboarding.messages import Document, DocumentStatus
from comptoir.actors.onboarding.sighted import forgotten
from comptoir.actors.onboarding.state import OnboardingState
from comptoir.engine import Outgoing
from comptoir.engine.machine import Context

__all__ = ["COMPENSATIONS", "Compensation", "deletions", "undone"]


class Compensation(NamedTuple):
    """What becomes of the documents of one status when their file is INCOMPLETE or refused."""

    status: DocumentStatus
    bytes_go: bool
    record_stays: bool
    reason: str


COMPENSATIONS: Final = (
    Compensation(DocumentStatus.AWAITING, True, False, "Nobody has vouched for it."),
    Compensation(DocumentStatus.VERIFYING, True, False, "Nobody has vouched for it."),
    Compensation(DocumentStatus.INSPECTING, True, False, "It was not judged, and nobody will."),
    Compensation(DocumentStatus.REDO, True, False, "It could not be used."),
    Compensation(
        DocumentStatus.REFUSED, False, True, "Its bytes have gone; it is known if it comes again."
    ),
    Compensation(
        DocumentStatus.ACCEPTED, False, True,
        "A decision rests on it, or will when the file is resumed: kept as the law wants, or as long as it may be.",
    ),
)  # fmt: skip
_BY_STATUS: Final = {one.status: one for one in COMPENSATIONS}


def deletions(documents: Iterable[Document], context: Context) -> tuple[Outgoing, ...]:
    """What it takes to delete their bytes, and to have it forgotten where they were seen; deleting what is not there
    does nothing.
    """
    gone = tuple(documents)
    paths = (one.key(context.address.key).path for one in gone)
    deleted = (Outgoing(OBJECTS, DeleteObject(path)) for path in paths)
    return (*deleted, *forgotten(gone, context))


def undone(
    state: OnboardingState, context: Context
) -> tuple[OnboardingState, tuple[Outgoing, ...], tuple[str, ...]]:
    """The state without what goes, what it takes to undo it, and the timers that end."""
    rules = [(one, _BY_STATUS[one.status]) for one in state.documents]
    kept = tuple(one for one, rule in rules if rule.record_stays)
    gone = deletions((one for one, rule in rules if rule.bytes_go), context)
    unknown = forgotten((one for one, rule in rules if not rule.record_stays), context)
    return msgspec.structs.replace(state, documents=kept), (*gone, *unknown), (EXPIRY, REMINDER)

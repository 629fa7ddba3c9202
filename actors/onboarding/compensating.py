"""What is undone of a file that ends badly, and what is kept by rule. Pure functions.

The rule is the table: what a step has done outside of its file is taken back when a later one fails for good, unless
a reason to keep it stands there. Nothing that was said, decided or signed for is ever undone: it is history.
Source: spec.md S18 (saga: rollback, compensation), S36; docs/onboarding.md.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from comptoir.actors.gateways.document_messages import OBJECTS, DeleteObject
from comptoir.actors.onboarding.completing import APPROVAL, EXPIRY, REMINDER, SIGNATURE
from comptoir.actors.onboarding.messages import Document, DocumentStatus
from comptoir.actors.onboarding.sighted import forgotten
from comptoir.actors.onboarding.state import OnboardingState
from comptoir.actors.signature.messages import KIND as SIGNING
from comptoir.actors.signature.messages import KeepContract, VoidSigning
from comptoir.engine import Address, Outgoing
from comptoir.engine.machine import Context

__all__ = [
    "COMPENSATIONS",
    "CONTRACTS",
    "Compensation",
    "ContractRule",
    "contract_timers",
    "deletions",
    "undone",
    "voided",
]


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
        "A decision rests on it, or will when the file is resumed: kept as the law wants, or as long as it may be (keeping.py).",
    ),
)  # fmt: skip


class ContractRule(NamedTuple):
    """What becomes of the contract of one status, likewise."""

    status: str
    kept: bool
    """None of it goes; otherwise it is not to be signed any more."""
    reason: str


_NOBODY: Final = "Nobody is bound by it."
CONTRACTS: Final = (
    ContractRule("preparing", False, _NOBODY),
    ContractRule("sent", False, _NOBODY),
    ContractRule("declined", False, _NOBODY),
    ContractRule("expired", False, _NOBODY),
    ContractRule("failed", False, _NOBODY),
    ContractRule("voided", False, _NOBODY),
    ContractRule("signed", True, "It is evidence of what was agreed, and of what did not come of it."),
)  # fmt: skip
_BY_STATUS: Final = {one.status: one for one in COMPENSATIONS}
UNSIGNED: Final = frozenset(one.status for one in CONTRACTS if not one.kept)
SIGNED: Final = frozenset(one.status for one in CONTRACTS if one.kept)


def deletions(documents: Iterable[Document], context: Context) -> tuple[Outgoing, ...]:
    """What it takes to delete their bytes, and to have it forgotten where they were seen; deleting what is not there
    does nothing.
    """
    gone = tuple(documents)
    paths = (one.key(context.address.key).path for one in gone)
    deleted = (Outgoing(OBJECTS, DeleteObject(path)) for path in paths)
    return (*deleted, *forgotten(gone, context))


def voided(
    state: OnboardingState, context: Context, code: str
) -> tuple[OnboardingState, tuple[Outgoing, ...]]:
    """Without a contract that could still be signed; one that is signed stays so."""
    signing = state.onward.signing
    if signing.status not in UNSIGNED:
        return state, ()
    gone = msgspec.structs.replace(signing, status="voided", at=context.now)
    onward = msgspec.structs.replace(state.onward, signing=gone)
    word = Outgoing(Address(SIGNING, context.address.key), VoidSigning(code))
    return msgspec.structs.replace(state, onward=onward), (word,)


def undone(
    state: OnboardingState, context: Context, code: str
) -> tuple[OnboardingState, tuple[Outgoing, ...], tuple[str, ...]]:
    """The state without what goes, what it takes to undo it, and the timers that end.

    Args:
        state: of the file, in the phase in which it ends.
        context: of the decision.
        code: why it ends, as the contract's keeper is told.
    """
    left, words = voided(state, context, code)
    if state.onward.signing.status in SIGNED:
        words = (Outgoing(Address(SIGNING, context.address.key), KeepContract(code)),)
    rules = [(one, _BY_STATUS[one.status]) for one in state.documents]
    kept = tuple(one for one, rule in rules if rule.record_stays)
    gone = deletions((one for one, rule in rules if rule.bytes_go), context)
    unknown = forgotten((one for one, rule in rules if not rule.record_stays), context)
    timers = (EXPIRY, REMINDER, *contract_timers(state))
    return msgspec.structs.replace(left, documents=kept), (*gone, *unknown, *words), timers


def contract_timers(state: OnboardingState) -> tuple[str, ...]:
    """Those that a file has once its contract is issued."""
    return () if state.onward.signing.status == "none" else (SIGNATURE, APPROVAL)

"""What is known of the signature of one file's contract, what becomes of it on record, and how it is told.

Its state is sealed as a whole at rest, by its own key; events name nobody. Source: spec.md S7, S18, S28.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.signature.messages import (
    EnvelopeReported,
    Evidence,
    OpenSigning,
    SigningDescribed,
    SigningStatus,
)
from comptoir.engine import Event, State

__all__ = [
    "RANK",
    "TOLD",
    "ClientSigned",
    "ContractDrawn",
    "ContractForgotten",
    "ContractKept",
    "EarlierContractKept",
    "EarlierContractSigned",
    "EnvelopeMoved",
    "EnvelopeOpened",
    "Phase",
    "ReportIgnored",
    "SignatureState",
    "SignedContractKept",
    "SignerSentOn",
    "SigningBegun",
    "SigningClosed",
    "Superseded",
    "described",
    "moved",
    "reference_of",
    "round_of",
]


class Phase(Enum):
    """How far it is."""

    NONE = "none"
    DRAWING = "drawing"
    SENDING = "sending"
    SENT = "sent"
    VIEWED = "viewed"
    FETCHING = "fetching"
    """It is signed; the signed document is on its way."""
    SIGNED = "signed"
    DECLINED = "declined"
    EXPIRED = "expired"
    VOIDED = "voided"
    FAILED = "failed"


TOLD: Final[Mapping[Phase, SigningStatus]] = {
    Phase.NONE: "preparing",
    Phase.DRAWING: "preparing",
    Phase.SENDING: "preparing",
    Phase.SENT: "sent",
    Phase.VIEWED: "viewed",
    Phase.FETCHING: "signed",
    Phase.SIGNED: "signed",
    Phase.DECLINED: "declined",
    Phase.EXPIRED: "expired",
    Phase.VOIDED: "voided",
    Phase.FAILED: "failed",
}
_ORDER: Final[tuple[SigningStatus, ...]] = (
    "preparing", "sent", "viewed", "failed", "voided", "expired", "declined", "signed",
)  # fmt: skip
RANK: Final[Mapping[SigningStatus, int]] = {status: rank for rank, status in enumerate(_ORDER)}
"""Of two reports the higher counts, whichever came first, so that the end is a function of what was reported: what is
signed is never unsigned, and a client's own word counts for more than a clock's.
"""


class Superseded(msgspec.Struct, frozen=True):
    """An envelope that was issued anew, as long as its client might have signed it (superseded.py)."""

    round: int
    provider: str
    envelope_id: str
    document_path: str
    signed_path: str = ""
    """Where its signed document is to lie; empty: nobody says that it is signed."""
    until: int = 0
    """It is voided again and again until then, business time, ms; 0: it was voided once."""
    voids: int = 0
    """How often it was voided again."""


class SignatureState(State, frozen=True):
    """Of one file."""

    phase: Phase
    asked: OpenSigning | None = None
    document_path: str = ""
    document_sha256: str = ""
    title: str = ""
    provider: str = ""
    envelope_id: str = ""
    early: tuple[EnvelopeReported, ...] = ()
    """Reports of envelopes that were not known to be ours yet: the webhook was faster than the answer."""
    sent_at: int = 0
    """Business time, ms; so are the others."""
    viewed_at: int = 0
    opened_at: int = 0
    """By the wall's clock: a code that was typed before does not sign."""
    ended_at: int = 0
    expires_at: int = 0
    reason: str = ""
    """Why it was declined, in the client's words; or the code of why it ended."""
    closed: bool = False
    """The file does not want it any more: of what is heard now only that it was signed counts."""
    evidence: Evidence | None = None
    signed_path: str = ""
    signed_sha256: str = ""
    earlier: tuple[str, ...] = ()
    """Keys of contracts that were signed in earlier rounds."""
    drafts: tuple[str, ...] = ()
    """Keys of contracts as they were drawn in earlier rounds."""
    counts_as: int = 0
    """The round that it was issued anew for after its client had signed it: the file hears of that one; 0: its own."""
    file_over: bool = False
    """It is signed, and its file has ended: a higher round is another contract."""
    superseded: tuple[Superseded, ...] = ()
    """Envelopes of earlier rounds that may come back signed."""
    void_until: int = 0
    """Its envelope was voided and nobody has said that it is gone: it is voided again until then; 0: none is waited for."""
    voids: int = 0
    """How often it was voided again."""


class SigningBegun(Event, frozen=True):
    """A contract is to be made and signed."""

    round: int
    template: str


class ContractForgotten(Event, frozen=True):
    """Its file has gone, and so has every contract of it."""

    round: int


class ContractDrawn(Event, frozen=True):
    """The contract is there."""

    round: int
    sha256: str
    pages: int


class EnvelopeOpened(Event, frozen=True):
    """Its signer has been asked."""

    round: int
    provider: str
    envelope_id: str


class EnvelopeMoved(Event, frozen=True):
    """It stands otherwise than before."""

    round: int
    status: SigningStatus
    at: int
    """As the provider says."""
    healed: bool
    """It was asked: no report had come."""


class ReportIgnored(Event, frozen=True):
    """A report of an envelope that is not, or no longer, the one that is waited for."""

    envelope_id: str
    status: SigningStatus


class ClientSigned(Event, frozen=True):
    """The client has signed in the portal: what they saw, and by what they showed who they are."""

    round: int
    document_sha256: str
    consents: tuple[str, ...]
    methods: tuple[str, ...]
    authenticated_at: int


class EarlierContractSigned(Event, frozen=True):
    """An envelope that was issued anew had been signed before it could be voided."""

    round: int
    provider: str
    envelope_id: str
    at: int
    """As the provider says, or when it was known."""


class EarlierContractKept(Event, frozen=True):
    """Its signed document is in the store, as evidence."""

    round: int
    provider: str
    sha256: str


class SignerSentOn(Event, frozen=True):
    """The client was let in here, and went on to the provider's page to sign."""

    round: int
    methods: tuple[str, ...]
    authenticated_at: int


class SignedContractKept(Event, frozen=True):
    """The signed document is in the store."""

    round: int
    provider: str
    sha256: str


class SigningClosed(Event, frozen=True):
    """It will not be signed, or has ended; why as a stable code."""

    round: int
    phase: str
    code: str


class ContractKept(Event, frozen=True):
    """The file has ended badly, and what the rule keeps is kept (S18)."""

    round: int
    signed: bool
    reason: str


def reference_of(file: str, round_: int) -> str:
    """What the contract of a round is called: the same again is the same contract."""
    return f"{file}:{round_}"


def round_of(state: SignatureState) -> int:
    """The round that the file waits for; 0: it was never asked for."""
    return max(state.counts_as, 0 if state.asked is None else state.asked.round)


def described(state: SignatureState) -> SigningDescribed:
    """As it is told; what of it to whom, the edge knows."""
    asked = state.asked
    return SigningDescribed(
        TOLD[state.phase],
        round_of(state),
        state.provider,
        state.sent_at,
        state.ended_at,
        state.expires_at,
        state.document_sha256,
        state.signed_sha256,
        state.signed_path if state.phase is Phase.SIGNED else "",
        document_path=state.document_path if state.document_sha256 else "",
        user_id="" if asked is None else asked.signer.user_id,
        title=state.title,
    )


def moved(state: SignatureState, phase: Phase, at: int, reason: str = "") -> SignatureState:
    """Another phase, and since when."""
    return msgspec.structs.replace(state, phase=phase, ended_at=at, reason=reason)

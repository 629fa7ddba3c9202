"""Samples of a signature in each of its phases, and of what may be said to it."""

from collections.abc import Iterator

import msgspec

from comptoir.actors.gateways.signing_messages import (
    ContractMade,
    EnvelopeCreated,
    EnvelopeGone,
    EnvelopeStands,
    SignedFetched,
    SigningRefused,
)
from comptoir.actors.signature.consents import CONSENTS
from comptoir.actors.signature.messages import (
    EMBEDDED,
    AdmitSigner,
    DeclineContract,
    DescribeSigning,
    EnvelopeReported,
    Evidence,
    ForgetContract,
    KeepContract,
    OpenSigning,
    ShowContract,
    SignContract,
    Signer,
    SigningOver,
    SigningStatus,
    StandingDue,
    VoidSigning,
)
from comptoir.actors.signature.state import RANK, Phase, SignatureState, Superseded
from comptoir.engine.values import Address, Message, State

__all__ = [
    "CONTRACT", "ENVELOPE", "EVIDENCE", "FILE", "NOW", "OPEN", "SIGNATURES", "SIGNER", "STATES", "TO_SIGNATURE",
    "VIEWED", "report",
]  # fmt: skip

NOW = 1_800_000_000_000
HOUR_MS = 3_600_000
FILE = Address("signature", "ONB-2026-00001")
REFERENCE = "ONB-2026-00001:1"
ENVELOPE = "env-1"
CONTRACT = "c" * 64
SIGNER = Signer("Ada", "Lovelace", "ada@example.org", "+33612345678", "fr", "u1")
OPEN = OpenSigning(1, "management-individual", "INDIVIDUAL", SIGNER, {"address/city": "Paris"})
DRAWING = SignatureState(Phase.DRAWING, OPEN, "ONB-2026-00001/CONTRACT/contract_1.pdf")
SENDING = msgspec.structs.replace(
    DRAWING, phase=Phase.SENDING, document_sha256=CONTRACT, title="Mandat", expires_at=NOW + HOUR_MS
)
SENT = msgspec.structs.replace(
    SENDING, phase=Phase.SENT, provider=EMBEDDED, envelope_id=ENVELOPE, sent_at=NOW - 2000
)
VIEWED = msgspec.structs.replace(
    SENT, phase=Phase.VIEWED, viewed_at=NOW - 1000, opened_at=NOW - 1000
)
FETCHING = msgspec.structs.replace(
    VIEWED, phase=Phase.FETCHING, ended_at=NOW, signed_path="ONB-2026-00001/CONTRACT/signed_1.pdf"
)
SIGNED = msgspec.structs.replace(FETCHING, phase=Phase.SIGNED, signed_sha256="5" * 64)
STATES = (
    SignatureState(Phase.NONE), DRAWING, SENDING, SENT, VIEWED, FETCHING, SIGNED,
    msgspec.structs.replace(SIGNED, file_over=True),
    *(msgspec.structs.replace(VIEWED, phase=x, ended_at=NOW)
      for x in (Phase.DECLINED, Phase.EXPIRED, Phase.VOIDED, Phase.FAILED)),
)  # fmt: skip
EVIDENCE = Evidence("u1", CONTRACT, CONSENTS, "fr", ("mca", "otp", "sms"), NOW - 500, "e" * 64)


def report(status: SigningStatus, envelope: str = ENVELOPE) -> EnvelopeReported:
    """A webhook about our envelope."""
    return EnvelopeReported("docusign", envelope, status, NOW)


TO_SIGNATURE: tuple[Message, ...] = (
    OPEN, msgspec.structs.replace(OPEN, round=2), ContractMade(REFERENCE, CONTRACT, 3, "Mandat"), ContractMade("x:9", "", 1),
    EnvelopeCreated(REFERENCE, EMBEDDED, ENVELOPE), EnvelopeCreated("x:9", EMBEDDED, "env-9"),
    SigningRefused(REFERENCE, "TEMPLATE_UNKNOWN"), SigningRefused("x:9", "x"),
    *(report(status) for status in RANK),
    *(EnvelopeStands(REFERENCE, ENVELOPE, status, NOW) for status in RANK),
    StandingDue(1), SigningOver(1), SignedFetched(REFERENCE, "5" * 64), SignedFetched("x:9", ""),
    EnvelopeGone(REFERENCE), EnvelopeGone(REFERENCE, signed=True), ShowContract("u1", NOW), SignContract(EVIDENCE),
    AdmitSigner("u1", ("mca", "otp"), NOW, 0, recent=True), DeclineContract("u1", "not now"), VoidSigning("FILE_REFUSED"), KeepContract("ACCOUNT_REFUSED"), DescribeSigning(),
)  # fmt: skip


def _signatures() -> Iterator[tuple[State, Message, int]]:
    for state in STATES:
        for message in TO_SIGNATURE:
            yield state, message, NOW
        yield state, ForgetContract(), NOW
    for status in RANK:
        early = msgspec.structs.replace(SENDING, early=(report(status),))
        yield early, EnvelopeCreated(REFERENCE, EMBEDDED, ENVELOPE), NOW
    elsewhere = msgspec.structs.replace(SENT, provider="docusign")
    yield elsewhere, ShowContract("u1", NOW), NOW
    yield from _superseded()
    for state in (SENT, VIEWED):
        yield state, SigningOver(1), NOW + HOUR_MS
        there = msgspec.structs.replace(state, provider="docusign")
        yield there, AdmitSigner("u1", ("mca", "otp"), NOW, 0, recent=True), NOW


def _superseded() -> Iterator[tuple[State, Message, int]]:
    """Of a contract that was issued anew, in every phase of the next one."""
    one = Superseded(1, "docusign", "env-0", "ONB-2026-00001/CONTRACT/contract_0.pdf")
    signed = msgspec.structs.replace(one, signed_path="ONB-2026-00001/CONTRACT/earlier_0.pdf")
    words = (
        report("signed", "env-0"), EnvelopeGone(REFERENCE), EnvelopeGone(REFERENCE, signed=True),
        SignedFetched(REFERENCE, "5" * 64), StandingDue(1),
    )  # fmt: skip
    for state in STATES[1:]:
        for known in (one, signed):
            second = msgspec.structs.replace(
                state, asked=msgspec.structs.replace(OPEN, round=2), superseded=(known,)
            )
            for word in words:
                yield second, word, NOW
            yield second, ForgetContract(), NOW
            late = msgspec.structs.replace(known, until=NOW)
            yield msgspec.structs.replace(second, superseded=(late,)), StandingDue(1), NOW


SIGNATURES: tuple[tuple[State, Message, int], ...] = tuple(_signatures())

"""Samples for candidates and claims: a state for every phase, a message of every type."""

import msgspec

from comptoir.actors.candidates import machine as candidates
from comptoir.actors.candidates.messages import (
    Candidate,
    DropCandidate,
    FindCandidate,
    ForgetCandidates,
    ForgetLink,
    KeepCandidate,
)
from comptoir.actors.claim import machine as claim
from comptoir.actors.claim.messages import (
    Claimed,
    DescribeClaim,
    GrantClaim,
    OpenClaim,
    PurchaseDelayed,
    PurchaseFound,
    PurchaseMissed,
    Reason,
    RefuseClaim,
    SeekOn,
    StateClaim,
    Verdict,
)
from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.gateways.messages import Stated
from comptoir.engine.values import Message, State

__all__ = ["CLAIMS", "KEPT", "NOW", "REPORT", "STATED", "STATES", "WAITING", "candidate"]

NOW = 1_800_000_000_000
DAY_MS = 86_400_000
REPORT = TransactionReported(
    "seed",
    "transaction.created",
    "tx9",
    4_200,
    "EUR",
    "DEBIT",
    "2026-11-21",
    "CHEZ VOUS LYON",
    "5812",
)


def candidate(transaction_id: str = "tx9", until: int = NOW + DAY_MS) -> Candidate:
    """One that is kept until then."""
    report = msgspec.structs.replace(REPORT, transaction_id=transaction_id)
    return Candidate(report, "link-1", ("label reads: chez vous lyon",), until)


TO_CANDIDATES: tuple[Message, ...] = (
    KeepCandidate(candidate()), DropCandidate("seed", "tx9"), DropCandidate("seed", "tx8"),
    ForgetCandidates(), ForgetLink("link-1"), ForgetLink("link-2"), FindCandidate("tx9"), FindCandidate("tx8"),
)  # fmt: skip
P = candidates.Phase
KEPT: tuple[tuple[State, Message], ...] = (
    *((candidates.CandidatesState(P.EMPTY), message) for message in TO_CANDIDATES),
    *((candidates.CandidatesState(P.HOLDING, (candidate(),)), message) for message in TO_CANDIDATES),
    (candidates.CandidatesState(P.HOLDING, (candidate(), candidate("tx8"))), DropCandidate("seed", "tx9")),
    (candidates.CandidatesState(P.HOLDING, (candidate(until=NOW - 1),)), ForgetCandidates()),
)  # fmt: skip
C = claim.Phase
CLAIMED = Claimed(REPORT, "link-1")
WAITS = OpenClaim("u1", Verdict.NOT_MATCHED, ("label reads: chez vous lyon",), CLAIMED)
ASKS = OpenClaim("u1", Verdict.CREDITED, ("longest name",))
STATED = Stated("2026-11-21", 4_200, "CHEZ VOUS")
STATES = StateClaim("u1", "link-1", STATED, ("label reads: chez vous",))
WAITING = claim.ClaimState(
    C.WAITING, "u1", Verdict.SEARCHED, ("x",), opened_at=NOW, because=Reason.SEARCHING, id="clm_1",
    link="link-1", stated=STATED,
)  # fmt: skip
TO_CLAIM: tuple[Message, ...] = (
    WAITS, ASKS, GrantClaim("m.durand", "p1"), RefuseClaim("m.durand", "somebody else's"), DescribeClaim(),
    STATES, PurchaseFound(REPORT, ("x",)), PurchaseFound(REPORT, ("x",), "credited"),
    PurchaseMissed(Reason.NOT_AT_BANK), PurchaseDelayed(), SeekOn(),
)  # fmt: skip
CLAIMS: tuple[tuple[State, Message], ...] = tuple(
    (state, message)
    for state in (
        claim.ClaimState(C.NONE),
        claim.ClaimState(C.OPEN, "u1", Verdict.NOT_MATCHED, ("x",), CLAIMED, NOW),
        WAITING,
        msgspec.structs.replace(WAITING, opened_at=NOW - 31 * DAY_MS),
        claim.ClaimState(C.ANSWERED, "u1", decided_at=NOW),
        *(claim.ClaimState(phase, "u1") for phase in (C.FOUND, C.ANSWERED, C.GRANTED, C.REFUSED)),
    )
    for message in TO_CLAIM
)

"""Samples for batches of payouts, their files and what a bank reports: a state for every phase, a message of every
type.
"""

import msgspec

from comptoir.actors.cutoffs import Cutoffs, batch_id
from comptoir.actors.payout_batch.messages import (
    ApproveBatch,
    BatchReported,
    CloseBatch,
    CutOffReached,
    DecisionDue,
    DescribeBatch,
    JoinBatch,
    LeaveBatch,
    NoteDownload,
    RejectBatch,
    WalkOn,
)
from comptoir.actors.payout_batch.state import BatchState, Errand
from comptoir.actors.payout_batch.state import Phase as B
from comptoir.actors.payout_batch.walk import PAGE_ROWS
from comptoir.actors.payout_file.machine import FileState
from comptoir.actors.payout_file.machine import Phase as F
from comptoir.actors.payout_file.messages import KeepFile, ReadFile
from comptoir.actors.payout_report.machine import Phase as R
from comptoir.actors.payout_report.machine import ReportState
from comptoir.actors.payout_report.messages import DescribeReport, TakeReport, UnmatchedFinding
from comptoir.actors.sepa.words import Finding
from comptoir.actors.withdrawal.messages import BatchClosed, BatchJoined, TakenFromBatch
from comptoir.engine.values import Message, State
from tests.actors.purchases import NOW

__all__ = ["BATCH", "BATCHED", "BATCHES", "FILES", "ON", "PASSED", "REPORTS", "ROW"]

ON = Cutoffs(on=True, transfers_max=2)
BATCH = batch_id(ON.after(NOW))
PASSED = batch_id(ON.after(NOW - 30 * 86_400_000))
"""Of a cut-off that is over."""
ROW = {"withdrawal": "wd_1", "cents": 950, "currency": "EUR", "in": True}
JOIN = JoinBatch("wd_1", "REWAPP-WD-2026-11-01-001", 950, "EUR")
OPEN = BatchState(B.OPEN, 1, 950, "EUR")
WALKING = (Errand("closed"),)
DISSOLVED = (Errand("failed", "BATCH_REJECTED"),)
EXPIRED = (Errand("failed", "BATCH_EXPIRED"),)
CLOSING = msgspec.structs.replace(OPEN, phase=B.CLOSING, closed_at=1, maker="max", errands=WALKING)
AWAITING = msgspec.structs.replace(CLOSING, phase=B.AWAITING, errands=(), decide_by=NOW + 1)
APPROVED = msgspec.structs.replace(AWAITING, phase=B.APPROVED, checker="eva", digest="d" * 64)
SAID = msgspec.structs.replace(APPROVED, errands=(Errand("completed"),), said=("completed",))
DISSOLVING = msgspec.structs.replace(
    CLOSING, phase=B.DISSOLVING, errands=DISSOLVED, checker="eva", reason="r"
)
ENDS = tuple(
    msgspec.structs.replace(DISSOLVING, phase=phase, errands=())
    for phase in (B.REJECTED, B.EXPIRED, B.EMPTY)
)
STATES = (BatchState(B.NONE), OPEN, CLOSING, AWAITING, APPROVED, DISSOLVING, *ENDS)
APPROVE = ApproveBatch("eva", ("OPERATIONS",), "d" * 64, "2026-11-24", b"x")
TO_BATCH: tuple[Message, ...] = (
    JOIN, CutOffReached(), CloseBatch("max"), APPROVE, RejectBatch("eva", "why"), DecisionDue(),
    BatchReported("completed"), NoteDownload("eva"), DescribeBatch(),
)  # fmt: skip
PAGE = [(f"{BATCH}:REWAPP-WD-2026-11-01-001", ROW)]
LONG = [(f"{BATCH}:R{number:05d}", ROW) for number in range(PAGE_ROWS)]
LEFT = msgspec.structs.replace(OPEN, transfers=0, sum_cents=0)
UNRELEASED = msgspec.structs.replace(AWAITING, maker="")
ESCALATED = msgspec.structs.replace(AWAITING, escalated=True)
LATE = msgspec.structs.replace(DISSOLVING, errands=EXPIRED)
LEAVE = LeaveBatch("wd_1", JOIN.reference)
BATCHES: tuple[tuple[State, Message, object, str], ...] = (
    *((state, message, None, BATCH) for state in STATES for message in TO_BATCH),
    *((state, LEAVE, ROW, BATCH) for state in STATES),
    *(
        (state, WalkOn(""), PAGE, BATCH)
        for state in (BatchState(B.NONE), OPEN, CLOSING, AWAITING, SAID, DISSOLVING, LATE, *ENDS)
    ),
    *((state, WalkOn(""), LONG, BATCH) for state in (CLOSING, SAID, DISSOLVING)),
    (BatchState(B.NONE), JOIN, None, PASSED),
    (LEFT, CutOffReached(), None, BATCH),
    (LEFT, CloseBatch("max"), None, BATCH),
    (ESCALATED, DecisionDue(), None, BATCH),
    *((UNRELEASED, message, None, BATCH) for message in (APPROVE, DecisionDue())),
    (APPROVED, BatchReported("completed", amount_cents=1, currency="EUR"), None, BATCH),
)
"""State, message, what its lookup finds, and the batch's name."""

KEEP = KeepFile("d" * 64, b"x")
FILES: tuple[tuple[State, Message], ...] = tuple(
    (state, message)
    for state in (FileState(F.NONE), FileState(F.KEPT, "d" * 64, b"x"))
    for message in (KEEP, ReadFile())
)

FOUND = Finding("completed", JOIN.reference, BATCH, 950, "EUR")
KNOWN = {JOIN.reference: {**ROW, "batch": BATCH}, BATCH: {"batch": BATCH}}
PART = TakeReport(
    "camt.054.001.08", "M1", "d" * 64, 0, True, (FOUND, Finding("failed", batch=BATCH))
)
TAKING = ReportState(R.TAKING, "camt.054.001.08", "M1", "d" * 64, 1)
TAKEN = msgspec.structs.replace(TAKING, phase=R.TAKEN)
REPORTS: tuple[tuple[State, Message, object], ...] = tuple(
    (state, message, KNOWN)
    for state in (ReportState(R.NONE), TAKING, TAKEN)
    for message in (
        PART, msgspec.structs.replace(PART, last=False), msgspec.structs.replace(PART, part=1),
        UnmatchedFinding.of("PAYMENT_UNKNOWN", "M1", FOUND), DescribeReport(),
    )
    if not (state.phase is R.NONE and getattr(message, "part", 0) == 1)
)  # fmt: skip

BATCHED: tuple[Message, ...] = (BatchJoined(BATCH), BatchClosed(), TakenFromBatch())
"""What a batch says to a withdrawal."""

"""The machine of a bank's report: each thing that it says is passed on once, to whom it is about.

Rules:
- a report is taken part by part, in order; a part that comes again changes nothing, so whoever brings a file
  again, because nobody answered the first time, has it taken once;
- one id is one file: another with the same id is refused, and changes nothing;
- what it says of a transfer of ours goes to its withdrawal, with the amount that it says: one that differs is
  then held there; of a whole batch, to the batch;
- what it says of nothing of ours, or of another amount, waits in dlq:withdrawals, one letter for each: nothing
  is lost, and a letter that is delivered again is looked up anew;
- what a statement has booked is kept as a document, for the reconciliation.

Source: spec.md S46, S64, X26, X27; protocols.md 5.6; docs/payouts.md; adr/0043.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, cast

import msgspec

from comptoir.actors.cutoffs import is_batch_id
from comptoir.actors.payout_batch.messages import KIND as BATCH
from comptoir.actors.payout_batch.messages import BatchReported, Booking
from comptoir.actors.payout_report.messages import (
    DIFFERS,
    KIND,
    STATEMENTS,
    UNKNOWN,
    DescribeReport,
    Leftover,
    ReportDescribed,
    TakeReport,
    UnmatchedFinding,
    statement_key,
)
from comptoir.actors.sepa.words import INITIATED, Finding
from comptoir.actors.withdrawal.messages import KIND as WITHDRAWAL
from comptoir.actors.withdrawal.messages import PaymentInitiated, PaymentReported
from comptoir.engine import (
    Address,
    DeadLetter,
    Decision,
    Event,
    Message,
    Outgoing,
    Put,
    Refusal,
    Reply,
    State,
)
from comptoir.engine.machine import Context, Machine, row

__all__ = ["LEFTOVERS_MAX", "MACHINE", "REPLIES", "Phase", "ReportState", "ReportTaken"]

LEFTOVERS_MAX: Final = 100
"""Named in the answer; all of them are letters."""
QUEUE: Final = "dlq:withdrawals"
Rows = Mapping[str, Mapping[str, Any]]


class Phase(Enum):
    """How far it is."""

    NONE = "none"
    TAKING = "taking"
    TAKEN = "taken"


class ReportState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    kind: str = ""
    message_id: str = ""
    digest: str = ""
    parts: int = 0
    applied: int = 0
    unmatched: int = 0
    ignored: int = 0
    leftovers: tuple[Leftover, ...] = ()
    taken_at: int = 0


class ReportTaken(Event, frozen=True):
    """All of it was passed on."""

    digest: str
    applied: int
    unmatched: int


Outcome = Decision[ReportState]
replace = msgspec.structs.replace


def _take(state: ReportState, message: TakeReport, context: Context) -> Outcome | Refusal:
    if state.phase is not Phase.NONE and state.digest != message.digest:
        return Refusal("REPORT_REUSED", "another file had this id")
    if message.part < state.parts:
        return Decision(state, _described(state))  # it was taken, and nobody heard of it
    if message.part > state.parts:
        return Refusal("CONFLICT", "a part before it is missing")
    facts = cast("Rows", context.facts)
    messages: list[Outgoing] = []
    documents: list[Put] = []
    left: list[Leftover] = []
    for finding in message.findings:
        code, passed = _passed(finding, facts, message.message_id)
        messages += passed
        if code:
            unmatched = UnmatchedFinding.of(code, message.message_id, finding)
            messages.append(Outgoing(context.address, unmatched))
            left.append(Leftover(code, finding.reference, finding.batch))
        if finding.booked_on and finding.reference:
            cents = facts.get(finding.reference, {}).get("cents", 0)
            documents.append(_entry(finding, message.message_id, int(cents)))
    known = replace(
        state, phase=Phase.TAKEN if message.last else Phase.TAKING, kind=message.kind,
        message_id=message.message_id, digest=message.digest, parts=message.part + 1,
        applied=state.applied + len(message.findings) - len(left), unmatched=state.unmatched + len(left),
        ignored=message.ignored, leftovers=(*state.leftovers, *left)[:LEFTOVERS_MAX], taken_at=context.now,
    )  # fmt: skip
    taken = ReportTaken(known.digest, known.applied, known.unmatched)
    return Decision(
        known,
        _described(known),
        events=(taken,) if message.last else (),
        messages=tuple(messages),
        documents=tuple(documents),
    )


def _passed(finding: Finding, rows: Rows, report: str) -> tuple[str, tuple[Outgoing, ...]]:
    """What is wrong with it, if anything, and to whom it goes."""
    if not finding.reference:
        return _of_batch(finding, rows, report)
    found = rows.get(finding.reference)
    if found is None or "withdrawal" not in found:
        return UNKNOWN, ()
    target = Address(WITHDRAWAL, str(found["withdrawal"]))
    other = finding.batch not in ("", found["batch"]) and bool(is_batch_id(finding.batch))
    differs = other or (
        finding.amount_cents is not None
        and (finding.amount_cents, finding.currency) != (found["cents"], found["currency"])
    )
    code = DIFFERS if differs else ""
    if other:  # of another batch than it was in: it is not this order that is spoken of
        return code, ()
    return code, (Outgoing(target, _message(finding, differs=differs)),)


def _message(finding: Finding, *, differs: bool) -> Message:
    """As a provider would have said it: a word, an amount, a reason."""
    if finding.word == INITIATED and not differs:
        return PaymentInitiated("")
    return PaymentReported(finding.word, "", finding.amount_cents, finding.currency, finding.reason)


def _of_batch(finding: Finding, rows: Rows, report: str) -> tuple[str, tuple[Outgoing, ...]]:
    """A batch knows its sum; one that is booked otherwise is for a person."""
    known = bool(is_batch_id(finding.batch)) and finding.batch in rows
    if not known:
        return UNKNOWN, ()
    booking = Booking(finding.booked_on, finding.direction, report if finding.booked_on else "")
    said = BatchReported(
        finding.word, finding.reason, booking, finding.amount_cents, finding.currency
    )
    return "", (Outgoing(Address(BATCH, finding.batch), said),)


def _entry(finding: Finding, report: str, cents: int) -> Put:
    """A booking; of several at once that tell no amounts, each has its own."""
    if finding.amount_cents is not None:
        cents = finding.amount_cents
    entry: dict[str, object] = {
        "reference": finding.reference, "amountCents": cents, "currency": finding.currency or "EUR",
        "bookedOn": finding.booked_on, "direction": finding.direction, "statementId": report,
    }  # fmt: skip
    if finding.reason:
        entry["returnReason"] = finding.reason
    key = statement_key(finding.booked_on, report, finding.reference, finding.direction)
    return Put(STATEMENTS, key, entry)


def _unmatched(state: ReportState, message: UnmatchedFinding, context: Context) -> Outcome:
    """Somebody has to look at it; by now it may be known."""
    code, passed = _passed(message.finding, cast("Rows", context.facts), message.message_id)
    if not code:
        return Decision(state, messages=passed)
    return Decision(state, dead_letter=DeadLetter(QUEUE, code, "told by a bank's report"))


def _describe(state: ReportState, _message: DescribeReport, _context: Context) -> Outcome:
    return Decision(state, _described(state))


def _described(state: ReportState) -> ReportDescribed:
    return ReportDescribed(
        state.kind, state.message_id, state.digest, state.parts, state.phase is Phase.TAKEN,
        state.applied, state.unmatched, state.ignored, state.leftovers, state.taken_at,
    )  # fmt: skip


BEGUN = (Phase.TAKING, Phase.TAKEN)

MACHINE: Machine[ReportState] = Machine(
    KIND,
    phases=Phase,
    messages=(TakeReport, UnmatchedFinding, DescribeReport),
    rows=(
        row(Phase.NONE, TakeReport, _take, Phase.TAKING, Phase.TAKEN),
        row(Phase.TAKING, TakeReport, _take, Phase.TAKING, Phase.TAKEN),
        row(Phase.TAKEN, TakeReport, _take, Phase.TAKEN),
        *(row(phase, UnmatchedFinding, _unmatched, phase) for phase in BEGUN),
        *(row(phase, DescribeReport, _describe, phase) for phase in BEGUN),
    ),
    terminal=(Phase.TAKEN,),
    refusal=Refusal("NOT_FOUND", "no report of this id was taken"),
)

REPLIES: tuple[type[Reply], ...] = (ReportDescribed,)

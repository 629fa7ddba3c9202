"""The machine of a batch: withdrawals join it until its cut-off, two people sign it, and a file is fixed.

Rules:
- a withdrawal is in one batch, and is in it until it leaves or the batch has closed; afterwards nothing changes
  what is paid, to the cent: the rows are counted and summed up anew while they are told that it closed, and
  what does not agree with the figures that were kept closes nothing;
- every file has two people: a maker, who has closed its batch before its time or was the first to sign what its
  cut-off had closed, and another who approves it, whatever their roles (FOUR_EYES);
- what is approved is one file, by its digest, and it is kept by the decision that approves it;
- what nobody approves is escalated, then dissolved: points never wait for ever on somebody's desk;
- who took the file is on record before they have it;
- what the bank says of the whole is told to every row, once per word: a page of rows a message, so that ten
  thousand of them hold nobody up, and a daemon that ends in between is followed by one that goes on there.

Source: spec.md S46, S50, E14, X25 to X27; interface.md 7; design.md 3; docs/payouts.md; adr/0043.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from comptoir.actors.cutoffs import batch_id, cutoff_of, cutoffs_of, following
from comptoir.actors.payout_batch.messages import (
    BATCHES,
    KIND,
    REFERENCES,
    ROWS,
    ApproveBatch,
    BatchDescribed,
    BatchReported,
    CloseBatch,
    CutOffReached,
    DecisionDue,
    DescribeBatch,
    DownloadNoted,
    JoinBatch,
    LeaveBatch,
    NoteDownload,
    RejectBatch,
    WalkOn,
    listed_key,
    row_key,
)
from comptoir.actors.payout_batch.state import (
    CLOSED,
    BatchApproved,
    BatchClosed,
    BatchEscalated,
    BatchRefused,
    BatchReleased,
    BatchState,
    Errand,
    FileTaken,
    Phase,
    TransferLeft,
)
from comptoir.actors.payout_batch.walk import told
from comptoir.actors.payout_file.messages import KIND as FILE
from comptoir.actors.payout_file.messages import KeepFile
from comptoir.actors.withdrawal.messages import FAILED, BatchJoined, TakenFromBatch
from comptoir.actors.withdrawal.messages import KIND as WITHDRAWAL
from comptoir.engine import Address, DeadLetter, Decision, Outgoing, Put, Refusal, Reply
from comptoir.engine.machine import Context, Machine, row

__all__ = ["APPROVERS", "MACHINE", "REJECTED", "REPLIES"]

APPROVERS: Final = ("OPERATIONS",)
"""Roles of which whoever approves must have one; once it is escalated, any that gets this far."""
FOUR_EYES: Final = "FOUR_EYES"
REJECTED, EXPIRED = "BATCH_REJECTED", "BATCH_EXPIRED"
CUT_OFF, DECISION = "cut-off", "decision"
"""Names of timers."""
QUEUE: Final = "dlq:withdrawals"
Outcome = Decision[BatchState]
replace = msgspec.structs.replace


def _join(state: BatchState, message: JoinBatch, context: Context) -> Outcome:
    """Into this one, or on to the next."""
    name, terms = context.address.key, cutoffs_of(context)
    sum_cents = state.sum_cents + message.amount_cents
    full = state.transfers >= terms.transfers_max or (
        0 < terms.sum_cents_max < sum_cents and state.transfers > 0
    )
    if context.now >= cutoff_of(name):
        return _sent_on(state, message, batch_id(terms.after(context.now)))
    if full or state.currency not in ("", message.currency) or state.phase not in TAKING:
        return _sent_on(state, message, following(name))
    joined = replace(
        state,
        phase=Phase.OPEN,
        transfers=state.transfers + 1,
        sum_cents=sum_cents,
        currency=message.currency,
    )
    entry: dict[str, object] = {
        "withdrawal": message.withdrawal_id, "cents": message.amount_cents, "currency": message.currency,
    }  # fmt: skip
    documents = [
        Put(ROWS, row_key(name, message.reference), {**entry, "in": True}),
        Put(REFERENCES, message.reference, {**entry, "batch": name}),
    ]
    told_it = Outgoing(Address(WITHDRAWAL, message.withdrawal_id), BatchJoined(name))
    if state.phase is not Phase.NONE:
        return Decision(joined, messages=(told_it,), documents=tuple(documents))
    documents.append(Put(BATCHES, listed_key(name), {}))
    documents.append(Put(REFERENCES, name, {"batch": name}))
    timer = Outgoing(context.address, CutOffReached(), cutoff_of(name), CUT_OFF)
    return Decision(joined, messages=(told_it, timer), documents=tuple(documents))


def _sent_on(state: BatchState, message: JoinBatch, name: str) -> Outcome:
    return Decision(state, messages=(Outgoing(Address(KIND, name), message),))


def _leave(state: BatchState, message: LeaveBatch, context: Context) -> Outcome:
    """Out of it, once, if it is in it."""
    found = cast("Mapping[str, Any] | None", context.facts)
    ours = found is not None and found["withdrawal"] == message.withdrawal_id and found["in"]
    if not ours:
        return Decision(state, _described(state, context))
    assert found is not None
    left = replace(
        state, transfers=state.transfers - 1, sum_cents=state.sum_cents - int(found["cents"])
    )
    key = row_key(context.address.key, message.reference)
    return Decision(
        left,
        _described(left, context),
        events=(TransferLeft(message.withdrawal_id),),
        messages=(Outgoing(Address(WITHDRAWAL, message.withdrawal_id), TakenFromBatch()),),
        documents=(Put(ROWS, key, {"in": False}),),
    )


def _cut_off(state: BatchState, _message: CutOffReached, context: Context) -> Outcome:
    return _closed(state, "", context)


def _close(state: BatchState, message: CloseBatch, context: Context) -> Outcome:
    closed = _closed(state, message.maker, context)
    return replace(
        closed, reply=_described(closed.state, context), cancel=(*closed.cancel, CUT_OFF)
    )


def _closed(state: BatchState, maker: str, context: Context) -> Outcome:
    happened = BatchClosed(maker, state.transfers, state.sum_cents)
    known = replace(state, closed_at=context.now, maker=maker)
    if not state.transfers:
        return Decision(replace(known, phase=Phase.EMPTY), events=(happened,))
    begun = replace(known, phase=Phase.CLOSING, errands=(Errand(CLOSED),))
    return Decision(begun, events=(happened,), messages=(_walk(context),))


def _walk(context: Context, after: str = "") -> Outgoing:
    return Outgoing(context.address, WalkOn(after or row_key(context.address.key)))


def _on(state: BatchState, _message: WalkOn, context: Context) -> Outcome:
    """A page of rows is told, and counted."""
    page = told(state.errands[0], context)
    errand = page.errand
    if page.last:
        known = replace(state, errands=(errand, *state.errands[1:]))
        return Decision(
            known, messages=(*page.messages, _walk(context, page.last)), documents=page.documents
        )
    after = _walked(replace(state, errands=state.errands[1:]), errand, context)
    more = (_walk(context),) if after.state.errands else ()
    return replace(
        after,
        messages=(*page.messages, *after.messages, *more),
        documents=page.documents,
    )


def _walked(state: BatchState, errand: Errand, context: Context) -> Outcome:
    """All rows know: they are as many, and as much, as was kept."""
    assert errand.transfers == state.transfers, "the rows are as many as have joined"
    assert errand.cents == state.sum_cents, "the rows are worth what has joined"
    if state.phase is Phase.CLOSING:
        patience = cutoffs_of(context).patience_ms
        due = context.now + patience
        waiting = replace(state, phase=Phase.AWAITING, decide_by=due + patience)
        timer = Outgoing(context.address, DecisionDue(), due, DECISION)
        return Decision(waiting, messages=(timer,))
    if state.phase is Phase.DISSOLVING:
        expired = errand.reason == EXPIRED
        return Decision(replace(state, phase=Phase.EXPIRED if expired else Phase.REJECTED))
    return Decision(state)


def _release(state: BatchState, maker: str, context: Context) -> Outcome:
    """The first of two signatures, where its cut-off has closed it: whoever gives it is its maker."""
    released = replace(state, maker=maker, released=True)
    happened = BatchReleased(maker, state.transfers, state.sum_cents)
    return Decision(released, _described(released, context), events=(happened,))


def _approve(state: BatchState, message: ApproveBatch, context: Context) -> Outcome | Refusal:
    if message.checker == state.maker:
        text = "whoever has closed or released a batch does not approve it as well"
        return Refusal(FOUR_EYES, text)
    if not state.escalated and not set(message.roles) & set(APPROVERS):
        return Refusal("FORBIDDEN", "another role approves this, until it is escalated")
    if not state.maker:
        return _release(state, message.checker, context)
    if not message.digest:
        return Refusal(
            "CONFLICT", "it was not closed, or not released, when its file was to be made"
        )
    signed = replace(
        state,
        phase=Phase.APPROVED,
        checker=message.checker,
        digest=message.digest,
        execution_on=message.execution_on,
        decide_by=0,
    )
    happened = BatchApproved(
        message.checker, state.maker, message.digest, state.transfers, state.sum_cents,
        message.execution_on,
    )  # fmt: skip
    keep = KeepFile(message.digest, message.document)
    return Decision(
        signed,
        _described(signed, context),
        events=(happened,),
        messages=(Outgoing(Address(FILE, context.address.key), keep),),
        cancel=(DECISION,),
    )


def _signed(state: BatchState, message: ApproveBatch, context: Context) -> Outcome | Refusal:
    """Asked again by whoever has; another comes too late, and hears so."""
    if message.checker != state.checker:
        return Refusal("CONFLICT", "somebody else has approved it")
    return Decision(state, _described(state, context))


def _reject(state: BatchState, message: RejectBatch, context: Context) -> Outcome:
    refused = _dissolved(state, REJECTED, message.checker, message.reason)
    walk = (*refused.messages, _walk(context))
    reply = _described(refused.state, context)
    return replace(refused, reply=reply, messages=walk, cancel=(DECISION,))


def _dissolved(state: BatchState, code: str, checker: str, reason: str) -> Outcome:
    """Whoever was to be paid has their points again."""
    errand = Errand(FAILED, code)
    begun = replace(
        state, phase=Phase.DISSOLVING, checker=checker, reason=reason, errands=(errand,), decide_by=0
    )  # fmt: skip
    return Decision(begun, events=(BatchRefused(code, checker, reason),))


def _refused(state: BatchState, message: RejectBatch, context: Context) -> Outcome | Refusal:
    if message.checker != state.checker:
        return Refusal("CONFLICT", "it is decided already")
    return Decision(state, _described(state, context))


def _due(state: BatchState, _message: DecisionDue, context: Context) -> Outcome:
    if not state.escalated:
        timer = Outgoing(context.address, DecisionDue(), state.decide_by, DECISION)
        return Decision(
            replace(state, escalated=True), events=(BatchEscalated(),), messages=(timer,)
        )
    ended = _dissolved(state, EXPIRED, "", "")
    return replace(ended, messages=(_walk(context),))


def _report(state: BatchState, message: BatchReported, context: Context) -> Outcome:
    """What is said of the whole is said of every row; once, and if it is of this sum."""
    told_sum = (message.amount_cents, message.currency)
    if message.amount_cents is not None and told_sum != (state.sum_cents, state.currency):
        text = "a batch was booked with another sum than its own"
        return Decision(state, dead_letter=DeadLetter(QUEUE, "BATCH_DIFFERS", text))
    if message.word in state.said:
        return Decision(state)
    errand = Errand(message.word, message.reason, message.booking)
    said = tuple(sorted({*state.said, message.word}))
    known = replace(state, said=said, errands=(*state.errands, errand))
    return Decision(known, messages=() if state.errands else (_walk(context),))


def _unsent(state: BatchState, _message: BatchReported, _context: Context) -> Outcome:
    """Of a batch that nobody was given: for a person to find out."""
    text = "a bank speaks of a batch that has no approved file"
    return Decision(state, dead_letter=DeadLetter(QUEUE, "BATCH_NOT_SENT", text))


def _take(state: BatchState, message: NoteDownload, _context: Context) -> Outcome:
    taken = replace(state, downloads=state.downloads + 1)
    happened = FileTaken(message.reader, state.digest)
    return Decision(taken, DownloadNoted(state.digest), events=(happened,))


def _describe(state: BatchState, _message: object, context: Context) -> Outcome:
    return Decision(state, _described(state, context))


def _described(state: BatchState, context: Context) -> BatchDescribed:
    return BatchDescribed(
        state.phase.value, state.transfers, state.sum_cents, state.currency,
        cutoff_of(context.address.key), state.closed_at, state.maker, state.checker, state.reason,
        state.digest, state.execution_on, state.decide_by, state.escalated, state.downloads, state.released,
    )  # fmt: skip


def _nothing(state: BatchState, _message: object, _context: Context) -> Outcome:
    """A timer that was on its way."""
    return Decision(state)


TAKING = (Phase.NONE, Phase.OPEN)
KNOWN = tuple(phase for phase in Phase if phase is not Phase.NONE)
SHUT = tuple(phase for phase in KNOWN if phase is not Phase.OPEN)
REFUSED = (Phase.DISSOLVING, Phase.REJECTED)

MACHINE: Machine[BatchState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        JoinBatch, LeaveBatch, CutOffReached, CloseBatch, WalkOn, ApproveBatch, RejectBatch,
        DecisionDue, BatchReported, NoteDownload, DescribeBatch,
    ),
    rows=(
        row(Phase.NONE, JoinBatch, _join, Phase.OPEN, Phase.NONE),
        row(Phase.OPEN, JoinBatch, _join, Phase.OPEN),
        *(row(phase, JoinBatch, _join, phase) for phase in SHUT),
        row(Phase.OPEN, LeaveBatch, _leave, Phase.OPEN),
        # What is closed is paid as it is: whoever asks sees that it is not open.
        *(row(phase, LeaveBatch, _describe, phase) for phase in SHUT),
        row(Phase.OPEN, CutOffReached, _cut_off, Phase.CLOSING, Phase.EMPTY),
        row(Phase.OPEN, CloseBatch, _close, Phase.CLOSING, Phase.EMPTY),
        row(Phase.CLOSING, WalkOn, _on, Phase.CLOSING, Phase.AWAITING),
        row(Phase.AWAITING, ApproveBatch, _approve, Phase.AWAITING, Phase.APPROVED),
        row(Phase.APPROVED, ApproveBatch, _signed, Phase.APPROVED),
        row(Phase.AWAITING, RejectBatch, _reject, Phase.DISSOLVING),
        *(row(phase, RejectBatch, _refused, phase) for phase in REFUSED),
        row(Phase.AWAITING, DecisionDue, _due, Phase.AWAITING, Phase.DISSOLVING),
        row(Phase.DISSOLVING, WalkOn, _on, Phase.DISSOLVING, Phase.REJECTED, Phase.EXPIRED),
        row(Phase.APPROVED, BatchReported, _report, Phase.APPROVED),
        row(Phase.APPROVED, WalkOn, _on, Phase.APPROVED),
        row(Phase.APPROVED, NoteDownload, _take, Phase.APPROVED),
        *(row(phase, BatchReported, _unsent, phase) for phase in Phase if phase is not Phase.APPROVED),
        *(row(phase, DescribeBatch, _describe, phase) for phase in KNOWN),
        *(row(phase, CutOffReached, _nothing, phase) for phase in SHUT),
        *(row(phase, DecisionDue, _nothing, phase) for phase in SHUT if phase is not Phase.AWAITING),
    ),
    refusal=Refusal("CONFLICT", "a batch in this state does not take this, or there is none"),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (BatchDescribed, DownloadNoted)

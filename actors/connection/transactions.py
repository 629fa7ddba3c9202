"""What a connection does with a transaction that is reported to it.

Rules:
- a transaction is taken once per provider and id, whatever the rest of its body (X16, X19); of a provider that
  tells one more than once, each of its words is, and its wallet brings the purchase to the last (ADR 0033);
- one of an unknown connection is parked and released when the connection appears (interface.md 6);
- of an unmatched one nothing stays but its `once` digest (X23), unless it looked like a partner's: then its user's
  candidates keep it for a month; of one that no consent covers nothing stays either;
- what a claim has given to a partner is that partner's, whatever its label says (E9);
- a refund follows its purchase (X24);
- what was bought before the look-back of the link is nobody's business, whatever the provider tells (S60).

Source: spec.md S52, S56, S60, X16, X19, X22 to X24.
"""

from datetime import UTC, date, datetime

import msgspec

from comptoir.actors.candidates.messages import KIND as CANDIDATES
from comptoir.actors.candidates.messages import Candidate, DropCandidate, KeepCandidate
from comptoir.actors.connection.calendar import unread_changed
from comptoir.actors.connection.messages import (
    LinkConnection,
    Linked,
    ReportHeld,
    TransactionCorrected,
    TransactionHeld,
    TransactionRemoved,
    TransactionReported,
    TransactionTaken,
    report_key,
)
from comptoir.actors.connection.purchases import (
    claw_back_of,
    credit_of,
    document_of,
    match_of,
    matched_event,
    restated,
)
from comptoir.actors.connection.state import (
    ConnectionLinked,
    ConnectionState,
    Outcome,
    Phase,
    TransactionHealed,
)
from comptoir.actors.merchants.messages import CATALOGUE, Finder, Match
from comptoir.actors.programme import DAY_MS, programme_of
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.wallet.messages import (
    Restate,
    TakeBack,
)
from comptoir.engine import (
    Address,
    DeadLetter,
    Decision,
    Event,
    Message,
    Once,
    Outgoing,
    Put,
    Refusal,
)
from comptoir.engine.machine import Context

__all__ = [
    "correct", "correct_late", "first_day", "give_up", "hold", "is_covered", "link", "remove", "route", "route_late", "take_held",
    "withdraw", "withdraw_held",
]  # fmt: skip

HELD_MAX = 1000
"""Transactions kept for one unknown connection: months of one card's purchases."""
DEBIT = "DEBIT"


def day_ms(day: str) -> int | None:
    """The beginning of a day, ms since 1970; None if it is none."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return None
    return round(datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp() * 1000)


def first_day(state: ConnectionState, context: Context) -> str:
    """The first day whose purchases count, YYYY-MM-DD; empty, as of what was imported: any."""
    if not state.linked_at:
        return ""
    since = state.linked_at - programme_of(context).look_back_days * DAY_MS
    return datetime.fromtimestamp(since / 1000, UTC).date().isoformat()


def _once(report: TransactionReported, ttl_ms: int) -> tuple[Once, ...]:
    return (Once("webhook", report_key(report), ttl_ms),)


def _healed(report: TransactionReported, shown: str) -> tuple[Event, ...]:
    return (TransactionHealed(report.provider, shown),) if report.healed else ()


def hold(
    state: ConnectionState, message: TransactionReported, context: Context
) -> Outcome | Refusal:
    """It came before its connection: keep it until that appears."""
    if state.held >= HELD_MAX:
        return Refusal("OVERLOADED", "too many transactions wait for this connection")
    programme = programme_of(context)
    until = context.now + programme.unknown_connection_ms
    held = Outgoing(context.address, TransactionHeld(message), until, parked=True)
    return Decision(
        msgspec.structs.replace(state, held=state.held + 1),
        TransactionTaken("parked"),
        messages=(held,),
        once=_once(message, programme.once_transaction_ms),
    )


def give_up(
    state: ConnectionState, _message: TransactionHeld | ReportHeld, _context: Context
) -> Outcome:
    """The connection did not appear."""
    letter = DeadLetter(
        "dlq:transactions", "CONNECTION_UNKNOWN", "import or link the connection, then replay"
    )
    return Decision(msgspec.structs.replace(state, held=max(0, state.held - 1)), dead_letter=letter)


def link(state: ConnectionState, message: LinkConnection, _context: Context) -> Outcome:
    """An import makes it known."""
    known = msgspec.structs.replace(
        state,
        phase=Phase.LINKED,
        connection_id=message.connection_id,
        user_id=message.user_id,
        provider=message.provider,
        bank_name=message.bank_name,
        card_last4=message.card_last4,
        consent_expires_on=message.consent_expires_on,
        unread=state.tokens is None,
    )
    if known == state:
        return Decision(state, Linked("unchanged"))
    new = state.phase is Phase.UNKNOWN
    return Decision(
        known,
        Linked("imported" if new else "updated"),
        events=(ConnectionLinked(message.user_id, message.provider),),
        messages=unread_changed(state, known),
        release=new,
    )


def take_held(state: ConnectionState, message: TransactionHeld, context: Context) -> Outcome:
    """The connection has appeared: what was kept for it is taken now."""
    decision = route(state, message.report, context)
    return msgspec.structs.replace(
        decision, state=msgspec.structs.replace(state, held=max(0, state.held - 1)), once=()
    )


def route(state: ConnectionState, report: TransactionReported, context: Context) -> Outcome:
    """Match, then credit, claw back, ignore or drop."""
    if report.direction == DEBIT and report.date < first_day(state, context):
        return withdraw(state, report, context)
    programme = programme_of(context)
    if report.transaction_id in state.granted and report.revision is None:
        # Told once more, so long after that its `once` key was forgotten: it is credited.
        once = _once(report, programme.once_transaction_ms)
        return Decision(state, TransactionTaken("granted"), once=once)
    catalogue: Finder = context.references[CATALOGUE]
    match = match_of(state, report, catalogue)
    refund = report.direction != DEBIT
    if match.partner is None and not (refund and report.original_transaction_id):
        return _unmatched(state, report, match, context)
    once = _once(report, programme.once_transaction_ms)
    healed = _healed(report, report.transaction_id)
    put = document_of(state, report, match, context, "received")
    if report.currency != programme.currency:
        ignored = msgspec.structs.replace(put, fields={**put.fields, "status": "ignored"})
        taken = TransactionTaken("ignored")
        return Decision(state, taken, events=healed, documents=(ignored,), once=once)
    partner_id = match.partner.id if match.partner is not None else ""
    documents: tuple[Put, ...] = (put,)
    message: Message
    if match.partner is None or refund:
        message = claw_back_of(report, partner_id, context.address.key)
    else:
        message = credit_of(state, report, match.partner, context.address.key)
        if report.revision is not None:
            # It may be known under this id: whoever knows that writes its document.
            message, documents = restated(report, message, put), ()
    matched = matched_event(state, report, partner_id, context)
    return Decision(
        state,
        TransactionTaken("refund" if refund or report.removed else "matched"),
        events=(matched, *healed),
        messages=(Outgoing(Address(WALLET, state.user_id), message),),
        documents=documents,
        once=once,
    )


def _unmatched(
    state: ConnectionState, report: TransactionReported, match: Match, context: Context
) -> Outcome:
    """Nothing of it stays, unless it looked like a partner's; but what never happened may have earned when
    partners were others.
    """
    programme = programme_of(context)
    messages: list[Outgoing] = []
    if report.removed:
        back = TakeBack(report.provider, report.transaction_id, report.revision or 0)
        messages.append(Outgoing(Address(WALLET, state.user_id), back))
    mine = report.direction == DEBIT and report.currency == programme.currency
    if match.candidate and mine and programme.candidate_ms:
        keep = _candidate(report, match, context)
        messages.append(Outgoing(Address(CANDIDATES, state.user_id), keep))
    return Decision(
        state,
        TransactionTaken("unmatched", match.candidate),
        events=_healed(report, ""),
        messages=tuple(messages),
        once=_once(report, programme.once_unmatched_ms),
    )


def _candidate(
    report: TransactionReported, match: Match, context: Context
) -> KeepCandidate | DropCandidate:
    if report.removed:
        return DropCandidate(report.provider, report.transaction_id)
    until = context.now + programme_of(context).candidate_ms
    return KeepCandidate(Candidate(report, context.address.key, match.trace, until))


def withdraw(state: ConnectionState, report: TransactionReported, context: Context) -> Outcome:
    """Nobody lets us look at it any more: nothing of it stays but its `once` digest (S60, X23)."""
    once = _once(report, programme_of(context).once_unmatched_ms)
    return Decision(state, TransactionTaken("withdrawn"), once=once)


def withdraw_held(state: ConnectionState, message: TransactionHeld, context: Context) -> Outcome:
    """Likewise of one that was kept."""
    decision = withdraw(state, message.report, context)
    fewer = msgspec.structs.replace(state, held=max(0, state.held - 1))
    return msgspec.structs.replace(decision, state=fewer, once=())


def is_covered(state: ConnectionState, report: TransactionReported) -> bool:
    """Whether it was bought before the consent ended."""
    bought_at = day_ms(report.date)
    return bought_at is not None and bought_at < state.consent_expires_at


def route_late(state: ConnectionState, report: TransactionReported, context: Context) -> Outcome:
    """After a consent's end: what was bought while it was in force is told up to a day later (S49)."""
    if is_covered(state, report):
        return route(state, report, context)
    return withdraw(state, report, context)


def correct(state: ConnectionState, message: TransactionCorrected, context: Context) -> Outcome:
    """Told anew (E8): whether it earned before, and what, its wallet knows. A refund stays as it was told."""
    report = message.report
    if report.direction != DEBIT:
        return Decision(state)
    told = msgspec.structs.replace(report, revision=report.revision or 0)
    decision = route(state, told, context)
    told_anew = tuple(
        msgspec.structs.replace(
            one, message=msgspec.structs.replace(one.message, replaces=message.replaces)
        )
        for one in decision.messages
        if isinstance(one.message, Restate | KeepCandidate)
    )
    # No `once` key: it is one message of one page, and to tell a purchase twice alike changes nothing.
    # No document: the wallet writes it, where it is not there already.
    return Decision(state, events=decision.events, messages=told_anew)


def correct_late(
    state: ConnectionState, message: TransactionCorrected, context: Context
) -> Outcome:
    """After a consent's end, as `route_late`."""
    if is_covered(state, message.report):
        return correct(state, message, context)
    return Decision(state)


def remove(state: ConnectionState, message: TransactionRemoved, _context: Context) -> Outcome:
    """It never happened; what it did not earn needs nothing, which its wallet knows."""
    back = TakeBack(message.provider, message.transaction_id)
    drop = DropCandidate(message.provider, message.transaction_id)
    return Decision(
        state,
        messages=(
            Outgoing(Address(WALLET, state.user_id), back),
            Outgoing(Address(CANDIDATES, state.user_id), drop),
        ),
    )

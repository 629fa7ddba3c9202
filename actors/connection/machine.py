"""The bank connection's machine: a reported transaction is matched and sent on, once.

Rules:
- a transaction is taken once per provider and id, whatever the rest of its body (X16, X19);
- one of an unknown connection is parked and released when the connection appears (interface.md 6);
- of an unmatched one nothing stays but its `once` digest (X23);
- a refund follows its purchase (X24).

Source: spec.md S52, S56, S60, X16, X19, X22 to X24.
"""

from enum import Enum
from hashlib import blake2b
from typing import Any, cast

import msgspec

from comptoir.actors.connection.messages import (
    KIND,
    LinkConnection,
    Linked,
    TransactionHeld,
    TransactionReported,
    TransactionTaken,
    once_key,
)
from comptoir.actors.merchants.messages import CATALOGUE, Match, Partner, Purchase
from comptoir.actors.programme import programme_of
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.wallet.messages import TRANSACTIONS, ClawBack, Credit, document_key
from comptoir.engine import (
    Address,
    DeadLetter,
    Decision,
    Event,
    Once,
    Outgoing,
    Put,
    Refusal,
    Reply,
    State,
)
from comptoir.engine.machine import Context, Machine, row

__all__ = ["MACHINE", "ConnectionLinked", "ConnectionState", "Phase", "TransactionMatched"]

HELD_MAX = 1000
"""Transactions kept for one unknown connection: months of one card's purchases."""
DEBIT = "DEBIT"


class Phase(Enum):
    """Whether we know whose card it is."""

    UNKNOWN = "unknown"
    LINKED = "linked"


class ConnectionState(State, frozen=True):
    """Sealed as a whole at rest: the connection's id and user are in it (S59)."""

    phase: Phase
    connection_id: str = ""
    user_id: str = ""
    provider: str = ""
    bank_name: str = ""
    card_last4: str = ""
    consent_expires_on: str = ""
    held: int = 0
    """Transactions parked while unknown."""


class TransactionMatched(Event, frozen=True):
    """A purchase or refund was matched to a partner, by this version of the catalogue."""

    provider: str
    transaction_id: str
    partner_id: str
    user_id: str
    amount_cents: int
    direction: str
    catalogue_version: int


class ConnectionLinked(Event, frozen=True):
    """The connection became known, or what is known of it changed."""

    user_id: str
    provider: str


Outcome = Decision[ConnectionState]


def _once(report: TransactionReported, ttl_ms: int) -> tuple[Once, ...]:
    key = once_key(report.provider, report.event, report.transaction_id)
    return (Once("webhook", key, ttl_ms),)


def _hold(
    state: ConnectionState, message: TransactionReported, context: Context
) -> Outcome | Refusal:
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


def _give_up(state: ConnectionState, _message: TransactionHeld, _context: Context) -> Outcome:
    letter = DeadLetter(
        "dlq:transactions", "CONNECTION_UNKNOWN", "import or link the connection, then replay"
    )
    return Decision(msgspec.structs.replace(state, held=max(0, state.held - 1)), dead_letter=letter)


def _link(state: ConnectionState, message: LinkConnection, _context: Context) -> Outcome:
    known = ConnectionState(
        Phase.LINKED,
        message.connection_id,
        message.user_id,
        message.provider,
        message.bank_name,
        message.card_last4,
        message.consent_expires_on,
        state.held,
    )
    if known == state:
        return Decision(state, Linked("unchanged"))
    new = state.phase is Phase.UNKNOWN
    return Decision(
        known,
        Linked("imported" if new else "updated"),
        events=(ConnectionLinked(message.user_id, message.provider),),
        release=new,
    )


def _take_held(state: ConnectionState, message: TransactionHeld, context: Context) -> Outcome:
    decision = _route(state, message.report, context)
    return msgspec.structs.replace(
        decision, state=msgspec.structs.replace(state, held=max(0, state.held - 1)), once=()
    )


def _route(state: ConnectionState, report: TransactionReported, context: Context) -> Outcome:
    """Match, then credit, claw back, ignore or drop."""
    programme = programme_of(context)
    catalogue: Any = context.references[CATALOGUE]
    purchase = Purchase(
        label=report.merchant_name, mcc=report.mcc, city=report.city, on=report.date
    )
    match = cast("Match", catalogue.match(purchase))
    refund = report.direction != DEBIT
    if match.partner is None and not (refund and report.original_transaction_id):
        once = _once(report, programme.once_unmatched_ms)
        return Decision(state, TransactionTaken("unmatched", match.candidate), once=once)
    once = _once(report, programme.once_transaction_ms)
    if report.currency != programme.currency:
        put = _document(state, report, match, context, "ignored")
        return Decision(state, TransactionTaken("ignored"), documents=(put,), once=once)
    partner_id = match.partner.id if match.partner is not None else ""
    tag = _tag(context.address.key, partner_id, report.amount_cents)
    if match.partner is None or refund:
        message: ClawBack | Credit = ClawBack(
            report.provider,
            report.transaction_id,
            report.original_transaction_id,
            tag,
            report.amount_cents,
        )
    else:
        message = _credit(report, match.partner, tag)
    matched = TransactionMatched(
        report.provider,
        report.transaction_id,
        partner_id,
        state.user_id,
        report.amount_cents,
        report.direction,
        catalogue.version,
    )
    return Decision(
        state,
        TransactionTaken("refund" if refund else "matched"),
        events=(matched,),
        messages=(Outgoing(Address(WALLET, state.user_id), message),),
        documents=(_document(state, report, match, context, "received"),),
        once=once,
    )


def _credit(report: TransactionReported, partner: Partner, tag: str) -> Credit:
    cap = partner.cap_cents_purchase
    eligible = report.amount_cents if cap is None else min(report.amount_cents, cap)
    capped_month = partner.cap_cents_month is not None
    return Credit(
        report.provider,
        report.transaction_id,
        partner.id,
        report.amount_cents,
        eligible,
        partner.rate_bp,
        tag,
        report.date[:7] if capped_month else "",
        partner.cap_cents_month or 0,
    )


def _document(
    state: ConnectionState,
    report: TransactionReported,
    match: Match,
    context: Context,
    status: str,
) -> Put:
    fields: dict[str, object] = {
        "provider": report.provider,
        "transaction_id": report.transaction_id,
        "user_id": state.user_id,
        "status": status,
        "amount_cents": report.amount_cents,
        "currency": report.currency,
        "direction": report.direction,
        "date": report.date,
        "merchant_name": report.merchant_name,
        "partner_id": match.partner.id if match.partner is not None else None,
        "points": 0,
        "trace": match.trace,
        "received_at": context.now,
    }
    key = document_key(report.provider, report.transaction_id)
    return Put(TRANSACTIONS, key, fields, state.user_id)


def _tag(connection: str, partner_id: str, amount_cents: int) -> str:
    """Opaque, so that the ledger shows no link between purchases and connections."""
    seed = f"{connection}|{partner_id}|{amount_cents}"
    return blake2b(seed.encode(), digest_size=12).hexdigest()


MACHINE: Machine[ConnectionState] = Machine(
    KIND,
    phases=Phase,
    messages=(TransactionReported, TransactionHeld, LinkConnection),
    rows=(
        row(Phase.UNKNOWN, TransactionReported, _hold, Phase.UNKNOWN),
        row(Phase.UNKNOWN, TransactionHeld, _give_up, Phase.UNKNOWN),
        row(Phase.UNKNOWN, LinkConnection, _link, Phase.LINKED),
        row(Phase.LINKED, TransactionReported, _route, Phase.LINKED),
        row(Phase.LINKED, TransactionHeld, _take_held, Phase.LINKED),
        row(Phase.LINKED, LinkConnection, _link, Phase.LINKED),
    ),
)

REPLIES: tuple[type[Reply], ...] = (TransactionTaken, Linked)

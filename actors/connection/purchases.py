"""What a connection makes of a purchase: whose it is, what its wallet is told, what people see of it.

Rules:
- a purchase takes the partner as it was on its day: rate and caps (adr/0035);
- what a claim has given to a partner is that partner's, whatever its label says, and is credited once (E9).

Source: spec.md S47, S56, X22 to X24, E8, E9.
"""

import msgspec

from comptoir.actors.candidates.messages import KIND as CANDIDATES
from comptoir.actors.candidates.messages import DropCandidate
from comptoir.actors.connection.messages import GrantPurchase, TransactionReported
from comptoir.actors.connection.state import ConnectionState, Outcome, TransactionMatched
from comptoir.actors.merchants.messages import CATALOGUE, Finder, Match, Partner, Purchase
from comptoir.actors.programme import programme_of
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.wallet.messages import (
    TRANSACTIONS,
    ClawBack,
    Credit,
    Restate,
    document_key,
    tag_of,
)
from comptoir.engine import Address, Decision, Once, Outgoing, Put
from comptoir.engine.machine import Context

__all__ = [
    "claw_back_of", "credit_of", "document_of", "grant", "match_of", "matched_event", "restated",
]  # fmt: skip

GRANTED_MAX = 200
"""Claims of one connection that are remembered, the newest: far more than are granted in years."""


def match_of(state: ConnectionState, report: TransactionReported, catalogue: Finder) -> Match:
    """Whose purchase it is: a claim's word holds before the label's."""
    given = catalogue.get(state.granted.get(report.transaction_id, "")) if state.granted else None
    if given is not None:
        return Match(
            given.on(report.date), (f"granted by a claim: partner {given.id}",), candidate=True
        )
    purchase = Purchase(
        label=report.merchant_name,
        mcc=report.mcc,
        city=report.city,
        on=report.date,
        country=report.country,
    )
    return catalogue.match(purchase)


def matched_event(
    state: ConnectionState, report: TransactionReported, partner_id: str, context: Context
) -> TransactionMatched:
    """For the audit log."""
    catalogue: Finder = context.references[CATALOGUE]
    return TransactionMatched(
        report.provider,
        report.transaction_id,
        partner_id,
        state.user_id,
        report.amount_cents,
        report.direction,
        catalogue.version,
    )


def credit_of(
    state: ConnectionState, report: TransactionReported, partner: Partner, link: str
) -> Credit:
    """What a wallet is told of a purchase."""
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
        tag_of(link, partner.id, report.amount_cents),
        report.date[:7] if capped_month else "",
        partner.cap_cents_month or 0,
        link,
        state.card_last4,
    )


def restated(report: TransactionReported, credit: Credit, put: Put) -> Restate:
    """What it is told of a purchase that may be told more than once."""
    return Restate(
        credit,
        report.transaction_id,
        put.fields,
        report.revision or 0,
        removed=report.removed,
        pending=report.pending,
    )


def claw_back_of(report: TransactionReported, partner_id: str, link: str) -> ClawBack:
    """What a wallet is told of a refund."""
    return ClawBack(
        report.provider,
        report.transaction_id,
        report.original_transaction_id,
        tag_of(link, partner_id, report.amount_cents),
        report.amount_cents,
        link=link,
    )


def document_of(
    state: ConnectionState,
    report: TransactionReported,
    match: Match,
    context: Context,
    status: str,
) -> Put:
    """What people see of it."""
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
        "mcc": report.mcc,
        "city": report.city,
        "country": report.country,
        "partner_id": match.partner.id if match.partner is not None else None,
        "points": 0,
        "trace": match.trace,
        "received_at": context.now,
    }
    key = document_key(report.provider, report.transaction_id)
    return Put(TRANSACTIONS, key, fields, state.user_id)


def grant(state: ConnectionState, message: GrantPurchase, context: Context) -> Outcome:
    """A claim was granted: the purchase is credited once, as if its label had named the partner (E9)."""
    report = message.report
    trace = (*message.trace, f"granted by {message.claim}: partner {message.partner.id}")
    match = Match(message.partner, trace, candidate=True)
    put = document_of(state, report, match, context, "received")
    put = msgspec.structs.replace(put, fields={**put.fields, "claim": message.claim})
    credit = credit_of(state, report, message.partner, context.address.key)
    # Not a plain credit: its wallet looks whether another link of the account has told it.
    anew = restated(report, credit, put)
    granted = dict(
        [*state.granted.items(), (report.transaction_id, message.partner.id)][-GRANTED_MAX:]
    )
    matched = matched_event(state, report, message.partner.id, context)
    dropped = DropCandidate(report.provider, report.transaction_id)
    once = Once(
        "claim",
        f"{report.provider}:{report.transaction_id}",
        programme_of(context).once_transaction_ms,
    )
    return Decision(
        msgspec.structs.replace(state, granted=granted),
        events=(matched,),
        messages=(
            Outgoing(Address(WALLET, state.user_id), anew),
            Outgoing(Address(CANDIDATES, state.user_id), dropped),
        ),
        once=(once,),
    )

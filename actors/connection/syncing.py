"""How a connection reads what was bought: page by page, from where the last reading ended.

Rules:
- each purchase is a message of its own, since each is taken once, or was before, alone; a long page is
  handed on in pieces, so that no decision is long, and its cursor counts when the last piece is;
- what is reported while it is being read is read when that is done; what could not be read is tried
  again, since whoever tells us that there is something may not tell it twice;
- it is read by the access that there is when the call leaves (gateways/access.py); one that was, or is being, replaced just
  then ends nothing: it is read by the new one;
- how the connection stands is heeded after all that was read, as a report to oneself;
- what was bought before the link, less the days of look-back, is not looked at (S60).

Source: spec.md S51, S57, S60, S63, X16, X29, E6.
"""

from collections.abc import Iterator

import msgspec

from comptoir.actors.connection.consent import lapse
from comptoir.actors.connection.healing import READING, put_off, schedule
from comptoir.actors.connection.messages import (
    ConnectionReported,
    ConsentOver,
    Heal,
    ReadOn,
    Sync,
    TransactionCorrected,
    TransactionRemoved,
    TransactionReported,
    TransactionsRead,
    TransactionsUnread,
    Underway,
)
from comptoir.actors.connection.state import ConnectionState, ConnectionSynced, Outcome
from comptoir.actors.connection.tokens import was_replaced
from comptoir.actors.connection.transactions import first_day
from comptoir.actors.gateways.messages import ReadTransactions, bank
from comptoir.engine import Decision, Outgoing, Refusal
from comptoir.engine.machine import Context

__all__ = ["begin", "heal", "read_on", "sync", "sync_lapsed", "take_page", "unread"]

PIECE = 100
"""Purchases of one decision: what a connection decides in a few milliseconds."""
READ_AGAIN_MS = 600_000
"""Between two rounds of the gateway's own retries."""


def sync(state: ConnectionState, _message: Sync, context: Context) -> Outcome | Refusal:
    """Read on from where the last reading ended."""
    if state.tokens is None:
        return Refusal("CONFLICT", "an imported connection cannot be read")
    begun = begin(state, context)
    return Decision(begun.state, Underway(), messages=begun.messages)


def begin(state: ConnectionState, context: Context) -> Outcome:
    """Read, now or when what is being read has come to its end."""
    if state.tokens is None:
        return Decision(state)
    if state.syncing:
        # Somebody asks for it: what is being read is not found by ourselves any more.
        return Decision(msgspec.structs.replace(state, again=True, healing=False))
    return _begin(msgspec.structs.replace(state, healing=False), context)


def heal(state: ConnectionState, message: Heal, context: Context) -> Outcome:
    """Read, if nothing is being read, what nobody may have told us of (E6)."""
    if state.tokens is None:
        return Decision(state)
    later = put_off(message, state.tokens, context)
    if later or state.syncing:
        return Decision(state, messages=later or schedule(context))
    begun = _begin(msgspec.structs.replace(state, healing=True), context)
    return msgspec.structs.replace(begun, messages=(*begun.messages, *schedule(context)))


def _begin(state: ConnectionState, context: Context) -> Outcome:
    syncing = msgspec.structs.replace(state, syncing=True, again=False)
    return Decision(syncing, messages=(_read(syncing, context),))


def read_on(state: ConnectionState, _message: ReadOn, context: Context) -> Outcome:
    """Its time has come."""
    return begin(state, context)


def _read(state: ConnectionState, context: Context) -> Outgoing:
    """Ask for the page after the cursor."""
    reference = f"{state.id}:{context.version}"
    asked = ReadTransactions(
        reference,
        state.connection_id,
        "",
        state.cursor,
        state.account,
        expendable=state.healing,
        link=context.address.key,
    )
    return Outgoing(bank(state.provider), asked)


def sync_lapsed(state: ConnectionState, _message: Sync, _context: Context) -> Outcome:
    """There is no consent to read by."""
    return Decision(state, ConsentOver())


def take_page(state: ConnectionState, message: TransactionsRead, context: Context) -> Outcome:
    """Hand its purchases to oneself, and go on if there are more."""
    piece, rest = message.reports[:PIECE], message.reports[PIECE:]
    messages = [Outgoing(context.address, one) for one in _looked_at(state, piece, context)]
    synced = ConnectionSynced(state.id, len(piece), complete=not (message.more or rest))
    if rest:
        later = msgspec.structs.replace(message, reports=rest)
        messages.append(Outgoing(context.address, later))
        return Decision(state, events=(synced,), messages=tuple(messages))
    if message.stands is not None and _is_news(state, message.stands):
        messages.append(Outgoing(context.address, message.stands))
    went_on = msgspec.structs.replace(state, cursor=message.cursor, syncing=False)
    if message.more or state.again:
        next_page = _begin(went_on, context)
        went_on, messages = next_page.state, [*messages, *next_page.messages]
    else:
        went_on = msgspec.structs.replace(went_on, healing=False)
        messages += schedule(context)
    return Decision(went_on, events=(synced,), messages=tuple(messages))


def _is_news(state: ConnectionState, told: ConnectionReported) -> bool:
    """Whether it says anything that is not known already."""
    return told.condition != state.condition or 0 < told.until < state.consent_expires_at


_Change = TransactionReported | TransactionCorrected | TransactionRemoved


def _looked_at(
    state: ConnectionState, changes: tuple[_Change, ...], context: Context
) -> Iterator[_Change]:
    """Those that the consent covers, marked if nobody has told us that they are there."""
    first = first_day(state, context)
    for change in changes:
        if isinstance(change, TransactionRemoved):
            yield change
            continue
        report = change if isinstance(change, TransactionReported) else change.report
        if report.date < first:
            continue
        report = msgspec.structs.replace(report, healed=state.healing)
        if isinstance(change, TransactionReported):
            yield report
        else:
            yield msgspec.structs.replace(change, report=report)


def unread(state: ConnectionState, message: TransactionsUnread, context: Context) -> Outcome:
    """Away, or its access is being replaced: try again later. Its person must act: the consent has ended over there.
    No: so be it.
    """
    synced = ConnectionSynced(state.id, 0, complete=False)
    if message.ended and was_replaced(state, message.access):
        begun = begin(msgspec.structs.replace(state, syncing=False), context)
        return msgspec.structs.replace(begun, events=(synced,))
    if message.ended and state.rotating:
        cut_off = msgspec.structs.replace(state, syncing=False, again=True)
        return Decision(cut_off, events=(synced,))
    if message.ended:
        over = lapse(state, "provider", context)
        return msgspec.structs.replace(over, events=(synced, *over.events))
    idle = msgspec.structs.replace(state, syncing=False, healing=False)
    if (message.refused or state.healing) and not state.again:
        return Decision(idle, events=(synced,))
    again = Outgoing(context.address, ReadOn(), context.now + READ_AGAIN_MS, READING)
    return Decision(idle, events=(synced,), messages=(again,))

"""What a connection does when a claim states a purchase of which nothing is kept: it asks its provider (X23).

Rules:
- only while its consent is in force, only for days that the consent covers, and so often a day at most, whoever
  asks (fair use, protocols.md 5.1); each time is on record (S57);
- of what the provider tells the one purchase is taken that is stated, and nothing else (gateways/finding.py);
- a purchase at a partner is taken first as if it had been told, under the key that its webhook has: told before it
  changes nothing, and else it earns, once (E6, X16). Then its wallet says whether it is on record, and tells the claim;
- it is asked by the access that there is when the call leaves; one that was, or is being, replaced just
  then ends nothing.

Source: spec.md S57, S60, X16, X23, E6, E9; docs/adr/0038.
"""

import msgspec

from comptoir.actors.claim.messages import KIND as CLAIM
from comptoir.actors.claim.messages import PurchaseDelayed, PurchaseFound, PurchaseMissed, Reason
from comptoir.actors.connection.consent import lapse
from comptoir.actors.connection.messages import PurchaseRead, PurchaseUnread, SeekPurchase
from comptoir.actors.connection.purchases import match_of
from comptoir.actors.connection.state import ConnectionState, Outcome, PurchaseSought
from comptoir.actors.connection.tokens import was_replaced
from comptoir.actors.connection.transactions import first_day, is_covered
from comptoir.actors.gateways.messages import FindPurchase, bank
from comptoir.actors.merchants.messages import CATALOGUE, Finder
from comptoir.actors.programme import DAY_MS, programme_of
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.wallet.messages import TellStanding
from comptoir.engine import Address, Decision, Message, Outgoing
from comptoir.engine.machine import Context

__all__ = ["found", "found_late", "seek", "seek_lapsed", "seek_revoked", "unread"]

SOUGHT_MAX = 20
"""Purchases of one card that are looked for in a day: far more than a person misses, and no burden to a provider."""


def seek(state: ConnectionState, message: SeekPurchase, context: Context) -> Outcome:
    """Ask the provider, if the consent covers it."""
    if state.tokens is None:
        return _missed(state, message.claim, Reason.NO_ACCESS)
    if message.stated.date < first_day(state, context):
        return _missed(state, message.claim, Reason.BEFORE_LINK)
    if message.again:
        return _ask(state, message, context)
    lately = tuple(at for at in state.sought if at > context.now - DAY_MS)
    if len(lately) >= SOUGHT_MAX:
        return _missed(state, message.claim, Reason.ASKED_TOO_OFTEN)
    counted = msgspec.structs.replace(state, sought=(*lately, context.now))
    return _ask(counted, message, context)


def _ask(state: ConnectionState, message: SeekPurchase, context: Context) -> Outcome:
    asked = FindPurchase(
        f"{state.id}:{context.version}", state.connection_id, "", message.claim, message.stated,
        state.account, context.address.key,
    )  # fmt: skip
    return Decision(state, messages=(Outgoing(bank(state.provider), asked),))


def seek_lapsed(
    state: ConnectionState, message: SeekPurchase | PurchaseUnread, _context: Context
) -> Outcome:
    """There is no consent to ask by."""
    return _missed(state, message.claim, Reason.CONSENT_LAPSED)


def seek_revoked(
    state: ConnectionState, message: SeekPurchase | PurchaseRead | PurchaseUnread, _context: Context
) -> Outcome:
    """Its person has ended it: nothing is asked, and of what was on its way nothing is taken (S60)."""
    return _missed(state, message.claim, Reason.CONSENT_REVOKED)


def _missed(state: ConnectionState, claim: str, reason: Reason) -> Outcome:
    return Decision(state, messages=(_to(claim, PurchaseMissed(reason)),))


def _to(claim: str, message: Message) -> Outgoing:
    return Outgoing(Address(CLAIM, claim), message)


def found(state: ConnectionState, message: PurchaseRead, context: Context) -> Outcome:
    """What the provider has said, while the consent is in force."""
    report = message.report
    sought = PurchaseSought(state.id, report is not None)
    if report is None:
        nothing = _missed(state, message.claim, Reason.NOT_AT_BANK)
        return msgspec.structs.replace(nothing, events=(sought,))
    if report.date < first_day(state, context):
        early = _missed(state, message.claim, Reason.BEFORE_LINK)
        return msgspec.structs.replace(early, events=(sought,))
    if report.currency != programme_of(context).currency:
        foreign = _missed(state, message.claim, Reason.OTHER_CURRENCY)
        return msgspec.structs.replace(foreign, events=(sought,))
    catalogue: Finder = context.references[CATALOGUE]
    match = match_of(state, report, catalogue)
    if match.partner is not None and not message.taken:
        told = msgspec.structs.replace(report, healed=True)
        later = msgspec.structs.replace(message, taken=True)
        messages = (Outgoing(context.address, told), Outgoing(context.address, later))
        return Decision(state, messages=messages)
    asked = TellStanding(message.claim, PurchaseFound(report, match.trace))
    owner = Address(WALLET, state.user_id)
    return Decision(state, events=(sought,), messages=(Outgoing(owner, asked),))


def found_late(state: ConnectionState, message: PurchaseRead, context: Context) -> Outcome:
    """The consent has ended meanwhile: what was bought while it was in force still counts."""
    report = message.report
    if report is not None and not is_covered(state, report):
        return _missed(state, message.claim, Reason.CONSENT_LAPSED)
    return found(state, message, context)


def unread(state: ConnectionState, message: PurchaseUnread, context: Context) -> Outcome:
    """As of a reading (syncing.py): by the new access, never, or later."""
    if message.ended and was_replaced(state, message.access):
        return _ask(state, SeekPurchase(message.claim, message.stated, again=True), context)
    if message.ended and not state.rotating:
        over = lapse(state, "provider", context)
        told = _to(message.claim, PurchaseMissed(Reason.CONSENT_LAPSED))
        return msgspec.structs.replace(over, messages=(*over.messages, told))
    if message.refused:
        return _missed(state, message.claim, Reason.PROVIDER_REFUSED)
    return Decision(state, messages=(_to(message.claim, PurchaseDelayed()),))

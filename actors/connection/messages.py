"""What may be said to a bank connection, and what it answers (S52, S56, X19, X23).

Another machine may import this module and nothing else of this package (design.md 1).
"""

import msgspec

from comptoir.actors.gateways.messages import Stated, Tokens
from comptoir.actors.linking.messages import Consent, OpenLink
from comptoir.actors.merchants.messages import Partner
from comptoir.engine.values import Message, Reply

__all__ = [
    "CONNECTIONS",
    "KIND",
    "OWNERS",
    "Access",
    "AccessRevoked",
    "Condition",
    "ConnectionReported",
    "ConsentEnded",
    "ConsentEnding",
    "ConsentOver",
    "ExtendConsent",
    "GrantPurchase",
    "Heal",
    "LinkConnection",
    "Linked",
    "Noted",
    "OpenConnection",
    "PurchaseRead",
    "PurchaseUnread",
    "ReadOn",
    "RenewConsent",
    "ReportHeld",
    "RetryRevocation",
    "RevocationFailed",
    "Revoke",
    "RotateTokens",
    "SeekPurchase",
    "Sync",
    "TokensRefreshed",
    "TokensRefused",
    "TransactionCorrected",
    "TransactionHeld",
    "TransactionRemoved",
    "TransactionReported",
    "TransactionTaken",
    "TransactionsRead",
    "TransactionsUnread",
    "Underway",
    "once_key",
    "report_key",
]

KIND = "connection"
CONNECTIONS = "connections"
"""Collection of what people see of theirs: a document per user, a field per connection (`cn_...`)."""
OWNERS = "connection"
"""Collection that leads from `cn_...` to its user and to the key of its actor."""


class TransactionReported(Message, frozen=True):
    """A provider reports one card transaction (`transaction.created`, S56), verified and parsed."""

    provider: str
    event: str
    transaction_id: str
    amount_cents: int
    """>= 0; the direction carries the sign."""
    currency: str
    """ISO 4217."""
    direction: str
    """DEBIT (a purchase) or CREDIT (a refund)."""
    date: str
    """The purchase's day, YYYY-MM-DD."""
    merchant_name: str
    """The card-statement label."""
    mcc: str = ""
    """ISO 18245 category, four digits, or empty."""
    city: str = ""
    country: str = ""
    original_transaction_id: str = ""
    """On a refund: the purchase that it takes back, when the provider names it (interface.md 6)."""
    revision: int | None = None
    """Place of this word among the provider's words about this transaction, as `wallet.messages.Restate`; None:
    the provider tells a transaction once, and whatever it says again under the same id is a repeat.
    """
    removed: bool = False
    """The provider says that the purchase never happened."""
    pending: bool = False
    """It is not booked yet, and may be told under another id when it is (E8)."""
    healed: bool = False
    """Found by a reading that no webhook has asked for (E6)."""


class TransactionHeld(Message, frozen=True):
    """One's own later self: a transaction that came before its connection was known.

    Parked for `webhooks.unknown_connection_hours`, released when the connection appears.
    """

    report: TransactionReported


class TransactionCorrected(Message, frozen=True):
    """One's own later self: a purchase is told anew, under another id or with other contents (E8)."""

    report: TransactionReported
    replaces: str
    """The id under which it was told before: that of its pending twin, or its own."""


class TransactionRemoved(Message, frozen=True):
    """One's own later self: the provider has taken a transaction back."""

    provider: str
    transaction_id: str


class GrantPurchase(Message, frozen=True):
    """A claim was granted: the purchase was this partner's (E9)."""

    report: TransactionReported
    """As it was told."""
    partner: Partner
    """As it was on the day."""
    claim: str
    """Id of the claim."""
    trace: tuple[str, ...]
    """Why it had matched nobody."""


class Condition(msgspec.Struct, frozen=True):
    """Why nothing can be read, in words of ours (conditions.py has what they mean)."""

    name: str
    """`authentication_required`, `bank_unavailable`, ..."""
    remedy: str
    """Who ends it: `person`, `time` or `none`."""
    next_try: int = 0
    """When the provider tries again: business time, ms since 1970; 0: it does not say."""


class ConnectionReported(Message, frozen=True):
    """A provider reports something of the connection itself, and no transaction; verified and parsed."""

    provider: str
    event: str
    """`updates` (there is something to read), `ending` (its consent ends), `lapsed` (its person must act
    before anything can be read), `repaired` (they need not any more), `revoked` (by its person, there),
    `state` (how it stands: `condition`) or `failing` (it cannot be read now, and nothing says why).
    """
    reference: str
    """Of this very report, so that it is taken once however often it is sent (X16)."""
    until: int = 0
    """Of `ending`, and of `state` where it is known: business time, ms since 1970."""
    account: str = ""
    """The account that it is about; empty: all of the connection."""
    condition: Condition | None = None
    """Of `state`; None: all is well."""


class ReportHeld(Message, frozen=True):
    """One's own later self: a report that came before its connection was known, as `TransactionHeld`."""

    report: ConnectionReported


class LinkConnection(Message, frozen=True):
    """Make the connection known, or bring what is known of it up to date (import, linking)."""

    connection_id: str
    user_id: str
    provider: str = "seed"
    bank_name: str = ""
    card_last4: str = ""
    consent_expires_on: str = ""


class Access(msgspec.Struct, frozen=True):
    """What a provider lets us read of one card, and by which consent (S57, S59, S60)."""

    connection_id: str
    provider: str
    user_id: str
    bank_name: str
    card_last4: str
    card: str
    """Key of the card's actor."""
    tokens: Tokens
    consent: Consent
    consent_expires_at: int
    """Business time, ms since 1970: the earlier of what the person and the bank agreed to."""
    account: str = ""
    """The provider's name of the account that is read; empty: all that the connection shows."""


class OpenConnection(Message, frozen=True):
    """A session has led to a connection."""

    session: str
    """The session's id: it is told."""
    access: Access
    webhook_url: str


class ExtendConsent(Message, frozen=True):
    """A session has led to a new consent for it; the old one was in force until now (E10)."""

    session: str
    tokens: Tokens
    consent: Consent
    consent_expires_at: int


class RenewConsent(Message, frozen=True):
    """Its person wants to go on: begin a session for that (X20: renewal is their act)."""

    session: str
    link: OpenLink
    """Without what only the connection knows; a consent without a text is the one that it has."""


class Revoke(Message, frozen=True):
    """Its person wants it no more."""


class RetryRevocation(Message, frozen=True):
    """One's own later self: the provider had not confirmed."""


class AccessRevoked(Message, frozen=True):
    """The provider: there is no access any more."""


class RevocationFailed(Message, frozen=True):
    """The provider did not say that there is no access any more."""


class Sync(Message, frozen=True):
    """Read now what was bought (S51)."""


class TransactionsRead(Message, frozen=True):
    """The provider: a page of purchases."""

    reports: tuple[TransactionReported | TransactionCorrected | TransactionRemoved, ...]
    """In the order in which they are to be taken."""
    cursor: str
    more: bool
    stands: ConnectionReported | None = None
    """How the connection stands, where the provider says so with it."""


class TransactionsUnread(Message, frozen=True):
    """The provider did not give a page, for good."""

    refused: bool
    cursor: str
    ended: bool = False
    """Its person must act before anything can be read again."""
    access: str = ""
    """By which it was asked: another one may have replaced it meanwhile."""


class SeekPurchase(Message, frozen=True):
    """A claim: ask the provider for a purchase of which nothing is kept (X23)."""

    claim: str
    """Key of the claim, which hears what is found."""
    stated: Stated
    again: bool = False
    """It was asked for before, and the provider was away."""


class PurchaseRead(Message, frozen=True):
    """The provider: this purchase is the stated one."""

    claim: str
    report: TransactionReported | None
    """None: it has none that could be."""
    taken: bool = False
    """One's own later self: what follows from the report, as if it had been told, was decided before this."""


class PurchaseUnread(Message, frozen=True):
    """The provider did not say; the fields as in `TransactionsUnread`."""

    claim: str
    stated: Stated
    refused: bool
    ended: bool = False
    access: str = ""


class Heal(Message, frozen=True):
    """One's own later self: read what no webhook may have told (E6)."""

    due_at: int
    """Business time, ms: when it was to come."""
    spread: bool = False
    """It was late, and was put off so that not all that were late come at once."""


class ReadOn(Message, frozen=True):
    """One's own later self: what could not be read is tried again."""


class RotateTokens(Message, frozen=True):
    """One's own later self: the tokens end soon (S45)."""


class TokensRefreshed(Message, frozen=True):
    """The provider: these are good now."""

    tokens: Tokens


class TokensRefused(Message, frozen=True):
    """The provider gave no new tokens."""

    final: bool
    """It said no: there is no access any more. Else it was away."""


class ConsentEnding(Message, frozen=True):
    """One's own later self: so many days are left (X20, E10)."""

    days: int


class ConsentEnded(Message, frozen=True):
    """One's own later self: the consent's time is over."""


class Underway(Reply, frozen=True):
    """It is on record, and worked on."""


class ConsentOver(Reply, frozen=True):
    """There is no consent to do it by."""


class TransactionTaken(Reply, frozen=True):
    """The transaction is durable."""

    outcome: str
    """`matched`, `refund`, `unmatched`, `ignored`, `parked` when the connection is unknown,
    `withdrawn` when there is no consent to look at it any more, or `granted` when a claim has credited it.
    """
    candidate: bool = False
    """Whether an unmatched one looked like a partner's (X22)."""

    @property
    def parked(self) -> bool:
        """Kept until its connection is known (interface.md 6, row 11)."""
        return self.outcome == "parked"


class Noted(Reply, frozen=True):
    """A report of a connection is durable."""

    outcome: str = "noted"
    """`noted`, or `parked` when the connection is unknown."""

    @property
    def parked(self) -> bool:
        """As `TransactionTaken.parked`."""
        return self.outcome == "parked"


class Linked(Reply, frozen=True):
    """What importing or linking did: `imported`, `updated` or `unchanged`."""

    change: str


def once_key(provider: str, event: str, reference: str) -> str:
    """What makes a webhook the same as one taken before, whatever the rest of its body (X16)."""
    return f"{provider}:{event}:{reference}"


def report_key(report: TransactionReported) -> str:
    """Likewise of a transaction; of a provider that numbers its words, each word is taken once.

    Whoever finds it by reading takes it under the same key as a webhook does (E6).
    """
    key = once_key(report.provider, report.event, report.transaction_id)
    if not report.revision:
        return key
    return f"{key}@{report.revision}.{report.amount_cents}"

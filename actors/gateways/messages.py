"""What may be asked of outside parties; the one module that machines may import from here.

A provider of bank data is asked in the same words whichever it is (S42): each has a gateway of its own,
and so a breaker and bounds of its own. What it answers is addressed to whoever asked, and stands with
the messages of that machine.
"""

import msgspec

from comptoir.engine.decision import Outgoing
from comptoir.engine.values import Address, Message

__all__ = [
    "FCM",
    "KEYS",
    "LETTERS",
    "MAIL",
    "PAYMENTS",
    "PAYOUT",
    "SMS",
    "ComparePayments",
    "DestroyKeys",
    "ExchangeCode",
    "FindPurchase",
    "Held",
    "InitiatePayment",
    "LookUpPayment",
    "NoticeRefused",
    "NoticeTaken",
    "PushToDevice",
    "ReadAccounts",
    "ReadTransactions",
    "RefreshTokens",
    "RegisterWebhook",
    "RevokeAccess",
    "RotateKey",
    "SendMail",
    "SendPush",
    "SendSms",
    "SettleLetters",
    "StartLink",
    "Stated",
    "Tokens",
    "bank",
    "notified",
]

KEYS = Address("keys", "")
"""The key store (docs/keys.md): a file beside the database, with a life and troubles of its own."""

LETTERS = Address("letters", "")
"""The desk of dead letters: what is done to them is done there."""

PAYOUT = Address("payout", "")
"""Whoever pays withdrawals: by configuration the provider `seed` (X27)."""
PAYMENTS = Address("payments", "")
"""The desk at which what we think was paid is compared with what is said of it (docs/withdrawals.md)."""

NOTIFICATION = "notification"
"""The kind of actor that tells a person, one per person."""
FCM = Address("push", "")
"""Whoever reaches devices: FCM (S44)."""
MAIL = Address("mail", "")
"""Whoever carries mail: SendGrid, Brevo (S44)."""
SMS = Address("sms", "")
"""Whoever carries text messages: Twilio (S44)."""


def bank(provider: str) -> Address:
    """The gateway of one provider of bank data: `seed`, `powens`, `plaid` or `tink`."""
    return Address(f"bank_{provider}", "")


class SendPush(Message, frozen=True):
    """Tell a person something, on their devices or however else they want it. Silent for the flow: it may
    fail (S65).
    """

    reference: str
    """What it is about: they are told of it once."""
    user_id: str
    template: str
    """`points_credited`, ...: a row of notification/texts.py."""
    points: int = 0
    days: int = 0
    """Until what it is about."""


def notified(notice: SendPush) -> Outgoing:
    """The notice on its way to whoever tells its person."""
    return Outgoing(Address(NOTIFICATION, notice.user_id), notice)


class PushToDevice(Message, frozen=True):
    """Show a notice on one device; the asker hears only where that failed (`PushMissed`, `DeviceGone`)."""

    notice: SendPush
    """It comes back with what is heard, so that another way can be tried."""
    device_id: str
    token: str
    """By which FCM knows the installation; it may have been replaced since."""
    devices: int
    """How many are shown it."""
    title: str
    body: str
    category: str
    urgent: bool = False
    """Shown at once, also on a device that sleeps."""

    @property
    def reference(self) -> str:
        """What makes two of them the same."""
        return f"{self.notice.reference}:{self.device_id}"


class InitiatePayment(Message, frozen=True):
    """Pay a withdrawal (POST /payments/initiate, S50). Sent once: its party promises no idempotency."""

    withdrawal_id: str
    reference: str
    """By which it is looked up, and which the beneficiary reads (SEPA's EndToEndId)."""
    amount_cents: int
    currency: str
    iban: str
    beneficiary: str


class ComparePayments(Message, frozen=True):
    """Compare the orders that left on one day with what a source says of them. Asks only."""

    source: str
    """`provider` or `statement`."""
    day: str
    """In UTC."""


class LookUpPayment(Message, frozen=True):
    """What has become of a payment that was ordered long ago? Asks only."""

    withdrawal_id: str
    reference: str


class Tokens(msgspec.Struct, frozen=True):
    """A provider's access to one connection. Only ever inside what is sealed (S59)."""

    access: str
    refresh: str
    expires_at: int
    """Of the access token: business time, ms since 1970; 0 where it has none (Plaid)."""


class Held(msgspec.Struct, frozen=True):
    """What a connection has, when a call leaves (access.py)."""

    tokens: Tokens | None
    """None: there is no access any more."""
    readable: bool
    """Whether its consent is in force."""
    ending: bool = False
    """Whether its person has ended it, and the provider has not confirmed."""


class StartLink(Message, frozen=True):
    """Where is the person to go, so that their bank lets us read? (POST /auth/init, S48, S51)"""

    reference: str
    """The session's id: the same start, however often it is asked for."""
    redirect_uri: str
    """Ours, to which the provider sends them back."""
    state: str
    """Comes back with them; nobody else knows it."""
    challenge: str
    """RFC 7636, S256, of a verifier that is shown with the code."""
    duration_days: int
    connection_id: str = ""
    """Of the connection whose consent is renewed (POST /connections/{id}/renew); empty for a new one."""
    access: str = ""
    """Its token, for providers that want it; it may have ended."""
    user_id: str = ""
    """Who goes; a provider is told a keyed digest of it at most."""


class ExchangeCode(Message, frozen=True):
    """The person came back with a code: what access is it worth? (POST /auth/token)"""

    reference: str
    code: str
    """As it came back with the person, or as the provider has named it at the start (`LinkStarted`)."""
    verifier: str
    redirect_uri: str
    access: str = ""
    """Of the connection whose consent is renewed, for providers whose token stays the same (Plaid)."""


class ReadAccounts(Message, frozen=True):
    """Which bank and card is it? (GET /connections/{id})"""

    reference: str
    connection_id: str
    access: str
    user_id: str = ""
    """Whose it is: one of the marks of a card where the provider gives it no name of its own (Plaid)."""


class ReadTransactions(Message, frozen=True):
    """What was bought since the cursor? (GET /transactions)"""

    reference: str
    connection_id: str
    access: str
    cursor: str
    """Where the page before ended; empty: the beginning."""
    account: str = ""
    """The provider's name of the account; empty: all that the connection shows."""
    expendable: bool = False
    """Nobody waits for it: while the provider is away it is given up, and not parked (E6)."""
    link: str = ""
    """Key of the connection by whose access, as it is when the call leaves; empty: by that of `access`."""


class Stated(msgspec.Struct, frozen=True):
    """A purchase as its person reads it on their statement."""

    date: str
    """YYYY-MM-DD: of the purchase or of its booking, whichever their bank prints."""
    amount_cents: int
    label: str


class FindPurchase(Message, frozen=True):
    """Which purchase is it that a person states? Of what else the provider tells nothing is taken (X23)."""

    reference: str
    connection_id: str
    access: str
    claim: str
    """Key of the claim that asks; it is told again."""
    stated: Stated
    account: str = ""
    """As in `ReadTransactions`."""
    link: str = ""
    """As in `ReadTransactions`."""


class RefreshTokens(Message, frozen=True):
    """New tokens, before the old ones end (POST /auth/token, S45)."""

    reference: str
    """Of this very rotation, so that a refresh token is used once whatever is lost on the way."""
    refresh: str


class RevokeAccess(Message, frozen=True):
    """The person wants it no more (DELETE /connections/{id}, S57)."""

    reference: str
    connection_id: str
    access: str
    link: str = ""
    """As in `ReadTransactions`."""


class RegisterWebhook(Message, frozen=True):
    """Tell us of purchases of this connection (POST /webhooks, each linking, S45)."""

    reference: str
    connection_id: str
    access: str
    url: str
    link: str = ""
    """As in `ReadTransactions`."""


class DestroyKeys(Message, frozen=True):
    """The keys of these actors go, for ever, once nothing is on its way to them (X13)."""

    reference: str
    """Whose erasure it is, as a key that names nobody."""
    actors: tuple[tuple[str, str], ...]
    """Kind and key."""


class RotateKey(Message, frozen=True):
    """A key is to be replaced while everything goes on (X14)."""

    what: str
    """`kek`, `wrap`, `data`, `once`, or `all` of them in this order."""
    reference: str
    """Of who asked for it: the id of the approval."""


class SettleLetters(Message, frozen=True):
    """These dead letters are delivered again, or are no more; whoever asks hears that it is done."""

    reference: str
    """Of the disposition."""
    act: str
    """`replay` or `discard`."""
    letters: tuple[int, ...]
    """Ids; those that are no letters any more are left out."""


class SendMail(Message, frozen=True):
    """Send one person a mail; whoever asks hears of it (`NoticeTaken`, `NoticeRefused`)."""

    reference: str
    """What it is about; the asker is told it again."""
    to: str
    """One address, checked before."""
    subject: str
    text: str
    """Plain; it may hold what only this person is to read."""


class SendSms(Message, frozen=True):
    """Send one person a text message; as `SendMail`."""

    reference: str
    to: str
    """E.164: a plus sign and digits."""
    text: str


class NoticeTaken(Message, frozen=True):
    """The party has taken it: it is on its way to the person."""

    reference: str


class NoticeRefused(Message, frozen=True):
    """It will not arrive: the party said no, or was away for too long."""

    reference: str
    code: str
    """Why, as a stable code."""

"""Samples for the machines that cards are linked by: a state for every phase, a message of every type.

Each is a pair that tests/actors/test_every_machine.py decides on.
"""

import msgspec

from comptoir.actors.card import machine as card
from comptoir.actors.card.messages import ClaimCard, ReleaseCard
from comptoir.actors.connection import machine as connection
from comptoir.actors.connection.conditions import condition_of
from comptoir.actors.connection.messages import (
    Access,
    AccessRevoked,
    ConnectionReported,
    ConsentEnded,
    ConsentEnding,
    ExtendConsent,
    GrantPurchase,
    Heal,
    LinkConnection,
    OpenConnection,
    PurchaseRead,
    PurchaseUnread,
    ReadOn,
    RenewConsent,
    ReportHeld,
    RetryRevocation,
    RevocationFailed,
    Revoke,
    RotateTokens,
    SeekPurchase,
    Sync,
    TokensRefreshed,
    TokensRefused,
    TransactionCorrected,
    TransactionHeld,
    TransactionRemoved,
    TransactionReported,
    TransactionsRead,
    TransactionsUnread,
)
from comptoir.actors.consent_week import machine as week
from comptoir.actors.consent_week.messages import Became, CountConsent
from comptoir.actors.gateways.messages import Stated, Tokens
from comptoir.actors.linking import state as link
from comptoir.actors.linking.messages import (
    AccountsRead,
    CardClaimed,
    CardTaken,
    CodeExchanged,
    CompleteLink,
    ConnectionOpened,
    ConnectionRefused,
    Consent,
    LinkExpired,
    LinkStarted,
    LookAtLink,
    OpenLink,
    ProviderFailed,
    Renewal,
    ReturnFromBank,
)
from comptoir.actors.linking.steps import digest_of
from comptoir.actors.merchants import Partner
from comptoir.engine.values import Message, State

NOW = 1_800_000_000_000
C = connection.Phase
REPORT = TransactionReported(
    "seed", "transaction.created", "tx1", 10_000, "EUR", "DEBIT", "2026-11-21", "CB CHEZ NOUS"
)
CONSENT = Consent("v1", "accounts", 90)
TOKENS = Tokens("at", "rt", NOW + 3_600_000)
ACCESS = Access("cn", "seed", "u1", "Bank", "4242", "card-key", TOKENS, CONSENT, NOW + 1000)
OPEN_LINK = OpenLink(
    "u1", "d1", "seed", "https://a/b", "https://us", CONSENT, "s3cret", "v", 600_000
)
LINKED = connection.ConnectionState(
    C.LINKED, "cn", "u1", "seed", id="cn_1", card="card-key", tokens=TOKENS, consent=CONSENT,
    consent_expires_at=NOW + 1000,
)  # fmt: skip
LAPSED = msgspec.structs.replace(LINKED, phase=C.LAPSED, agreed_until=NOW + 1000)
STATED = Stated("2026-11-21", 10_000, "CHEZ NOUS")
TO_CONNECTION: tuple[Message, ...] = (
    REPORT, TransactionHeld(REPORT), LinkConnection("cn", "u2"), OpenConnection("ls", ACCESS, "https://us/w"),
    ExtendConsent("ls", TOKENS, CONSENT, NOW + 1000), RenewConsent("ls", OPEN_LINK), Revoke(),
    RetryRevocation(), AccessRevoked(), RevocationFailed(), Sync(), TransactionsRead((REPORT,), "c", more=True),
    TransactionsUnread(refused=False, cursor=""), RotateTokens(), TokensRefreshed(TOKENS),
    TokensRefused(final=True), ConsentEnding(7), ConsentEnded(), ReadOn(),
    ConnectionReported("plaid", "updates", "r1"), ReportHeld(ConnectionReported("plaid", "updates", "r1")),
    TransactionCorrected(REPORT, "tx0"), TransactionRemoved("seed", "tx1"), Heal(NOW),
    GrantPurchase(REPORT, Partner(id="p1", name="Chez Nous", rate_bp=500), "clm_1", ()),
    SeekPurchase("clm_1", STATED), PurchaseRead("clm_1", REPORT), PurchaseUnread("clm_1", STATED, refused=True),
)  # fmt: skip
OUTLINE = link.Outline("ls", "u1", "seed", "https://a/b", "https://us", CONSENT, NOW + 1000, None)
RENEWING = msgspec.structs.replace(OUTLINE, renewal=Renewal("key", "cn", "at"))
GRANTED = link.Granted("cn", "key", TOKENS, "card-key", "Bank", "4242", NOW + 1000)
RETURN = ReturnFromBank(digest_of("s3cret"), "code", "")
TO_LINK: tuple[Message, ...] = (
    OPEN_LINK, LinkStarted("https://bank"), ProviderFailed("BANK_PROVIDER_UNAVAILABLE"), RETURN,
    CompleteLink("u1", ""), CodeExchanged("cn", "key", TOKENS), AccountsRead("card-key", "Bank", "4242", NOW),
    CardClaimed(), CardTaken(), ConnectionOpened("cn_1", NOW, NOW), ConnectionRefused(), LookAtLink(),
    LinkExpired(), AccessRevoked(), RevocationFailed(), RetryRevocation(),
)  # fmt: skip
L = link.Phase


def _link(phase: link.Phase, outline: link.Outline = OUTLINE) -> link.LinkState:
    """A session in a phase, with everything that it may have there."""
    if phase is L.UNKNOWN:
        return link.LinkState(phase)
    late = phase not in (L.STARTING, L.AUTHORIZING, L.RETURNED, L.EXCHANGING)
    return link.LinkState(
        phase, outline, digest_of("s3cret"), "v", granted=GRANTED if late else None
    )


Pairs = tuple[tuple[State, Message], ...]
CARD: Pairs = tuple(
    (state, message)
    for state in (card.CardState(card.Phase.FREE), card.CardState(card.Phase.LINKED, "key"))
    for message in (ClaimCard("ls", "key"), ReleaseCard("key"), ReleaseCard("another"))
)
CONNECTION: Pairs = (
    *((msgspec.structs.replace(LINKED, phase=phase), message)
      for phase in C if phase is not C.UNKNOWN for message in TO_CONNECTION),
    *((connection.ConnectionState(C.UNKNOWN), message) for message in TO_CONNECTION),
    (LINKED, TokensRefused(final=False)),
    (LINKED, PurchaseUnread("clm_1", STATED, refused=False, ended=True)),
    (LINKED, TransactionsUnread(refused=False, cursor="", ended=True)),
    *((state, ConnectionReported("powens", "state", "r1", condition=condition))
      for state in (LINKED, LAPSED)
      for condition in (None, condition_of("credentials_wrong"), condition_of("rate_limited", NOW + 1))),
    *((state, about) for state in (LINKED, LAPSED)
      for event in ("ending", "lapsed", "repaired", "revoked")
      for report in (ConnectionReported("plaid", event, "r1", NOW + 500),)
      for about in (report, ReportHeld(report))),
    (msgspec.structs.replace(LINKED, phase=C.LAPSED, user_id="u2"), TO_CONNECTION[3]),
)  # fmt: skip
WEEK: Pairs = tuple(
    (week.WeekState(phase), CountConsent("seed", None, Became.LIVE)) for phase in week.Phase
)
LINKING: Pairs = (
    *((_link(phase), message) for phase in L for message in TO_LINK),
    (_link(L.AUTHORIZING), ReturnFromBank("wrong", "code", "")),
    (_link(L.AUTHORIZING), ReturnFromBank(digest_of("s3cret"), "", "denied")),
    (_link(L.AUTHORIZING, RENEWING), RETURN),
    (_link(L.RETURNED), CompleteLink("u2", "")),
    (msgspec.structs.replace(_link(L.EXCHANGING), expected="other"), TO_LINK[5]),
    (_link(L.READING, RENEWING), TO_LINK[6]),
)

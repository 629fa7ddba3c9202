"""The bank connection's machine: what is done with transactions, and with the access to them.

The table is here, what its rows do in `transactions.py`, `consent.py`, `calendar.py`, `syncing.py` and
`seeking.py`.
Source: spec.md S45, S51, S52, S56, S57, S60, X16, X19, X20, X22 to X24, E9, E10.
"""

from comptoir.actors.connection import (
    calendar,
    consent,
    purchases,
    reports,
    seeking,
    syncing,
    tokens,
    transactions,
)
from comptoir.actors.connection.messages import (
    KIND,
    AccessRevoked,
    ConnectionReported,
    ConsentEnded,
    ConsentEnding,
    ConsentOver,
    ExtendConsent,
    GrantPurchase,
    Heal,
    LinkConnection,
    Linked,
    Noted,
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
    TransactionTaken,
    Underway,
)
from comptoir.actors.connection.state import (
    ConnectionLinked,
    ConnectionState,
    Phase,
    TransactionMatched,
)
from comptoir.engine import Message, Reply
from comptoir.engine.machine import Machine, Row, row

__all__ = [
    "MACHINE",
    "REPLIES",
    "ConnectionLinked",
    "ConnectionState",
    "Phase",
    "TransactionMatched",
]

UNKNOWN, LINKED, LAPSED = Phase.UNKNOWN, Phase.LINKED, Phase.LAPSED
REVOKING, REVOKED = Phase.REVOKING, Phase.REVOKED

ON_THE_WAY: tuple[type[Message], ...] = (
    TransactionsRead, TransactionsUnread, RotateTokens, TokensRefreshed, TokensRefused, ConsentEnding,
    ConsentEnded, ReadOn, Heal,
)  # fmt: skip
"""What was sent while the consent was in force, and may come when it is no more."""


def _pointless(phase: Phase, *more: type[Message]) -> tuple[Row, ...]:
    return tuple(row(phase, message, consent.ignore, phase) for message in (*ON_THE_WAY, *more))


MACHINE: Machine[ConnectionState] = Machine(
    KIND,
    phases=Phase,
    messages=(
        TransactionReported, TransactionHeld, LinkConnection, OpenConnection, ExtendConsent, RenewConsent,
        Revoke, RetryRevocation, AccessRevoked, RevocationFailed, Sync, ConnectionReported, ReportHeld,
        TransactionCorrected, TransactionRemoved, GrantPurchase, SeekPurchase, PurchaseRead, PurchaseUnread,
        *ON_THE_WAY,
    ),
    rows=(
        # The consent may be over: the purchase was made while it was in force.
        *(row(phase, GrantPurchase, purchases.grant, phase) for phase in Phase if phase is not UNKNOWN),
        row(UNKNOWN, TransactionReported, transactions.hold, UNKNOWN),
        row(UNKNOWN, TransactionHeld, transactions.give_up, UNKNOWN),
        row(UNKNOWN, ConnectionReported, reports.hold, UNKNOWN),
        row(UNKNOWN, ReportHeld, transactions.give_up, UNKNOWN),
        row(UNKNOWN, LinkConnection, transactions.link, LINKED),
        row(UNKNOWN, OpenConnection, consent.reopen, LINKED),
        row(LINKED, TransactionReported, transactions.route, LINKED),
        row(LINKED, TransactionHeld, transactions.take_held, LINKED),
        row(LINKED, TransactionCorrected, transactions.correct, LINKED),
        row(LINKED, TransactionRemoved, transactions.remove, LINKED),
        row(LINKED, ConnectionReported, reports.heed, LINKED, LAPSED, REVOKING),
        row(LINKED, ReportHeld, reports.heed_held, LINKED, LAPSED, REVOKING),
        row(LINKED, LinkConnection, transactions.link, LINKED),
        row(LINKED, OpenConnection, consent.reopen, LINKED),
        row(LINKED, ExtendConsent, consent.extend, LINKED),
        row(LINKED, RenewConsent, consent.renew, LINKED),
        row(LINKED, Revoke, consent.revoke, REVOKING),
        row(LINKED, Sync, syncing.sync, LINKED),
        row(LINKED, TransactionsRead, syncing.take_page, LINKED),
        row(LINKED, TransactionsUnread, syncing.unread, LINKED, LAPSED),
        row(LINKED, ReadOn, syncing.read_on, LINKED),
        row(LINKED, Heal, syncing.heal, LINKED),
        row(LINKED, RotateTokens, tokens.rotate, LINKED),
        row(LINKED, TokensRefreshed, tokens.refreshed, LINKED),
        row(LINKED, TokensRefused, consent.end, LINKED, LAPSED),
        row(LINKED, ConsentEnding, calendar.warn, LINKED),
        row(LINKED, ConsentEnded, consent.lapsed, LAPSED),
        row(LINKED, SeekPurchase, seeking.seek, LINKED),
        row(LINKED, PurchaseRead, seeking.found, LINKED),
        row(LINKED, PurchaseUnread, seeking.unread, LINKED, LAPSED),
        row(LAPSED, SeekPurchase, seeking.seek_lapsed, LAPSED),
        row(LAPSED, PurchaseRead, seeking.found_late, LAPSED),
        row(LAPSED, PurchaseUnread, seeking.seek_lapsed, LAPSED),
        *(one for phase in (REVOKING, REVOKED) for one in (
            row(phase, SeekPurchase, seeking.seek_revoked, phase),
            row(phase, PurchaseRead, seeking.seek_revoked, phase),
            row(phase, PurchaseUnread, seeking.seek_revoked, phase),
        )),
        row(LAPSED, TransactionReported, transactions.route_late, LAPSED),
        row(LAPSED, TransactionHeld, transactions.withdraw_held, LAPSED),
        row(LAPSED, TransactionCorrected, transactions.correct_late, LAPSED),
        row(LAPSED, TransactionRemoved, transactions.remove, LAPSED),
        row(LAPSED, ConnectionReported, reports.heed_lapsed, LINKED, LAPSED, REVOKING),
        row(LAPSED, ReportHeld, reports.heed_lapsed_held, LINKED, LAPSED, REVOKING),
        row(LAPSED, OpenConnection, consent.reopen, LINKED, LAPSED),
        row(LAPSED, ExtendConsent, consent.extend, LINKED),
        row(LAPSED, RenewConsent, consent.renew, LAPSED),
        row(LAPSED, Revoke, consent.revoke, REVOKING),
        row(LAPSED, Sync, syncing.sync_lapsed, LAPSED),
        *_pointless(LAPSED),
        row(REVOKING, TransactionReported, transactions.withdraw, REVOKING),
        row(REVOKING, TransactionHeld, transactions.withdraw_held, REVOKING),
        row(REVOKING, ConnectionReported, reports.ignore, REVOKING),
        row(REVOKING, ReportHeld, reports.ignore_held, REVOKING),
        row(REVOKING, OpenConnection, consent.reopen, REVOKING),
        row(REVOKING, ExtendConsent, consent.refused, REVOKING),
        row(REVOKING, Revoke, consent.still_revoking, REVOKING),
        row(REVOKING, AccessRevoked, consent.revoked, REVOKED),
        row(REVOKING, RevocationFailed, consent.unrevoked, REVOKING),
        row(REVOKING, RetryRevocation, consent.ask_again, REVOKING),
        *_pointless(REVOKING, TransactionCorrected, TransactionRemoved),
        row(REVOKED, TransactionReported, transactions.withdraw, REVOKED),
        row(REVOKED, TransactionHeld, transactions.withdraw_held, REVOKED),
        row(REVOKED, ConnectionReported, reports.ignore, REVOKED),
        row(REVOKED, ReportHeld, reports.ignore_held, REVOKED),
        row(REVOKED, OpenConnection, consent.reopen, LINKED),
        row(REVOKED, ExtendConsent, consent.refused, REVOKED),
        row(REVOKED, Revoke, consent.still_revoking, REVOKED),
        *_pointless(
            REVOKED, AccessRevoked, RevocationFailed, RetryRevocation, TransactionCorrected,
            TransactionRemoved,
        ),
    ),
)  # fmt: skip

REPLIES: tuple[type[Reply], ...] = (TransactionTaken, Linked, Underway, ConsentOver, Noted)

"""What a bank connection is and what is recorded of it.

Rule: tokens and the connection's own id are in the state and in no event, document or log; the state is
sealed as a whole, and the actor's key is the blind index of the id.
Source: spec.md S57 to S60, X15.
"""

from collections.abc import Mapping
from enum import Enum

from comptoir.actors.connection.messages import Condition
from comptoir.actors.gateways.messages import Tokens
from comptoir.actors.linking.messages import Consent
from comptoir.engine import Decision, Event, State

__all__ = [
    "AccessEnded",
    "ConditionChanged",
    "ConnectionLinked",
    "ConnectionState",
    "ConnectionSynced",
    "ConsentExtended",
    "ConsentLapsed",
    "ConsentRestored",
    "ConsentShortened",
    "ConsentWarned",
    "Outcome",
    "Phase",
    "PurchaseSought",
    "RevocationAsked",
    "TokensRotated",
    "TransactionHealed",
    "TransactionMatched",
]


class Phase(Enum):
    """Whether we know whose card it is, and may read it."""

    UNKNOWN = "unknown"
    LINKED = "linked"
    LAPSED = "lapsed"
    """Its consent has ended; a renewal makes it good again."""
    REVOKING = "revoking"
    """Its person has ended it; the provider has not confirmed yet."""
    REVOKED = "revoked"


class ConnectionState(State, frozen=True):
    """Sealed as a whole at rest: the connection's id and user are in it (S59)."""

    phase: Phase
    connection_id: str = ""
    user_id: str = ""
    provider: str = ""
    bank_name: str = ""
    card_last4: str = ""
    consent_expires_on: str = ""
    """Of an imported one: YYYY-MM-DD."""
    held: int = 0
    """Transactions parked while unknown."""
    id: str = ""
    """`cn_...`, by which people name it; empty for an imported one."""
    card: str = ""
    """Key of the card's actor."""
    tokens: Tokens | None = None
    """None: imported, or there is no access any more."""
    consent: Consent | None = None
    consent_expires_at: int = 0
    linked_at: int = 0
    rotations: int = 0
    """How often the tokens were asked to be replaced: each one has a reference of its own."""
    rotating: bool = False
    """New tokens were asked for and are not here yet: the provider may have ended the old ones already."""
    cursor: str = ""
    """Up to where transactions were read."""
    syncing: bool = False
    again: bool = False
    """Something new was reported while it was being read: read on when that is done."""
    account: str = ""
    """The provider's name of the account that is read; empty: all that the connection shows."""
    healing: bool = False
    """What is being read was asked for by no webhook and by nobody (E6)."""
    agreed_until: int = 0
    """In LAPSED by the provider's word: when the consent would have ended."""
    condition: Condition | None = None
    """Why the provider cannot read now; None: it can, as far as it has said."""
    counted: bool = False
    """Its consent is in a week of the calendar; False also for one from before there were weeks."""
    unread: bool = False
    """It was imported and has no access: it is counted among those that nobody reads (E6)."""
    granted: Mapping[str, str] = {}
    """Transaction id -> partner, of purchases that a claim has given to one (E9); the oldest first."""
    sought: tuple[int, ...] = ()
    """When purchases were looked for that claims have stated: business time, ms, of the last day."""


class TransactionMatched(Event, frozen=True):
    """A purchase or refund was matched to a partner, by this version of the catalogue."""

    provider: str
    transaction_id: str
    partner_id: str
    user_id: str
    amount_cents: int
    direction: str
    catalogue_version: int


class TransactionHealed(Event, frozen=True):
    """A reading found what no webhook had told (E6). Of what matched no partner nothing is said (X23)."""

    provider: str
    transaction_id: str


class ConnectionLinked(Event, frozen=True):
    """The connection became known, or what is known of it changed."""

    user_id: str
    provider: str


class ConsentExtended(Event, frozen=True):
    """A new consent is in force (S57: audit of every access)."""

    id: str
    text_version: str
    scope: str
    duration_days: int
    expires_at: int


class ConsentWarned(Event, frozen=True):
    """Its person was told that it ends (E10)."""

    id: str
    days: int


class ConsentLapsed(Event, frozen=True):
    """The consent has ended, by its time or by the provider's word."""

    id: str
    why: str
    """`time` or `provider`."""


class ConsentShortened(Event, frozen=True):
    """The provider has named an earlier end of it."""

    id: str
    expires_at: int


class ConsentRestored(Event, frozen=True):
    """The provider lets us read again, by the consent that was there before."""

    id: str


class ConditionChanged(Event, frozen=True):
    """The provider cannot read now, or can again."""

    id: str
    name: str
    """Of the condition; empty: all is well."""


class RevocationAsked(Event, frozen=True):
    """Its person has ended it."""

    id: str


class AccessEnded(Event, frozen=True):
    """The provider has confirmed that nothing can be read any more."""

    id: str


class PurchaseSought(Event, frozen=True):
    """The provider was asked for a purchase that a claim has stated (S57: audit of every access)."""

    id: str
    found: bool


class TokensRotated(Event, frozen=True):
    """The tokens were replaced before their end (S45)."""

    id: str


class ConnectionSynced(Event, frozen=True):
    """Transactions were read (S57: audit of every access)."""

    id: str
    transactions: int
    complete: bool


Outcome = Decision[ConnectionState]

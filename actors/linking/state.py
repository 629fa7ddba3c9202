"""What a linking session knows, phase by phase, and what is recorded of it."""

from enum import Enum

import msgspec

from comptoir.actors.gateways.messages import Tokens
from comptoir.actors.linking.messages import ConnectionOpened, Consent, Renewal
from comptoir.engine import Event, State

__all__ = [
    "ConsentGiven",
    "ConsentGivenAtBank",
    "Granted",
    "LinkEnded",
    "LinkState",
    "Outline",
    "Phase",
]


class Phase(Enum):
    """What is waited for."""

    UNKNOWN = "unknown"
    STARTING = "starting"
    """The provider's address for the person."""
    AUTHORIZING = "authorizing"
    """The person, who is at their bank."""
    RETURNED = "returned"
    """The app, which completes it."""
    EXCHANGING = "exchanging"
    """Access for the code."""
    READING = "reading"
    """Which bank and card it is."""
    CLAIMING = "claiming"
    """Whether the card is free."""
    CONNECTING = "connecting"
    """The connection's own word that it is there."""
    LINKED = "linked"
    ENDED = "ended"


class Outline(msgspec.Struct, frozen=True):
    """What a session is about, from its start to its end."""

    session: str
    """Its own id."""
    user_id: str
    provider: str
    redirect_uri: str
    our_uri: str
    consent: Consent
    expires_at: int
    renewal: Renewal | None


class Granted(msgspec.Struct, frozen=True):
    """What the provider gave for the code."""

    connection_id: str
    connection: str
    """Key of its actor."""
    tokens: Tokens | None
    """None: the connection has them now."""
    card: str = ""
    bank_name: str = ""
    card_last4: str = ""
    consent_expires_at: int = 0
    account: str = ""


class LinkState(State, frozen=True):
    """Sealed as a whole at rest."""

    phase: Phase
    outline: Outline | None = None
    digest: str = ""
    """Of the secret in `state`."""
    verifier: str = ""
    auth_url: str = ""
    code: str = ""
    """What the exchange takes: from the person who is back, or from the provider at the start."""
    begun: str = ""
    """What the provider has made for it at the start, and keeps until it is told otherwise."""
    expected: str = ""
    """The connection that the app's SDK has told of, if it has."""
    granted: Granted | None = None
    """In ENDED: what is still to be given back."""
    opened: ConnectionOpened | None = None
    why: str = ""
    proof: str = ""
    """Digest of what the way back from the bank gave the app; empty: nothing is wanted."""


class ConsentGiven(Event, frozen=True):
    """A person has agreed in the app, for the first time or anew (S57, S60)."""

    user_id: str
    device_id: str
    provider: str
    text_version: str
    scope: str
    duration_days: int
    renewal: bool


class ConsentGivenAtBank(Event, frozen=True):
    """Their bank has let us read: the second of the two consents (S60)."""

    user_id: str
    provider: str
    bank_name: str
    expires_at: int


class LinkEnded(Event, frozen=True):
    """A session has ended without a connection (S70: success, abandons)."""

    user_id: str
    why: str

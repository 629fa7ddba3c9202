"""What may be said to a linking session, and what it answers (S48, S57, S60).

Another machine may import this module and nothing else of this package (design.md 1).
"""

import msgspec

from comptoir.actors.gateways.messages import Tokens
from comptoir.engine.values import Message, Reply

__all__ = [
    "ALREADY_LINKED",
    "FAILED",
    "KIND",
    "UNAVAILABLE",
    "AccountsRead",
    "CardClaimed",
    "CardTaken",
    "CodeExchanged",
    "CompleteLink",
    "ConnectionOpened",
    "ConnectionRefused",
    "Consent",
    "LinkExpired",
    "LinkStarted",
    "LinkStood",
    "LookAtLink",
    "OpenLink",
    "ProviderFailed",
    "Renewal",
    "ReturnFromBank",
]

KIND = "linking"
FAILED = "BANK_CARD_LINKING_FAILED"
ALREADY_LINKED = "BANK_CARD_ALREADY_LINKED"
UNAVAILABLE = "BANK_PROVIDER_UNAVAILABLE"


class Consent(msgspec.Struct, frozen=True):
    """What a person agreed to in the app (S57, S60); the bank's own consent is its redirect."""

    text_version: str
    """Of the screen that they saw."""
    scope: str
    """What may be read."""
    duration_days: int


class Renewal(msgspec.Struct, frozen=True):
    """Of which connection the consent is renewed."""

    key: str
    """The connection's actor."""
    connection_id: str
    access: str


class OpenLink(Message, frozen=True):
    """A person has agreed: begin. The chance in it was drawn by whoever asks."""

    user_id: str
    device_id: str
    provider: str
    redirect_uri: str
    """The app's, to which the person goes in the end."""
    our_uri: str
    """Where the daemon is reached by browsers and by the provider, without a path."""
    consent: Consent
    secret: str
    """Of `state`."""
    verifier: str
    """RFC 7636."""
    lifetime_ms: int
    renewal: Renewal | None = None


class LinkStarted(Message, frozen=True):
    """The provider: this is where the person goes."""

    auth_url: str
    code: str = ""
    """What the exchange will take, where the provider names it now and none comes back with the person
    (Plaid's link token); who comes back is known by `state` all the same.
    """
    begun: str = ""
    """The provider's id of what it has made for this link alone and keeps (Tink's user): it is ended where no
    connection comes of it. Empty: nothing, or it ends by itself.
    """


class ProviderFailed(Message, frozen=True):
    """The provider did not do what it was asked for, for good."""

    code: str
    """`UNAVAILABLE` or `FAILED`."""


class ReturnFromBank(Message, frozen=True):
    """The person is back, with a code or without one; by browser or by the app's SDK (S48)."""

    digest: str
    """Of the secret in `state` that they bring."""
    code: str
    error: str
    """The provider's word, empty with a code."""
    proof: str = ""
    """Digest of the secret that goes with them to the app; empty: none does, and whoever began may complete."""


class CompleteLink(Message, frozen=True):
    """The app wants the connection."""

    user_id: str
    connection_id: str
    """As the SDK has told it; empty where it does not know."""
    proof: str = ""
    """Digest of the secret that came with the person; empty: none did."""


class CodeExchanged(Message, frozen=True):
    """The provider: what the code was worth."""

    connection_id: str
    connection: str
    """Key of its actor: its blind index (X15)."""
    tokens: Tokens


class AccountsRead(Message, frozen=True):
    """The provider: bank and card. Nothing of S58 is in it, whatever the provider sends."""

    card: str
    """Key of the card's actor: a blind index over account and last digits."""
    bank_name: str
    card_last4: str
    consent_expires_at: int
    """By the bank; business time, ms since 1970. 0: the bank names no end."""
    account: str = ""
    """The provider's name of the account, where others that it shows are not to be read."""


class CardClaimed(Message, frozen=True):
    """The card: it is this session's."""


class CardTaken(Message, frozen=True):
    """The card: another connection has it."""


class ConnectionOpened(Message, frozen=True):
    """The connection: it is there."""

    id: str
    """`cn_...`"""
    consent_expires_at: int
    linked_at: int


class ConnectionRefused(Message, frozen=True):
    """The connection: it is somebody else's."""


class LookAtLink(Message, frozen=True):
    """How does it stand? Changes nothing."""


class LinkExpired(Message, frozen=True):
    """One's own later self: the session's time is over."""


class LinkStood(Reply, frozen=True):
    """How a session stands."""

    phase: str
    """`unknown`, `starting`, `authorizing`, `returned`, `working`, `linked` or `ended`."""
    user_id: str = ""
    redirect_uri: str = ""
    auth_url: str = ""
    expires_at: int = 0
    code: str = ""
    """Why it ended."""
    provider: str = ""
    opened: ConnectionOpened | None = None
    bank_name: str = ""
    card_last4: str = ""
    taken: bool = True
    """Whether what was asked for could be done in this phase."""

"""What may be said to the registry of service clients, and what it answers (X7; interface.md 9).

A secret is nowhere in here: who handles one sends its digest.
"""

from typing import Final

import msgspec

from comptoir.engine.values import Address, Message, Reply

__all__ = [
    "CLIENTS",
    "CLIENT_UNKNOWN",
    "KIND",
    "SCOPE_REFUSED",
    "AuthenticateClient",
    "Client",
    "ClientAuthenticated",
    "ClientRegistered",
    "ClientRevoked",
    "ClientsListed",
    "GrantToken",
    "ListClients",
    "RegisterClient",
    "RevokeClient",
    "TokenGranted",
]

KIND = "clients"
CLIENTS = Address(KIND, "all")
"""One actor for all: they are few, and one that is not there must cost what one that is there costs."""
CLIENT_UNKNOWN: Final = "CLIENT_UNKNOWN"
"""No such client, or not with this secret: whoever asks does not learn which."""
SCOPE_REFUSED: Final = "SCOPE_REFUSED"
"""The client has not all of these scopes."""


class Client(msgspec.Struct, frozen=True):
    """One client, without its secret."""

    id: str
    name: str
    """What people call it; two may share one while a secret is replaced."""
    scopes: tuple[str, ...]
    registered_at: int
    """Business time, ms since 1970."""


class RegisterClient(Message, frozen=True):
    """Take a new client."""

    client_id: str
    name: str
    scopes: tuple[str, ...]
    secret_digest: str
    """SHA-256 of the secret, hex."""


class RevokeClient(Message, frozen=True):
    """Give a client no more tokens, from now on."""

    client_id: str


class ListClients(Message, frozen=True):
    """Tell who there is."""


class AuthenticateClient(Message, frozen=True):
    """Say whether a client is who it says."""

    client_id: str
    secret_digest: str


class GrantToken(Message, frozen=True):
    """Let a client have an access token; it is signed when this is durable."""

    client_id: str
    secret_digest: str
    scopes: tuple[str, ...]
    """Those that it asks for; none means all that it has."""
    token_id: str
    """`jti` of the token to be."""
    life_s: int


class ClientRegistered(Reply, frozen=True):
    """It is there."""

    client: Client


class ClientRevoked(Reply, frozen=True):
    """It was there, and is no more; said again as often as it is asked."""

    client_id: str


class ClientsListed(Reply, frozen=True):
    """Every client, the oldest first."""

    clients: tuple[Client, ...]


class ClientAuthenticated(Reply, frozen=True):
    """It is who it says."""

    client_id: str


class TokenGranted(Reply, frozen=True):
    """It may have the token, with these scopes."""

    client_id: str
    scopes: tuple[str, ...]

"""The registry of service clients: who there is, with which scopes, and who proves to be one of them.

Rules:
- a client is known by its id and by the digest of its secret, compared in constant time, against nobody's
  digest where there is no such client;
- who is registered again with the same secret is the same client, and one that was revoked is not;
- a token has scopes that its client has, and every token that a client was granted is an event;
- a client that was revoked is forgotten but for its id, and its access tokens are refused from then on; asked
  for again, since an answer was lost, its revocation is answered as before. The events that tell of it are not
  forgotten.

The digest is a plain SHA-256, because the secret is 256 random bits of ours: nobody tries out so many, so a
slow hash would protect nothing and would let anybody keep the loop busy. It lies in this actor's state,
which is sealed and bound to its row (AES-256-GCM), so that who can write to the database cannot put a
client there. Source: spec.md X7, S34, S36; RFC 6749 sections 2.3.1 and 3.3; NIST SP 800-63B 5.1.1.2 (slow
hashes are for secrets that people choose).
"""

import hmac
from enum import Enum
from typing import Final

import msgspec

from comptoir.actors.clients.messages import (
    CLIENT_UNKNOWN,
    KIND,
    SCOPE_REFUSED,
    AuthenticateClient,
    Client,
    ClientAuthenticated,
    ClientRegistered,
    ClientRevoked,
    ClientsListed,
    GrantToken,
    ListClients,
    RegisterClient,
    RevokeClient,
    TokenGranted,
)
from comptoir.actors.revocation.messages import REVOCATIONS, EndAccess, Ground
from comptoir.engine import Decision, Event, Once, Outgoing, Refusal, Reply, State
from comptoir.engine.machine import Context, Machine, row

__all__ = [
    "CLIENTS_MAX",
    "MACHINE",
    "REPLIES",
    "REVOKED_MAX",
    "ClientForgotten",
    "ClientTaken",
    "ClientTokenGranted",
    "Phase",
    "Registered",
    "RegistryState",
]

CLIENTS_MAX: Final = 1_000
"""Partners with a program of their own; the state with all of them is some hundred kilobytes."""
REVOKED_MAX: Final = 1_000
"""Of ids that are remembered, thirty bytes each; nobody asks again a thousand revocations later."""
ONCE_MS: Final = 86_400_000
"""For how long a request may be run again (interface.md 1)."""
NOBODY: Final = "0" * 64
"""A digest that no secret is known to have."""


class Phase(Enum):
    """Whether there is any client."""

    EMPTY = "empty"
    OPEN = "open"


class Registered(msgspec.Struct, frozen=True):
    """A client and what proves it."""

    client: Client
    secret_digest: str


class RegistryState(State, frozen=True):
    """Every client by its id, the oldest first. Sealed as a whole at rest."""

    phase: Phase
    clients: dict[str, Registered] = msgspec.field(default_factory=dict[str, Registered])
    revoked: tuple[str, ...] = ()
    """Ids of those that are no more, the oldest first."""


class ClientTaken(Event, frozen=True):
    """Somebody registered a client."""

    client_id: str
    name: str
    scopes: tuple[str, ...]


class ClientForgotten(Event, frozen=True):
    """Somebody revoked a client."""

    client_id: str
    name: str


class ClientTokenGranted(Event, frozen=True):
    """A client was let have an access token."""

    client_id: str
    scopes: tuple[str, ...]
    token_id: str
    life_s: int


Outcome = Decision[RegistryState]


def _register(state: RegistryState, message: RegisterClient, context: Context) -> Outcome | Refusal:
    known = state.clients.get(message.client_id)
    if known is not None:
        if known.secret_digest != message.secret_digest:
            return Refusal("CLIENT_KNOWN", "draw another id")
        return Decision(state, ClientRegistered(known.client))
    if len(state.clients) >= CLIENTS_MAX:
        return Refusal("CLIENTS_TOO_MANY", "revoke those that nobody uses")
    client = Client(message.client_id, message.name, message.scopes, context.now)
    clients = {**state.clients, client.id: Registered(client, message.secret_digest)}
    return Decision(
        RegistryState(Phase.OPEN, clients, state.revoked),
        ClientRegistered(client),
        events=(ClientTaken(client.id, client.name, client.scopes),),
        # Asked for again when it was revoked meanwhile, it does not come back.
        once=(Once("idempotency", f"{KIND}:{client.id}:{message.secret_digest}", ONCE_MS),),
    )


def _revoke(state: RegistryState, message: RevokeClient, _context: Context) -> Outcome | Refusal:
    known = state.clients.get(message.client_id)
    if known is None:
        was = message.client_id in state.revoked
        return Decision(state, ClientRevoked(message.client_id)) if was else MACHINE.refusal
    clients = {name: one for name, one in state.clients.items() if one is not known}
    return Decision(
        RegistryState(
            Phase.OPEN if clients else Phase.EMPTY,
            clients,
            (*state.revoked[-(REVOKED_MAX - 1) :], message.client_id),
        ),
        ClientRevoked(message.client_id),
        events=(ClientForgotten(message.client_id, known.client.name),),
        messages=(Outgoing(REVOCATIONS, EndAccess(Ground.CLIENT, message.client_id)),),
    )


def _list(state: RegistryState, _message: ListClients, _context: Context) -> Outcome:
    return Decision(state, ClientsListed(tuple(one.client for one in state.clients.values())))


def _proven(state: RegistryState, client_id: str, secret_digest: str) -> Client | None:
    """The client, if it is who it says; one that is not there takes as long."""
    known = state.clients.get(client_id)
    digest = NOBODY if known is None else known.secret_digest
    same = hmac.compare_digest(digest.encode(), secret_digest.encode())
    return known.client if known is not None and same else None


def _authenticate(
    state: RegistryState, message: AuthenticateClient, _context: Context
) -> Outcome | Refusal:
    client = _proven(state, message.client_id, message.secret_digest)
    return MACHINE.refusal if client is None else Decision(state, ClientAuthenticated(client.id))


def _grant(state: RegistryState, message: GrantToken, _context: Context) -> Outcome | Refusal:
    client = _proven(state, message.client_id, message.secret_digest)
    if client is None:
        return MACHINE.refusal
    scopes = message.scopes or client.scopes
    if not set(scopes) <= set(client.scopes):
        return Refusal(SCOPE_REFUSED, "the client has not all of these scopes")
    granted = ClientTokenGranted(client.id, scopes, message.token_id, message.life_s)
    return Decision(state, TokenGranted(client.id, scopes), events=(granted,))


MACHINE: Machine[RegistryState] = Machine(
    KIND,
    phases=Phase,
    messages=(RegisterClient, RevokeClient, ListClients, AuthenticateClient, GrantToken),
    rows=(
        row(Phase.EMPTY, RegisterClient, _register, Phase.OPEN),
        row(Phase.EMPTY, RevokeClient, _revoke, Phase.EMPTY),
        row(Phase.EMPTY, ListClients, _list, Phase.EMPTY),
        row(Phase.OPEN, RegisterClient, _register, Phase.OPEN),
        row(Phase.OPEN, RevokeClient, _revoke, Phase.OPEN, Phase.EMPTY),
        row(Phase.OPEN, ListClients, _list, Phase.OPEN),
        row(Phase.OPEN, AuthenticateClient, _authenticate, Phase.OPEN),
        row(Phase.OPEN, GrantToken, _grant, Phase.OPEN),
    ),
    refusal=Refusal(CLIENT_UNKNOWN, "no client has this id and this secret"),
)

REPLIES: tuple[type[Reply], ...] = (
    ClientRegistered,
    ClientRevoked,
    ClientsListed,
    ClientAuthenticated,
    TokenGranted,
)

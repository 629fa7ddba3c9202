"""Samples of the registry of service clients: each phase, and what may be said to it."""

from comptoir.actors.clients import machine as clients
from comptoir.actors.clients.messages import (
    AuthenticateClient,
    Client,
    GrantToken,
    ListClients,
    RegisterClient,
    RevokeClient,
)
from comptoir.engine import Message

__all__ = ["OF_CLIENTS"]

NOW = 1_800_000_000_000
DIGEST = "d" * 64
EMPTY = clients.RegistryState(clients.Phase.EMPTY, revoked=("cl_1",))
REGISTRY = clients.RegistryState(
    clients.Phase.OPEN,
    {one: clients.Registered(Client(one, "n", ("a:b",), NOW), DIGEST) for one in ("cl_1", "cl_2")},
)
ALONE = clients.RegistryState(clients.Phase.OPEN, {"cl_1": REGISTRY.clients["cl_1"]})
TO_CLIENTS: tuple[Message, ...] = (
    RegisterClient("cl_3", "n", ("a:b",), DIGEST), RevokeClient("cl_1"), ListClients(),
    AuthenticateClient("cl_1", DIGEST), GrantToken("cl_1", DIGEST, (), "jti1", 900),
)  # fmt: skip
OF_CLIENTS = (
    *((EMPTY, message) for message in TO_CLIENTS),
    *((REGISTRY, message) for message in TO_CLIENTS),
    (ALONE, RevokeClient("cl_1")),
)

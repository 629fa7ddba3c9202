"""The gateway `keys`: what actors ask of the key store.

Rule: the store is a file with a disk of its own, so it is called as every outside party is: a durable row
until it is done, bounded tries, a dead letter in the end. Keys go only when no row waits for their actor
any more, since nobody could open it then. Destroying what is destroyed and asking for what was asked for
change nothing, so both may be repeated. Source: spec.md S59, X13, X14; docs/keys.md.
"""

from functools import partial
from typing import Final

import trio

from comptoir.actors.erasure.messages import KeysDestroyed
from comptoir.actors.gateways.messages import KEYS, DestroyKeys, RotateKey
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.journal import Journal
from comptoir.engine.values import Address, Message
from comptoir.storage.errors import KeyStoreUnavailable
from comptoir.storage.keys import Keyring
from comptoir.storage.keys.errors import RotationRefused
from comptoir.storage.keys.rotation import KINDS, ask_rotation

__all__ = ["keys_gateway"]

ALL: Final = "all"
EVER_MS: Final = 253_402_300_799_000
"""The end of the year 9999: every timer is due by then."""
BOUNDS: Final = GatewayBounds(
    deadline_s=60.0, calls_max=1, retry_delays_ms=(1_000, 10_000, 60_000, 600_000, 3_600_000)
)
"""One at a time: each is a write of one file. Tries reach over an hour of a full disk."""


def keys_gateway(keyring: Keyring | None, journal: Journal) -> GatewaySpec:
    """The gateway over a key store; without one, all is refused.

    Args:
        keyring: what seals.
        journal: tells whether anything is on its way.
    """

    def held() -> Keyring:
        if keyring is None:
            raise CallFault("VAULT_STORE_NONE", retryable=False, sick=False)
        return keyring

    async def destroy(message: DestroyKeys, _context: CallContext) -> Message | None:
        ring = held()
        actors = [Address(kind, key) for kind, key in message.actors]
        for actor in actors:
            if await journal.pending(actor, 1, EVER_MS):
                raise CallFault("STILL_ON_ITS_WAY", retryable=True, sick=False)
        try:
            return KeysDestroyed(await ring.erase(actors))
        except KeyStoreUnavailable as error:
            raise CallFault(error.code, retryable=True) from error

    async def rotate(message: RotateKey, _context: CallContext) -> Message | None:
        ring = held()
        try:
            for kind in KINDS if message.what == ALL else (message.what,):
                asking = partial(ask_rotation, ring.store, kind, renew=kind == "kek")
                await trio.to_thread.run_sync(asking)
        except RotationRefused as error:
            raise CallFault(error.code, retryable=False, sick=False) from error
        except KeyStoreUnavailable as error:
            raise CallFault(error.code, retryable=True) from error
        return None

    return GatewaySpec(
        KEYS.kind,
        {
            DestroyKeys: Operation(destroy, lambda message: f"erase:{message.reference}"),
            RotateKey: Operation(rotate, lambda message: f"rotate:{message.reference}"),
        },
        BOUNDS,
        dead_queue="dlq:access",
    )

"""By which access a provider is asked: a call names the connection, and the access is that of the moment in which it leaves.

Rules:
- a call that was parked does not outlive its access, and no pending row has one in it (S59);
- what is read is read only while the consent is in force then: of one that has ended meanwhile nothing is asked (S57);
- what is revoked is revoked only while it is to end: a call that comes late, or was a dead letter, never ends what was
  linked anew (S57);
- an access whose time is over may be good all the same (Powens's have none, and are replaced by a schedule); where it is
  refused, that says nothing of the connection: it is being replaced (connection/tokens.py), and whoever asks comes back;
- a session that has no connection yet, and a row of an earlier release, name none and carry the access.

Source: spec.md S45, S57, S59, X18; docs/adr/0038.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from comptoir.actors.gateways.messages import (
    FindPurchase,
    Held,
    ReadTransactions,
    RegisterWebhook,
    RevokeAccess,
    Tokens,
)
from comptoir.engine.errors import Unavailable
from comptoir.engine.gateway_spec import CallFault

__all__ = ["Accesses", "by_access", "by_access_now", "by_access_of_the_end"]


Accesses = Callable[[str], Awaitable[Held]]
"""`await accesses(link)`: by the connection's key, from what is committed."""
Named = TypeVar("Named", FindPurchase, ReadTransactions, RegisterWebhook, RevokeAccess)
Read = TypeVar("Read", FindPurchase, ReadTransactions)


async def by_access(asked: Named, accesses: Accesses) -> Named | None:
    """The call with its access; None: there is none any more.

    Raises:
        CallFault: STORAGE_UNAVAILABLE: it cannot be known now.
    """
    if not asked.link:
        return asked
    return _with(asked, (await _held(asked.link, accesses)).tokens)


async def by_access_now(asked: Read, accesses: Accesses, now: int) -> tuple[Read, bool] | None:
    """The call that reads, with its access, and whether the time of that is over; None: nothing may be read.

    Raises:
        CallFault: as `by_access`.
    """
    if not asked.link:
        return asked, False
    held = await _held(asked.link, accesses)
    if not held.readable or held.tokens is None:
        return None
    used = msgspec.structs.replace(asked, access=held.tokens.access)
    return used, 0 < held.tokens.expires_at <= now


async def _held(link: str, accesses: Accesses) -> Held:
    try:
        return await accesses(link)
    except Unavailable as error:
        raise CallFault(error.code, retryable=True, sick=False) from error


async def by_access_of_the_end(asked: RevokeAccess, accesses: Accesses) -> RevokeAccess | None:
    """The call that ends it, with its access; None: there is nothing to end any more.

    Raises:
        CallFault: as `by_access`.
    """
    if not asked.link:
        return asked
    held = await _held(asked.link, accesses)
    return _with(asked, held.tokens) if held.ending else None


def _with(asked: Named, tokens: Tokens | None) -> Named | None:
    return None if tokens is None else msgspec.structs.replace(asked, access=tokens.access)

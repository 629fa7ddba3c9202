"""One wallet over memory, and what its connection tells it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from comptoir.actors.connection.views import find_transaction
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet.messages import Credit, Restate, document_key
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.actors.wallet.state import Phase, WalletState
from comptoir.engine import Address, Message
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.parts import Parts
from comptoir.engine.spec import Bounds
from comptoir.storage.testing import MemoryJournal, MemoryTables

ME = Address("wallet", "u1")
RATE_BP = 333


def shown(identity: str) -> dict[str, Any]:
    """What the connection writes of a purchase."""
    return {
        "provider": "plaid", "transaction_id": identity, "user_id": "u1", "status": "received",
        "amount_cents": 1, "currency": "EUR", "direction": "DEBIT", "date": "2026-11-21",
        "merchant_name": "CHEZ NOUS", "partner_id": "p", "points": 0, "trace": [], "received_at": 0,
    }  # fmt: skip


def credit(identity: str, cents: int, **changes: Any) -> Credit:
    """A purchase as it is told first."""
    made = Credit("plaid", identity, "p", cents, cents, RATE_BP, f"tag{cents}")
    return msgspec.structs.replace(made, **changes)


def anew(
    identity: str,
    replaces: str,
    cents: int,
    *,
    revision: int = 0,
    removed: bool = False,
    pending: bool = False,
    **changes: Any,
) -> Restate:
    """A purchase as a provider tells it that may tell it more than once."""
    document = {**shown(identity), "amount_cents": cents}
    told = credit(identity, cents, **changes)
    return Restate(told, replaces, document, revision, removed=removed, pending=pending)


class Wallet:
    """One wallet over memory."""

    def __init__(self, engine: Engine, tables: MemoryTables) -> None:
        self.engine = engine
        self.tables = tables

    async def told(self, *messages: Message) -> WalletState:
        """The wallet after these messages, each of whose purchases has a document."""
        for message in messages:
            if isinstance(message, Credit):
                key = ("transaction", document_key(message.provider, message.transaction_id))
                document = {
                    **shown(message.transaction_id),
                    "provider": message.provider,
                    "amount_cents": message.amount_cents,
                }
                self.tables.documents.setdefault(key, ("u1", document, 0))
            await self.engine.ask(ME, message)
            assert await self.engine.quiesce(5)
        loaded = await self.engine.journal.load(ME)
        if loaded is None:  # nothing changed it
            return WalletState(Phase.NEW)
        return msgspec.json.decode(loaded.state, type=WalletState)

    def events(self) -> list[str]:
        """The names of all events."""
        return [one.type for one in self.tables.events]

    async def found(self, identity: str) -> dict[str, Any]:
        """A transaction as people see it."""
        document = await find_transaction(self.engine.journal, identity)
        assert document is not None
        return document


@asynccontextmanager
async def opened(
    programme: Programme | None = None, clock: BusinessClock | None = None
) -> AsyncGenerator[Wallet, None]:
    """An engine with wallets alone, by another clock where one is given."""
    tables = MemoryTables()
    async with MemoryJournal.open(tables) as journal:
        parts = Parts(
            journal=journal,
            clock=clock or BusinessClock(manual=True),
            actors=(wallet_spec(Bounds(), lambda _decided: None),),
            constants={PROGRAMME: programme or Programme()},
        )
        async with Engine(parts).running() as engine:
            yield Wallet(engine, tables)

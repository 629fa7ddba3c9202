"""How a wallet looks from outside: the shapes of interface.md 7, from what is committed.

Rule: a view reads, never decides; it shows only what is durable.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from comptoir.actors.programme import Programme
from comptoir.actors.wallet.messages import KIND
from comptoir.actors.wallet.points import tier_for
from comptoir.actors.wallet.standing import points_counted
from comptoir.actors.wallet.state import WalletState
from comptoir.engine.journal import Ending, Entry, Journal
from comptoir.engine.values import Address

__all__ = ["show_entry", "show_time", "show_wallet"]

FORECAST_DAYS_MAX = 1000
"""Days on which points end that are shown, the first ones."""
DATE_LENGTH = 10
_STATES = msgspec.json.Decoder(WalletState)


def show_time(at_ms: int) -> str:
    """RFC 3339 UTC with milliseconds (interface.md 1)."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _balance(available: int, pending: int, blocked: int, shortfall: int) -> dict[str, int]:
    return {
        "available": available,
        "pending": pending,
        "blocked": blocked,
        "shortfall": shortfall,
    }


async def show_wallet(
    journal: Journal, user_id: str, programme: Programme, now: int
) -> dict[str, Any] | None:
    """GET /api/v1/wallets/{userId} at a business time; None for a user never seen."""
    loaded = await journal.load(Address(KIND, user_id))
    if loaded is None:
        return None
    state = _STATES.decode(loaded.state)
    standing = tier_for(points_counted(state, programme, now), programme.tiers)
    above = standing.next
    return {
        "userId": user_id,
        "balance": _balance(state.available, state.pending, state.blocked, state.shortfall),
        "valueCents": state.available * programme.value_cents,
        "currency": programme.currency,
        "tier": {
            "id": standing.tier.id,
            "name": standing.tier.name,
            "multiplierBp": standing.tier.multiplier_bp,
            "next": None
            if above is None
            else {"id": above.id, "missingPoints": standing.missing_points},
        },
        "expiring": [
            {"on": show_time(ending.at - 1)[:DATE_LENGTH], "points": ending.points}
            for ending in await _endings(journal, user_id, state)
        ],
        "version": loaded.version,
        "updatedAt": show_time(state.updated_at),
    }


async def _endings(journal: Journal, user_id: str, state: WalletState) -> list[Ending]:
    """When its points end; nothing is read where none do."""
    return await journal.lots_ending(user_id, FORECAST_DAYS_MAX) if state.expiry_at else []


def show_entry(entry: Entry) -> dict[str, Any]:
    """One item of GET /api/v1/wallets/{userId}/entries."""
    return {
        "entryId": str(entry.id),
        "kind": entry.kind,
        "points": entry.points,
        "balanceAfter": _balance(*entry.after),
        "lotId": entry.lot,
        "transactionId": entry.transaction,
        "withdrawalId": entry.withdrawal,
        "occurredAt": show_time(entry.at),
    }

"""How transactions and connections look from outside (interface.md 7), from what is committed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from comptoir.actors.connection.conditions import CONDITIONS, CONSENT_ENDED
from comptoir.actors.connection.messages import CONNECTIONS, KIND, OWNERS
from comptoir.actors.connection.state import ConnectionState, Phase
from comptoir.actors.connection.transactions import DEBIT
from comptoir.actors.gateways.messages import Held
from comptoir.actors.programme import PROVIDERS
from comptoir.actors.wallet.messages import STANDS_FOR, TRANSACTIONS, document_key
from comptoir.engine.journal import Journal
from comptoir.engine.values import Address

__all__ = [
    "find_access",
    "find_connections",
    "find_owner",
    "find_purchases",
    "find_transaction",
    "show_connection",
    "show_transaction",
]


_STATES = msgspec.json.Decoder(ConnectionState)


def _time(at_ms: object) -> str | None:
    if at_ms is None:
        return None
    moment = datetime.fromtimestamp(int(str(at_ms)) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def show_transaction(document: dict[str, Any]) -> dict[str, Any]:
    """GET /api/v1/transactions/{transactionId} (interface.md 7)."""
    return {
        "transactionId": document["transaction_id"],
        "provider": document["provider"],
        "userId": document["user_id"],
        "status": document["status"],
        "amountCents": document["amount_cents"],
        "currency": document["currency"],
        "direction": document["direction"],
        "date": document["date"],
        "merchantName": document["merchant_name"],
        "partnerId": document["partner_id"],
        "points": document.get("points", 0),
        "trace": document["trace"],
        "receivedAt": _time(document["received_at"]),
        "creditedAt": _time(document.get("credited_at")),
    }


async def find_transaction(journal: Journal, transaction_id: str) -> dict[str, Any] | None:
    """The document of a transaction, whichever provider told of it; None if dropped (X23)."""
    keys = [document_key(provider, transaction_id) for provider in PROVIDERS]
    found = await journal.documents(TRANSACTIONS, keys)
    told = next((found[key] for key in keys if key in found), None)
    if told is None or STANDS_FOR not in told:
        return told
    first = (await journal.documents(TRANSACTIONS, [told[STANDS_FOR]]))[told[STANDS_FOR]]
    return {**told, **{name: first.get(name) for name in ("status", "points", "credited_at")}}


async def find_purchases(
    journal: Journal, after: str, limit: int
) -> tuple[str | None, list[dict[str, Any]]]:
    """Purchases that were matched, of a page of transactions after a key; and the page's last key."""
    page = await journal.scan(TRANSACTIONS, after, limit)
    found = [one for _, one in page if one.get("direction") == DEBIT and STANDS_FOR not in one]
    return (page[-1][0] if page else None), found


def show_connection(document: Mapping[str, Any]) -> dict[str, Any]:
    """GET /api/v1/connections/{id} (interface.md 7)."""
    return {
        "id": document["id"],
        "provider": document["provider"],
        "bankName": document["bank_name"],
        "cardLast4": document["card_last4"],
        "status": document["status"],
        "consentExpiresAt": _time(document["consent_expires_at"]),
        "linkedAt": _time(document["linked_at"]),
        "condition": _show_condition(document),
    }


def _show_condition(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Why nothing is read, and what to do about it; None: all is well, or it is over."""
    name = document.get("condition")
    if name is None and document["status"] == "expired":
        name = CONSENT_ENDED
    if name is None or document["status"] not in ("active", "expired"):
        return None
    meaning = CONDITIONS[name]
    return {
        "name": name,
        "remedy": meaning.remedy,
        "code": meaning.code,
        "userAction": {"fr": meaning.fr, "en": meaning.en},
        "nextTryAt": _time(document.get("next_try") or None),
    }


async def find_connections(journal: Journal, user_id: str) -> dict[str, dict[str, Any]]:
    """A user's connections, also those that were revoked, by their ids."""
    return (await journal.documents(CONNECTIONS, [user_id])).get(user_id, {})


async def find_owner(journal: Journal, connection_id: str) -> dict[str, str] | None:
    """`user_id` and `key` of a connection; None if there never was one."""
    return (await journal.documents(OWNERS, [connection_id])).get(connection_id)


async def find_access(journal: Journal, link: str) -> Held:
    """By what a provider is asked for a connection now: for its gateway alone, and for nobody to keep (S59)."""
    loaded = await journal.load(Address(KIND, link))
    if loaded is None:
        return Held(None, readable=False)
    state = _STATES.decode(loaded.state)
    return Held(state.tokens, state.phase is Phase.LINKED, state.phase is Phase.REVOKING)

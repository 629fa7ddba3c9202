"""How a transaction looks from outside (interface.md 7), from what is committed."""

from datetime import UTC, datetime
from typing import Any

from comptoir.actors.programme import PROVIDERS
from comptoir.actors.wallet.messages import TRANSACTIONS, document_key
from comptoir.engine.journal import Journal

__all__ = ["find_transaction", "show_transaction"]


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
    return next((found[key] for key in keys if key in found), None)

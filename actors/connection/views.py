"""How a transaction looks from outside (interface.md 7), from what is committed."""

from typing import Any

from comptoir.actors.programme import PROVIDERS
from comptoir.actors.wallet.messages import TRANSACTIONS, document_key
from comptoir.engine.journal import Journal

__all__ = ["find_transaction"]


async def find_transaction(journal: Journal, transaction_id: str) -> dict[str, Any] | None:
    """The document of a transaction, whichever provider told of it; None if dropped (X23)."""
    keys = [document_key(provider, transaction_id) for provider in PROVIDERS]
    found = await journal.documents(TRANSACTIONS, keys)
    return next((found[key] for key in keys if key in found), None)

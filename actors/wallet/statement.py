"""Names beside movements and lots: whose purchase it was, from the documents of purchases and partners.

Rule: a view reads, never decides; what has no document any more has no name. The books themselves are
`engine/books.py`'s. Source: spec.md S47, E7; interface.md 7 (statements).
"""

from collections.abc import Iterable, Sequence

import msgspec

from comptoir.actors.merchants.messages import COLLECTION as PARTNERS
from comptoir.actors.programme import PROVIDERS
from comptoir.actors.wallet.messages import STANDS_FOR, TRANSACTIONS, document_key
from comptoir.engine.books import Movement
from comptoir.engine.journal import Journal

__all__ = ["Line", "Purchase", "find_purchases", "label"]


class Purchase(msgspec.Struct, frozen=True, gc=False):
    """As much of a purchase as is shown beside its points."""

    transaction_id: str
    date: str
    partner_id: str | None
    partner_name: str
    """The partner's, as it is called now; else as the bank called it."""
    amount_cents: int
    currency: str


class Line(msgspec.Struct, frozen=True, gc=False):
    """One movement, and at whose place."""

    movement: Movement
    partner: str | None


async def find_purchases(
    journal: Journal, owner: str, transactions: Iterable[str]
) -> dict[str, Purchase]:
    """The purchases of one owner among these transactions, whichever provider told of them."""
    wanted = dict.fromkeys(transactions)
    keys = {document_key(provider, one): one for one in wanted for provider in PROVIDERS}
    found = await journal.documents(TRANSACTIONS, list(keys))
    mine = {
        keys[key]: one
        for key, one in found.items()
        if one.get("user_id") == owner and STANDS_FOR not in one
    }
    named = {one["partner_id"] for one in mine.values() if one.get("partner_id")}
    partners = await journal.documents(PARTNERS, sorted(named)) if named else {}
    return {
        identity: Purchase(
            identity,
            str(one["date"]),
            one.get("partner_id"),
            str(partners.get(str(one.get("partner_id")), {}).get("name") or one["merchant_name"]),
            int(one["amount_cents"]),
            str(one["currency"]),
        )
        for identity, one in mine.items()
    }


async def label(journal: Journal, owner: str, movements: Sequence[Movement]) -> list[Line]:
    """Movements with the names of their partners."""
    told = await find_purchases(journal, owner, (x.transaction for x in movements if x.transaction))
    return [
        Line(x, told[x.transaction].partner_name if x.transaction in told else None)
        for x in movements
    ]

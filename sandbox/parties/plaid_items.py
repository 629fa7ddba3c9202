"""What Plaid has of a person: an Item with its accounts, and what changed in it, read by a cursor.

Rule: it reads as `/transactions/sync` is documented: an update is all changes since a cursor, in pages; the
cursor of a page knows how many changes the update had when it began, and is void once there are more
(TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION). `/transactions/get` tells of days how they stand. It is as talkative as Plaid is: balances, and what S58 forbids.

Source: plaid.com/docs/api/products/transactions, /api/accounts, /api/items; spec.md S58.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.parties.bank import FORBIDDEN

Json = dict[str, Any]
CHANGES_MAX = 10_000
INSTITUTION = {"id": "ins_sandbox", "name": "Banque du Bac à Sable"}


class Mutated(Exception):
    """The update has changed since its first page was read."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change: `added`, `modified` or `removed`, and of what."""

    kind: str
    document: Json


@dataclass(slots=True)
class Item:
    """What a person lets be read."""

    id: str
    access: str
    mask: str
    account: str
    consent_ms: int
    """Its end, by the bank."""
    webhook: str = ""
    error: Json | None = None
    read: bool = False
    """Whether it was ever read: only then webhooks tell of changes."""
    changes: list[Change] = field(default_factory=list[Change])
    meanwhile: list[Change] = field(default_factory=list[Change])
    """What comes when the first page of an update was read, and it has more."""

    def shown(self) -> Json:
        """`item`, as in several answers."""
        return {
            "item_id": self.id, "institution_id": INSTITUTION["id"],
            "institution_name": INSTITUTION["name"], "webhook": self.webhook or None, "error": self.error,
            "available_products": ["balance"], "billed_products": ["transactions"],
            "products": ["transactions"], "consent_expiration_time": rfc3339(self.consent_ms),
            "update_type": "background", **FORBIDDEN,
        }  # fmt: skip

    def accounts(self) -> list[Json]:
        """Its card's account, and one that has none."""
        return [
            self._account(f"{self.account}_savings", "Livret", "savings", "0001"),
            self._account(self.account, "Compte courant", "checking", self.mask),
        ]

    @staticmethod
    def _account(identity: str, name: str, subtype: str, mask: str) -> Json:
        balances = {
            "available": 98765.43, "current": 98765.43, "limit": None, "iso_currency_code": "EUR",
            "unofficial_currency_code": None,
        }  # fmt: skip
        return {
            "account_id": identity, "name": name, "official_name": name, "mask": mask, "type": "depository",
            "subtype": subtype, "balances": balances, **FORBIDDEN,
        }  # fmt: skip

    def page(self, cursor: str, count: int, account: str) -> Json:
        """One page of an update, from a cursor of an earlier one (or from the beginning).

        Raises:
            Mutated: see there.
            ValueError: no cursor of ours.
        """
        begin, expected = _position(cursor)
        if begin > len(self.changes):
            raise ValueError("a cursor from nowhere")
        whole = len(self.changes)
        if expected and expected != whole:
            raise Mutated
        end = min(begin + count, whole)
        more = end < whole
        if more and self.meanwhile:
            self.changes += self.meanwhile
            self.meanwhile = []
        self.read = True
        found = self.changes[begin:end]
        of_account = [one for one in found if account in ("", one.document["account_id"])]
        documents = {
            kind: [one.document for one in of_account if one.kind == kind]
            for kind in ("added", "modified", "removed")
        }
        return {
            **documents, "accounts": self.accounts(), "has_more": more,
            "next_cursor": f"{end}.{whole}" if more else (str(end) if end else ""),
            "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE" if whole else "NOT_READY",
            **FORBIDDEN,
        }  # fmt: skip

    def between(self, first: str, last: str, accounts: list[str] | None) -> list[Json]:
        """Transactions of these days as they stand now, the latest first."""
        now: dict[str, Json] = {}
        for change in self.changes:
            document = change.document
            now.pop(document["transaction_id"], None)
            if change.kind != "removed":
                now.pop(document["pending_transaction_id"], None)
                now[document["transaction_id"]] = document
        return sorted(
            (
                one
                for one in now.values()
                if first <= one["date"] <= last
                and (accounts is None or one["account_id"] in accounts)
            ),
            key=lambda one: (one["date"], one["transaction_id"]),
            reverse=True,
        )

    def transaction(self, given: Json) -> Json:
        """A transaction as Plaid writes it, from what a test says of it."""
        identity = given.get("transaction_id") or f"tx_{secrets.token_hex(8)}"
        place = dict.fromkeys(
            ("address", "city", "region", "postal_code", "country", "store_number", "lat", "lon")
        )
        return {
            "transaction_id": identity, "account_id": self.account, "amount": 10.0, "iso_currency_code": "EUR",
            "unofficial_currency_code": None, "date": "2026-11-21", "datetime": None, "authorized_date": None,
            "authorized_datetime": None, "location": place, "name": "", "merchant_name": None,
            "original_description": None, "payment_meta": {}, "payment_channel": "in store",
            "pending": False, "pending_transaction_id": None, "account_owner": None,
            "transaction_code": "purchase", "personal_finance_category": None, **FORBIDDEN, **given,
        }  # fmt: skip


def _position(cursor: str) -> tuple[int, int]:
    """How many changes were read, and how many the update has; 0: any number."""
    if not cursor:
        return 0, 0
    begin, _, whole = cursor.partition(".")
    return int(begin), int(whole or 0)

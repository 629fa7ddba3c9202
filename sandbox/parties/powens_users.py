"""What Powens has of people: users with tokens, connections with accounts, transactions by their last update.

Rule: it reads as its pages are documented. Ids are numbers of the whole domain; times are those of Paris,
without a zone, as in real answers; amounts are texts. It is as talkative as Powens is: balances, and what S58
forbids.

Source: docs.powens.com/api-reference (users, connections, bank-accounts, bank-transactions); spec.md S58.
"""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from comptoir.sandbox.parties.bank import FORBIDDEN

Json = dict[str, Any]
TRANSACTIONS_MAX = 10_000
CONNECTOR: Json = {
    "id": 40, "uuid": "338178e6-3d01-564f-9a7b-52ca442459bf", "name": "Banque du Bac à Sable",
}  # fmt: skip
CONSENT_MS = 180 * 86_400_000
SUNDAY = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def paris(milliseconds: int) -> str:
    """A moment as Powens writes it: the wall clock of Paris (Directive 2000/84/EC), without a zone."""
    at = _EPOCH + timedelta(milliseconds=milliseconds)
    begin, end = (_last_sunday(at.year, month) for month in (3, 10))
    hours = 2 if begin <= at < end else 1
    return (at + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M:%S")


def _last_sunday(year: int, month: int) -> datetime:
    """One o'clock UTC of the last Sunday of a month of 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() - SUNDAY) % 7)


@dataclass(slots=True)
class Connection:
    """What a person lets be read."""

    id: int
    user: int
    card: str
    iban: str
    expires_ms: int
    state: str | None = None
    next_try: str | None = None
    active: bool = True
    disabled: str | None = None
    """Since when its account is not read."""
    transactions: dict[int, Json] = field(default_factory=dict[int, Json])
    untold: list[bytes] = field(default_factory=list[bytes])
    """Bodies of webhooks that nobody has taken yet."""

    @property
    def account_id(self) -> int:
        """Of its account with a card."""
        return self.id * 10 + 1

    def accounts(self) -> list[Json]:
        """One with a card, and one that has none."""
        return [
            self._account(self.account_id, "checking", f"0000123{self.card}", self.iban),
            self._account(self.account_id + 1, "savings", "00000000001", None),
        ]

    def _account(self, identity: int, kind: str, number: str, iban: str | None) -> Json:
        return {
            **FORBIDDEN, "id": identity, "id_connection": self.id, "id_user": self.user, "id_source": 1, "id_parent": None,
            "number": number, "original_name": "Compte", "balance": 98765.43, "coming": None, "display": True,
            "last_update": None, "deleted": None, "disabled": self.disabled, "iban": iban,
            "currency": {"id": "EUR", "name": "Euro"}, "type": kind, "id_type": 2, "bookmarked": 0,
            "name": "Compte", "error": None, "usage": "PRIV",
        }  # fmt: skip

    def shown(self, expand: str = "") -> Json:
        """`Connection`, with what was asked for beside."""
        wanted = expand.split(",")
        more: Json = {}
        if "connector" in wanted:
            more["connector"] = {**CONNECTOR, **FORBIDDEN}
        if "accounts" in wanted:
            more["accounts"] = [one for one in self.accounts() if one["disabled"] is None]
        return {
            "id": self.id, "id_user": self.user, "id_connector": CONNECTOR["id"],
            "connector_uuid": CONNECTOR["uuid"], "state": self.state, "error": self.state,
            "error_message": None, "fields": None, "last_update": None, "created": None,
            "active": self.active, "last_push": None, "expire": paris(self.expires_ms),
            "next_try": self.next_try, **more, **FORBIDDEN,
        }  # fmt: skip

    def book(self, given: Json, now_ms: int) -> Json:
        """A new transaction, or what has changed in one: as Powens writes it from now on."""
        identity = int(given.get("id") or secrets.randbelow(10**9) + 1)
        known: Json | None = self.transactions.get(identity)
        if known is None:
            day = paris(now_ms)[:10]
            known = {
                "id": identity, "id_account": self.account_id, "application_date": day, "date": day,
                "vdate": None, "rdate": day, "value": "-10.00", "gross_value": None, "type": "card",
                "original_wording": "CB", "simplified_wording": "", "wording": None, "categories": [],
                "date_scraped": paris(now_ms), "coming": False, "active": True, "comment": None,
                "deleted": None, "original_value": None, "original_currency": None, "country": None,
                "card": "XXXXXXXXXXXX" + self.card, "counterparty": None, **FORBIDDEN,
            }  # fmt: skip
        changed: Json = {**known, **given, "id": identity, "last_update": paris(now_ms)}
        self.transactions[identity] = changed
        return changed


@dataclass(slots=True)
class User:
    """Somebody, to Powens: a number."""

    id: int
    temporary: dict[str, int] = field(default_factory=dict[str, int])
    """Tokens with an end: when."""
    permanent: set[str] = field(default_factory=set[str])
    connections: dict[int, Connection] = field(default_factory=dict[int, Connection])

    def lives(self, now_ms: int) -> bool:
        """One that is temporary is forgotten with its last token."""
        return bool(self.permanent) or any(end > now_ms for end in self.temporary.values())

    def has(self, token: str, now_ms: int) -> bool:
        """Whether a token is this user's, and good."""
        return token in self.permanent or self.temporary.get(token, 0) > now_ms

"""What Tink has of people: users, their credentials with accounts, and transactions.

Rule: it reads as its pages are documented: ids of 32 hexadecimal digits, amounts as texts of whole numbers with a
scale. It is as talkative as Tink is: balances, and what S58 forbids.

Source: docs.tink.com/api (connectivity-v1: the provider consent model; data-v2: account, transaction); spec.md
S58.
"""

import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from comptoir.sandbox.clock import rfc3339
from comptoir.sandbox.parties.bank import FORBIDDEN

Json = dict[str, Any]
TRANSACTIONS_MAX = 10_000
CONSENT_MS = 180 * 86_400_000
BANK = "fr-bac-a-sable-ob"
BANK_NAME = "Banque du Bac à Sable"


def identity() -> str:
    """As Tink draws them."""
    return secrets.token_hex(16)


def exact(value: str) -> Json:
    """ExactNumber of an amount in major units."""
    _, digits, exponent = Decimal(value).as_tuple()
    assert isinstance(exponent, int)
    sign = "-" if value.startswith("-") else ""
    return {"scale": str(-exponent), "unscaledValue": sign + "".join(map(str, digits))}


@dataclass(slots=True)
class Credentials:
    """What a person lets be read of one bank."""

    card: str
    iban: str
    expires_ms: int
    updated_ms: int
    id: str = field(default_factory=identity)
    account: str = field(default_factory=identity)
    """Of its account with a card."""
    savings: str = field(default_factory=identity)
    status: str = "UPDATED"
    transactions: dict[str, Json] = field(default_factory=dict[str, Json])
    untold: list[bytes] = field(default_factory=list[bytes])
    """Bodies of webhooks that nobody has taken yet."""

    def consent(self) -> Json:
        """ProviderConsent."""
        return {
            "accountIds": [self.account, self.savings], "credentialsId": self.id, "detailedError": None,
            "providerName": BANK, "sessionExpiryDate": self.expires_ms, "sessionExtendable": False,
            "status": self.status, "statusUpdated": self.updated_ms, **FORBIDDEN,
        }  # fmt: skip

    def accounts(self, now_ms: int) -> list[Json]:
        """One with a card, and one that has none."""
        of_card = {
            "iban": {"iban": self.iban, "bban": self.iban[4:]},
            "pan": {"masked": f"4970 10** **** {self.card}"},
        }
        saved = {"financialInstitution": {"accountNumber": "00000000001"}}
        return [
            self._account(self.account, "CHECKING", of_card, now_ms),
            self._account(self.savings, "SAVINGS", saved, now_ms),
        ]

    @staticmethod
    def _account(named: str, kind: str, identifiers: Json, now_ms: int) -> Json:
        booked = {"amount": {"currencyCode": "EUR", "value": exact("98765.43")}}
        return {
            **FORBIDDEN, "balances": {"booked": booked}, "customerSegment": "PERSONAL",
            "dates": {"lastRefreshed": rfc3339(now_ms)}, "financialInstitutionId": "bac",
            "id": named, "identifiers": identifiers, "name": "Compte", "type": kind,
        }  # fmt: skip

    def book(self, given: Json, now_ms: int) -> Json:
        """A new transaction, or what has changed in one: as Tink shows it from now on."""
        named = str(given.get("id") or identity())
        known = self.transactions.get(named)
        if known is None:
            day = rfc3339(now_ms)[:10]
            known = {
                "id": named, "accountId": self.account,
                "amount": {"currencyCode": "EUR", "value": exact("-10.00")},
                "dates": {"booked": day, "value": day},
                "descriptions": {"display": "CB", "original": "CB"},
                "identifiers": {"providerTransactionId": named},
                "providerMutability": "MUTABILITY_UNDEFINED", "status": "BOOKED",
                "types": {"financialInstitutionTypeCode": "DEB", "type": "DEFAULT"}, **FORBIDDEN,
            }  # fmt: skip
        fields = {key: value for key, value in given.items() if key not in ("id", "value", "label")}
        if "value" in given:
            fields["amount"] = {"currencyCode": "EUR", "value": exact(str(given["value"]))}
        if "label" in given:
            fields["descriptions"] = {"display": "Chez Nous", "original": given["label"]}
        self.transactions[named] = {**known, **fields}
        return self.transactions[named]


@dataclass(slots=True)
class User:
    """Somebody, to Tink: an id, and the name that an app gave them."""

    name: str
    id: str = field(default_factory=identity)
    credentials: dict[str, Credentials] = field(default_factory=dict[str, Credentials])

    @property
    def context(self) -> Json:
        """Of a webhook."""
        return {"userId": self.id, "externalUserId": self.name}

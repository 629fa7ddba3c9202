"""What is read of Tink's answers: the fields that are named here, and no other (S58).

Source: docs.tink.com/api (data-v2: account; connectivity-v1: provider consent, provider); spec.md S58, S59.
"""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from comptoir.actors.connection.messages import Condition
from comptoir.actors.gateways.cards import last_digits
from comptoir.actors.gateways.tink_meaning import stands
from comptoir.actors.gateways.tink_transactions import Page

__all__ = [
    "ACCOUNTS", "BANKS", "CONSENTS", "PAGE", "Account", "Accounts", "Bank", "Banks", "Consent", "Consents",
]  # fmt: skip

_SHOWN: Final = re.compile(r"(?:[0-9] ?){4}\Z").search
"""The digits that end a masked number; where others end it, it shows none."""
_Id = Annotated[str, Meta(min_length=1, max_length=128)]
_Text = Annotated[str, Meta(max_length=512)]
_Number = Annotated[str, Meta(max_length=64)]
_Moment = Annotated[int, Meta(ge=0, le=10**15)]


class Consent(msgspec.Struct, frozen=True, rename="camel"):
    """ProviderConsent."""

    credentials_id: _Id
    status: Annotated[str, Meta(max_length=128)]
    account_ids: Annotated[list[_Id], Meta(max_length=1000)] = []
    provider_name: _Text = ""
    session_expiry_date: _Moment | None = None
    status_updated: _Moment = 0

    @property
    def condition(self) -> Condition | None:
        """How it stands; None: well."""
        return stands(self.status)

    @property
    def expires_at(self) -> int:
        """The session's end, ms since 1970; 0: it names none."""
        return self.session_expiry_date or 0


class Consents(msgspec.Struct, frozen=True, rename="camel"):
    """ProviderConsentListResponse."""

    provider_consents: Annotated[list[Consent], Meta(max_length=100)] = []


class _Iban(msgspec.Struct, frozen=True):
    iban: _Number = ""


class _Pan(msgspec.Struct, frozen=True):
    masked: _Number = ""


class _Identifiers(msgspec.Struct, frozen=True):
    iban: _Iban | None = None
    pan: _Pan | None = None


class Account(msgspec.Struct, frozen=True):
    """Account."""

    id: _Id
    type: str
    name: _Text = ""
    identifiers: _Identifiers | None = None

    @property
    def iban(self) -> str:
        """As it is told; empty: it has none."""
        found = self.identifiers.iban if self.identifiers is not None else None
        return "" if found is None else found.iban

    @property
    def last4(self) -> str:
        """The last digits that people know it by, the card's if there is one; empty: it has none."""
        pan = self.identifiers.pan if self.identifiers is not None else None
        card = _SHOWN(pan.masked) if pan is not None else None
        if card is not None:
            return "".join(card[0].split())
        return last_digits(self.iban)


class Accounts(msgspec.Struct, frozen=True, rename="camel"):
    """ListAccountsResponse."""

    accounts: Annotated[list[Account], Meta(max_length=1000)] = []
    next_page_token: Annotated[str, Meta(max_length=4096)] = ""


class Bank(msgspec.Struct, frozen=True, rename="camel"):
    """Provider: a bank."""

    display_name: Annotated[str, Meta(max_length=128)] = ""


class Banks(msgspec.Struct, frozen=True):
    """ProviderListResponse."""

    providers: Annotated[list[Bank], Meta(max_length=1000)] = []


ACCOUNTS = msgspec.json.Decoder(Accounts)
BANKS = msgspec.json.Decoder(Banks)
CONSENTS = msgspec.json.Decoder(Consents)
PAGE = msgspec.json.Decoder(Page)

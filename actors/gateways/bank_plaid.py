"""The adapter `plaid`: Hosted Link, one token for ever, purchases read by a cursor.

What of it is unlike the provider of the source, and how the port's words are meant here:
- the code that is exchanged is the link token, which we know from the start; the person comes back with our
  `state` alone, on the address that we gave as the end of Hosted Link. `/link/token/get` says what they did;
- a connection is an Item, and of it one account is read: the one whose last digits people see;
- an access token does not end and is not replaced: `/item/access_token/invalidate` would end the old one
  before we had heard of the new one;
- a consent is renewed in Link's update mode; the token stays, and whether all is well says `/item/get`;
- webhooks say that there is something to read, and come only after it was read once: so whoever subscribes
  is told to read. What is read is one whole update, since a page of one that has changed meanwhile is void
  (TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION): the gateway's next try begins at the first page again.
Nothing of Plaid is idempotent by a key. A public token that was spent without our hearing of it ends in a
refusal; the Item of it has no webhook and is not read.

Source: plaid.com/docs/link/hosted-link, plaid.com/docs/link/update-mode, plaid.com/docs/api/link
(/link/token/create, /link/token/get), plaid.com/docs/api/items (/item/public_token/exchange, /item/get,
/item/remove, /item/webhook/update), plaid.com/docs/api/accounts, plaid.com/docs/api/products/transactions;
spec.md S42, S45, S48, S51, S57 to S60, X15, E8. Schemas: tests/actors/gateways/plaid_schemas.py.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from comptoir.actors.connection.messages import (
    AccessRevoked,
    ConnectionReported,
    TokensRefreshed,
    TransactionReported,
    TransactionsRead,
)
from comptoir.actors.gateways.bank import ENDED, REFUSED, Blind
from comptoir.actors.gateways.finding import Days, Told
from comptoir.actors.gateways.messages import (
    ExchangeCode,
    FindPurchase,
    ReadAccounts,
    ReadTransactions,
    RefreshTokens,
    RegisterWebhook,
    RevokeAccess,
    StartLink,
    Tokens,
)
from comptoir.actors.gateways.plaid_api import GONE, PROVIDER, PlaidApi, PlaidRefused
from comptoir.actors.gateways.plaid_transactions import Page, Stretch, changes_of, reports_of
from comptoir.actors.linking.messages import AccountsRead, CodeExchanged, LinkStarted
from comptoir.engine.gateway_spec import CallContext, CallFault

__all__ = ["PlaidBank", "PlaidTerms"]

PAGE: Final = 500
"""Changes of one page: the most that Plaid gives."""
PAGES_MAX: Final = 10
"""Of one reading; what is beyond is read from there on, as an update of its own."""
ACCOUNT_FILTERS: Final = {
    "depository": {"account_subtypes": ["checking"]},
    "credit": {"account_subtypes": ["credit card"]},
}
"""Accounts that have a card; others are not even offered to the person (S60)."""
_LAST_DIGITS: Final = re.compile(r"[0-9]{4}").fullmatch
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Secret = Annotated[str, Meta(min_length=1, max_length=4096)]
_Text = Annotated[str, Meta(min_length=1, max_length=512)]


class PlaidTerms(msgspec.Struct, frozen=True):
    """What a link token is asked for with."""

    client_name: str
    """What people are told that they let read; at most 30 characters."""
    language: str
    country_codes: tuple[str, ...]
    history_days: int
    """Of purchases before the link, 1 to 730."""


class _Nothing(msgspec.Struct, frozen=True):
    """An answer of which nothing is needed."""


class _Begun(msgspec.Struct, frozen=True):
    link_token: _Secret
    hosted_link_url: Annotated[str, Meta(pattern=r"^https?://[\x21-\x7e]{1,4096}$")]


class _Added(msgspec.Struct, frozen=True):
    public_token: _Secret


class _Results(msgspec.Struct, frozen=True):
    item_add_results: Annotated[list[_Added], Meta(max_length=100)] = []


class _Session(msgspec.Struct, frozen=True):
    finished_at: datetime | None = None
    exit: _Nothing | None = None
    on_success: _Added | None = None
    results: _Results | None = None

    def public_token(self) -> str:
        """What the person's consent is worth; empty: they gave none yet."""
        if self.results is not None and self.results.item_add_results:
            return self.results.item_add_results[-1].public_token
        return "" if self.on_success is None else self.on_success.public_token


class _Link(msgspec.Struct, frozen=True):
    link_sessions: Annotated[list[_Session], Meta(max_length=100)] = []


class _Granted(msgspec.Struct, frozen=True):
    access_token: _Secret
    item_id: _Text


class _Item(msgspec.Struct, frozen=True):
    item_id: _Text
    error: _Nothing | None = None
    institution_id: _Text | None = None
    institution_name: Annotated[str, Meta(max_length=128)] | None = None
    consent_expiration_time: datetime | None = None


class _OfItem(msgspec.Struct, frozen=True):
    item: _Item


class _Account(msgspec.Struct, frozen=True):
    account_id: _Text
    name: Annotated[str, Meta(max_length=512)]
    type: str
    mask: str | None = None
    subtype: str | None = None
    persistent_account_id: _Text | None = None

    @property
    def has_card(self) -> bool:
        """Whether a card of it can be told by its last digits."""
        subtypes = ACCOUNT_FILTERS.get(self.type, {}).get("account_subtypes", [])
        return self.subtype in subtypes and _LAST_DIGITS(self.mask or "") is not None


class _Accounts(msgspec.Struct, frozen=True):
    accounts: Annotated[list[_Account], Meta(max_length=1000)]
    item: _Item


_NOTHING = msgspec.json.Decoder(_Nothing)
_BEGUN = msgspec.json.Decoder(_Begun)
_LINK = msgspec.json.Decoder(_Link)
_GRANTED = msgspec.json.Decoder(_Granted)
_OF_ITEM = msgspec.json.Decoder(_OfItem)
_ACCOUNTS = msgspec.json.Decoder(_Accounts)
_PAGE = msgspec.json.Decoder(Page)
_STRETCH = msgspec.json.Decoder(Stretch)


class PlaidBank:
    """The provider `plaid` (`Bank` of bank.py)."""

    def __init__(self, api: PlaidApi, terms: PlaidTerms, blind: Blind) -> None:
        """Args: Plaid in one environment; what links are asked for with; what makes blind indexes."""
        self._api = api
        self._terms = terms
        self._blind = blind

    def __repr__(self) -> str:
        return f"<PlaidBank {self._api!r}>"

    async def start(self, asked: StartLink, context: CallContext) -> LinkStarted:
        """POST /link/token/create, for Hosted Link; with an access token: update mode."""
        del context
        back = f"{asked.redirect_uri}?{urlencode({'state': asked.state})}"
        body: dict[str, object] = {
            "client_name": self._terms.client_name,
            "language": self._terms.language,
            "country_codes": list(self._terms.country_codes),
            "user": {"client_user_id": self._blind("plaid user", asked.user_id)},
            "hosted_link": {"completion_redirect_uri": back},
        }
        if asked.connection_id:
            body["access_token"] = asked.access
        else:
            body["products"] = ["transactions"]
            body["transactions"] = {"days_requested": self._terms.history_days}
            body["account_filters"] = ACCOUNT_FILTERS
        begun: _Begun = await self._api.post("/link/token/create", body, _BEGUN)
        return LinkStarted(begun.hosted_link_url, begun.link_token)

    async def exchange(self, asked: ExchangeCode, context: CallContext) -> CodeExchanged:
        """POST /link/token/get, and /item/public_token/exchange; after update mode /item/get."""
        del context
        link: _Link = await self._api.post("/link/token/get", {"link_token": asked.code}, _LINK)
        if asked.access:
            return await self._renewed(link, asked.access)
        public = next(filter(None, (one.public_token() for one in link.link_sessions)), "")
        if not public:
            raise _unfinished(link)
        body = {"public_token": public}
        granted: _Granted = await self._api.post("/item/public_token/exchange", body, _GRANTED)
        return self._exchanged(granted.item_id, granted.access_token)

    async def _renewed(self, link: _Link, access: str) -> CodeExchanged:
        """In update mode nothing new is given; that the Item is well is what they came for."""
        if not any(one.finished_at and one.exit is None for one in link.link_sessions):
            raise _unfinished(link)
        found: _OfItem = await self._api.post("/item/get", {"access_token": access}, _OF_ITEM)
        if found.item.error is not None:
            raise CallFault(ENDED, retryable=False, sick=False)
        return self._exchanged(found.item.item_id, access)

    def _exchanged(self, item_id: str, access: str) -> CodeExchanged:
        return CodeExchanged(item_id, self._blind(PROVIDER, item_id), Tokens(access, "", 0))

    async def refresh(self, asked: RefreshTokens, context: CallContext) -> TokensRefreshed:
        """Nobody asks: the tokens have no end."""
        del asked, context
        raise CallFault(REFUSED, retryable=False, sick=False)

    async def read_accounts(self, asked: ReadAccounts, context: CallContext) -> AccountsRead:
        """POST /accounts/get; a credit card before an account with a card."""
        del context
        body = {"access_token": asked.access}
        found: _Accounts = await self._api.post("/accounts/get", body, _ACCOUNTS)
        cards = sorted(
            (one for one in found.accounts if one.has_card), key=lambda one: one.type != "credit"
        )
        if not cards:
            raise CallFault(REFUSED, retryable=False, sick=False)
        account, item = cards[0], found.item
        ends_at = item.consent_expiration_time
        if ends_at is not None and ends_at.tzinfo is None:
            raise CallFault("BANK_ANSWER_INVALID", retryable=True)
        expires_at = 0 if ends_at is None else round((ends_at - _EPOCH).total_seconds() * 1000)
        return AccountsRead(
            self._blind("card", _named(account, item, asked.user_id)),
            item.institution_name or item.institution_id or "",
            account.mask or "",
            expires_at,
            account.account_id,
        )

    async def read_transactions(
        self, asked: ReadTransactions, context: CallContext
    ) -> TransactionsRead:
        """POST /transactions/sync, page by page to the end of the update."""
        del context
        pages: list[Page] = []
        cursor, more = asked.cursor, True
        while more and len(pages) < PAGES_MAX:
            body: dict[str, object] = {
                "access_token": asked.access,
                "count": PAGE,
                "options": {
                    "include_original_description": True,
                    **({"account_id": asked.account} if asked.account else {}),
                },
                **({"cursor": cursor} if cursor else {}),
            }
            page: Page = await self._api.post("/transactions/sync", body, _PAGE)
            if page.has_more and page.next_cursor == cursor:
                raise CallFault("BANK_ANSWER_INVALID", retryable=True)  # it would never end
            pages.append(page)
            cursor, more = page.next_cursor, page.has_more
        return TransactionsRead(tuple(changes_of(pages, asked.account)), cursor, more)

    async def read_days(self, asked: FindPurchase, days: Days, context: CallContext) -> Told:
        """POST /transactions/get, page by page: it moves no cursor."""
        del context
        told: list[TransactionReported] = []
        seen = 0
        for _ in range(PAGES_MAX):
            body: dict[str, object] = {
                "access_token": asked.access,
                "start_date": days.first,
                "end_date": days.last,
                "options": {
                    "count": PAGE,
                    "offset": seen,
                    "include_original_description": True,
                    **({"account_ids": [asked.account]} if asked.account else {}),
                },
            }
            page: Stretch = await self._api.post("/transactions/get", body, _STRETCH)
            told += reports_of(page, asked.account)
            seen += len(page.transactions)
            if seen >= page.total_transactions:
                return Told(told)
            if not page.transactions:
                raise CallFault("BANK_ANSWER_INVALID", retryable=True)  # it would never end
        raise CallFault(REFUSED, retryable=False, sick=False)

    async def revoke(self, asked: RevokeAccess, context: CallContext) -> AccessRevoked:
        """POST /item/remove; an Item that is not there has ended already."""
        del context
        try:
            await self._api.post("/item/remove", {"access_token": asked.access}, _NOTHING)
        except PlaidRefused as refused:
            if refused.reason not in GONE:
                raise
        return AccessRevoked()

    async def subscribe(
        self, asked: RegisterWebhook, context: CallContext
    ) -> ConnectionReported | None:
        """POST /item/webhook/update."""
        del context
        body = {"access_token": asked.access, "webhook": asked.url}
        await self._api.post("/item/webhook/update", body, _NOTHING)
        return ConnectionReported(PROVIDER, "updates", f"linked:{asked.reference}")


def _unfinished(link: _Link) -> CallFault:
    """They left Link without a consent, or Plaid has not written down yet that they gave one."""
    if any(one.exit is not None for one in link.link_sessions):
        return CallFault(REFUSED, retryable=False, sick=False)
    return CallFault("BANK_UNAVAILABLE", retryable=True, sick=False)


def _named(account: _Account, item: _Item, user_id: str) -> str:
    """What makes two links two of one card.

    Some banks name an account the same in every Item. Of others Plaid tells what their names and digits are,
    which many people's accounts share: there it is one person's account by these, in as many Items as it is.
    """
    if account.persistent_account_id:
        return f"{PROVIDER}:{account.persistent_account_id}"
    marks = (
        user_id,
        item.institution_id or "",
        account.subtype or "",
        account.name,
        account.mask or "",
    )
    return f"{PROVIDER}:{':'.join(marks)}"

"""The adapter `tink`: a user of theirs for each link, Tink Link, and a window that is read again and again.

How the port's words are meant here:
- each link is a user of its own there, named by a digest of the session: what is asked twice makes one, webhooks
  name it, and nothing is left when it is deleted, which it is if no connection comes of it. The connection's id
  is that name;
- the person goes to Tink Link: `connect-accounts` for a new link, `update-consent` to renew one. They come back
  with our `state`; which credentials they are, the user's consents say;
- access is the id of the credentials: it opens nothing without our own secret. Users' tokens are made for each
  operation and kept nowhere, so there is nothing to replace (tink_api.py);
- of the accounts that the consent shows one is read: a credit card before a current account;
- webhooks are registered once, for the whole app. Whoever subscribes is told to read: the first webhook may have
  come, and been lost, before there was a connection;
- every reading says how the consent stands, too.

Source: docs.tink.com/resources/transactions (continuous-connect-to-a-bank-account, managing-consents,
list-accounts, list-transactions), docs.tink.com/resources/tink-link-web, docs.tink.com/api (general,
connectivity-v1, data-v2); spec.md S42, S45, S48, S51, S57 to S60, X15, X20, E10. Schemas:
tests/actors/gateways/tink_schemas.py.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from comptoir.actors.connection.messages import (
    AccessRevoked,
    ConnectionReported,
    TokensRefreshed,
    TransactionReported,
    TransactionsRead,
)
from comptoir.actors.gateways.bank import ENDED, REFUSED, Blind, stop_unless_well
from comptoir.actors.gateways.cards import day_of, first_day, marks_of
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
from comptoir.actors.gateways.tink_api import NOT_FOUND, Asked, TinkApi, TinkRefused
from comptoir.actors.gateways.tink_meaning import GONE, PROVIDER, UPDATING
from comptoir.actors.gateways.tink_shapes import (
    ACCOUNTS,
    BANKS,
    CONSENTS,
    PAGE,
    Account,
    Accounts,
    Banks,
    Consent,
    Consents,
)
from comptoir.actors.gateways.tink_transactions import (
    Change,
    Cursor,
    Page,
    begun,
    changes_of,
    cursor_of,
    ended,
    text_of,
)
from comptoir.actors.linking.messages import AccountsRead, CodeExchanged, LinkStarted
from comptoir.engine.gateway_spec import CallContext, CallFault

__all__ = ["PAGES_MAX", "TinkBank", "TinkTerms"]

PAGE_SIZE: Final = "100"
"""Accounts or transactions of one page: the most that Tink gives."""
PAGES_MAX: Final = 10
"""Of one reading; what is beyond is read from there on."""
NAME_CHARACTERS: Final = 32
"""Of the name that a user is given: as many as Tink's own ids have."""
CONFLICT: Final = 409
BAD_REQUEST: Final = 400
ACCOUNT_TYPES: Final = ("CREDIT_CARD", "CHECKING")
"""Accounts with a card, the best first."""
TINK_LINK: Final = "df05e4b379934cd09963197cc855bfe9"
"""Tink Link itself, as the client that acts for us."""
LINK_SCOPE: Final = (
    "authorization:read,authorization:grant,credentials:refresh,credentials:read,credentials:write,"
    "providers:read,user:read"
)
"""What Tink's pages say that Tink Link needs."""
CONSENT_SCOPE: Final = "provider-consents:read"
CARD_SCOPE: Final = "accounts:read,credentials:read,provider-consents:read"
READ_SCOPE: Final = "provider-consents:read,transactions:read"
END_SCOPE: Final = "credentials:write,user:delete"


class TinkTerms(msgspec.Struct, frozen=True):
    """How people are sent there, and how much is read."""

    link_url: str
    """Of Tink Link."""
    market: str
    locale: str
    id_hint: str
    """What people are shown in Tink Link as whose account it is."""
    look_back_days: int
    """Of purchases before the link."""


class TinkBank:
    """The provider `tink` (`Bank` of bank.py)."""

    def __init__(self, api: TinkApi, terms: TinkTerms, blind: Blind) -> None:
        """Args: Tink for our app; how links are made; what makes blind indexes."""
        self._api = api
        self._terms = terms
        self._blind = blind

    def __repr__(self) -> str:
        return f"<TinkBank {self._api!r}>"

    async def start(self, asked: StartLink, context: CallContext) -> LinkStarted:
        """POST /api/v1/user/create and .../authorization-grant/delegate; of a renewal the latter alone."""
        renewal = bool(asked.connection_id)
        if renewal:
            flow, name = "update-consent", asked.connection_id
            more = {"credentials_id": asked.access}
        else:
            flow, name = (
                "connect-accounts",
                self._blind("tink user", asked.reference)[:NAME_CHARACTERS],
            )
            more = {"market": self._terms.market}
            await self._create(name, context.now)
        query = {
            "client_id": self._api.client_id,
            "redirect_uri": asked.redirect_uri,
            "authorization_code": await self._link_code(name, context.now),
            "state": asked.state,
            "locale": self._terms.locale,
            **more,
        }
        url = f"{self._terms.link_url}/1.0/transactions/{flow}?{urlencode(query)}"
        return LinkStarted(url, name, begun="" if renewal else name)

    async def _create(self, name: str, now: int) -> None:
        """A user who stays until they are deleted; one of that name is there after a lost answer."""
        body = {
            "external_user_id": name,
            "market": self._terms.market,
            "locale": self._terms.locale,
            "retention_class": "permanent",
        }
        token = await self._api.ours("user:create", now)
        try:
            await self._api.tell(Asked("POST", "/api/v1/user/create", token, body=body))
        except TinkRefused as refused:
            if refused.status != CONFLICT:
                raise

    async def _link_code(self, name: str, now: int) -> str:
        """What Tink Link acts for us by: good once, and for a short while."""
        path = "/api/v1/oauth/authorization-grant/delegate"
        form = {
            "external_user_id": name,
            "actor_client_id": TINK_LINK,
            "id_hint": self._terms.id_hint,
            "scope": LINK_SCOPE,
        }
        return await self._api.code(path, form, now)

    async def exchange(self, asked: ExchangeCode, context: CallContext) -> CodeExchanged:
        """GET /api/v1/provider-consents: what the person has just consented to, and whether all is well."""
        name = asked.code
        token = await self._api.of_user(name, CONSENT_SCOPE, context.now)
        consents = await self._consents(token, asked.access)
        if not consents:
            code = ENDED if asked.access else REFUSED
            raise CallFault(code, retryable=False, sick=False)
        newest = max(consents, key=lambda one: one.status_updated)
        stop_unless_well(newest.condition)
        tokens = Tokens(newest.credentials_id, "", 0)
        return CodeExchanged(name, self._blind(PROVIDER, name), tokens)

    async def _consents(self, token: str, credentials_id: str) -> list[Consent]:
        """Those that were not deleted: all of a user, or that of some credentials."""
        query = {"credentialsId": credentials_id} if credentials_id else None
        found: Consents = await self._api.ask(
            Asked("GET", "/api/v1/provider-consents", token, query), CONSENTS
        )
        return [
            one
            for one in found.provider_consents
            if one.status != GONE and credentials_id in ("", one.credentials_id)
        ]

    async def _consent(self, token: str, credentials_id: str) -> Consent:
        """That of some credentials.

        Raises:
            CallFault: BANK_ACCESS_ENDED: it is not there any more.
        """
        found = await self._consents(token, credentials_id)
        if not found:
            raise CallFault(ENDED, retryable=False, sick=False)
        return found[0]

    async def refresh(self, asked: RefreshTokens, context: CallContext) -> TokensRefreshed:
        """Nobody asks: there is nothing to replace."""
        del asked, context
        raise CallFault(REFUSED, retryable=False, sick=False)

    async def read_accounts(self, asked: ReadAccounts, context: CallContext) -> AccountsRead:
        """GET /data/v2/accounts; of those that the consent shows the best one names the card."""
        token = await self._api.of_user(asked.connection_id, CARD_SCOPE, context.now)
        consent = await self._consent(token, asked.access)
        accounts = [
            one
            for one in await self._accounts(token)
            if one.type in ACCOUNT_TYPES and one.last4 and one.id in consent.account_ids
        ]
        if not accounts:
            # While Tink is reading they may still come.
            reading = consent.status == UPDATING
            code = "BANK_UNAVAILABLE" if reading else REFUSED
            raise CallFault(code, retryable=reading, sick=False)
        account = min(accounts, key=lambda one: (ACCOUNT_TYPES.index(one.type), one.id))
        seen = (asked.user_id, consent.provider_name, account.type, account.name)
        marks = marks_of(PROVIDER, account.iban, seen)
        return AccountsRead(
            self._blind("card", f"{marks}:{account.last4}"),
            await self._bank_name(token, consent.provider_name),
            account.last4,
            consent.expires_at,
            account.id,
        )

    async def _accounts(self, token: str) -> list[Account]:
        """All pages, up to the bound."""
        accounts: list[Account] = []
        query = {"pageSize": PAGE_SIZE}
        for _ in range(PAGES_MAX):
            page: Accounts = await self._api.ask(
                Asked("GET", "/data/v2/accounts", token, query), ACCOUNTS
            )
            accounts += page.accounts
            if not page.next_page_token:
                break
            query = {"pageSize": PAGE_SIZE, "pageToken": page.next_page_token}
        return accounts

    async def _bank_name(self, token: str, provider_name: str) -> str:
        """As people know it; Tink's own name of it where it has no other."""
        query = {"name": provider_name, "includeTestProviders": "true"}
        found: Banks = await self._api.ask(Asked("GET", "/api/v1/providers", token, query), BANKS)
        return next((one.display_name for one in found.providers), "") or provider_name

    async def read_transactions(
        self, asked: ReadTransactions, context: CallContext
    ) -> TransactionsRead:
        """GET /data/v2/transactions, page by page, after how the consent stands."""
        first = first_day(context.now, self._terms.look_back_days)
        cursor = begun(cursor_of(asked.cursor), first)
        token = await self._api.of_user(asked.connection_id, READ_SCOPE, context.now)
        consent = await self._consent(token, asked.access)
        changes, cursor = await self._pages(cursor, asked.account, token)
        more = bool(cursor.page)
        reference = f"read:{context.business_key}"
        return TransactionsRead(
            tuple(changes),
            text_of(cursor if more else ended(cursor, day_of(context.now))),
            more,
            ConnectionReported(
                PROVIDER, "state", reference, consent.expires_at, condition=consent.condition
            ),
        )

    async def read_days(self, asked: FindPurchase, days: Days, context: CallContext) -> Told:
        """GET /data/v2/transactions of these days, after how the consent stands: it moves no cursor."""
        token = await self._api.of_user(asked.connection_id, READ_SCOPE, context.now)
        consent = await self._consent(token, asked.access)
        between = Cursor(day=days.first)
        changes, left = await self._pages(between, asked.account, token, days.last)
        if left.page:
            raise CallFault(REFUSED, retryable=False, sick=False)
        told = [one if isinstance(one, TransactionReported) else one.report for one in changes]
        return Told(told, consent.condition)

    async def _pages(
        self, cursor: Cursor, account: str, token: str, last_day: str = ""
    ) -> tuple[list[Change], Cursor]:
        """What pages up to the bound tell, and the cursor after them; without a last day: to the end."""
        query = {
            "pageSize": PAGE_SIZE,
            "bookedDateGte": cursor.day,
            "statusIn": "BOOKED",
            **({"bookedDateLte": last_day} if last_day else {}),
            **({"accountIdIn": account} if account else {}),
        }
        changes: list[Change] = []
        for _ in range(PAGES_MAX):
            page = await self._page(cursor, query, token)
            if page.next_page_token and page.next_page_token == cursor.page:
                raise CallFault("BANK_ANSWER_INVALID", retryable=True)  # it would never end
            told, cursor = changes_of(page, cursor, account, self._digest)
            changes += told
            if not cursor.page:
                break
        return changes, cursor

    async def _page(self, cursor: Cursor, query: Mapping[str, str], token: str) -> Page:
        """The cursor's page; the window's first one, where Tink does not know that page any more."""
        path = "/data/v2/transactions"
        if cursor.page:
            here = {**query, "pageToken": cursor.page}
            try:
                found: Page = await self._api.ask(Asked("GET", path, token, here), PAGE)
            except TinkRefused as refused:
                if refused.status != BAD_REQUEST:
                    raise
            else:
                return found
        first: Page = await self._api.ask(Asked("GET", path, token, query), PAGE)
        return first

    def _digest(self, text: str) -> str:
        return self._blind("tink transaction", text)

    async def revoke(self, asked: RevokeAccess, context: CallContext) -> AccessRevoked:
        """DELETE /api/v1/credentials/{id}, and the user with it; what is not there has ended already.

        Of a link that was only begun we know no credentials: those of its user go with them.
        """
        try:
            token = await self._api.of_user(asked.connection_id, END_SCOPE, context.now)
            if asked.access:
                gone = quote(asked.access, safe="")
                await self._end(Asked("DELETE", f"/api/v1/credentials/{gone}", token))
            await self._end(Asked("POST", "/api/v1/user/delete", token))
        except CallFault as fault:
            if fault.code != ENDED:
                raise
        return AccessRevoked()

    async def _end(self, asked: Asked) -> None:
        try:
            await self._api.tell(asked)
        except TinkRefused as refused:
            if refused.status != NOT_FOUND:
                raise

    async def subscribe(
        self, asked: RegisterWebhook, context: CallContext
    ) -> ConnectionReported | None:
        """Nothing is asked: the webhook is registered for the whole app."""
        del context
        return ConnectionReported(PROVIDER, "updates", f"linked:{asked.reference}")

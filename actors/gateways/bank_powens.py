"""The adapter `powens` (Budget Insight): a user of theirs for each link, a webview, a token without an end.

How the port's words are meant here:
- each link is a user of its own there, so that its token reads one connection and nobody else's, and nothing
  is left when it is revoked. The user is a temporary one, which Powens forgets after half an hour, until the
  person has consented: then its token is made permanent. Where the answer to that is lost, a new token is
  asked for by the user's id, which ends the lost one;
- the person goes to the webview: `connect` for a new link, `reconnect` to renew one, `manage` where none of
  the accounts is activated. They come back with our `state`; which connection it is, Powens says;
- a token has no end. It is replaced when it is so old as is configured, and when a new consent is in force,
  by `/auth/renew`, which wants our credentials and not the token. What is being read by the old one meanwhile
  is read again by the new one (syncing.py);
- webhooks are registered in Powens's console, for all connections. Whoever subscribes is told to read: the
  first webhook may have come, and been lost, before there was a connection;
- every reading says how the connection stands, too.
Nothing of Powens is idempotent by a key: what is asked twice makes a second temporary user, code or token, of
which the first is worth nothing to anybody.

Source: docs.powens.com/api-reference/overview/authentication, /overview/webview, /user-connections/connections,
/products/data-aggregation/bank-accounts and /bank-transactions, docs.powens.com/documentation/
integration-guides/sca-and-connection-states; protocols.md 5.1; spec.md S42, S45, S48, S51, S57 to S60, X15,
X20, E10. Schemas: tests/actors/gateways/powens_schemas.py.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from comptoir.actors.connection.messages import (
    AccessRevoked,
    ConnectionReported,
    TokensRefreshed,
    TransactionsRead,
)
from comptoir.actors.gateways.amounts import NO_CURRENCY
from comptoir.actors.gateways.bank import ENDED, REFUSED, Blind, stop_unless_well
from comptoir.actors.gateways.cards import first_day, marks_of
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
from comptoir.actors.gateways.powens_api import NO_ACCOUNT, Asked, PowensApi, PowensRefused
from comptoir.actors.gateways.powens_meaning import PROVIDER, moment_ms
from comptoir.actors.gateways.powens_shapes import (
    BEGUN,
    CODE,
    CONNECTION,
    CONNECTIONS,
    PAGE,
    TOKEN,
    Begun,
    Code,
    Connection,
    Connections,
    Connector,
    Token,
)
from comptoir.actors.gateways.powens_transactions import (
    Page,
    cursor_of,
    following,
    reports_of,
    updated_after,
)
from comptoir.actors.linking.messages import AccountsRead, CodeExchanged, LinkStarted
from comptoir.engine.gateway_spec import CallContext, CallFault

__all__ = ["PAGES_MAX", "PowensBank", "PowensTerms"]

LIMIT: Final = 500
"""Transactions of one page; Powens gives 1,000 at most."""
PAGES_MAX: Final = 10
"""Of one reading; what is beyond is read from there on."""
DAY_MS: Final = 86_400_000
NOT_FOUND: Final = 404
ACCOUNT_TYPES: Final = ("card", "checking")
"""Accounts with a card, the best first; others are not even offered to the person (S60)."""


class PowensTerms(msgspec.Struct, frozen=True):
    """How people are sent there, and how much is read."""

    webview_url: str
    """Of the webview, without the language."""
    language: str
    look_back_days: int
    """Of purchases before the link."""
    token_days: int
    """After which a token is replaced; 0: never."""


class PowensBank:
    """The provider `powens` (`Bank` of bank.py)."""

    def __init__(self, api: PowensApi, terms: PowensTerms, blind: Blind) -> None:
        """Args: Powens on our domain; how links are made; what makes blind indexes."""
        self._api = api
        self._terms = terms
        self._blind = blind

    def __repr__(self) -> str:
        return f"<PowensBank {self._api!r}>"

    async def start(self, asked: StartLink, context: CallContext) -> LinkStarted:
        """POST /auth/init and GET /auth/token/code, for the webview; of a renewal the code alone."""
        del context
        if asked.connection_id:
            return await self._start_renewal(asked)
        begun: Begun = await self._api.ask(Asked("POST", "/auth/init", body={}), BEGUN)
        connect = {
            "connector_capabilities": "bank",
            "account_types": ",".join(sorted(ACCOUNT_TYPES, reverse=True)),
            "max_connections": "1",
        }
        url = await self._webview("connect", asked, begun.auth_token, connect)
        return LinkStarted(url, f"{begun.id_user}:{begun.auth_token}")

    async def _start_renewal(self, asked: StartLink) -> LinkStarted:
        """Where all is well, the person gives their consent anew; else what is in the way is repaired."""
        found = await self._connection(asked.connection_id, asked.access)
        query = {"connection_id": asked.connection_id}
        flow = "reconnect"
        if found.state is None and not found.open_accounts:
            flow = "manage"
        elif found.condition is None:
            query["reset_credentials"] = "true"
        url = await self._webview(flow, asked, asked.access, query)
        return LinkStarted(url, asked.connection_id)

    async def _webview(self, flow: str, asked: StartLink, token: str, more: dict[str, str]) -> str:
        """Where the person goes; the code in it is good once, and for half an hour at most."""
        path = "/auth/token/code"
        code: Code = await self._api.ask(
            Asked("GET", path, token, query={"type": "singleAccess"}), CODE
        )
        query = {
            "domain": self._api.domain,
            "client_id": self._api.client_id,
            "redirect_uri": asked.redirect_uri,
            "code": code.code,
            "state": asked.state,
            **more,
        }
        return f"{self._terms.webview_url}/{self._terms.language}/{flow}?{urlencode(query)}"

    async def exchange(self, asked: ExchangeCode, context: CallContext) -> CodeExchanged:
        """GET /users/me/connections, and POST /auth/token/access; of a renewal, how it stands now."""
        if asked.access:
            return await self._renewed(asked.code, asked.access, context)
        user, _, temporary = asked.code.partition(":")
        try:
            found = await self._newest(temporary)
            access = await self._permanent(temporary)
        except PowensRefused as refused:
            if refused.code != ENDED:
                raise
            # It was made permanent, and we did not hear of it.
            access = await self._renew(user)
            found = await self._newest(access)
        return self._exchanged(found.id, Tokens(access, user, self._token_end(context)))

    async def _newest(self, token: str) -> Connection:
        """The connection that a person has just made."""
        listed: Connections = await self._api.ask(
            Asked("GET", "/users/me/connections", token), CONNECTIONS
        )
        if not listed.connections:
            raise CallFault(REFUSED, retryable=False, sick=False)
        return max(listed.connections, key=lambda one: one.id)

    async def _permanent(self, temporary: str) -> str:
        """A token without an end for one that has one."""
        code: Code = await self._api.ask(Asked("GET", "/auth/token/code", temporary), CODE)
        body = {"grant_type": "authorization_code", **self._api.ours, "code": code.code}
        granted: Token = await self._api.ask(Asked("POST", "/auth/token/access", body=body), TOKEN)
        return granted.access_token

    async def _renew(self, user: str) -> str:
        """A new token for a user; every other one ends."""
        if not user.isdecimal():
            raise CallFault(REFUSED, retryable=False, sick=False)
        body = {
            "grant_type": "client_credentials", **self._api.ours, "id_user": int(user),
            "revoke_previous": True,
        }  # fmt: skip
        granted: Token = await self._api.ask(Asked("POST", "/auth/renew", body=body), TOKEN)
        return granted.access_token

    async def _renewed(
        self, connection_id: str, access: str, context: CallContext
    ) -> CodeExchanged:
        """In the webview nothing new is given; that all is well is what they came for."""
        found = await self._connection(connection_id, access)
        stop_unless_well(found.condition)
        if not found.open_accounts:
            raise CallFault(ENDED, retryable=False, sick=False)
        # Due now: the token is replaced once the new consent is in force, and not before.
        due = context.now if self._terms.token_days else 0
        user = "" if found.id_user is None else str(found.id_user)
        return self._exchanged(found.id, Tokens(access, user, due if user else 0))

    def _exchanged(self, connection_id: int, tokens: Tokens) -> CodeExchanged:
        named = str(connection_id)
        return CodeExchanged(named, self._blind(PROVIDER, named), tokens)

    def _token_end(self, context: CallContext) -> int:
        days = self._terms.token_days
        return context.now + days * DAY_MS if days else 0

    async def refresh(self, asked: RefreshTokens, context: CallContext) -> TokensRefreshed:
        """POST /auth/renew."""
        access = await self._renew(asked.refresh)
        return TokensRefreshed(Tokens(access, asked.refresh, self._token_end(context)))

    async def _connection(self, connection_id: str, access: str) -> Connection:
        """GET /users/me/connections/{id}, with its bank and its accounts.

        Raises:
            CallFault: BANK_ACCESS_ENDED: it is not there any more.
        """
        path = f"/users/me/connections/{connection_id}"
        try:
            found: Connection = await self._api.ask(
                Asked("GET", path, access, query={"expand": "connector,accounts"}), CONNECTION
            )
        except PowensRefused as refused:
            if refused.status == NOT_FOUND:
                raise CallFault(ENDED, retryable=False, sick=False) from refused
            raise
        return found

    async def read_accounts(self, asked: ReadAccounts, context: CallContext) -> AccountsRead:
        """Of the accounts that are read the best one names the card."""
        del context
        found = await self._connection(asked.connection_id, asked.access)
        accounts = [one for one in found.open_accounts if one.kind in ACCOUNT_TYPES and one.last4]
        if not accounts:
            raise CallFault(REFUSED, retryable=False, sick=False)
        account = min(accounts, key=lambda one: (ACCOUNT_TYPES.index(one.kind), one.id))
        connector = found.connector or Connector()
        parents = {one.id: one.iban for one in found.accounts or []}
        iban = account.iban or parents.get(account.id_parent or 0) or ""  # a card's is its parent's
        seen = (asked.user_id, connector.uuid, account.kind, account.name)
        marks = marks_of(PROVIDER, iban, seen)
        return AccountsRead(
            self._blind("card", f"{marks}:{account.last4}"),
            connector.name,
            account.last4,
            moment_ms(found.expire),
        )

    async def read_transactions(
        self, asked: ReadTransactions, context: CallContext
    ) -> TransactionsRead:
        """GET /users/me/transactions, page by page, after how the connection stands."""
        cursor = cursor_of(asked.cursor, first_day(context.now, self._terms.look_back_days))
        found = await self._connection(asked.connection_id, asked.access)
        after = updated_after(cursor)
        days = {"min_date": cursor.day, **({"last_update": after} if after else {})}
        pages, link = await self._pages(cursor.link or None, days, asked.access)
        reference = f"read:{context.business_key}"
        return TransactionsRead(
            tuple(reports_of(pages, _currencies(found))),
            following(cursor, pages, link),
            bool(link),
            ConnectionReported(
                PROVIDER, "state", reference, moment_ms(found.expire), condition=found.condition
            ),
        )

    async def read_days(self, asked: FindPurchase, days: Days, context: CallContext) -> Told:
        """GET /users/me/transactions of these days, after how the connection stands: it moves no cursor."""
        del context
        found = await self._connection(asked.connection_id, asked.access)
        between = {"min_date": days.first, "max_date": days.last}
        pages, link = await self._pages(None, between, asked.access)
        if link:
            raise CallFault(REFUSED, retryable=False, sick=False)
        return Told(tuple(reports_of(pages, _currencies(found))), found.condition)

    async def _pages(
        self, link: str | None, which: Mapping[str, str], token: str
    ) -> tuple[list[Page], str]:
        """Pages up to the bound, and where the next one is (empty: there is none)."""
        query = {"limit": str(LIMIT), "all": "", "filter": "date", **which}
        pages: list[Page] = []
        while len(pages) < PAGES_MAX:
            asked = (
                Asked("GET", link, token)
                if link
                else Asked("GET", "/users/me/transactions", token, query=query)
            )
            try:
                page: Page = await self._api.ask(asked, PAGE)
            except PowensRefused as refused:
                if refused.reason == NO_ACCOUNT:  # its person has deactivated them all
                    return pages, ""
                raise
            pages.append(page)
            if not page.next:
                return pages, ""
            following_link = self._api.link(page.next)
            if following_link == link:
                raise CallFault("BANK_ANSWER_INVALID", retryable=True)  # it would never end
            link = following_link
        return pages, link or ""

    async def revoke(self, asked: RevokeAccess, context: CallContext) -> AccessRevoked:
        """DELETE /users/me/connections/{id}, and its user with it; what is not there has ended already."""
        del context
        for path in (f"/users/me/connections/{asked.connection_id}", "/users/me"):
            try:
                await self._api.tell(Asked("DELETE", path, asked.access))
            except PowensRefused as refused:
                if refused.status != NOT_FOUND and refused.code != ENDED:
                    raise
        return AccessRevoked()

    async def subscribe(
        self, asked: RegisterWebhook, context: CallContext
    ) -> ConnectionReported | None:
        """Nothing is asked: webhooks are registered in the console."""
        del context
        return ConnectionReported(PROVIDER, "updates", f"linked:{asked.reference}")


def _currencies(found: Connection) -> dict[int, str]:
    """By the ids of the connection's accounts: no other counts."""
    return {
        one.id: one.currency.id if one.currency is not None else NO_CURRENCY
        for one in found.accounts or []
    }

"""The adapter `seed`: the provider of the source, with the endpoints of S51 as written.

Rule: the source names paths and words (S48: clientId, redirectUri, authUrl, stateToken, connectionId,
authorization_code), and no bodies; those of here are ours, and the sandbox plays them. Provider and
daemon know each other by HTTP Basic, and what is read of a connection is read by its bearer token; to renew
one, to be told of it and to revoke it takes no token, since its own may have ended before. `Idempotency-Key` goes with
whatever begins something.
Source: spec.md S45, S48, S51, S56, S58, X15.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final, Literal
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.connection.messages import (
    AccessRevoked,
    TokensRefreshed,
    TransactionReported,
    TransactionsRead,
)
from comptoir.actors.gateways.amounts import CENTS_MAX
from comptoir.actors.gateways.bank import REFUSED, Blind, answered, read_answer, sent
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
from comptoir.actors.linking.messages import AccountsRead, CodeExchanged, LinkStarted
from comptoir.engine.gateway_spec import CallContext, CallFault

__all__ = ["SeedBank"]

PROVIDER: Final = "seed"
SCOPE: Final = "accounts transactions"
NOT_FOUND: Final = 404
PAGE: Final = 100
"""Transactions of one page: what a connection decides in a few milliseconds."""
PAGES_MAX: Final = 50
"""Of one search, which begins with the first: a card's purchases of years."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_Text = Annotated[str, Meta(min_length=1, max_length=512)]
_Secret = Annotated[str, Meta(min_length=1, max_length=4096)]


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of an answer; other fields are skipped by the decoder and never become a value."""


class _Begun(_Answer, frozen=True):
    auth_url: Annotated[str, Meta(pattern=r"^https?://[\x21-\x7e]{1,4096}$")]
    state_token: _Secret


class _Granted(_Answer, frozen=True):
    access_token: _Secret
    refresh_token: _Secret
    expires_in: Annotated[int, Meta(ge=1, le=366 * 86_400)]
    """Seconds."""
    connection_id: _Text


class _Account(_Answer, frozen=True):
    id: _Text
    iban: Annotated[str, Meta(max_length=64)] = ""
    card_last4: Annotated[str, Meta(pattern=r"^([0-9]{4})?\Z")] = ""


class _Details(_Answer, frozen=True):
    bank_name: Annotated[str, Meta(max_length=128)]
    consent_expires_at: datetime
    accounts: Annotated[list[_Account], Meta(max_length=100)]


class _Merchant(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(max_length=512)]
    mcc_code: Annotated[str, Meta(pattern=r"^([0-9]{4})?\Z")] | None = None
    city: Annotated[str, Meta(max_length=128)] | None = None
    country: Annotated[str, Meta(max_length=128)] | None = None


class _Transaction(msgspec.Struct, frozen=True):
    """As in `transaction.created` (S56)."""

    transaction_id: Annotated[str, Meta(min_length=1, max_length=128)]
    amount: Decimal
    """In major units, read from its text: never a float."""
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    direction: Literal["DEBIT", "CREDIT"]
    date: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
    merchant: _Merchant
    original_transaction_id: Annotated[str, Meta(max_length=128)] | None = None


class _Page(_Answer, frozen=True):
    items: Annotated[list[_Transaction], Meta(max_length=PAGE)]
    next_cursor: Annotated[str, Meta(max_length=512)]
    more: bool


_BEGUN = msgspec.json.Decoder(_Begun)
_GRANTED = msgspec.json.Decoder(_Granted)
_DETAILS = msgspec.json.Decoder(_Details)
_PAGE = msgspec.json.Decoder(_Page)


class SeedBank:
    """The provider `seed` over an HTTP client whose base URL and credentials are its."""

    def __init__(
        self, client: httpx.AsyncClient, credentials: tuple[str, str], blind: Blind
    ) -> None:
        """Args: the client; our id there and what proves it; what makes blind indexes."""
        self._client = client
        self._client_id = credentials[0]
        basic = base64.b64encode(":".join(credentials).encode()).decode()
        self._ours = {"Authorization": f"Basic {basic}"}
        self._blind = blind

    def __repr__(self) -> str:
        return "<SeedBank>"

    async def start(self, asked: StartLink, context: CallContext) -> LinkStarted:
        """POST /auth/init, or POST /connections/{id}/renew."""
        body = {
            "clientId": self._client_id,
            "redirectUri": asked.redirect_uri,
            "state": asked.state,
            "codeChallenge": asked.challenge,
            "codeChallengeMethod": "S256",
            "scope": SCOPE,
            "durationDays": asked.duration_days,
        }
        path = "/auth/init"
        if asked.connection_id:
            path = f"/connections/{_quoted(asked.connection_id)}/renew"
        response = await self._post(path, body, context)
        begun: _Begun = read_answer(response, _BEGUN)
        if begun.state_token != asked.state:
            raise CallFault("BANK_ANSWER_INVALID", retryable=True)
        return LinkStarted(begun.auth_url)

    async def exchange(self, asked: ExchangeCode, context: CallContext) -> CodeExchanged:
        """POST /auth/token with an authorization code."""
        granted = await self._grant(
            {
                "grantType": "authorization_code",
                "code": asked.code,
                "codeVerifier": asked.verifier,
                "redirectUri": asked.redirect_uri,
            },
            context,
        )
        key = self._blind(PROVIDER, granted.connection_id)
        return CodeExchanged(granted.connection_id, key, _tokens(granted, context))

    async def refresh(self, asked: RefreshTokens, context: CallContext) -> TokensRefreshed:
        """POST /auth/token with a refresh token."""
        body = {"grantType": "refresh_token", "refreshToken": asked.refresh}
        return TokensRefreshed(_tokens(await self._grant(body, context), context))

    async def read_accounts(self, asked: ReadAccounts, context: CallContext) -> AccountsRead:
        """GET /connections/{id}; the first account with a card is the one that is linked."""
        del context
        path = f"/connections/{_quoted(asked.connection_id)}"
        response = await self._get(path, asked.access)
        details: _Details = read_answer(response, _DETAILS)
        account = next((one for one in details.accounts if one.card_last4), None)
        if account is None or details.consent_expires_at.tzinfo is None:
            raise CallFault("BANK_REFUSED", retryable=False, sick=False)
        # The same card by any provider, where there is an IBAN: the number itself is never sent to us.
        named = "".join(account.iban.split()).upper() or f"{PROVIDER}:{account.id}"
        card = self._blind("card", f"{named}:{account.card_last4}")
        expires_at = round((details.consent_expires_at - _EPOCH).total_seconds() * 1000)
        return AccountsRead(card, details.bank_name, account.card_last4, expires_at)

    async def read_transactions(
        self, asked: ReadTransactions, context: CallContext
    ) -> TransactionsRead:
        """GET /transactions."""
        del context
        page = await self._page(asked, asked.cursor)
        reports = tuple(_reported(one) for one in page.items)
        return TransactionsRead(reports, page.next_cursor, page.more)

    async def _page(self, asked: ReadTransactions | FindPurchase, cursor: str) -> _Page:
        query = {"connectionId": asked.connection_id, "cursor": cursor, "limit": str(PAGE)}
        response = await self._get("/transactions", asked.access, query)
        page: _Page = read_answer(response, _PAGE)
        if page.more and page.next_cursor == cursor:
            raise CallFault("BANK_ANSWER_INVALID", retryable=True)  # it would never end
        return page

    async def read_days(self, asked: FindPurchase, days: Days, context: CallContext) -> Told:
        """GET /transactions, which S51 gives no days: from the first page on."""
        del context
        told: list[TransactionReported] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            page = await self._page(asked, cursor)
            told += [_reported(one) for one in page.items if days.first <= one.date <= days.last]
            if not page.more:
                return Told(told)
            cursor = page.next_cursor
        raise CallFault(REFUSED, retryable=False, sick=False)

    async def revoke(self, asked: RevokeAccess, context: CallContext) -> AccessRevoked:
        """DELETE /connections/{id}; 404: it has ended already."""
        path = f"/connections/{_quoted(asked.connection_id)}"
        headers = {**self._ours, "Idempotency-Key": context.business_key}
        request = self._client.build_request("DELETE", path, headers=headers)
        response = await sent(self._client, request)
        if response.status_code != NOT_FOUND:
            answered(response)
        return AccessRevoked()

    async def subscribe(self, asked: RegisterWebhook, context: CallContext) -> None:
        """POST /webhooks."""
        body = {
            "connectionId": asked.connection_id,
            "url": asked.url,
            "events": ["transaction.created"],
        }
        answered(await self._post("/webhooks", body, context))

    async def _grant(self, body: Mapping[str, object], context: CallContext) -> _Granted:
        granted: _Granted = read_answer(await self._post("/auth/token", body, context), _GRANTED)
        return granted

    async def _post(
        self,
        path: str,
        body: Mapping[str, object],
        context: CallContext,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": context.business_key, **self._ours}
        request = self._client.build_request("POST", path, json=body, headers=headers)
        return await sent(self._client, request)

    async def _get(
        self, path: str, access: str, query: dict[str, str] | None = None
    ) -> httpx.Response:
        request = self._client.build_request("GET", path, params=query, headers=_bearer(access))
        return await sent(self._client, request)


def _quoted(connection_id: str) -> str:
    return quote(connection_id, safe="")


def _bearer(access: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access}"}


def _tokens(granted: _Granted, context: CallContext) -> Tokens:
    return Tokens(
        granted.access_token, granted.refresh_token, context.now + granted.expires_in * 1000
    )


def _reported(one: _Transaction) -> TransactionReported:
    merchant, cents = one.merchant, one.amount * 100
    if cents != cents.to_integral_value() or not 0 <= cents <= CENTS_MAX:
        raise CallFault("BANK_ANSWER_INVALID", retryable=True)
    return TransactionReported(
        PROVIDER, "transaction.created", one.transaction_id, int(cents), one.currency,
        one.direction, one.date, merchant.name, merchant.mcc_code or "", merchant.city or "",
        merchant.country or "", one.original_transaction_id or "",
    )  # fmt: skip

"""Tink in this process, which an adapter takes for Tink: it answers as it is told, and talks too much.

Rule: every request is held to the schema of its page, and so is every answer that a test has not changed;
every object of an answer carries what S58 forbids to keep.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import httpx

from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_tink import TinkBank, TinkTerms
from comptoir.actors.gateways.tink_api import TinkApi
from comptoir.engine.gateway_spec import CallContext, GatewayBounds
from comptoir.engine.values import Message
from tests.actors.gateways.provider import poisoned
from tests.actors.gateways.tink_schemas import hold_request, hold_response

Json = dict[str, Any]
NOW = 1_800_000_000_000
"""15 January 2027."""
BASE = "https://api.tink.com"
TERMS = TinkTerms("https://link.tink.com", "FR", "fr_FR", "Rewapp", 1)


def consent(**changes: Any) -> Json:
    """One that is well."""
    return {
        "accountIds": ["ac-1", "ac-2"], "credentialsId": "cr-1", "detailedError": None,
        "providerName": "fr-banque-ob", "sessionExpiryDate": 1_806_566_400_000, "sessionExtendable": False,
        "status": "UPDATED", "statusUpdated": 1_799_000_000_000, **changes,
    }  # fmt: skip


def account(identity: str, kind: str = "CHECKING", **changes: Any) -> Json:
    """An account with a balance, which nobody may keep."""
    booked = {
        "amount": {"currencyCode": "EUR", "value": {"scale": "2", "unscaledValue": "9876543"}}
    }
    return {
        "balances": {"booked": booked}, "customerSegment": "PERSONAL",
        "dates": {"lastRefreshed": "2027-01-15T08:00:00Z"}, "financialInstitutionId": "fi-1",
        "id": identity, "identifiers": {
            "iban": {"iban": "FR76 1234 5678", "bban": "12345678"}, "pan": {"masked": "4970 10** **** 4242"},
        },
        "name": "Compte", "type": kind, **changes,
    }  # fmt: skip


def worth(unscaled: str = "-4250", scale: str = "2", currency: str = "EUR") -> Json:
    """An amount."""
    return {"currencyCode": currency, "value": {"scale": scale, "unscaledValue": unscaled}}


def bought(identity: str, amount: Any = None, **changes: Any) -> Json:
    """A booked transaction."""
    return {
        "accountId": "ac-1", "amount": amount or worth(),
        "dates": {"booked": "2027-01-14", "transaction": "2027-01-13", "value": "2027-01-14"},
        "descriptions": {"display": "Chez Nous", "original": "CB CHEZ NOUS"}, "id": identity,
        "identifiers": {"providerTransactionId": "p-1"},
        "merchantInformation": {"merchantCategoryCode": "5812", "merchantName": "canary-merchant"},
        "providerMutability": "MUTABLE", "status": "BOOKED",
        "types": {"financialInstitutionTypeCode": "DEB", "type": "DEFAULT"}, **changes,
    }  # fmt: skip


def page(*transactions: Json, following: str = "") -> Json:
    """One page, with the token of the one after it."""
    return {"transactions": [*transactions], "nextPageToken": following}


def refusal(status: int = 400, code: str = "some.code") -> tuple[int, Json]:
    """An answer that is none, as Tink writes it."""
    return status, {"errorMessage": "canary-message", "errorCode": code}


class Tink:
    """Answers by method and path; `answers` overrides by the same words."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], httpx.Headers, dict[str, str]]] = []
        """What was asked: word, form or body, headers, query."""
        self.answers: dict[str, Any] = {}
        self.consents = [consent()]
        self.accounts: list[Json] = [account("ac-1"), account("ac-2", "SAVINGS")]
        self.pages: Callable[[httpx.URL], Json] = lambda _url: page(bought("t-1"))

    def client(self) -> httpx.AsyncClient:
        """What an adapter calls it by."""
        return httpx.AsyncClient(base_url=BASE, transport=httpx.MockTransport(self.respond))

    def words(self) -> list[str]:
        """What was asked, but for tokens."""
        return [word for word, *_ in self.requests if "/oauth/" not in word]

    def respond(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        path, content = request.url.path, request.content.decode()
        hold_request(request.method, path, request.url.query.decode(), content)
        is_json = request.headers.get("content-type") == "application/json"
        body = json.loads(content) if is_json else dict(parse_qsl(content))
        word = f"{request.method} {path}"
        self.requests.append((word, body, request.headers, dict(request.url.params)))
        given: Any = self.answers.get(word)
        told: Any = given(request) if callable(given) else given
        status, document = told or self._right(word, body, request)
        if isinstance(document, bytes):
            return httpx.Response(status, content=document)
        if told is None:
            hold_response(request.method, path, document)
        return httpx.Response(status, content=json.dumps(poisoned(document)))

    def _right(self, word: str, body: dict[str, str], request: httpx.Request) -> tuple[int, Any]:
        if word.startswith("DELETE") or word.endswith("/user/delete"):
            return 204, b""
        whose = body.get("code") or f"ours-{body.get('scope')}"
        documents: dict[str, Json] = {
            "POST /api/v1/oauth/token": {
                "access_token": f"token-of-{whose}", "token_type": "bearer", "expires_in": 1800, "scope": "x",
            },
            "POST /api/v1/oauth/authorization-grant": {"code": f"code-of-{body.get('external_user_id')}"},
            "POST /api/v1/oauth/authorization-grant/delegate": {"code": "link-code"},
            "POST /api/v1/user/create": {"user_id": "5f1d"},
            "GET /api/v1/provider-consents": {"providerConsents": self.consents},
            "GET /api/v1/providers": {"providers": [{"name": "fr-banque-ob", "displayName": "Banque"}]},
            "GET /data/v2/accounts": {"accounts": self.accounts, "nextPageToken": ""},
        }  # fmt: skip
        return 200, documents[word] if word in documents else self.pages(request.url)


def blind(field: str, value: str) -> str:
    """A blind index that can be read; of a transaction's marks a digest, as they are cut."""
    if field == "tink transaction":
        return sha256(value.encode()).hexdigest()
    return f"{field}|{value}"


def caller(
    client: httpx.AsyncClient, terms: TinkTerms = TERMS, now: Callable[[], int] = lambda: NOW
) -> Callable[[Message], Any]:
    """What makes one call as the gateway does."""
    api = TinkApi(client, ("us", "tink-secret"))
    adapter = TinkBank(api, terms, blind)
    spec = bank_gateway("tink", adapter, GatewayBounds())

    async def made(message: Message) -> Message | None:
        operation = spec.operations[type(message)]
        context = CallContext(now(), 1, operation.business_key(message))
        return await operation.call(message, context)

    return made

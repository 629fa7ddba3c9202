"""Powens in this process, which an adapter takes for Powens: it answers as it is told, and talks too much.

Rule: every request is held to the schema of its page, and so is every answer that a test has not changed;
every object of an answer carries what S58 forbids to keep.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx

from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_powens import PowensBank, PowensTerms
from comptoir.actors.gateways.powens_api import PowensApi
from comptoir.engine.gateway_spec import CallContext, GatewayBounds
from comptoir.engine.values import Message
from tests.actors.gateways.powens_schemas import hold_request, hold_response
from tests.actors.gateways.provider import poisoned

Json = dict[str, Any]
NOW = 1_800_000_000_000
BASE = "https://demo.biapi.pro/2.0"
TERMS = PowensTerms("https://webview.powens.com", "fr", 1, 90)


def account(identity: int, kind: Any = "checking", **changes: Any) -> Json:
    """An account with a balance, which nobody may keep."""
    return {
        "id": identity, "id_connection": 7, "id_user": 3, "id_parent": None, "number": "00012344242",
        "original_name": "Compte", "balance": 98765.43, "coming": None, "display": True, "last_update": None,
        "deleted": None, "disabled": None, "iban": "FR76 1234", "currency": {"id": "EUR", "name": "Euro"},
        "type": kind, "id_type": 2, "bookmarked": 0, "name": "Compte", "error": None, "usage": "PRIV",
        **changes,
    }  # fmt: skip


def connection(**changes: Any) -> Json:
    """A connection that is well."""
    return {
        "id": 7, "id_user": 3, "id_connector": 40, "state": None, "error": None, "error_message": None,
        "fields": None, "last_update": "2026-11-21 10:00:00", "created": None, "active": True,
        "last_push": None, "expire": "2027-04-01 10:00:00", "connector_uuid": "uuid-40", "next_try": None,
        "connector": {"id": 40, "uuid": "uuid-40", "name": "Banque"}, "accounts": [account(10)], **changes,
    }  # fmt: skip


def bought(identity: int, value: Any = "-42.50", **changes: Any) -> Json:
    """A booked transaction by card."""
    return {
        "id": identity, "id_account": 10, "application_date": "2026-11-22", "date": "2026-11-22",
        "rdate": "2026-11-21", "value": value, "type": "card", "original_wording": "CB CHEZ NOUS",
        "simplified_wording": "Chez Nous", "wording": "Chez Nous", "date_scraped": "2026-11-22 10:00:00",
        "coming": False, "active": True, "last_update": "2026-11-22 10:00:00", "deleted": None,
        "original_currency": None, "card": "XXXX4242", "counterparty": None, **changes,
    }  # fmt: skip


def page(*transactions: Json, following: str | None = None) -> Json:
    """One page, with a link to the one after it."""
    after = {"href": following} if following else None
    return {"transactions": [*transactions], "_links": {"self": None, "prev": None, "next": after}}


def refusal(code: str, status: int = 400) -> tuple[int, Json]:
    """An answer that is none, as Powens writes it."""
    return status, {
        "code": code,
        "description": "canary-description",
        "message": "canary-message",
        "request_id": 1,
    }


class Powens:
    """Answers by method and path; `answers` overrides by the same words."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Json | None, httpx.Headers, dict[str, str]]] = []
        self.answers: dict[str, Any] = {}
        self.connection = connection()
        self.connections = [connection(id=5), self.connection]
        self.pages: Callable[[httpx.URL], Json] = lambda _url: page(bought(1))

    def client(self) -> httpx.AsyncClient:
        """What an adapter calls it by."""
        return httpx.AsyncClient(base_url=BASE, transport=httpx.MockTransport(self.respond))

    def respond(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        path = request.url.path.removeprefix("/2.0")
        body: Json | None = json.loads(request.content) if request.content else None
        hold_request(request.method, path, request.url.query.decode(), body)
        self.requests.append(
            (f"{request.method} {path}", body, request.headers, dict(request.url.params))
        )
        word = f"{request.method} {path}"
        given: Any = self.answers.get(word)
        told: Any = given(request) if callable(given) else given
        status, document = told or self._right(word, request)
        if isinstance(document, bytes):
            return httpx.Response(status, content=document)
        if given is None and status != 204:
            hold_response(request.method, path, document)
        return httpx.Response(status, content=json.dumps(poisoned(document)))

    def _right(self, word: str, request: httpx.Request) -> tuple[int, Any]:
        if word.startswith("DELETE"):
            return 204, b""
        number = len(self.requests)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        documents: dict[str, Json] = {
            "POST /auth/init": {
                "auth_token": "temporary-1", "type": "temporary", "id_user": 3, "expires_in": 1800,
            },
            "GET /auth/token/code": {
                "code": f"code-of-{token}", "type": "temporary", "access": "single", "expires_in": 1800,
            },
            "POST /auth/token/access": {"access_token": "permanent-1", "token_type": "Bearer"},
            "POST /auth/renew": {"access_token": f"renewed-{number}", "token_type": "Bearer"},
            "GET /users/me/connections": {"connections": self.connections},
            "GET /users/me/connections/7": self.connection,
        }  # fmt: skip
        return 200, documents[word] if word in documents else self.pages(request.url)


def caller(
    client: httpx.AsyncClient, terms: PowensTerms = TERMS, now: int = NOW
) -> Callable[[Message], Any]:
    """What makes one call as the gateway does."""
    api = PowensApi(client, ("us", "powens-secret"))
    adapter = PowensBank(api, terms, lambda field, value: f"{field}|{value}")
    spec = bank_gateway("powens", adapter, GatewayBounds())

    async def made(message: Message) -> Message | None:
        operation = spec.operations[type(message)]
        return await operation.call(message, CallContext(now, 1, operation.business_key(message)))

    return made

"""A bank provider in this process, which an adapter takes for one: it answers as it is told, and talks too much.

Rule: every payload carries what S58 forbids to keep, in every object of it, so that a search for it shows
what was kept.
Source: spec.md S51, S58.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

import httpx

CANARIES: Mapping[str, str] = {
    "login": "canary-login",
    "password": "canary-password",
    "cardNumber": "4970105550001234",
    "cvv": "canary-cvv",
    "pin": "canary-pin",
    "cardExpiry": "canary-expiry",
    "balance": "canary-balance",
}
TRANSACTION = {
    "transaction_id": "tx1",
    "amount": 100.00,
    "currency": "EUR",
    "direction": "DEBIT",
    "date": "2026-11-21",
    "merchant": {"name": "CB CHEZ NOUS", "mcc_code": "5812", "city": "Paris", "country": "FR"},
}
DETAILS = {
    "bankName": "Bank",
    "consentExpiresAt": "2099-01-01T00:00:00.000Z",
    "accounts": [{"id": "a0"}, {"id": "a1", "iban": "FR76 1234", "cardLast4": "4242"}],
}


def poisoned(value: Any) -> Any:
    """The same, with what is forbidden in every object."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {**{name: poisoned(one) for name, one in fields.items()}, **CANARIES}
    if isinstance(value, list):
        return list(map(poisoned, cast("Iterable[Any]", value)))
    return value


class Provider:
    """Answers by method and path; `answers` overrides by the same words."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.connection_id = "conn_1"

    def client(self) -> httpx.AsyncClient:
        """What an adapter calls it by."""
        return httpx.AsyncClient(
            base_url="https://bank.example", transport=httpx.MockTransport(self.respond)
        )

    def respond(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        self.requests.append(request)
        word = f"{request.method} {request.url.path}"
        status, document = self.answers.get(word) or (200, self._right(word, request))
        content = document if isinstance(document, bytes) else json.dumps(poisoned(document))
        return httpx.Response(status, content=content)

    def _right(self, word: str, request: httpx.Request) -> Any:
        body: dict[str, Any] = json.loads(request.content or b"{}")
        if word.startswith("POST") and ("/auth/init" in word or word.endswith("/renew")):
            return {"authUrl": "https://bank.example/authorize", "stateToken": body["state"]}
        if word == "POST /auth/token":
            return {
                "connectionId": self.connection_id,
                "accessToken": f"at{len(self.requests)}",
                "refreshToken": f"rt{len(self.requests)}",
                "expiresIn": 3600,
            }
        if word == "GET /transactions":
            return {"items": [TRANSACTION], "nextCursor": "1", "more": False}
        return DETAILS if word.startswith("GET") else {}

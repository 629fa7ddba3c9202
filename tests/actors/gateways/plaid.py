"""Plaid in this process, which an adapter takes for Plaid: it answers as it is told, and talks too much.

Rule: every request is held to the schema of its page, and so is every answer that a test has not changed;
every object of an answer carries what S58 forbids to keep.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx

from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_plaid import PlaidBank, PlaidTerms
from comptoir.actors.gateways.plaid_api import PlaidApi
from comptoir.engine.gateway_spec import CallContext, GatewayBounds
from comptoir.engine.values import Message
from tests.actors.gateways.plaid_schemas import REQUESTS, RESPONSES, hold
from tests.actors.gateways.provider import poisoned

Json = dict[str, Any]
NOW = 1_800_000_000_000
TERMS = PlaidTerms("Our programme", "fr", ("FR", "BE"), 1)
PLACES = ("address", "city", "region", "postal_code", "country", "store_number")
ITEM: Json = {
    "item_id": "item_1", "webhook": None, "error": None, "available_products": [],
    "billed_products": ["transactions"], "consent_expiration_time": None, "update_type": "background",
    "institution_id": "ins_1", "institution_name": "Bank",
}  # fmt: skip


def account(identity: str, mask: str | None, kind: str = "depository", **changes: Any) -> Json:
    """An account with a balance, which nobody may keep."""
    subtype = {"depository": "checking", "credit": "credit card"}.get(kind, kind)
    return {
        "account_id": identity, "mask": mask, "name": "Compte", "official_name": None, "type": kind,
        "subtype": subtype, "balances": {
            "available": 98765.43, "current": 98765.43, "limit": None, "iso_currency_code": "EUR",
            "unofficial_currency_code": None,
        }, **changes,
    }  # fmt: skip


def bought(identity: str, amount: float = 100.0, **changes: Any) -> Json:
    """A booked transaction as Plaid tells it."""
    return {
        "transaction_id": identity, "account_id": "acc_1", "amount": amount, "iso_currency_code": "EUR",
        "unofficial_currency_code": None, "date": "2026-11-22", "datetime": None,
        "authorized_date": "2026-11-21", "authorized_datetime": None,
        "location": {**dict.fromkeys(PLACES), "city": "Paris", "country": "FR"}, "name": "Chez Nous",
        "merchant_name": "Chez Nous", "original_description": "CB CHEZ NOUS", "payment_meta": {},
        "payment_channel": "in store", "pending": False, "pending_transaction_id": None,
        "account_owner": None, "transaction_code": None,
        "personal_finance_category": {"primary": "FOOD_AND_DRINK", "detailed": "FOOD_AND_DRINK_OTHER"},
        **changes,
    }  # fmt: skip


def session(**fields: Any) -> Json:
    """What `/link/token/get` says of what somebody did."""
    return {"link_session_id": "s1", "started_at": "2026-11-21T10:00:00Z", **fields}


FINISHED = "2026-11-21T10:01:00Z"
ADDED: Json = {"public_token": "public-1", "accounts": [], "institution": None}


def refusal(kind: str, code: str, status: int = 400) -> tuple[int, Json]:
    """An answer that is none, as Plaid writes it."""
    return status, {
        "error_type": kind, "error_code": code, "error_message": "canary-message", "display_message": None,
        "request_id": "r",
    }  # fmt: skip


class Plaid:
    """Answers by path; `answers` overrides by the same words."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Json, httpx.Headers]] = []
        self.answers: dict[str, Any] = {}
        self.sessions: list[Json] = [
            session(finished_at=FINISHED, results={"item_add_results": [ADDED]})
        ]
        self.accounts = [account("acc_0", "12"), account("acc_1", "4242")]
        self.item = ITEM
        self.stock: list[Json] = []
        """What there is, for `/transactions/get`."""
        self.pages: Callable[[str], tuple[int, Json]] = lambda _cursor: (200, page([bought("t1")]))

    def client(self) -> httpx.AsyncClient:
        """What an adapter calls it by."""
        transport = httpx.MockTransport(self.respond)
        return httpx.AsyncClient(base_url="https://sandbox.plaid.com", transport=transport)

    def respond(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        path, body = request.url.path, json.loads(request.content)
        assert request.method == "POST"
        hold(REQUESTS, path, body)
        self.requests.append((path, body, request.headers))
        status, document = self.answers.get(path) or self._right(path, body)
        if isinstance(document, bytes):
            return httpx.Response(status, content=document)
        if status == 200 and path not in self.answers:
            hold(RESPONSES, path, document)
        return httpx.Response(status, content=json.dumps(poisoned(document)))

    def _right(self, path: str, body: Json) -> tuple[int, Json]:
        if path == "/transactions/sync":
            return self.pages(body.get("cursor", ""))
        if path == "/transactions/get":
            return self._get(body)
        documents: dict[str, Json] = {
            "/link/token/create": {
                "link_token": "link-1", "expiration": FINISHED,
                "hosted_link_url": "https://secure.plaid.com/hl/1",
            },
            "/link/token/get": {
                "link_token": "link-1", "created_at": FINISHED, "expiration": FINISHED,
                "link_sessions": self.sessions, "metadata": {
                    "initial_products": [], "webhook": None, "country_codes": [], "language": "fr",
                    "redirect_uri": None, "client_name": "x",
                },
            },
            "/item/public_token/exchange": {"access_token": "access-1", "item_id": "item_1"},
            "/item/get": {"item": self.item, "status": None},
            "/accounts/get": {"accounts": self.accounts, "item": self.item},
            "/item/remove": {},
            "/item/webhook/update": {"item": self.item},
        }  # fmt: skip
        return 200, {**documents[path], "request_id": "r"}

    def _get(self, body: Json) -> tuple[int, Json]:
        found = [one for one in self.stock if body["start_date"] <= one["date"] <= body["end_date"]]
        begin = body["options"]["offset"]
        return 200, {
            "accounts": self.accounts, "item": self.item, "total_transactions": len(found),
            "transactions": found[begin : begin + body["options"]["count"]], "request_id": "r",
        }  # fmt: skip


def page(
    added: list[Json] | None = None, modified: list[Json] | None = None,
    removed: list[str] | None = None, cursor: str = "c1", *, more: bool = False,
) -> Json:  # fmt: skip
    """One page of `/transactions/sync`."""
    return {
        "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE", "accounts": [], "added": added or [],
        "modified": modified or [],
        "removed": [{"transaction_id": one, "account_id": "acc_1"} for one in removed or []],
        "next_cursor": cursor, "has_more": more, "request_id": "r",
    }  # fmt: skip


def caller(client: httpx.AsyncClient) -> Callable[[Message], Any]:
    """What makes one call as the gateway does."""
    api = PlaidApi(client, ("us", "plaid-secret"))
    adapter = PlaidBank(api, TERMS, lambda field, value: f"{field}|{value}")
    spec = bank_gateway("plaid", adapter, GatewayBounds())

    async def made(message: Message) -> Message | None:
        operation = spec.operations[type(message)]
        return await operation.call(message, CallContext(NOW, 1, operation.business_key(message)))

    return made

"""Plaid as the sandbox plays it: in the words of its documentation, and well enough for the adapter.

Rule: every answer is held to the schema of its page (tests/actors/gateways/plaid_schemas.py), and the adapter
that is used here is the daemon's.
"""

import json
from typing import Any

import httpx
import pytest

from comptoir.actors.connection.messages import (
    AccessRevoked,
    TransactionCorrected,
    TransactionRemoved,
    TransactionReported,
)
from comptoir.actors.gateways.messages import (
    ExchangeCode,
    ReadAccounts,
    ReadTransactions,
    RegisterWebhook,
    RevokeAccess,
    StartLink,
)
from comptoir.actors.gateways.plaid_api import PlaidApi
from comptoir.actors.gateways.plaid_keys import KeySource, PlaidKeys
from comptoir.engine.gateway_spec import CallFault, GatewayBounds
from comptoir.http import plaid_jwt
from comptoir.sandbox.clock import parse_rfc3339
from comptoir.sandbox.parties.bank import FORBIDDEN
from tests.actors.gateways.plaid import caller
from tests.actors.gateways.plaid_schemas import ERROR, RESPONSES, hold, hold_webhook

OURS = {"PLAID-CLIENT-ID": "us", "PLAID-SECRET": "s"}
BACK = "http://127.0.0.1:9/link/callback"
START = StartLink("ls_1", BACK, "ls_1.s3cret", "ch", 90, user_id="u1")


class World:
    """The adapter over the sandbox, and what has linked by it."""

    def __init__(self, driver: Any) -> None:
        self.client: httpx.AsyncClient = driver.client
        self.call = caller(driver.client)
        self.item = ""
        self.access = ""

    async def link(self, query: str = "card=4242") -> None:
        """A person links a card."""
        started = await self.call(START)
        back = await self.client.get(f"{started.auth_url}?{query}")
        assert back.headers["location"] == f"{BACK}?state=ls_1.s3cret"
        exchanged = await self.call(ExchangeCode("ls_1", started.code, "v", BACK))
        self.item, self.access = exchanged.connection_id, exchanged.tokens.access

    async def read(self, cursor: str = "") -> Any:
        """What changed since the cursor."""
        return await self.call(ReadTransactions("r", self.item, self.access, cursor))

    async def book(self, **fields: Any) -> Any:
        """Something changes at the bank."""
        body = {"itemId": self.item, **fields}
        answer = await self.client.post("/control/plaid/transactions", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def world(driver: Any) -> World:
    """A sandbox; every answer of Plaid's is looked at."""

    async def look(response: httpx.Response) -> None:
        path = response.request.url.path
        if path in RESPONSES:
            await response.aread()
            if response.status_code == 200:
                hold(RESPONSES, path, response.json())
            elif response.status_code < 500:  # a script's outage is not Plaid's own word
                hold({path: ERROR}, path, response.json())

    driver.client.event_hooks = {"response": [look]}
    return World(driver)


async def test_a_link(world: World) -> None:
    """S48, S58: link, see, subscribe, revoke, by the daemon's adapter; canaries are in what it says."""
    await world.link()
    read = await world.call(ReadAccounts("ls_1", world.item, world.access, "u1"))
    assert (read.bank_name, read.card_last4) == ("Banque du Bac à Sable", "4242")
    assert read.consent_expires_at > 0
    headers = OURS
    said = await world.client.post(
        "/accounts/get", json={"access_token": world.access}, headers=headers
    )
    assert FORBIDDEN.items() <= said.json()["accounts"][0].items()
    hook = RegisterWebhook("r", world.item, world.access, "http://127.0.0.1:9/webhooks/plaid")
    assert (await world.call(hook)).event == "updates"
    (shown,) = (await world.client.get("/control/plaid/items")).json()["items"]
    assert (shown["itemId"], shown["card"]) == (world.item, "4242")
    revoke = RevokeAccess("r", world.item, world.access)
    assert await world.call(revoke) == AccessRevoked()
    assert await world.call(revoke) == AccessRevoked(), "that there is nothing to end is an end"


async def test_who_leaves_link(world: World) -> None:
    """S57: no consent, no access."""
    started = await world.call(START)
    await world.client.get(f"{started.auth_url}?outcome=exit")
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await world.call(ExchangeCode("ls_1", started.code, "v", BACK))


async def test_a_public_token_is_good_once(world: World) -> None:
    """plaid.com/docs/api/items: one exchange."""
    started = await world.call(START)
    await world.client.get(started.auth_url)
    exchange = ExchangeCode("ls_1", started.code, "v", BACK)
    await world.call(exchange)
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await world.call(exchange)


async def test_update_mode(world: World) -> None:
    """plaid.com/docs/link/update-mode: an Item in error is well again, by the same token."""
    await world.link()
    happened = {"itemId": world.item, "code": "ERROR"}
    assert (await world.client.post("/control/plaid/items", json=happened)).json() == {
        "answers": []
    }
    with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
        await world.read()
    again = StartLink("ls_2", BACK, "ls_2.s", "ch", 90, world.item, world.access, "u1")
    started = await world.call(again)
    with pytest.raises(CallFault, match="BANK_UNAVAILABLE"):
        await world.call(ExchangeCode("ls_2", started.code, "v", BACK, world.access))
    await world.client.get(started.auth_url)
    exchanged = await world.call(ExchangeCode("ls_2", started.code, "v", BACK, world.access))
    assert (exchanged.connection_id, exchanged.tokens.access) == (world.item, world.access)
    assert (await world.read()).reports == ()


async def test_sync(world: World) -> None:
    """plaid.com/docs/api/products/transactions: pages, a cursor, and an update that became void."""
    await world.link()
    bought = [{"transaction_id": f"t{number}", "name": "CHEZ NOUS"} for number in range(1200)]
    await world.book(added=bought, removed=["gone"])
    read = await world.read()
    assert len(read.reports) == 1201
    assert isinstance(read.reports[0], TransactionReported)
    assert isinstance(read.reports[-1], TransactionRemoved)
    assert (await world.read(read.cursor)).reports == ()
    twin = {"transaction_id": "b1", "name": "CHEZ NOUS", "pending_transaction_id": "t1"}
    await world.book(added=[twin], removed=["t1"], modified=[{"transaction_id": "t2", "name": "X"}])
    later = await world.read(read.cursor)
    assert [type(one) for one in later.reports] == [TransactionCorrected] * 2
    await world.book(added=bought, meanwhile=[{"transaction_id": "new", "name": "CHEZ NOUS"}])
    with pytest.raises(CallFault, match="BANK_UNAVAILABLE"):
        await world.read(later.cursor)
    whole = await world.read(later.cursor)
    assert len(whole.reports) == 1201
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await world.read("from nowhere")


@pytest.mark.parametrize(
    ("path", "body", "headers", "code"),
    [
        ("/accounts/get", {"access_token": "x"}, {}, "INVALID_API_KEYS"),
        ("/accounts/get", {"access_token": "x"}, OURS, "INVALID_ACCESS_TOKEN"),
        ("/accounts/get", {"access_token": "x", "more": 1}, OURS, "UNKNOWN_FIELDS"),
        ("/accounts/get", {"access_token": 1}, OURS, "INVALID_FIELD"),
        ("/accounts/get", b"{", OURS, "INVALID_BODY"),
        ("/link/token/get", {"link_token": "x"}, OURS, "INVALID_LINK_TOKEN"),
        ("/item/public_token/exchange", {"public_token": "x"}, OURS, "INVALID_PUBLIC_TOKEN"),
        ("/webhook_verification_key/get", {"key_id": "x"}, OURS,
         "INVALID_WEBHOOK_VERIFICATION_KEY_ID"),
        ("/link/token/create", {"client_name": "x", "language": "fr", "country_codes": ["FR"],
                                "user": {"client_user_id": "u"}}, OURS, "MISSING_FIELDS"),
    ],
)  # fmt: skip
async def test_refusals(world: World, path: str, body: Any, headers: Any, code: str) -> None:
    """plaid.com/docs/errors: in its words, and of its schema."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await world.client.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


async def _verified(world: World, message: bytes, head: list[tuple[str, str]]) -> str | None:
    """What the daemon's own verification says of a webhook."""
    keys = PlaidKeys([KeySource(PlaidApi(world.client, ("us", "s")), GatewayBounds())])
    token = plaid_jwt.token_of(dict(head)["plaid-verification"].encode())
    assert token is not None
    jwk = await keys.find(token.key_id)
    key = None if jwk is None else plaid_jwt.key_of(jwk, token.key_id)
    now = (await world.client.get("/control/clock")).json()["now"]
    return plaid_jwt.plaid_fault(token, message, key, (parse_rfc3339(now), 300_000))


async def test_webhooks(world: World, driver: Any, receiver: Any) -> None:
    """plaid.com/docs/api/webhooks: signed by a published key; only of an Item that was read once."""

    def ignored(_receiver: object) -> tuple[int, Any]:
        return 200, {"status": "ignored"}

    receiver.interfere = ignored
    await world.link()
    hook = f"http://127.0.0.1:{receiver.port}/webhooks/plaid"
    await world.call(RegisterWebhook("r", world.item, world.access, hook))
    assert (await world.book(added=[{"name": "X"}]))["answers"] == []
    await world.read()
    told = await world.book(added=[{"name": "X"}])
    assert [one["status"] for one in told["answers"]] == [200]
    codes = (
        "ERROR", "LOGIN_REPAIRED", "PENDING_EXPIRATION", "PENDING_DISCONNECT",
        "USER_PERMISSION_REVOKED", "USER_ACCOUNT_REVOKED", "WEBHOOK_UPDATE_ACKNOWLEDGED",
    )  # fmt: skip
    for code in codes:
        happened = {
            "itemId": world.item, "code": code, "consentExpiresAt": "2027-01-01T00:00:00Z",
        }  # fmt: skip
        await world.client.post("/control/plaid/items", json=happened)
    assert len(receiver.messages) == 1 + len(codes)
    for message, head in zip(receiver.messages, receiver.heads, strict=True):
        hold_webhook(json.loads(message))
        assert await _verified(world, message, head) is None
    await world.client.post("/control/plaid/keys", json={"expire": True})
    fault = await _verified(world, receiver.messages[-1], receiver.heads[-1])
    assert fault == "WEBHOOK_SIGNATURE_INVALID", "its key has ended"
    await world.book(added=[{"name": "X"}])
    assert await _verified(world, receiver.messages[-1], receiver.heads[-1]) is None
    for fault_name, verdict in (
        ("forged", "WEBHOOK_SIGNATURE_INVALID"),
        ("late", "WEBHOOK_TIMESTAMP_EXPIRED"),
        ("wrong_clock", "WEBHOOK_TIMESTAMP_EXPIRED"),
    ):
        row = {
            "party": "plaid", "operation": "webhooks.send", "fault": fault_name, "ms": 600_000, "count": 1,
        }  # fmt: skip
        if fault_name == "forged":
            del row["ms"]
        await driver.put_faults(row)
        await world.book(added=[{"name": "X"}])
        assert await _verified(world, receiver.messages[-1], receiver.heads[-1]) == verdict
    await driver.put_faults(
        {"party": "plaid", "operation": "webhooks.send", "fault": "replay", "count": 1}
    )
    assert len((await world.book(added=[{"name": "X"}]))["answers"]) == 2
    assert receiver.messages[-1] == receiver.messages[-2]
    assert receiver.heads[-1] == receiver.heads[-2]


async def test_faults_and_reset(world: World, driver: Any) -> None:
    """E15: an outage by script, before and after its effect; then everything is forgotten."""
    await world.link()
    await driver.put_faults(
        {
            "party": "plaid",
            "operation": "accounts.get",
            "fault": "status",
            "status": 503,
            "count": 1,
        }
    )
    body = {"access_token": world.access}
    answer = await world.client.post("/accounts/get", json=body, headers=OURS)
    assert answer.status_code == 503
    calls = (await world.client.get("/control/calls?party=plaid")).json()["items"]
    assert calls[-1]["operation"] == "accounts.get"
    assert calls[-1]["faults"] == ["status"]
    await world.client.post("/control/reset")
    assert (await world.client.get("/control/plaid/items")).json() == {"items": []}
    for path, body in (
        ("/control/plaid/items", {"itemId": "x", "code": "ERROR"}),
        ("/control/plaid/transactions", {"itemId": "x"}),
    ):
        assert (await world.client.post(path, json=body)).status_code == 404
    assert (await world.client.get("/plaid/link/x")).status_code == 404

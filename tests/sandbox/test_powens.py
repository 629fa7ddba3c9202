"""Powens as the sandbox plays it: in the words of its documentation, and well enough for the adapter.

Rule: every answer is held to the schema of its page (tests/actors/gateways/powens_schemas.py), and the adapter
that is used here is the daemon's.
"""

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator

from comptoir.actors.connection.conditions import condition_of
from comptoir.actors.connection.messages import (
    AccessRevoked,
    TransactionReported,
)
from comptoir.actors.gateways.bank_powens import PowensTerms
from comptoir.actors.gateways.messages import (
    ExchangeCode,
    ReadAccounts,
    ReadTransactions,
    RefreshTokens,
    RevokeAccess,
    StartLink,
)
from comptoir.engine.gateway_spec import CallFault
from comptoir.engine.trust import trust_of
from comptoir.sandbox.parties.bank import FORBIDDEN
from comptoir.sandbox.parties.powens_users import paris
from tests.actors.gateways.powens import caller
from tests.actors.gateways.powens_schemas import ERROR, hold_page, hold_response, hold_webhook

BACK = "http://127.0.0.1:9/link/callback"
START = StartLink("ls_1", BACK, "ls_1.s3cret", "ch", 90, user_id="u1")


class World:
    """The adapter over the sandbox, and what has linked by it."""

    def __init__(self, driver: Any, ours: httpx.AsyncClient) -> None:
        self.client: httpx.AsyncClient = driver.client
        self.ours = ours
        webview = f"{str(self.client.base_url).rstrip('/')}/webview"
        self.call = caller(ours, PowensTerms(webview, "fr", 1, 90), time.time_ns() // 1_000_000)
        self.id = ""
        self.access = ""
        self.user = ""

    async def press(self, url: str, **form: str) -> dict[str, str]:
        """A person opens the webview and presses a button; what they come back with."""
        parts = urlsplit(url)
        hold_page(parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)))
        page = await self.client.get(url)
        assert page.headers["content-type"].startswith("text/html")
        assert "J'accepte" in page.text
        back = await self.client.post(url, data=form)
        assert back.status_code == 303, back.text
        location = back.headers["location"]
        assert location.startswith(BACK)
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    async def link(self, **form: str) -> None:
        """A person links a card."""
        started = await self.call(START)
        back = await self.press(started.auth_url, **{"card": "4242", **form})
        exchanged = await self.call(ExchangeCode("ls_1", started.code, "v", BACK))
        assert back == {"state": "ls_1.s3cret", "connection_id": exchanged.connection_id}
        self.id, self.access = exchanged.connection_id, exchanged.tokens.access
        self.user = exchanged.tokens.refresh

    async def read(self, cursor: str = "") -> Any:
        """What changed since the cursor."""
        return await self.call(ReadTransactions("r", self.id, self.access, cursor))

    async def post(self, path: str, **fields: Any) -> Any:
        """Something happens there."""
        body = {"connectionId": int(self.id), **fields} if path != "webhooks" else fields
        answer = await self.client.post(f"/control/powens/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def book(self, *transactions: Any, **fields: Any) -> Any:
        """Something changes at the bank."""
        return await self.post("transactions", transactions=list(transactions), **fields)


@pytest.fixture
async def world(driver: Any) -> AsyncIterator[World]:
    """A sandbox; every answer of Powens's is looked at."""

    async def look(response: httpx.Response) -> None:
        await response.aread()
        path = response.request.url.path.removeprefix("/2.0")
        if response.status_code == 200:
            hold_response(response.request.method, path, response.json())
        elif response.status_code != 204 and response.status_code < 500:
            judge: Any = Draft202012Validator(ERROR)
            judge.validate(response.json())

    base = f"{str(driver.client.base_url).rstrip('/')}/2.0"
    async with httpx.AsyncClient(
        verify=trust_of(base), base_url=base, event_hooks={"response": [look]}
    ) as ours:
        yield World(driver, ours)


async def test_a_link(world: World) -> None:
    """S48, S58: link, see, revoke, by the daemon's adapter; canaries are in what it says."""
    await world.link(iban="FR7612345")
    read = await world.call(ReadAccounts("ls_1", world.id, world.access, "u1"))
    assert (read.bank_name, read.card_last4) == ("Banque du Bac à Sable", "4242")
    assert read.card == "card|FR7612345:4242"
    said = await world.ours.get(
        f"/users/me/connections/{world.id}",
        params={"expand": "accounts"}, headers={"Authorization": f"Bearer {world.access}"},
    )  # fmt: skip
    forbidden = {name: value for name, value in FORBIDDEN.items() if name != "balance"}
    assert forbidden.items() <= said.json()["accounts"][0].items()
    revoke = RevokeAccess("r", world.id, world.access)
    assert await world.call(revoke) == AccessRevoked()
    assert await world.call(revoke) == AccessRevoked(), "that there is nothing to end is an end"
    shown = (await world.client.get("/control/powens/connections")).json()
    assert shown == {"items": [], "users": 0}, "nothing is left of them"


@pytest.mark.parametrize("outcome", ["access_denied", "tos_declined", "server_error"])
async def test_who_says_no(world: World, outcome: str) -> None:
    """S57: they come back with Powens's word, without a connection; half an hour later they never were."""
    started = await world.call(START)
    back = await world.press(started.auth_url, outcome=outcome)
    assert (back["error"], back["state"]) == (outcome, "ls_1.s3cret")
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await world.call(ExchangeCode("ls_1", started.code, "v", BACK))
    await world.client.post("/control/clock", json={"advanceSeconds": 1800})
    user, _, token = started.code.partition(":")
    answer = await world.ours.get(
        "/users/me/connections", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await world.call(RefreshTokens("r", user))


async def test_a_code_is_good_once(world: World) -> None:
    """docs.powens.com authentication: `singleAccess`; and no page without one."""
    started = await world.call(START)
    await world.press(started.auth_url)
    assert (await world.client.get(started.auth_url)).status_code == 404
    assert (await world.client.post(started.auth_url)).status_code == 404
    for missing in ("code", "domain", "redirect_uri", "client_id"):
        url = started.auth_url.replace(f"{missing}=", "state=")
        assert (await world.client.get(url)).status_code == 422


async def test_an_answer_that_was_lost(world: World) -> None:
    """S45: asked again, there is one permanent token, and it is ours."""
    started = await world.call(START)
    await world.press(started.auth_url)
    fault = {
        "party": "powens",
        "operation": "auth.token.access",
        "fault": "drop_after_effect",
        "count": 1,
    }
    await world.client.put("/control/faults", json=[fault])
    exchange = ExchangeCode("ls_1", started.code, "v", BACK)
    with pytest.raises(CallFault, match="BANK_UNREACHABLE"):
        await world.call(exchange)
    exchanged = await world.call(exchange)
    (shown,) = (await world.client.get("/control/powens/connections")).json()["items"]
    assert shown["tokens"] == [exchanged.tokens.access]


async def test_a_token_is_replaced(world: World) -> None:
    """S45: the old one is good for nothing."""
    await world.link()
    refreshed = await world.call(RefreshTokens("r", world.user))
    with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
        await world.read()
    world.access = refreshed.tokens.access
    await world.read()


async def test_what_was_bought(world: World) -> None:
    """S52, E6, E8: read by what was updated; a change is told anew, a deletion is taken back."""
    await world.link()
    ids = (
        await world.book({"value": "-12.34", "original_wording": "CB CHEZ NOUS"}, {"coming": True})
    )["ids"]
    first = await world.read()
    (told,) = first.reports
    assert isinstance(told, TransactionReported)
    assert (told.transaction_id, told.amount_cents, told.currency) == (str(ids[0]), 1234, "EUR")
    await world.client.post("/control/clock", json={"advanceSeconds": 86_400})
    await world.book({"id": ids[0], "value": "-15.00"}, {"id": ids[1], "coming": False})
    second = await world.read(first.cursor)
    amounts = {one.transaction_id: one.amount_cents for one in second.reports}
    assert (len(amounts), amounts[str(ids[0])]) == (2, 1500)
    await world.client.post("/control/clock", json={"advanceSeconds": 86_400})
    await world.book({"id": ids[0], "deleted": "2026-11-23 10:00:00"})
    third = await world.read(second.cursor)
    gone = {one.transaction_id: (one.removed, one.revision) for one in third.reports}
    assert gone[str(ids[0])][0], "it never happened"
    known = {one.transaction_id: (one.removed, one.revision) for one in second.reports}
    assert gone[str(ids[1])] == known[str(ids[1])], "read again within the overlap, and taken once"


async def test_many_pages(world: World) -> None:
    """S63: 500 a page, by its links."""
    await world.link()
    await world.book(*({"value": "-1.00"} for _ in range(1201)))
    read = await world.read()
    assert (len(read.reports), read.more) == (1201, False)


async def test_states(world: World) -> None:
    """Protocols.md 5.1: what happens to a connection is what a reading says of it; a renewal repairs it."""
    await world.link()
    await world.post("connections", state="wrongpass")
    assert (await world.read()).stands.condition == condition_of("credentials_wrong")
    renewal = msgspec.structs.replace(START, connection_id=world.id, access=world.access)
    started = await world.call(renewal)
    assert "/reconnect?" in started.auth_url
    renewed = ExchangeCode("ls_1", started.code, "v", BACK, world.access)
    with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
        await world.call(renewed)
    assert await world.press(started.auth_url) == {"state": "ls_1.s3cret"}
    assert (await world.call(renewed)).tokens.access == world.access
    assert (await world.read()).stands.condition is None
    await world.post("connections", disabled=True)
    assert (await world.read()).reports == ()
    started = await world.call(renewal)
    assert "/manage?" in started.auth_url
    await world.press(started.auth_url)
    await world.call(renewed)


async def test_webhooks(world: World, receiver: Any) -> None:
    """S42: as their page has them; one that nobody took is sent again before the next, and compressed if set."""
    await world.link()
    url = receiver.url.replace("banking", "powens")
    for compressed in (False, True):
        await world.post("webhooks", url=url, secret="s" * 32, compressed=compressed)
        answers = (await world.book({"value": "-1.00"}))["answers"]
        assert answers, "it was sent"
    bodies = [body for body in receiver.messages if body.startswith(b"{")]
    for body in bodies:
        hold_webhook("CONNECTION_SYNCED", json.loads(body))
    names = {name.lower() for head in receiver.heads for name, _ in head}
    assert {"bi-signature", "bi-signature-date", "content-encoding"} <= names
    (shown,) = (await world.client.get("/control/powens/connections")).json()["items"]
    assert shown["untold"] > 0, "this receiver takes none of Powens's"


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (1_774_745_999_000, "2026-03-29 01:59:59"),
        (1_774_746_000_000, "2026-03-29 03:00:00"),
        (1_792_889_999_000, "2026-10-25 02:59:59"),
        (1_792_890_000_000, "2026-10-25 02:00:00"),
    ],
)
def test_times_of_paris(at: int, text: str) -> None:
    """Directive 2000/84/EC: one o'clock UTC on the last Sundays of March and October."""
    assert paris(at) == text


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/auth/init", {"x": 1}, 400, "invalidValue"),
        ("POST", "/auth/token/access", {"code": "c"}, 400, "missingParameter"),
        ("POST", "/auth/token/access", {"code": "c", "client_id": "u", "client_secret": "s"}, 401, "invalidValue"),
        ("GET", "/users/me/connections", None, 401, "unauthorized"),
        ("GET", "/auth/token/code", None, 401, "unauthorized"),
    ],
)  # fmt: skip
async def test_refusals(
    world: World, method: str, path: str, body: Any, status: int, code: str
) -> None:
    """docs.powens.com errors: in its words."""
    answer = await world.ours.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [("", "missingParameter"), ("?limit=0", "invalidValue"), ("?limit=1001", "invalidValue")],
)
async def test_explicit_pagination(world: World, query: str, code: str) -> None:
    """docs.powens.com bank-transactions: `limit` is required, up to 1,000."""
    await world.link()
    answer = await world.ours.get(
        f"/users/me/transactions{query}", headers={"Authorization": f"Bearer {world.access}"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, code)

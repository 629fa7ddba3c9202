"""Tink as the sandbox plays it: in the words of its documentation, and well enough for the adapter.

Rule: every answer is held to the schema of its page (tests/actors/gateways/tink_schemas.py), and the adapter that
is used here is the daemon's.
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
from comptoir.actors.connection.messages import AccessRevoked
from comptoir.actors.gateways.bank_tink import TinkTerms
from comptoir.actors.gateways.messages import (
    ExchangeCode,
    ReadAccounts,
    ReadTransactions,
    RevokeAccess,
    StartLink,
)
from comptoir.engine.gateway_spec import CallFault
from comptoir.engine.trust import trust_of
from comptoir.sandbox.parties.bank import FORBIDDEN
from comptoir.sandbox.parties.tink_users import exact
from tests.actors.gateways.tink import caller
from tests.actors.gateways.tink_schemas import ERROR, WEBHOOKS, hold, hold_page, hold_response

BACK = "http://127.0.0.1:9/link/callback"
START = StartLink("ls_1", BACK, "ls_1.s3cret", "ch", 90, user_id="u1")
NAME = "tink user|ls_1"


class World:
    """The adapter over the sandbox, and what has linked by it."""

    def __init__(self, driver: Any, ours: httpx.AsyncClient) -> None:
        self.client: httpx.AsyncClient = driver.client
        self.ours = ours
        base = str(self.client.base_url).rstrip("/")
        self.call = caller(ours, TinkTerms(base, "FR", "fr_FR", "Rewapp", 1), self.now)
        self._ahead_s = 0
        self.credentials = ""

    def now(self) -> int:
        """As the sandbox's clock has it."""
        return time.time_ns() // 1_000_000 + self._ahead_s * 1000

    async def later(self, seconds: int) -> None:
        """Time goes by."""
        self._ahead_s += seconds
        await self.client.post("/control/clock", json={"advanceSeconds": seconds})

    async def press(self, url: str, **form: str) -> dict[str, str]:
        """A person opens Tink Link and presses a button; what they come back with."""
        parts = urlsplit(url)
        hold_page(parts.path.rpartition("/")[2], dict(parse_qsl(parts.query)))
        page = await self.client.get(url)
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
        self.credentials = exchanged.tokens.access
        assert back == {"state": "ls_1.s3cret", "credentials_id": self.credentials}
        assert exchanged.connection_id == NAME

    async def read(self, cursor: str = "") -> Any:
        """What is there since the cursor."""
        return await self.call(ReadTransactions("r", NAME, self.credentials, cursor))

    async def post(self, path: str, **fields: Any) -> Any:
        """Something happens there."""
        body = {"credentialsId": self.credentials, **fields} if path != "webhooks" else fields
        answer = await self.client.post(f"/control/tink/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def token(self, scope: str) -> str:
        """A token of the app's."""
        form = {
            "client_id": "x",
            "client_secret": "y",
            "grant_type": "client_credentials",
            "scope": scope,
        }
        answer = await self.ours.post("/api/v1/oauth/token", data=form)
        return str(answer.json()["access_token"])


@pytest.fixture
async def world(driver: Any) -> AsyncIterator[World]:
    """A sandbox; every answer of Tink's is looked at."""

    async def look(response: httpx.Response) -> None:
        await response.aread()
        if response.status_code == 200:
            hold_response(response.request.method, response.request.url.path, response.json())
        elif response.status_code != 204 and response.status_code < 500:
            judge: Any = Draft202012Validator(ERROR)
            judge.validate(response.json())

    base = str(driver.client.base_url).rstrip("/")
    async with httpx.AsyncClient(
        verify=trust_of(base), base_url=base, event_hooks={"response": [look]}
    ) as ours:
        yield World(driver, ours)


async def test_a_link(world: World) -> None:
    """S48, S58: link, see, revoke, by the daemon's adapter; canaries are in what it says."""
    await world.link(iban="FR7612345")
    read = await world.call(ReadAccounts("ls_1", NAME, world.credentials, "u1"))
    assert (read.bank_name, read.card_last4) == ("Banque du Bac à Sable", "4242")
    assert read.card == "card|FR7612345:4242"
    calls = (await world.client.get("/control/calls?party=tink")).json()["items"]
    said = next(one for one in calls if one["operation"] == "accounts.list")["answer"]["body"]
    assert all(canary in said for canary in FORBIDDEN.values())
    assert '"9876543"' in said
    revoke = RevokeAccess("r", NAME, world.credentials)
    assert await world.call(revoke) == AccessRevoked()
    assert await world.call(revoke) == AccessRevoked(), "that there is nothing to end is an end"
    shown = (await world.client.get("/control/tink/credentials")).json()
    assert shown == {"items": [], "users": 0}, "nothing is left of them"


async def test_who_says_no(world: World) -> None:
    """S57: they come back with Tink's word, without credentials."""
    started = await world.call(START)
    back = await world.press(started.auth_url, outcome="USER_CANCELLED")
    assert (back["error"], back["state"]) == ("USER_CANCELLED", "ls_1.s3cret")
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await world.call(ExchangeCode("ls_1", started.code, "v", BACK))


async def test_a_code_is_good_once(world: World) -> None:
    """Tink Link opens by a code of its own, once; a code of ours opens no page, and that one no token."""
    started = await world.call(START)
    url = started.auth_url
    await world.press(url)
    assert (await world.client.get(url)).status_code == 404
    again = await world.call(START)
    code: str = parse_qs(urlsplit(str(again.auth_url)).query)["authorization_code"][0]
    form = {
        "client_id": "x",
        "client_secret": "y",
        "grant_type": "authorization_code",
        "code": code,
    }
    assert (await world.ours.post("/api/v1/oauth/token", data=form)).status_code == 400
    await world.later(1800)
    third = (await world.call(msgspec.structs.replace(START, reference="ls_2"))).auth_url
    await world.later(1800)
    assert (await world.client.get(third)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "scope", "status"),
    [
        ("GET", "/data/v2/accounts", "", 401),
        ("GET", "/data/v2/accounts", "accounts:read", 401),
        ("GET", "/data/v2/accounts", "transactions:read", 403),
        ("POST", "/api/v1/user/create", "authorization:grant", 403),
        ("POST", "/api/v1/oauth/authorization-grant", "user:create", 403),
        ("POST", "/api/v1/user/create", "user:create", 400),
        ("POST", "/api/v1/oauth/authorization-grant", "authorization:grant", 400),
    ],
)
async def test_scopes(world: World, method: str, path: str, scope: str, status: int) -> None:
    """A token opens what its scope names; the app's own opens nobody's data; a body must be of its form."""
    headers = {"Authorization": f"Bearer {await world.token(scope)}"} if scope else {}
    answer = await world.ours.request(method, path, headers=headers)
    assert answer.status_code == status


async def test_names(world: World) -> None:
    """A name is given once; who is not there has no code."""
    headers = {"Authorization": f"Bearer {await world.token('user:create')}"}
    body = {"external_user_id": "n", "market": "FR"}
    for status in (200, 409):
        answer = await world.ours.post("/api/v1/user/create", json=body, headers=headers)
        assert answer.status_code == status
    headers = {"Authorization": f"Bearer {await world.token('authorization:grant')}"}
    for form, status in (
        ({"external_user_id": "n", "scope": "accounts:read"}, 200),
        ({"external_user_id": "m", "scope": "accounts:read"}, 404),
        ({"scope": "accounts:read"}, 400),
        ({"external_user_id": "n", "user_id": "n", "scope": "accounts:read"}, 400),
    ):
        answer = await world.ours.post(
            "/api/v1/oauth/authorization-grant", data=form, headers=headers
        )
        assert answer.status_code == status, form


async def test_what_is_read(world: World) -> None:
    """S52, E8: booked, changed, many pages; told once."""
    await world.link()
    many = [{"id": f"t{number}", "value": "-1.00"} for number in range(250)]
    await world.post("transactions", transactions=many, webhook=False)
    first = await world.read()
    assert (len(first.reports), first.more) == (250, False)
    await world.post("transactions", transactions=[{"id": "t7", "value": "-2.00"}], webhook=False)
    second = await world.read(first.cursor)
    assert [one.report.amount_cents for one in second.reports] == [200]
    await world.post("transactions", deleted=["t7"], webhook=False)
    third = await world.read(second.cursor)
    assert third.reports == ()


async def test_pages_have_ends(world: World) -> None:
    """data-v2: at most 100 of a page; an unknown token or size is refused."""
    await world.link()
    token = await world.token("authorization:grant")
    form = {"external_user_id": NAME, "scope": "transactions:read"}
    headers = {"Authorization": f"Bearer {token}"}
    code = await world.ours.post("/api/v1/oauth/authorization-grant", data=form, headers=headers)
    form = {
        "client_id": "x", "client_secret": "y", "grant_type": "authorization_code",
        "code": code.json()["code"],
    }  # fmt: skip
    granted = await world.ours.post("/api/v1/oauth/token", data=form)
    headers = {"Authorization": f"Bearer {granted.json()['access_token']}"}
    for query in ({"pageSize": "101"}, {"pageSize": "0"}, {"pageToken": "mine"}):
        answer = await world.ours.get("/data/v2/transactions", params=query, headers=headers)
        assert answer.status_code == 400, query


@pytest.mark.parametrize(
    ("status", "name"),
    [("SESSION_EXPIRED", "authentication_required"), ("TEMPORARY_ERROR", "bank_unavailable")],
)
async def test_how_it_stands(world: World, status: str, name: str) -> None:
    """X20: what became of a consent is in it, until its person has renewed it."""
    await world.link()
    await world.post("credentials", status=status)
    assert (await world.read()).stands.condition == condition_of(name)
    renewal = msgspec.structs.replace(START, connection_id=NAME, access=world.credentials)
    back = await world.press((await world.call(renewal)).auth_url)
    assert back["credentials_id"] == world.credentials
    assert (await world.read()).stands.condition is None


async def test_webhooks(world: World, receiver: Any) -> None:
    """S54: signed, as their pages have them; one that nobody took comes again before the next."""
    await world.link()
    url = receiver.url.replace("banking", "tink")
    await world.post("webhooks", url=url, secret="a-secret-of-it")
    answers_to_come = iter([(503, {"code": "X"}), *[(202, {"status": "accepted"})] * 3])

    def interfere(_receiver: Any) -> Any:
        return next(answers_to_come)

    receiver.interfere = interfere
    answers = (await world.post("transactions", transactions=[{}]))["answers"]
    assert [one["status"] for one in answers] == [503]
    answers = (await world.post("credentials", status="SESSION_EXPIRED"))["answers"]
    assert [one["status"] for one in answers] == [202, 202]
    assert "x-tink-signature" in {name for name, _ in receiver.heads[0]}
    events = [json.loads(body) for body in receiver.messages]
    assert [one["event"] for one in events] == [
        "account-booked-transactions:modified", "account-booked-transactions:modified", "refresh:finished",
    ]  # fmt: skip
    for event in events:
        hold(WEBHOOKS, event["event"], event)
    gone = (await world.post("transactions", transactions=[{"id": "t1"}], webhook=False))["ids"]
    await world.post("transactions", deleted=gone)
    last = json.loads(receiver.messages[-1])
    hold(WEBHOOKS, "account-transactions:deleted", last)
    assert last["content"]["transactions"] == {"ids": ["t1"]}


@pytest.mark.parametrize(
    ("value", "scale", "unscaled"),
    [("-10.00", "2", "-1000"), ("0.05", "2", "005"), ("12", "0", "12"), ("-1E+3", "-3", "-1")],
)
def test_amounts(value: str, scale: str, unscaled: str) -> None:
    """data-v2, ExactNumber: a whole number and its scale, which may be below nought."""
    found = exact(value)
    assert (found["scale"], int(found["unscaledValue"])) == (scale, int(unscaled))

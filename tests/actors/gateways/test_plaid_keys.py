"""The keys by which Plaid signs: asked for once, kept for a while, and never asked for in floods (S63, S65)."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from comptoir.actors.gateways.plaid_api import PlaidApi
from comptoir.actors.gateways.plaid_keys import (
    FRESH_S,
    KEYS_MAX,
    NEW_NAMES_MAX,
    NEW_NAMES_S,
    RETRY_S,
    STALE_S,
    UNKNOWN_MAX,
    UNKNOWN_S,
    KeySource,
    PlaidKeys,
)
from comptoir.engine.gateway_spec import CallFault, GatewayBounds
from comptoir.engine.signing_testing import plaid_key
from comptoir.engine.spec import BreakerBounds
from tests.actors.gateways.plaid import refusal
from tests.actors.gateways.plaid_schemas import REQUESTS, RESPONSES, hold

BOUNDS = GatewayBounds(
    deadline_s=10.0, breaker=BreakerBounds(errors=3, window_ms=10_000, recovery_ms=30_000)
)
UNKNOWN = refusal("INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID")


class Publisher:
    """One environment's keys: as told, and how often they were asked for."""

    def __init__(self, *key_ids: str) -> None:
        self.keys: dict[str, Any] = {one: {**plaid_key(one), "kid": one} for one in key_ids}
        self.asked: list[str] = []
        self.answer: tuple[int, Any] | None = None
        self.delay_s = 0.0

    async def respond(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        body = json.loads(request.content)
        hold(REQUESTS, request.url.path, body)
        self.asked.append(body["key_id"])
        await trio.sleep(self.delay_s)
        if self.answer is not None:
            return httpx.Response(self.answer[0], json=self.answer[1])
        key = self.keys.get(body["key_id"])
        if key is None:
            return httpx.Response(UNKNOWN[0], json=UNKNOWN[1])
        document = {"key": key, "request_id": "r"}
        hold(RESPONSES, request.url.path, document)
        return httpx.Response(200, json=document)

    def source(self) -> KeySource:
        """Where it is asked."""
        transport = httpx.MockTransport(self.respond)
        client = httpx.AsyncClient(base_url="https://sandbox.plaid.com", transport=transport)
        return KeySource(PlaidApi(client, ("us", "s")), BOUNDS)


Keys = Callable[..., PlaidKeys]


@pytest.fixture
def clock() -> list[float]:
    """Seconds of I/O time, moved by hand."""
    return [1000.0]


@pytest.fixture
def keys(clock: list[float]) -> Keys:
    """The keys of some publishers."""

    def made(*publishers: Publisher) -> PlaidKeys:
        return PlaidKeys([one.source() for one in publishers], lambda: clock[0])

    return made


async def test_a_key_is_asked_for_once(keys: Keys, clock: list[float]) -> None:
    """The page on verification: kept, and asked for anew before it is old, so that its end is known."""
    plaid = Publisher("k1")
    found = keys(plaid)
    first = await found.find("k1")
    assert first is not None
    assert first["x"] == plaid.keys["k1"]["x"]
    clock[0] += FRESH_S - 1
    assert await found.find("k1") == first
    assert plaid.asked == ["k1"]
    plaid.keys["k1"]["expired_at"] = 1
    clock[0] += 1
    ended = await found.find("k1")
    assert ended is not None
    assert ended["expired_at"] == 1
    assert plaid.asked == ["k1", "k1"]


async def test_those_who_wait_for_one_wait_together(keys: Keys) -> None:
    """However many webhooks name a key that is not at hand, it is one call."""
    plaid = Publisher("k1")
    plaid.delay_s = 0.01
    found = keys(plaid)
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await found.find("k1"))

    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(ask)
    assert plaid.asked == ["k1"]
    assert len(answers) == 50
    assert None not in answers


async def test_a_flood_of_names_is_no_flood_of_calls(keys: Keys, clock: list[float]) -> None:
    """Nothing is unbounded: new names at a rate, and one that Plaid does not know is asked for once."""
    plaid = Publisher("genuine")
    found = keys(plaid)
    assert [await found.find("made-up-0") for _ in range(20)] == [None] * 20
    for number in range(1, NEW_NAMES_MAX):
        assert await found.find(f"made-up-{number}") is None
    for number in range(NEW_NAMES_MAX, 1000):
        with pytest.raises(CallFault, match="OVERLOADED") as caught:
            await found.find(f"made-up-{number}")
        assert caught.value.retryable
    assert len(plaid.asked) == NEW_NAMES_MAX
    clock[0] += NEW_NAMES_S
    assert await found.find("genuine") is not None
    clock[0] += UNKNOWN_S
    assert await found.find("made-up-0") is None
    assert plaid.asked[-2:] == ["genuine", "made-up-0"], "a name may become known"


async def test_what_is_remembered_is_bounded(keys: Keys, clock: list[float]) -> None:
    """Nothing is unbounded: keys, and names of none."""
    names = [f"k{number}" for number in range(KEYS_MAX + 1)]
    plaid = Publisher(*names)
    found = keys(plaid)
    for name in names:
        clock[0] += NEW_NAMES_S
        assert await found.find(name) is not None
    clock[0] += NEW_NAMES_S
    assert repr(found) == f"<PlaidKeys {KEYS_MAX} kept, 0 asked for>"
    plaid.asked.clear()
    assert await found.find(names[0]) is not None
    assert plaid.asked == [names[0]], "the oldest was forgotten"
    for number in range(UNKNOWN_MAX + 1):
        clock[0] += 0.1 if number % NEW_NAMES_MAX else NEW_NAMES_S
        assert await found.find(f"none{number}") is None


async def test_while_plaid_is_away(keys: Keys, clock: list[float]) -> None:
    """S65: a kept key is good for a day; another cannot be had; after some errors nobody is called."""
    plaid = Publisher("k1", "k2")
    found = keys(plaid)
    first = await found.find("k1")
    plaid.answer = (503, {})
    clock[0] += FRESH_S
    with capture_logs():
        assert await found.find("k1") == first
        assert await found.find("k1") == first
        assert len(plaid.asked) == 2, "not again at once"
        for _ in range(5):
            with pytest.raises(CallFault, match="BANK_PROVIDER_UNAVAILABLE"):
                await found.find("k2")
        assert len(plaid.asked) == 4, "the breaker opened at the third error"
        clock[0] += 30
        plaid.answer = None
        assert await found.find("k2") is not None
        plaid.answer = (503, {})
        clock[0] += STALE_S
        with pytest.raises(CallFault, match="BANK_PROVIDER_UNAVAILABLE"):
            await found.find("k1")
    assert RETRY_S < 60


@pytest.mark.parametrize(
    "answer",
    [
        refusal("INVALID_INPUT", "INVALID_API_KEYS"),
        refusal("RATE_LIMIT_EXCEEDED", "RATE_LIMIT", 429),
        (200, {"key": {}}),
        (200, {"key": {**plaid_key("k1"), "kid": "k1", "created_at": "x"}}),
    ],
)
async def test_answers_that_say_nothing_of_the_key(keys: Keys, answer: tuple[int, Any]) -> None:
    """S63: only Plaid's own word makes a name unknown."""
    plaid = Publisher("k1")
    plaid.answer = answer
    with capture_logs(), pytest.raises(CallFault, match="BANK_PROVIDER_UNAVAILABLE"):
        await keys(plaid).find("k1")


async def test_another_name_in_the_answer(keys: Keys) -> None:
    """A key of another name is not the key of this one."""
    plaid = Publisher("k1")
    plaid.keys["k1"]["kid"] = "k2"
    assert await keys(plaid).find("k1") is None


async def test_several_environments(keys: Keys) -> None:
    """S54: each is asked in turn; one that is away hides no key of the other, and makes none unknown."""
    first, second = Publisher("a"), Publisher("b")
    found = keys(first, second)
    assert await found.find("a") is not None
    assert second.asked == []
    assert await found.find("b") is not None
    assert await found.find("c") is None
    first.answer = (500, {})
    with capture_logs():
        third = keys(first, second)
        assert await third.find("b") is not None
        with pytest.raises(CallFault):
            await third.find("c")


async def test_without_plaid(keys: Keys) -> None:
    """Security by default: no address, no key, no signature that could be right."""
    assert await keys().find("k1") is None


async def test_a_deadline(autojump_clock: trio.testing.MockClock) -> None:
    """S63: who does not answer in time is away."""
    plaid = Publisher("k1")
    plaid.delay_s = 3600
    began = trio.current_time()
    with capture_logs(), pytest.raises(CallFault, match="BANK_PROVIDER_UNAVAILABLE"):
        await PlaidKeys([plaid.source()]).find("k1")
    assert trio.current_time() - began == BOUNDS.deadline_s
    del autojump_clock

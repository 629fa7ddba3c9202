"""How Tink is spoken to: whose tokens, how long they are kept, and what each refusal comes to."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from comptoir.engine.gateway_spec import CallFault
from tests.actors.gateways.test_bank_tink import (
    ACCOUNTS,
    CONSENTS,
    DELEGATE,
    GRANT,
    READ,
    RENEWAL,
    RENEWED,
    START,
    TOKEN,
    TRANSACTIONS,
)
from tests.actors.gateways.tink import NOW, Tink, caller, refusal


@pytest.fixture
def tink() -> Tink:
    """The party."""
    return Tink()


@pytest.fixture
async def call(tink: Tink) -> AsyncIterator[Any]:
    """Make one call as the gateway does."""
    async with tink.client() as client:
        yield caller(client)


async def test_tokens_of_ours_are_kept(tink: Tink) -> None:
    """S63: asked for once by scope, and again a minute before their end."""
    clock = [NOW]
    async with tink.client() as client:
        call = caller(client, now=lambda: clock[0])
        for later, asked in ((0, 2), (1_739_999, 2), (1_740_000, 4)):
            clock[0] = NOW + later
            await call(START)
            assert [word for word, *_ in tink.requests].count(TOKEN) == asked, later


async def test_a_user_who_is_gone(tink: Tink, call: Any) -> None:
    """X20: told as an end that its person must repair; and so is a consent that is gone."""
    tink.answers[GRANT] = refusal(404)
    tink.answers[DELEGATE] = refusal(404)
    for message in (READ, ACCOUNTS, RENEWED, RENEWAL):
        with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
            await call(message)
    del tink.answers[GRANT]
    tink.consents.clear()
    for message in (READ, ACCOUNTS, RENEWED):
        with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
            await call(message)


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "sick"),
    [
        (refusal(429), "BANK_UNAVAILABLE", True, True),
        (refusal(500), "BANK_UNAVAILABLE", True, True),
        ((200, b"{"), "BANK_ANSWER_INVALID", True, True),
        ((200, b'{"transactions": [{"id": 7}]}'), "BANK_ANSWER_INVALID", True, True),
        (refusal(400), "BANK_REFUSED", False, False),
        (refusal(401), "BANK_CREDENTIALS_REFUSED", False, True),
        (refusal(403), "BANK_CREDENTIALS_REFUSED", False, True),
    ],
)
async def test_refusals(
    tink: Tink, call: Any, answer: Any, code: str, retryable: bool, sick: bool
) -> None:
    """S63, S65: what an answer that is none comes to; nothing of its text is in it."""
    tink.answers[TRANSACTIONS] = answer
    with pytest.raises(CallFault, match=code) as caught:
        await call(READ)
    assert (caught.value.retryable, caught.value.sick) == (retryable, sick)
    assert "canary" not in repr(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_credentials_of_ours(tink: Tink, call: Any, status: int) -> None:
    """S65: they are wrong for every call, whoever it is for: the breaker counts it."""
    tink.answers[TOKEN] = refusal(status)
    with pytest.raises(CallFault, match="BANK_CREDENTIALS_REFUSED") as caught:
        await call(READ)
    assert (caught.value.retryable, caught.value.sick) == (False, True)


async def test_a_kept_token_that_is_not_good_any_more(tink: Tink, call: Any) -> None:
    """S63: it is forgotten, and the next try has another."""
    await call(READ)
    tink.answers[GRANT] = refusal(401)
    with pytest.raises(CallFault, match="BANK_CREDENTIALS_REFUSED") as caught:
        await call(READ)
    assert (caught.value.retryable, caught.value.sick) == (True, True)
    del tink.answers[GRANT]
    tink.requests.clear()
    await call(READ)
    assert [word for word, *_ in tink.requests] == [TOKEN, GRANT, TOKEN, CONSENTS, TRANSACTIONS]


async def test_it_cannot_be_reached() -> None:
    """S63: tried again, and counted."""

    def nobody(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    async with httpx.AsyncClient(
        base_url="https://api.tink.com", transport=httpx.MockTransport(nobody)
    ) as client:
        with pytest.raises(CallFault, match="BANK_UNREACHABLE"):
            await caller(client)(READ)

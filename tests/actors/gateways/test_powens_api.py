"""How Powens is spoken to: whom a token goes to, and what each of its errors comes to."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from comptoir.actors.gateways.messages import ReadTransactions, RefreshTokens
from comptoir.engine.gateway_spec import CallFault
from tests.actors.gateways.powens import BASE, Powens, caller, page, refusal
from tests.actors.gateways.provider import CANARIES

READ = ReadTransactions("cn_1:1", "7", "permanent-1", "")


@pytest.fixture
def powens() -> Powens:
    """The party."""
    return Powens()


@pytest.fixture
async def call(powens: Powens) -> AsyncIterator[Any]:
    """Make one call as the gateway does."""
    async with powens.client() as client:
        yield caller(client)


@pytest.mark.parametrize(
    "href",
    [
        "https://elsewhere.example/2.0/users/me/transactions?limit=500",
        "http://demo.biapi.pro/2.0/users/me/transactions?limit=500",
        "https://demo.biapi.pro:8443/2.0/users/me/transactions?limit=500",
        "https://demo.biapi.pro@elsewhere.example/2.0/users/me/transactions",
        "https://demo.biapi.pro/admin",
        "https://us:x@demo.biapi.pro/2.0/users/me/transactions",
        f"{BASE}/users/me/transactions?limit=500&offset=" + "0" * 5000,
        "https://[",
    ],
)
async def test_a_token_goes_to_powens_alone(powens: Powens, call: Any, href: str) -> None:
    """S45: a link to somebody else is not followed."""
    powens.pages = lambda _url: page(following=href)
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
        await call(READ)
    assert len(powens.requests) == 2


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "sick"),
    [
        (refusal("rateLimiting", 429), "BANK_UNAVAILABLE", True, True),
        (refusal("bug", 500), "BANK_UNAVAILABLE", True, True),
        ((503, b"down"), "BANK_UNAVAILABLE", True, True),
        (refusal("connectionLocked", 409), "BANK_UNAVAILABLE", True, False),
        (refusal("unauthorized", 401), "BANK_ACCESS_ENDED", False, False),
        (refusal("forbidden", 403), "BANK_ACCESS_ENDED", False, False),
        (refusal("invalidValue", 400), "BANK_REFUSED", False, False),
        ((404, b"<html>"), "BANK_REFUSED", False, False),
        ((200, b"{"), "BANK_ANSWER_INVALID", True, True),
        ((200, {"transactions": [{"id": "x"}]}), "BANK_ANSWER_INVALID", True, True),
    ],
    ids=str,
)
async def test_faults(
    powens: Powens, call: Any, answer: Any, code: str, retryable: bool, sick: bool
) -> None:
    """S63, S65: what passes is tried again; what speaks of Powens's health is counted by the breaker."""
    powens.answers["GET /users/me/transactions"] = answer
    with pytest.raises(CallFault, match=code) as caught:
        await call(READ)
    assert (caught.value.retryable, caught.value.sick) == (retryable, sick)
    assert not any(canary in repr(caught.value.args) for canary in CANARIES.values())


async def test_our_own_credentials(powens: Powens, call: Any) -> None:
    """S65: refused, nobody's link goes well: it is counted."""
    powens.answers["POST /auth/renew"] = refusal("unauthorized", 401)
    with pytest.raises(CallFault, match="BANK_CREDENTIALS_REFUSED") as caught:
        await call(RefreshTokens("cn_1:2", "3"))
    assert caught.value.sick

"""The adapter `seed` (S51 as written): what it asks, what it reads, what it makes of a refusal."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from comptoir.actors.connection.messages import (
    AccessRevoked,
    TransactionReported,
    TransactionsRead,
)
from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_seed import SeedBank
from comptoir.actors.gateways.messages import (
    ExchangeCode,
    ReadAccounts,
    ReadTransactions,
    RefreshTokens,
    RegisterWebhook,
    RevokeAccess,
    StartLink,
    Tokens,
)
from comptoir.actors.linking.messages import (
    AccountsRead,
    CodeExchanged,
    LinkStarted,
    ProviderFailed,
)
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds
from comptoir.engine.values import Message
from tests.actors.gateways.provider import DETAILS, TRANSACTION, Provider

NOW = 1_800_000_000_000
START = StartLink("ls_1", "https://us/link/callback", "ls_1.secret", "challenge", 90)
EXCHANGE = ExchangeCode("ls_1", "code", "verifier", "https://us/link/callback")
ACCOUNTS = ReadAccounts("ls_1", "conn/1", "at")
PAGE = ReadTransactions("cn_1:1", "conn/1", "at", "c0")
REVOKE = RevokeAccess("cn_1:1", "conn/1", "at")


@pytest.fixture
def provider() -> Provider:
    """The party."""
    return Provider()


@pytest.fixture
async def call(provider: Provider) -> AsyncIterator[Any]:
    """Make one call as the gateway does."""
    async with provider.client() as client:
        adapter = SeedBank(client, ("us", "s3cret"), lambda field, value: f"{field}|{value}")
        spec = bank_gateway("seed", adapter, GatewayBounds())

        async def made(message: Message) -> Message | None:
            operation = spec.operations[type(message)]
            return await operation.call(
                message, CallContext(NOW, 1, operation.business_key(message))
            )

        yield made


async def test_what_is_asked(provider: Provider, call: Any) -> None:
    """S48, S51, S45: paths as the source has them, PKCE, credentials, and a key for what begins something."""
    await call(START)
    await call(EXCHANGE)
    await call(RefreshTokens("cn_1:1", "rt"))
    await call(RegisterWebhook("cn_1:1", "conn/1", "at", "https://us/webhooks/banking"))
    await call(REVOKE)
    renewal = StartLink("ls_2", START.redirect_uri, "s", "c", 90, "conn/1", "at")
    provider.answers["POST /connections/conn/1/renew"] = (200, {
        "authUrl": "https://b/a", "stateToken": "s"})  # fmt: skip
    await call(renewal)
    asked = [(one.method, one.url.raw_path.decode()) for one in provider.requests]
    assert asked == [
        ("POST", "/auth/init"), ("POST", "/auth/token"), ("POST", "/auth/token"), ("POST", "/webhooks"),
        ("DELETE", "/connections/conn%2F1"), ("POST", "/connections/conn%2F1/renew"),
    ]  # fmt: skip
    keys = [one.headers["idempotency-key"] for one in provider.requests]
    assert keys == [
        "start:ls_1", "exchange:ls_1", "refresh:cn_1:1", "webhook:cn_1:1", "revoke:cn_1:1", "start:ls_2",
    ]  # fmt: skip
    who = [one.headers["authorization"].partition(" ")[0] for one in provider.requests]
    assert who == ["Basic"] * 6, "an access may have ended before any of these is sent"
    assert b'"codeChallengeMethod":"S256"' in provider.requests[0].content.replace(b" ", b"")


async def test_what_is_read(provider: Provider, call: Any) -> None:
    """S58, X15: the fields that are named, blind indexes, cents that were never a float."""
    assert await call(START) == LinkStarted("https://bank.example/authorize")
    assert await call(EXCHANGE) == CodeExchanged(
        "conn_1", "seed|conn_1", Tokens("at2", "rt2", NOW + 3_600_000)
    )
    read = await call(ACCOUNTS)
    assert isinstance(read, AccountsRead)
    assert (read.card, read.bank_name, read.card_last4) == ("card|FR761234:4242", "Bank", "4242")
    provider.answers["GET /transactions"] = (200, {
        "items": [{**TRANSACTION, "amount": 19.99}, {**TRANSACTION, "amount": 0.1}],
        "nextCursor": "2", "more": True,
    })  # fmt: skip
    page = await call(PAGE)
    assert isinstance(page, TransactionsRead)
    reports = [one for one in page.reports if isinstance(one, TransactionReported)]
    assert ([one.amount_cents for one in reports], page.cursor, page.more) == (
        [1999, 10],
        "2",
        True,
    )
    assert provider.requests[-1].url.params["cursor"] == "c0"
    provider.answers["DELETE /connections/conn/1"] = (404, {})
    assert await call(REVOKE) == AccessRevoked()


async def test_the_same_card_by_another_connection(provider: Provider, call: Any) -> None:
    """X15: a card is known by account and last digits, however the IBAN is written."""
    first = await call(ACCOUNTS)
    account = {"id": "other", "iban": "fr761234", "cardLast4": "4242"}
    provider.answers["GET /connections/conn/1"] = (200, {**DETAILS, "accounts": [account]})
    assert (await call(ACCOUNTS)).card == first.card
    provider.answers["GET /connections/conn/1"] = (
        200, {**DETAILS, "accounts": [{**account, "cardLast4": "4243"}]})  # fmt: skip
    assert (await call(ACCOUNTS)).card != first.card


@pytest.mark.parametrize(
    ("status", "document", "code", "retryable", "sick"),
    [
        (503, {}, "BANK_UNAVAILABLE", True, True),
        (429, {}, "BANK_UNAVAILABLE", True, True),
        (400, {}, "BANK_REFUSED", False, False),
        (302, {}, "BANK_REFUSED", False, False),
        (200, b"{", "BANK_ANSWER_INVALID", True, True),
        (200, b"\xff", "BANK_ANSWER_INVALID", True, True),
        (200, {"bankName": "B"}, "BANK_ANSWER_INVALID", True, True),
        (200, {**DETAILS, "accounts": [{"id": "a"}]}, "BANK_REFUSED", False, False),
        (200, {**DETAILS, "consentExpiresAt": "2099-01-01T00:00:00"}, "BANK_REFUSED", False, False),
    ],
)
async def test_faults(  # one row of the table each
    provider: Provider,
    call: Any,
    status: int,
    document: Any,
    code: str,
    retryable: bool,
    sick: bool,
) -> None:
    """S63, S65: an outage is retried and counts against the party; a no is final."""
    provider.answers["GET /connections/conn/1"] = (status, document)
    with pytest.raises(CallFault) as caught:
        await call(ACCOUNTS)
    fault = caught.value
    assert (fault.code, fault.retryable, fault.sick) == (code, retryable, sick)
    assert "canary" not in repr(fault)


@pytest.mark.parametrize("amount", [-1, 0.001, 100_000_000, "NaN"])
async def test_amounts_that_are_none(provider: Provider, call: Any, amount: Any) -> None:
    """Design.md 7: what is no number of cents is no transaction."""
    provider.answers["GET /transactions"] = (
        200, {"items": [{**TRANSACTION, "amount": amount}], "nextCursor": "2", "more": False})  # fmt: skip
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
        await call(PAGE)


async def test_another_session_s_state(provider: Provider, call: Any) -> None:
    """S48, RFC 9700 4.7: an answer for another state is none."""
    provider.answers["POST /auth/init"] = (200, {"authUrl": "https://b/a", "stateToken": "other"})
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
        await call(START)


async def test_failed_for_good(provider: Provider) -> None:
    """S66: a provider that is away is 503 to the app, one that says no is 400."""
    async with provider.client() as client:
        adapter = SeedBank(client, ("us", "s3cret"), lambda field, value: f"{field}|{value}")
        failed = bank_gateway("seed", adapter, GatewayBounds()).operations[StartLink].failed
        assert failed(START, "BANK_REFUSED") == ProviderFailed("BANK_CARD_LINKING_FAILED")
        for code in ("BANK_UNAVAILABLE", "CALL_TIMEOUT", "BANK_ANSWER_INVALID"):
            assert failed(START, code) == ProviderFailed("BANK_PROVIDER_UNAVAILABLE")

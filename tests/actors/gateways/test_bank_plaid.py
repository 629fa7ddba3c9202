"""The adapter `plaid`: what it asks, what it reads, what it makes of a refusal, and whole updates by cursor."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from comptoir.actors.connection.messages import (
    AccessRevoked,
    ConnectionReported,
    TransactionsUnread,
)
from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_plaid import PlaidBank
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
from comptoir.actors.gateways.plaid_api import PlaidApi
from comptoir.actors.linking.messages import (
    AccountsRead,
    CodeExchanged,
    LinkStarted,
    ProviderFailed,
)
from comptoir.engine.gateway_spec import CallFault, GatewayBounds
from tests.actors.gateways.plaid import (
    ADDED,
    FINISHED,
    ITEM,
    TERMS,
    Plaid,
    account,
    caller,
    refusal,
    session,
)
from tests.actors.gateways.plaid_schemas import ERROR

START = StartLink("ls_1", "https://us/link/callback", "ls_1.s3cret", "ch", 90, user_id="u1")
EXCHANGE = ExchangeCode("ls_1", "link-1", "verifier", "https://us/link/callback")
ACCOUNTS = ReadAccounts("ls_1", "item_1", "access-1", "u1")
READ = ReadTransactions("cn_1:1", "item_1", "access-1", "", "acc_1")
REVOKE = RevokeAccess("cn_1:1", "item_1", "access-1")


@pytest.fixture
def plaid() -> Plaid:
    """The party."""
    return Plaid()


@pytest.fixture
async def call(plaid: Plaid) -> AsyncIterator[Any]:
    """Make one call as the gateway does."""
    async with plaid.client() as client:
        yield caller(client)


async def test_a_link(plaid: Plaid, call: Any) -> None:
    """S48, S57: Hosted Link that ends at our address with our `state`; the code is the link token."""
    assert await call(START) == LinkStarted("https://secure.plaid.com/hl/1", "link-1")
    assert await call(EXCHANGE) == CodeExchanged(
        "item_1", "plaid|item_1", Tokens("access-1", "", 0)
    )
    (path, body, headers), (_, asked, _), (_, exchanged, _) = plaid.requests
    assert path == "/link/token/create"
    back = "https://us/link/callback?state=ls_1.s3cret"
    assert body["hosted_link"] == {"completion_redirect_uri": back}
    assert body["user"] == {"client_user_id": "plaid user|u1"}, "a digest, never the person's id"
    assert body["transactions"] == {"days_requested": 1}
    assert (asked, exchanged) == ({"link_token": "link-1"}, {"public_token": "public-1"})
    assert (headers["plaid-client-id"], headers["plaid-secret"]) == ("us", "plaid-secret")
    assert headers["plaid-version"] == "2020-09-14"
    assert "plaid-secret" not in repr([document for _, document, _ in plaid.requests])


async def test_a_renewal(plaid: Plaid, call: Any) -> None:
    """X20: Link's update mode: no product, no exchange, the same token, once the Item is well."""
    renewal = msgspec.structs.replace(START, connection_id="item_1", access="access-1")
    assert await call(renewal) == LinkStarted("https://secure.plaid.com/hl/1", "link-1")
    body = plaid.requests[-1][1]
    assert body["access_token"] == "access-1"
    assert "products" not in body
    exchange = msgspec.structs.replace(EXCHANGE, access="access-1")
    plaid.sessions = [session(finished_at=FINISHED)]
    assert await call(exchange) == CodeExchanged(
        "item_1", "plaid|item_1", Tokens("access-1", "", 0)
    )
    assert plaid.requests[-1][0] == "/item/get"
    status, error = refusal("ITEM_ERROR", "ITEM_LOGIN_REQUIRED")
    plaid.item = {**ITEM, "error": {**error, "status": status}}
    with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
        await call(exchange)


@pytest.mark.parametrize("access", ["", "access-1"])
@pytest.mark.parametrize(
    ("sessions", "code", "retryable"),
    [
        ([], "BANK_UNAVAILABLE", True),
        ([session()], "BANK_UNAVAILABLE", True),
        ([session(finished_at=None, results=None)], "BANK_UNAVAILABLE", True),
        ([session(finished_at=FINISHED, exit={"error": None, "metadata": {}})], "BANK_REFUSED", False),
    ],
)  # fmt: skip
async def test_who_has_not_consented(
    plaid: Plaid, call: Any, access: str, sessions: list[Any], code: str, retryable: bool
) -> None:
    """S57: who has left Link has refused; of whom nothing is written down yet, it is asked again."""
    plaid.sessions = sessions
    with pytest.raises(CallFault, match=code) as caught:
        await call(msgspec.structs.replace(EXCHANGE, access=access))
    assert (caught.value.retryable, caught.value.sick) == (retryable, False)


async def test_an_older_form_of_the_answer(plaid: Plaid, call: Any) -> None:
    """`on_success` is what `results` was called before; who left first and came back has consented."""
    left = session(finished_at=FINISHED, exit={"error": None})
    plaid.sessions = [left, session(finished_at=FINISHED, on_success=ADDED)]
    assert (await call(EXCHANGE)).tokens.access == "access-1"


async def test_accounts(plaid: Plaid, call: Any) -> None:
    """S58, S59, X15: bank, last digits and the account that is read; no balance, which is sent."""
    read = await call(ACCOUNTS)
    named = "plaid:u1:ins_1:checking:Compte:4242"
    assert read == AccountsRead(f"card|{named}", "Bank", "4242", 0, "acc_1")
    plaid.item = {**ITEM, "consent_expiration_time": "2027-01-15T08:00:00Z"}
    assert (await call(ACCOUNTS)).consent_expires_at == 1_800_000_000_000
    plaid.accounts = [*plaid.accounts, account("acc_2", "7777", "credit")]
    assert (await call(ACCOUNTS)).account == "acc_2", "a credit card before an account with a card"
    assert "canary" not in repr(read)


async def test_the_same_card_in_another_item(plaid: Plaid, call: Any) -> None:
    """S66, X15: one person's card is one card however often it is linked; another's alike is another's."""
    first = await call(ACCOUNTS)
    plaid.accounts = [account("acc_of_another_item", "4242")]
    assert (await call(ACCOUNTS)).card == first.card
    another = msgspec.structs.replace(ACCOUNTS, user_id="u2")
    assert (await call(another)).card != first.card
    plaid.accounts = [account("acc_3", "4242", persistent_account_id="p1")]
    assert (await call(another)).card == (await call(ACCOUNTS)).card, "the bank names it itself"


@pytest.mark.parametrize(
    "accounts",
    [
        [],
        [account("a", None)],
        [account("a", "12")],
        [account("a", "4242", "loan")],
        [account("a", "4242", subtype="savings")],
    ],
)
async def test_nothing_with_a_card(plaid: Plaid, call: Any, accounts: list[Any]) -> None:
    """S48: what has no card cannot be linked."""
    plaid.accounts = accounts
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(ACCOUNTS)


async def test_what_else_is_asked(plaid: Plaid, call: Any) -> None:
    """S45, S57: webhooks come after a first reading, so it is asked for; an Item that is gone is gone."""
    webhook = RegisterWebhook("cn_1:1", "item_1", "access-1", "https://us/webhooks/plaid")
    assert await call(webhook) == ConnectionReported("plaid", "updates", "linked:cn_1:1")
    assert plaid.requests[-1][1] == {
        "access_token": "access-1",
        "webhook": "https://us/webhooks/plaid",
    }
    assert await call(REVOKE) == AccessRevoked()
    for code in ("ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN"):
        plaid.answers["/item/remove"] = refusal("ITEM_ERROR", code)
        assert await call(REVOKE) == AccessRevoked()
    plaid.answers["/item/remove"] = refusal("INVALID_REQUEST", "MISSING_FIELDS")
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(REVOKE)
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(RefreshTokens("cn_1:1", ""))


FAULTS: list[tuple[tuple[int, Any], str, bool, bool]] = [
    (refusal("ITEM_ERROR", "ITEM_LOGIN_REQUIRED"), "BANK_ACCESS_ENDED", False, False),
    (refusal("ITEM_ERROR", "ITEM_NOT_FOUND"), "BANK_ACCESS_ENDED", False, False),
    (refusal("INVALID_INPUT", "INVALID_ACCESS_TOKEN"), "BANK_ACCESS_ENDED", False, False),
    (refusal("ITEM_ERROR", "ITEM_NOT_SUPPORTED"), "BANK_REFUSED", False, False),
    (refusal("ITEM_ERROR", "PRODUCT_NOT_READY"), "BANK_UNAVAILABLE", True, False),
    (refusal("INSTITUTION_ERROR", "INSTITUTION_DOWN"), "BANK_UNAVAILABLE", True, False),
    (refusal("INSTITUTION_ERROR", "INSTITUTION_NOT_RESPONDING"), "BANK_UNAVAILABLE", True, False),
    (refusal("INSTITUTION_ERROR", "INSTITUTION_NO_LONGER_SUPPORTED"), "BANK_REFUSED", False, False),
    (refusal("RATE_LIMIT_EXCEEDED", "RATE_LIMIT", 429), "BANK_UNAVAILABLE", True, True),
    (refusal("RATE_LIMIT_EXCEEDED", "TRANSACTIONS_SYNC_LIMIT"), "BANK_UNAVAILABLE", True, True),
    (refusal("API_ERROR", "INTERNAL_SERVER_ERROR", 500), "BANK_UNAVAILABLE", True, True),
    (refusal("API_ERROR", "PLANNED_MAINTENANCE"), "BANK_UNAVAILABLE", True, True),
    (refusal("INVALID_INPUT", "INVALID_API_KEYS"), "BANK_CREDENTIALS_REFUSED", False, True),
    (refusal("INVALID_REQUEST", "UNKNOWN_FIELDS"), "BANK_REFUSED", False, False),
    (refusal("TRANSACTIONS_ERROR", "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"),
     "BANK_UNAVAILABLE", True, False),
    ((400, b"<html>"), "BANK_REFUSED", False, False),
    ((200, b"{"), "BANK_ANSWER_INVALID", True, True),
    ((200, {"accounts": [{}], "item": ITEM}), "BANK_ANSWER_INVALID", True, True),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "code", "retryable", "sick"), FAULTS)
async def test_faults(
    plaid: Plaid, call: Any, answer: tuple[int, Any], code: str, *, retryable: bool, sick: bool
) -> None:
    """S63, S65: by Plaid's own words: whose fault it is, and whether it passes."""
    plaid.answers["/accounts/get"] = answer
    with pytest.raises(CallFault) as caught:
        await call(ACCOUNTS)
    fault = caught.value
    assert (fault.code, fault.retryable, fault.sick) == (code, retryable, sick)
    assert "canary" not in repr(fault)


def test_errors_are_of_the_page() -> None:
    """The table above is in Plaid's words."""
    kinds = set(ERROR["properties"]["error_type"]["enum"])
    assert {document["error_type"] for (_, document), *_ in FAULTS
            if isinstance(document, dict) and "error_type" in document} <= kinds  # fmt: skip


async def test_failed_for_good(plaid: Plaid) -> None:
    """S63, S66: what the asker hears: the person must act, it was refused, or it was away."""
    async with plaid.client() as client:
        adapter = PlaidBank(PlaidApi(client, ("us", "s")), TERMS, lambda field, value: field)
        operations = bank_gateway("plaid", adapter, GatewayBounds()).operations
    failed = operations[ReadTransactions].failed
    assert failed(READ, "BANK_ACCESS_ENDED") == TransactionsUnread(
        refused=False, cursor="", ended=True, access="access-1"
    )
    refused = TransactionsUnread(refused=True, cursor="", access="access-1")
    assert failed(READ, "BANK_REFUSED") == refused
    away = TransactionsUnread(refused=False, cursor="", access="access-1")
    assert failed(READ, "BANK_UNAVAILABLE") == away
    ended = operations[ExchangeCode].failed(EXCHANGE, "BANK_ACCESS_ENDED")
    assert ended == ProviderFailed("BANK_CARD_LINKING_FAILED")

"""The adapter `powens`: what it asks, where it sends people, what it reads, what it makes of a refusal."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from comptoir.actors.connection.conditions import condition_of
from comptoir.actors.connection.messages import AccessRevoked, ConnectionReported
from comptoir.actors.gateways.bank_powens import PAGES_MAX
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
from comptoir.actors.gateways.powens_meaning import STATES
from comptoir.actors.linking.messages import AccountsRead, CodeExchanged
from comptoir.actors.programme import DAY_MS
from comptoir.engine.gateway_spec import CallFault
from tests.actors.gateways import powens_schemas
from tests.actors.gateways.powens import (
    BASE,
    NOW,
    TERMS,
    Powens,
    account,
    bought,
    caller,
    connection,
    page,
    refusal,
)
from tests.actors.gateways.provider import CANARIES

START = StartLink("ls_1", "https://us/link/callback", "ls_1.s3cret", "ch", 90, user_id="u1")
RENEWAL = msgspec.structs.replace(START, connection_id="7", access="permanent-1")
EXCHANGE = ExchangeCode("ls_1", "3:temporary-1", "verifier", "https://us/link/callback")
RENEWED = ExchangeCode("ls_1", "7", "verifier", "https://us/link/callback", "permanent-1")
ACCOUNTS = ReadAccounts("ls_1", "7", "permanent-1", "u1")
READ = ReadTransactions("cn_1:1", "7", "permanent-1", "")
REVOKE = RevokeAccess("cn_1:1", "7", "permanent-1")


@pytest.fixture
def powens() -> Powens:
    """The party."""
    return Powens()


@pytest.fixture
async def call(powens: Powens) -> AsyncIterator[Any]:
    """Make one call as the gateway does."""
    async with powens.client() as client:
        yield caller(client)


def _asked(powens: Powens) -> list[str]:
    return [word for word, *_ in powens.requests]


def _page(url: str) -> tuple[str, dict[str, str]]:
    """Which flow of the webview, and its query, held to its page."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    flow = parts.path.rpartition("/")[2]
    powens_schemas.hold_page(flow, query)
    assert url.startswith(f"https://webview.powens.com/fr/{flow}?domain=demo.biapi.pro&")
    return flow, query


async def test_a_link(powens: Powens, call: Any) -> None:
    """S48, S57: a user of its own, who is forgotten unless a connection comes of it; the webview."""
    started = await call(START)
    flow, query = _page(started.auth_url)
    assert flow == "connect"
    assert query["state"] == "ls_1.s3cret"
    assert query["redirect_uri"] == "https://us/link/callback"
    assert query["code"] == "code-of-temporary-1"
    assert (query["account_types"], query["max_connections"]) == ("checking,card", "1")
    assert started.code == "3:temporary-1"
    assert _asked(powens) == ["POST /auth/init", "GET /auth/token/code"]
    assert powens.requests[0][1] == {}, "without a secret: a temporary one"
    assert powens.requests[1][3] == {"type": "singleAccess"}
    assert "powens-secret" not in started.auth_url


async def test_what_it_is_worth(powens: Powens, call: Any) -> None:
    """S45, S48, X15: the newest connection of that user, and a token without an end, once they consented."""
    ends = NOW + 90 * DAY_MS
    assert await call(EXCHANGE) == CodeExchanged("7", "powens|7", Tokens("permanent-1", "3", ends))
    assert _asked(powens) == [
        "GET /users/me/connections", "GET /auth/token/code", "POST /auth/token/access",
    ]  # fmt: skip
    body = powens.requests[-1][1]
    assert body == {
        "grant_type": "authorization_code", "client_id": "us", "client_secret": "powens-secret",
        "code": "code-of-temporary-1",
    }  # fmt: skip


async def test_who_came_back_without_a_connection(powens: Powens, call: Any) -> None:
    """S57: nothing is made permanent for whoever has not consented."""
    powens.connections = []
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(EXCHANGE)
    assert _asked(powens) == ["GET /users/me/connections"]


@pytest.mark.parametrize(
    "lost", ["GET /users/me/connections", "GET /auth/token/code"], ids=["at once", "in between"]
)
async def test_an_answer_that_was_lost(powens: Powens, call: Any, lost: str) -> None:
    """S45: what became permanent without our hearing of it is had by the user's id, and the lost one ends."""

    def gone(request: httpx.Request) -> Any:
        return (
            refusal("unauthorized", 401)
            if "temporary" in request.headers["authorization"]
            else None
        )

    powens.answers[lost] = gone
    exchanged = await call(EXCHANGE)
    assert exchanged.tokens.access.startswith("renewed-")
    renewals = [body for word, body, *_ in powens.requests if word == "POST /auth/renew"]
    assert renewals == [{
        "grant_type": "client_credentials", "client_id": "us", "client_secret": "powens-secret",
        "id_user": 3, "revoke_previous": True,
    }]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "flow", "reset"),
    [
        ({}, "reconnect", "true"),
        ({"state": "SCARequired"}, "reconnect", None),
        ({"state": "wrongpass", "accounts": []}, "reconnect", None),
        ({"active": False}, "reconnect", None),
        ({"accounts": []}, "manage", None),
        ({"accounts": [account(10, disabled="2026-11-21 10:00:00")]}, "manage", None),
    ],
    ids=str,
)
async def test_a_renewal(
    powens: Powens, call: Any, changes: Any, flow: str, reset: str | None
) -> None:
    """X20: who is well consents anew; else what is in the way is repaired; the token stays as it is."""
    powens.connection = connection(**changes)
    started = await call(RENEWAL)
    found, query = _page(started.auth_url)
    assert (found, query["connection_id"], query.get("reset_credentials")) == (flow, "7", reset)
    assert query["code"] == "code-of-permanent-1"
    assert started.code == "7"


async def test_after_a_renewal(powens: Powens, call: Any) -> None:
    """X20, E10: well again, the new consent is there; its token is replaced after, not before."""
    assert await call(RENEWED) == CodeExchanged("7", "powens|7", Tokens("permanent-1", "3", NOW))
    assert _asked(powens) == ["GET /users/me/connections/7"]


@pytest.mark.parametrize(
    ("changes", "code", "retryable"),
    [
        ({"state": "wrongpass"}, "BANK_ACCESS_ENDED", False),
        ({"state": "decoupled"}, "BANK_ACCESS_ENDED", False),
        ({"state": "validating"}, "BANK_UNAVAILABLE", True),
        ({"state": "websiteUnavailable"}, "BANK_UNAVAILABLE", True),
        ({"state": "bug"}, "BANK_REFUSED", False),
        ({"state": "somethingNew"}, "BANK_REFUSED", False),
        ({"active": False}, "BANK_ACCESS_ENDED", False),
        ({"accounts": []}, "BANK_ACCESS_ENDED", False),
    ],
    ids=str,
)
async def test_a_renewal_that_is_none(
    powens: Powens, call: Any, changes: Any, code: str, retryable: bool
) -> None:
    """X20: the person's return proves nothing; how the connection stands does."""
    powens.connection = connection(**changes)
    with pytest.raises(CallFault, match=code) as caught:
        await call(RENEWED)
    assert (caught.value.retryable, caught.value.sick) == (retryable, False)


async def test_a_new_token(powens: Powens, call: Any) -> None:
    """S45: by the user's id and our credentials; every older one ends with it."""
    refreshed = await call(RefreshTokens("cn_1:2", "3"))
    assert refreshed.tokens == Tokens("renewed-1", "3", NOW + 90 * DAY_MS)
    assert "authorization" not in powens.requests[0][2]
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(RefreshTokens("cn_1:2", ""))


async def test_tokens_that_are_never_replaced(powens: Powens) -> None:
    """S45: by configuration; they have no end."""
    async with powens.client() as client:
        call = caller(client, msgspec.structs.replace(TERMS, token_days=0))
        for exchange in (EXCHANGE, RENEWED):
            assert (await call(exchange)).tokens.expires_at == 0


async def test_the_card(powens: Powens, call: Any) -> None:
    """S57, S59, S60: a card before a current account; the bank's name, until when, from which day on."""
    powens.connection = connection(accounts=[
        account(10), account(11, {"name": "card"}, iban=None, id_parent=10, number="XXXX XXXX XXXX 9876"),
        account(12, "savings", number="0001"), account(13, "card", number="1111", deleted="2026-01-01 00:00:00"),
    ])  # fmt: skip
    assert await call(ACCOUNTS) == AccountsRead(
        "card|FR761234:9876", "Banque", "9876", 1_806_566_400_000
    )
    assert powens.requests[0][3] == {"expand": "connector,accounts"}
    powens.connection = connection(accounts=[account(10, iban=None)], expire=None)
    read = await call(ACCOUNTS)
    assert read.card == "card|powens:u1:uuid-40:checking:Compte:4242"
    assert read.consent_expires_at == 0


@pytest.mark.parametrize(
    "accounts", [[], [account(10, "savings")], [account(10, number="12", iban=None)]], ids=str
)
async def test_nothing_with_a_card(powens: Powens, call: Any, accounts: Any) -> None:
    """S48: nothing that could earn: refused."""
    powens.connection = connection(accounts=accounts)
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(ACCOUNTS)


async def test_pages(powens: Powens, call: Any) -> None:
    """S63, S60: a week more than is looked back, for a late first reading; followed by their links, to the last one; then only what was updated since is read."""
    links = [f"{BASE}/users/me/transactions?limit=500&offset={n}" for n in range(3)]

    def pages(url: httpx.URL) -> Any:
        place = int(url.params.get("offset", -1))
        late = f"2026-11-2{place + 3} 10:00:00"
        return page(
            bought(place + 2, last_update=late, date_scraped=late),
            following=links[place + 1] if place < 2 else None,
        )

    powens.pages = pages
    read = await call(READ)
    assert [one.transaction_id for one in read.reports] == ["1", "2", "3", "4"]
    assert not read.more
    assert powens.requests[1][3] == {
        "limit": "500", "all": "", "filter": "date", "min_date": "2027-01-07",
    }  # fmt: skip
    await call(msgspec.structs.replace(READ, cursor=read.cursor))
    later = [query for word, _, _, query in powens.requests if "transactions" in word][4]
    assert later["last_update"] == "2026-11-25 08:00:00", "with an overlap"
    assert later["min_date"] == "2027-01-07"


async def test_a_reading_is_bounded(powens: Powens, call: Any) -> None:
    """S63: so many pages at once; it goes on at the very page, and the time counts at the end alone."""
    seen: list[int] = []

    def pages(url: httpx.URL) -> Any:
        place = int(url.params.get("offset", 0))
        seen.append(place)
        more = f"{BASE}/users/me/transactions?limit=500&offset={place + 1}" if place < 13 else None
        at = f"2026-11-{10 + place} 10:00:00"
        return page(bought(place, last_update=at, date_scraped=at), following=more)

    powens.pages = pages
    first = await call(READ)
    assert (len(first.reports), first.more) == (PAGES_MAX, True)
    second = await call(msgspec.structs.replace(READ, cursor=first.cursor))
    assert (len(second.reports), second.more) == (4, False)
    assert seen == list(range(14))
    powens.requests.clear()
    await call(msgspec.structs.replace(READ, cursor=second.cursor))
    assert powens.requests[1][3]["last_update"] == "2026-11-23 08:00:00"


async def test_pages_that_would_never_end(powens: Powens, call: Any) -> None:
    """Nothing is unbounded: a link to itself is no answer."""
    itself = f"{BASE}/users/me/transactions?limit=500&offset=1"
    powens.pages = lambda _url: page(bought(1), following=itself)
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
        await call(READ)


@pytest.mark.parametrize("state", [*STATES, "somethingNew", None])
async def test_how_it_stands(powens: Powens, call: Any, state: str | None) -> None:
    """Protocols.md 5.1: every state is told with what was read, and one that is not known too."""
    powens.connection = connection(
        state=state,
        error=state,
        error_message="canary-message",
        next_try="2027-01-20 10:00:00+01:00",
    )
    read = await call(READ)
    told = read.stands
    assert isinstance(told, ConnectionReported)
    assert (told.event, told.reference) == ("state", "read:transactions:cn_1:1")
    assert told.until == 1_806_566_400_000
    expected = None if state is None else condition_of(STATES.get(state, ""), 1_800_435_600_000)
    assert told.condition == expected
    assert tuple(STATES) == powens_schemas.STATES


async def test_of_its_own_accounts_alone(powens: Powens, call: Any) -> None:
    """S60: what is on an account that is not the connection's is not looked at; currencies are the accounts'."""
    powens.connection = connection(
        accounts=[account(10, currency={"id": "CHF", "name": "x"}), account(11, currency=None)]
    )
    powens.pages = lambda _url: page(bought(1), bought(2, id_account=11), bought(3, id_account=99))
    read = await call(READ)
    assert [(one.transaction_id, one.currency) for one in read.reports] == [
        ("1", "CHF"),
        ("2", "XXX"),
    ]


async def test_no_account_is_activated(powens: Powens, call: Any) -> None:
    """S63: nothing to read is nothing read, and how it stands is told all the same."""
    powens.answers["GET /users/me/transactions"] = refusal("noAccount", 409)
    read = await call(READ)
    assert (read.reports, read.more) == ((), False)
    assert read.stands is not None


async def test_revoked(powens: Powens, call: Any) -> None:
    """S57: the connection and its user; what is not there has ended already; else it is asked again."""
    assert await call(REVOKE) == AccessRevoked()
    assert _asked(powens) == ["DELETE /users/me/connections/7", "DELETE /users/me"]
    powens.answers["DELETE /users/me/connections/7"] = refusal("notFound", 404)
    powens.answers["DELETE /users/me"] = refusal("unauthorized", 401)
    assert await call(REVOKE) == AccessRevoked()
    powens.answers["DELETE /users/me"] = refusal("connectionLocked", 409)
    with pytest.raises(CallFault, match="BANK_UNAVAILABLE"):
        await call(REVOKE)


async def test_webhooks_are_the_consoles(powens: Powens, call: Any) -> None:
    """S45: nothing is asked; it is read once, since the first webhook may have come before."""
    told = await call(RegisterWebhook("cn_1:1", "7", "permanent-1", "https://us/webhooks/powens"))
    assert told == ConnectionReported("powens", "updates", "linked:cn_1:1")
    assert powens.requests == []


async def test_a_connection_that_is_gone(powens: Powens, call: Any) -> None:
    """X20: 404 is told as an end that its person must repair."""
    powens.answers["GET /users/me/connections/7"] = refusal("notFound", 404)
    for message in (READ, ACCOUNTS, RENEWED, RENEWAL):
        with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
            await call(message)


async def test_nothing_forbidden_is_read(powens: Powens, call: Any) -> None:
    """S58: whatever an answer holds, nothing of it is in what comes of it."""
    for message in (START, EXCHANGE, RENEWAL, RENEWED, ACCOUNTS, READ, REVOKE):
        told = repr(await call(message))
        assert not any(canary in told for canary in CANARIES.values()), message
        assert "98765.43" not in told
    assert "XXXX4242" not in repr(await call(READ)), "not even the card of a transaction"

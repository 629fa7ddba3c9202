"""The adapter `tink`: what it asks, where it sends people, what it reads, what it makes of a refusal."""

import itertools
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from comptoir.actors.connection.conditions import condition_of
from comptoir.actors.connection.messages import (
    AccessRevoked,
    ConnectionReported,
    TransactionCorrected,
)
from comptoir.actors.gateways.bank_tink import PAGES_MAX
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
from comptoir.actors.gateways.tink_meaning import GONE, STATUSES, WELL
from comptoir.actors.linking.messages import AccountsRead, CodeExchanged
from comptoir.engine.gateway_spec import CallFault
from tests.actors.gateways import tink_schemas
from tests.actors.gateways.provider import CANARIES
from tests.actors.gateways.tink import (
    NOW,
    Tink,
    account,
    bought,
    caller,
    consent,
    page,
    refusal,
    worth,
)

NAME = "tink user|ls_1"
START = StartLink("ls_1", "https://us/link/callback", "ls_1.s3cret", "ch", 90, user_id="u1")
RENEWAL = msgspec.structs.replace(START, connection_id=NAME, access="cr-1")
EXCHANGE = ExchangeCode("ls_1", NAME, "verifier", "https://us/link/callback")
RENEWED = ExchangeCode("ls_1", NAME, "verifier", "https://us/link/callback", "cr-1")
ACCOUNTS = ReadAccounts("ls_1", NAME, "cr-1", "u1")
READ = ReadTransactions("cn_1:1", NAME, "cr-1", "", "ac-1")
REVOKE = RevokeAccess("cn_1:1", NAME, "cr-1")
TOKEN, GRANT = "POST /api/v1/oauth/token", "POST /api/v1/oauth/authorization-grant"
DELEGATE = f"{GRANT}/delegate"
CONSENTS, TRANSACTIONS = "GET /api/v1/provider-consents", "GET /data/v2/transactions"


@pytest.fixture
def tink() -> Tink:
    """The party."""
    return Tink()


@pytest.fixture
async def call(tink: Tink) -> AsyncIterator[Any]:
    """Make one call as the gateway does."""
    async with tink.client() as client:
        yield caller(client)


def _page(url: str) -> tuple[str, dict[str, str]]:
    """Which flow of Tink Link, and its query, held to its page."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    flow = parts.path.rpartition("/")[2]
    tink_schemas.hold_page(flow, query)
    assert url.startswith(f"https://link.tink.com/1.0/transactions/{flow}?client_id=us&")
    return flow, query


async def test_a_link(tink: Tink, call: Any) -> None:
    """S48, S57, S60: a user of its own, named by the session alone; Tink Link, with a code for it alone."""
    started = await call(START)
    flow, query = _page(started.auth_url)
    assert flow == "connect-accounts"
    assert query == {
        "client_id": "us", "redirect_uri": "https://us/link/callback", "authorization_code": "link-code",
        "state": "ls_1.s3cret", "market": "FR", "locale": "fr_FR",
    }  # fmt: skip
    assert started.code == started.begun == NAME
    assert [word for word, *_ in tink.requests] == [
        TOKEN, "POST /api/v1/user/create", TOKEN, DELEGATE,
    ]  # fmt: skip
    assert tink.requests[1][1] == {
        "external_user_id": NAME, "market": "FR", "locale": "fr_FR", "retention_class": "permanent",
    }  # fmt: skip
    assert tink.requests[1][2]["authorization"] == "Bearer token-of-ours-user:create"
    delegated = tink.requests[3][1]
    assert (delegated["id_hint"], delegated["external_user_id"]) == ("Rewapp", NAME)
    assert "tink-secret" not in started.auth_url
    assert "u1" not in repr([body for _, body, *_ in tink.requests])


async def test_an_answer_that_was_lost(tink: Tink, call: Any) -> None:
    """S63: the user is there already: it is the one that was made."""
    tink.answers["POST /api/v1/user/create"] = refusal(409)
    assert (await call(START)).code == NAME


async def test_what_it_is_worth(tink: Tink, call: Any) -> None:
    """S45, S59, X15: the newest credentials of that user; no token of theirs is kept, so none is replaced."""
    tink.consents = [
        consent(credentialsId="cr-0", statusUpdated=1), consent(), consent(credentialsId="cr-9", status=GONE),
    ]  # fmt: skip
    assert await call(EXCHANGE) == CodeExchanged(NAME, f"tink|{NAME}", Tokens("cr-1", "", 0))
    assert [word for word, *_ in tink.requests] == [TOKEN, GRANT, TOKEN, CONSENTS]
    assert tink.requests[1][1] == {"external_user_id": NAME, "scope": "provider-consents:read"}
    assert tink.requests[3][2]["authorization"] == f"Bearer token-of-code-of-{NAME}"
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(RefreshTokens("cn_1:2", ""))


async def test_who_came_back_without_a_consent(tink: Tink, call: Any) -> None:
    """S57: whoever has not consented has no access."""
    for consents in ([], [consent(status=GONE)]):
        tink.consents = consents
        with pytest.raises(CallFault, match="BANK_REFUSED"):
            await call(EXCHANGE)


async def test_a_renewal(tink: Tink, call: Any) -> None:
    """X20: Tink Link again, for the same user and credentials."""
    started = await call(RENEWAL)
    flow, query = _page(started.auth_url)
    assert (flow, query["credentials_id"], query["state"]) == (
        "update-consent", "cr-1", "ls_1.s3cret",
    )  # fmt: skip
    assert (started.code, started.begun) == (NAME, "")
    assert tink.words() == []
    assert await call(RENEWED) == CodeExchanged(NAME, f"tink|{NAME}", Tokens("cr-1", "", 0))
    assert tink.requests[-1][3] == {"credentialsId": "cr-1"}


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        ("SESSION_EXPIRED", "BANK_ACCESS_ENDED", False),
        ("AUTHENTICATION_ERROR", "BANK_ACCESS_ENDED", False),
        ("AUTHENTICATING", "BANK_UNAVAILABLE", True),
        ("TEMPORARY_ERROR", "BANK_UNAVAILABLE", True),
        ("PERMANENT_ERROR", "BANK_REFUSED", False),
        ("OF_LATER", "BANK_REFUSED", False),
    ],
)
async def test_a_return_that_proves_nothing(
    tink: Tink, call: Any, status: str, code: str, retryable: bool
) -> None:
    """X20: the person is back; how the consent stands is what counts."""
    tink.answers[CONSENTS] = 200, {"providerConsents": [consent(status=status)]}
    for exchange in (EXCHANGE, RENEWED):
        with pytest.raises(CallFault, match=code) as caught:
            await call(exchange)
        assert (caught.value.retryable, caught.value.sick) == (retryable, False)


async def test_the_card(tink: Tink, call: Any) -> None:
    """S57, S59, S60: a credit card before a current account, of the consent's alone; the bank's name, until when."""
    card = account("ac-3", "CREDIT_CARD", identifiers={"pan": {"masked": "4970 10** **** 9876"}})
    tink.consents = [consent(accountIds=["ac-1", "ac-2", "ac-3"])]
    tink.accounts = [
        account("ac-1"),
        account("ac-2", "SAVINGS"),
        card,
        account("ac-0", "CREDIT_CARD"),
    ]
    assert await call(ACCOUNTS) == AccountsRead(
        "card|tink:u1:fr-banque-ob:CREDIT_CARD:Compte:9876",
        "Banque",
        "9876",
        1_806_566_400_000,
        "ac-3",
    )
    tink.consents = [consent(sessionExpiryDate=None)]
    tink.answers[CONSENTS] = 200, {"providerConsents": tink.consents}
    tink.answers["GET /api/v1/providers"] = 200, {"providers": []}
    assert await call(ACCOUNTS) == AccountsRead(
        "card|FR7612345678:4242", "fr-banque-ob", "4242", 0, "ac-1"
    )


@pytest.mark.parametrize(
    ("identifiers", "last4"),
    [
        ({"pan": {"masked": "497010******4242"}}, "4242"),
        ({"pan": {"masked": "**** 42 42"}}, "4242"),
        ({"pan": {"masked": "4970 **** **** ****"}, "iban": {"iban": "FR76 1234 5678"}}, "5678"),
        ({"pan": {"masked": "**42"}, "iban": {"iban": "FR76 1234 5678"}}, "5678"),
        ({"iban": {"iban": "12"}}, ""),
        ({}, ""),
        (None, ""),
    ],
)  # fmt: skip
async def test_last_digits(tink: Tink, call: Any, identifiers: Any, last4: str) -> None:
    """S59: the card's, where the mask shows four; else the account's; else there is no card to tell."""
    tink.accounts = [account("ac-1", identifiers=identifiers)]
    tink.answers["GET /data/v2/accounts"] = 200, {"accounts": tink.accounts}
    if not last4:
        with pytest.raises(CallFault, match="BANK_REFUSED"):
            await call(ACCOUNTS)
        return
    assert (await call(ACCOUNTS)).card_last4 == last4


async def test_accounts_that_are_not_there_yet(tink: Tink, call: Any) -> None:
    """S48: while Tink is reading they may still come; then they do not."""
    tink.accounts = []
    tink.consents = [consent(status="UPDATING")]
    with pytest.raises(CallFault, match="BANK_UNAVAILABLE") as caught:
        await call(ACCOUNTS)
    assert (caught.value.retryable, caught.value.sick) == (True, False)
    tink.consents = [consent()]
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(ACCOUNTS)


async def test_pages_of_accounts(tink: Tink, call: Any) -> None:
    """S63: followed to the last one, and no further than the bound."""
    numbers = itertools.count()

    def pages(request: httpx.Request) -> Any:
        place = next(numbers)
        assert request.url.params.get("pageToken", "") == (f"p{place}" if place else "")
        found = [account("ac-1")] if place == 2 else []
        return 200, {"accounts": found, "nextPageToken": "" if found else f"p{place + 1}"}

    tink.answers["GET /data/v2/accounts"] = pages
    assert (await call(ACCOUNTS)).account == "ac-1"
    again: Any = {"accounts": [], "nextPageToken": "again"}
    tink.answers["GET /data/v2/accounts"] = 200, again
    tink.requests.clear()
    with pytest.raises(CallFault, match="BANK_REFUSED"):
        await call(ACCOUNTS)
    assert tink.words().count("GET /data/v2/accounts") == PAGES_MAX


async def test_a_window(tink: Tink, call: Any) -> None:
    """S60, S63, E6: a week more than is looked back, for a late first reading; then a month again and again."""
    first = await call(READ)
    assert [one.transaction_id for one in first.reports] == ["t-1"]
    assert not first.more
    assert tink.requests[-1][3] == {
        "pageSize": "100", "accountIdIn": "ac-1", "bookedDateGte": "2027-01-07", "statusIn": "BOOKED",
    }  # fmt: skip
    again = await call(msgspec.structs.replace(READ, cursor=first.cursor))
    assert again.reports == ()
    assert tink.requests[-1][3]["bookedDateGte"] == "2027-01-07", "nothing before the first day"
    async with tink.client() as client:
        later = caller(client, now=lambda: NOW + 60 * 86_400_000)
        third = await later(msgspec.structs.replace(READ, cursor=again.cursor))
        assert third.reports == ()
        assert tink.requests[-1][3]["bookedDateGte"] == "2027-01-07"
        await later(msgspec.structs.replace(READ, cursor=third.cursor))
        assert tink.requests[-1][3]["bookedDateGte"] == "2027-02-14", "a month before the last one"


async def test_a_reading_is_bounded(tink: Tink, call: Any) -> None:
    """S63: so many pages at once; it goes on at the very page, in the same window."""
    seen: list[str] = []

    def pages(url: httpx.URL) -> Any:
        place = int(url.params.get("pageToken", "0"))
        seen.append(f"{url.params['bookedDateGte']}:{place}")
        return page(bought(f"t-{place:02}"), following=str(place + 1) if place < 13 else "")

    tink.pages = pages
    first = await call(READ)
    assert (len(first.reports), first.more) == (PAGES_MAX, True)
    second = await call(msgspec.structs.replace(READ, cursor=first.cursor))
    assert (len(second.reports), second.more) == (4, False)
    assert seen == [f"2027-01-07:{place}" for place in range(14)]
    third = await call(msgspec.structs.replace(READ, cursor=second.cursor))
    assert (third.reports, third.more) == ((), True), "none is told twice"


async def test_a_page_that_tink_has_forgotten(tink: Tink, call: Any) -> None:
    """S63: the window is read from its beginning, and nothing is told twice."""
    tink.pages = lambda url: page(
        bought("t-1"),
        following="lost" if "pageToken" not in url.params else "",
    )

    def forgotten(request: httpx.Request) -> Any:
        return refusal(400) if "pageToken" in request.url.params else None

    tink.answers[TRANSACTIONS] = forgotten
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
        await call(READ)
    del tink.answers[TRANSACTIONS]
    whole = await call(READ)
    assert len(whole.reports) == 1
    cursor = whole.cursor.replace('"read"', '"page":"lost","day":"2027-01-07","read"')
    tink.pages = lambda _url: page(bought("t-1"), bought("t-2"))
    tink.answers[TRANSACTIONS] = forgotten
    read = await call(msgspec.structs.replace(READ, cursor=cursor))
    assert [one.transaction_id for one in read.reports] == ["t-2"]


async def test_pages_that_would_never_end(tink: Tink, call: Any) -> None:
    """Nothing is unbounded: a page that leads to itself is no answer."""
    tink.pages = lambda _url: page(bought("t-1"), following="again")
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
        await call(READ)


async def test_changed_after_it_was_told(tink: Tink, call: Any) -> None:
    """E8: the same purchase with another amount is told anew, once."""
    first = await call(READ)
    tink.pages = lambda _url: page(bought("t-1", worth("-4500")))
    second = await call(msgspec.structs.replace(READ, cursor=first.cursor))
    (change,) = second.reports
    assert isinstance(change, TransactionCorrected)
    assert (change.replaces, change.report.amount_cents) == ("t-1", 4500)
    third = await call(msgspec.structs.replace(READ, cursor=second.cursor))
    assert third.reports == ()


@pytest.mark.parametrize("status", [*tink_schemas.STATUSES, "OF_LATER"])
async def test_how_it_stands(tink: Tink, call: Any, status: str) -> None:
    """S52, X20: every status is told with what was read, and one that is not known too; DELETED is an end."""
    tink.answers[CONSENTS] = 200, {"providerConsents": [consent(status=status)]}
    if status == GONE:
        with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
            await call(READ)
        return
    told = (await call(READ)).stands
    assert isinstance(told, ConnectionReported)
    assert (told.event, told.reference) == ("state", "read:transactions:cn_1:1")
    assert told.until == 1_806_566_400_000
    assert told.condition == (None if status in WELL else condition_of(STATUSES.get(status, "")))
    assert {*STATUSES, *WELL, GONE} == {*tink_schemas.STATUSES}


async def test_revoked(tink: Tink, call: Any) -> None:
    """S57: the credentials and their user; what is not there has ended already; else it is asked again."""
    gone, user = "DELETE /api/v1/credentials/cr-1", "POST /api/v1/user/delete"
    assert await call(REVOKE) == AccessRevoked()
    assert tink.words() == [gone, user]
    tink.answers[gone] = refusal(404)
    assert await call(REVOKE) == AccessRevoked()
    assert tink.words() == [gone, user] * 2
    tink.answers[GRANT] = refusal(404)
    assert await call(REVOKE) == AccessRevoked(), "there is no such user any more"
    assert tink.words() == [gone, user] * 2
    del tink.answers[GRANT]
    begun = RevokeAccess("ls_1", NAME, "")
    assert await call(begun) == AccessRevoked(), "of a link that was only begun: the user alone"
    assert tink.words() == [*[gone, user] * 2, user]
    tink.answers[user] = refusal(503)
    with pytest.raises(CallFault, match="BANK_UNAVAILABLE"):
        await call(REVOKE)


async def test_webhooks_are_the_apps(tink: Tink, call: Any) -> None:
    """S45: nothing is asked; it is read once, since the first webhook may have come before."""
    told = await call(RegisterWebhook("cn_1:1", NAME, "cr-1", "https://us/webhooks/tink"))
    assert told == ConnectionReported("tink", "updates", "linked:cn_1:1")
    assert tink.requests == []


async def test_nothing_forbidden_is_read(tink: Tink, call: Any) -> None:
    """S58: whatever an answer holds, nothing of it is in what comes of it."""
    for message in (START, EXCHANGE, RENEWAL, RENEWED, ACCOUNTS, READ, REVOKE):
        told = repr(await call(message))
        assert not any(canary in told for canary in CANARIES.values()), message
        assert "9876543" not in told
        assert "canary" not in told

"""Which purchase a person means (X23): the adapters' reading of its days, and the choice among what they tell."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.messages import PurchaseRead, PurchaseUnread, TransactionReported
from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_seed import SeedBank
from comptoir.actors.gateways.finding import BOOKING_DAYS, days_about, the_stated
from comptoir.actors.gateways.messages import FindPurchase, Stated
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds
from tests.actors.gateways import plaid, powens, tink
from tests.actors.gateways.provider import TRANSACTION, Provider

NOW = 1_800_000_000_000
STATED = Stated("2026-11-21", 4_200, "Café des Arts")
REPORT = TransactionReported(
    "seed", "transaction.created", "tx1", 4_200, "EUR", "DEBIT", "2026-11-21", "CB CAFE DES ARTS BREST"
)  # fmt: skip


def changed(**fields: Any) -> TransactionReported:
    """The purchase, changed."""
    return msgspec.structs.replace(REPORT, **fields)


OTHERS = (
    changed(amount_cents=4_201),
    changed(direction="CREDIT"),
    changed(removed=True),
    changed(pending=True),
    changed(merchant_name="SARL DUPONT BREST"),
    changed(merchant_name="CB BREST 4200"),
    changed(date="2026-11-15"),
    changed(date="2026-11-27"),
)


@pytest.mark.parametrize("other", OTHERS)
def test_what_it_cannot_be(other: TransactionReported) -> None:
    """X23: another amount, money that came back, what never happened or is not booked, another merchant (a town, a
    number or the bank's own word is no merchant), another week.
    """
    assert the_stated([other], STATED) is None
    assert the_stated([other, REPORT], STATED) is REPORT


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"merchant_name": "CAFE DU PORT", "transaction_id": "tx9"}),
        ({"date": "2026-11-22"}, {"date": "2026-11-23", "transaction_id": "tx9"}),
        ({"date": "2026-11-22"}, {"date": "2026-11-20"}),
        ({"transaction_id": "tx2"}, {"transaction_id": "tx1"}),
    ],
)
def test_the_likeliest(better: dict[str, Any], worse: dict[str, Any]) -> None:
    """X23: words before days; of equal ones always the same, in whatever order they are told."""
    one, other = changed(**better), changed(**worse)
    assert the_stated([one, other], STATED) is one
    assert the_stated([other, one], STATED) is one


def test_a_label_without_a_name() -> None:
    """X23: a label of which nothing is left is compared by what it has."""
    bare = Stated("2026-11-21", 4_200, "CB BREST")
    assert the_stated([changed(merchant_name="CB BREST")], bare) is not None
    assert (
        the_stated([changed(merchant_name="CB LYON 12")], msgspec.structs.replace(bare, label="X"))
        is None
    )


@given(st.dates(), st.integers(-BOOKING_DAYS, BOOKING_DAYS), st.integers(0, BOOKING_DAYS))
def test_its_booking_is_among_the_days(day: date, apart: int, booked_after: int) -> None:
    """X23: whatever may be meant was booked on a day that is asked for; at the ends of the calendar too."""
    days = days_about(Stated(day.isoformat(), 1, "x"))
    assert days.first <= day.isoformat() <= days.last
    try:
        booked = day + timedelta(days=apart + booked_after)
        bought = day + timedelta(days=apart)
    except OverflowError:
        return
    assert days.first <= bought.isoformat()
    assert booked.isoformat() <= days.last


def find(label: str = "CHEZ NOUS", cents: int = 4_250, **fields: Any) -> FindPurchase:
    """Ask for it."""
    stated = Stated(fields.pop("date", "2026-11-21"), cents, label)
    return FindPurchase("cn_1:1", "7", "at", "clm_1", stated, **fields)


@asynccontextmanager
async def seed(provider: Provider) -> AsyncGenerator[Any]:
    """What makes one call of `seed` as its gateway does."""
    async with provider.client() as client:
        adapter = SeedBank(client, ("us", "s"), lambda field, value: f"{field}|{value}")
        spec = bank_gateway("seed", adapter, GatewayBounds())

        async def made(message: FindPurchase) -> Any:
            return await spec.operations[FindPurchase].call(message, CallContext(NOW, 1, "k"))

        yield made


class Paged(Provider):
    """A provider of three pages, of one purchase each."""

    def __init__(self) -> None:
        super().__init__()
        self.cursors: list[str] = []

    def _right(self, word: str, request: httpx.Request) -> Any:
        assert word == "GET /transactions"
        cursor = request.url.params["cursor"]
        self.cursors.append(cursor)
        number = int(cursor or 0) + 1
        one = {**TRANSACTION, "transaction_id": f"x{number}", "amount": number}
        return {"items": [one], "nextCursor": str(number), "more": number < 3}


async def test_seed_is_read_from_its_first_page() -> None:
    """S51, X23: it knows no days, so every page is looked at, and no cursor is kept."""
    provider = Paged()
    async with seed(provider) as call:
        found = await call(find(cents=300))
        assert (found.claim, found.report.transaction_id) == ("clm_1", "x3")
        assert provider.cursors == ["", "1", "2"]
        assert await call(find(cents=400)) == PurchaseRead("clm_1", None)


async def test_a_refusal_is_an_answer() -> None:
    """X23: no work for anybody's desk."""
    provider = Provider()
    provider.answers["GET /transactions"] = (403, {})
    async with seed(provider) as call:
        assert await call(find()) == PurchaseUnread(
            "clm_1", find().stated, refused=True, access="at"
        )


async def test_an_outage_is_none() -> None:
    """S63, X23: what is away is tried again by the gateway."""
    provider = Provider()
    provider.answers["GET /transactions"] = (503, {})
    async with seed(provider) as call:
        with pytest.raises(CallFault, match="BANK_UNAVAILABLE"):
            await call(find())


async def test_plaid_is_asked_for_the_days() -> None:
    """plaid.com/docs/api/products/transactions: /transactions/get of one account, page by page; pending is left out."""
    party = plaid.Plaid()
    party.stock = [
        *(plaid.bought(f"x{n}", 1.0 + n) for n in range(600)),
        plaid.bought("p1", 42.5, pending=True), plaid.bought("t1", 42.5), plaid.bought("t2", 42.5, date="2026-12-05"),
    ]  # fmt: skip
    async with party.client() as client:
        found = await plaid.caller(client)(find(account="acc_1"))
    assert found.report.transaction_id == "t1"
    bodies = [body for path, body, _ in party.requests if path == "/transactions/get"]
    assert [body["options"]["offset"] for body in bodies] == [0, 500]
    assert (bodies[0]["start_date"], bodies[0]["end_date"]) == ("2026-11-16", "2026-12-01")
    assert bodies[0]["options"]["account_ids"] == ["acc_1"]


async def test_powens_is_asked_for_the_days() -> None:
    """docs.powens.com (bank-transactions): between two days, of the connection's accounts alone."""
    party = powens.Powens()
    elsewhere = powens.bought(2, id_account=99)
    party.pages = lambda _url: powens.page(elsewhere, powens.bought(1))
    async with party.client() as client:
        found = await powens.caller(client)(find())
    assert found.report.transaction_id == "1"
    query = party.requests[-1][3]
    assert (query["min_date"], query["max_date"], query["filter"]) == (
        "2026-11-16", "2026-12-01", "date",
    )  # fmt: skip
    assert "last_update" not in query


@pytest.mark.parametrize(
    ("state", "fault"), [("wrongpass", None), ("websiteUnavailable", "BANK_UNAVAILABLE")]
)
async def test_a_provider_that_may_not_have_it_yet(state: str, fault: str | None) -> None:
    """X23, X20: where the bank cannot be read now, what is not there is not said to be nowhere; what is there is found."""
    party = powens.Powens()
    party.connection = powens.connection(state=state)
    async with party.client() as client:
        call = powens.caller(client)
        assert (await call(find())).report.transaction_id == "1"
        if fault is None:
            told = await call(find(cents=1))
            assert told == PurchaseUnread(
                "clm_1", find(cents=1).stated, refused=False, ended=True, access="at"
            )
        else:
            with pytest.raises(CallFault, match=fault):
                await call(find(cents=1))


async def test_tink_is_asked_for_the_days() -> None:
    """docs.tink.com (list-transactions): booked days of the one account, page by page; no mark is kept."""
    party = tink.Tink()
    pages = {
        "": tink.page(tink.bought("t-9", tink.worth("-1")), following="p2"),
        "p2": tink.page(tink.bought("t-1")),
    }
    party.pages = lambda url: pages[url.params.get("pageToken", "")]
    asked = msgspec.structs.replace(find(date="2027-01-13", account="ac-1"), access="cr-1")
    async with party.client() as client:
        found = await tink.caller(client)(asked)
    assert found.report.transaction_id == "t-1"
    queries = [query for word, _, _, query in party.requests if word == "GET /data/v2/transactions"]
    assert [
        (one["bookedDateGte"], one["bookedDateLte"], one["accountIdIn"]) for one in queries
    ] == [("2027-01-08", "2027-01-23", "ac-1")] * 2

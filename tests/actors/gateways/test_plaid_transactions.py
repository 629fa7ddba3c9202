"""What Plaid's transactions become: whole updates by cursor, twins, refunds, and amounts to the cent (E8)."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.messages import (
    TransactionCorrected,
    TransactionRemoved,
    TransactionReported,
    TransactionsRead,
)
from comptoir.actors.gateways.bank_plaid import PAGES_MAX
from comptoir.actors.gateways.messages import ReadTransactions
from comptoir.actors.gateways.plaid_transactions import Page, changes_of
from comptoir.engine.gateway_spec import CallFault
from tests.actors.gateways.plaid import Plaid, bought, caller, page, refusal
from tests.actors.gateways.provider import CANARIES

READ = ReadTransactions("cn_1:1", "item_1", "access-1", "", "acc_1")


@pytest.fixture
def plaid() -> Plaid:
    """The party."""
    return Plaid()


@pytest.fixture
async def call(plaid: Plaid) -> AsyncIterator[Any]:
    """Make one call as the gateway does."""
    async with plaid.client() as client:
        yield caller(client)


def _kinds(read: TransactionsRead) -> list[tuple[str, ...]]:
    """The changes, briefly."""
    found: list[tuple[str, ...]] = []
    for one in read.reports:
        match one:
            case TransactionReported():
                found.append(("told", one.transaction_id, one.direction))
            case TransactionCorrected():
                found.append(("anew", one.report.transaction_id, one.replaces))
            case TransactionRemoved():
                found.append(("gone", one.transaction_id))
    return found


async def test_a_purchase(plaid: Plaid, call: Any) -> None:
    """S56, S58: out of the account is a purchase, by the bank's own text, on the day it was bought."""
    read = await call(READ)
    assert read == TransactionsRead(
        (
            TransactionReported(
                "plaid", "transaction.created", "t1", 10_000, "EUR", "DEBIT", "2026-11-21",
                "CB CHEZ NOUS", city="Paris", country="FR", revision=0,
            ),
        ),
        "c1",
        more=False,
    )  # fmt: skip
    body = plaid.requests[-1][1]
    assert body["options"] == {"include_original_description": True, "account_id": "acc_1"}
    assert "cursor" not in body
    await call(msgspec.structs.replace(READ, cursor="c1"))
    assert plaid.requests[-1][1]["cursor"] == "c1"
    assert not any(canary in repr(read) for canary in CANARIES.values())


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"amount": -100.0}, [("told", "t1", "CREDIT")]),
        ({"amount": -100.0, "pending": True}, []),
        ({"amount": -100.0, "pending_transaction_id": "p1"}, [("told", "t1", "CREDIT")]),
        ({"amount": 0}, []),
        ({"pending": True}, [("told", "t1", "DEBIT")]),
        ({"pending_transaction_id": "p1"}, [("anew", "t1", "p1")]),
        ({"account_id": "acc_2"}, []),
        ({"transaction_code": "purchase"}, [("told", "t1", "DEBIT")]),
        ({"transaction_code": "transfer"}, []),
        ({"transaction_code": "atm"}, []),
        ({"personal_finance_category": None}, [("told", "t1", "DEBIT")]),
        ({"personal_finance_category": {"primary": "TRANSFER_OUT", "detailed": "x"}}, []),
        ({"personal_finance_category": {"primary": "LOAN_PAYMENTS", "detailed": "x"}}, []),
    ],
)
async def test_what_counts(
    plaid: Plaid, call: Any, changes: dict[str, Any], kinds: list[Any]
) -> None:
    """S52, S60, E8: purchases of the card that is linked, pending or booked; refunds when they are booked."""
    plaid.pages = lambda _cursor: (200, page([bought("t1", **changes)]))
    assert _kinds(await call(READ)) == kinds


async def test_a_twin(plaid: Plaid, call: Any) -> None:
    """E8: booked, a purchase is told anew under its pending id; that the pending one goes means nothing,
    on whichever page it stands; what goes without a twin never happened.
    """
    pages = {
        "": page(None, None, ["p1", "gone"], "c1", more=True),
        "c1": page([bought("b1", pending_transaction_id="p1")], [bought("m1")], cursor="c2"),
    }
    plaid.pages = lambda cursor: (200, pages[cursor])
    read = await call(READ)
    assert _kinds(read) == [("anew", "b1", "p1"), ("anew", "m1", "m1"), ("gone", "gone")]
    assert (read.cursor, read.more) == ("c2", False)


async def test_pages_are_bounded(plaid: Plaid, call: Any) -> None:
    """Nothing is unbounded: what is beyond is read from there on; a cursor that stands still is no answer."""
    plaid.pages = lambda cursor: (200, page(cursor=f"{cursor}x", more=True))
    read = await call(READ)
    assert (read.cursor, read.more) == ("x" * PAGES_MAX, True)
    plaid.pages = lambda cursor: (200, page(cursor=cursor, more=True))
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
        await call(READ)


async def test_an_update_that_changed_meanwhile(plaid: Plaid, call: Any) -> None:
    """plaid.com/docs/errors/transactions: nothing of a void update is taken; the next try begins anew."""
    mutated = True

    def answer(cursor: str) -> tuple[int, Any]:
        if not cursor:
            return 200, page([bought("t1")], cursor="c1", more=True)
        if mutated:
            code = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
            return refusal("TRANSACTIONS_ERROR", code)
        return 200, page([bought("t2")], cursor="c2")

    plaid.pages = answer
    with pytest.raises(CallFault, match="BANK_UNAVAILABLE") as caught:
        await call(READ)
    assert caught.value.retryable
    mutated = False
    read = await call(READ)
    assert [one.transaction_id for one in read.reports] == ["t1", "t2"]
    assert [body.get("cursor", "") for _, body, _ in plaid.requests] == ["", "c1", "", "c1"]


async def test_not_ready_yet(plaid: Plaid, call: Any) -> None:
    """An Item that was just made has an empty answer and no cursor."""
    plaid.pages = lambda _cursor: (200, page(cursor=""))
    assert await call(READ) == TransactionsRead((), "", more=False)


PLACES = st.decimals(min_value="0.01", max_value="99999999.99", places=2)


@given(PLACES, st.booleans())
def test_cents_are_exact(amount: Decimal, back: bool) -> None:
    """Design.md 7: every amount of two decimals is its cents, whichever way the money went."""
    told = bought("t1")
    sign = "-" if back else ""
    text = msgspec.json.encode(page([{**told, "amount": 0.5}])).replace(b'"amount":0.5', f'"amount":{sign}{amount}'.encode())  # fmt: skip
    (report,) = changes_of([msgspec.json.decode(text, type=Page)], "acc_1")
    assert isinstance(report, TransactionReported)
    assert Decimal(report.amount_cents) == amount * 100
    assert report.direction == ("CREDIT" if back else "DEBIT")
    assert report.currency == "EUR"


@pytest.mark.parametrize(
    ("changes", "cents"),
    [
        ({"amount": 1.005}, 100),
        ({"amount": 1e12}, 9_999_999_999),
        ({"iso_currency_code": None, "unofficial_currency_code": "BTC"}, 10_000),
    ],
)
async def test_amounts_that_are_none(
    plaid: Plaid, call: Any, changes: dict[str, Any], cents: int
) -> None:
    """X16: taken, and of no currency, so that it earns nothing and keeps back nothing behind it."""
    plaid.pages = lambda _cursor: (200, page([bought("t1", **changes), bought("t2")]))
    first, second = (await call(READ)).reports
    assert (first.amount_cents, first.currency, second.currency) == (cents, "XXX", "EUR")


@pytest.mark.parametrize("amount", ['"NaN"', '"Infinity"', "[]", '"x"'])
async def test_what_is_no_number(plaid: Plaid, call: Any, amount: str) -> None:
    """Design.md 7: what is no number is no answer."""
    text = msgspec.json.encode(page([bought("t1", 0.5)])).replace(b'"amount":0.5', f'"amount":{amount}'.encode())  # fmt: skip
    plaid.answers["/transactions/sync"] = (200, text)
    with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
        await call(READ)

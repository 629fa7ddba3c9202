"""Tink's transactions: exact amounts, what counts, what is told of a window that is read again and again."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.messages import TransactionCorrected, TransactionReported
from comptoir.actors.gateways.tink_shapes import PAGE
from comptoir.actors.gateways.tink_transactions import (
    OVERLAP_DAYS,
    Change,
    Cursor,
    begun,
    changes_of,
    cursor_of,
    ended,
    text_of,
)
from tests.actors.gateways.tink import blind, bought, page, worth

WINDOW = Cursor(first="2027-01-01", day="2027-01-01")


def told(
    *transactions: Any, cursor: Cursor = WINDOW, account: str = "ac-1"
) -> tuple[list[Change], Cursor]:
    """What is told of one page."""
    read = PAGE.decode(json.dumps(page(*transactions)).encode())
    return changes_of(read, cursor, account, lambda text: blind("tink transaction", text))


def report(*transactions: Any) -> TransactionReported:
    """The one report of a page."""
    ((change,), _) = told(*transactions)
    assert isinstance(change, TransactionReported)
    return change


def test_a_purchase() -> None:
    """S52, S56: the bank's own text and category, the day of the purchase, cents without their sign."""
    assert report(bought("t-1")) == TransactionReported(
        "tink", "transaction.created", "t-1", 4250, "EUR", "DEBIT", "2027-01-13", "CB CHEZ NOUS", "5812",
        revision=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("unscaled", "scale", "cents"),
    [
        ("-1300", "1", 13_000),
        ("-1300", "2", 1300),
        ("-13", "0", 1300),
        ("-13", "-1", 13_000),
        ("-19", "-3", 1_900_000),
        ("-13000", "3", 1300),
        ("-1", "2", 1),
        ("-9999999999", "2", 9_999_999_999),
        (-4250, 2, 4250),
    ],
)
def test_amounts_are_exact(unscaled: Any, scale: Any, cents: int) -> None:
    """S56: `unscaledValue` times ten to the minus `scale`, whole; the page's own example among them."""
    found = report(bought("t-1", worth(unscaled, scale)))
    assert (found.amount_cents, found.currency, found.direction) == (cents, "EUR", "DEBIT")


@given(st.integers(-(10**9), 10**9).filter(bool), st.integers(-2, 6))
def test_amounts_are_what_an_exact_reckoner_says(unscaled: int, scale: int) -> None:
    """S56: whole cents are those of the decimal number; anything else earns nothing."""
    exact = abs(Decimal(unscaled).scaleb(-scale)) * 100
    found = report(bought("t-1", worth(str(unscaled), str(scale))))
    whole = exact == exact.to_integral_value() and exact <= 9_999_999_999
    assert found.currency == ("EUR" if whole else "XXX")
    assert found.amount_cents == (exact if whole else 0)
    assert found.direction == ("DEBIT" if unscaled < 0 else "CREDIT")


@pytest.mark.parametrize(
    "amount",
    [
        worth("-13001", "3"),
        worth("-1", "999"),
        worth("-1", "-999"),
        worth("-10000000000", "2"),
        worth("-1300", "2", "euro"),
        worth("-1300", "2", ""),
    ],
)
def test_an_amount_that_earns_nothing(amount: Any) -> None:
    """S56: taken in no currency, so that it keeps back nothing that comes after it."""
    assert report(bought("t-1", amount)).currency == "XXX"


@pytest.mark.parametrize(
    "amount",
    [
        worth("1.5"),
        worth("NaN"),
        worth("-1" * 13),
        worth("1", "1.5"),
        worth("1", "1000"),
        {"value": {"unscaledValue": "1"}},
        {"value": "12.00"},
        None,
    ],
)
def test_an_amount_of_no_form(amount: Any) -> None:
    """S56: no number is made of what is none."""
    document = page({**bought("t-1"), "amount": amount})
    with pytest.raises(msgspec.ValidationError):
        PAGE.decode(json.dumps(document).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "PENDING"},
        {"status": "UNDEFINED"},
        {"accountId": "ac-2"},
        {"types": {"type": "TRANSFER"}},
        {"types": {"type": "WITHDRAWAL"}},
        {"amount": worth("0")},
        {"amount": {}},
    ],
)
def test_what_is_not_looked_at(changes: Any) -> None:
    """S60, E8: what is not booked, of another account, cash, or nothing at all."""
    changed, after = told({**bought("t-1"), **changes})
    assert (changed, after.told) == ([], {})


@pytest.mark.parametrize("kind", ["DEFAULT", "CREDIT_CARD", "PAYMENT", "UNDEFINED"])
def test_types_that_count(kind: str) -> None:
    """S52: Tink deprecates them, and most are DEFAULT."""
    assert report(bought("t-1", types={"type": kind})).amount_cents == 4250


def test_a_refund() -> None:
    """X24: above nought money came back."""
    assert report(bought("t-1", worth("4250"))).direction == "CREDIT"


@pytest.mark.parametrize(
    ("changes", "day", "label", "mcc"),
    [
        ({"dates": {"booked": "2027-01-14"}}, "2027-01-14", "CB CHEZ NOUS", "5812"),
        ({"dates": {"value": "2027-01-15"}}, "2027-01-15", "CB CHEZ NOUS", "5812"),
        ({"dates": None}, "2027-01-01", "CB CHEZ NOUS", "5812"),
        ({"descriptions": {"display": "Chez Nous", "original": ""}}, "2027-01-13", "Chez Nous", "5812"),
        ({"descriptions": None}, "2027-01-13", "", "5812"),
        ({"merchantInformation": {"merchantCategoryCode": "string"}}, "2027-01-13", "CB CHEZ NOUS", ""),
        ({"merchantInformation": None}, "2027-01-13", "CB CHEZ NOUS", ""),
    ],
)  # fmt: skip
def test_what_is_not_told(changes: Any, day: str, label: str, mcc: str) -> None:
    """S56: what a bank leaves out is made up for, or left out."""
    found = report(bought("t-1", **changes))
    assert (found.date, found.merchant_name, found.mcc) == (day, label, mcc)


def test_a_long_label_is_cut() -> None:
    """Names are matched at the beginning: one long line keeps back nothing."""
    found = report(bought("t-1", descriptions={"display": "x", "original": "é" * 9000}))
    assert found.merchant_name == "é" * 512


def test_the_order() -> None:
    """X24: the oldest day first, and purchases before what takes them back."""
    days = {"t-1": "2027-01-14", "t-2": "2027-01-13", "t-3": "2027-01-13"}
    values = {"t-1": "-1", "t-2": "1", "t-3": "-1"}
    changed, _ = told(
        *(bought(one, worth(values[one]), dates={"booked": day, "transaction": day}) for one, day in days.items())
    )  # fmt: skip
    assert [getattr(one, "transaction_id", "") for one in changed] == ["t-3", "t-2", "t-1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": worth("-4500")},
        {"amount": worth("-4250", currency="CHF")},
        {"descriptions": {"display": "x", "original": "CB CHEZ EUX"}},
        {"dates": {"booked": "2027-01-15", "transaction": "2027-01-13"}},
        {"dates": {"booked": "2027-01-14", "transaction": "2027-01-12"}},
        {"merchantInformation": {"merchantCategoryCode": "5813"}},
    ],
)
def test_changed(changes: Any) -> None:
    """E8: whatever of it has changed, it is told anew under its id, once; then it is known as it is."""
    _, after = told(bought("t-1"), bought("t-2"))
    changed, again = told(bought("t-1", **changes), bought("t-2"), cursor=after)
    ((change),) = changed
    assert isinstance(change, TransactionCorrected)
    assert change.replaces == change.report.transaction_id == "t-1"
    assert told(bought("t-2"), bought("t-1", **changes), cursor=again)[0] == []


def test_what_does_not_count_changes_nothing() -> None:
    """X16: the same, written otherwise, or with another state of what is not read."""
    _, after = told(bought("t-1"))
    same = bought("t-1", providerMutability="IMMUTABLE", reference="RF1")
    assert told(same, cursor=after)[0] == []


def test_what_is_not_there_any_more_means_nothing() -> None:
    """E8: a deletion is told by a webhook; a page may be one of many."""
    _, after = told(bought("t-1"))
    changed, later = told(cursor=after)
    assert changed == []
    assert told(bought("t-1"), cursor=later)[0] == []


def test_the_memory_is_of_digests() -> None:
    """S60, X23: no id, label or amount is in the cursor; and it is a line of so many characters per purchase."""
    _, after = told(*(bought(f"t-{number}") for number in range(100)))
    text = text_of(after)
    assert "t-1" not in text
    assert "CHEZ" not in text
    assert "4250" not in text.replace("2027-01", "")
    assert len(text) < 100 * 21 + 100
    assert cursor_of(text) == after


def test_windows() -> None:
    """S60, E6: from the first day; later a month before the last reading; what is older is forgotten."""
    first = begun(cursor_of(""), "2027-01-07")
    assert (first.first, first.day) == ("2027-01-07", "2027-01-07")
    done = ended(msgspec.structs.replace(first, told={"2027-01-08": "a" * 20}), "2027-01-15")
    assert (done.read, done.day, done.page) == ("2027-01-15", "", "")
    assert begun(done, "2099-01-01").day == "2027-01-07", "no day before the first"
    late = begun(ended(done, "2027-03-16"), "2099-01-01")
    assert late.day == "2027-02-14"
    assert late.told == {}
    assert OVERLAP_DAYS == 30
    going_on = msgspec.structs.replace(first, page="p1")
    assert begun(going_on, "2099-01-01") == going_on


@given(st.text(max_size=40))
def test_a_cursor_that_is_none(text: str) -> None:
    """What was not made here is a bug of ours, and read as nothing else."""
    try:
        found = cursor_of(text)
    except AssertionError:
        return
    assert isinstance(found, Cursor)


def test_any_account() -> None:
    """S60: a connection that knows no account has all that it shows."""
    changed, _ = told(bought("t-1"), bought("t-2", accountId="ac-2"), account="")
    assert len(changed) == 2

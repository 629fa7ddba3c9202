"""Powens's transactions as what is to be taken: which, to the cent, once, in which order."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.gateways.amounts import CENTS_MAX, cents_of
from comptoir.actors.gateways.powens_meaning import moment_ms, revision_of
from comptoir.actors.gateways.powens_transactions import (
    Cursor,
    Page,
    cursor_of,
    following,
    reports_of,
    updated_after,
)
from comptoir.http.powens_body import read
from tests.actors.gateways.powens import bought, page
from tests.http.test_powens_body import synced

EUR = {10: "EUR"}
DECODER = msgspec.json.Decoder(Page)


def _reports(*transactions: Any) -> list[TransactionReported]:
    decoded = DECODER.decode(msgspec.json.encode(page(*transactions)))
    return list(reports_of([decoded], EUR))


def test_a_purchase() -> None:
    """S52, S56: the wording is the label, the value's sign the direction, the day that of the purchase."""
    transaction = bought(1)
    assert _reports(transaction) == [
        TransactionReported(
            "powens", "transaction.created", "1", 4250, "EUR", "DEBIT", "2026-11-21",
            "CB CHEZ NOUS", revision=revision_of(transaction["last_update"]),
        )
    ]  # fmt: skip
    (bare,) = _reports(bought(2, rdate=None, original_wording="", simplified_wording=""))
    assert (bare.date, bare.merchant_name) == ("2026-11-22", "Chez Nous")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "transfer"}, {"type": "summary_card"}, {"type": "somethingNew"}, {"type": "refund"},
        {"type": "payback"}, {"coming": True}, {"value": None}, {"value": "0.00"}, {"id_account": 99},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_passed_over(changes: dict[str, Any]) -> None:
    """Protocols.md 5.1: not a card's, not booked, not ours; a `refund` below nought is no purchase."""
    assert _reports(bought(1, **changes)) == []


@pytest.mark.parametrize("kind", ["card", "deferred_card", "refund", "payback"])
def test_what_comes_back(kind: str) -> None:
    """X24: above nought it is a refund."""
    ((report),) = _reports(bought(1, 5.0, type=kind))
    assert (report.direction, report.amount_cents) == ("CREDIT", 500)


@pytest.mark.parametrize(
    "changes", [{"deleted": "2026-11-23 10:00:00"}, {"active": False}], ids=str
)
def test_what_never_happened(changes: dict[str, Any]) -> None:
    """Issue 6, part 3: the purchase itself says so; of a refund, what it took back is given back."""
    (gone,) = _reports(bought(1, **changes))
    assert (gone.transaction_id, gone.direction, gone.removed) == ("1", "DEBIT", True)
    (refund,) = _reports(bought(1, "5.00", **changes))
    assert (refund.transaction_id, refund.direction, refund.removed) == (
        "1.deleted",
        "DEBIT",
        False,
    )


def test_its_words_are_numbered() -> None:
    """E8: a later word of a purchase is another one; a refund is told once."""
    updates = ("2026-11-22 12:00:00", "2026-11-22 12:00:01", "2026-11-23T08:00:00.5")
    found = [_reports(bought(1, last_update=update))[0].revision or 0 for update in updates]
    assert 0 < found[0] < found[1] < found[2]
    assert _reports(bought(1, "5.00"))[0].revision is None


def test_their_order() -> None:
    """X24: the oldest day first, and of one day the oldest number."""
    days = ((5, "2026-11-03"), (9, "2026-11-01"), (2, "2026-11-03"))
    found = _reports(*(bought(number, rdate=day) for number, day in days))
    assert [one.transaction_id for one in found] == ["9", "2", "5"]


@given(
    value=st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value="-99999999.99", max_value="99999999.99"),
    as_text=st.booleans(),
    deleted=st.booleans(),
    kind=st.sampled_from(["card", "deferred_card", "refund", "payback", "transfer", "summary_card"]),
)  # fmt: skip
def test_a_webhook_says_the_same(value: Decimal, as_text: bool, deleted: bool, kind: str) -> None:
    """S52, X16: what is read and what is told are one purchase under one key, to the cent."""
    gone = "2026-11-23 10:00:00" if deleted else None
    transaction = bought(1, "VALUE", type=kind, deleted=gone)
    text = f'"{value}"' if as_text else str(value)
    told = read(synced(transaction).replace(b'"VALUE"', text.encode())).reports
    written = msgspec.json.encode(page(transaction)).replace(b'"VALUE"', text.encode())
    assert list(told) == list(reports_of([DECODER.decode(written)], EUR))


@given(cents=st.integers(0, CENTS_MAX), zeros=st.integers(0, 40))
def test_cents_are_exact(cents: int, zeros: int) -> None:
    """Interface.md 1: however many noughts are written behind."""
    assert cents_of(Decimal(f"{cents // 100}.{cents % 100:02d}" + "0" * zeros)) == cents
    assert cents_of(-Decimal(cents).scaleb(-2)) == cents


@given(digits=st.integers(1, 10**45), exponent=st.integers(-60, 60))
@example(digits=1, exponent=-3)
@example(digits=1, exponent=8)
@example(digits=10**40 + 1, exponent=-40)
def test_an_amount_is_exact_or_none(digits: int, exponent: int) -> None:
    """Interface.md 1: fractions of a cent, and sums beyond the bound, are none; nothing is rounded."""
    found = cents_of(Decimal((0, tuple(map(int, str(digits))), exponent)))
    scaled = digits * 10 ** (exponent + 62)  # of 10**-60 cents
    whole, rest = divmod(scaled, 10**60)
    assert found == (None if rest or whole > CENTS_MAX else whole)


@pytest.mark.parametrize("amount", ["1e999999", "-1e999999", "1e-999999"])
def test_an_exponent_costs_nothing(amount: str) -> None:
    """S63: no number makes a longer one."""
    assert cents_of(Decimal(amount)) is None


@pytest.mark.parametrize("value", ["12.345", "100000000.00", "-1e20"])
def test_an_amount_that_is_none_earns_nothing(value: str) -> None:
    """Interface.md 6: taken in XXX, so that it keeps nothing back that comes after it."""
    ((report),) = _reports(bought(1, value if value.startswith("-") else f"-{value}"))
    assert (report.currency, report.amount_cents) == ("XXX", 0)


def test_a_long_label_is_cut() -> None:
    """S52: names are matched at the beginning."""
    ((report),) = _reports(bought(1, original_wording="x" * 5000))
    assert report.merchant_name == "x" * 512


UPDATES = st.lists(
    st.datetimes().map(lambda moment: str(moment.replace(microsecond=0))), max_size=5
)


@given(readings=st.lists(UPDATES, max_size=4))
def test_a_cursor_goes_on_and_never_back(readings: list[list[str]]) -> None:
    """S63, E6: the latest update that was seen, however the pages were ordered, less two hours."""
    text, seen = "", [""]
    for updates in readings:
        cursor = cursor_of(text, "2026-11-20")
        assert cursor.day == "2026-11-20"
        made = page(*(bought(1, last_update=update) for update in updates))
        text = following(cursor, [DECODER.decode(msgspec.json.encode(made))], "")
        seen += updates
        after = cursor_of(text, "2030-01-01")
        assert (after.day, after.link, after.high) == ("2026-11-20", "", "")
        assert after.since == max(seen)
    assert updated_after(Cursor(since="2026-03-29 03:00:00")) == "2026-03-29 01:00:00"
    assert [updated_after(Cursor(since=none)) for none in ("", "soon", "0001-01-01 00:00:00")] == [
        ""
    ] * 3


def test_times_without_a_zone() -> None:
    """X20: the earliest that they can mean in Paris; what is no time is none."""
    assert moment_ms("2026-07-01T12:00:00+02:00") == moment_ms("2026-07-01 12:00:00")
    assert moment_ms("2026-01-01 12:00:00") == moment_ms("2026-01-01T10:00:00Z")
    assert [moment_ms(text) for text in (None, "", "soon", "0001-01-01 00:00:00")] == [0, 0, 0, 0]


def test_a_cursor_of_somebody_else() -> None:
    """It is ours alone to make."""
    with pytest.raises(AssertionError):
        cursor_of("c1", "2026-11-20")
    assert cursor_of("", "2026-11-20") == Cursor(day="2026-11-20")

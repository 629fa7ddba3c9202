"""What Powens says of a connection, read: fixtures, properties, faults.

Source: protocols.md 5.1; spec.md S52, X16, X23; fixtures/powens (the shape of a transaction).
"""

from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.conditions import condition_of
from comptoir.actors.connection.messages import ConnectionReported
from comptoir.actors.gateways.powens_meaning import STATES
from comptoir.http.payload_fields import BadBody
from comptoir.http.powens_body import Synced, read

CARD: dict[str, Any] = {
    "id": 1, "id_account": 10, "application_date": "2024-01-02", "date": "2024-01-01",
    "rdate": "2024-01-01", "value": "-42.50", "type": "card", "original_wording": "CARD xx ORIG",
    "simplified_wording": "Groceries", "date_scraped": "2024-01-02 10:00:00", "coming": False,
    "active": True,
}  # fmt: skip
"""As in the outside data (py-powens)."""


def synced(*transactions: dict[str, Any], **connection: Any) -> bytes:
    """A body with one account."""
    account = {"id": 10, "currency": {"id": "EUR"}, "transactions": list(transactions)}
    told = {"id": 7, "state": None, "active": True, "accounts": [account], **connection}
    return orjson.dumps({"user": {"id": 3}, "connection": told})


def code_of(body: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Why a body is refused."""
    with pytest.raises(BadBody) as caught:
        read(body)
    return caught.value.code, [(error["pointer"], error["code"]) for error in caught.value.errors]


def test_a_card_payment_is_a_purchase() -> None:
    """S42, S52: the wording is the label, the value's sign the direction, the id the key (X16)."""
    connection_id, _, (report,) = read(synced(CARD))
    assert connection_id == "7"
    assert (report.provider, report.event, report.transaction_id) == (
        "powens", "transaction.created", "1",
    )  # fmt: skip
    assert (report.amount_cents, report.currency, report.direction) == (4250, "EUR", "DEBIT")
    assert (report.date, report.merchant_name, report.mcc) == ("2024-01-01", "CARD xx ORIG", "")
    assert report.original_transaction_id == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "summary_card"}, {"type": "transfer"}, {"type": "fee"}, {"type": None},
        {"type": "refund"}, {"coming": True}, {"value": 0}, {"value": "-0.00"}, {"value": None},
    ],
    ids=str,
)  # fmt: skip
def test_what_earns_nothing_is_passed_over(changed: dict[str, Any]) -> None:
    """Protocols.md 5.1: not a card's, not booked, a sum of others, or no money: no report at all."""
    found = read(synced({**CARD, **changed}))
    assert (found.connection_id, found.reports) == ("7", ())


@pytest.mark.parametrize("kind", ["card", "deferred_card", "refund", "payback"])
def test_what_comes_back_is_a_refund(kind: str) -> None:
    """X24: above nought; which purchase it was Powens does not say."""
    ((report,),) = [read(synced({**CARD, "type": kind, "value": 42.5})).reports]
    assert (report.direction, report.amount_cents) == ("CREDIT", 4250)
    assert report.original_transaction_id == ""


@pytest.mark.parametrize("gone", [{"deleted": "2024-01-05 10:00:00"}, {"active": False}], ids=str)
def test_what_is_deleted_is_taken_back_once(gone: dict[str, Any]) -> None:
    """Issue 6, part 3: a purchase that was deleted names itself, under a key of its own (X16); of a refund that was
    deleted, what it took back is given back.
    """
    (report,) = read(synced({**CARD, **gone})).reports
    assert (report.event, report.transaction_id) == ("transaction.deleted", "1")
    assert (report.direction, report.removed) == ("DEBIT", True)
    (refund,) = read(synced({**CARD, **gone, "value": 3})).reports
    assert (refund.transaction_id, refund.direction, refund.removed) == (
        "1.deleted",
        "DEBIT",
        False,
    )
    assert refund.revision is None


def test_words_are_numbered_by_their_time() -> None:
    """E8, ADR 0033: a later `last_update` is a greater number, to the fraction; one of no form is none."""
    times = [
        "1999-12-31 23:59:59", "2024-01-05T10:00:00", "2024-01-05 10:00:00.000001",
        "2024-01-05 10:00:00.5", "2024-02-01 00:00:00",
    ]  # fmt: skip
    found = [read(synced({**CARD, "last_update": text})).reports[0].revision for text in times]
    assert all(found)
    assert found == sorted(set(found), key=lambda number: number or 0)
    for text in (None, "", "yesterday", "2024-02-30 10:00:00", "2024-01-05 25:00:00"):
        assert read(synced({**CARD, "last_update": text})).reports[0].revision == 0


CENTS = st.integers(-9_999_999_999, 9_999_999_999).filter(bool)


@given(
    cents=CENTS,
    day=st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    wording=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=600),
    identity=st.integers(0, 2**63),
    as_text=st.booleans(),
)
def test_whatever_is_said_is_kept_to_the_cent(
    cents: int, day: date, wording: str, identity: int, as_text: bool
) -> None:
    """Interface.md 1: exact amounts, as numbers and as texts; a long wording is cut, not refused."""
    value = Decimal(cents) / 100
    body = synced({
        **CARD, "id": identity, "rdate": None, "date": day.isoformat(), "value": "VALUE",
        "original_wording": wording,
    }).replace(b'"VALUE"', f'"{value}"'.encode() if as_text else str(value).encode())  # fmt: skip
    (report,) = read(body).reports
    assert (report.amount_cents, report.direction) == (
        abs(cents), "DEBIT" if cents < 0 else "CREDIT",
    )  # fmt: skip
    assert (report.transaction_id, report.date) == (str(identity), day.isoformat())
    assert report.merchant_name == wording[:512]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"value": "-1.001"}, ("value", "AMOUNT_TOO_PRECISE")),
        ({"value": "-100000000"}, ("value", "AMOUNT_TOO_LARGE")),
        ({"value": "-1e9999999999999999999"}, ("value", "AMOUNT_EXPONENT")),
        ({"value": "ten"}, ("value", "TYPE_WRONG")),
        ({"value": True}, ("value", "TYPE_WRONG")),
        ({"value": [1]}, ("value", "TYPE_WRONG")),
        ({"id": None}, ("id", "TYPE_WRONG")),
        ({"id": -1}, ("id", "VALUE_UNKNOWN")),
        ({"id": 1.5}, ("id", "VALUE_UNKNOWN")),
        ({"id": ""}, ("id", "TEXT_EMPTY")),
        ({"rdate": "2024-02-30"}, ("rdate", "DATE_INVALID")),
        ({"coming": "no"}, ("coming", "TYPE_WRONG")),
        ({"active": 1}, ("active", "TYPE_WRONG")),
        ({"original_wording": 5}, ("original_wording", "TYPE_WRONG")),
    ],
    ids=str,
)
def test_a_fault_is_named_where_it_is(changed: dict[str, Any], fault: tuple[str, str]) -> None:
    """Row 7: 422 with its pointer, beside a right one that does not hide it."""
    key, code = fault
    body = synced(CARD, {**CARD, **changed})
    assert code_of(body) == (
        "WEBHOOK_PAYLOAD_INVALID", [(f"/connection/accounts/0/transactions/1/{key}", code)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "WEBHOOK_PAYLOAD_MALFORMED"),
        (b"{", "WEBHOOK_PAYLOAD_MALFORMED"),
        (b'{"connection":1,"connection":2}', "WEBHOOK_PAYLOAD_MALFORMED"),
        (b'{"connection":{"id":"\\ud800"}}', "WEBHOOK_PAYLOAD_MALFORMED"),
        (b"[]", "WEBHOOK_PAYLOAD_INVALID"),
        (b'{"connection":[]}', "WEBHOOK_PAYLOAD_INVALID"),
        (b'{"connection":{"id":1,"accounts":{}}}', "WEBHOOK_PAYLOAD_INVALID"),
        (b'{"connection":{"accounts":[]}}', "WEBHOOK_PAYLOAD_INVALID"),
        (b'{"id":3,"signin":"2024-01-01"}', "WEBHOOK_EVENT_UNSUPPORTED"),
        (b'{"connection":{"id":7}}', "WEBHOOK_EVENT_UNSUPPORTED"),
    ],
)
def test_rows_6_to_8(body: bytes, code: str) -> None:
    """Interface.md 6: no JSON, no such shape, another event (USER_CREATED)."""
    assert code_of(body)[0] == code


def test_an_account_is_asked_for_its_currency_where_it_earns() -> None:
    """Row 7; and an account that has none does not hide what the others say."""
    bare = {"id": 11, "currency": None, "transactions": [{**CARD, "type": "transfer"}]}
    silent = {"id": 12, "transactions": None}
    full = {"id": 10, "currency": {"id": "CHF"}, "transactions": [CARD]}
    (report,) = read(synced(accounts=[bare, silent, full])).reports
    assert report.currency == "CHF"
    wrong = {"id": 10, "currency": {"id": "ECU"}, "transactions": [CARD]}
    assert code_of(synced(accounts=[wrong])) == (
        "WEBHOOK_PAYLOAD_INVALID", [("/connection/accounts/0/currency/id", "VALUE_UNKNOWN")],
    )  # fmt: skip


WELL = {"state": None, "active": True, "next_try": None, "expire": None}


@pytest.mark.parametrize("state", [*STATES, "somethingNew"])
def test_how_it_stands(state: str) -> None:
    """Protocols.md 5.1: every state, and one that Powens adds later, in words of ours."""
    body = synced(state=state, next_try="2026-11-24T10:00:00+01:00", error_message="canary")
    told = read(body).stands
    assert (told.provider, told.event) == ("powens", "state")
    assert told.condition == condition_of(STATES.get(state, ""), 1_795_510_800_000)
    assert "canary" not in repr(told)


def test_all_is_well() -> None:
    """X20: then its end counts; not active, its person must act."""
    told = read(synced(expire="2026-11-24 12:00:00")).stands
    assert (told.condition, told.until) == (None, 1_795_514_400_000)
    condition = read(synced(active=False)).stands.condition
    assert condition == condition_of("inactive")


def test_a_body_is_known_by_its_number() -> None:
    """X16: `id_webhook_data` names it, whatever is sent again; else all of it does."""
    numbered = orjson.loads(synced(CARD)) | {"id_webhook_data": 4711}
    assert read(orjson.dumps(numbered)).stands.reference == "4711"
    first, again = (read(synced(CARD)).stands.reference for _ in range(2))
    assert first == again != read(synced()).stands.reference
    assert (
        code_of(orjson.dumps({**numbered, "id_webhook_data": -1}))[0] == "WEBHOOK_PAYLOAD_INVALID"
    )


def test_reports_are_in_order() -> None:
    """X24: what takes back comes after what it takes back."""
    told = read(synced(
        {**CARD, "id": 1, "rdate": "2024-01-03"}, {**CARD, "id": 2, "value": 5},
        {**CARD, "id": 3}, {**CARD, "id": 4, "rdate": "2023-12-31"},
    ))  # fmt: skip
    assert [report.transaction_id for report in told.reports] == ["4", "3", "2", "1"]


def test_a_connection_that_was_deleted() -> None:
    """S57: CONNECTION_DELETED is the connection itself; by its person, or by us."""
    gone = {
        "id": 7,
        "id_user": 3,
        "id_connector": 40,
        "connector_uuid": "u",
        "id_webhook_data": 9,
        **WELL,
    }
    assert read(orjson.dumps(gone)) == Synced("7", ConnectionReported("powens", "revoked", "9"), ())


@pytest.mark.parametrize("missing", ["id", "id_connector", "connector_uuid"])
def test_what_only_looks_like_one(missing: str) -> None:
    """Row 8: an account or a user is no connection, and ends none."""
    other = {"id": 7, "id_connector": 40, "connector_uuid": "u", "id_user": 3} | {missing: None}
    assert code_of(orjson.dumps(other))[0] == "WEBHOOK_EVENT_UNSUPPORTED"


@pytest.mark.parametrize(
    "changes", [{"state": 5}, {"state": "x" * 200}, {"active": "yes"}, {"next_try": 5}, {"expire": []}],
    ids=str,
)  # fmt: skip
def test_a_fault_of_the_connection(changes: dict[str, Any]) -> None:
    """Row 7: named where it is."""
    (key,) = changes
    code, faults = code_of(synced(CARD, **changes))
    assert code == "WEBHOOK_PAYLOAD_INVALID"
    assert [pointer for pointer, _ in faults] == [f"/connection/{key}"]

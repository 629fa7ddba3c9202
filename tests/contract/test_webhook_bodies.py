"""Section 6, rows 6 to 8: what a signed body may hold.

Rule: a body that is refused has a stable code, names what is wrong where, and changed nothing.
Source: interface.md 1 and 6; spec.md S52, S56, S66.
"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir.engine.testing import Answered
from comptoir.http.contract_testing import Customer, purchase

ABSENT = object()
EVENTS = ["connection.created", "payment.initiated"]


def refused(answer: Answered, status: int, code: str) -> list[dict[str, str]]:
    """Hold an answer to a refusal; its `errors`."""
    assert (answer.status, answer.json()["code"]) == (status, code), answer
    found: list[dict[str, str]] = answer.json().get("errors", [])
    return found


def body_with(customer: Customer, path: str, value: object) -> dict[str, Any]:
    """A right body with one field changed or taken away; `path` as `data.merchant.name`."""
    body = purchase(customer.name("tx"), customer.name("conn"))
    *above, last = path.split(".")
    place: dict[str, Any] = body
    for step in above:
        place = place[step]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return body


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"nonsense", b"{'event': 1}", b'{"event": "transaction.created",}', b"[1, 2",
        b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 01}', b'{"a": .5}',
        b'{"a": 1} {"b": 2}', b"\xff\xfe{}", b'{"a": "\xed\xa0\x80"}', b'{"a": "\xc3"}',
        b'{"a": "\\ud800"}', b'{"a": "\\udc00\\ud800"}', b'{"a": "\\u0000"}', b'{"a\\u0000": 1}',
        b'{"a": "\x00"}', b'{"a": "\t"}', b"[" * 20_000, b"[" * 20_000 + b"]" * 20_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b"\xef\xbb\xbf{}", b"// no\n{}", b'{"a": tru}',
    ],
    ids=range(27),
)  # fmt: skip
def test_malformed_json(customer: Customer, body: bytes) -> None:
    """Row 6: not UTF-8 JSON, NaN, infinite, lone surrogate, U+0000, too deep: 400 (S66)."""
    assert refused(customer.send(body), 400, "WEBHOOK_PAYLOAD_MALFORMED") == []


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity"])
def test_amounts_that_json_does_not_know(customer: Customer, amount: str) -> None:
    """Row 6: an amount that is no number is malformed."""
    body = json.dumps(body_with(customer, "data.amount", "AMOUNT")).replace('"AMOUNT"', amount)
    refused(customer.send(body), 400, "WEBHOOK_PAYLOAD_MALFORMED")


@pytest.mark.parametrize("place", ["data.merchant.name", "data.transaction_id", "data.account_id"])
@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "x\udfff"])
def test_text_that_cannot_be_kept(customer: Customer, place: str, text: str) -> None:
    """Row 6: U+0000 and lone surrogates, escaped in otherwise right bodies."""
    answer = customer.send(json.dumps(body_with(customer, place, text)))
    refused(answer, 400, "WEBHOOK_PAYLOAD_MALFORMED")


@pytest.mark.parametrize(
    "amount",
    ["-1", "-0.01", "1e400", "1e99999999", "100000000", "99999999.995", "100.001", "0.001", "1e-3"],
)
def test_amounts_out_of_bounds(customer: Customer, amount: str) -> None:
    """Row 7: negative, over 99,999,999.99, or with more than two decimals: 422 at /data/amount."""
    body = json.dumps(body_with(customer, "data.amount", "AMOUNT")).replace('"AMOUNT"', amount)
    errors = refused(customer.send(body), 422, "WEBHOOK_PAYLOAD_INVALID")
    assert [one["pointer"] for one in errors] == ["/data/amount"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("data.amount", "100.00"), ("data.amount", None), ("data.amount", True),
        ("data.amount", [1]), ("data.amount", {}),
        ("data.currency", "EURO"), ("data.currency", "eur"), ("data.currency", "ZZZ"),
        ("data.currency", ""), ("data.currency", None), ("data.currency", 978),
        ("data.direction", "debit"), ("data.direction", "BOTH"), ("data.direction", None),
        ("data.date", "2026-02-30"), ("data.date", "2025-02-29"), ("data.date", "20261120"),
        ("data.date", "2026-11-20T00:00:00Z"), ("data.date", "yesterday"), ("data.date", 20261120),
        ("data.date", "0000-01-01"), ("data.date", "2026-13-01"), ("data.date", "2026-1-1"),
        ("data.transaction_id", ""), ("data.transaction_id", 7), ("data.transaction_id", None),
        ("data.transaction_id", "x" * 10_000), ("data.transaction_id", ["a"]),
        ("data.connection_id", ""), ("data.connection_id", 1), ("data.connection_id", {}),
        ("data.merchant", "CARREFOUR"), ("data.merchant", []), ("data.merchant.name", 5),
        ("data.merchant.name", "x" * 20_000), ("data.merchant.mcc_code", 5812),
        ("data.merchant.mcc_code", "58"), ("data.merchant.city", 75001),
        ("data.merchant.country", ["FR"]), ("data.account_id", 12),
        ("data.original_transaction_id", 12),
    ],
)  # fmt: skip
def test_one_wrong_value(customer: Customer, place: str, value: object) -> None:
    """Row 7: a wrong type or value is 422 WEBHOOK_PAYLOAD_INVALID, told by its pointer (S56)."""
    answer = customer.send(body_with(customer, place, value))
    errors = refused(answer, 422, "WEBHOOK_PAYLOAD_INVALID")
    assert [one["pointer"] for one in errors] == ["/" + place.replace(".", "/")]
    assert all(one.keys() == {"pointer", "code", "detail"} for one in errors)
    assert all(text for one in errors for text in one.values())


@pytest.mark.parametrize(
    "place",
    ["transaction_id", "connection_id", "amount", "currency", "direction", "date", "merchant.name"],
)
def test_a_missing_field(customer: Customer, place: str) -> None:
    """Row 7: what the ledger cannot do without is required (S56)."""
    answer = customer.send(body_with(customer, f"data.{place}", ABSENT))
    errors = refused(answer, 422, "WEBHOOK_PAYLOAD_INVALID")
    assert [one["pointer"] for one in errors] == ["/data/" + place.replace(".", "/")]


def test_every_fault_is_told_at_once(customer: Customer) -> None:
    """Row 7: `errors` holds all that is wrong (S66)."""
    body = purchase("", customer.name("conn"), amount=-1, currency="XX", direction="UP", date="no")
    errors = refused(customer.send(body), 422, "WEBHOOK_PAYLOAD_INVALID")
    assert {one["pointer"] for one in errors} == {
        "/data/transaction_id", "/data/amount", "/data/currency", "/data/direction", "/data/date",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'"text"', b"1", b"{}", b'{"event": 5, "data": {}}', b'{"event": "x"}',
             b'{"event": "transaction.created"}', b'{"event": "transaction.created", "data": []}',
             b'{"data": {}}', b'{"event": "", "data": {}}'],
)  # fmt: skip
def test_bodies_of_another_shape(customer: Customer, body: bytes) -> None:
    """Row 7: JSON that is no webhook is 422 with what is missing."""
    assert refused(customer.send(body), 422, "WEBHOOK_PAYLOAD_INVALID")


@pytest.mark.parametrize("event", [*EVENTS, "transaction.deleted", "x.y"])
def test_events_not_served(customer: Customer, event: str) -> None:
    """Row 8: an event that is unknown, or known and not yet served, is refused by name (S52)."""
    body = {**purchase(customer.name("tx"), customer.name("conn")), "event": event}
    refused(customer.send(body), 422, "WEBHOOK_EVENT_UNSUPPORTED")


def test_fields_that_nobody_knows_are_ignored(customer: Customer) -> None:
    """A provider may add fields; they change nothing (S56)."""
    body = body_with(customer, "data.balance_after", 12.5)
    body["sent_by"] = {"deep": [1, 2, {"x": None}]}
    body["data"]["merchant"]["logo"] = "https://example.com/logo.png"
    assert customer.send(body).status == 202


def test_optional_fields_may_be_absent_or_null(customer: Customer) -> None:
    """What S56 shows beside the required fields may be missing or null."""
    for value in (ABSENT, None):
        for place in ("data.account_id", "data.merchant.mcc_code", "data.merchant.city"):
            assert customer.send(body_with(customer, place, value)).status == 202, place


def test_a_key_given_twice_is_never_guessed_at(customer: Customer) -> None:
    """Two amounts in one signed body cannot both be meant: refused, nothing taken (S66)."""
    identity = customer.name("tx")
    text = json.dumps(purchase(identity, customer.name("conn")))
    doubled = text.replace('"amount": 100', '"amount": 100, "amount": 1000000')
    assert doubled != text
    assert customer.send(doubled).status in {400, 422}
    assert customer.send(text).status == 202


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(["data", "event", "data.amount", "data.date", "data.merchant",
                              "data.merchant.name", "data.currency", "data.connection_id"]),
       value=JSON)  # fmt: skip
def test_no_value_anywhere_is_a_server_error(customer: Customer, place: str, value: object) -> None:
    """Whatever stands in a field, the answer is an acceptance or a refusal by name (S66)."""
    answer = customer.send(json.dumps(body_with(customer, place, value)))
    assert answer.status in {200, 202, 400, 422}, answer
    assert answer.status < 300 or answer.json()["code"].startswith("WEBHOOK_")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_no_bytes_are_a_server_error(customer: Customer, body: bytes) -> None:
    """Signed noise is refused by name (S66)."""
    assert customer.send(body).status in {400, 422}

"""A webhook's body: what is right, what is wrong with it, and that both readers agree."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.withdrawal.messages import PaymentReported
from comptoir.http import payload_rules, payloads
from comptoir.http.payload_fields import BadBody, cents
from comptoir.http.payload_rules import Reported

SAMPLE = b"""{
  "event": "transaction.created",
  "timestamp": "2025-11-24T14:30:00.000Z",
  "data": {
    "transaction_id": "txn_abc123xyz",
    "connection_id": "conn_user456",
    "account_id": "acc_789",
    "amount": 100.00,
    "currency": "EUR",
    "direction": "DEBIT",
    "date": "2025-11-24",
    "merchant": {
      "name": "RESTAURANT LE BISTROT",
      "mcc_code": "5812",
      "city": "PARIS",
      "country": "FR"
    }
  },
  "signature": "sha256=7d38cdd689735b008..."
}"""
"""The specification's own example (S56), to the byte."""

PAYMENT = b"""{
  "event": "payment.completed",
  "timestamp": "2025-11-24T15:45:00.000Z",
  "data": {
    "payment_id": "pay_xyz789",
    "withdrawal_id": "wd_abc123",
    "amount": 9.50,
    "currency": "EUR",
    "status": "COMPLETED",
    "reference": "REWAPP-WD-2025-11-24-001",
    "beneficiary_iban": "FR76****1234"
  }
}"""
"""Its second example."""

EXPECTED = Reported(
    "conn_user456",
    TransactionReported(
        provider="seed",
        event="transaction.created",
        transaction_id="txn_abc123xyz",
        amount_cents=10_000,
        currency="EUR",
        direction="DEBIT",
        date="2025-11-24",
        merchant_name="RESTAURANT LE BISTROT",
        mcc="5812",
        city="PARIS",
        country="FR",
    ),
)


def _body(amount: Any = "100.00", **changes: Any) -> bytes:
    """The sample with other values in `data`; `...` takes a key away."""
    data = json.loads(SAMPLE)["data"]
    for key, value in changes.items():
        place = data["merchant"] if key in data["merchant"] else data
        place[key] = value
        if value is ...:
            del place[key]
    data["amount"] = "@"
    if amount is ...:
        del data["amount"]
    text = json.dumps({"event": "transaction.created", "data": data})
    return text.replace('"@"', str(amount)).encode()


def _outcome(reader: Any, body: bytes) -> object:
    """What a reader makes of a body: the report, or the refusal as plain values."""
    try:
        return reader.read(body, "seed")
    except BadBody as bad:
        return bad.code, bad.errors


def refused(body: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The refusal of a body."""
    with pytest.raises(BadBody) as caught:
        payloads.read(body, "seed")
    return caught.value.code, [(e["pointer"], e["code"]) for e in caught.value.errors]


def _cents_of(body: bytes) -> int:
    message = payloads.read(body, "seed").message
    assert isinstance(message, TransactionReported)
    return message.amount_cents


def test_samples_of_the_source() -> None:
    """S52, S56: both examples are taken exactly."""
    assert payloads.read(SAMPLE, "seed") == EXPECTED
    assert payload_rules.read(SAMPLE, "seed") == EXPECTED
    completed = Reported("wd_abc123", PaymentReported("completed", "pay_xyz789", 950, "EUR"))
    assert payloads.read(PAYMENT, "seed") == completed


@pytest.mark.parametrize(
    "event",
    ["connection.created", "transaction.deleted", "payment.initiated", "x", "é"],
)
def test_other_events_are_refused_by_name(event: str) -> None:
    """Row 8 of interface.md 6, S52: known but not served, or not known, whatever the data."""
    body = json.dumps({"event": event, "data": {"amount": -1}}).encode()
    assert refused(body) == ("WEBHOOK_EVENT_UNSUPPORTED", [])


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"transaction_id": ...}, "/data/transaction_id", "MISSING"),
        ({"transaction_id": ""}, "/data/transaction_id", "TEXT_EMPTY"),
        ({"transaction_id": 5}, "/data/transaction_id", "TYPE_WRONG"),
        ({"transaction_id": None}, "/data/transaction_id", "TYPE_WRONG"),
        ({"transaction_id": "x" * 129}, "/data/transaction_id", "TEXT_TOO_LONG"),
        ({"transaction_id": "a\tb"}, "/data/transaction_id", "TEXT_FORBIDDEN"),
        ({"connection_id": ...}, "/data/connection_id", "MISSING"),
        ({"connection_id": ["x"]}, "/data/connection_id", "TYPE_WRONG"),
        ({"account_id": 7}, "/data/account_id", "TYPE_WRONG"),
        ({"amount": ...}, "/data/amount", "MISSING"),
        ({"currency": ...}, "/data/currency", "MISSING"),
        ({"currency": "EURO"}, "/data/currency", "VALUE_UNKNOWN"),
        ({"currency": "eur"}, "/data/currency", "VALUE_UNKNOWN"),
        ({"currency": 978}, "/data/currency", "TYPE_WRONG"),
        ({"direction": "OUT"}, "/data/direction", "VALUE_UNKNOWN"),
        ({"direction": {}}, "/data/direction", "TYPE_WRONG"),
        ({"date": ...}, "/data/date", "MISSING"),
        ({"date": "2025-02-29"}, "/data/date", "DATE_INVALID"),
        ({"date": "2025-11-24T00:00:00Z"}, "/data/date", "DATE_INVALID"),
        ({"date": "20251124"}, "/data/date", "DATE_INVALID"),
        ({"date": "2025-W48-1"}, "/data/date", "DATE_INVALID"),
        ({"date": "٢٠٢٥-11-24"}, "/data/date", "DATE_INVALID"),
        ({"date": 20251124}, "/data/date", "TYPE_WRONG"),
        ({"merchant": ...}, "/data/merchant", "MISSING"),
        ({"merchant": "X"}, "/data/merchant", "TYPE_WRONG"),
        ({"merchant": None}, "/data/merchant", "TYPE_WRONG"),
        ({"name": ...}, "/data/merchant/name", "MISSING"),
        ({"name": 1}, "/data/merchant/name", "TYPE_WRONG"),
        ({"name": "x" * 513}, "/data/merchant/name", "TEXT_TOO_LONG"),
        ({"mcc_code": 5812}, "/data/merchant/mcc_code", "TYPE_WRONG"),
        ({"mcc_code": "58"}, "/data/merchant/mcc_code", "VALUE_UNKNOWN"),
        ({"city": 1}, "/data/merchant/city", "TYPE_WRONG"),
        ({"country": []}, "/data/merchant/country", "TYPE_WRONG"),
        ({"original_transaction_id": 5}, "/data/original_transaction_id", "TYPE_WRONG"),
        ({"original_transaction_id": ""}, "/data/original_transaction_id", "TEXT_EMPTY"),
    ],
)
def test_one_fault_is_named(changes: dict[str, Any], pointer: str, code: str) -> None:
    """Row 7 of interface.md 6: wrong type, missing, out of range; with pointer and code."""
    assert refused(_body(**changes)) == ("WEBHOOK_PAYLOAD_INVALID", [(pointer, code)])


def test_all_faults_are_named_at_once() -> None:
    """Row 7: a sender mends its body in one round."""
    body = _body("-5", transaction_id=1, currency="?", date="soon", name=..., city=3)
    code, errors = refused(body)
    assert code == "WEBHOOK_PAYLOAD_INVALID"
    assert {pointer for pointer, _ in errors} == {
        "/data/transaction_id",
        "/data/amount",
        "/data/currency",
        "/data/date",
        "/data/merchant/name",
        "/data/merchant/city",
    }


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b"[]", [""]),
        (b"5", [""]),
        (b"null", [""]),
        (b"{}", ["/event", "/data"]),
        (b'{"event":5,"data":[]}', ["/event", "/data"]),
        (b'{"event":"transaction.created"}', ["/data"]),
    ],
)
def test_envelope(body: bytes, pointers: list[str]) -> None:
    """Row 7: the envelope itself is judged before the event."""
    code, errors = refused(body)
    assert (code, [pointer for pointer, _ in errors]) == ("WEBHOOK_PAYLOAD_INVALID", pointers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.00", 0),
        ("0.01", 1),
        ("9.5", 950),
        ("100", 10_000),
        ("100.00", 10_000),
        ("100.000", 10_000),
        ("1E2", 10_000),
        ("1.5e1", 1500),
        ("1000e-3", 100),
        ("99999999.99", 9_999_999_999),
        ("0e99", 0),
        ("100.005", "AMOUNT_TOO_PRECISE"),
        ("0.001", "AMOUNT_TOO_PRECISE"),
        ("1e-400", "AMOUNT_TOO_PRECISE"),
        ("-0.01", "AMOUNT_NEGATIVE"),
        ("-1e400", "AMOUNT_NEGATIVE"),
        ("100000000", "AMOUNT_TOO_LARGE"),
        ("99999999.991", "AMOUNT_TOO_LARGE"),
        ("1e400", "AMOUNT_TOO_LARGE"),
        ("1e99999999999999999999", "AMOUNT_EXPONENT"),
        ("9" * 65, "AMOUNT_TOO_LONG"),
    ],
)
def test_amounts(text: str, expected: int | str) -> None:
    """Row 7, interface.md 1: the exact decimal of the text decides."""
    assert cents(text) == expected
    if isinstance(expected, int):
        assert _cents_of(_body(text)) == expected
    else:
        assert refused(_body(text)) == ("WEBHOOK_PAYLOAD_INVALID", [("/data/amount", expected)])


@pytest.mark.parametrize("text", ['"100"', "null", "true", "[1]", '{"value":1}', '"NaN"'])
def test_amount_is_a_number(text: str) -> None:
    """Row 7: a number written as a text is not a number."""
    assert refused(_body(text)) == ("WEBHOOK_PAYLOAD_INVALID", [("/data/amount", "TYPE_WRONG")])


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1.", "01", "0x10", "1_0"])
def test_amount_is_json(text: str) -> None:
    """Row 6: what no JSON number is, is no JSON."""
    assert refused(_body(text)) == ("WEBHOOK_PAYLOAD_MALFORMED", [])


_DIGITS = st.text("0123456789", min_size=1, max_size=12)


@given(
    st.sampled_from(["", "-"]),
    st.integers(0, 10**12),
    st.none() | _DIGITS,
    st.none() | st.integers(-14, 14),
)
def test_amounts_against_fractions(
    sign: str, whole: int, decimals: str | None, exponent: int | None
) -> None:
    """interface.md 1: rational arithmetic agrees on every amount that JSON can write."""
    text = sign + str(whole) + (f".{decimals}" if decimals else "")
    value = Fraction(int(f"{whole}{decimals or ''}"), 10 ** len(decimals or ""))
    if exponent is not None:
        text += f"e{exponent}"
        value *= Fraction(10) ** exponent
    value = -value if sign else value
    assert Fraction(Decimal(text)) == value
    in_cents = value * 100
    if 0 <= in_cents <= 9_999_999_999 and in_cents.denominator == 1:
        assert cents(text) == int(in_cents)
    else:
        assert isinstance(cents(text), str)


@pytest.mark.parametrize(
    "body",
    [
        SAMPLE.replace(b'"amount": 100.00', b'"amount": 1, "amount": 100.00'),
        SAMPLE.replace(b'"event"', b'"event": "x", "event"', 1),
        SAMPLE.replace(b'"name"', b'"city": "LYON", "name"'),
        SAMPLE.replace(b'"timestamp"', b'"more": 1, "more": 2, "timestamp"'),
        SAMPLE.replace(b'"signature"', b'"signature": "", "signature"'),
        SAMPLE.replace(b"BISTROT", b"BIS\\u0000TROT"),
        SAMPLE.replace(b"BISTROT", b"BIS\\ud800TROT"),
        SAMPLE.replace(b"BISTROT", b"BIS\xffTROT"),
        SAMPLE.replace(b"BISTROT", b"BIS\nTROT"),
        SAMPLE.replace(b'"signature"', b'"x": "\\u0000", "signature"'),
        b"\xef\xbb\xbf" + SAMPLE,
        SAMPLE + b"{}",
        SAMPLE[:-1],
    ],
)
def test_malformed_bodies(body: bytes) -> None:
    """Row 6: doubled keys anywhere, characters that cannot be kept, a mark, a tail, a cut."""
    assert refused(body) == ("WEBHOOK_PAYLOAD_MALFORMED", [])


_BLANK = st.text(" \t\r\n", max_size=3)
_KEY = st.text("abcxyz_", min_size=1, max_size=6).map(lambda key: f"x_{key}")
_EXTRA = st.dictionaries(
    _KEY, st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii",
    exclude_characters="\0"), max_size=5) | st.lists(st.integers(), max_size=3), max_size=3
)  # fmt: skip


@given(_EXTRA, _EXTRA, _EXTRA, _BLANK, _BLANK, st.booleans())
def test_more_than_is_known_is_ignored(
    top: dict[str, Any],
    inner: dict[str, Any],
    merchant: dict[str, Any],
    before: str,
    after: str,
    indented: bool,
) -> None:
    """X17: unknown keys and white space change nothing; `signature` in the body is one of them."""
    body = json.loads(SAMPLE)
    body |= top
    body["data"] |= inner
    body["data"]["merchant"] |= merchant
    text = json.dumps(body, indent=2 if indented else None)
    assert payloads.read(f"{before}{text}{after}".encode(), "seed") == EXPECTED


_VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(["EUR", "JPY", "DEBIT", "CREDIT", "2025-11-24", "5812", "transaction.created"]),
)
_KNOWN = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "event", "timestamp", "signature", "transaction_id", "connection_id", "account_id",
            "amount", "currency", "direction", "date", "original_transaction_id", "name",
            "mcc_code", "city", "country",
        ),
        _VALUE,
    ),
)  # fmt: skip


@given(_KNOWN, st.booleans())
def test_both_readers_agree(changes: dict[str, Any], ascii_only: bool) -> None:
    """The decoder's short way gives what the rules give, for right and for wrong bodies."""
    body = json.loads(SAMPLE)
    for key, value in changes.items():
        place = body if key in body else body["data"]
        place = body["data"]["merchant"] if key in body["data"]["merchant"] else place
        place[key] = value
    raw = json.dumps(body, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert _outcome(payloads, raw) == _outcome(payload_rules, raw)


@given(st.integers(0, len(SAMPLE)), st.integers(0, 40), st.binary(max_size=8))
def test_both_readers_agree_on_damage(start: int, length: int, put: bytes) -> None:
    """Row 6 and 7: any damage to the sample is judged alike, and nothing else is raised."""
    raw = SAMPLE[:start] + put + SAMPLE[start + length :]
    assert _outcome(payloads, raw) == _outcome(payload_rules, raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(body: bytes) -> None:
    """Row 6: any bytes give a refusal with a stable code (no random bytes are a transaction)."""
    assert refused(body)[0].startswith("WEBHOOK_")


def test_sample_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """design.md 10: the majority never reaches the slower rules."""
    monkeypatch.setattr(payload_rules, "read", None)
    assert payloads.read(SAMPLE, "seed") == EXPECTED
    assert _cents_of(_body("9.5")) == 950

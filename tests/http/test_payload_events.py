"""Bodies of the other events of S52: payments and connections (http/payload_rules.py)."""

import json
from hashlib import sha256
from typing import Any

import pytest

from comptoir.actors.connection.messages import ConnectionReported
from comptoir.http import payloads
from comptoir.http.payload_rules import Reported
from tests.http.test_payloads import PAYMENT, refused


@pytest.mark.parametrize(
    ("event", "word"),
    [
        ("connection.synced", "state"),
        ("connection.expired", "lapsed"),
        ("connection.error", "failing"),
    ],
)
def test_what_is_said_of_a_connection(event: str, word: str) -> None:
    """S52, X16: of a body that the source does not show the connection alone is read; its bytes are its name."""
    told: dict[str, Any] = {"event": event, "data": {"connection_id": "c1", "error": {"code": 7}}}
    body = json.dumps(told).encode()
    found = payloads.read(body, "seed")
    assert found == Reported("c1", ConnectionReported("seed", word, sha256(body).hexdigest()))
    del told["data"]["connection_id"]
    assert refused(json.dumps(told).encode()) == (
        "WEBHOOK_PAYLOAD_INVALID", [("/data/connection_id", "MISSING")],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"payment_id": ...}, "/data/payment_id", "MISSING"),
        ({"withdrawal_id": ""}, "/data/withdrawal_id", "TEXT_EMPTY"),
        ({"amount": -9.5}, "/data/amount", "AMOUNT_NEGATIVE"),
        ({"amount": 9.505}, "/data/amount", "AMOUNT_TOO_PRECISE"),
        ({"amount": "9.50"}, "/data/amount", "TYPE_WRONG"),
        ({"currency": "eur"}, "/data/currency", "VALUE_UNKNOWN"),
        ({"reason": "x" * 36}, "/data/reason", "TEXT_TOO_LONG"),
        ({"beneficiary_iban": 1}, "/data/beneficiary_iban", "TYPE_WRONG"),
    ],
)
def test_faults_of_a_payment(change: dict[str, Any], pointer: str, code: str) -> None:
    """Row 7 of interface.md 6, S56: each fault of a payment's report is named where it is."""
    told = json.loads(PAYMENT)
    data = {**told["data"], **change}
    told["data"] = {name: value for name, value in data.items() if value is not ...}
    assert refused(json.dumps(told).encode()) == (
        "WEBHOOK_PAYLOAD_INVALID", [(pointer, code)],
    )  # fmt: skip

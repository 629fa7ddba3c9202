"""What a right webhook body is: every rule of rows 6, 7 and 8, with every fault found at once.

Rules, and why where the table leaves room:
- A key given twice is malformed (row 6): RFC 8259 leaves the meaning open, so the sender who signed
  it and we could read two different amounts.
- The amount is judged by its value, read from its text as an exact decimal: 1E2 and 100.000 are a
  hundred, -0 is nought, 1e400 is a number over the limit, "100" is a text and refused.
- Keys that are not known are ignored, also `signature` and `timestamp` in the body (X17).
- A required field is what the ledger cannot do without; what else S56 shows may be missing or null,
  but has its type when it is there.
- A right event that is not served is refused as such whatever its `data` holds: only an event that
  is served has rules for it.
Source: spec.md S52, S56, X17; interface.md 6; RFC 6901 (pointers).
"""

from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from comptoir.actors.connection.messages import ConnectionReported, TransactionReported
from comptoir.actors.withdrawal.messages import REPORTS, PaymentReported
from comptoir.http.payload_fields import (
    CURRENCIES,
    ID_CHARACTERS_MAX,
    MALFORMED,
    NAME_CHARACTERS_MAX,
    PLACE_CHARACTERS_MAX,
    UNSUPPORTED,
    BadBody,
    Fields,
    stop_if_any,
)
from comptoir.http.problems import FieldError
from comptoir.http.strict_json import Malformed, parse

__all__ = ["DIRECTIONS", "SERVED", "BadBody", "Reported", "read"]

TRANSACTION = "transaction.created"
PAYMENTS = MappingProxyType({f"payment.{word}": word for word in sorted(REPORTS)})
"""S52's two, and those of X26: money that came back, an order whose time is over."""
CONNECTIONS = MappingProxyType(
    {
        "connection.synced": "state",
        "connection.expired": "lapsed",
        "connection.error": "failing",
    }
)
"""What the three say of a connection, in the words of `ConnectionReported`."""
SERVED = frozenset({TRANSACTION, *PAYMENTS, *CONNECTIONS})
"""Every event of S52."""
REASON_CHARACTERS_MAX = 35
DIRECTIONS = frozenset({"DEBIT", "CREDIT"})
EVENT_CHARACTERS_MAX = 64


class Reported(NamedTuple):
    """A right body: which connection or withdrawal it speaks of, and what it says."""

    about: str
    message: TransactionReported | ConnectionReported | PaymentReported


def read(body: bytes, provider: str) -> Reported:
    """Read a body.

    Args:
        body: bytes as received.
        provider: whose scheme it came by.

    Raises:
        BadBody: the first of rows 6, 7, 8 that applies; of row 7 every fault.
    """
    try:
        value = parse(body)
    except Malformed as error:
        raise BadBody(MALFORMED) from error
    found: list[FieldError] = []
    top = Fields(value, "", found)
    event = top.text("event", (1, EVENT_CHARACTERS_MAX))
    data = top.inside("data")
    stop_if_any(found)
    if event not in SERVED:
        raise BadBody(UNSUPPORTED)
    if event == TRANSACTION:
        reported = _transaction(event, data, provider)
    elif event in PAYMENTS:
        reported = _payment(PAYMENTS[event], data)
    else:
        # S52 shows no body of these: the connection is what they are about, and nothing else is read. They
        # have no id, so a repeat is known by its bytes (X16).
        reference = sha256(body).hexdigest()
        report = ConnectionReported(provider, CONNECTIONS[event], reference)
        reported = Reported(data.identifier("connection_id"), report)
    stop_if_any(found)
    return reported


def _transaction(event: str, data: "Fields", provider: str) -> Reported:
    """Check the fields of a transaction; what is wrong is noted by `data`."""
    merchant = data.inside("merchant")
    data.text("account_id", (0, ID_CHARACTERS_MAX), required=False)
    message = TransactionReported(
        provider=provider,
        event=event,
        transaction_id=data.identifier("transaction_id"),
        amount_cents=data.amount("amount"),
        currency=data.choice("currency", CURRENCIES, "an ISO 4217 code"),
        direction=data.choice("direction", DIRECTIONS, "DEBIT or CREDIT"),
        date=data.day("date"),
        merchant_name=merchant.text("name", (0, NAME_CHARACTERS_MAX)),
        mcc=merchant.category("mcc_code"),
        city=merchant.text("city", (0, PLACE_CHARACTERS_MAX), required=False),
        country=merchant.text("country", (0, PLACE_CHARACTERS_MAX), required=False),
        original_transaction_id=data.identifier("original_transaction_id", required=False),
    )
    return Reported(data.identifier("connection_id"), message)


def _payment(event: str, data: "Fields") -> Reported:
    """Check the fields of a payment's report (S56); the masked account is its own person's, and not looked at."""
    data.text("status", (0, ID_CHARACTERS_MAX), required=False)
    data.text("reference", (0, ID_CHARACTERS_MAX), required=False)
    data.text("beneficiary_iban", (0, ID_CHARACTERS_MAX), required=False)
    message = PaymentReported(
        event,
        data.identifier("payment_id"),
        data.amount("amount"),
        data.choice("currency", CURRENCIES, "an ISO 4217 code"),
        data.text("reason", (0, REASON_CHARACTERS_MAX), required=False),
    )
    return Reported(data.identifier("withdrawal_id"), message)

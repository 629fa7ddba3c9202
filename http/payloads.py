"""A seed webhook's body, from bytes to a typed message or to all that is wrong with it.

The rule: `comptoir.http.payload_rules` is the authority on what a right body is. The decoder here
only takes the plain majority in one pass of C: exactly the known keys, each once, no escapes. What
it does not take goes to the authority; what it takes, the authority would have taken with the same
result (tests/http/test_payloads.py holds both together).
Source: spec.md S52, S56, X17; interface.md 1 (exact amounts) and 6 (rows 6 to 8).
"""

import re
from datetime import date
from typing import Annotated

import msgspec

from comptoir.actors.connection.messages import TransactionReported
from comptoir.http import payload_rules
from comptoir.http.payload_fields import (
    CURRENCIES,
    ID_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    PLACE_CHARACTERS_MAX,
    BadBody,
)
from comptoir.http.payload_rules import DIRECTIONS, TRANSACTION, Reported

__all__ = ["BadBody", "Reported", "read"]

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_CHARACTERS_MAX)]
_Account = Annotated[str, msgspec.Meta(max_length=ID_CHARACTERS_MAX)]
_Place = Annotated[str, msgspec.Meta(max_length=PLACE_CHARACTERS_MAX)]
_Name = Annotated[str, msgspec.Meta(max_length=NAME_CHARACTERS_MAX)]


class _Merchant(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: _Name
    mcc_code: str | None = None
    city: _Place | None = None
    country: _Place | None = None


class _Data(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    transaction_id: _Id
    connection_id: _Id
    amount: msgspec.Raw
    currency: str
    direction: str
    date: date
    merchant: _Merchant
    account_id: _Account | None = None
    original_transaction_id: _Id | None = None


class _Body(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    event: str
    data: _Data
    timestamp: str | None = None
    signature: str | None = None


_DECODE = msgspec.json.Decoder(_Body).decode
_PLAIN_AMOUNT = re.compile(rb"(0|[1-9][0-9]{0,7})(?:\.([0-9]{1,2}))?").fullmatch
_PLAIN_MCC = re.compile(r"[0-9]{4}").fullmatch
_QUOTES_LEAST = 4 * 7 + 2 * 3
"""Quotation marks of the seven required texts and their keys (event, the two ids, currency,
direction, date, merchant.name), and of the three keys of other values (data, amount, merchant)."""


def read(body: bytes, provider: str) -> Reported:
    """Read a body as received.

    Args:
        body: bytes, already within the limit and with a valid signature.
        provider: whose scheme it came by.

    Raises:
        BadBody: with the code of row 6, 7 or 8 and, for row 7, every fault with its pointer.
    """
    plain = _plain(body, provider)
    return plain if plain is not None else payload_rules.read(body, provider)


def _plain(body: bytes, provider: str) -> Reported | None:
    """Take a body of the plain majority; None sends it to the authority, right or wrong."""
    if b"\\" in body:  # an escape may hide a character that cannot be kept
        return None
    try:
        given = _DECODE(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    data = given.data
    merchant = data.merchant
    amount = _PLAIN_AMOUNT(data.amount)
    mcc = merchant.mcc_code
    if (
        amount is None
        or given.event != TRANSACTION
        or data.currency not in CURRENCIES
        or data.direction not in DIRECTIONS
        or (mcc is not None and _PLAIN_MCC(mcc) is None)
        or not (data.transaction_id.isprintable() and data.connection_id.isprintable())
    ):
        return None
    optional = (
        given.timestamp, given.signature, data.account_id, data.original_transaction_id,
        mcc, merchant.city, merchant.country,
    )  # fmt: skip
    # Without escapes every quotation mark belongs to a key or a text seen here, unless a key was
    # given twice (then the decoder kept the last and these are too many), or as null.
    if body.count(b'"') != _QUOTES_LEAST + 4 * (7 - optional.count(None)):
        return None
    original = data.original_transaction_id
    if original is not None and not original.isprintable():
        return None
    units, cents = amount[1], amount[2] or b"0"
    message = TransactionReported(
        provider=provider,
        event=given.event,
        transaction_id=data.transaction_id,
        amount_cents=int(units) * 100 + (int(cents) * 10 if len(cents) == 1 else int(cents)),
        currency=data.currency,
        direction=data.direction,
        date=data.date.isoformat(),
        merchant_name=merchant.name,
        mcc=mcc or "",
        city=merchant.city or "",
        country=merchant.country or "",
        original_transaction_id=original or "",
    )
    return Reported(data.connection_id, message)

"""A page of a batch's rows, and what each withdrawal in it is told."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec

from comptoir.actors.payout_batch.state import CLOSED, Errand
from comptoir.actors.payout_report.messages import STATEMENTS, statement_key
from comptoir.actors.sepa.words import INITIATED
from comptoir.actors.withdrawal.messages import (
    KIND,
    BatchClosed,
    PaymentInitiated,
    PaymentReported,
)
from comptoir.engine import Address, Message, Outgoing, Put
from comptoir.engine.machine import Context

__all__ = ["PAGE_ROWS", "Page", "told"]

PAGE_ROWS: Final = 200
"""One decision, some milliseconds: beside others' work."""


class Page(NamedTuple):
    """What comes of it."""

    errand: Errand
    messages: tuple[Outgoing, ...]
    documents: tuple[Put, ...]
    last: str
    """Key of its last row; empty: there are no more."""


def told(errand: Errand, context: Context) -> Page:
    """Tell the rows that the lookup has found."""
    found = cast("Sequence[tuple[str, Mapping[str, Any]]]", context.facts)
    rows = [(key.partition(":")[2], fields) for key, fields in found if fields["in"]]
    messages = [
        Outgoing(Address(KIND, str(fields["withdrawal"])), _message(errand, fields))
        for _, fields in rows
    ]
    counted = msgspec.structs.replace(
        errand,
        transfers=errand.transfers + len(rows),
        cents=errand.cents + sum(int(fields["cents"]) for _, fields in rows),
    )
    documents = [_entry(errand, *one) for one in rows] if errand.booking.booked_on else []
    last = found[-1][0] if len(found) == PAGE_ROWS else ""
    return Page(counted, tuple(messages), tuple(documents), last)


def _message(errand: Errand, fields: Mapping[str, Any]) -> Message:
    if errand.word == CLOSED:
        return BatchClosed()
    if errand.word == INITIATED:
        return PaymentInitiated("")
    return PaymentReported(
        errand.word, "", int(fields["cents"]), str(fields["currency"]), errand.reason
    )


def _entry(errand: Errand, reference: str, fields: Mapping[str, Any]) -> Put:
    """One transfer of a booking of all."""
    booking = errand.booking
    entry = {
        "reference": reference,
        "amountCents": fields["cents"],
        "currency": fields["currency"],
        "bookedOn": booking.booked_on,
        "direction": booking.direction,
        "statementId": booking.statement_id,
    }
    key = statement_key(booking.booked_on, booking.statement_id, reference, booking.direction)
    return Put(STATEMENTS, key, entry)

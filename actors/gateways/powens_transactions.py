"""Powens's transactions, read: pages that are followed by links, and what is to be taken of them.

Rules, and why:
- what was updated since the reading before is read, with an overlap: times are those of Paris, of which an
  hour comes twice a year, and "after" leaves out what was updated in the very second. What is read twice is
  taken once (X16);
- pages are in an order of Powens's own, so the time to go on from counts only when the last page was read; a
  reading that is longer than its bound goes on at the very page;
- each word of a purchase is reported as in a webhook, under the same key: it is taken once, whoever has it first
  (powens_meaning.py);
- an amount that is no whole number of cents, or too large, or in a currency that is not known, is reported in
  XXX ("no currency"): it is taken and earns nothing, where a refusal would keep back everything after it.

Source: docs.powens.com/api-reference/products/data-aggregation/bank-transactions; protocols.md 5.1; spec.md
S52, S58, S63, X16, E6, E8; ISO 4217.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from comptoir.actors.connection.messages import TransactionReported
from comptoir.actors.gateways.amounts import NO_CURRENCY, cents_of
from comptoir.actors.gateways.powens_meaning import (
    CREATED,
    DELETED,
    PROVIDER,
    REMOVED_SUFFIX,
    is_a_cards,
    revision_of,
)

__all__ = ["Cursor", "Page", "cursor_of", "following", "reports_of", "updated_after"]

LABEL_CHARACTERS_MAX: Final = 512
OVERLAP: Final = timedelta(hours=2)
"""More than the hour that comes twice."""
_Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
_Moment = Annotated[str, Meta(max_length=40)]


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """From where the next reading goes on; as text it is the connection's cursor."""

    day: str = ""
    """The first day that is read, for ever."""
    since: str = ""
    """The latest update that was seen; empty: all of the days are read."""
    high: str = ""
    """Of a reading that is not at its end: the latest update that it has seen."""
    link: str = ""
    """Of such a one: the page to go on at."""


class Transaction(msgspec.Struct, frozen=True):
    """What is read of a transaction."""

    id: Annotated[int, Meta(ge=0)]
    id_account: int
    type: str
    date: _Day
    original_wording: str = ""
    simplified_wording: str = ""
    wording: str | None = None
    rdate: _Day | None = None
    value: Decimal | None = None
    """Signed, in major units of the account's currency, read from its text: never a float."""
    coming: bool = False
    active: bool = True
    deleted: _Moment | None = None
    last_update: _Moment | None = None

    def __post_init__(self) -> None:
        """A value is a number: a text may be none, and the decoder takes texts too."""
        if self.value is not None and not self.value.is_finite():
            raise ValueError("value is not a number")

    @property
    def is_purchase(self) -> bool:
        """Whether money went; else it came."""
        return self.value is not None and self.value < 0

    @property
    def label(self) -> str:
        """The wording, as near to the bank's own as there is."""
        found = self.original_wording or self.simplified_wording or self.wording or ""
        return found[:LABEL_CHARACTERS_MAX]


class _Link(msgspec.Struct, frozen=True):
    href: str


class _Links(msgspec.Struct, frozen=True):
    next: _Link | None = None


class Page(msgspec.Struct, frozen=True):
    """One page of `/users/me/transactions`."""

    transactions: list[Transaction]
    links: _Links | None = msgspec.field(default=None, name="_links")

    @property
    def next(self) -> str:
        """Where the page after it is; empty: it is the last one."""
        links = self.links
        return links.next.href if links is not None and links.next is not None else ""


_CURSOR: Final = msgspec.json.Decoder(Cursor)


def cursor_of(text: str, first_day: str) -> Cursor:
    """A cursor from its text; an empty one begins at that day.

    Raises:
        AssertionError: it is none of ours.
    """
    if not text:
        return Cursor(day=first_day)
    try:
        return _CURSOR.decode(text)
    except msgspec.DecodeError as error:
        raise AssertionError("a cursor that was not made here") from error


def following(cursor: Cursor, pages: Iterable[Page], link: str) -> str:
    """The text of the cursor after these pages.

    Args:
        cursor: before them.
        pages: in their order.
        link: to the page after them; empty: they were the last.
    """
    updates = [one.last_update for page in pages for one in page.transactions if one.last_update]
    high = max([cursor.high, *updates])
    if link:
        after = msgspec.structs.replace(cursor, high=high, link=link)
    else:
        after = Cursor(day=cursor.day, since=max(cursor.since, high))
    return msgspec.json.encode(after).decode()


def updated_after(cursor: Cursor) -> str:
    """What is to be read: all that was updated after it, with the overlap; empty: everything."""
    try:
        return str(datetime.fromisoformat(cursor.since).replace(tzinfo=None) - OVERLAP)
    except (ValueError, OverflowError):
        return ""


def reports_of(
    pages: Iterable[Page], currencies: Mapping[int, str]
) -> Iterator[TransactionReported]:
    """What is to be taken of these pages: the oldest day first, purchases before what takes them back.

    Args:
        pages: of one reading.
        currencies: by the ids of the accounts that count; others are nobody's business here.
    """
    found = [
        one
        for page in pages
        for one in page.transactions
        if one.id_account in currencies
        and not one.coming
        and one.value
        and is_a_cards(one.type, one.value)
    ]
    found.sort(key=lambda each: (each.rdate or each.date, not each.is_purchase, each.id))
    for one in found:
        yield _report(one, currencies[one.id_account])


def _report(one: Transaction, currency: str) -> TransactionReported:
    cents = cents_of(one.value or Decimal(0))
    if cents is None:
        cents, currency = 0, NO_CURRENCY
    removed, purchase = bool(one.deleted) or not one.active, one.is_purchase
    return TransactionReported(
        provider=PROVIDER,
        event=DELETED if removed else CREATED,
        transaction_id=f"{one.id}{REMOVED_SUFFIX}" if removed and not purchase else str(one.id),
        amount_cents=cents,
        currency=currency,
        direction="DEBIT" if purchase or removed else "CREDIT",
        date=one.rdate or one.date,
        merchant_name=one.label,
        revision=revision_of(one.last_update or "") if purchase else None,
        removed=removed and purchase,
    )

"""Tink's transactions, read: a window of booked days, again and again, and what in it is new.

Rules, and why:
- Tink says neither what was modified since when nor in which order: a reading asks for the days since the last
  one, and for as many before as a bank may still change (`OVERLAP_DAYS`). Of what it told there the cursor
  remembers a keyed digest of each id with one of the contents: what is there unchanged is told nothing of,
  what has changed is told anew, in the order in which the one connection reads (revision 0, ADR 0033). What is
  not there any more means nothing: deletions are told by webhooks;
- only what is booked is read: of a pending one the amount may change and the id with it, so it earns when it is
  booked;
- below nought money has left the account: a purchase; above, it came back. Transfers and cash are not looked at.
  A refund is told once;
- the label is the bank's own text, as partners are matched by; the category is the bank's, where it has four
  digits. The day is that of the purchase, else of the booking;
- an amount is `unscaledValue` times ten to the minus `scale`, exactly, and of a scale below nought too. One that
  is no whole number of cents, or too large, or of no currency, is reported in XXX ("no currency"): it is taken
  and earns nothing, where a refusal would keep back everything after it.

Source: docs.tink.com/api (data-v2: list transactions), docs.tink.com/resources/transactions (list-transactions,
webhooks-for-transactions); ISO 4217, ISO 18245; spec.md S52, S56, S58, S60, X16, X23, E6, E8.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from comptoir.actors.connection.messages import TransactionCorrected, TransactionReported
from comptoir.actors.gateways.amounts import NO_CURRENCY, cents_of
from comptoir.actors.gateways.tink_meaning import CREATED, PROVIDER

__all__ = [
    "OVERLAP_DAYS",
    "Change",
    "Cursor",
    "Page",
    "begun",
    "changes_of",
    "cursor_of",
    "ended",
    "text_of",
]

LABEL_CHARACTERS_MAX: Final = 512
OVERLAP_DAYS: Final = 30
"""Of the days before the last reading that are read again: a month in which a bank may still change a booking."""
NOT_A_CARDS: Final = frozenset({"TRANSFER", "WITHDRAWAL"})
"""Types of Tink's; it deprecates them, so that most are DEFAULT and all others count."""
ID_CHARACTERS, CONTENT_CHARACTERS = 12, 8
"""Hexadecimal, of the digests: one id is taken for another once in 2**48, a change is missed once in 2**32."""
MARK_CHARACTERS: Final = ID_CHARACTERS + CONTENT_CHARACTERS
_MCC: Final = re.compile(r"[0-9]{4}").fullmatch
_CURRENCY: Final = re.compile(r"[A-Z]{3}").fullmatch
_Id = Annotated[str, Meta(min_length=1, max_length=128)]
_Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
_Whole = (
    Annotated[str, Meta(pattern=r"^-?[0-9]{1,24}\Z")]
    | Annotated[int, Meta(ge=-(10**18), le=10**18)]
)
_Scale = Annotated[str, Meta(pattern=r"^-?[0-9]{1,3}\Z")] | Annotated[int, Meta(ge=-999, le=999)]

Change = TransactionReported | TransactionCorrected
Digest = Callable[[str], str]
"""A keyed digest of a text, in hexadecimal digits."""


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """From where the next reading goes on; as text it is the connection's cursor."""

    first: str = ""
    """The first day that is read at all."""
    read: str = ""
    """The day of the last reading that came to its end."""
    day: str = ""
    """Of a reading that has not: the first day of its window."""
    page: str = ""
    """Of such a one: the page to go on at."""
    told: dict[str, str] = {}
    """By booked day: marks (digests of id and contents) of what was told, one after the other."""


class _Number(msgspec.Struct, frozen=True, rename="camel"):
    """ExactNumber; its fields are texts, and numbers in other objects of Tink's."""

    unscaled_value: _Whole
    scale: _Scale

    @property
    def exact(self) -> Decimal:
        """Its value: digits and exponent as they stand, so that nothing is rounded."""
        whole = int(self.unscaled_value)
        digits = tuple(map(int, str(abs(whole))))
        return Decimal((int(whole < 0), digits, -int(self.scale)))


class _Amount(msgspec.Struct, frozen=True, rename="camel"):
    value: _Number | None = None
    currency_code: Annotated[str, Meta(max_length=16)] = ""


class _Dates(msgspec.Struct, frozen=True):
    booked: _Day | None = None
    transaction: _Day | None = None
    value: _Day | None = None


class _Descriptions(msgspec.Struct, frozen=True):
    original: str = ""
    display: str = ""


class _Merchant(msgspec.Struct, frozen=True, rename="camel"):
    merchant_category_code: Annotated[str, Meta(max_length=64)] = ""


class _Types(msgspec.Struct, frozen=True):
    type: str = ""


class Transaction(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a transaction."""

    id: _Id
    account_id: str
    amount: _Amount
    status: str
    dates: _Dates | None = None
    descriptions: _Descriptions | None = None
    merchant_information: _Merchant | None = None
    types: _Types | None = None

    @property
    def value(self) -> Decimal:
        """Signed; 0 where none is told."""
        return self.amount.value.exact if self.amount.value is not None else Decimal(0)

    @property
    def day(self) -> str:
        """When it was bought; empty: no day is told."""
        dates = self.dates or _Dates()
        return dates.transaction or dates.booked or dates.value or ""

    @property
    def booked(self) -> str:
        """The day by which it is found; empty: none is told."""
        return (self.dates or _Dates()).booked or ""

    @property
    def label(self) -> str:
        """The description, as near to the bank's own as there is."""
        found = self.descriptions or _Descriptions()
        return (found.original or found.display)[:LABEL_CHARACTERS_MAX]

    @property
    def category(self) -> str:
        """Of the merchant (ISO 18245); empty: none is told."""
        merchant = self.merchant_information
        code = merchant.merchant_category_code if merchant is not None else ""
        return code if _MCC(code) else ""


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """One page of `/data/v2/transactions`."""

    transactions: list[Transaction] = []
    next_page_token: Annotated[str, Meta(max_length=4096)] = ""
    """Empty: it is the last one."""


_CURSOR: Final = msgspec.json.Decoder(Cursor)


def cursor_of(text: str) -> Cursor:
    """A cursor from its text; an empty one has read nothing.

    Raises:
        AssertionError: it is none of ours.
    """
    if not text:
        return Cursor()
    try:
        return _CURSOR.decode(text)
    except msgspec.DecodeError as error:
        raise AssertionError("a cursor that was not made here") from error


def text_of(cursor: Cursor) -> str:
    """As the connection keeps it."""
    return msgspec.json.encode(cursor).decode()


def begun(cursor: Cursor, first_day: str) -> Cursor:
    """The cursor of a reading: with its window, unless it goes on with the one that it has.

    Args:
        cursor: where the last one ended.
        first_day: of all, if nothing was read yet.
    """
    if cursor.day:
        return cursor
    first = cursor.first or first_day
    day = first
    if cursor.read:
        overlap = date.fromisoformat(cursor.read) - timedelta(days=OVERLAP_DAYS)
        day = max(first, overlap.isoformat())
    told = {on: marks for on, marks in cursor.told.items() if on >= day}
    return msgspec.structs.replace(cursor, first=first, day=day, told=told)


def ended(cursor: Cursor, today: str) -> Cursor:
    """The cursor after a window was read to its end."""
    return msgspec.structs.replace(cursor, read=today, day="", page="")


def changes_of(
    page: Page, cursor: Cursor, account: str, digest: Digest
) -> tuple[list[Change], Cursor]:
    """What is to be taken of a page, and the cursor that remembers it.

    Args:
        page: of the cursor's window.
        cursor: with what was told of it before.
        account: of which alone something is taken; empty: of any.
        digest: keyed.

    Returns:
        What is told: the oldest day first, purchases before what takes them back.
    """
    told = _by_id(cursor)
    changes: list[Change] = []
    found = [one for one in page.transactions if _counts(one, account)]
    found.sort(key=lambda one: (one.day, one.value > 0, one.id))
    for one in found:
        identity = digest(one.id)[:ID_CHARACTERS]
        now = (one.booked, _contents(one, digest))
        before = told.get(identity)
        told[identity] = now
        if before is None:
            changes.append(_report(one, cursor))
        elif before != now:
            changes.append(TransactionCorrected(_report(one, cursor), one.id))
    after = msgspec.structs.replace(cursor, told=_by_day(told), page=page.next_page_token)
    return changes, after


def _by_id(cursor: Cursor) -> dict[str, tuple[str, str]]:
    """Booked day and digest of the contents, by the digest of the id."""
    return {
        marks[at : at + ID_CHARACTERS]: (day, marks[at + ID_CHARACTERS : at + MARK_CHARACTERS])
        for day, marks in cursor.told.items()
        for at in range(0, len(marks), MARK_CHARACTERS)
    }


def _by_day(told: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    days: dict[str, str] = {}
    for identity, (day, contents) in told.items():
        days[day] = days.get(day, "") + identity + contents
    return days


def _counts(one: Transaction, account: str) -> bool:
    """Whether it is booked, and a card may have made it."""
    kind = one.types.type if one.types is not None else ""
    ours = not account or one.account_id == account
    return ours and one.status == "BOOKED" and one.value != 0 and kind not in NOT_A_CARDS


def _contents(one: Transaction, digest: Digest) -> str:
    told = (one.id, str(one.value), one.amount.currency_code, one.day, one.label, one.category)
    return digest("\n".join(told))[:CONTENT_CHARACTERS]


def _report(one: Transaction, cursor: Cursor) -> TransactionReported:
    cents, currency = cents_of(one.value), one.amount.currency_code
    if cents is None or _CURRENCY(currency) is None:
        cents, currency = cents or 0, NO_CURRENCY
    return TransactionReported(
        provider=PROVIDER,
        event=CREATED,
        transaction_id=one.id,
        amount_cents=cents,
        currency=currency,
        direction="DEBIT" if one.value < 0 else "CREDIT",
        # One without a day was found in this window: it is not older.
        date=one.day or cursor.day,
        merchant_name=one.label,
        mcc=one.category,
        revision=0,
    )

"""What Plaid's transactions mean here: one whole update of `/transactions/sync` as what is to be taken.

Rules, and why:
- Plaid's amount is above nought when money leaves the account: that is a purchase; below, it came back;
- what a card did not do is not looked at: transfers, fees, wages, loans, cash (by the category or, in Europe,
  by the bank's own code);
- a purchase earns when it is pending. When it is booked it has another id, and names the pending one: it is
  told anew under that, not again, and that the pending one is removed means nothing (E8). A refund counts
  when it is booked, since what is only announced takes nothing back;
- what is modified is told anew; what is removed never happened;
- the label is the bank's own text, as partners are matched by, not the name that Plaid has made of it;
- the day is that of the authorisation where there is one: that is when it was bought;
- an amount that is no whole number of cents, or of no currency of ISO 4217, is reported in XXX ("no
  currency"): it is taken and earns nothing, where a refusal would keep back everything after it.

Source: plaid.com/docs/api/products/transactions (/transactions/sync), plaid.com/docs/transactions/
transactions-data (pending and posted); ISO 4217; spec.md S52, S56, S58, X16, E8.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from comptoir.actors.connection.messages import (
    TransactionCorrected,
    TransactionRemoved,
    TransactionReported,
)
from comptoir.actors.gateways.amounts import CENTS_MAX, NO_CURRENCY
from comptoir.actors.gateways.plaid_api import PROVIDER

__all__ = ["CREATED", "Change", "Page", "Stretch", "changes_of", "reports_of"]

CREATED: Final = "transaction.created"
LABEL_CHARACTERS_MAX: Final = 512
NOT_A_CARDS: Final = frozenset({
    "BANK_FEES", "INCOME", "LOAN_DISBURSEMENTS", "LOAN_PAYMENTS", "TRANSFER_IN", "TRANSFER_OUT",
})  # fmt: skip
"""Primary personal finance categories."""
BY_CARD: Final = frozenset({"", "adjustment", "purchase"})
"""Of `transaction_code`, which European banks give."""
_Id = Annotated[str, Meta(min_length=1, max_length=128)]
_Day = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]

Change = TransactionReported | TransactionCorrected | TransactionRemoved


class _Location(msgspec.Struct, frozen=True):
    city: Annotated[str, Meta(max_length=128)] | None = None
    country: Annotated[str, Meta(max_length=128)] | None = None


class _Category(msgspec.Struct, frozen=True):
    primary: str


class _Transaction(msgspec.Struct, frozen=True):
    """What is read of a transaction."""

    account_id: str
    transaction_id: _Id
    amount: Decimal
    """In major units, read from its text: never a float."""
    date: _Day
    name: str
    pending: bool
    iso_currency_code: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")] | None = None
    authorized_date: _Day | None = None
    original_description: str | None = None
    pending_transaction_id: _Id | None = None
    transaction_code: str | None = None
    personal_finance_category: _Category | None = None
    location: _Location | None = None

    def __post_init__(self) -> None:
        """An amount is a number: a text may be none, and the decoder takes texts too."""
        if not self.amount.is_finite():
            raise ValueError("amount is not a number")


class _Removed(msgspec.Struct, frozen=True):
    transaction_id: _Id


class Page(msgspec.Struct, frozen=True):
    """One page of `/transactions/sync`."""

    added: list[_Transaction]
    modified: list[_Transaction]
    removed: list[_Removed]
    next_cursor: Annotated[str, Meta(max_length=512)]
    has_more: bool


class Stretch(msgspec.Struct, frozen=True):
    """One page of `/transactions/get`: what was bought in some days, the latest first."""

    transactions: list[_Transaction]
    total_transactions: Annotated[int, Meta(ge=0)]


def reports_of(page: Stretch, account: str) -> list[TransactionReported]:
    """What a card has bought in these days, as it stands now."""
    return [_report(one) for one in _of_card(page.transactions, account)]


def changes_of(pages: Sequence[Page], account: str) -> Iterator[Change]:
    """What is to be taken of a whole update, in its order.

    Args:
        pages: all of it: a twin and its removal may be on two of them.
        account: of which alone something is taken; empty: of any.
    """
    added = list(_of_card((one for page in pages for one in page.added), account))
    modified = list(_of_card((one for page in pages for one in page.modified), account))
    for one in added:
        report = _report(one)
        if one.pending_transaction_id and one.amount > 0:
            yield TransactionCorrected(report, one.pending_transaction_id)
        else:
            yield report
    for one in modified:
        yield TransactionCorrected(_report(one), one.pending_transaction_id or one.transaction_id)
    twins = {one.pending_transaction_id for one in (*added, *modified)}
    for page in pages:
        for gone in page.removed:
            if gone.transaction_id not in twins:
                yield TransactionRemoved(PROVIDER, gone.transaction_id)


def _of_card(transactions: Iterable[_Transaction], account: str) -> Iterator[_Transaction]:
    """Those that a card has made, and that count already."""
    for one in transactions:
        category = one.personal_finance_category
        counts = (
            (not account or one.account_id == account)
            and (one.transaction_code or "") in BY_CARD
            and (category is None or category.primary not in NOT_A_CARDS)
        )
        if counts and (one.amount > 0 or (one.amount < 0 and not one.pending)):
            yield one


def _report(one: _Transaction) -> TransactionReported:
    cents, currency = abs(one.amount) * 100, one.iso_currency_code or NO_CURRENCY
    if cents > CENTS_MAX or cents != cents.to_integral_value():
        cents, currency = min(cents, Decimal(CENTS_MAX)), NO_CURRENCY
    place = one.location or _Location()
    label = one.original_description or one.name
    return TransactionReported(
        PROVIDER, CREATED, one.transaction_id, int(cents), currency,
        "DEBIT" if one.amount > 0 else "CREDIT", one.authorized_date or one.date,
        label[:LABEL_CHARACTERS_MAX], city=place.city or "", country=place.country or "",
        revision=0, pending=one.pending,
    )  # fmt: skip

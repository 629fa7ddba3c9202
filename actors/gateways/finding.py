"""Which of a provider's purchases is the one that a person states on a claim; of all others nothing is kept (X23).

Rules:
- the amount is the same, to the cent, and money went. What is not booked yet is left out: it may come under another
  id, or not at all;
- a statement shows the day of the purchase or of its booking, whichever its bank likes, and so does what a provider
  tells: they lie a few days apart at most;
- a word of the label is the same that names the merchant: not what banks print before it, no number, no town. Where
  a label has no such word, any word of it counts;
- the more words the better, then the nearer by its day, then the later: so it is the same one whoever asks.

Source: spec.md S60, X23, E9; docs/adr/0038.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from comptoir.actors.connection.messages import Condition, TransactionReported
from comptoir.actors.gateways.messages import Stated
from comptoir.actors.merchants.messages import naming_words, words_of

__all__ = ["BOOKING_DAYS", "Days", "Told", "days_about", "the_stated"]

BOOKING_DAYS: Final = 5
"""Between a card's purchase and its booking at most: three working days and a long weekend."""
DEBIT: Final = "DEBIT"


class Days(NamedTuple):
    """The booked days among which it is, YYYY-MM-DD, both included."""

    first: str
    last: str


class Told(NamedTuple):
    """What a provider tells of these days."""

    reports: Sequence[TransactionReported]
    condition: Condition | None = None
    """Why the provider may not have all of them; None: it has, as far as it says."""


def days_about(stated: Stated) -> Days:
    """The days that a provider is asked for: a purchase that is stated by its own day is booked after it, and one
    that is stated by its booking was made before.
    """
    day = date.fromisoformat(stated.date)
    return Days(_moved(day, -BOOKING_DAYS), _moved(day, 2 * BOOKING_DAYS))


def _moved(day: date, days: int) -> str:
    """A day so many days away; the first or the last of all where there is none."""
    try:
        return (day + timedelta(days=days)).isoformat()
    except OverflowError:
        return (date.min if days < 0 else date.max).isoformat()


def the_stated(
    reports: Iterable[TransactionReported], stated: Stated
) -> TransactionReported | None:
    """The one that is meant; None: none of them can be."""
    day, said = date.fromisoformat(stated.date).toordinal(), _named(stated.label)
    best: TransactionReported | None = None
    rank: tuple[int, int, str, str] | None = None
    for one in reports:
        if one.amount_cents != stated.amount_cents or not _counts(one):
            continue
        apart = abs(date.fromisoformat(one.date).toordinal() - day)
        shared = len(said & _named(one.merchant_name))
        if apart > BOOKING_DAYS or not shared:
            continue
        found = (shared, -apart, one.date, one.transaction_id)
        if rank is None or found > rank:
            best, rank = one, found
    return best


def _counts(one: TransactionReported) -> bool:
    return one.direction == DEBIT and not one.removed and not one.pending


def _named(label: str) -> set[str]:
    return set(naming_words(label)) or set(words_of(label))

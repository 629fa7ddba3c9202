"""One day of orders beside what is said of them: a pure function, whoever says it.

Rules:
- an order is looked for by its reference, in all that is said of its day and the days around it, since the two
  sides' days do not begin together; a payment that no order of ours is behind belongs to its own day;
- the first that applies is told: there is none; there are several; another amount or currency; another state;
- whether an order must be there is the source's to say: a bank tells what it has paid, a provider what it has taken.

Source: spec.md S46, S50, S56, X26; docs/withdrawals.md.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from comptoir.actors.reconciliation.messages import Difference, Total

__all__ = ["ROWS_MAX", "Compared", "Said", "compared"]

ROWS_MAX: Final = 100
"""Kept of a report: more than a person goes through; the number is of all."""
Order = Mapping[str, Any]
"""A document of PAYOUTS."""


class Said(msgspec.Struct, frozen=True):
    """A payment, as the other side tells it."""

    reference: str
    cents: int
    currency: str
    status: str
    """`processing`, `completed`, `failed` or `returned`."""
    day: str


class Compared(msgspec.Struct, frozen=True):
    """What it comes to."""

    ours: tuple[Total, ...]
    theirs: tuple[Total, ...]
    differences: tuple[Difference, ...]


def compared(
    ours: Mapping[str, Order],
    said: Mapping[str, Sequence[Said]],
    strays: Iterable[str],
    expects: Callable[[Order], bool],
) -> Compared:
    """Compare.

    Args:
        ours: the day's orders by reference.
        said: what is said, by reference.
        strays: references of the day behind which there is no order at all.
        expects: whether an order must be there.
    """
    found: list[Difference] = []
    seen: list[Said] = []
    for reference, order in ours.items():
        told = said.get(reference, ())
        seen.extend(told)
        difference = _judged(reference, order, told, expects)
        if difference is not None:
            found.append(difference)
    for reference in strays:
        told = said[reference]
        seen.extend(told)
        cents = sum(one.cents for one in told)
        found.append(
            Difference(reference, "missing_here", theirs=told[0].status, their_cents=cents)
        )
    mine = _totals((str(one["currency"]), int(one["amount_cents"])) for one in ours.values())
    theirs = _totals((one.currency, one.cents) for one in seen)
    return Compared(mine, theirs, tuple(sorted(found, key=lambda one: one.reference)))


def _judged(
    reference: str, order: Order, told: Sequence[Said], expects: Callable[[Order], bool]
) -> Difference | None:
    ours, cents, currency = str(order["status"]), int(order["amount_cents"]), order["currency"]
    if not told:
        missing = Difference(reference, "missing_there", ours, our_cents=cents)
        return missing if expects(order) else None
    theirs, their_cents = told[0].status, sum(one.cents for one in told)
    if len(told) > 1:
        kind = "doubled"
    elif (told[0].cents, told[0].currency) != (cents, currency):
        kind = "amount"
    elif ours != theirs:
        kind = "state"
    else:
        return None
    return Difference(reference, kind, ours, theirs, cents, their_cents)


def _totals(amounts: Iterable[tuple[str, int]]) -> tuple[Total, ...]:
    """Their number and sum by currency."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for currency, cents in amounts:
        counts[currency][0] += 1
        counts[currency][1] += cents
    return tuple(Total(currency, *counts[currency]) for currency in sorted(counts))

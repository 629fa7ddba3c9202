"""What Powens's words mean here, wherever they are read: in a webhook, or in an answer.

Rules, and why:
- a purchase is a booked, active transaction by card below nought; one above it takes points back, as a
  `payback` or `refund` above it does. A `refund` below nought is money that an account's owner has paid back
  to somebody: no purchase. Transfers, fees and the rest earn nothing and are not looked at;
- `summary_card` sums up purchases that `deferred_card` has named one by one: it is passed over, else
  each would earn twice;
- `coming` is not booked yet: its amount and even its id may change, so it earns when it is booked;
- a purchase is told as often as it changes: `last_update` numbers its words. One that is `deleted` (or not
  `active`) never happened, until a later word says otherwise. A refund is told once, and its deletion once, as
  a purchase that gives back what it took;
- the state of a connection is known by `state` alone (`error` is its older name), and one that Powens adds
  later can be ended by nobody here: it asks for that itself;
- times without a zone are those of Paris. They are read as the earliest moment that they can mean: an hour
  too early ends a consent an hour too early, which an hour too late must not.

Source: docs.powens.com/api-reference/products/data-aggregation/bank-transactions (TransactionType),
docs.powens.com/api-reference/user-connections/connections (ConnectionState),
docs.powens.com/documentation/integration-guides/sca-and-connection-states; protocols.md 5.1; spec.md S52.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from comptoir.actors.connection.conditions import condition_of
from comptoir.actors.connection.messages import Condition

__all__ = [
    "CREATED",
    "DELETED",
    "PROVIDER",
    "REMOVED_SUFFIX",
    "STATES",
    "is_a_cards",
    "moment_ms",
    "revision_of",
    "stands",
]

PROVIDER: Final = "powens"
CREATED: Final = "transaction.created"
DELETED: Final = "transaction.deleted"
REMOVED_SUFFIX: Final = ".deleted"
"""Of the id under which a refund's deletion is taken."""
PURCHASES: Final = frozenset({"card", "deferred_card"})
"""Types of a card's own transactions: below nought a purchase, above it a refund."""
REFUNDS: Final = frozenset({"refund", "payback"})
"""Types that are refunds by their name, above nought."""
STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SCARequired": "authentication_required",
        "webauthRequired": "authentication_required",
        "additionalInformationNeeded": "information_required",
        "decoupled": "confirmation_required",
        "validating": "validating",
        "actionNeeded": "action_at_bank_required",
        "passwordExpired": "password_expired",
        "wrongpass": "credentials_wrong",
        "rateLimiting": "rate_limited",
        "websiteUnavailable": "bank_unavailable",
        "bug": "provider_fault",
        "notSupported": "not_supported",
    }
)
"""Powens's word for each condition (conditions.py)."""
PARIS_AHEAD_MAX: Final = timedelta(hours=2)
"""Of UTC: in summer."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_UPDATE: Final = re.compile(
    r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z?"
).fullmatch
_BEGINNING: Final = datetime(1, 1, 1)  # noqa: DTZ001 - Powens writes no zone, and only the order counts
_YEAR_MAX: Final = 9000
"""Beyond it no arithmetic is done."""


def is_a_cards(kind: str, value: object) -> bool:
    """Whether a transaction of this type and value was made by card, or gives back what was.

    Args:
        kind: its `type`.
        value: its signed value, of any type that can be compared with 0.
    """
    return kind in PURCHASES or (kind in REFUNDS and value > 0)  # type: ignore[operator]


def moment_ms(text: str | None) -> int:
    """A date and time of Powens in ms since 1970; 0 where there is none, or it is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return 0
    if not 1 < moment.year < _YEAR_MAX:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC) - PARIS_AHEAD_MAX
    return max(0, round((moment - _EPOCH).total_seconds() * 1000))


def revision_of(last_update: str) -> int:
    """`last_update` (`2024-01-05 10:00:00`, Paris time) as a number that grows with it; 0: none is told.

    In the hour that autumn repeats, two words may be taken in the wrong order.
    """
    if _LAST_UPDATE(last_update) is None:
        return 0
    try:
        written = datetime.fromisoformat(last_update.removesuffix("Z"))
    except ValueError:  # no such day or time
        return 0
    return (written - _BEGINNING) // timedelta(microseconds=1)


def stands(state: str | None, next_try: str | None, *, active: bool) -> Condition | None:
    """How a connection stands; None: all is well."""
    if state is not None:
        return condition_of(STATES.get(state, ""), moment_ms(next_try))
    return None if active else condition_of("inactive")

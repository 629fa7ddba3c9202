"""What the provider of the source says that it has paid: `GET /payments?from=&to=`, page by page.

Rule: the source names no such path, so it is ours, as the search by reference is; a page that is not of its form
is no answer. Amounts are read as exact decimals, and are whole cents or none.
Source: spec.md S51, S56, X26; docs/withdrawals.md.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.gateways.bank import read_answer
from comptoir.actors.gateways.comparing import Order, Said
from comptoir.actors.gateways.payout_seed import STATUSES, sent
from comptoir.actors.withdrawal.messages import EXPIRED, FAILED
from comptoir.engine.gateway_spec import CallFault

__all__ = ["SeedPayments"]

PROCESSING: Final = "processing"
PAGES_MAX: Final = 500
"""Of a hundred payments each: 50,000."""
STATES: Final[Mapping[str, str]] = MappingProxyType({EXPIRED: FAILED})
_Word = Annotated[str, Meta(min_length=1, max_length=64)]


class _Listed(msgspec.Struct, frozen=True, rename="camel"):
    reference: Annotated[str, Meta(max_length=140)]
    amount: Decimal
    currency: _Word
    status: _Word
    at: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T")]


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    items: Annotated[list[_Listed], Meta(max_length=1000)]
    next_cursor: Annotated[str, Meta(max_length=256)] | None = None


_PAGE: Final = msgspec.json.Decoder(_Page)


class SeedPayments:
    """The provider."""

    days_after = 0

    def __init__(self, client: httpx.AsyncClient, credentials: tuple[str, str]) -> None:
        """Args: with its base URL; our id there and what proves it."""
        self._client, self._basic = client, httpx.BasicAuth(*credentials)

    def expects(self, order: Order) -> bool:
        """What it has taken must be there: an order that is on its way, or that it refused, was not."""
        return bool(order["payment_id"]) or order["status"] not in (PROCESSING, FAILED)

    async def payments(self, begin: date, end: date) -> Sequence[Said]:
        """Those of some days.

        Raises:
            CallFault: PAYOUT_UNREACHABLE, PAYOUT_UNAVAILABLE, PAYMENT_REFUSED, BANK_ANSWER_INVALID, or
                PAYMENTS_TOO_MANY.
        """
        found: list[Said] = []
        query = {"from": begin.isoformat(), "to": end.isoformat()}
        for _ in range(PAGES_MAX):
            request = self._client.build_request("GET", "/payments", params=query)
            page: Any = read_answer(await sent(self._client, request, self._basic), _PAGE)
            found += map(_said, page.items)
            if page.next_cursor is None:
                return found
            query["cursor"] = page.next_cursor
        raise CallFault("PAYMENTS_TOO_MANY", retryable=False, sick=False)


def _said(one: _Listed) -> Said:
    """A payment in our words; one that ended in a word that we do not know is under way."""
    cents = one.amount * 100
    if cents != cents.to_integral_value():
        raise CallFault("BANK_ANSWER_INVALID", retryable=True)
    word = STATUSES.get(one.status, PROCESSING)
    return Said(one.reference, int(cents), one.currency, STATES.get(word, word), one.at[:10])

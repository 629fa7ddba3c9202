"""The gateway `payments`: the desk at which one day of what we think was paid is compared with what is said of it.

Rules:
- there are two sources, behind one protocol: whoever pays, who lists what it has taken, and the bank's statements,
  whose entries are kept (`statement_entry`), and which list what was booked;
- a comparison changes nothing, and its lists go through no row: only its report does, which is bounded;
- while a source is away the day is given up, not parked: it is looked at again the next time.

Source: spec.md S46, S50, S63, S65, X27; design.md 6.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, Final, Protocol

import trio

from comptoir.actors.gateways.comparing import ROWS_MAX, Compared, Order, Said, compared
from comptoir.actors.gateways.messages import PAYMENTS, ComparePayments
from comptoir.actors.payout_report.messages import STATEMENTS
from comptoir.actors.reconciliation.messages import DayCompared, DayUncompared, Report
from comptoir.actors.withdrawal.messages import (
    COMPLETED,
    PAYOUT_DAYS,
    PAYOUTS,
    RETURNED,
)
from comptoir.engine.errors import Unavailable
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.journal import Journal
from comptoir.engine.values import Message

__all__ = ["PaymentSource", "StatementSource", "payments_gateway"]

PAGE: Final = 500
ORDERS_MAX: Final = 50_000
"""Of a day, on either side: five files of 10,000 transfers."""
DEBIT: Final = "DBIT"


class PaymentSource(Protocol):
    """Somebody who says what was paid."""

    @property
    def days_after(self) -> int:
        """For how many days after an order has left it may be told of for the first time."""
        ...

    def expects(self, order: Order) -> bool:
        """Whether an order that stands so must be there."""
        ...

    async def payments(self, begin: date, end: date) -> Sequence[Said]:
        """Those of some days in UTC, without the last.

        Raises:
            CallFault: they cannot be had.
        """
        ...


class StatementSource:
    """The bank's statements, as far as they were read."""

    days_after = 40
    """All until today: a transfer is booked on the next banking day, and comes back within weeks."""

    def __init__(self, journal: Journal, prefix: str) -> None:
        """Args: where entries are kept; how our references begin, since other things are booked, too."""
        self._journal, self._prefix = journal, f"{prefix}-"

    def expects(self, order: Order) -> bool:
        """What we think was paid must be booked."""
        return order["status"] in (COMPLETED, RETURNED)

    async def payments(self, begin: date, end: date) -> Sequence[Said]:
        """Debits; one whose money came back by a credit of the same reference is returned."""
        debits: list[dict[str, Any]] = []
        returned: dict[str, int] = defaultdict(int)
        after, last = f"{begin.isoformat()}:", f"{end.isoformat()}:"
        while True:
            page = await self._journal.scan(STATEMENTS, after, PAGE)
            for key, entry in page:
                after = key
                if key >= last or not str(entry["reference"]).startswith(self._prefix):
                    continue
                if entry["direction"] == DEBIT:
                    debits.append(entry)
                else:
                    returned[str(entry["reference"])] += 1
            if len(page) < PAGE or after >= last:
                break
        if len(debits) > ORDERS_MAX:
            raise CallFault("PAYMENTS_TOO_MANY", retryable=False, sick=False)
        return [
            Said(
                str(one["reference"]), int(one["amountCents"]), str(one["currency"]),
                RETURNED if returned[str(one["reference"])] else COMPLETED, str(one["bookedOn"]),
            )
            for one in debits
        ]  # fmt: skip


class _Desk:
    """What compares."""

    def __init__(
        self, journal: Journal, sources: Mapping[str, PaymentSource], retries: int
    ) -> None:
        self._journal, self._sources, self._retries = journal, sources, retries

    async def answer(self, message: ComparePayments, context: CallContext) -> Message:
        """One day of one source, or why not: nothing of it is for a dead letter, since the next time comes."""
        source = self._sources.get(message.source)
        if source is None:
            return DayUncompared(message.day, "SOURCE_UNKNOWN")
        try:
            return await self._compare(message, source, context.now)
        except CallFault as fault:
            if fault.retryable and context.attempt <= self._retries:
                raise
            return DayUncompared(message.day, fault.code)

    async def _compare(
        self, message: ComparePayments, source: PaymentSource, now: int
    ) -> DayCompared:
        day = date.fromisoformat(message.day)
        begin = day - timedelta(days=1)
        end = day + timedelta(days=source.days_after + 2)
        payments = await source.payments(begin, end)
        try:
            found = await self._compared(message.day, payments, source)
        except Unavailable as error:
            raise CallFault(error.code, retryable=True, sick=False) from error
        rows = found.differences
        report = Report(
            message.source, message.day, now, found.ours, found.theirs, len(rows),
            rows[:ROWS_MAX],
        )  # fmt: skip
        return DayCompared(report)

    async def _compared(
        self, day: str, payments: Sequence[Said], source: PaymentSource
    ) -> Compared:
        said: dict[str, list[Said]] = defaultdict(list)
        for one in payments:
            said[one.reference].append(one)
        ours = await self._orders(await self._left_on(day))
        others = sorted({one.reference for one in payments if one.day == day} - ours.keys())
        known = await self._orders(others)
        strays = [reference for reference in others if reference not in known]
        # 50,000 of them take some tenths of a second.
        return await trio.to_thread.run_sync(partial(compared, ours, said, strays, source.expects))

    async def _left_on(self, day: str) -> list[str]:
        """References of the orders that left on a day."""
        found: list[str] = []
        begin = after = f"{day}:"
        while len(found) <= ORDERS_MAX:
            keys = [key for key, _ in await self._journal.scan(PAYOUT_DAYS, after, PAGE)]
            mine = [key.removeprefix(begin) for key in keys if key.startswith(begin)]
            found += mine
            if len(mine) < PAGE:
                return found
            after = keys[-1]
        raise CallFault("PAYMENTS_TOO_MANY", retryable=False, sick=False)

    async def _orders(self, references: Sequence[str]) -> dict[str, Order]:
        """Those that there are."""
        found: dict[str, Order] = {}
        for at in range(0, len(references), PAGE):
            found |= await self._journal.documents(PAYOUTS, references[at : at + PAGE])
        return found


def payments_gateway(
    journal: Journal, sources: Mapping[str, PaymentSource], bounds: GatewayBounds
) -> GatewaySpec:
    """The desk.

    Args:
        journal: where our orders and the statements' entries are.
        sources: those that there are, by name.
        bounds: deadline, tries, breaker.
    """
    operation = Operation(
        _Desk(journal, sources, len(bounds.retry_delays_ms)).answer,
        lambda message: f"{message.source}:{message.day}",
        failed=lambda message, code: DayUncompared(message.day, code),
        expendable=lambda _message: True,
    )
    return GatewaySpec(
        PAYMENTS.kind, {ComparePayments: operation}, bounds, dead_queue="dlq:withdrawals"
    )

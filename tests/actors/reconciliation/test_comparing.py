"""Orders beside what is said of them: every kind of difference is found, and nothing else (S46, S50, X26)."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.gateways.comparing import Compared, Order, Said, compared
from comptoir.actors.gateways.messages import ComparePayments
from comptoir.actors.gateways.payments_seed import SeedPayments
from comptoir.actors.gateways.reconciling import PaymentSource, StatementSource, payments_gateway
from comptoir.actors.reconciliation.messages import DayCompared, DayUncompared, Total
from comptoir.actors.withdrawal.messages import PAYOUT_DAYS, PAYOUTS
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds
from tests.actors.gateways.provider import Provider

DAY, EVE, NEXT = "2026-11-29", "2026-11-28", "2026-11-30"
Documents = dict[str, dict[str, dict[str, Any]]]


def an_order(status: str = "completed", cents: int = 950, **fields: Any) -> dict[str, Any]:
    """As a withdrawal writes it down."""
    return {
        "withdrawal_id": "wd_1", "amount_cents": cents, "currency": "EUR", "status": status,
        "payment_id": "pay_1", "day": DAY, **fields,
    }  # fmt: skip


def said(
    reference: str = "R-1", status: str = "completed", cents: int = 950, day: str = DAY
) -> Said:
    """As the other side tells it."""
    return Said(reference, cents, "EUR", status, day)


def always(_order: Order) -> bool:
    """A source that must have everything."""
    return True


def kinds(found: Compared) -> list[tuple[str, str]]:
    """What differs."""
    return [(one.reference, one.kind) for one in found.differences]


@pytest.mark.parametrize(
    ("order", "told", "kind"),
    [
        (an_order(), [said()], None),
        (an_order("processing"), [said(status="processing")], None),
        (an_order(), [], "missing_there"),
        (an_order(), [said(), said()], "doubled"),
        (an_order(), [said(cents=951)], "amount"),
        (an_order(currency="CHF"), [said()], "amount"),
        (an_order(), [said(status="failed")], "state"),
        (an_order("processing"), [said(status="completed")], "state"),
        (an_order("held"), [said(status="processing")], "state"),
        (an_order(), [said(cents=951), said(status="failed")], "doubled"),
        (an_order("failed"), [said(cents=1)], "amount"),
    ],
)
def test_each_difference(order: Order, told: Sequence[Said], kind: str | None) -> None:
    """S46, S50: missing there, doubled, of another amount or state; the first that applies."""
    found = compared({"R-1": order}, {"R-1": told}, (), always)
    assert kinds(found) == ([] if kind is None else [("R-1", kind)])


def test_what_nobody_ordered() -> None:
    """S50: a payment behind which there is no order; and it is in their sum, as it is paid."""
    found = compared(
        {"R-1": an_order()}, {"R-1": [said()], "R-9": [said("R-9", cents=7)]}, ["R-9"], always
    )
    (stray,) = found.differences
    assert (stray.reference, stray.kind, stray.their_cents) == ("R-9", "missing_here", 7)
    assert (stray.our_cents, stray.ours) == (None, "")
    assert found.ours == (Total("EUR", 1, 950),)
    assert found.theirs == (Total("EUR", 2, 957),)


@given(
    st.dictionaries(
        st.integers(0, 40).map(lambda n: f"R-{n:03d}"),
        st.sampled_from(["same", "missing_there", "missing_here", "doubled", "amount", "state"]),
    )
)
def test_as_many_as_were_made(made: Mapping[str, str]) -> None:
    """S46: of any mixture exactly what was made wrong is found, and sums differ by exactly that."""
    ours = {name: an_order() for name, kind in made.items() if kind != "missing_here"}
    told: dict[str, list[Said]] = {}
    for name, kind in made.items():
        one = said(
            name, "failed" if kind == "state" else "completed", 951 if kind == "amount" else 950
        )
        told[name] = [one] * {"doubled": 2, "missing_there": 0}.get(kind, 1)
    strays = [name for name, kind in made.items() if kind == "missing_here"]
    found = compared(ours, told, strays, always)
    assert kinds(found) == sorted((name, kind) for name, kind in made.items() if kind != "same")
    count = Counter(made.values())
    gap = count["missing_here"] + count["doubled"] - count["missing_there"]
    cents = sum(one.cents for one in found.theirs) - sum(one.cents for one in found.ours)
    assert cents == 950 * gap + count["amount"]


class Kept:
    """Documents, as a journal has them."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def scan(self, collection: str, after: str, limit: int) -> list[tuple[str, Any]]:
        """In the order of keys."""
        found = sorted(self._documents.get(collection, {}).items())
        return [one for one in found if one[0] > after][:limit]

    async def documents(self, collection: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Those that there are."""
        there = self._documents.get(collection, {})
        return {key: there[key] for key in keys if key in there}


class Told:
    """A source that is told what to say, or not to."""

    days_after = 0

    def __init__(self, *payments: Said, fault: CallFault | None = None) -> None:
        self.payments_told, self.fault = payments, fault
        self.asked: list[tuple[date, date]] = []

    def expects(self, order: Order) -> bool:
        """All of it."""
        return always(order)

    async def payments(self, begin: date, end: date) -> Sequence[Said]:
        """Those of the days."""
        self.asked.append((begin, end))
        if self.fault is not None:
            raise self.fault
        return [one for one in self.payments_told if begin.isoformat() <= one.day < end.isoformat()]


BOUNDS = GatewayBounds(retry_delays_ms=(1000, 2000, 4000))


def _left(*orders: tuple[str, dict[str, Any]]) -> Documents:
    return {
        PAYOUTS: dict(orders),
        PAYOUT_DAYS: {f"{one['day']}:{reference}": {} for reference, one in orders},
    }


async def _asked(documents: Documents, source: PaymentSource, attempt: int = 1) -> Any:
    spec = payments_gateway(Kept(documents), {"provider": source}, BOUNDS)  # type: ignore[arg-type]  # of a journal, what is read
    (operation,) = spec.operations.values()
    context = CallContext(7, attempt, "provider")
    return await operation.call(ComparePayments("provider", DAY), context)


async def test_days_of_two_sides_need_not_begin_together() -> None:
    """S50: an order of 23:59 that is told of on the next day is found, and is no stray of that day."""
    documents = _left(
        ("R-1", an_order()), ("R-2", an_order(day=EVE)), ("R-3", an_order(day=NEXT)),
    )  # fmt: skip
    source = Told(said("R-1", day=NEXT), said("R-2", day=DAY), said("R-3", day=DAY), said("R-9"))
    found = await _asked(documents, source)
    assert isinstance(found, DayCompared)
    report = found.report
    assert [(one.reference, one.kind) for one in report.rows] == [("R-9", "missing_here")]
    assert (report.day, report.at, report.differences) == (DAY, 7, 1)
    assert source.asked == [(date(2026, 11, 28), date(2026, 12, 1))]


async def test_a_report_is_bounded() -> None:
    """Nothing is unbounded: of 1,201 differences the first hundred are kept, and all are counted."""
    orders = [(f"R-{n:04d}", an_order()) for n in range(1201)]
    found = await _asked(_left(*orders), Told())
    assert isinstance(found, DayCompared)
    assert found.report.differences == 1201
    assert [one.reference for one in found.report.rows] == [name for name, _ in orders[:100]]
    assert found.report.ours == (Total("EUR", 1201, 1201 * 950),)


async def test_a_source_that_is_away() -> None:
    """S63: asked again as any party is, then the day is given up with the reason, and with no dead letter."""
    away = Told(fault=CallFault("PAYOUT_UNAVAILABLE", retryable=True))
    for attempt in (1, 2, 3):
        with pytest.raises(CallFault, match="PAYOUT_UNAVAILABLE"):
            await _asked({}, away, attempt)
    assert await _asked({}, away, 4) == DayUncompared(DAY, "PAYOUT_UNAVAILABLE")
    refused = Told(fault=CallFault("PAYMENT_REFUSED", retryable=False, sick=False))
    assert await _asked({}, refused) == DayUncompared(DAY, "PAYMENT_REFUSED")


async def test_a_source_that_is_no_more() -> None:
    """X27: the way of paying was changed: it is said, and nobody is asked."""
    spec = payments_gateway(Kept({}), {}, BOUNDS)  # type: ignore[arg-type]  # as above
    (operation,) = spec.operations.values()
    found = await operation.call(ComparePayments("statement", DAY), CallContext(7, 1, ""))
    assert found == DayUncompared(DAY, "SOURCE_UNKNOWN")


def _entry(reference: str, direction: str = "DBIT", **fields: Any) -> dict[str, Any]:
    return {
        "reference": reference, "amountCents": 950, "currency": "EUR", "bookedOn": NEXT,
        "direction": direction, "statementId": "s1", **fields,
    }  # fmt: skip


async def test_what_statements_say() -> None:
    """X26, X27: a debit is a payment, a credit of the same reference its return; what is booked for others is none
    of ours, and what is booked weeks later is found as well.
    """
    entries = {
        f"{NEXT}:s1:WD-1:DBIT": _entry("WD-1"),
        f"{NEXT}:s1:WD-2:DBIT": _entry("WD-2"),
        "2026-12-20:s9:WD-2:CRDT": _entry(
            "WD-2", "CRDT", bookedOn="2026-12-20", returnReason="AC04"
        ),
        f"{NEXT}:s1:RENT:DBIT": _entry("RENT"),
        f"{DAY}:s1:WDX-1:DBIT": _entry("WDX-1", bookedOn=DAY),
        "2026-11-01:s0:WD-0:DBIT": _entry("WD-0", bookedOn="2026-11-01"),
    }
    documents = _left(
        ("WD-1", an_order()), ("WD-2", an_order("returned")), ("WD-3", an_order("processing")),
        ("WD-4", an_order("completed")),
    )  # fmt: skip
    kept = Kept({**documents, "statement_entry": entries})
    source = StatementSource(kept, "WD")  # type: ignore[arg-type]  # of a journal, what is read
    found = await _asked(documents, source)
    assert isinstance(found, DayCompared)
    # One that is under way need not be booked yet; one that we think was paid must be.
    assert [(one.reference, one.kind) for one in found.report.rows] == [("WD-4", "missing_there")]
    assert found.report.theirs == (Total("EUR", 2, 1900),)


async def test_what_the_provider_says() -> None:
    """S51, S56, X26: page by page, exact cents, its words in ours; what it has not taken need not be there."""
    provider = Provider()

    def listed(number: int, status: str, amount: float) -> dict[str, Any]:
        return {
            "paymentId": f"pay_{number}", "reference": f"R-{number}", "amount": amount,
            "currency": "EUR", "status": status, "at": f"{DAY}T23:59:59.999Z",
        }  # fmt: skip

    pages = [
        {"items": [listed(1, "COMPLETED", 0.29), listed(2, "EXPIRED", 1.15)], "nextCursor": "2"},
        {"items": [listed(3, "SOMETHING_NEW", 123456.78)], "nextCursor": None},
    ]

    def respond(request: httpx.Request) -> httpx.Response:
        provider.requests.append(request)
        return httpx.Response(200, json=pages[len(provider.requests) - 1])

    transport = httpx.MockTransport(respond)
    async with httpx.AsyncClient(base_url="https://p.example", transport=transport) as client:
        source = SeedPayments(client, ("us", "s3cret"))
        found = await source.payments(date(2026, 11, 28), date(2026, 12, 1))
    assert found == [
        Said("R-1", 29, "EUR", "completed", DAY), Said("R-2", 115, "EUR", "failed", DAY),
        Said("R-3", 12_345_678, "EUR", "processing", DAY),
    ]  # fmt: skip
    first, second = provider.requests
    assert dict(first.url.params) == {"from": "2026-11-28", "to": "2026-12-01"}
    assert second.url.params["cursor"] == "2"
    assert first.headers["authorization"].startswith("Basic ")
    refused, on_its_way = an_order("failed", payment_id=""), an_order("processing", payment_id="")
    assert not source.expects(refused)
    assert not source.expects(on_its_way)
    assert source.expects(an_order("failed"))
    assert source.expects(an_order("held", payment_id=""))


@asynccontextmanager
async def _answering(answer: bytes) -> AsyncGenerator[SeedPayments, None]:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=answer))
    async with httpx.AsyncClient(base_url="https://p.example", transport=transport) as client:
        yield SeedPayments(client, ("us", "s3cret"))


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"[]", b'{"items": [{}]}',
        b'{"items": [{"reference": "R", "amount": 0.001, "currency": "EUR", "status": "X", "at": "2026-11-29T"}]}',
        b'{"items": [{"reference": "R", "amount": 1, "currency": "EUR", "status": "X", "at": "today"}]}',
    ],
)  # fmt: skip
async def test_what_is_no_list(answer: bytes) -> None:
    """S51: a page that is not of its form is an outage, and no empty list."""
    async with _answering(answer) as source:
        with pytest.raises(CallFault, match="BANK_ANSWER_INVALID"):
            await source.payments(date(2026, 11, 28), date(2026, 12, 1))

"""A customer's months over HTTP, and where the money that they withdrew comes from.

Daemon and sandbox are processes of their own; time goes by for both, over the borders of months.
Source: interface.md 7 (rows b2); spec.md S47, S34, E7; docs/statements.md.
"""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader

from comptoir.engine.testing import Answered, Process
from tests.contract.banking import Person
from tests.contract.saving import DAY_S, PATH, Saver, started

Start = Callable[..., Process]
Json = dict[str, Any]
PARIS = ZoneInfo("Europe/Paris")
BOOKS = ("available", "pending", "blocked", "shortfall")


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Whoever pays."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon whose withdrawals are paid by the provider, and cost 5 % (X21, the second reading)."""
    return started(comptoir_daemon_shared, sandbox, COMPTOIR_WITHDRAWALS__FEE_BP="500")


@pytest.fixture
def saver(daemon: Process, sandbox: Process) -> Saver:
    """Somebody with 1,000 points."""
    return Saver(daemon, sandbox)


def month_of(saver: Saver) -> str:
    """The month in which they live."""
    now = datetime.fromtimestamp(saver.customer.advance(0) / 1000, UTC)
    return now.astimezone(PARIS).strftime("%Y-%m")


def after(month: str, months: int = 1) -> str:
    """A later one."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + months, 12)
    return f"{year}-{number + 1:02d}"


def path(saver: Saver, month: str, query: str = "") -> str:
    """Of a statement of theirs."""
    return f"/api/v1/wallets/{saver.person.name}/statements/{month}{query}"


def statement(saver: Saver, month: str, query: str = "") -> Json:
    """A month as its person sees it."""
    answer = saver.person.ask("GET", path(saver, month, query))
    assert answer.status == 200, answer
    found: Json = answer.json()
    return found


def test_a_customers_months_add_up(saver: Saver) -> None:
    """S47: purchases, a refund, a withdrawal that is paid, and quiet months: each begins as the one before ended,
    and adds up, book by book.
    """
    first = month_of(saver)
    saver.customer.refund(saver.card, 20)
    saver.customer.buy(saver.card, 40)
    saver.customer.quiet()
    name = saver.withdraws(500)
    saver.settles()
    saver.told(name, "completed")
    while month_of(saver) < after(first, 2):
        saver.later(20 * DAY_S)
    closing = dict.fromkeys(BOOKS, 0)
    kinds: set[str] = set()
    month = first
    while month <= month_of(saver):
        shown = statement(saver, month)
        assert shown["opening"] == closing
        closing = shown["closing"]
        for book in BOOKS:
            moved = sum(one["change"][book] for one in shown["items"])
            assert shown["opening"][book] + moved == closing[book]
            assert sum(one["change"][book] for one in shown["totals"]) == moved
        assert shown["provisional"] == (month == month_of(saver))
        kinds |= {one["kind"] for one in shown["items"]}
        month = after(month)
    wallet = saver.person.ask("GET", f"/api/v1/wallets/{saver.person.name}").json()
    assert wallet["balance"] == closing
    assert kinds >= {"credit", "hold", "payout"}


def test_three_formats_tell_the_same(saver: Saver) -> None:
    """S47: CSV by Python's reader, PDF by pypdf, in both languages; the tag spares what is known."""
    saver.customer.buy(saver.card, 40)
    saver.customer.quiet()
    month = month_of(saver)
    shown = statement(saver, month)
    answer = saver.person.ask("GET", path(saver, month, "?format=csv"))
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert [row["kind"] for row in rows] == [
        "opening",
        *(x["kind"] for x in shown["items"]),
        "closing",
    ]
    assert [row["entryId"] for row in rows[1:-1]] == [x["entryId"] for x in shown["items"]]
    assert {book: int(rows[-1][f"{book}After"]) for book in BOOKS} == shown["closing"]
    assert sum(int(row["available"]) for row in rows[1:-1]) == shown["closing"]["available"]
    for language, word in (("fr", "Relevé de points"), ("en", "Statement of points")):
        drawn = saver.person.ask("GET", path(saver, month, f"?format=pdf&lang={language}"))
        assert (drawn.status, drawn.headers["content-type"]) == (200, "application/pdf")
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(drawn.body)).pages)
        assert word in text
        text = text.replace("\N{NO-BREAK SPACE}", " ")
        separator = " " if language == "fr" else ","
        assert f"{shown['closing']['available']:,}".replace(",", separator) in text
        assert (
            saver.person.ask("GET", path(saver, month, f"?format=pdf&lang={language}")).body
            == drawn.body
        )
    assert drawn.headers["cache-control"] == "private, no-cache"


def test_whose_it_is(saver: Saver, daemon: Process, sandbox: Process) -> None:
    """S34: their own and nobody else's; staff by the policy; months that have not begun and are none are told."""
    other = Saver(daemon, sandbox)
    month = month_of(saver)
    assert other.person.ask("GET", path(saver, month)).status == 404
    for role, status in (
        ("COMPLIANCE", 200),
        ("OPERATIONS", 200),
        ("CONSEILLER", 403),
        ("ADMIN", 403),
    ):
        staff = Person(daemon, "m.durand", daemon.token("m.durand", role))
        assert staff.ask("GET", path(saver, month)).status == status
    for wrong, code in ((after(month), "MONTH_FUTURE"), ("2025-13", "MONTH_INVALID")):
        refused = saver.person.ask("GET", path(saver, wrong))
        assert (refused.status, refused.json()["code"]) == (422, "REQUEST_INVALID")
        assert refused.json()["errors"][0]["code"] == code
    empty = statement(saver, "2020-02")
    assert (empty["movements"], empty["items"], empty["provisional"]) == (0, [], False)


def test_every_cent_of_a_payout_is_of_a_purchase(saver: Saver) -> None:
    """E7, X21: of two purchases the older one first, with its amount and partner; fee and net to the cent; what is
    left of a lot; and none once the points are back.
    """
    newer = saver.customer.buy(saver.card, 40)
    saver.customer.quiet()
    name = saver.withdraws(1101)
    body = saver.person.ask("GET", f"{PATH}/{name}/provenance").json()
    first, second = body["items"]
    assert (first["points"], second["points"]) == (1000, 101)
    assert (body["grossCents"], body["feeCents"], body["netCents"]) == (1101, 55, 1046)
    assert (first["feeCents"], second["feeCents"]) == (49, 6)
    assert (first["firstCent"], second["firstCent"]) == (1, 952)
    assert first["netCents"] + second["netCents"] == 1046
    assert first["lot"]["purchase"]["amountCents"] == 20_000
    assert second["lot"]["purchase"]["transactionId"] == newer
    assert (first["lot"]["remaining"], second["lot"]["remaining"]) == (0, 99)
    assert second["lot"]["uses"] == [{"kind": "withdrawn", "points": 101, "withdrawalId": name}]
    page = saver.person.ask("GET", f"{PATH}/{name}/provenance?limit=1").json()
    assert page["items"] == [first]
    rest = saver.person.ask(
        "GET", f"{PATH}/{name}/provenance?limit=1&cursor={page['nextCursor']}"
    ).json()
    assert (rest["items"], rest["nextCursor"]) == ([second], None)
    assert saver.person.ask("POST", f"{PATH}/{name}/cancel").status == 200
    saver.customer.quiet()  # the wallet hears of it next
    back = saver.person.ask("GET", f"{PATH}/{name}/provenance").json()
    assert (back["status"], back["tracedPoints"], back["items"]) == ("cancelled", 0, [])


def test_a_month_with_many_movements_comes_in_pages(saver: Saver) -> None:
    """Pages of JSON by their cursor, and of CSV by the link that it names, are the month, once."""
    for _ in range(4):
        saver.customer.buy(saver.card, 40)
    saver.customer.quiet()
    month = month_of(saver)
    whole = [one["entryId"] for one in statement(saver, month)["items"]]
    assert len(whole) == 5
    paged: list[str] = []
    query = "?limit=2"
    while query:
        shown = statement(saver, month, query)
        paged += [one["entryId"] for one in shown["items"]]
        query = f"?limit=2&cursor={shown['nextCursor']}" if shown["nextCursor"] else ""
    assert paged == whole
    linked: list[str] = []
    query = "?limit=2&format=csv"
    while query:
        answer: Answered = saver.person.ask("GET", path(saver, month, query))
        rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
        linked += [row["entryId"] for row in rows[1:-1]]
        link = answer.headers.get("link", "")
        query = f"?{link.partition('?')[2].partition('>')[0]}" if link else ""
    assert linked == whole

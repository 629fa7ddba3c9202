"""A month of points as people and programs get it: one value in three formats, which add up and tell the same.

Outside oracles: pypdf reads the PDF, a reader written from RFC 4180's grammar the CSV.

Source: interface.md 7; spec.md S47, S62; docs/statements.md.
"""

import re
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from comptoir.http.answers import Response
from comptoir.http.drawing import DrawingBusy, Studio
from comptoir.http.operation import Call
from comptoir.http.rules import StatementRules
from comptoir.http.statement import Period, period
from comptoir.http.statement_csv import COLUMNS
from comptoir.http.statement_pdf import draw
from comptoir.http.statement_sheet import to_sheet
from comptoir.http.statements import statement
from comptoir.http.testing import FakeDaemon
from tests.http.stated import BOOKS, MONTH, at, history, made, records


@pytest.fixture
def daemon() -> FakeDaemon:
    """It knows u-1, with three movements of November; now is November the 24th."""
    made = FakeDaemon()
    made.movements["u-1"] = history(1000, 500, -300)
    made.now = at("2025-11-24T15:30:00")
    return made


def call(
    month: str = MONTH, user: str = "u-1", accept: str = "", tag: bytes = b"", **query: str
) -> Call:
    """A request."""
    headers = [(b"accept", accept.encode())] if accept else []
    headers += [(b"if-none-match", tag)] if tag else []
    asked = {name: [value] for name, value in query.items()}
    return Call("abcdefgh", {"userId": user, "month": month}, asked, "", b"", headers=headers)


def header(answer: Response, name: bytes) -> str:
    """One of its headers; it is there once at most."""
    (found,) = [value for given, value in answer.headers if given == name] or [b""]
    return found.decode()


def codes(answer: Response) -> list[tuple[str, str]]:
    """What is wrong where."""
    assert answer.status == 422
    return [(one["pointer"], one["code"]) for one in orjson.loads(answer.body)["errors"]]


async def test_a_month_adds_up(daemon: FakeDaemon) -> None:
    """S47: opening, movements with the balance after each, totals by kind, closing; its person's own."""
    answer = await statement(daemon, call())
    assert answer.status == 200
    body = orjson.loads(answer.body)
    assert body["opening"] == dict.fromkeys(BOOKS, 0)
    assert body["closing"] == {"available": 1200, "pending": 0, "blocked": 300, "shortfall": 0}
    assert [x["balanceAfter"]["available"] for x in body["items"]] == [1000, 1500, 1200]
    assert [(x["kind"], x["partner"], x["date"]) for x in body["items"]] == [
        ("credit", "Chez Nous", "2025-11-03"), ("credit", "Chez Nous", "2025-11-03"),
        ("hold", None, "2025-11-03"),
    ]  # fmt: skip
    assert {x["kind"]: (x["movements"], x["change"]["available"]) for x in body["totals"]} == {
        "credit": (2, 1500), "hold": (1, -300),
    }  # fmt: skip
    assert (body["provisional"], body["nextCursor"], body["timeZone"]) == (
        True,
        None,
        "Europe/Paris",
    )
    assert (body["beginsAt"], body["endsAt"]) == (
        "2025-10-31T23:00:00.000Z",
        "2025-11-30T23:00:00.000Z",
    )


async def test_what_a_month_ends_with_the_next_begins_with(daemon: FakeDaemon) -> None:
    """S47: also over months in which nothing happens, and at a border that is not midnight in UTC."""
    last_of_november = history(70, begin="2025-11-30T21:59:59.999")
    first_of_december = history(70, 5, begin="2025-11-30T21:00:00")[1:]
    daemon.movements["u-2"] = [*last_of_november, *first_of_december]
    daemon.now = at("2026-03-01T00:00:00")
    daemon.wallets["u-2"] = {"balance": {}}
    closing = dict.fromkeys(BOOKS, 0)
    shown: list[tuple[int, int, bool]] = []
    for month in ("2025-10", "2025-11", "2025-12", "2026-01", "2026-02"):
        body = orjson.loads((await statement(daemon, call(month, "u-2"))).body)
        assert body["opening"] == closing
        closing = body["closing"]
        shown.append((body["movements"], closing["available"], body["provisional"]))
    assert shown == [(0, 0, False), (1, 70, False), (1, 75, False), (0, 75, False), (0, 75, False)]


async def test_a_month_is_provisional_until_all_of_it_is_written(daemon: FakeDaemon) -> None:
    """What was decided before midnight may be written just after: ten minutes later it is certain."""
    for now, provisional in (("2025-11-30T23:09:59", True), ("2025-11-30T23:10:00", False)):
        daemon.now = at(now)
        body = orjson.loads((await statement(daemon, call())).body)
        assert body["provisional"] is provisional


async def test_bad_questions_are_told_what_is_wrong(daemon: FakeDaemon) -> None:
    """Invariant 5: months that are none or have not begun, formats and languages unknown, pages impossible."""
    for month, code in (
        ("2025-13", "MONTH_INVALID"), ("2025-1", "MONTH_INVALID"), ("1999-12", "MONTH_INVALID"),
        ("2025-11\n", "MONTH_INVALID"), ("٢٠٢٥-11", "MONTH_INVALID"), ("2025-12", "MONTH_FUTURE"),
    ):  # fmt: skip
        assert codes(await statement(daemon, call(month))) == [("/path/month", code)]
    wrong = call("x", format="xls", lang="de", limit="0", cursor="?")
    assert codes(await statement(daemon, wrong)) == [
        ("/path/month", "MONTH_INVALID"), ("/query/format", "FORMAT_INVALID"),
        ("/query/lang", "LANG_INVALID"), ("/query/limit", "LIMIT_INVALID"),
        ("/query/cursor", "CURSOR_INVALID"),
    ]  # fmt: skip
    assert codes(await statement(daemon, call(limit="501"))) == [("/query/limit", "LIMIT_INVALID")]
    assert codes(await statement(daemon, call(limit="5001", format="csv"))) == [
        ("/query/limit", "LIMIT_INVALID")
    ]
    assert (await statement(daemon, call(user="nobody"))).status == 404
    daemon.wallets["new"] = {"balance": {}}
    assert (await statement(daemon, call(user="new"))).status == 200


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "application/json"), ("*/*", "application/json"), ("text/csv", "text/csv"),
        ("application/pdf;q=0.5, text/csv", "text/csv"), ("image/png", "application/json"),
        ("application/pdf", "application/pdf"),
    ],
)  # fmt: skip
async def test_the_caller_says_what_they_like_best(
    daemon: FakeDaemon, accept: str, media_type: str
) -> None:
    """RFC 9110, 12.5.1; `format` goes first."""
    answer = await statement(daemon, call(accept=accept))
    assert header(answer, b"content-type").split(";")[0] == media_type
    assert header(answer, b"vary") == "Accept, Accept-Language"
    named = await statement(daemon, call(accept=accept, format="json"))
    assert header(named, b"content-type") == "application/json"


async def test_an_answer_that_is_known_is_not_sent_again(daemon: FakeDaemon) -> None:
    """RFC 9110, 13.1.2: by its tag, which is of what is shown and how; and nobody else keeps it."""
    first = await statement(daemon, call())
    tag = header(first, b"etag")
    assert header(first, b"cache-control") == "private, no-cache"
    again = await statement(daemon, call(tag=f'"other", W/{tag}'.encode()))
    assert (again.status, again.body, header(again, b"etag")) == (304, b"", tag)
    for other in (call(tag=tag.encode(), format="csv"), call(tag=tag.encode(), limit="1")):
        assert (await statement(daemon, other)).status == 200
    daemon.movements["u-1"] = history(1000, 500, -300, 7)
    assert (await statement(daemon, call(tag=tag.encode()))).status == 200


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_pages_are_the_month(daemon: FakeDaemon, form: str) -> None:
    """Each page begins with the balance before it, and together they are every movement once."""
    daemon.movements["u-1"] = history(*([10] * 7))
    seen: list[int] = []
    query: dict[str, Any] = {"limit": "3", "format": form}
    while True:
        answer = await statement(daemon, call(MONTH, **query))
        if form == "json":
            body = orjson.loads(answer.body)
            seen += [x["balanceAfter"]["available"] for x in body["items"]]
            following = body["nextCursor"]
            assert body["movements"] == 7
        else:
            _, first, *rows, last = records(answer.body.decode())
            names = COLUMNS.index("availableAfter")
            assert (first[3], last[3]) == (
                "carried" if seen else "opening", "carried" if len(seen) < 6 else "closing",
            )  # fmt: skip
            assert int(first[names]) == (seen[-1] if seen else 0)
            seen += [int(row[names]) for row in rows]
            assert int(last[names]) == seen[-1]
            link = re.search(r"<2025-11\?(.*)>; rel=\"next\"", header(answer, b"link"))
            following = link and dict(x.split("=") for x in link[1].split("&"))["cursor"]
        if not following:
            break
        query["cursor"] = following
    assert seen == list(range(10, 80, 10))


async def test_drawing_happens_elsewhere_and_has_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop turns while a large one is drawn; who comes when too many wait, or takes too long, comes again."""
    sheet = to_sheet(made(history(*([5] * 500))), "en")
    studio, turns = Studio(), 0
    drawn: list[bytes] = []

    async def one() -> None:
        drawn.append(await studio.draw(sheet, 60, 1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one)
        nursery.start_soon(one)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(DrawingBusy):
            await studio.draw(sheet, 60, 1)
        while len(drawn) < 2:
            await trio.lowlevel.checkpoint()
            turns += 1
    assert turns > 100
    assert drawn[0] == drawn[1] == draw(sheet)
    with pytest.raises(DrawingBusy):
        await studio.draw(sheet, 0.0, 1)
    monkeypatch.setattr("comptoir.http.drawing.PROGRAM", ("/bin/false",))
    with pytest.raises(AssertionError, match="status 1"):
        await studio.draw(sheet, 60, 1)


async def test_a_pdf_that_cannot_be_drawn_now_is_asked_for_again(daemon: FakeDaemon) -> None:
    """S62: 503 with a time to come back."""
    daemon.rules = replace(daemon.rules, statements=StatementRules(pdf_timeout_s=0.0))
    answer = await statement(daemon, call(format="pdf"))
    assert (answer.status, header(answer, b"retry-after") != "") == (503, True)


@given(
    st.integers(2000, 2099),
    st.integers(1, 12),
    st.sampled_from(["Europe/Paris", "UTC", "America/Montreal", "Pacific/Apia"]),
)
def test_months_meet(year: int, month: int, zone: str) -> None:
    """Where one ends the next begins, in every zone, whatever clocks are changed in it."""
    this = period(f"{year}-{month:02d}", ZoneInfo(zone))
    following = period(f"{year + month // 12}-{month % 12 + 1:02d}", ZoneInfo(zone))
    assert this is not None
    assert isinstance(this, Period)
    if following is not None:
        assert this.until == following.since
        assert this.day(this.since).isoformat() == f"{year}-{month:02d}-01"
        assert this.day(this.until - 1).month == month

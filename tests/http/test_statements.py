"""A month of points as people and programs get it: one value in three formats, which add up and tell the same.

Outside oracles: pypdf reads the PDF, a reader written from RFC 4180's grammar the CSV.

Source: interface.md 7; spec.md S47, S62; docs/statements.md.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from comptoir.actors.wallet.statement import Line
from comptoir.engine.books import Change, Month, Movement, Total
from comptoir.http.answers import Response
from comptoir.http.drawing import DrawingBusy, Studio
from comptoir.http.operation import Call
from comptoir.http.page import Language
from comptoir.http.rules import StatementRules
from comptoir.http.statement import Period, Statement, add, period
from comptoir.http.statement_csv import COLUMNS, defused, to_csv
from comptoir.http.statement_pdf import Section, Sheet, draw
from comptoir.http.statement_sheet import to_sheet
from comptoir.http.statements import statement
from comptoir.http.testing import FakeDaemon

PARIS = ZoneInfo("Europe/Paris")
MONTH = "2025-11"
BOOKS = ("available", "pending", "blocked", "shortfall")
NOTHING: Change = (0, 0, 0, 0)
HOUR = 3_600_000


def at(text: str) -> int:
    """A time in UTC, in ms."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def history(
    *points: int, begin: str = "2025-11-03T10:00:00", partner: str = "Chez Nous"
) -> list[Line]:
    """Credits and holds of so many points, an hour apart."""
    told: list[Line] = []
    after = NOTHING
    for number, moved in enumerate(points, 1):
        change: Change = (moved, 0, 0, 0) if moved > 0 else (moved, 0, -moved, 0)
        after = add(after, change)
        kind, withdrawal = ("credit", None) if moved > 0 else ("hold", "wd_" + "0" * 20)
        when = at(begin) + number * HOUR
        one = Movement(number, when, kind, change, after, "lt_1", f"tx-{number}", withdrawal)
        told.append(Line(one, partner if moved > 0 else None))
    return told


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


def records(text: str) -> Iterator[list[str]]:
    """CSV by the grammar of RFC 4180, section 2, and nothing more forgiving."""
    field = r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))'
    place, row = 0, list[str]()
    while place < len(text):
        found = re.compile(field).match(text, place)
        assert found is not None
        quoted, bare = found.groups()
        row.append(bare if quoted is None else quoted.replace('""', '"'))
        place = found.end()
        if text.startswith("\r\n", place):
            yield row
            row, place = [], place + 2
        else:
            assert text[place] == ",", "a field ends with a comma or a line's end"
            place += 1
    assert not row, "the last record ends, too"


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
    shown = []
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
    query: dict[str, str] = {"limit": "3", "format": form}
    while True:
        answer = await statement(daemon, call(**query))
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


NASTY = st.text(st.sampled_from("=+-@\t\"',;\r\n aé＝"), max_size=6) | st.text(max_size=12)  # noqa: RUF001 - a full-width sign


@given(st.lists(NASTY.filter(lambda text: "\0" not in text), max_size=5))
def test_csv_is_read_back_as_it_was_and_is_never_a_formula(names: list[str]) -> None:
    """RFC 4180 by another reader; whatever a partner or a provider calls itself."""
    told = [
        Line(one.movement, name)
        for one, name in zip(history(*([5] * len(names))), names, strict=True)
    ]
    _, _, *rows, _ = records(to_csv(made(told)).decode())
    assert [row[COLUMNS.index("partner")] for row in rows] == [defused(name) for name in names]
    for row, name in zip(rows, names, strict=True):
        cell = row[COLUMNS.index("partner")]
        assert cell.removeprefix("'") == name.removeprefix("'")
        assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert [row[COLUMNS.index(book)] for book in BOOKS] == ["5", "0", "0", "0"]


def made(lines: Sequence[Line], **more: Any) -> Statement:
    """A statement of November, of all of these."""
    when = period(MONTH, PARIS)
    assert when is not None
    kinds = sorted({x.movement.kind for x in lines})
    totals: list[Total] = []
    for kind in kinds:
        total = NOTHING
        ours = [x.movement.change for x in lines if x.movement.kind == kind]
        for change in ours:
            total = add(total, change)
        totals.append(Total(kind, len(ours), total))
    closing = lines[-1].movement.after if lines else NOTHING
    month = Month(0, len(lines), NOTHING, closing, tuple(totals))
    fields: dict[str, Any] = {"begins": True, "more": False, **more}
    return Statement("u-1", when, False, month, lines, **fields)


def read(pdf: bytes) -> list[str]:
    """The lines of text of a PDF, by another program's eyes."""
    return [
        line.replace("\N{NO-BREAK SPACE}", " ")
        for sheet in PdfReader(io.BytesIO(pdf)).pages
        for line in sheet.extract_text(extraction_mode="layout").splitlines()
    ]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_sums_of_a_pdf_are_the_books(language: Language) -> None:
    """S47: read back by pypdf, every number of some pages of movements is what the ledger has."""
    moved = [1000 + n if n % 3 else -500 - n for n in range(1, 160)]
    told = history(*moved)
    pdf = draw(to_sheet(made(told), language))
    separated = r"[+-]?\d{1,3}(?:[, ]\d{3})*"
    number = re.compile(rf"(?<!\S){separated}(?!\S)")
    dated = re.compile(r"^\s*(\d\d/\d\d/\d{4}|\d{4}-\d\d-\d\d)\s+(\S.*)$")
    found = []
    for text in read(pdf):
        row = dated.match(text)
        if row:
            wide = re.split(r"\s{2,}", row[2].strip())
            found.append([int(re.sub("[ ,+]", "", x)) for x in wide if number.fullmatch(x)])
    assert [row[0] for row in found] == moved
    assert [row[-1] for row in found] == [line.movement.after[0] for line in told]
    assert sum(row[0] for row in found) == told[-1].movement.after[0]
    words = ("Solde à la fin", "Relevé de points") if language == "fr" else (
        "Balance at the end", "Statement of points")  # fmt: skip
    assert all(any(word in text for text in read(pdf)) for word in words)


def test_a_pdf_is_the_same_twice_and_brings_its_fonts() -> None:
    """Deterministic bytes; language, title and pages are in it; letters that no font has do no harm."""
    told = history(*([5] * 60), partner="Łódź (株) <b>& Café")
    sheet = to_sheet(made(told), "fr")
    pdf = draw(sheet)
    assert pdf == draw(sheet)
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.metadata is not None
    assert reader.metadata.title == "Relevé de points - novembre 2025"
    assert reader.root_object["/Lang"] == "fr"
    fonts = [
        font.get_object()
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]  # pypdf's objects are not typed further
    ]
    used = [font for font in fonts if "Vera" in str(font["/BaseFont"])]
    assert used
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in used)
    assert all("/ToUnicode" in font for font in used)
    text = "\n".join(read(pdf))
    assert "Łódz (?) <b>& Café" in text
    assert f"Page 1 sur {len(reader.pages)}" in text


def test_a_page_in_the_middle_says_what_it_carries() -> None:
    """What is no beginning and no end says so, in words."""
    told = history(10, 20, 30)
    sheet = to_sheet(made(told, begins=False, more=True), "fr")
    rows = sheet.sections[-1].rows
    assert (rows[1][0], rows[-1][0], rows[-1][-1]) == ("Report", "Report", "60")


def test_books_that_disagree_are_not_shown() -> None:
    """Invariant 4: what moved and what is left must agree, movement by movement and in sum."""
    told = history(10, 20, 30)
    when, sixty = made(told).period, (60, 0, 0, 0)
    totals = (Total("credit", 3, sixty),)
    with pytest.raises(AssertionError, match="what moved"):
        Statement(
            "u-1", when, False, Month(0, 3, NOTHING, (61, 0, 0, 0), totals), told, True, False
        )
    with pytest.raises(AssertionError, match="missing"):
        Statement("u-1", when, False, Month(0, 3, NOTHING, sixty, totals), told[::2], True, False)


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


def test_a_table_goes_over_pages_with_its_header() -> None:
    """Whatever is on a page can be read on it."""
    rows = [["H", *[""] * 7], *([f"r{n}", *[""] * 7] for n in range(200))]
    pdf = draw(Sheet("en", "T", "S", [], [Section("M", rows)], "{page}/{pages}"))
    for page in PdfReader(io.BytesIO(pdf)).pages:
        assert "H" in page.extract_text().split()

"""Papers of nobody: what stands on them is what was asked for, in both formats, and whoever reads them agrees.

Source: interface.md 10; spec.md S19.
"""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.actors.inspection.mrz import repair_zone
from comptoir.actors.inspection.pdfs import look_at_pdf
from comptoir.sandbox.papers import PaperRequest, draw, zone
from tests.actors.inspection.zones import Bearer, write_zone

TODAY = datetime.date(2026, 12, 1)
KINDS = ("passport", "residence", "tax", "register", "articles", "owners", "deed")


@given(
    surname=st.from_regex(r"[A-Z]{1,10}( [A-Z]{1,6})?", fullmatch=True),
    given_names=st.from_regex(r"[A-Z]{1,10}( [A-Z]{1,6})?", fullmatch=True),
    number=st.from_regex(r"[A-Z0-9]{1,9}", fullmatch=True),
)
def test_a_zone_is_as_doc_9303_has_it(surname: str, given_names: str, number: str) -> None:
    """S19: it is what another writer writes, and the inspection reads what was asked for."""
    order = PaperRequest("passport", surname=surname, given_names=given_names, number=number)
    bearer = Bearer(surname, given_names, number, "UTO", order.birth, "<", order.expiry)
    assert list(zone(order)) == write_zone("TD3", bearer)
    read = repair_zone(list(zone(order)), TODAY)
    assert read.holds
    assert (read.surname, read.given_names, read.document_number) == (surname, given_names, number)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_paper_is_asked_for(driver: Any, kind: str) -> None:
    """E15: every kind, as a sound PDF and as a photograph; the same order is the same paper."""
    body = {"kind": kind, "holder": "Ada Lovelace", "lines": ["SIREN 000 000 000"]}
    paper = await driver.client.post("/control/papers", json=body)
    again = await driver.client.post("/control/papers", json=body)
    assert (paper.status_code, paper.headers["content-type"]) == (200, "application/pdf")
    assert paper.content == again.content
    assert look_at_pdf(paper.content, 9).flags == []
    picture = await driver.client.post("/control/papers", json={**body, "format": "jpeg"})
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content == draw(PaperRequest(kind, "jpeg", holder="Ada Lovelace", lines=("SIREN 000 000 000",)))[0]  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "visa"}, {"kind": "passport", "surname": "é"}, {"kind": "tax", "lines": ["x"] * 21}],
)  # fmt: skip
async def test_what_is_no_paper_is_refused(driver: Any, body: dict[str, Any]) -> None:
    """interface.md 10: bad orders are told what is wrong."""
    assert (await driver.client.post("/control/papers", json=body)).status_code == 422

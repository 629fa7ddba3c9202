"""Credit and the press as the sandbox plays them: as usual, until a test says otherwise of a name (S21, S24, E15)."""

from typing import Any

import pytest

from tests.actors.gateways.kyc_schemas import SCORE_ANSWER, SEARCH_ANSWER, hold

OURS = {"Authorization": "Bearer ours"}
PARTY = {"id": "client", "role": "client", "type": "PERSON", "firstName": "Ada", "lastName": "Lovelace"}  # fmt: skip


async def _score(driver: Any) -> Any:
    body = {"reference": "r1", "party": PARTY, "address": {}}
    answer = await driver.client.post("/credit/scores", json=body, headers=OURS)
    assert answer.status_code == 200, answer.text
    hold(SCORE_ANSWER, answer.json())
    return answer.json()["score"], answer.json()["band"]


async def _search(driver: Any, page: int = 1) -> Any:
    body = {"reference": "r1", "party": PARTY, "page": page, "limit": 25}
    answer = await driver.client.post("/media/searches", json=body, headers=OURS)
    assert answer.status_code == 200, answer.text
    hold(SEARCH_ANSWER, answer.json())
    return [one["title"] for one in answer.json()["items"]], answer.json()["more"]


async def test_a_score_is_as_it_was_said(driver: Any) -> None:
    """S24: of a name, of everybody else, and of nobody; a reset forgets it."""
    assert await _score(driver) == (680, "GOOD")
    await driver.client.post("/control/credit", json={"score": 300})
    assert await _score(driver) == (300, "POOR")
    await driver.client.post("/control/credit", json={"name": "ADA  lovelace", "score": 800})
    assert await _score(driver) == (800, "EXCELLENT")
    await driver.client.post("/control/credit", json={"name": "Ada Lovelace", "score": None})
    assert await _score(driver) == (None, "")
    await driver.client.post("/control/reset")
    assert await _score(driver) == (680, "GOOD")


async def test_the_press_has_what_it_was_given(driver: Any) -> None:
    """S21: page by page."""
    assert await _search(driver) == ([], False)
    items = [{"title": f"Title {n}"} for n in range(30)]
    await driver.client.post("/control/media", json={"name": "Ada Lovelace", "items": items})
    first, more = await _search(driver)
    assert (len(first), more) == (25, True)
    assert await _search(driver, 2) == ([f"Title {n}" for n in range(25, 30)], False)


@pytest.mark.parametrize("path", ["/credit/scores", "/media/searches"])
async def test_they_are_strict(driver: Any, path: str) -> None:
    """E15: a bearer token, and a body of the form."""
    assert (await driver.client.post(path, json={})).status_code == 401
    assert (await driver.client.post(path, json={"more": 1}, headers=OURS)).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/control/credit", {"score": 299}),
        ("/control/media", {"items": [{"title": ""}]}),
        ("/control/kyc/x", {"score": 101}),
        ("/control/kyc", {"automatic": {}}),
    ],
)
async def test_what_cannot_be_said(driver: Any, path: str, body: Any) -> None:
    """E15: a script that is wrong is refused with its place."""
    assert (await driver.client.post(path, json=body)).status_code == 422

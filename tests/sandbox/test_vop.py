"""Verification of payee as the sandbox plays it: whose an account is, and how near a name comes to it (E18)."""

import uuid
from typing import Any

import httpx
import pytest

IBAN = "FR1420041010050500013M02606"
PATH = "/vop/v1/payee-verifications"
HEADERS = {
    "Authorization": "Bearer ours",
    "X-Request-ID": str(uuid.uuid4()),
    "X-Request-Timestamp": "2026-11-30T12:00:00.000Z",
}
AGENT = {"financialInstitutionId": {"bicfi": "DEUTDEFF"}}


def _question(name: str = "Ada Lovelace", **fields: Any) -> dict[str, Any]:
    return {
        "party": {"name": name}, "partyAccount": {"iban": IBAN}, "requestingAgent": AGENT, **fields,
    }  # fmt: skip


async def _held(driver: Any, *names: str) -> None:
    items = [{"iban": IBAN, "names": list(names)}]
    assert (
        await driver.client.put("/control/vop/holders", json={"items": items})
    ).status_code == 200


async def _asked(driver: Any, name: str = "Ada Lovelace", **fields: Any) -> httpx.Response:
    answer: httpx.Response = await driver.client.post(
        PATH, json=_question(name, **fields), headers=HEADERS
    )
    return answer


@pytest.mark.parametrize(
    ("held", "asked", "told"),
    [
        ("Ada Lovelace", "Ada Lovelace", "MTCH"),
        ("Ada Lovelace", "LOVELACE ADA", "MTCH"),
        ("Ada Lovelace", "Mme. Ada Lovelace", "MTCH"),
        ("François Lœwenbruck", "Francois Loewenbruck", "MTCH"),
        ("Jean-Paul Martin", "Jean Paul Martin", "MTCH"),
        ("Ada Lovelace", "A. Lovelace", "CMTC"),
        ("Ada Lovelace", "Ada Lovelase", "CMTC"),
        ("Ada Augusta Lovelace", "Ada Lovelace", "CMTC"),
        ("Ada Lovelace", "Ada", "NMTC"),
        ("Ada Lovelace", "Lovelace", "NMTC"),
        ("Ada Lovelace", "Charles Babbage", "NMTC"),
        ("Li Wu", "Lu Wi", "NMTC"),
        ("Ada Lovelace", "...", "NMTC"),
    ],
)
async def test_how_near_a_name_comes(driver: Any, held: str, asked: str, told: str) -> None:
    """E18: match, close match with the name that the bank has, no match without it."""
    await _held(driver, held)
    found = (await _asked(driver, asked)).json()
    assert found == {"partyNameMatch": told} | ({"matchedName": held} if told == "CMTC" else {})


async def test_an_account_of_two(driver: Any) -> None:
    """E18: of a joint account the nearest name counts."""
    await _held(driver, "Charles Babbage", "Ada Lovelace")
    assert (await _asked(driver)).json() == {"partyNameMatch": "MTCH"}


async def test_an_account_that_nobody_knows(driver: Any) -> None:
    """E18: a check is not possible; the answer names the request that it is to."""
    answer = await _asked(driver)
    assert answer.json() == {"partyNameMatch": "NOAP"}
    assert answer.headers["x-request-id"] == HEADERS["X-Request-ID"]
    await _held(driver, "Ada Lovelace")
    assert (await driver.client.post("/control/reset")).status_code == 200
    assert (await _asked(driver)).json() == {"partyNameMatch": "NOAP"}


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Authorization": ""}, {}, 401),
        ({"X-Request-ID": "7"}, {}, 400),
        ({"X-Request-Timestamp": "today"}, {}, 400),
        ({"X-Request-Timestamp": "2026-11-30T12:00:00"}, {}, 400),
        ({}, {"partyAccount": {"iban": "FR14 2004"}}, 422),
        ({}, {"requestingAgent": {"financialInstitutionId": {"bicfi": "x"}}}, 422),
        ({}, {"party": {"name": ""}}, 422),
        ({}, {"more": 1}, 422),
    ],
)
async def test_strict_where_the_scheme_is(
    driver: Any, headers: dict[str, str], body: dict[str, Any], status: int
) -> None:
    """E18: what is not of its form is refused, and nobody's name is told."""
    await _held(driver, "Ada Lovelace")
    answer = await driver.client.post(PATH, json=_question(**body), headers={**HEADERS, **headers})
    assert answer.status_code == status
    assert "Lovelace" not in answer.text

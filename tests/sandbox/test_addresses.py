"""Those who know addresses as the sandbox plays them: in their own words, held to the schemas of their pages (S21, E15)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from comptoir.actors.gateways.addresses_ban import Ban
from comptoir.actors.gateways.addresses_canada_post import CanadaPost
from comptoir.actors.gateways.likeness import likeness
from comptoir.actors.kyc.messages import PostalAddress
from comptoir.engine.trust import trust_of
from comptoir.sandbox.parties.address_book import CANADA, FRANCE
from tests.actors.gateways.kyc_schemas import (
    BAN_ANSWER,
    FIND_ANSWER,
    RETRIEVE_ANSWER,
    hold,
)

FIND = "/AddressComplete/Interactive/Find/v2.10/json3.ws"
RETRIEVE = "/AddressComplete/Interactive/Retrieve/v2.11/json3.ws"


async def _search(driver: Any, **query: str) -> Any:
    answer = await driver.client.get("/ban/search", params=query)
    assert answer.status_code == 200, answer.text
    hold(BAN_ANSWER, answer.json())
    return [one["properties"] for one in answer.json()["features"]]


async def _form(driver: Any, path: str, schema: Any, **form: str) -> Any:
    answer = await driver.client.post(path, data={"Key": "AA11", **form})
    assert answer.status_code == 200, answer.text
    hold(schema, answer.json())
    return answer.json()["Items"]


async def test_a_street_of_france(driver: Any) -> None:
    """S21: with its number where it has that, without where it has not; best first; narrowed by postal code."""
    best, *_ = await _search(driver, q="8 bd du port amiens")
    assert (best["type"], best["housenumber"], best["postcode"]) == ("housenumber", "8", "80000")
    best, *_ = await _search(driver, q="9999 bd du port amiens")
    assert (best["type"], best["name"]) == ("street", "Boulevard du Port")
    found = await _search(driver, q="12 victor hugo", limit="1")
    assert len(found) == 1
    (only,) = await _search(driver, q="12 rue victor hugo lyon", postcode="69002", limit="1")
    assert only["city"] == "Lyon"
    assert await _search(driver, q="8 bd du port amiens", postcode="13001") == []
    assert await _search(driver, q="1 nulle part") == []


@pytest.mark.parametrize(
    "query",
    [{"q": "8"}, {"q": "-8 bd"}, {"q": "x" * 201}, {"q": "rue", "limit": "21"}, {"q": "rue", "postcode": "8000"}],
)  # fmt: skip
async def test_france_refuses(driver: Any, query: dict[str, str]) -> None:
    """S21: in the service's own words."""
    answer = await driver.client.get("/ban/search", params=query)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert answer.json()["message"] == "Failed parsing query"


async def test_a_door_of_canada(driver: Any) -> None:
    """S21: found, a building looked into, and had in full in both languages."""
    line, *_ = await _form(driver, FIND, FIND_ANSWER, SearchTerm="2701 riverside")
    assert (line["Description"], line["Next"]) == ("Ottawa, ON, K1A 0B1", "Retrieve")
    full = await _form(driver, RETRIEVE, RETRIEVE_ANSWER, Id=line["Id"])
    assert [one["Language"] for one in full] == ["ENG", "FRE"]
    assert full[0]["PostalCode"] == "K1A 0B1"
    building, *_ = await _form(driver, FIND, FIND_ANSWER, SearchTerm="350 rene levesque ouest")
    assert building["Next"] == "Find"
    units = await _form(driver, FIND, FIND_ANSWER, SearchTerm="350", LastId=building["Id"])
    assert len(units) == 3
    full = await _form(driver, RETRIEVE, RETRIEVE_ANSWER, Id=units[0]["Id"])
    assert full[0]["SubBuilding"] == "101"
    assert await _form(driver, FIND, FIND_ANSWER, SearchTerm="9999 nowhere") == []


async def test_errors_of_canada(driver: Any) -> None:
    """S21: a row of a table, under 200."""
    (row,) = await _form(driver, FIND, FIND_ANSWER, Key="", SearchTerm="x")
    assert row["Error"] == "2"
    (row,) = await _form(driver, FIND, FIND_ANSWER)
    assert row["Error"] == "1001"
    (row,) = await _form(driver, RETRIEVE, RETRIEVE_ANSWER, Id="CAN|PR|99999|")
    assert row["Error"] == "1002"
    assert (await driver.client.post(FIND, json={})).status_code == 415


@pytest.fixture
async def clients(driver: Any) -> AsyncIterator[tuple[Ban, CanadaPost]]:
    """The daemon's own adapters, over the sandbox."""
    base = f"http://127.0.0.1:{driver.port}"
    async with (
        httpx.AsyncClient(base_url=f"{base}/ban", verify=trust_of(base)) as ban,
        httpx.AsyncClient(base_url=base, verify=trust_of(base)) as canada_post,
    ):
        yield Ban(ban), CanadaPost(canada_post, "AA11")


async def test_whatever_is_known_is_verified(clients: tuple[Ban, CanadaPost]) -> None:
    """S24: each address that the sandbox knows, as somebody may write it, is found by the daemon's own adapter, whole."""
    ban, canada_post = clients
    for street in FRANCE:
        declared = PostalAddress(
            f"3, {street.name.upper()}", street.postcode, street.city, "", "FR"
        )
        found = await ban.known(declared)
        assert max(likeness(declared, one).of_100 for one in found) == 100, street
    for door in CANADA:
        declared = PostalAddress(
            door.line.lower(), door.postal_code, door.city, door.province, "CA"
        )
        found = await canada_post.known(declared)
        assert max(likeness(declared, one).of_100 for one in found) == 100, door

"""Addresses: who is asked about which country, what they are asked, and what is made of their answers (S21, S24)."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from jsonschema import ValidationError

from comptoir.actors.gateways.addresses import (
    BAN,
    CANADA_POST,
    address_gateway,
    addresses_gateway,
)
from comptoir.actors.gateways.addresses_ban import Ban
from comptoir.actors.gateways.addresses_canada_post import FINDS_MAX, CanadaPost
from comptoir.actors.gateways.kyc_messages import AddressChecked, CheckAddress, CheckImpossible
from comptoir.actors.kyc.messages import PostalAddress
from comptoir.engine.gateway_spec import CallContext, CallFault, Forwarded, GatewayBounds, Operation
from comptoir.engine.values import Address
from tests.actors.gateways.kyc_schemas import (
    BAN_ANSWER,
    BAN_QUESTION,
    FIND_ANSWER,
    FIND_QUESTION,
    RETRIEVE_ANSWER,
    RETRIEVE_QUESTION,
    hold,
)
from tests.actors.gateways.people import HOME, IN_CANADA, Played

CONTEXT = CallContext(0, 1, "key")
REFERENCE = "ONB-2026-00001:1"
NOTHING: dict[str, Any] = {"type": "FeatureCollection", "features": []}


def _feature(**properties: Any) -> dict[str, Any]:
    usual = {
        "label": "8 Boulevard du Port 80000 Amiens", "score": 0.49, "housenumber": "8", "id": "80021_6590_00008",
        "type": "housenumber", "name": "8 Boulevard du Port", "postcode": "80000", "citycode": "80021", "x": 648952.5,
        "y": 6977867.1, "city": "Amiens", "context": "80, Somme, Hauts-de-France", "importance": 0.67,
        "street": "Boulevard du Port",
    }  # fmt: skip
    point = {"type": "Point", "coordinates": [2.29, 49.89]}
    return {"type": "Feature", "geometry": point, "properties": {**usual, **properties}}


def _features(*features: dict[str, Any]) -> dict[str, Any]:
    found = {"type": "FeatureCollection", "features": list(features)}
    hold(BAN_ANSWER, found)
    return found


def _in_france(party: Played) -> Operation:
    spec = address_gateway(BAN, Ban(party.client()).known, 85, GatewayBounds())
    assert (spec.kind, spec.dead_queue) == ("addresses_ban", "dlq:onboarding")
    return spec.operations[CheckAddress]


def _in_canada(party: Played) -> Operation:
    known = CanadaPost(party.client(), "AA11-AA11-AA11-AA11").known
    return address_gateway(CANADA_POST, known, 85, GatewayBounds()).operations[CheckAddress]


@pytest.mark.parametrize(
    ("country", "target"),
    [("FR", BAN), ("fr", BAN), ("RE", BAN), ("GP", BAN), ("CA", CANADA_POST), ("US", None), ("", None)],
)  # fmt: skip
async def test_who_is_asked(country: str, target: Address | None) -> None:
    """S21, S18: the party that knows the country, by its own gateway; of others there is no answer."""
    asked = CheckAddress(REFERENCE, msgspec.structs.replace(HOME, country=country))
    spec = addresses_gateway(GatewayBounds())
    assert spec.kind == "addresses"
    answer = await spec.operations[CheckAddress].call(asked, CONTEXT)
    if target is None:
        assert answer == CheckImpossible(REFERENCE, "address", "COUNTRY_NOT_COVERED")
    else:
        assert answer == Forwarded(target, asked)


async def test_what_france_is_asked() -> None:
    """S21: as the service's pages have it, and of a person nothing but where they say that they live."""
    party = Played(_features(_feature()))
    answer = await _in_france(party).call(CheckAddress(REFERENCE, HOME), CONTEXT)
    found = PostalAddress("8 Boulevard du Port", "80000", "Amiens", "", "FR")
    assert answer == AddressChecked(REFERENCE, verified=True, likeness=100, found=found)
    (request,) = party.requests
    assert (request.method, request.url.path) == ("GET", "/v1/search")
    hold(BAN_QUESTION, dict(request.url.params))
    assert dict(request.url.params) == {
        "q": "8 bd du Port Amiens", "postcode": "80000", "limit": "5", "autocomplete": "0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("properties", "verified"),
    [
        ({}, True),
        ({"score": 0.01}, True),
        ({"housenumber": "9", "name": "9 Boulevard du Port"}, False),
        ({"type": "street", "housenumber": "", "name": "Boulevard du Port"}, False),
        ({"type": "municipality", "street": "", "housenumber": "", "name": "Amiens"}, False),
        ({"postcode": "80090"}, False),
        ({"city": "Abbeville", "postcode": "80100"}, False),
    ],
)
async def test_what_is_verified(properties: dict[str, Any], verified: bool) -> None:
    """S24: the very address, as we compare it; the service's own score decides nothing."""
    party = Played({"type": "FeatureCollection", "features": [_feature(**properties)]})
    answer = await _in_france(party).call(CheckAddress(REFERENCE, HOME), CONTEXT)
    assert isinstance(answer, AddressChecked)
    assert answer.verified is verified
    assert answer.found is not None


async def test_the_most_alike_is_told() -> None:
    """S24: of several, whatever their order."""
    other = _feature(housenumber="80", name="80 Boulevard du Port", score=0.99)
    party = Played(_features(other, _feature(), other))
    answer = await _in_france(party).call(CheckAddress(REFERENCE, HOME), CONTEXT)
    assert isinstance(answer, AddressChecked)
    assert (answer.verified, answer.likeness) == (True, 100)


async def test_a_wrong_postal_code_is_seen_as_one() -> None:
    """S20: with nothing there under that code, the street is found without it, and not verified."""
    party = Played(_features(_feature()))
    party.script = [NOTHING]
    wrong = msgspec.structs.replace(HOME, postal_code="80999")
    answer = await _in_france(party).call(CheckAddress(REFERENCE, wrong), CONTEXT)
    assert isinstance(answer, AddressChecked)
    assert (answer.verified, answer.likeness) == (False, 80)
    assert ["postcode" in one.url.params for one in party.requests] == [True, False]
    for request in party.requests:
        hold(BAN_QUESTION, dict(request.url.params))


async def test_nothing_like_it_is_known() -> None:
    """S24: that is an answer."""
    answer = await _in_france(Played(NOTHING)).call(CheckAddress(REFERENCE, HOME), CONTEXT)
    assert answer == AddressChecked(REFERENCE, verified=False, likeness=0, found=None)


@pytest.mark.parametrize(
    "address",
    [
        PostalAddress("— 8 bd du Port " * 40, "8000", "Amiens\n", "", "FR"),
        PostalAddress("'t Zand\u202e", "80 000", "Amiens", "", "FR"),
        PostalAddress("-" * 300, "80000", "--", "", "FR"),
        PostalAddress("_", "80000", "é", "", "FR"),
    ],
)
async def test_whatever_is_declared_is_a_question_or_none(address: PostalAddress) -> None:
    """S21: bounded, beginning with a letter or a digit, with a postal code of five digits or none."""
    party = Played(NOTHING)
    await _in_france(party).call(CheckAddress(REFERENCE, address), CONTEXT)
    for request in party.requests:
        hold(BAN_QUESTION, dict(request.url.params))


@pytest.mark.parametrize("blank", ["street", "city"])
async def test_an_address_of_half_an_answer(blank: str) -> None:
    """S21: without a street or a place nobody is asked."""
    party = Played(NOTHING)
    half = msgspec.structs.replace(HOME, **{blank: " "})
    answer = await _in_france(party).call(CheckAddress(REFERENCE, half), CONTEXT)
    assert answer == CheckImpossible(REFERENCE, "address", "ADDRESS_INCOMPLETE")
    assert not party.requests


BEYOND: list[Any] = [
    {"type": "Feature", "features": []},
    {"type": "FeatureCollection", "features": [{}]},
    {"type": "FeatureCollection", "features": [_feature(city=7)]},
    {"type": "FeatureCollection", "features": [_feature(street="x" * 201)]},
    {"type": "FeatureCollection", "features": [_feature()] * 21},
]


@pytest.mark.parametrize("answer", BEYOND)
async def test_an_answer_beyond_its_bounds(answer: Any) -> None:
    """S18: nothing of it is believed."""
    with pytest.raises(CallFault, match="ADDRESSES_ANSWER_INVALID"):
        await _in_france(Played(answer)).call(CheckAddress(REFERENCE, HOME), CONTEXT)


def _line(text: str, description: str, following: str = "Retrieve", id_: str = "CAN|1") -> Any:
    return {
        "Id": id_, "Text": text, "Highlight": "", "Cursor": 0, "Description": description, "Next": following,
    }  # fmt: skip


def _table(schema: Any, *rows: Any) -> Any:
    found = {"Items": list(rows)}
    hold(schema, found)
    return found


def _full(**fields: str) -> Any:
    usual: Any = dict.fromkeys(RETRIEVE_ANSWER["properties"]["Items"]["items"]["anyOf"][1]["properties"], "")  # fmt: skip
    return {
        **usual, "CountryIsoNumber": 124, "Line1": "2701 Riverside Dr", "City": "Ottawa", "ProvinceCode": "ON",
        "PostalCode": "K1A 0B1", **fields,
    }  # fmt: skip


OTHER = _line("2701 River Rd", "Manotick, ON, K4M 1B4", id_="CAN|2")
OURS = _line("2701 Riverside Dr", "Ottawa, ON, K1A 0B1")


async def test_what_canada_is_asked() -> None:
    """S21: found, and the one that is most like it had in full; by forms, so that no key and no address is in a URL."""
    party = Played(_table(RETRIEVE_ANSWER, _full(), _full(City="Ottawa (fr)")))
    party.script = [_table(FIND_ANSWER, OTHER, OURS)]
    answer = await _in_canada(party).call(CheckAddress(REFERENCE, IN_CANADA), CONTEXT)
    found = PostalAddress("2701 Riverside Dr", "K1A 0B1", "Ottawa", "ON", "CA")
    assert answer == AddressChecked(REFERENCE, verified=True, likeness=100, found=found)
    find, retrieve = party.requests
    forms = [dict(parse_qsl(one.content.decode())) for one in party.requests]
    hold(FIND_QUESTION, forms[0])
    hold(RETRIEVE_QUESTION, forms[1])
    assert forms[1]["Id"] == "CAN|1"
    assert (forms[0]["Country"], forms[0]["LanguagePreference"]) == ("CAN", "en")
    assert find.url.path == "/v1/AddressComplete/Interactive/Find/v2.10/json3.ws"
    assert retrieve.url.path == "/v1/AddressComplete/Interactive/Retrieve/v2.11/json3.ws"
    for request in party.requests:
        assert request.method == "POST"
        assert not request.url.query
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_building_is_looked_into() -> None:
    """S21: by its id, a bounded number of times; then there is nothing to have in full."""
    building = _line("2701 Riverside Dr", "Ottawa, ON - 12 Addresses", "Find", "CAN|B")
    party = Played(_table(RETRIEVE_ANSWER, _full(Line1="4-2701 Riverside Dr")))
    party.script = [_table(FIND_ANSWER, building), _table(FIND_ANSWER, OURS)]
    answer = await _in_canada(party).call(CheckAddress(REFERENCE, IN_CANADA), CONTEXT)
    assert isinstance(answer, AddressChecked)
    assert answer.verified
    assert dict(parse_qsl(party.requests[1].content.decode()))["LastId"] == "CAN|B"
    endless = Played(_table(FIND_ANSWER, building))
    answer = await _in_canada(endless).call(CheckAddress(REFERENCE, IN_CANADA), CONTEXT)
    assert answer == AddressChecked(REFERENCE, verified=False, likeness=0, found=None)
    assert len(endless.requests) == FINDS_MAX


async def test_quebec_is_asked_in_french() -> None:
    """S21: in the language in which its streets are written."""
    party = Played(_table(FIND_ANSWER))
    address = PostalAddress("275 rue Notre-Dame E", "H2Y 1C6", "Montréal", "QC", "CA")
    answer = await _in_canada(party).call(CheckAddress(REFERENCE, address), CONTEXT)
    assert answer == AddressChecked(REFERENCE, verified=False, likeness=0, found=None)
    assert dict(parse_qsl(party.requests[0].content.decode()))["LanguagePreference"] == "fr"


@pytest.mark.parametrize(
    ("error", "code", "sick"),
    [
        ("2", "ADDRESSES_CREDENTIALS_REFUSED", True),
        ("3", "ADDRESSES_CREDENTIALS_REFUSED", True),
        ("-1", "ADDRESSES_CREDENTIALS_REFUSED", True),
        ("1001", "ADDRESSES_REFUSED", False),
        ("1002", "ADDRESSES_REFUSED", False),
        ("what", "ADDRESSES_ANSWER_INVALID", False),
    ],
)
async def test_an_error_that_looks_like_an_answer(error: str, code: str, sick: bool) -> None:
    """S27: an error about us (the key, the credit) parks the question; one about it is a no."""
    row = {"Error": error, "Description": "d", "Cause": "c", "Resolution": "r"}
    party = Played(_table(FIND_ANSWER, row))
    with pytest.raises(CallFault, match=code) as caught:
        await _in_canada(party).call(CheckAddress(REFERENCE, IN_CANADA), CONTEXT)
    assert (caught.value.sick, caught.value.retryable) == (sick, code != "ADDRESSES_REFUSED")


async def test_there_is_nobody_who_knows() -> None:
    """S21: whoever asks hears so."""
    spec = address_gateway(BAN, None, 85, GatewayBounds())
    asked = CheckAddress(REFERENCE, HOME)
    assert await spec.operations[CheckAddress].call(asked, CONTEXT) == CheckImpossible(
        REFERENCE, "address", "NOT_CONFIGURED"
    )


def test_the_judge_is_one() -> None:
    """S21: questions that the services refuse do not hold."""
    for wrong in ({"q": "8"}, {"q": "-8 bd"}, {"q": "8 bd du port", "postcode": "800"}, {"q": "8 bd", "x": "1"}):  # fmt: skip
        with pytest.raises(ValidationError):
            hold(BAN_QUESTION, wrong)
    with pytest.raises(ValidationError):
        hold(FIND_QUESTION, {"SearchTerm": "2701 ri"})

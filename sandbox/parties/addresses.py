"""Those who know addresses: the geocoding service of the Base Adresse Nationale, and Canada Post's AddressComplete.

Rules:
- both are strict where they are: what a question must have, and how they refuse it, is theirs;
- the first answers GeoJSON, best first, with a score; a number that a street has not is answered by the street;
- the second finds lines, and buildings that are looked into, and says in full what an id stands for, in both languages; its
  errors are a row of a table, under 200.

Source: as named in the daemon's adapters (docs/providers.md); interface.md 10; spec.md S21, E15.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

from comptoir.sandbox.errors import Refused
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.address_book import (
    CANADA,
    FRANCE,
    LEAST_LIKE,
    Door,
    Street,
    like,
    words,
)
from comptoir.sandbox.parties.party import Effect, Inbound, Party
from comptoir.sandbox.wire.router import Call
from comptoir.sandbox.wire.server import json_reply

NAME: Final = "addresses"
SEARCH = Operation("ban.search", Direction.INBOUND)
FIND = Operation("canada_post.find", Direction.INBOUND)
RETRIEVE = Operation("canada_post.retrieve", Direction.INBOUND)
QUERY: Final = ("q", "postcode", "citycode", "limit", "autocomplete", "type", "index", "lat", "lon")
Q_LEAST, Q_MOST, LIMIT_USUAL, LIMIT_MOST = 3, 200, 5, 20
POSTCODE_DIGITS: Final = 5
SUGGESTIONS_USUAL: Final = 7
INTERACTIVE: Final = "/AddressComplete/Interactive"
Json = dict[str, Any]
ERRORS: Final = {
    "2": ("Unknown key", "The key you are using to access the service was not found."),
    "1001": ("SearchTerm or LastId Required", "The SearchTerm or LastId parameters were not supplied."),
    "1002": ("Not Found", "No item has this id."),
}  # fmt: skip


def party() -> Party:
    """What they are asked."""
    return Party(
        NAME,
        inbound=(
            Inbound(SEARCH, "GET", "/ban/search", _search, QUERY),
            Inbound(FIND, "POST", f"{INTERACTIVE}/Find/v2.10/json3.ws", _find),
            Inbound(RETRIEVE, "POST", f"{INTERACTIVE}/Retrieve/v2.11/json3.ws", _retrieve),
        ),
    )


def _search(call: Call) -> Effect:
    query = call.query
    flaws = [flaw for flaw in (_q_flaw(query.get("q", "")), *_flaws(query)) if flaw]
    if flaws:
        refusal = {"code": 400, "message": "Failed parsing query", "detail": flaws}
        return Effect(json_reply(400, refusal), happened=False)
    asked = words(query["q"])
    number = next((one for one in asked[:1] if one.isdigit()), "")
    scored = [
        (like(asked, words(f"{street.name} {street.city}")), street)
        for street in FRANCE
        if query.get("postcode", street.postcode) == street.postcode
    ]
    best = sorted((one for one in scored if one[0] >= LEAST_LIKE), key=lambda one: -one[0])
    limit = int(query.get("limit", LIMIT_USUAL))
    features = [_feature(score, street, number) for score, street in best[:limit]]
    document = {"type": "FeatureCollection", "features": features, "query": query["q"]}
    return Effect(json_reply(200, document), happened=False)


def _q_flaw(q: str) -> str:
    if Q_LEAST <= len(q.strip()) <= Q_MOST and q.strip()[0].isalnum():
        return ""
    return "q: must contain between 3 and 200 chars and start with a number or a letter"


def _flaws(query: dict[str, str]) -> list[str]:
    """What else is wrong with a question."""
    limit, postcode = query.get("limit", "1"), query.get("postcode", "0" * POSTCODE_DIGITS)
    found: list[str] = []
    if not limit.isdecimal() or not 1 <= int(limit) <= LIMIT_MOST:
        found.append("limit: must be an integer between 1 and 20")
    if not postcode.isdecimal() or len(postcode) != POSTCODE_DIGITS:
        found.append("postcode: not valid")
    return found


def _feature(score: float, street: Street, number: str) -> Json:
    """One address, or the street alone."""
    is_there = number != "" and 1 <= int(number) <= street.last
    name = f"{number} {street.name}" if is_there else street.name
    properties: Json = {
        "label": f"{name} {street.postcode} {street.city}",
        "score": round(score * (1 if is_there or not number else 0.7), 4),
        "id": f"{street.postcode}_{FRANCE.index(street):04}",
        "type": "housenumber" if is_there else "street",
        "name": name,
        "postcode": street.postcode,
        "citycode": street.postcode,
        "city": street.city,
        "context": f"{street.postcode[:2]}, {street.city}",
        "importance": 0.5,
        "street": street.name,
        "x": 652_000.0,
        "y": 6_862_000.0,
        "_type": "address",
    }
    if is_there:
        properties["housenumber"] = number
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [2.35, 48.85]},
        "properties": properties,
    }


def _find(call: Call) -> Effect:
    form = _form(call)
    if not form.get("Key"):
        return _table([_error("2")])
    last, term = form.get("LastId", ""), form.get("SearchTerm", "").strip()
    if not last and not term:
        return _table([_error("1001")])
    most = int(form.get("MaxSuggestions", SUGGESTIONS_USUAL))
    if last:
        place, door, _ = _of_id(last)
        return _table([_unit(place, door, unit) for unit in door.units][:most] if door else [])
    asked = words(term)
    scored = [
        (like(asked, words(f"{door.line} {door.city}")), place)
        for place, door in enumerate(CANADA)
        if door.number in asked
    ]
    best = sorted((one for one in scored if one[0] >= LEAST_LIKE), key=lambda one: -one[0])
    return _table([_line(place, CANADA[place]) for _, place in best[:most]])


def _retrieve(call: Call) -> Effect:
    form = _form(call)
    if not form.get("Key"):
        return _table([_error("2")])
    _, door, unit = _of_id(form.get("Id", ""))
    if door is None:
        return _table([_error("1002")])
    return _table([_full(door, unit, language) for language in ("ENG", "FRE")])


def _form(call: Call) -> dict[str, str]:
    """The fields of a form.

    Raises:
        Refused: it is none.
    """
    kind = call.request.headers.get("content-type", "")
    if not kind.startswith("application/x-www-form-urlencoded"):
        raise Refused(415, "MEDIA_TYPE_UNSUPPORTED", "application/x-www-form-urlencoded")
    try:
        return dict(parse_qsl(call.request.body.decode()))
    except UnicodeDecodeError:
        raise Refused(400, "REQUEST_MALFORMED", "the form is not UTF-8") from None


def _of_id(text: str) -> tuple[int, Door | None, str]:
    """What an id of ours stands for: its place, the door, the unit."""
    parts = text.split("|")
    if len(parts) != 4 or parts[:2] != ["CAN", "PR"] or not parts[2].isdecimal():  # noqa: PLR2004
        return 0, None, ""
    place = int(parts[2])
    return (place, CANADA[place], parts[3]) if place < len(CANADA) else (0, None, "")


def _line(place: int, door: Door) -> Json:
    count = len(door.units)
    return {
        "Id": f"CAN|PR|{place}|",
        "Text": door.line,
        "Highlight": "",
        "Cursor": 0,
        "Description": f"{door.city}, {door.province} - {count} Addresses" if count else door.place,
        "Next": "Find" if count else "Retrieve",
    }


def _unit(place: int, door: Door, unit: str) -> Json:
    return {
        "Id": f"CAN|PR|{place}|{unit}",
        "Text": f"{unit}-{door.line}",
        "Highlight": "",
        "Cursor": 0,
        "Description": door.place,
        "Next": "Retrieve",
    }


def _full(door: Door, unit: str, language: str) -> Json:
    line = f"{unit}-{door.line}" if unit else door.line
    names = ("Id", "DomesticId", "LanguageAlternatives", "Department", "Company", "BuildingName", "SecondaryStreet", "Block",
             "Neighbourhood", "District", "Line2", "Line3", "Line4", "Line5", "AdminAreaName", "AdminAreaCode", "SortingNumber1",
             "SortingNumber2", "Barcode", "POBoxNumber", "Label")  # fmt: skip
    return {
        **dict.fromkeys(names, ""),
        "Language": language,
        "SubBuilding": unit,
        "BuildingNumber": door.number,
        "Street": door.street,
        "City": door.city,
        "Line1": line,
        "Province": door.province,
        "ProvinceName": door.province,
        "ProvinceCode": door.province,
        "PostalCode": door.postal_code,
        "CountryName": "Canada",
        "CountryIso2": "CA",
        "CountryIso3": "CAN",
        "CountryIsoNumber": 124,
        "Type": "Residential",
        "DataLevel": "Premise",
    }


def _error(number: str) -> Json:
    description, cause = ERRORS[number]
    return {"Error": number, "Description": description, "Cause": cause, "Resolution": ""}


def _table(rows: list[Json]) -> Effect:
    return Effect(json_reply(200, {"Items": rows}), happened=False)

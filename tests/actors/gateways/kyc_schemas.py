"""What those who know about people take and answer, as JSON schemas: the judge of our requests and of the sandbox.

Rules:
- BAN and Canada Post are transcribed from the pages that are named: parameters, bounds, fields and types as there. Questions are
  closed; answers are open where the page does not say that a list of fields is whole;
- KYC_COMPLETED is S10's example, with the words that X4 and S22 name;
- the bureau's requests, credit and the press are ours, since S21's names publish none: as docs/providers.md says them.

Source: geoservices.ign.fr/documentation/services/services-geoplateforme/geocodage and adresse.data.gouv.fr/api-doc/adresse (q,
limit, autocomplete, type, postcode, citycode, lat, lon; a GeoCodeJSON FeatureCollection with label, score, housenumber, id,
type, name, postcode, citycode, x, y, city, context, importance, street); IGNF/geocodage lib/params (3 to 200 characters, a letter or
digit first, limit 1 to 20); ux.canadapost-postescanada.ca/ac/support/api/addresscomplete-interactive-find (Key, SearchTerm, LastId,
Country, LanguagePreference, MaxSuggestions; Id, Text, Highlight, Cursor, Description, Next) and .../addresscomplete-interactive-retrieve
(Key, Id; the fields of an address, one row for each language); both: the error table of Error, Description, Cause, Resolution.
"""

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

__all__ = [
    "BAN_ANSWER",
    "BAN_QUESTION",
    "FIND_ANSWER",
    "FIND_QUESTION",
    "KYC_COMPLETED",
    "RETRIEVE_ANSWER",
    "RETRIEVE_QUESTION",
    "SCORE",
    "SCORE_ANSWER",
    "SEARCH",
    "SEARCH_ANSWER",
    "VERIFICATION",
    "VERIFY",
    "VERIFY_ANSWER",
    "hold",
]

Json = dict[str, Any]
TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 200}
ANY_TEXT: Json = {"type": "string"}


def _closed(required: Json, optional: Json | None = None) -> Json:
    return {
        "type": "object", "required": [*required], "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }  # fmt: skip


def _open(required: Json) -> Json:
    return {"type": "object", "required": [*required], "properties": required}


BAN_QUESTION = _closed(
    {"q": {"type": "string", "minLength": 3, "maxLength": 200, "pattern": r"^[^\W_]"}},
    {
        "limit": {"type": "string", "pattern": "^(1?[1-9]|10|20)$"},
        "autocomplete": {"enum": ["0", "1"]},
        "type": {"enum": ["housenumber", "street", "locality", "municipality"]},
        "postcode": {"type": "string", "pattern": "^[0-9]{5}$"},
        "citycode": {"type": "string", "pattern": "^[0-9AB]{5}$"},
        "lat": ANY_TEXT,
        "lon": ANY_TEXT,
    },
)
BAN_ANSWER = _open({
    "type": {"const": "FeatureCollection"},
    "features": {
        "type": "array",
        "maxItems": 20,
        "items": _open({
            "type": {"const": "Feature"},
            "geometry": _open({
                "type": {"const": "Point"},
                "coordinates": {"type": "array", "items": {"type": "number"}, "minItems": 2},
            }),
            "properties": {
                **_open({
                    "label": ANY_TEXT,
                    "score": {"type": "number", "minimum": 0, "maximum": 1},
                    "id": ANY_TEXT,
                    "type": {"enum": ["housenumber", "street", "locality", "municipality"]},
                    "name": ANY_TEXT,
                    "postcode": {"type": "string", "pattern": "^[0-9]{5}$"},
                    "citycode": ANY_TEXT,
                    "x": {"type": "number"},
                    "y": {"type": "number"},
                    "city": ANY_TEXT,
                    "context": ANY_TEXT,
                    "importance": {"type": "number"},
                }),
                "if": {"properties": {"type": {"const": "housenumber"}}},
                "then": {"required": ["housenumber", "street"]},
            },
        }),
    },
})  # fmt: skip
FIND_QUESTION = _closed(
    {"Key": TEXT, "SearchTerm": TEXT},
    {
        "LastId": TEXT,
        "Country": {"type": "string", "pattern": "^[A-Z]{2,3}$"},
        "LanguagePreference": {"type": "string", "pattern": "^[a-z]{2}(-[a-z]{2})?$"},
        "MaxSuggestions": {"type": "string", "pattern": "^[1-9][0-9]*$"},
    },
)
RETRIEVE_QUESTION = _closed({"Key": TEXT, "Id": TEXT})
_ERROR = _closed({"Error": ANY_TEXT, "Description": ANY_TEXT, "Cause": ANY_TEXT, "Resolution": ANY_TEXT})  # fmt: skip


def _table(row: Json) -> Json:
    return _closed({"Items": {"type": "array", "items": {"anyOf": [_ERROR, row]}}})


FIND_ANSWER = _table(
    _closed(
        {
            "Id": ANY_TEXT,
            "Text": ANY_TEXT,
            "Highlight": ANY_TEXT,
            "Cursor": {"type": "integer", "minimum": 0},
            "Description": ANY_TEXT,
            "Next": {"enum": ["Find", "Retrieve"]},
        }
    )
)
RETRIEVE_ANSWER = _table(
    _closed(
        {
            **dict.fromkeys(
                (
                    "Id",
                    "DomesticId",
                    "Language",
                    "LanguageAlternatives",
                    "Department",
                    "Company",
                    "SubBuilding",
                    "BuildingNumber",
                    "BuildingName",
                    "SecondaryStreet",
                    "Street",
                    "Block",
                    "Neighbourhood",
                    "District",
                    "City",
                    "Line1",
                    "Line2",
                    "Line3",
                    "Line4",
                    "Line5",
                    "AdminAreaName",
                    "AdminAreaCode",
                    "Province",
                    "ProvinceName",
                    "ProvinceCode",
                    "PostalCode",
                    "CountryName",
                    "CountryIso2",
                    "CountryIso3",
                    "SortingNumber1",
                    "SortingNumber2",
                    "Barcode",
                    "POBoxNumber",
                    "Label",
                    "Type",
                    "DataLevel",
                ),
                ANY_TEXT,
            ),
            "CountryIsoNumber": {"type": "integer"},
        }
    )
)
CHECK: Json = {"enum": ["PASSED", "FAILED", "REVIEW", "NOT_DONE"]}
RESULT = _closed({
    "status": {"enum": ["APPROVED", "MANUAL_REVIEW", "PENDING_REVIEW", "REJECTED"]},
    "score": {"type": "integer", "minimum": 0, "maximum": 100},
    "checks": _closed(
        dict.fromkeys(
            ("identityVerification", "addressVerification", "pepCheck", "sanctionsCheck", "adverseMedia"), CHECK
        )
    ),
    "riskLevel": {"enum": ["LOW", "MEDIUM", "HIGH"]},
    "recommendation": {"enum": ["AUTO_APPROVE", "MANUAL_REVIEW", "REJECT"]},
    "reviewedBy": TEXT,
    "completedAt": {"type": "string", "format": "date-time"},
})  # fmt: skip
KYC_COMPLETED = _closed(
    {"eventType": {"const": "KYC_COMPLETED"}, "onboardingId": TEXT, "kycResult": RESULT}
)
_COUNTRY: Json = {"type": "string", "pattern": "^[A-Z]{2}$"}
_PARTY = _closed(
    {"id": TEXT, "role": TEXT, "type": {"enum": ["PERSON", "ORGANIZATION"]}},
    {
        "firstName": TEXT,
        "lastName": TEXT,
        "dateOfBirth": {"type": "string", "format": "date"},
        **dict.fromkeys(("residenceCountry", "taxResidence", "nationality"), _COUNTRY),
    },
)
_ADDRESS = _closed(
    {}, {**dict.fromkeys(("street", "postalCode", "city", "province"), TEXT), "country": _COUNTRY}
)
VERIFY = _closed({
    "reference": TEXT,
    "onboardingId": TEXT,
    "clientType": TEXT,
    "parties": {"type": "array", "items": _PARTY, "minItems": 1},
    "address": _ADDRESS,
    "email": ANY_TEXT,
    "phone": ANY_TEXT,
})  # fmt: skip
_VERIFICATION_ID: Json = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"}
VERIFY_ANSWER = _closed({"id": _VERIFICATION_ID, "status": {"const": "PENDING"}})
VERIFICATION = _closed({
    "id": _VERIFICATION_ID,
    "onboardingId": TEXT,
    "reference": TEXT,
    "status": {"enum": ["PENDING", "COMPLETED"]},
    "kycResult": {"anyOf": [{"type": "null"}, RESULT]},
})  # fmt: skip
SCORE = _closed({"reference": TEXT, "party": _PARTY, "address": _ADDRESS})
SCORE_ANSWER = _closed({
    "reference": TEXT,
    "score": {"type": ["integer", "null"], "minimum": 300, "maximum": 900},
    "band": {"type": "string", "pattern": "^[A-Z_]*$"},
})  # fmt: skip
SEARCH = _closed({
    "reference": TEXT,
    "party": _PARTY,
    "page": {"type": "integer", "minimum": 1},
    "limit": {"type": "integer", "minimum": 1, "maximum": 25},
})  # fmt: skip
SEARCH_ANSWER = _closed({
    "reference": TEXT,
    "items": {
        "type": "array",
        "maxItems": 25,
        "items": _closed({"title": ANY_TEXT, "publisher": ANY_TEXT, "publishedAt": ANY_TEXT, "url": ANY_TEXT}),
    },
    "more": {"type": "boolean"},
})  # fmt: skip


def hold(schema: Json, value: Any) -> None:
    """Hold a value to a schema.

    Raises:
        jsonschema.ValidationError: it does not.
    """
    judge: Any = Draft202012Validator(schema, format_checker=FormatChecker())
    judge.validate(value)

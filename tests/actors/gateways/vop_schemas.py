"""What the scheme's inter-PSP API takes and answers, as JSON schemas: the judge of our requests and of the sandbox.

Rules: transcribed from the pages that are named; required fields, lengths and codes as there, with the pattern of
ISO 9362 for a BIC and of ISO 13616 for an IBAN. Both are closed. Of `party` the check of a name alone is transcribed,
since an identification (LEI, VAT, ...) is never sent here.

Source: portal.epc-vop.banfico.io/developers/responder/vop (headers, party, partyAccount, partyAgent, requestingAgent;
partyNameMatch, partyIdMatch, matchedName: Max140Text, "if and only if ... Close Match");
docs.verification-of-payee.com/02-integration/endpoints/01-verification (the names within them); ISO 20022 acmt.023.
"""

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

__all__ = ["ANSWER", "HEADERS", "QUESTION", "holds"]

Json = dict[str, Any]
MAX140: Json = {"type": "string", "minLength": 1, "maxLength": 140}
BIC = r"^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$"
IBAN = r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}$"


def _closed(required: Json, optional: Json | None = None) -> Json:
    return {
        "type": "object", "required": [*required], "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }  # fmt: skip


_AGENT = _closed({"financialInstitutionId": _closed({"bicfi": {"type": "string", "pattern": BIC}})})
QUESTION: Json = _closed(
    {
        "party": _closed({"name": MAX140}),
        "partyAccount": _closed({"iban": {"type": "string", "pattern": IBAN}}),
        "requestingAgent": _AGENT,
    },
    {
        "partyAgent": _AGENT,
        "unstructuredRemittanceInformation": {"type": "array", "items": MAX140, "maxItems": 1},
    },
)
HEADERS: Json = {
    "type": "object",
    "required": ["authorization", "content-type", "x-request-id", "x-request-timestamp"],
    "properties": {
        "authorization": {"type": "string", "pattern": r"^Bearer \S+$"},
        "content-type": {"const": "application/json"},
        "x-request-id": {"type": "string", "format": "uuid"},
        "x-request-timestamp": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        },
    },
}
ANSWER: Json = {
    **_closed(
        {"partyNameMatch": {"enum": ["MTCH", "NMTC", "CMTC", "NOAP"]}},
        {"partyIdMatch": {"enum": ["MTCH", "NMTC", "NOAP"]}, "matchedName": MAX140},
    ),
    "if": {"properties": {"partyNameMatch": {"const": "CMTC"}}},
    "then": {"required": ["matchedName"]},
    "else": {"properties": {"matchedName": False}},
}


def holds(schema: Json, value: Any) -> None:
    """Hold a value to a schema.

    Raises:
        jsonschema.ValidationError: it does not.
    """
    judge: Any = Draft202012Validator(schema, format_checker=FormatChecker())
    judge.validate(value)

"""What Tink's API takes and answers, as JSON schemas: the judge of our requests and of the sandbox's answers.

Rules: transcribed from the pages that are named, without what is never sent here; required fields and types
as there. Requests are closed (a field or a parameter that Tink does not name is a fault of ours), answers are
open. A form is held as the object of its fields, each a text.

Source: docs.tink.com/api (general: OAuth, user; connectivity-v1: credentials, provider, provider consent;
data-v2: account, transaction), docs.tink.com/resources/transactions/webhooks-for-transactions,
docs.tink.com/resources/tink-link-web.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

__all__ = ["ERROR", "STATUSES", "WEBHOOKS", "hold", "hold_page", "hold_request", "hold_response"]

Json = dict[str, Any]
TEXT: Json = {"type": "string", "minLength": 1}
ANY_TEXT: Json = {"type": "string"}
INTEGER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
TIMESTAMP: Json = {"type": "integer", "minimum": 0}
DAY: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
WHOLE: Json = {"type": "string", "pattern": r"^-?\d+$"}
PAGE_SIZE: Json = {"pattern": r"^([1-9]\d?|100)$"}
"""At most 100."""
LATIN: Json = {"type": "string", "minLength": 1, "pattern": r"^[\u0020-\u007e\u00a0-\u00ff]+$"}
MARKET: Json = {"type": "string", "pattern": "^[A-Z]{2}$"}
LOCALE: Json = {"type": "string", "pattern": "^[a-z]{2}_[A-Z]{2}$"}
SCOPES: Json = {"type": "string", "pattern": r"^[a-z-]+:[a-z]+(,[a-z-]+:[a-z]+)*$"}
"""Separated by commas."""


def _maybe(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": [*required], "properties": properties}


def _closed(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    return {**_object(required, optional), "additionalProperties": False}


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}


STATUSES = (
    "CREATED", "AUTHENTICATING", "AWAITING_MOBILE_BANKID_AUTHENTICATION",
    "AWAITING_SUPPLEMENTAL_INFORMATION", "UPDATING", "UPDATED", "AUTHENTICATION_ERROR", "TEMPORARY_ERROR",
    "PERMANENT_ERROR", "AWAITING_THIRD_PARTY_APP_AUTHENTICATION", "DELETED", "SESSION_EXPIRED",
)  # fmt: skip
"""Of a provider consent."""
ERROR = _object({"errorMessage": ANY_TEXT, "errorCode": TEXT})
_DETAILED = _object({}, {
    "type": {"enum": ["UNKNOWN_ERROR", "TINK_SIDE_ERROR", "PROVIDER_ERROR", "USER_LOGIN_ERROR",
                      "AUTHORIZATION_ERROR", "ACCOUNT_INFORMATION_ERROR"]},
    "displayMessage": ANY_TEXT,
    "details": _object({}, {"reason": ANY_TEXT, "retryable": FLAG}),
})  # fmt: skip
_CONSENT = _object({}, {
    "accountIds": _list(TEXT), "credentialsId": TEXT, "detailedError": _maybe(_DETAILED),
    "providerName": TEXT, "sessionExpiryDate": TIMESTAMP, "sessionExtendable": FLAG,
    "status": {"enum": [*STATUSES]}, "statusUpdated": TIMESTAMP,
})  # fmt: skip
_EXACT = _object({}, {"scale": WHOLE, "unscaledValue": WHOLE})
_AMOUNT = _object(
    {}, {"currencyCode": {"type": "string", "pattern": "^[A-Z]{3}$"}, "value": _EXACT}
)
_BALANCE = _object({}, {"amount": _AMOUNT})
_ACCOUNT = _object(
    {
        "id": TEXT, "name": ANY_TEXT, "dates": _object({}, {"lastRefreshed": TEXT}),
        "type": {"enum": ["UNDEFINED", "CHECKING", "SAVINGS", "CREDIT_CARD"]},
    },
    {
        "balances": _object({}, {"available": _BALANCE, "booked": _BALANCE}),
        "customerSegment": {"enum": ["UNDEFINED_CUSTOMER_SEGMENT", "PERSONAL", "BUSINESS"]},
        "financialInstitutionId": TEXT,
        "identifiers": _object({}, {
            "iban": _object({}, {"iban": TEXT, "bban": TEXT}), "pan": _object({}, {"masked": TEXT}),
            "financialInstitution": _object({}, {"accountNumber": TEXT}),
        }),
    },
)  # fmt: skip
_TRANSACTION = _object(
    {
        "accountId": TEXT, "amount": _AMOUNT, "id": TEXT,
        "status": {"enum": ["UNDEFINED", "PENDING", "BOOKED"]},
        "types": _object(
            {"type": {"enum": ["UNDEFINED", "CREDIT_CARD", "PAYMENT", "WITHDRAWAL", "DEFAULT", "TRANSFER"]}},
            {"financialInstitutionTypeCode": ANY_TEXT},
        ),
    },
    {
        "dates": _object({}, {"booked": DAY, "transaction": DAY, "value": DAY}),
        "descriptions": _object({"display": ANY_TEXT, "original": ANY_TEXT}, {
            "detailed": _object({}, {"unstructured": ANY_TEXT}),
        }),
        "identifiers": _object({}, {"providerTransactionId": ANY_TEXT}),
        "merchantInformation": _object({}, {"merchantCategoryCode": ANY_TEXT, "merchantName": ANY_TEXT}),
        "providerMutability": {"enum": ["MUTABILITY_UNDEFINED", "MUTABLE", "IMMUTABLE"]},
        "reference": ANY_TEXT, "bookedDateTime": TEXT, "transactionDateTime": TEXT, "valueDateTime": TEXT,
    },
)  # fmt: skip
_NOTHING = _closed({})
_NO_BODY: Json = {"type": "null"}
_USER: Json = {"oneOf": [{"required": ["user_id"]}, {"required": ["external_user_id"]}]}
"""One of them, not both."""
_WHOM: Mapping[str, Json] = {"user_id": TEXT, "external_user_id": TEXT}
_CODE = _object({"code": TEXT})
_TOKEN_FORM: Json = {"oneOf": [
    _closed({"client_id": TEXT, "client_secret": TEXT, "grant_type": {"const": "client_credentials"}}, {"scope": SCOPES}),
    _closed({"client_id": TEXT, "client_secret": TEXT, "grant_type": {"const": "authorization_code"}, "code": TEXT}),
]}  # fmt: skip
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
Row = tuple[str, str, Json, str, Json, Json]
ROWS: tuple[Row, ...] = (
    ("POST", "/api/v1/oauth/token", _NOTHING, FORM, _TOKEN_FORM, _object({
        "access_token": TEXT, "expires_in": INTEGER, "scope": ANY_TEXT, "token_type": {"const": "bearer"},
    }, {"id_hint": ANY_TEXT})),
    ("POST", "/api/v1/oauth/authorization-grant", _NOTHING, FORM,
     {**_closed({"scope": SCOPES}, _WHOM), **_USER}, _CODE),
    ("POST", "/api/v1/oauth/authorization-grant/delegate", _NOTHING, FORM,
     {**_closed({"scope": SCOPES, "id_hint": LATIN, "actor_client_id": {"pattern": "^[0-9a-f]{32}$"}}, _WHOM), **_USER},
     _CODE),
    ("POST", "/api/v1/user/create", _NOTHING, JSON, _closed({"market": MARKET}, {
        "external_user_id": TEXT, "locale": LOCALE, "retention_class": {"enum": ["permanent", "temporary"]},
    }), _object({"user_id": TEXT}, {"external_user_id": TEXT})),
    ("POST", "/api/v1/user/delete", _NOTHING, "", _NO_BODY, {}),
    ("GET", "/api/v1/provider-consents", _closed({}, {"credentialsId": TEXT}), "", _NO_BODY,
     _object({}, {"providerConsents": _list(_CONSENT)})),
    ("GET", "/api/v1/providers", _closed({}, {"name": TEXT, "includeTestProviders": {"enum": ["true", "false"]}}),
     "", _NO_BODY, _object({"providers": _list(_object({}, {"name": TEXT, "displayName": TEXT}))})),
    ("DELETE", "/api/v1/credentials/[^/]+", _NOTHING, "", _NO_BODY, {}),
    ("GET", "/data/v2/accounts", _closed({}, {"pageSize": PAGE_SIZE, "pageToken": TEXT}), "", _NO_BODY,
     _object({}, {"accounts": _list(_ACCOUNT), "nextPageToken": ANY_TEXT})),
    ("GET", "/data/v2/transactions", _closed({}, {
        "pageSize": PAGE_SIZE, "pageToken": TEXT, "accountIdIn": TEXT, "bookedDateGte": DAY, "bookedDateLte": DAY,
        "statusIn": {"enum": ["UNDEFINED", "PENDING", "BOOKED"]},
    }), "", _NO_BODY, _object({}, {"transactions": _list(_TRANSACTION), "nextPageToken": ANY_TEXT})),
)  # fmt: skip
"""Method, path, query, media type, body, answer."""
_LINK: Mapping[str, Json] = {"authorization_code": TEXT, "client_id": TEXT, "redirect_uri": TEXT}
PAGES: Mapping[str, Json] = {
    "connect-accounts": _closed(_LINK, {"market": MARKET, "locale": LOCALE, "state": TEXT}),
    "update-consent": _closed({**_LINK, "credentials_id": TEXT}, {"locale": LOCALE, "state": TEXT}),
}
"""Tink Link, by the last part of its path."""
_CONTEXT = _object({"userId": TEXT}, {"externalUserId": TEXT})


def _webhook(event: str, required: Mapping[str, Json], optional: Mapping[str, Json]) -> Json:
    content = _object(required, {"externalUserId": TEXT, **optional})
    return _object({"context": _CONTEXT, "content": content, "event": {"const": event}})


_REFRESHED: Json = {
    "enum": ["UPDATED", "TEMPORARY_ERROR", "AUTHENTICATION_ERROR", "SESSION_EXPIRED"]
}
_OF_ACCOUNT: Mapping[str, Json] = {"userId": TEXT, "account": _object({"id": TEXT})}
_MODIFIED: Mapping[str, Json] = {"transactions": _object({}, {
    "earliestModifiedBookedDate": DAY, "latestModifiedBookedDate": DAY, "inserted": INTEGER, "updated": INTEGER,
    "deleted": INTEGER,
})}  # fmt: skip
WEBHOOKS: Mapping[str, Json] = {
    "refresh:finished": _webhook("refresh:finished", {
        "credentialsId": TEXT, "status": _REFRESHED, "credentialsStatus": _REFRESHED, "finished": TIMESTAMP,
    }, {
        "source": {"enum": ["OPERATION_SOURCE_API", "OPERATION_SOURCE_BACKGROUND", "OPERATION_SOURCE_STREAMING"]},
        "sessionExpiryDate": TIMESTAMP, "detailedError": _DETAILED,
    }),
    "account-transactions:modified": _webhook("account-transactions:modified", _OF_ACCOUNT, _MODIFIED),
    "account-booked-transactions:modified": _webhook(
        "account-booked-transactions:modified", _OF_ACCOUNT, _MODIFIED
    ),
    "account-transactions:deleted": _webhook("account-transactions:deleted", _OF_ACCOUNT, {
        "transactions": _object({}, {"ids": _list(TEXT)}),
    }),
}  # fmt: skip
"""By event. The table of `refresh:finished` calls its times texts, its examples have numbers: these are held."""


def _row(method: str, path: str) -> Row:
    found = [row for row in ROWS if row[0] == method and re.fullmatch(row[1], path)]
    assert len(found) == 1, f"{method} {path} is none of Tink's"
    return found[0]


def hold_request(method: str, path: str, query: str, content: str) -> None:
    """Hold a request to its page: its query, and its body as it was sent.

    Raises:
        AssertionError: Tink would not take it.
    """
    _, _, wanted, media_type, form, _ = _row(method, path)
    _hold(wanted, dict(parse_qsl(query, keep_blank_values=True)), path)
    body: object = json.loads(content) if media_type == JSON else content or None
    if media_type == FORM:
        body = dict(parse_qsl(content, keep_blank_values=True, strict_parsing=True))
    _hold(form, body, path)


def hold_response(method: str, path: str, document: object) -> None:
    """Hold an answer to its page.

    Raises:
        AssertionError: Tink would not give it.
    """
    _hold(_row(method, path)[5], document, path)


def hold_page(flow: str, query: Mapping[str, str]) -> None:
    """Hold an address of Tink Link.

    Raises:
        AssertionError: it is not right.
    """
    _hold(PAGES[flow], dict(query), flow)


def hold(schemas: Mapping[str, Json], name: str, document: object) -> None:
    """Hold a document to one of some schemas.

    Raises:
        AssertionError: it is not of it.
    """
    _hold(schemas[name], document, name)


def _hold(schema: Json, document: object, name: str) -> None:
    judge: Any = Draft202012Validator(schema)
    try:
        judge.validate(document)
    except ValidationError as error:
        raise AssertionError(f"{name}: {error.json_path}: {error.message}") from None

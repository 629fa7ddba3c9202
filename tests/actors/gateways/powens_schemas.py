"""What Powens's API takes and answers, as JSON schemas: the judge of our requests and of the sandbox's answers.

Rules: transcribed from the pages that are named, without what is never sent here; required fields and types
as there. Requests are closed (a field or a parameter that Powens does not name is a fault of ours), answers
are open, as Powens says that theirs are. `DateTime` is a text; its zone, Powens leaves open. A `BankAccount`'s
`type` is an object by its page and a text in answers that people have published: either is right.

Source: docs.powens.com/api-reference/overview/authentication, /overview/webview, /overview/errors,
/user-connections/connections, /user-connections/users, /products/data-aggregation/bank-accounts,
/products/data-aggregation/bank-transactions; docs.powens.com/documentation/integration-guides/webhooks.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator

__all__ = ["ERROR", "WEBHOOKS", "hold_page", "hold_request", "hold_response", "hold_webhook"]

Json = dict[str, Any]
TEXT: Json = {"type": "string", "minLength": 1}
ANY_TEXT: Json = {"type": "string"}
INTEGER: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
DAY: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
MOMENT: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"}
DECIMAL: Json = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}]}
"""A decimal number; some answers write it as a text."""
SECRET: Json = {"type": "string", "minLength": 8}


def _maybe(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": [*required], "properties": properties}


def _closed(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    return {**_object(required, optional), "additionalProperties": False}


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}


ERROR = _object({"code": TEXT}, {
    "description": _maybe(ANY_TEXT), "message": _maybe(ANY_TEXT), "request_id": INTEGER,
})  # fmt: skip
STATES = (
    "SCARequired", "webauthRequired", "additionalInformationNeeded", "decoupled", "validating", "actionNeeded",
    "passwordExpired", "wrongpass", "rateLimiting", "websiteUnavailable", "bug", "notSupported",
)  # fmt: skip
_CURRENCY = _object({"id": {"type": "string", "pattern": "^[A-Z]{3}$"}}, {"name": ANY_TEXT})
_ACCOUNT = _object(
    {
        "id": INTEGER, "original_name": ANY_TEXT, "display": FLAG, "id_type": INTEGER, "bookmarked": INTEGER,
        "name": ANY_TEXT, "type": {"anyOf": [TEXT, _object({"name": TEXT})]},
    },
    {
        "id_connection": _maybe(INTEGER), "id_user": _maybe(INTEGER), "id_parent": _maybe(INTEGER),
        "number": _maybe(ANY_TEXT), "balance": _maybe(DECIMAL), "coming": _maybe(DECIMAL),
        "last_update": _maybe(MOMENT), "deleted": _maybe(MOMENT), "disabled": _maybe(MOMENT),
        "iban": _maybe(ANY_TEXT), "currency": _maybe(_CURRENCY), "error": _maybe(ANY_TEXT),
        "usage": _maybe({"enum": ["PRIV", "ORGA"]}),
    },
)  # fmt: skip
_CONNECTOR = _object({"id": INTEGER, "uuid": TEXT, "name": TEXT})
_CONNECTION = _object(
    {"id": INTEGER, "id_connector": INTEGER, "active": FLAG, "connector_uuid": TEXT},
    {
        "id_user": _maybe(INTEGER), "state": _maybe(TEXT), "error": _maybe(TEXT),
        "error_message": _maybe(ANY_TEXT), "fields": _maybe(_list(_object({}))),
        "last_update": _maybe(MOMENT), "created": _maybe(MOMENT), "last_push": _maybe(MOMENT),
        "expire": _maybe(MOMENT), "next_try": _maybe(MOMENT), "connector": _CONNECTOR,
        "accounts": _list(_ACCOUNT),
    },
)  # fmt: skip
_TYPES = (
    "transfer", "order", "check", "deposit", "payback", "withdrawal", "loan_repayment", "bank", "card",
    "deferred_card", "summary_card", "unknown", "market_order", "market_fee", "arbitrage", "profit", "refund",
    "payout", "payment", "fee",
)  # fmt: skip
_TRANSACTION = _object(
    {
        "id": INTEGER, "id_account": INTEGER, "date": DAY, "rdate": DAY, "type": {"enum": [*_TYPES]},
        "original_wording": ANY_TEXT, "simplified_wording": ANY_TEXT, "date_scraped": MOMENT, "coming": FLAG,
        "active": FLAG,
    },
    {
        "application_date": _maybe(DAY), "datetime": _maybe(MOMENT), "vdate": _maybe(DAY),
        "value": _maybe(DECIMAL), "gross_value": _maybe(DECIMAL), "wording": _maybe(ANY_TEXT),
        "categories": _list(_object({"code": TEXT})), "comment": _maybe(ANY_TEXT),
        "last_update": _maybe(MOMENT), "deleted": _maybe(MOMENT), "original_value": _maybe(DECIMAL),
        "original_currency": _maybe(_CURRENCY), "card": _maybe(ANY_TEXT), "country": _maybe(ANY_TEXT),
        "counterparty": _maybe(_object({}, {"label": _maybe(ANY_TEXT)})),
    },
)  # fmt: skip
_LINK = _maybe(_object({"href": {"type": "string", "pattern": "^https?://"}}))
_TRANSACTIONS = _object(
    {"transactions": _list(_TRANSACTION)},
    {
        "first_date": _maybe(DAY), "last_date": _maybe(DAY), "result_min_date": _maybe(DAY),
        "result_max_date": _maybe(DAY), "_links": _object({}, {"self": _LINK, "prev": _LINK, "next": _LINK}),
    },
)  # fmt: skip
_BEARER = _object({"access_token": SECRET, "token_type": {"const": "Bearer"}})
_CREDENTIALS: Json = {"client_id": TEXT, "client_secret": TEXT}
_NO_BODY: Json = {"const": None}
_NO_QUERY = _closed({})
_WEBVIEW: Json = {"domain": TEXT, "client_id": TEXT, "code": TEXT}

Row = tuple[str, str, Json, Json, Json]
ROWS: tuple[Row, ...] = (
    ("POST", "/auth/init", _NO_QUERY, _closed({}, _CREDENTIALS), _object(
        {"auth_token": SECRET, "type": {"enum": ["temporary", "permanent"]}, "id_user": INTEGER},
        {"expires_in": _maybe(INTEGER)},
    )),
    ("GET", "/auth/token/code", _closed({}, {"type": {"enum": ["singleAccess", "requestAccess"]}}), _NO_BODY,
     _object(
         {"code": SECRET, "type": {"const": "temporary"}, "access": {"enum": ["single", "standard"]}},
         {"expires_in": _maybe(INTEGER)},
     )),
    ("POST", "/auth/token/access", _NO_QUERY, _closed(
        {**_CREDENTIALS, "code": TEXT}, {"grant_type": {"const": "authorization_code"}}
    ), _BEARER),
    ("POST", "/auth/renew", _NO_QUERY, _closed(
        {"grant_type": {"const": "client_credentials"}, **_CREDENTIALS, "id_user": INTEGER},
        {"revoke_previous": FLAG},
    ), _BEARER),
    ("GET", "/users/me/connections", _closed({}, {"expand": TEXT}), _NO_BODY,
     _object({"connections": _list(_CONNECTION)})),
    ("GET", r"/users/me/connections/\d+", _closed({}, {"expand": TEXT}), _NO_BODY, _CONNECTION),
    ("DELETE", r"/users/me/connections/\d+", _NO_QUERY, _NO_BODY, {}),
    ("DELETE", "/users/me", _NO_QUERY, _NO_BODY, {}),
    ("GET", "/users/me/transactions", _closed({"limit": {"pattern": r"^(1000|[1-9]\d{0,2})$"}}, {
        "all": {"const": ""}, "filter": {"enum": ["application_date", "date"]}, "min_date": DAY,
        "max_date": DAY, "last_update": MOMENT, "offset": {"pattern": r"^\d+$"},
    }), _NO_BODY, _TRANSACTIONS),
)  # fmt: skip
"""Method, path below the base, query, body, answer. `offset` stands in the links of the sandbox alone."""
PAGES: Mapping[str, Json] = {
    "connect": _closed({"domain": TEXT, "client_id": TEXT, "redirect_uri": TEXT}, {
        "code": TEXT, "state": TEXT, "connector_capabilities": {"const": "bank"},
        "account_types": {"pattern": "^[a-z,]+$"}, "max_connections": {"pattern": "^[1-9]$"},
    }),
    "reconnect": _closed({**_WEBVIEW, "redirect_uri": TEXT, "connection_id": {"pattern": r"^\d+$"}}, {
        "state": TEXT, "reset_credentials": {"enum": ["true", "false"]},
    }),
    "manage": _closed(_WEBVIEW, {
        "connection_id": {"pattern": r"^\d+$"}, "redirect_uri": TEXT, "state": TEXT,
    }),
}  # fmt: skip
WEBHOOKS: Mapping[str, Json] = {
    "CONNECTION_SYNCED": _object({
        "id_webhook_data": INTEGER, "user": _object({"id": INTEGER}), "connection": _object({
            **_CONNECTION["properties"], "accounts": _list(_object(
                _ACCOUNT["properties"], {"transactions": _list(_TRANSACTION)}
            )),
        }) | {"required": ["id", "state", "active", "accounts", "connector_uuid"]},
    }) | {"required": ["user", "connection", "id_webhook_data"]},
    "CONNECTION_DELETED": {**_CONNECTION, "required": [*_CONNECTION["required"], "id_webhook_data"]},
}  # fmt: skip
_ACCOUNTS_OF_SYNCED = WEBHOOKS["CONNECTION_SYNCED"]["properties"]["connection"]["properties"][
    "accounts"
]
_ACCOUNTS_OF_SYNCED["items"]["required"] = [*_ACCOUNT["required"], "transactions"]


def _hold(schema: Json, document: object) -> None:
    judge: Any = Draft202012Validator(schema)
    judge.validate(document)


def _row(method: str, path: str) -> Row:
    found = [row for row in ROWS if row[0] == method and re.fullmatch(row[1], path)]
    assert len(found) == 1, f"{method} {path} is none of Powens's"
    return found[0]


def hold_request(method: str, path: str, query: str, body: object) -> None:
    """Fail unless a request is one that Powens takes."""
    _, _, wanted, form, _ = _row(method, path)
    _hold(wanted, dict(parse_qsl(query, keep_blank_values=True)))
    _hold(form, body)


def hold_response(method: str, path: str, document: object) -> None:
    """Fail unless an answer is one that Powens gives."""
    _hold(_row(method, path)[4], document)


def hold_page(flow: str, query: Mapping[str, str]) -> None:
    """Fail unless an address of the webview is right."""
    _hold(PAGES[flow], dict(query))


def hold_webhook(event: str, document: object) -> None:
    """Fail unless a webhook is one that Powens sends."""
    _hold(WEBHOOKS[event], document)

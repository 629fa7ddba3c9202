"""What Plaid's API takes and answers, as JSON schemas: the judge of our requests and of the sandbox's answers.

Rules: transcribed from the pages that are named, without what is never sent here; required fields and types
as there. Requests are closed (a field that Plaid does not name is a fault of ours), answers are open, as
Plaid says that theirs are. Credentials are in headers, which the pages allow.

Source: plaid.com/docs/api/link, /api/items, /api/accounts, /api/products/transactions,
/api/webhooks, /api/webhooks/webhook-verification, /errors (API version 2020-09-14).
"""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

__all__ = ["ERROR", "REQUESTS", "RESPONSES", "WEBHOOKS", "hold", "hold_webhook"]

Json = dict[str, Any]
TEXT: Json = {"type": "string", "minLength": 1}
MAYBE_TEXT: Json = {"type": ["string", "null"]}
TIME: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
MAYBE_TIME: Json = {"anyOf": [TIME, {"type": "null"}]}
DAY: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
PRODUCTS: Json = {"type": "array", "items": TEXT}


def _object(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": [*required], "properties": properties}


def _closed(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    return {**_object(required, optional), "additionalProperties": False}


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}


ERROR = _object(
    {
        "error_type": {"enum": [
            "INVALID_REQUEST", "INVALID_RESULT", "INVALID_INPUT", "INSTITUTION_ERROR", "RATE_LIMIT_EXCEEDED",
            "API_ERROR", "ITEM_ERROR", "OAUTH_ERROR", "TRANSACTIONS_ERROR", "TRANSACTION_ERROR",
        ]},
        "error_code": TEXT,
        "error_message": {"type": "string"},
        "display_message": MAYBE_TEXT,
    },
    {"request_id": TEXT, "status": {"type": ["integer", "null"]}, "documentation_url": TEXT},
)  # fmt: skip
_MAYBE_ERROR: Json = {"anyOf": [ERROR, {"type": "null"}]}
_ITEM = _object(
    {
        "item_id": TEXT,
        "webhook": MAYBE_TEXT,
        "error": _MAYBE_ERROR,
        "available_products": PRODUCTS,
        "billed_products": PRODUCTS,
        "consent_expiration_time": MAYBE_TIME,
        "update_type": {"enum": ["background", "user_present_required"]},
    },
    {"institution_id": MAYBE_TEXT, "institution_name": MAYBE_TEXT, "products": PRODUCTS},
)
_BALANCES = _object(
    {
        "available": {"type": ["number", "null"]},
        "current": {"type": ["number", "null"]},
        "limit": {"type": ["number", "null"]},
        "iso_currency_code": MAYBE_TEXT,
        "unofficial_currency_code": MAYBE_TEXT,
    }
)
_ACCOUNT = _object(
    {
        "account_id": TEXT,
        "balances": _BALANCES,
        "mask": MAYBE_TEXT,
        "name": {"type": "string"},
        "official_name": MAYBE_TEXT,
        "type": {"enum": ["investment", "credit", "depository", "loan", "brokerage", "other"]},
        "subtype": MAYBE_TEXT,
    },
    {"persistent_account_id": TEXT},
)
_TRANSACTION = _object(
    {
        "account_id": TEXT,
        "amount": {"type": "number"},
        "iso_currency_code": MAYBE_TEXT,
        "unofficial_currency_code": MAYBE_TEXT,
        "date": DAY,
        "datetime": MAYBE_TIME,
        "authorized_date": {"anyOf": [DAY, {"type": "null"}]},
        "authorized_datetime": MAYBE_TIME,
        "location": _object(dict.fromkeys(("address", "city", "region", "postal_code", "country", "store_number"), MAYBE_TEXT)),
        "name": {"type": "string"},
        "payment_meta": {"type": "object"},
        "payment_channel": {"enum": ["online", "in store", "other"]},
        "pending": {"type": "boolean"},
        "pending_transaction_id": MAYBE_TEXT,
        "account_owner": MAYBE_TEXT,
        "transaction_id": TEXT,
        "transaction_code": {"enum": [
            "adjustment", "atm", "bank charge", "bill payment", "cash", "cashback", "cheque", "direct debit",
            "interest", "purchase", "standing order", "transfer", None,
        ]},
    },
    {
        "merchant_name": MAYBE_TEXT,
        "original_description": MAYBE_TEXT,
        "personal_finance_category": {
            "anyOf": [_object({"primary": TEXT, "detailed": TEXT}), {"type": "null"}]
        },
    },
)  # fmt: skip
_SESSION = _object(
    {"link_session_id": TEXT},
    {
        "started_at": TIME,
        "finished_at": MAYBE_TIME,
        "on_success": {"anyOf": [_object({"public_token": TEXT}), {"type": "null"}]},
        "exit": {"type": ["object", "null"]},
        "events": {"type": "array"},
        "results": {
            "anyOf": [
                _object(
                    {
                        "item_add_results": _list(
                            _object({"public_token": TEXT, "accounts": {"type": "array"},
                                     "institution": {"type": ["object", "null"]}})
                        )
                    }
                ),
                {"type": "null"},
            ]
        },
    },
)  # fmt: skip
_REQUEST_ID: Json = {"request_id": TEXT}

REQUESTS: Mapping[str, Json] = {
    "/link/token/create": {
        **_closed(
            {
                "client_name": {"type": "string", "minLength": 1, "maxLength": 30},
                "language": {"enum": [
                    "da", "nl", "en", "et", "fr", "de", "hi", "it", "lv", "lt", "no", "pl", "pt", "ro", "es",
                    "sv", "vi",
                ]},
                "country_codes": {"type": "array", "minItems": 1, "items": {"enum": [
                    "US", "GB", "ES", "NL", "FR", "IE", "CA", "DE", "IT", "PL", "DK", "NO", "SE", "EE", "LT",
                    "LV", "PT", "BE", "AT", "FI",
                ]}},
                "user": _closed({"client_user_id": TEXT}),
            },
            {
                "products": PRODUCTS,
                "access_token": TEXT,
                "webhook": TEXT,
                "transactions": _closed({}, {"days_requested": {"type": "integer", "minimum": 1, "maximum": 730}}),
                "account_filters": _closed({}, {
                    kind: _closed({"account_subtypes": {**PRODUCTS, "minItems": 1}})
                    for kind in ("depository", "credit", "loan", "investment")
                }),
                "hosted_link": _closed({}, {
                    "completion_redirect_uri": TEXT,
                    "url_lifetime_seconds": {"type": "integer", "minimum": 1},
                    "is_mobile_app": {"type": "boolean"},
                }),
            },
        ),
        # In update mode no product is named; else one is needed at least.
        "oneOf": [{"required": ["access_token"], "not": {"required": ["products"]}},
                  {"required": ["products"], "not": {"required": ["access_token"]}}],
    },
    "/link/token/get": _closed({"link_token": TEXT}),
    "/item/public_token/exchange": _closed({"public_token": TEXT}),
    "/item/get": _closed({"access_token": TEXT}),
    "/item/remove": _closed({"access_token": TEXT}, {"reason_code": TEXT, "reason_note": TEXT}),
    "/item/webhook/update": _closed({"access_token": TEXT}, {"webhook": MAYBE_TEXT}),
    "/accounts/get": _closed({"access_token": TEXT}, {"options": {"type": "object"}}),
    "/transactions/sync": _closed(
        {"access_token": TEXT},
        {
            "cursor": {"type": "string", "maxLength": 256},
            "count": {"type": "integer", "minimum": 1, "maximum": 500},
            "options": _closed({}, {
                "include_original_description": {"type": ["boolean", "null"]},
                "account_id": TEXT,
                "days_requested": {"type": "integer"},
            }),
        },
    ),
    "/transactions/get": _closed(
        {"access_token": TEXT, "start_date": DAY, "end_date": DAY},
        {
            "options": _closed({}, {
                "account_ids": {"type": "array", "items": TEXT},
                "count": {"type": "integer", "minimum": 1, "maximum": 500},
                "offset": {"type": "integer", "minimum": 0},
                "include_original_description": {"type": ["boolean", "null"]},
                "days_requested": {"type": "integer"},
            }),
        },
    ),
    "/webhook_verification_key/get": _closed({"key_id": TEXT}),
}  # fmt: skip
"""By path."""

RESPONSES: Mapping[str, Json] = {
    "/link/token/create": _object(
        {"link_token": TEXT, "expiration": TIME, **_REQUEST_ID}, {"hosted_link_url": TEXT}
    ),
    "/link/token/get": _object(
        {
            "link_token": TEXT, "created_at": MAYBE_TIME, "expiration": MAYBE_TIME,
            "metadata": _object({
                "initial_products": PRODUCTS, "webhook": MAYBE_TEXT, "country_codes": PRODUCTS,
                "language": MAYBE_TEXT, "redirect_uri": MAYBE_TEXT, "client_name": MAYBE_TEXT,
            }),
            **_REQUEST_ID,
        },
        {"link_sessions": _list(_SESSION)},
    ),
    "/item/public_token/exchange": _object({"access_token": TEXT, "item_id": TEXT, **_REQUEST_ID}),
    "/item/get": _object({"item": _ITEM, **_REQUEST_ID}, {"status": {"type": ["object", "null"]}}),
    "/item/remove": _object({**_REQUEST_ID}),
    "/item/webhook/update": _object({"item": _ITEM, **_REQUEST_ID}),
    "/accounts/get": _object({"accounts": _list(_ACCOUNT), "item": _ITEM, **_REQUEST_ID}),
    "/transactions/sync": _object(
        {
            "transactions_update_status": {"enum": [
                "TRANSACTIONS_UPDATE_STATUS_UNKNOWN", "NOT_READY", "INITIAL_UPDATE_COMPLETE",
                "HISTORICAL_UPDATE_COMPLETE",
            ]},
            "accounts": _list(_ACCOUNT),
            "added": _list(_TRANSACTION),
            "modified": _list(_TRANSACTION),
            "removed": _list(_object({"transaction_id": TEXT, "account_id": TEXT})),
            "next_cursor": {"type": "string"},
            "has_more": {"type": "boolean"},
            **_REQUEST_ID,
        }
    ),
    "/transactions/get": _object({
        "accounts": _list(_ACCOUNT),
        "transactions": _list(_TRANSACTION),
        "total_transactions": {"type": "integer"},
        "item": _ITEM,
        **_REQUEST_ID,
    }),
    "/webhook_verification_key/get": _object(
        {
            "key": _object({
                "alg": TEXT, "crv": TEXT, "kid": TEXT, "kty": TEXT, "use": TEXT, "x": TEXT, "y": TEXT,
                "created_at": {"type": "integer"}, "expired_at": {"type": ["integer", "null"]},
            }),
            **_REQUEST_ID,
        }
    ),
}  # fmt: skip
"""By path, of 200."""

_ENVIRONMENT: Json = {"enum": ["sandbox", "production"]}


def _webhook(
    kind: str, code: str, more: Mapping[str, Json], optional: Mapping[str, Json] | None = None
) -> Json:
    fixed = {"webhook_type": {"const": kind}, "webhook_code": {"const": code}}
    return _object({**fixed, **more, "environment": _ENVIRONMENT}, optional)


_OF_ITEM: Json = {"item_id": TEXT}
_MAY_ERR: Json = {"error": _MAYBE_ERROR}
WEBHOOKS: Mapping[tuple[str, str], Json] = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): _webhook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", {
        **_OF_ITEM, "initial_update_complete": {"type": "boolean"},
        "historical_update_complete": {"type": "boolean"},
    }),
    ("ITEM", "ERROR"): _webhook("ITEM", "ERROR", {**_OF_ITEM, "error": _MAYBE_ERROR}),
    ("ITEM", "LOGIN_REPAIRED"): _webhook("ITEM", "LOGIN_REPAIRED", _OF_ITEM),
    ("ITEM", "PENDING_EXPIRATION"): _webhook("ITEM", "PENDING_EXPIRATION", {
        **_OF_ITEM, "consent_expiration_time": TIME,
    }),
    ("ITEM", "PENDING_DISCONNECT"): _webhook("ITEM", "PENDING_DISCONNECT", {
        **_OF_ITEM, "reason": {"enum": ["INSTITUTION_MIGRATION", "INSTITUTION_TOKEN_EXPIRATION"]},
    }),
    ("ITEM", "USER_PERMISSION_REVOKED"): _webhook("ITEM", "USER_PERMISSION_REVOKED", _OF_ITEM, _MAY_ERR),
    ("ITEM", "USER_ACCOUNT_REVOKED"): _webhook("ITEM", "USER_ACCOUNT_REVOKED", {**_OF_ITEM, "account_id": TEXT}),
    ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"): _webhook(
        "ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", {**_OF_ITEM, "new_webhook_url": TEXT}, _MAY_ERR
    ),
    ("LINK", "SESSION_FINISHED"): _webhook("LINK", "SESSION_FINISHED", {
        "status": TEXT, "link_session_id": TEXT, "link_token": TEXT,
    }, {"public_tokens": PRODUCTS, "public_token": TEXT}),
}  # fmt: skip
"""By type and code."""


def hold(schemas: Mapping[str, Json], path: str, document: Any) -> None:
    """Hold a document to the schema of its path.

    Raises:
        AssertionError: it is not of it.
    """
    _hold(schemas[path], document, path)


def hold_webhook(document: Any) -> None:
    """Hold a webhook to the schema of its code.

    Raises:
        AssertionError: it is not of it.
    """
    name = (document["webhook_type"], document["webhook_code"])
    _hold(WEBHOOKS[name], document, str(name))


def _hold(schema: Json, document: Any, name: str) -> None:
    judge: Any = Draft202012Validator(schema)
    try:
        judge.validate(document)
    except ValidationError as error:
        raise AssertionError(f"{name}: {error.json_path}: {error.message}") from None

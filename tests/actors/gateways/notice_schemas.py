"""What FCM, SendGrid, Brevo and Twilio take, as JSON schemas: the judge of what our adapters send.

Rules: as the documents that are named have it, without what is never sent here (attachments, templates, topics,
media, scheduling). Every object is closed: a field that its document does not name is a fault of ours. Where a document
leaves open what we always send (one address at least, a subject, a text), the schema demands it.

Source, by name; each was read whole for the request that is sent, unless it says otherwise:
- FCM: Google's discovery document of fcm v1 (`fcm.v1.json`, revision 20230929: SendMessageRequest, Message, Notification, AndroidConfig,
  AndroidNotification, ApnsConfig), whose names are in camelCase; headers of APNs: Apple's article "Sending notification
  requests to APNs", its table of header fields, and of push types the one that its examples have;
- TOKEN, ASSERTION, CLAIMS: Google's own client, google-auth (`google/oauth2/_client.py` jwt_grant and
  `google/oauth2/service_account.py` _make_authorization_grant_assertion). Of the page "Using OAuth 2.0 for Server to
  Server Applications" only excerpts were read: the claims, and that `exp` is an hour after `iat` at most;
- SENDGRID: Twilio's OpenAPI document of mail/send (`tsg_mail_v3.json`, PostMailSend);
- BREVO: the page of developers.brevo.com on `POST /v3/smtp/email`, and SendSmtpEmail of Brevo's own client;
- TWILIO: Twilio's OpenAPI document of its API 2010-04-01 (`twilio_api_v2010.json`, CreateMessage) and of its glossary
  "Alphanumeric Sender ID".
"""

from typing import Any

from jsonschema import Draft202012Validator

__all__ = ["ASSERTION", "BREVO", "CLAIMS", "FCM", "SENDGRID", "TOKEN", "TWILIO", "Json", "hold"]

Json = dict[str, Any]
TEXT: Json = {"type": "string", "minLength": 1}
ANY_TEXT: Json = {"type": "string"}
MAIL: Json = {"type": "string", "pattern": r"^[^@\s]+@[^@\s]+$"}


def _closed(required: dict[str, Json], optional: dict[str, Json] | None = None) -> Json:
    return {
        "type": "object",
        "required": [*required],
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


NOTIFICATION = _closed({}, {"title": ANY_TEXT, "body": ANY_TEXT, "image": ANY_TEXT})
DATA: Json = {
    "type": "object",
    "propertyNames": {"not": {"pattern": "^(from|message_type|google.*|gcm.*)$"}},
    "additionalProperties": ANY_TEXT,
}
TEXTS: Json = {"type": "array", "items": ANY_TEXT}
BOOLEAN: Json = {"type": "boolean"}
DURATION: Json = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,9})?s$"}
FOUR_WEEKS: Json = {
    **DURATION,
    "anyOf": [
        {"pattern": r"^0*([0-9]{1,6}|1[0-9]{6}|2[0-3][0-9]{5}|24(0[0-9]|1[0-8])[0-9]{3})(\.|s)"},
        {"pattern": r"^0*(2419[01][0-9]{2}(\.[0-9]+)?|2419200(\.0+)?)s$"},
    ],
}
"""Of AndroidConfig's `ttl`: 2,419,200 seconds at most."""
ANDROID_NOTIFICATION = _closed(
    {},
    {
        **dict.fromkeys(
            ("title", "body", "icon", "color", "sound", "tag", "clickAction", "bodyLocKey",
             "titleLocKey", "channelId", "ticker", "image"),
            ANY_TEXT,
        ),
        **dict.fromkeys(("bodyLocArgs", "titleLocArgs"), TEXTS),
        **dict.fromkeys(
            ("sticky", "localOnly", "defaultSound", "defaultVibrateTimings", "defaultLightSettings"),
            BOOLEAN,
        ),
        "notificationPriority": {
            "enum": [f"PRIORITY_{one}" for one in ("UNSPECIFIED", "MIN", "LOW", "DEFAULT", "HIGH", "MAX")]
        },
        "visibility": {"enum": ["VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"]},
        "notificationCount": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
        "vibrateTimings": {"type": "array", "items": DURATION},
    },
)  # fmt: skip
ANDROID = _closed(
    {},
    {
        "collapseKey": ANY_TEXT,
        "priority": {"enum": ["NORMAL", "HIGH"]},
        "ttl": FOUR_WEEKS,
        "restrictedPackageName": ANY_TEXT,
        "data": DATA,
        "notification": ANDROID_NOTIFICATION,
        "directBootOk": BOOLEAN,
    },
)
APNS = _closed(
    {},
    {
        "headers": _closed(
            {},
            {
                "apns-priority": {"enum": ["1", "5", "10"]},
                "apns-expiration": {"type": "string", "pattern": "^[0-9]+$"},
                "apns-collapse-id": {"type": "string", "pattern": "^[ -~]{1,64}$"},
                "apns-id": {
                    "type": "string",
                    "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
                },
                "apns-topic": TEXT,
                "apns-push-type": {"enum": ["alert"]},
            },
        ),
        "payload": {"type": "object"},
    },
)
FCM = _closed(
    {
        "message": _closed(
            {"token": TEXT},
            {"data": DATA, "notification": NOTIFICATION, "android": ANDROID, "apns": APNS},
        )
    },
    {"validateOnly": BOOLEAN},
)
TOKEN = _closed(
    {"grant_type": {"const": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": TEXT}
)
ASSERTION = _closed({"alg": {"const": "RS256"}, "typ": {"const": "JWT"}}, {"kid": TEXT})
CLAIMS = _closed(
    {
        "iss": MAIL, "scope": TEXT, "aud": {"type": "string", "pattern": "^https://"},
        "exp": {"type": "integer"}, "iat": {"type": "integer"},
    },
    {"sub": TEXT},
)  # fmt: skip
NAMED = _closed({"email": MAIL}, {"name": ANY_TEXT})
ENABLED = _closed({}, {"enable": BOOLEAN})
SENDGRID = _closed(
    {
        "personalizations": {
            "type": "array", "minItems": 1, "maxItems": 1000,
            "items": _closed(
                {"to": {"type": "array", "minItems": 1, "items": NAMED}},
                {"from": NAMED, "subject": TEXT, "headers": {"type": "object"},
                 "custom_args": {"type": "object", "maxProperties": 10_000}},
            ),
        },
        "from": NAMED,
        "subject": TEXT,
        "content": {"type": "array", "minItems": 1, "items": _closed({"type": TEXT, "value": TEXT})},
    },
    {
        "reply_to": NAMED,
        "headers": {"type": "object"},
        "categories": {"type": "array", "maxItems": 10, "uniqueItems": True,
                       "items": {"type": "string", "maxLength": 255}},
        "custom_args": ANY_TEXT,
        "ip_pool_name": {"type": "string", "minLength": 2, "maxLength": 64},
        "mail_settings": _closed(
            {},
            {
                "bypass_list_management": ENABLED,
                "sandbox_mode": ENABLED,
                "footer": _closed({}, {"enable": BOOLEAN, "text": ANY_TEXT, "html": ANY_TEXT}),
            },
        ),
        "tracking_settings": _closed(
            {},
            {
                "click_tracking": _closed({}, {"enable": BOOLEAN, "enable_text": BOOLEAN}),
                "open_tracking": _closed({}, {"enable": BOOLEAN, "substitution_tag": ANY_TEXT}),
            },
        ),
    },
)  # fmt: skip
SHORT_NAMED = _closed({"email": MAIL}, {"name": {"type": "string", "maxLength": 70}})
BREVO = _closed(
    {
        "sender": SHORT_NAMED,
        "to": {"type": "array", "minItems": 1, "maxItems": 99, "items": SHORT_NAMED},
        "subject": TEXT,
        "htmlContent": TEXT,
    },
    {
        "textContent": TEXT,
        "replyTo": SHORT_NAMED,
        "headers": {"type": "object"},
        "tags": {"type": "array", "items": TEXT},
        "params": {"type": "object"},
    },
)
TWILIO = _closed(
    {
        "To": {"type": "string", "pattern": r"^\+[1-9][0-9]{1,14}$"},
        "From": {
            "type": "string",
            "anyOf": [
                {"pattern": r"^\+[1-9][0-9]{1,14}$"},
                {"pattern": "^(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}$"},
            ],
        },
        "Body": {"type": "string", "minLength": 1, "maxLength": 1600},
    },
    {
        "StatusCallback": {"type": "string", "pattern": "^https?://[^/_]+(/.*)?$"},
        "ValidityPeriod": {
            "type": "string",
            "pattern": "^([1-9][0-9]{0,3}|1[0-3][0-9]{3}|14[0-3][0-9]{2}|14400)$",
        },
        "SmartEncoded": {"enum": ["true", "false"]},
    },
)
"""A form: its numbers and booleans are texts."""


def hold(schema: Json, document: Any) -> None:
    """Fail where a document is not what its page says."""
    judge: Any = Draft202012Validator(schema)
    errors = [
        f"{'/'.join(map(str, one.absolute_path))}: {one.message}"
        for one in judge.iter_errors(document)
    ]
    assert errors == []

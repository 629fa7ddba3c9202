"""What FCM, SendGrid, Brevo and Twilio take, as JSON schemas: the judge of what our adapters send.

Rules: as the pages that are named have it, without what is never sent here (attachments, templates, topics,
media). Every object is closed: a field that the page does not name is a fault of ours. Read whole were BREVO's
page and FCM's error codes, SENDGRID's in part; the rest is from excerpts and from memory, and wants a reading.

Source, by name:
- FCM: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages (Message, Notification, AndroidConfig,
  AndroidNotification, ApnsConfig) and .../projects.messages/send; keys of `data` as on .../v1/ErrorCode;
  headers of APNs: developer.apple.com, "Sending notification requests to APNs";
- TOKEN: developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST" (header, claims, form);
- SENDGRID: github.com/sendgrid/sendgrid-oai, spec/paths/mail_send/mail_send.json;
- BREVO: developers.brevo.com/reference/sendtransacemail;
- TWILIO: www.twilio.com/docs/messaging/api/message-resource, "Create a Message resource".
"""

from typing import Any

from jsonschema import Draft202012Validator

__all__ = ["ASSERTION", "BREVO", "CLAIMS", "FCM", "SENDGRID", "TOKEN", "TWILIO", "hold"]

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
ANDROID = _closed(
    {},
    {
        "collapse_key": ANY_TEXT,
        "priority": {"enum": ["NORMAL", "HIGH"]},
        "ttl": {"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,9})?s$"},
        "restricted_package_name": ANY_TEXT,
        "data": DATA,
        "notification": _closed(
            {},
            {"title": ANY_TEXT, "body": ANY_TEXT, "icon": ANY_TEXT, "color": ANY_TEXT,
             "sound": ANY_TEXT, "tag": ANY_TEXT, "click_action": ANY_TEXT, "channel_id": ANY_TEXT},
        ),
    },
)  # fmt: skip
APNS = _closed(
    {},
    {
        "headers": _closed(
            {},
            {
                "apns-priority": {"enum": ["1", "5", "10"]},
                "apns-expiration": {"type": "string", "pattern": "^[0-9]+$"},
                "apns-collapse-id": {"type": "string", "maxLength": 64},
                "apns-topic": TEXT,
                "apns-push-type": {"enum": ["alert", "background"]},
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
    {"validate_only": {"type": "boolean"}},
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
SENDGRID = _closed(
    {
        "personalizations": {
            "type": "array", "minItems": 1, "maxItems": 1000,
            "items": _closed(
                {"to": {"type": "array", "minItems": 1, "maxItems": 1000, "items": NAMED}},
                {"subject": TEXT, "headers": {"type": "object"}, "custom_args": {"type": "object"},
                 "send_at": {"type": "integer"}},
            ),
        },
        "from": NAMED,
        "subject": TEXT,
        "content": {"type": "array", "minItems": 1, "items": _closed({"type": TEXT, "value": TEXT})},
    },
    {
        "reply_to": NAMED,
        "headers": {"type": "object"},
        "categories": {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 255}},
        "custom_args": {"type": "object"},
        "send_at": {"type": "integer"},
        "mail_settings": {"type": "object"},
        "tracking_settings": _closed(
            {},
            {
                "click_tracking": _closed(
                    {}, {"enable": {"type": "boolean"}, "enable_text": {"type": "boolean"}}
                ),
                "open_tracking": _closed(
                    {}, {"enable": {"type": "boolean"}, "substitution_tag": ANY_TEXT}
                ),
            },
        ),
    },
)  # fmt: skip
BREVO = _closed(
    {
        "sender": _closed({"email": MAIL}, {"name": ANY_TEXT}),
        "to": {"type": "array", "minItems": 1, "maxItems": 99, "items": NAMED},
        "subject": TEXT,
        "htmlContent": TEXT,
    },
    {
        "textContent": TEXT,
        "replyTo": NAMED,
        "headers": {"type": "object"},
        "tags": {"type": "array", "items": TEXT},
        "params": {"type": "object"},
    },
)
TWILIO = _closed(
    {
        "To": {"type": "string", "pattern": r"^\+[1-9][0-9]{1,14}$"},
        "From": {"type": "string", "pattern": r"^(\+[1-9][0-9]{1,14}|[A-Za-z0-9 ]{1,11})$"},
        "Body": {"type": "string", "minLength": 1, "maxLength": 1600},
    },
    {"StatusCallback": TEXT, "ValidityPeriod": {"type": "string", "pattern": "^[0-9]+$"}},
)


def hold(schema: Json, document: Any) -> None:
    """Fail where a document is not what its page says."""
    judge: Any = Draft202012Validator(schema)
    errors = [
        f"{'/'.join(map(str, one.absolute_path))}: {one.message}"
        for one in judge.iter_errors(document)
    ]
    assert errors == []

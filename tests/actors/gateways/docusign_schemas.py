"""What DocuSign takes and says, as JSON schemas: the judge of what our adapter sends, and of what the sandbox plays.

Rules: every object of a request is closed: a field that its description does not name is a fault of ours. Where a
description leaves open what we always send (a document, a signer), the schema demands it. Of answers, what is read must
be there; the rest is open, since DocuSign's have ten times as many.

Source, by name:
- ENVELOPE: DocuSign's own models of its OpenAPI document for eSignature v2.1 as its SDKs carry it: EnvelopeDefinition was read
  whole (docusign-esign-node-client, docs/EnvelopeDefinition.md), and so was EventNotification
  (docusign-esign-python-client, models/event_notification.py), to which later ones add `deliveryMode` and `events` (the Java
  client's, 6.6.0). Of Document, Signer, SignHere, Notification and TextCustomField the names that we send were looked up,
  not all there are; that booleans and numbers are texts is the rule of the whole API;
- VIEW: RecipientViewRequest of the same; VOID: `status` and `voidedReason` of Envelope;
- CLAIMS: developers.docusign.com/platform/auth/jwt-get-token, excerpts: `iss`, `sub`, `aud`, `iat`, `exp`, `scope`;
- CONNECT: DocuSign's connect.schema-v2.json, the keys that this file names; it is an example, in which every value but
  `retryCount` and `configurationId` is a text.
"""

from tests.actors.gateways.notice_schemas import Json, hold

__all__ = ["CLAIMS", "CONNECT", "ENVELOPE", "VIEW", "VOID", "Json", "hold"]

TEXT: Json = {"type": "string", "minLength": 1}
FLAG: Json = {"enum": ["true", "false"]}
DIGITS: Json = {"type": "string", "pattern": "^[0-9]{1,4}$"}
GUID: Json = {
    "type": "string", "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
}  # fmt: skip
TIME: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$"}


def _closed(required: dict[str, Json], optional: dict[str, Json] | None = None) -> Json:
    return {
        "type": "object", "required": [*required], "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }  # fmt: skip


def _open(required: dict[str, Json], optional: dict[str, Json] | None = None) -> Json:
    return {**_closed(required, optional), "additionalProperties": True}


def _list(items: Json, least: int = 1, most: int = 1) -> Json:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


DOCUMENT = _closed({
    "documentBase64": {"type": "string", "contentEncoding": "base64", "pattern": "^JVBERi0"},
    "documentId": {"type": "string", "pattern": "^[1-9][0-9]*$"},
    "name": {**TEXT, "maxLength": 100},
    "fileExtension": {"const": "pdf"},
})  # fmt: skip
SIGN_HERE = _closed(
    {"anchorString": TEXT},
    {
        "anchorUnits": {"enum": ["pixels", "mms", "cms", "inches"]},
        "anchorXOffset": {"type": "string"},
        "anchorYOffset": {"type": "string"},
        "anchorIgnoreIfNotPresent": FLAG,
    },
)
SIGNER = _closed(
    {
        "name": {**TEXT, "maxLength": 100},
        "email": {"type": "string", "pattern": r"^[^@\s]+@[^@\s]+$", "maxLength": 100},
        "recipientId": DIGITS,
        "routingOrder": DIGITS,
        "tabs": _closed({"signHereTabs": _list(SIGN_HERE)}),
    },
    {
        "emailNotification": _closed({"supportedLanguage": {"enum": ["fr", "en"]}}),
        "clientUserId": {**TEXT, "maxLength": 100},
        "embeddedRecipientStartURL": {"const": "SIGN_AT_DOCUSIGN"},
    },
)
NOTIFICATION = _closed({
    "useAccountDefaults": FLAG,
    "reminders": _closed({"reminderEnabled": FLAG}, {"reminderDelay": DIGITS, "reminderFrequency": DIGITS}),
    "expirations": _closed({
        "expireEnabled": {"const": "true"},
        "expireAfter": {"type": "string", "pattern": "^[1-9][0-9]{0,2}$"},
        "expireWarn": DIGITS,
    }),
})  # fmt: skip
FIELD = _closed({
    "name": {**TEXT, "maxLength": 50}, "value": {**TEXT, "maxLength": 100}, "show": FLAG, "required": FLAG,
})  # fmt: skip
EVENTS = _closed({
    "url": {"type": "string", "pattern": "^https?://"},
    "requireAcknowledgment": FLAG,
    "loggingEnabled": FLAG,
    "includeHMAC": {"const": "true"},
    "includeEnvelopeVoidReason": FLAG,
    "deliveryMode": {"const": "SIM"},
    "events": _list({"type": "string", "pattern": "^envelope-[a-z]+$"}, 1, 64),
    "eventData": _closed({
        "version": {"const": "restv2.1"},
        "format": {"const": "json"},
        "includeData": _list({"enum": ["custom_fields", "recipients"]}, 0, 8),
    }),
})  # fmt: skip
ENVELOPE = _closed(
    {
        "status": {"const": "sent"},
        "transactionId": {**TEXT, "maxLength": 100},
        "emailSubject": {**TEXT, "maxLength": 100},
        "documents": _list(DOCUMENT),
        "recipients": _closed({"signers": _list(SIGNER)}),
        "customFields": _closed({"textCustomFields": _list(FIELD, 1, 10)}),
        "notification": NOTIFICATION,
    },
    {"eventNotification": EVENTS},
)
VOID = _closed({"status": {"const": "voided"}, "voidedReason": {**TEXT, "maxLength": 200}})
VIEW = _closed({
    "returnUrl": {"type": "string", "pattern": "^https?://"},
    "authenticationMethod": {"enum": [
        "Biometric", "Email", "HTTPBasicAuth", "Kerberos", "KnowledgeBasedAuth", "None", "PaperDocuments",
        "Password", "RSASecureID", "SingleSignOn_CASiteminder", "SmartCard", "X509Certificate",
    ]},
    "email": TEXT, "userName": TEXT, "clientUserId": TEXT,
}, {"authenticationInstant": TIME})  # fmt: skip
CLAIMS: Json = _closed({
    "iss": GUID, "sub": GUID, "aud": {"type": "string", "pattern": "^[^/]+$"},
    "iat": {"type": "integer"}, "exp": {"type": "integer"}, "scope": {"const": "signature impersonation"},
})  # fmt: skip
SUMMARY = _open(
    {
        "envelopeId": GUID, "status": TEXT, "emailSubject": TEXT, "createdDateTime": TIME,
        "sentDateTime": TIME, "statusChangedDateTime": TIME,
        "customFields": _open({
            "textCustomFields": {"type": "array", "items": _open({
                "fieldId": TEXT, "name": TEXT, "value": {"type": "string"}, "show": FLAG, "required": FLAG,
            })},
            "listCustomFields": {"type": "array"},
        }),
        "recipients": _open({
            "signers": {"type": "array", "items": _open({
                "recipientId": TEXT, "name": TEXT, "email": TEXT, "status": TEXT, "routingOrder": TEXT,
            }, {"declinedReason": {"type": "string"}})},
            "recipientCount": TEXT, "currentRoutingOrder": TEXT,
        }),
    },
    {"voidedReason": {"type": "string"}, "transactionId": {"type": "string"}},
)  # fmt: skip
CONNECT: Json = _closed({
    "event": {"type": "string", "pattern": "^envelope-[a-z]+$"},
    "uri": TEXT,
    "retryCount": {"type": "integer"},
    "configurationId": {"type": "integer"},
    "apiVersion": {"const": "v2.1"},
    "generatedDateTime": TIME,
    "data": _closed(
        {"accountId": GUID, "userId": GUID, "envelopeId": GUID},
        {"recipientId": TEXT, "envelopeSummary": SUMMARY},
    ),
})  # fmt: skip

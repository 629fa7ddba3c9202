"""What DocuSign takes of us, read whole: a field that its description does not have is refused.

Rule: of the many fields that an envelope may have, those that a sender of one document to one signer can need; booleans
and numbers are texts, as they are in this API.
Source: DocuSign's OpenAPI document esignature.rest.swagger-v2.1.json (definitions by name); connect.schema-v2.json.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Flag = Literal["true", "false"]
Digits = Annotated[str, Meta(pattern="^[0-9]{1,4}$")]
Text = Annotated[str, Meta(max_length=4000)]
Json = dict[str, Any]


class _Shape(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel", kw_only=True):
    """Read whole."""


class DocumentGiven(_Shape, frozen=True):
    """`document`."""

    document_base64: Annotated[str, Meta(min_length=8)] = msgspec.field(name="documentBase64")
    document_id: Annotated[str, Meta(pattern="^[1-9][0-9]{0,8}$")]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    file_extension: Literal["pdf"] = "pdf"


class SignHere(_Shape, frozen=True):
    """`signHere`, placed by an anchor."""

    anchor_string: Annotated[str, Meta(min_length=1, max_length=100)]
    anchor_units: Literal["pixels", "mms", "cms", "inches"] = "pixels"
    anchor_x_offset: str = msgspec.field(name="anchorXOffset", default="0")
    anchor_y_offset: str = msgspec.field(name="anchorYOffset", default="0")
    anchor_ignore_if_not_present: Flag = "false"


class Tabs(_Shape, frozen=True):
    """`tabs`."""

    sign_here_tabs: list[SignHere] = []


class SignerMail(_Shape, frozen=True):
    """`recipientEmailNotification`."""

    supported_language: Annotated[str, Meta(pattern="^[a-z]{2}(_[A-Z]{2})?$")]
    email_subject: Annotated[str, Meta(max_length=100)] = ""
    email_body: Annotated[str, Meta(max_length=10_000)] = ""


class SignerGiven(_Shape, frozen=True):
    """`signer`."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    email: Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=100)]
    recipient_id: Digits
    routing_order: Digits = "1"
    tabs: Tabs = Tabs()
    email_notification: SignerMail | None = None
    client_user_id: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    embedded_recipient_start_url: str | None = msgspec.field(
        name="embeddedRecipientStartURL", default=None
    )


class Recipients(_Shape, frozen=True):
    """`recipients`."""

    signers: Annotated[list[SignerGiven], Meta(min_length=1, max_length=1)]


class TextField(_Shape, frozen=True):
    """`textCustomField`."""

    name: Annotated[str, Meta(min_length=1, max_length=50)]
    value: Annotated[str, Meta(max_length=100)]
    show: Flag = "false"
    required: Flag = "false"


class CustomFields(_Shape, frozen=True):
    """`customFields`."""

    text_custom_fields: Annotated[list[TextField], Meta(max_length=10)] = []


class Reminders(_Shape, frozen=True):
    """`reminders`."""

    reminder_enabled: Flag = "false"
    reminder_delay: Digits = "0"
    reminder_frequency: Digits = "0"


class Expirations(_Shape, frozen=True):
    """`expirations`."""

    expire_enabled: Flag = "false"
    expire_after: Annotated[str, Meta(pattern="^[1-9][0-9]{0,2}$")] = "120"
    expire_warn: Digits = "0"


class Notification(_Shape, frozen=True):
    """`notification`."""

    use_account_defaults: Flag = "false"
    reminders: Reminders = Reminders()
    expirations: Expirations = Expirations()


class EventData(_Shape, frozen=True):
    """`connectEventData`."""

    version: Literal["restv2.1"]
    format: Literal["json"]
    include_data: list[
        Literal["custom_fields", "recipients", "documents", "attachments", "extensions", "tabs"]
    ] = []


class EventNotification(_Shape, frozen=True):
    """`eventNotification`, in the mode that is recommended."""

    url: Annotated[str, Meta(min_length=8, max_length=2000)]
    delivery_mode: Literal["SIM"]
    events: Annotated[list[str], Meta(min_length=1, max_length=64)]
    event_data: EventData
    require_acknowledgment: Flag = "false"
    logging_enabled: Flag = "false"
    include_envelope_void_reason: Flag = "false"
    include_hmac: Flag = msgspec.field(name="includeHMAC", default="false")


class EnvelopeDefinition(_Shape, frozen=True):
    """`envelopeDefinition`."""

    status: Literal["sent"]
    email_subject: Annotated[str, Meta(min_length=1, max_length=100)]
    documents: Annotated[list[DocumentGiven], Meta(min_length=1, max_length=1)]
    recipients: Recipients
    transaction_id: Annotated[str, Meta(min_length=1, max_length=100)] = ""
    email_blurb: Annotated[str, Meta(max_length=10_000)] = ""
    custom_fields: CustomFields = CustomFields()
    notification: Notification = Notification()
    event_notification: EventNotification | None = None


class Voiding(_Shape, frozen=True):
    """`envelope`, of `PUT`: the one change that is played."""

    status: Literal["voided"]
    voided_reason: Annotated[str, Meta(min_length=1, max_length=200)]


class RecipientView(_Shape, frozen=True):
    """`recipientViewRequest`."""

    return_url: Annotated[str, Meta(pattern="^https?://", max_length=500)]
    authentication_method: Annotated[str, Meta(min_length=1, max_length=100)]
    email: str
    user_name: str
    client_user_id: str
    authentication_instant: Annotated[str, Meta(max_length=64)] = ""


class Outcome(_Shape, frozen=True):
    """`POST /control/signatures/{id}`; `viewed` is what a person does before."""

    outcome: Literal["viewed", "signed", "declined", "expired"]
    reason: Text = "Je ne souhaite pas signer"
    """Why it was declined."""
    webhook: bool = True
    """False: it is there to be read, and nobody is told."""
    times: Annotated[int, Meta(ge=1, le=10)] = 1
    """So often each webhook is sent."""


class Hook(_Shape, frozen=True):
    """`POST /control/docusign/webhooks`: the account's Connect configuration; an empty `url` ends it."""

    url: str = ""
    secrets: Annotated[list[str], Meta(max_length=100)] = []
    """Its HMAC keys: every webhook is signed by each. `secret` is one."""
    secret: str = ""

    @property
    def keys(self) -> bytes:
        """One a line, as the scheme has them (schemes.py)."""
        return "\n".join([*self.secrets, *([self.secret] if self.secret else [])]).encode()

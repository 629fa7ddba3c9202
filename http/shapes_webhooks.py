"""The bodies of webhooks and of their answers as types (comptoir.http.shapes has the rule).

What comes is in the senders' own names; what they send beside it is not read.
Source: interface.md 6; spec.md S42, S52, S56; protocols.md 5.1, 5.2.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Currency, Date, Identity

__all__ = [
    "DocusignEvent",
    "KycEvent",
    "PlaidEvent",
    "PowensEvent",
    "TinkEvent",
    "WebhookDuplicate",
    "WebhookEvent",
    "WebhookSettled",
    "WebhookTaken",
]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class WebhookMerchant(msgspec.Struct, frozen=True):
    """Where a card was used."""

    name: Annotated[str, Meta(max_length=512)]
    mcc_code: Annotated[str, Meta(pattern="^[0-9]{4}$")] | None = None
    city: Annotated[str, Meta(max_length=128)] | None = None
    country: Annotated[str, Meta(max_length=128)] | None = None


class WebhookTransaction(msgspec.Struct, frozen=True):
    """A booked card transaction, in the sender's own names."""

    transaction_id: Identity
    connection_id: Identity
    amount: Annotated[
        float,
        Meta(ge=0, le=99_999_999.99, description="In major units, at most two decimals."),
    ]
    currency: Currency
    direction: Literal["DEBIT", "CREDIT"]
    date: Date
    merchant: WebhookMerchant
    account_id: Annotated[str, Meta(max_length=128)] | None = None
    original_transaction_id: Annotated[
        Identity | None, Meta(description="Of a refund: the purchase.")
    ] = None


class WebhookEvent(msgspec.Struct, frozen=True):
    """A webhook of the bank aggregator; keys that are not known are ignored."""

    event: Literal["transaction.created"]
    data: WebhookTransaction


KycWord = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z][A-Za-z0-9_]*$")]


class PowensCurrency(msgspec.Struct, frozen=True):
    """The currency of an account."""

    id: str


class PowensTransaction(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a transaction; Powens sends more."""

    id: int | str
    value: float | str | None
    """Major units, at most two decimals; below 0: spent."""
    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    type: str | None = None
    rdate: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    original_wording: str | None = None
    simplified_wording: str | None = None
    coming: bool | None = None
    active: bool | None = None
    deleted: str | None = None


class PowensAccount(msgspec.Struct, frozen=True):
    """An account of a connection, and what is new in it."""

    currency: PowensCurrency
    transactions: list[PowensTransaction] | None = None


class PowensConnection(msgspec.Struct, frozen=True):
    """A connection that was synchronised, and how it stands."""

    id: int | str
    accounts: list[PowensAccount]
    state: str | None = None
    """None: all is well."""
    next_try: str | None = None
    expire: str | None = None
    active: bool | None = None


class PowensEvent(msgspec.Struct, frozen=True):
    """CONNECTION_SYNCED of Powens, which has `connection`, or CONNECTION_DELETED, which is one.

    Keys that are not known are ignored.
    """

    id_webhook_data: int | str | None = None
    connection: PowensConnection | None = None
    id: int | str | None = None
    id_connector: int | None = None
    connector_uuid: str | None = None


class KycFound(msgspec.Struct, frozen=True, rename="camel"):
    """What the bureau found."""

    status: KycWord
    score: Annotated[int, Meta(ge=0, le=100)]
    checks: Annotated[dict[str, KycWord], Meta(max_length=32)]
    """`identityVerification`, `addressVerification`, `pepCheck`, `sanctionsCheck`, `adverseMedia`: PASSED or FAILED."""
    risk_level: KycWord
    recommendation: KycWord
    """AUTO_APPROVE, MANUAL_REVIEW or REJECT; another one is a person's to read."""
    reviewed_by: Annotated[str, Meta(min_length=1, max_length=128)]
    completed_at: Annotated[str, Meta(max_length=40, description="RFC 3339.")]


class KycEvent(msgspec.Struct, frozen=True, rename="camel"):
    """KYC_COMPLETED of the bureau. Keys that are not known are ignored."""

    event_type: Literal["KYC_COMPLETED"]
    onboarding_id: Annotated[str, Meta(pattern="^[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}$")]
    kyc_result: KycFound


class PlaidEvent(msgspec.Struct, frozen=True):
    """What is read of a webhook of Plaid; which of the rest is needed, its code says."""

    webhook_type: Annotated[str, Meta(min_length=1, max_length=128)]
    webhook_code: Annotated[str, Meta(min_length=1, max_length=128)]
    item_id: Identity | None = None
    account_id: Identity | None = None
    consent_expiration_time: str | None = None
    error: dict[str, Any] | None = None


class TinkContext(msgspec.Struct, frozen=True):
    """Whom it is about."""

    externalUserId: Identity  # noqa: N815 - Tink's name
    """The link's name, as its Tink user was made with."""


class TinkAccount(msgspec.Struct, frozen=True):
    """The account that it is about."""

    id: Identity


class TinkDeleted(msgspec.Struct, frozen=True):
    """Transactions that are no more."""

    ids: list[Identity] | None = None


class TinkContent(msgspec.Struct, frozen=True):
    """What is read of it; which of these there is, the event says."""

    credentialsStatus: Identity | None = None  # noqa: N815 - Tink's name
    sessionExpiryDate: Annotated[int, Meta(ge=0)] | None = None  # noqa: N815 - Tink's name
    account: TinkAccount | None = None
    transactions: TinkDeleted | None = None


class TinkEvent(msgspec.Struct, frozen=True):
    """What is read of a webhook of Tink."""

    event: Annotated[str, Meta(min_length=1, max_length=128)]
    context: TinkContext | None = None
    content: TinkContent | None = None


_Words = Annotated[str, Meta(max_length=4000)]


class DocusignField(msgspec.Struct, frozen=True):
    """A custom field of an envelope; `comptoir_reference` names our file."""

    name: _Words = ""
    value: _Words = ""


class DocusignFields(msgspec.Struct, frozen=True, rename="camel"):
    """All of them that are text."""

    text_custom_fields: list[DocusignField] | None = None


class DocusignSigner(msgspec.Struct, frozen=True, rename="camel"):
    """Who signs, and why they would not."""

    declined_reason: _Words | None = None


class DocusignRecipients(msgspec.Struct, frozen=True):
    """Who signs."""

    signers: list[DocusignSigner] | None = None


class DocusignSummary(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of an envelope."""

    status_changed_date_time: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    voided_reason: _Words | None = None
    custom_fields: DocusignFields | None = None
    recipients: DocusignRecipients | None = None


class DocusignData(msgspec.Struct, frozen=True, rename="camel"):
    """Which envelope it is about."""

    account_id: Identity
    envelope_id: Identity
    envelope_summary: DocusignSummary | None = None


class DocusignEvent(msgspec.Struct, frozen=True, rename="camel"):
    """What is read of a webhook of DocuSign Connect."""

    event: Annotated[
        str, Meta(min_length=1, max_length=128, description="`envelope-completed`, and so on.")
    ]
    generated_date_time: Annotated[str, Meta(min_length=1, max_length=128)]
    data: DocusignData


class WebhookTaken(_Shape, frozen=True):
    """Durable; `parked` until its connection is known."""

    status: Literal["accepted", "parked"]


class WebhookSettled(_Shape, frozen=True):
    """Taken before; or genuine, and nothing follows from it."""

    status: Literal["duplicate", "ignored"]


class WebhookDuplicate(_Shape, frozen=True):
    """The same as one taken before."""

    status: Literal["duplicate"]

"""DocuSign: contracts sent to their signers, read, fetched when they are signed, and voided (S28).

Rules:
- an envelope is created once. It carries our reference twice: as `transactionId`, by which DocuSign finds it for seven
  days, and as a custom field, by which it is found for ever. Where the answer to a creation was lost, it is looked up
  by both, when the first request is over for certain, and only what is not there is created again;
- two envelopes under one reference, should there ever be two, are one: the first that was created;
- how an envelope stands is what DocuSign says of it, whatever order its events came in;
- what cannot be voided any more is read, and told as what it is: signed, or gone already;
- its signer is told by DocuSign that it was voided, never why: a file may have been refused;
- a signed document is fetched with its certificate of completion, as one PDF, and must be one.

Source: DocuSign's OpenAPI document esignature.rest.swagger-v2.1.json (envelopeDefinition: transactionId, "valid in the
DocuSign system for 7 days"; Envelopes: listStatusChanges, get, update; EnvelopeDocuments: get; EnvelopeViews:
createRecipient); docusign.com/blog, "Use a transactionId to find the envelope you created"; protocols.md 5.3;
docs/adr/0053-an-envelope-is-looked-up-before-it-is-created-again.md.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Meta

from comptoir.actors.gateways.docusign_api import DocusignApi, DocusignRefused
from comptoir.actors.gateways.docusign_meaning import PROVIDER, REFERENCE, stands, time_ms
from comptoir.actors.gateways.docusign_tokens import is_safe
from comptoir.actors.gateways.signing import Contracts
from comptoir.actors.gateways.signing_desk import ELSEWHERE, SigningPlace, SigningView
from comptoir.actors.gateways.signing_messages import (
    CreateEnvelope,
    EnvelopeCreated,
    EnvelopeGone,
    EnvelopeStands,
    FetchSigned,
    ReadEnvelope,
    SignedFetched,
    VoidEnvelope,
)
from comptoir.actors.signature.messages import Signer
from comptoir.engine.gateway_spec import CallContext, CallFault

__all__ = ["Docusign", "DocusignTerms", "SigningMode"]

SigningMode = Literal["email", "embedded", "either"]
DAY_MS: Final = 86_400_000
SUBJECT_CHARACTERS_MAX: Final = 100
"""Of `emailSubject`, as DocuSign documents it."""
VOIDED: Final = "Ce document n'est plus à signer. / This document is no longer to be signed."
"""DocuSign sends the reason to the signer: why it really is, their file tells them, or does not."""
EXPIRE_DAYS_MAX: Final = 999
LOOK_BACK_DAYS: Final = 400
"""For so long an envelope is searched for by its custom field: as long as a call is known to have been started."""
ANCHOR: Final = "/signature/"
"""Where a contract has this text the signer signs; in one that has it not, wherever they want to."""
CANNOT_VOID: Final = "ENVELOPE_CANNOT_VOID_INVALID_STATE"
UNKNOWN_SIGNER: Final = "UNKNOWN_ENVELOPE_RECIPIENT"
NOT_THERE: Final = frozenset({"ENVELOPE_DOES_NOT_EXIST", "INVALID_ENVELOPE_ID"})
PDF: Final = "application/pdf"
_EVENTS: Final = (
    "envelope-sent", "envelope-delivered", "envelope-completed", "envelope-declined", "envelope-voided",
)  # fmt: skip
_Id = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[0-9A-Za-z-]+$")]
_Text = Annotated[str, Meta(max_length=4000)]
T = TypeVar("T")


class DocusignTerms(msgspec.Struct, frozen=True):
    """How envelopes are sent."""

    mode: SigningMode = "email"
    """By DocuSign's mail, only from our own pages, or either."""
    notify_url: str = ""
    """Where events are told of each envelope; empty: the account has a Connect configuration of its own."""


SENT_BY_MAIL: Final = DocusignTerms()


class _Summary(msgspec.Struct, frozen=True, rename="camel"):
    envelope_id: _Id
    created_date_time: Annotated[str, Meta(max_length=64)] = ""


class _Found(msgspec.Struct, frozen=True):
    envelopes: Annotated[tuple[_Summary, ...], Meta(max_length=1000)] = ()


class _SignerFound(msgspec.Struct, frozen=True, rename="camel"):
    declined_reason: _Text = ""


class _Recipients(msgspec.Struct, frozen=True):
    signers: Annotated[tuple[_SignerFound, ...], Meta(max_length=100)] = ()


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    envelope_id: _Id
    status: Annotated[str, Meta(max_length=64)]
    status_changed_date_time: Annotated[str, Meta(max_length=64)] = ""
    voided_reason: _Text = ""
    recipients: _Recipients = _Recipients()


class _View(msgspec.Struct, frozen=True):
    url: Annotated[str, Meta(min_length=8, max_length=4096)]


@dataclass(frozen=True, slots=True)
class Docusign:
    """DocuSign behind the gateway of signing (signing.py)."""

    api: DocusignApi
    store: Contracts
    terms: DocusignTerms = SENT_BY_MAIL

    async def create(self, message: CreateEnvelope, context: CallContext) -> EnvelopeCreated:
        """Have its signer message: once (see `find`)."""
        contract = await self.store.read(message.path)
        if sha256(contract).hexdigest() != message.sha256:
            raise CallFault("CONTRACT_CHANGED", retryable=False, sick=False)
        document = self.definition(message, contract, context.now)
        body = await self.api.send("POST", "/envelopes", document)
        return EnvelopeCreated(message.reference, PROVIDER, _decoded(body, _Summary).envelope_id)

    async def find(self, message: CreateEnvelope, context: CallContext) -> EnvelopeCreated:
        """Of a creation whose answer was lost: the envelope that it made, or else one that is made now."""
        found = await self._listed({"transaction_ids": message.reference})
        if not found:
            since = datetime.fromtimestamp(context.now / 1000, UTC) - timedelta(LOOK_BACK_DAYS)
            query = {
                "from_date": since.strftime("%Y-%m-%dT%H:%M:%SZ"), "from_to_status": "created",
                "custom_field": f"{REFERENCE}={message.reference}",
            }  # fmt: skip
            found = await self._listed(query)
        if not found:
            return await self.create(message, context)
        first = min(found, key=lambda one: (time_ms(one.created_date_time) or 0, one.envelope_id))
        return EnvelopeCreated(message.reference, PROVIDER, first.envelope_id)

    async def read(self, message: ReadEnvelope, context: CallContext) -> EnvelopeStands:
        """How it stands, and why it was declined or voided."""
        del context
        envelope = await self._read(message.envelope_id)
        status = stands(envelope.status, envelope.voided_reason)
        said = [one.declined_reason for one in envelope.recipients.signers if one.declined_reason]
        reason = said[0] if status == "declined" and said else envelope.voided_reason
        at = time_ms(envelope.status_changed_date_time)
        if at is None:
            raise CallFault("SIGNING_ANSWER_INVALID", retryable=True)
        return EnvelopeStands(message.reference, message.envelope_id, status, at, reason)

    async def fetch(self, message: FetchSigned, context: CallContext) -> SignedFetched:
        """The signed documents with their certificate, kept once: DocuSign writes another certificate each time."""
        del context
        kept = await self.store.digest(message.path)
        if kept is not None:
            return SignedFetched(message.reference, kept, message.path)
        path = f"/envelopes/{_quoted(message.envelope_id)}/documents/combined"
        document = await self.api.fetch(path, {"certificate": "true"})
        if not document.startswith(b"%PDF-"):
            raise CallFault("SIGNING_ANSWER_INVALID", retryable=True)
        digest = await self.store.keep(message.path, PDF, document)
        return SignedFetched(message.reference, digest, message.path)

    async def void(self, message: VoidEnvelope, context: CallContext) -> EnvelopeGone:
        """Have it not signed any more; again is harmless."""
        del context
        document = {"status": "voided", "voidedReason": VOIDED}
        path = f"/envelopes/{_quoted(message.envelope_id)}"
        try:
            await self.api.send("PUT", path, document)
        except DocusignRefused as refused:
            if refused.word in NOT_THERE:
                return EnvelopeGone(message.reference, envelope_id=message.envelope_id)
            if refused.word != CANNOT_VOID:
                raise
        else:
            return EnvelopeGone(message.reference, envelope_id=message.envelope_id)
        envelope = await self._read(message.envelope_id)
        status = stands(envelope.status, envelope.voided_reason)
        if status not in (
            "signed",
            "declined",
            "expired",
            "voided",
        ):  # being sealed: it ends as one
            raise CallFault("SIGNING_UNDER_WAY", retryable=True, sick=False)
        return EnvelopeGone(message.reference, status == "signed", message.envelope_id)

    async def view(self, place: SigningPlace) -> SigningView:
        """Where its signer signs from a page of ours, whom we have let in ourselves, by a link of their mail and a code."""
        at = datetime.fromtimestamp(place.authenticated_at // 1000, UTC)
        document = {
            "returnUrl": place.return_url, "authenticationMethod": "Email", "email": place.signer.email,
            "authenticationInstant": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "userName": _name(place.signer), "clientUserId": place.signer.user_id,
        }  # fmt: skip
        path = f"/envelopes/{_quoted(place.envelope_id)}/views/recipient"
        try:
            url = _decoded(await self.api.send("POST", path, document), _View).url
        except DocusignRefused as refused:
            if refused.word == UNKNOWN_SIGNER:  # it was sent while all were asked by mail
                raise CallFault(ELSEWHERE, retryable=False, sick=False) from refused
            raise
        if not is_safe(url):
            raise CallFault("SIGNING_ANSWER_INVALID", retryable=True)
        return SigningView(url)

    def definition(self, message: CreateEnvelope, contract: bytes, now: int) -> dict[str, Any]:
        """`envelopeDefinition`."""
        days = min(EXPIRE_DAYS_MAX, max(1, -(-(message.expires_at - now) // DAY_MS)))
        definition: dict[str, Any] = {
            "status": "sent",
            "transactionId": message.reference,
            "emailSubject": message.title[:SUBJECT_CHARACTERS_MAX],
            "documents": [
                {
                    "documentBase64": b64encode(contract).decode(), "documentId": "1",
                    "name": message.title[:SUBJECT_CHARACTERS_MAX], "fileExtension": "pdf",
                }
            ],
            "recipients": {"signers": [self._signer(message.signer)]},
            "customFields": {
                "textCustomFields": [
                    {"name": REFERENCE, "value": message.reference, "show": "false", "required": "false"}
                ]
            },
            "notification": {
                "useAccountDefaults": "false",
                "reminders": {"reminderEnabled": "false"},
                "expirations": {"expireEnabled": "true", "expireAfter": str(days), "expireWarn": "0"},
            },
        }  # fmt: skip
        if self.terms.notify_url:
            definition["eventNotification"] = _notification(self.terms.notify_url)
        return definition

    def _signer(self, signer: Signer) -> dict[str, Any]:
        tab = {
            "anchorString": ANCHOR, "anchorUnits": "pixels", "anchorXOffset": "0", "anchorYOffset": "0",
            "anchorIgnoreIfNotPresent": "true",
        }  # fmt: skip
        made: dict[str, Any] = {
            "name": _name(signer), "email": signer.email, "recipientId": "1", "routingOrder": "1",
            "tabs": {"signHereTabs": [tab]},
            "emailNotification": {"supportedLanguage": signer.language},
        }  # fmt: skip
        if self.terms.mode != "email":
            made["clientUserId"] = signer.user_id
        if self.terms.mode == "either":
            made["embeddedRecipientStartURL"] = "SIGN_AT_DOCUSIGN"
        return made

    async def _listed(self, query: Mapping[str, str]) -> tuple[_Summary, ...]:
        return _decoded(await self.api.get("/envelopes", query), _Found).envelopes

    async def _read(self, envelope_id: str) -> _Envelope:
        path = f"/envelopes/{_quoted(envelope_id)}"
        body = await self.api.get(path, {"include": "recipients"})
        envelope = _decoded(body, _Envelope)
        if envelope.envelope_id.lower() != envelope_id.lower():
            raise CallFault("SIGNING_ANSWER_INVALID", retryable=True)
        return envelope


def _notification(url: str) -> dict[str, Any]:
    """`eventNotification`: JSON SIM, signed, with the custom field by which a file is found."""
    return {
        "url": url, "requireAcknowledgment": "true", "loggingEnabled": "true", "includeHMAC": "true", "includeEnvelopeVoidReason": "true",
        "deliveryMode": "SIM", "events": list(_EVENTS),
        "eventData": {
            "version": "restv2.1", "format": "json", "includeData": ["custom_fields", "recipients"],
        },
    }  # fmt: skip


def _name(signer: Signer) -> str:
    return f"{signer.first_name} {signer.last_name}".strip()[:100]


def _quoted(envelope_id: str) -> str:
    return quote(envelope_id, safe="")


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallFault("SIGNING_ANSWER_INVALID", retryable=True) from error

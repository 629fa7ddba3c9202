"""Envelopes as DocuSign holds them: what is in them, how they stand, and what is told of them.

Rules:
- an envelope goes from sent over delivered (its signer has opened it) to completed, declined or voided, and ends there;
- one that ran out by the sandbox's clock is voided, with the reason by which DocuSign tells that;
- every change makes one event of Connect; what nobody took comes again before the next;
- the signed document is the one that was sent, with a certificate of completion as its last page.

Source: protocols.md 5.3; DocuSign's OpenAPI document (definition `envelope`) and connect.schema-v2.json.
"""

import io
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pikepdf
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from comptoir.sandbox.parties.docusign_oauth import OURS
from comptoir.sandbox.parties.docusign_shapes import EnvelopeDefinition, Json, SignerGiven

DAY_MS = 86_400_000
EXPIRED = "Envelope has expired."
CONFIGURATION = 10_103_163
OPEN = frozenset({"sent", "delivered"})


def wire_time(ms: int) -> str:
    """A time as DocuSign writes it: seven decimals, UTC."""
    at = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}0000Z"


@dataclass(slots=True, eq=False)
class Envelope:
    """One that was sent."""

    id: str
    given: EnvelopeDefinition
    document: bytes
    created_ms: int
    status: str = "sent"
    changed_ms: int = 0
    reason: str = ""
    signed: bytes = b""
    views: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    """Tokens of embedded signing: until when, and where to afterwards."""
    untold: list[Json] = field(default_factory=list[Json])
    """Events that nobody has taken yet."""

    @classmethod
    def of(cls, given: EnvelopeDefinition, document: bytes, now: int) -> "Envelope":
        """A new one."""
        return cls(str(uuid.uuid4()), given, document, now, changed_ms=now)

    @property
    def signer(self) -> SignerGiven:
        """Who is to sign."""
        return self.given.recipients.signers[0]

    @property
    def ends_ms(self) -> int:
        """When it runs out."""
        expirations = self.given.notification.expirations
        days = int(expirations.expire_after) if expirations.expire_enabled == "true" else 120
        return self.created_ms + days * DAY_MS

    def has_field(self, name: str, value: str) -> bool:
        """Whether it carries this custom field."""
        fields = self.given.custom_fields.text_custom_fields
        return any((one.name, one.value) == (name, value) for one in fields)

    def is_of(self, name: str) -> bool:
        """Whether a test means it: by its id, its reference, or the file that the reference begins with."""
        values = [one.value for one in self.given.custom_fields.text_custom_fields]
        known = {self.id, self.given.transaction_id, *values}
        return name in known or any(value.rpartition(":")[0] == name for value in known)

    def view(self, now: int) -> None:
        """Its signer opens it."""
        if self.status == "sent":
            self._becomes("delivered", now)

    def sign(self, now: int) -> None:
        """Its signer signs."""
        self.view(now)
        if self.status == "delivered":
            self.signed = _with_certificate(self, now)
            self._becomes("completed", now)

    def decline(self, reason: str, now: int) -> None:
        """Its signer will not."""
        self.view(now)
        if self.status == "delivered":
            self.reason = reason
            self._becomes("declined", now)

    def void(self, reason: str, now: int) -> bool:
        """It is not to be signed; False where it has ended."""
        if self.status not in OPEN:
            return False
        self.reason = reason
        self._becomes("voided", now)
        return True

    def expire(self, now: int) -> None:
        """It runs out, if it is time."""
        if now >= self.ends_ms:
            self.void(EXPIRED, self.ends_ms)

    def shown(self) -> Json:
        """As `GET` answers it; without its recipients."""
        times = {"createdDateTime": self.created_ms, "sentDateTime": self.created_ms}
        times["statusChangedDateTime"] = self.changed_ms
        if self.status not in OPEN:
            times[f"{self.status}DateTime"] = self.changed_ms
        shown: Json = {
            "envelopeId": self.id,
            "status": self.status,
            "emailSubject": self.given.email_subject,
            "documentsUri": f"/envelopes/{self.id}/documents",
            "recipientsUri": f"/envelopes/{self.id}/recipients",
            "customFieldsUri": f"/envelopes/{self.id}/custom_fields",
            "expireEnabled": "true",
            "expireDateTime": wire_time(self.ends_ms),
            **{name: wire_time(ms) for name, ms in times.items()},
        }
        if self.status == "voided":
            shown["voidedReason"] = self.reason
        return shown

    def recipients(self) -> Json:
        """`recipients`, with why its signer has declined."""
        signer = self.signer
        shown: Json = {
            "recipientId": signer.recipient_id, "recipientIdGuid": str(uuid.uuid5(uuid.NAMESPACE_OID, self.id)),
            "name": signer.name, "email": signer.email, "routingOrder": signer.routing_order,
            "status": self.status if self.status != "voided" else "sent", "deliveryMethod": "email",
        }  # fmt: skip
        if signer.client_user_id is not None:
            shown["clientUserId"] = signer.client_user_id
        if self.status == "declined":
            shown |= {"declinedReason": self.reason, "declinedDateTime": wire_time(self.changed_ms)}
        return {"signers": [shown], "recipientCount": "1", "currentRoutingOrder": "1"}

    def custom_fields(self) -> Json:
        """`customFields`."""
        fields = [
            {
                "fieldId": str(10 + number), "name": one.name, "show": one.show,
                "required": one.required, "value": one.value,
            }
            for number, one in enumerate(self.given.custom_fields.text_custom_fields)
        ]  # fmt: skip
        return {"textCustomFields": fields, "listCustomFields": []}

    def _becomes(self, status: str, now: int) -> None:
        self.status, self.changed_ms = status, now
        self.untold.append(self.event(now))

    def event(self, now: int) -> Json:
        """What Connect tells of it now (JSON SIM)."""
        summary = {
            **self.shown(), "customFields": self.custom_fields(), "recipients": self.recipients(),
        }  # fmt: skip
        if self.given.transaction_id:
            summary["transactionId"] = self.given.transaction_id
        data: dict[str, Any] = {
            "accountId": OURS, "userId": OURS, "envelopeId": self.id, "envelopeSummary": summary,
        }  # fmt: skip
        return {
            "event": f"envelope-{self.status}",
            "apiVersion": "v2.1",
            "uri": f"/restapi/v2.1/accounts/{OURS}/envelopes/{self.id}",
            "retryCount": 0,
            "configurationId": CONFIGURATION,
            "generatedDateTime": wire_time(now),
            "data": data,
        }


def _with_certificate(envelope: Envelope, now: int) -> bytes:
    """The document, with a page on how it was signed."""
    page = io.BytesIO()
    canvas = Canvas(page, pagesize=A4, invariant=True)
    lines = (
        "Certificate Of Completion", f"Envelope Id: {envelope.id}", "Status: Completed",
        f"Signer: {envelope.signer.email}", f"Signed: {wire_time(now)}",
    )  # fmt: skip
    for number, line in enumerate(lines):
        canvas.drawString(72, 760 - 20 * number, line)
    canvas.save()
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(envelope.document)) as whole, pikepdf.open(page) as last:
        whole.pages.extend(last.pages)
        whole.save(out, static_id=True)
    return out.getvalue()

"""Who carries mail and text messages: SendGrid and Twilio as their documentation has them.

Rule: what is taken is shown in the inbox of its channel, to whom it was sent; every taking has an effect,
since neither of them has an idempotency key for it; what is refused is refused in their own words and
shape. Any credentials of the right form are taken.

Source: SendGrid's `POST /v3/mail/send` (202 without a body; `errors` of `message`, `field`, `help`);
Twilio's `POST /2010-04-01/Accounts/{AccountSid}/Messages.json` (201; `code`, `message`, `more_info`,
`status`; 20003, 21211, 21212, 21602, 21617); interface.md 10.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

import msgspec

from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage
from comptoir.sandbox.wire.router import Call
from comptoir.sandbox.wire.server import Reply, json_reply

MAIL_SEND = Operation("mail.send", Direction.INBOUND)
MESSAGES_CREATE = Operation("messages.create", Direction.INBOUND)
# SendGrid's own bound is 30 MB, attachments included; what is plain text is far below.
MAIL_BYTES_MAX = 512 * 1024
SMS_CHARACTERS_MAX = 1600
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+").fullmatch
_E164 = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[A-Za-z0-9 ]{1,11}").fullmatch
_SID = re.compile(r"AC[0-9a-f]{32}").fullmatch
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"


class _Address(msgspec.Struct, frozen=True):
    email: str
    name: str | None = None


class _Personalization(msgspec.Struct, frozen=True):
    to: list[_Address]


class _Content(msgspec.Struct, frozen=True):
    type: str
    value: str


class _Mail(msgspec.Struct, frozen=True):
    """The part of a mail/send that is played; other fields are passed over."""

    personalizations: list[_Personalization]
    sender: _Address = msgspec.field(name="from")
    subject: str
    content: list[_Content]
    tracking_settings: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


@dataclass(slots=True)
class Mail:
    """SendGrid."""

    stage: Stage
    _taken: int = 0

    def party(self) -> Party:
        return Party("sendgrid", inbound=(Inbound(MAIL_SEND, "POST", "/v3/mail/send", self.send),))

    def reset(self) -> None:
        """Counts message ids from 1 again."""
        self._taken = 0

    def send(self, call: Call) -> Effect:
        """Takes one mail, for each of its recipients."""
        scheme, _, key = call.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            refusal = _wrong(401, "authorization required", None)
            return Effect(refusal, happened=False)
        if len(call.request.body) > MAIL_BYTES_MAX:
            return Effect(_wrong(413, "The payload is too large.", None), happened=False)
        try:
            mail = msgspec.json.decode(call.request.body, type=_Mail)
        except msgspec.DecodeError as error:
            return Effect(_wrong(400, f"Bad Request: {error}", None), happened=False)
        recipients = [to.email for part in mail.personalizations for to in part.to]
        flaw = _flaw_of(mail, recipients)
        if flaw is not None:
            return Effect(_wrong(400, flaw[1], flaw[0]), happened=False)
        self._taken += 1
        message_id = f"mail_{self._taken:08d}"
        body = next(one.value for one in mail.content)
        for to in recipients:
            facts = {
                "channel": "mail",
                "to": to,
                "title": mail.subject,
                "body": body,
                "data": {"from": mail.sender.email, "tracking": mail.tracking_settings},
                "messageId": message_id,
                "idempotencyKey": None,
            }
            self.stage.inbox.add(
                self.stage.clock.now_ms(), MappingProxyType(facts), len(call.request.body) + 256
            )
        return Effect(Reply(202, b"", (("X-Message-Id", message_id),)), happened=True)


def _flaw_of(mail: _Mail, recipients: list[str]) -> tuple[str, str] | None:
    """The first field that SendGrid would not take, and what it says."""
    if not recipients:
        return (
            "personalizations",
            "The personalizations field is required and must have at least one.",
        )
    if not all(map(_ADDRESS, recipients)):
        return "personalizations.0.to.0.email", "Does not contain a valid address."
    if not _ADDRESS(mail.sender.email):
        return "from.email", "The from email does not contain a valid address."
    if not mail.subject:
        return "subject", "The subject is required."
    if not mail.content or not all(one.value for one in mail.content):
        return (
            "content.0.value",
            "The content value must be a string at least one character in length.",
        )
    return None


def _wrong(status: int, text: str, field: str | None) -> Reply:
    error = {"message": text, "field": field, "help": _HELP}
    return json_reply(status, {"errors": [error]})


@dataclass(slots=True)
class Sms:
    """Twilio."""

    stage: Stage
    _taken: int = 0

    def party(self) -> Party:
        path = "/2010-04-01/Accounts/{id}/Messages.json"
        return Party("twilio", inbound=(Inbound(MESSAGES_CREATE, "POST", path, self.create),))

    def reset(self) -> None:
        """Counts message ids from 1 again."""
        self._taken = 0

    def create(self, call: Call) -> Effect:
        """Takes one text message."""
        scheme, _, _credentials = call.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or not _SID(call.argument):
            return Effect(_refused(401, 20003, "Authenticate"), happened=False)
        fields = {
            name: values[0]
            for name, values in parse_qs(call.request.body.decode("utf-8", "replace")).items()
        }
        to, sender, text = (fields.get(name, "") for name in ("To", "From", "Body"))
        flaw = None
        if not _E164(to):
            flaw = (21211, "Invalid 'To' Phone Number")
        elif not _SENDER(sender):
            flaw = (21212, "Invalid 'From' Phone Number")
        elif not text:
            flaw = (21602, "Message body is required.")
        elif len(text) > SMS_CHARACTERS_MAX:
            flaw = (21617, "The concatenated message body exceeds the 1600 character limit")
        if flaw is not None:
            return Effect(_refused(400, *flaw), happened=False)
        self._taken += 1
        sid = f"SM{self._taken:032x}"
        self._deliver(to, sender, text, sid)
        document = {
            "sid": sid, "account_sid": call.argument, "to": to, "from": sender, "body": text,
            "status": "queued", "direction": "outbound-api", "api_version": "2010-04-01",
            "error_code": None, "error_message": None, "num_segments": "1", "num_media": "0",
            "uri": f"/2010-04-01/Accounts/{call.argument}/Messages/{sid}.json",
        }  # fmt: skip
        return Effect(json_reply(201, document), happened=True)

    def _deliver(self, to: str, sender: str, text: str, sid: str) -> None:
        facts = {
            "channel": "sms",
            "to": to,
            "title": "",
            "body": text,
            "data": {"from": sender},
            "messageId": sid,
            "idempotencyKey": None,
        }
        size = len(text.encode()) + 256
        self.stage.inbox.add(self.stage.clock.now_ms(), MappingProxyType(facts), size)


def _refused(status: int, code: int, text: str) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json_reply(status, {"code": code, "message": text, "more_info": more, "status": status})

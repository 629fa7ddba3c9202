"""Who carries mail and text messages: SendGrid, Brevo and Twilio as their documentation has them.

Rule: what is taken is shown in the inbox of its channel, to whom it was sent; every taking has an effect,
since none of them documents an idempotency key for it; what is refused is refused in their own words and
shape. Any credentials of the right form are taken.

Source: SendGrid's `POST /v3/mail/send` (202 without a body; `errors` of `message`, `field`, `help`);
Brevo's `POST /v3/smtp/email` (201 with `messageId`; `code` and `message`);
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
EMAIL_SEND = Operation("email.send", Direction.INBOUND)
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
        data = {
            "from": mail.sender.email,
            "tracking": mail.tracking_settings,
            "carrier": "sendgrid",
        }
        for to in recipients:
            _show_mail(self.stage, to, (mail.subject, body), data, message_id)
        return Effect(Reply(202, b"", (("X-Message-Id", message_id),)), happened=True)


def _show_mail(
    stage: Stage, to: str, letter: tuple[str, str], data: dict[str, Any], message_id: str
) -> None:
    """Subject and text in the inbox of one address."""
    facts = {
        "channel": "mail",
        "to": to,
        "title": letter[0],
        "body": letter[1],
        "data": data,
        "messageId": message_id,
        "idempotencyKey": None,
    }
    size = sum(len(text.encode()) for text in letter) + 512
    stage.inbox.add(stage.clock.now_ms(), MappingProxyType(facts), size)


class _Email(msgspec.Struct, frozen=True, rename="camel"):
    """The part of Brevo's SendSmtpEmail that is played; other fields are passed over."""

    to: list[_Address]
    sender: _Address | None = None
    subject: str = ""
    html_content: str = ""
    text_content: str = ""


@dataclass(slots=True)
class Brevo:
    """Brevo."""

    stage: Stage
    _taken: int = 0

    def party(self) -> Party:
        return Party("brevo", inbound=(Inbound(EMAIL_SEND, "POST", "/v3/smtp/email", self.send),))

    def reset(self) -> None:
        """Counts message ids from 1 again."""
        self._taken = 0

    def send(self, call: Call) -> Effect:
        """Takes one mail, for each of its recipients."""
        if not call.request.headers.get("api-key", "").strip():
            return Effect(_denied(401, "unauthorized", "Key not found"), happened=False)
        try:
            mail = msgspec.json.decode(call.request.body, type=_Email)
        except msgspec.DecodeError:
            reply = _denied(400, "bad_request", "Input must be a valid JSON object")
            return Effect(reply, happened=False)
        flaw = self._flaw(mail)
        if flaw is not None:
            return Effect(_denied(400, *flaw), happened=False)
        self._taken += 1
        message_id = f"<{self._taken:012d}.sandbox@smtp-relay.mailin.fr>"
        assert mail.sender is not None
        data = {"from": mail.sender.email, "html": mail.html_content, "carrier": "brevo"}
        for one in mail.to:
            letter = (mail.subject, mail.text_content or mail.html_content)
            _show_mail(self.stage, one.email, letter, data, message_id)
        return Effect(json_reply(201, {"messageId": message_id}), happened=True)

    @staticmethod
    def _flaw(mail: _Email) -> tuple[str, str] | None:
        """The first field that Brevo would not take."""
        if mail.sender is None:
            return "missing_parameter", "sender is missing"
        if not _ADDRESS(mail.sender.email):
            return "invalid_parameter", "email is not valid in sender"
        if not mail.to:
            return "missing_parameter", "to is missing"
        if not all(_ADDRESS(one.email) for one in mail.to):
            return "invalid_parameter", "email is not valid in to"
        if not mail.subject:
            return "missing_parameter", "subject is missing"
        if not mail.html_content:
            return "missing_parameter", "htmlContent is missing"
        return None


def _denied(status: int, code: str, text: str) -> Reply:
    return json_reply(status, {"code": code, "message": text})


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

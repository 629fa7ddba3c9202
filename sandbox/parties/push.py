"""The push service: takes a message for a device and puts it into the inbox.

Rule: a message has an effect once per `Idempotency-Key`; the repeat gets the first answer and says
that it is a repeat; the same key with another body is refused, because one of the two is a mistake.

Source: interface.md 10 (party `fcm`, inbox channel `push`); spec S49, S52; interface.md 1
(Idempotency-Key).
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec

from comptoir.sandbox.errors import Refused, decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage
from comptoir.sandbox.wire.router import Call
from comptoir.sandbox.wire.server import json_reply

NAME = "fcm"
SEND = Operation("push.send", Direction.INBOUND)
BODY_BYTES_MAX = 64 * 1024
# Ten times the inbox: a retry within the reach of any back-off still meets its first answer.
KEYS_MAX = 100_000


Scalar = str | int | float | bool | None


class PushMessage(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """The body of `POST /push/send`: to a user or to a device's token, one of the two."""

    title: str
    body: str
    user_id: str | None = None
    token: str | None = None
    data: dict[str, Scalar] = msgspec.field(default_factory=dict[str, Scalar])


@dataclass(frozen=True, slots=True)
class _Sent:
    message_id: str
    digest: bytes


@dataclass(slots=True)
class Push:
    """The state of the push service: which keys it has seen."""

    stage: Stage
    _sent: OrderedDict[str, _Sent] = field(default_factory=OrderedDict[str, _Sent])
    _messages: int = 0

    def party(self) -> Party:
        return Party(NAME, inbound=(Inbound(SEND, "POST", "/push/send", self.send),))

    def reset(self) -> None:
        """Forgets every key and counts message ids from 1 again."""
        self._sent.clear()
        self._messages = 0

    def send(self, call: Call) -> Effect:
        """Delivers one message to the inbox, or answers the repeat of one."""
        try:
            return self._send(call)
        except Refused as refusal:
            return Effect(json_reply(refusal.status, refusal.document()), happened=False)

    def _send(self, call: Call) -> Effect:
        body = call.request.body
        if len(body) > BODY_BYTES_MAX:
            raise Refused(413, "PAYLOAD_TOO_LARGE", f"the body is over {BODY_BYTES_MAX} bytes")
        message = decode(body, PushMessage)
        to = message.user_id or message.token
        if to is None or (message.user_id and message.token):
            raise Refused(422, "REQUEST_INVALID", "give either userId or token")
        key = call.request.headers.get("idempotency-key")
        digest = hashlib.sha256(body).digest()
        if key is not None and (sent := self._sent.get(key)) is not None:
            return _repeat(sent, digest)
        message_id = self._deliver(message, to, key, len(body))
        if key is not None:
            self._sent[key] = _Sent(message_id, digest)
            if len(self._sent) > KEYS_MAX:
                self._sent.popitem(last=False)
        return Effect(json_reply(200, {"messageId": message_id}), happened=True)

    def _deliver(self, message: PushMessage, to: str, key: str | None, size: int) -> str:
        self._messages += 1
        message_id = f"push_{self._messages:08d}"
        facts = {
            "channel": "push",
            "to": to,
            "title": message.title,
            "body": message.body,
            "data": message.data,
            "messageId": message_id,
            "idempotencyKey": key,
        }
        self.stage.inbox.add(self.stage.clock.now_ms(), MappingProxyType(facts), size + 256)
        return message_id


def _repeat(sent: _Sent, digest: bytes) -> Effect:
    if sent.digest != digest:
        detail = "this Idempotency-Key was used for another body"
        raise Refused(422, "IDEMPOTENCY_KEY_REUSED", detail)
    document = {"messageId": sent.message_id, "repeated": True}
    reply = json_reply(200, document, (("Idempotency-Replayed", "true"),))
    return Effect(reply, happened=False)

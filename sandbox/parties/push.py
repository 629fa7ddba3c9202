"""Firebase Cloud Messaging, HTTP v1: takes a message for an installation of an app, and shows it in the inbox.

Rules:
- whoever sends shows a token that the token endpoint gave (google_oauth.py); what FCM would not take is
  refused in its words and shape, a field that it does not know first of all;
- every token of the right form is that of an installation, until `POST /control/fcm/tokens` says that it is not
  any more, or that it is another sender's.

Source: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send and .../ErrorCode;
cloud.google.com/apis/design/errors (the shape); interface.md 10 (party `fcm`, inbox channel `push`); spec S44.
"""

import json
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from comptoir.sandbox.errors import decode
from comptoir.sandbox.faults import Direction, Operation
from comptoir.sandbox.parties.google_oauth import PATH as TOKEN_PATH
from comptoir.sandbox.parties.google_oauth import GoogleOAuth
from comptoir.sandbox.parties.party import Effect, Inbound, Party, Stage
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Outcome, Reply, json_reply

NAME = "fcm"
SEND = Operation("push.send", Direction.INBOUND)
TOKEN = Operation("push.token", Direction.INBOUND)
PAYLOAD_BYTES_MAX = 4096
"""Of notification and data together."""
STATES_MAX = 10_000
_TOKEN = re.compile(r"[A-Za-z0-9_:.-]{8,4096}").fullmatch
_RESERVED = re.compile(r"from|message_type|collapse_key|google.*|gcm.*").fullmatch
_DURATION = r"^[0-9]{1,7}(\.[0-9]{1,9})?s$"
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_NO_TOKEN = "The registration token is not a valid FCM registration token"  # noqa: S105 (FCM's own words)


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """FCM refuses names that it does not know."""


class _Notification(_Shape, frozen=True):
    title: str = ""
    body: str = ""
    image: str = ""


class _AndroidNotification(_Shape, frozen=True):
    title: str = ""
    body: str = ""
    icon: str = ""
    color: str = ""
    sound: str = ""
    tag: str = ""
    click_action: str = ""
    channel_id: str = ""


class _Android(_Shape, frozen=True):
    collapse_key: str = ""
    priority: Literal["NORMAL", "HIGH"] = "NORMAL"
    ttl: Annotated[str, msgspec.Meta(pattern=_DURATION)] = "2419200s"
    restricted_package_name: str = ""
    data: dict[str, str] = {}
    notification: _AndroidNotification | None = None


class _Apns(_Shape, frozen=True):
    headers: dict[str, str] = {}
    payload: dict[str, Any] = {}


class _Message(_Shape, frozen=True):
    name: str = ""
    data: dict[str, str] = {}
    notification: _Notification | None = None
    android: _Android | None = None
    webpush: dict[str, Any] | None = None
    apns: _Apns | None = None
    token: str = ""
    topic: str = ""
    condition: str = ""


class _Send(_Shape, frozen=True):
    message: _Message
    validate_only: bool = False


class _State(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of `POST /control/fcm/tokens`."""

    token: str
    state: Literal["registered", "unregistered", "foreign"]


@dataclass(slots=True)
class Push:
    """What FCM knows."""

    stage: Stage
    oauth: GoogleOAuth = field(default_factory=GoogleOAuth)
    _states: OrderedDict[str, str] = field(default_factory=OrderedDict[str, str])
    """Of tokens that are not simply registered."""
    _messages: int = 0

    def party(self) -> Party:
        return Party(
            NAME,
            inbound=(
                Inbound(SEND, "POST", "/v1/projects/{id}/messages:send", self.send),
                Inbound(TOKEN, "POST", TOKEN_PATH, self.oauth.token),
            ),
        )

    def routes(self) -> list[Route]:
        """What a test does to it."""
        return [
            Route("GET", "/control/fcm/service-account", self.oauth.account),
            Route("POST", "/control/fcm/tokens", self.set_state),
        ]

    def reset(self) -> None:
        """Knows every token again, and counts message ids from 1."""
        self._states.clear()
        self._messages = 0

    async def set_state(self, call: Call) -> Outcome:
        """An installation is gone, is another sender's, or is there again."""
        wanted = decode(call.request.body, _State)
        self._states.pop(wanted.token, None)
        if wanted.state != "registered":
            self._states[wanted.token] = wanted.state
            if len(self._states) > STATES_MAX:
                self._states.popitem(last=False)
        return json_reply(200, {"token": wanted.token, "state": wanted.state})

    def send(self, call: Call) -> Effect:
        """Shows one message, or says why not."""
        scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.oauth.is_good(token):
            text = "Request had invalid authentication credentials."
            return _refused(401, "UNAUTHENTICATED", text)
        try:
            wanted = msgspec.json.decode(call.request.body, type=_Send)
        except msgspec.DecodeError as error:
            return _refused(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}")
        refused = self._flaw(wanted.message)
        if refused is not None:
            return refused
        self._messages += 1
        name = f"projects/{call.argument}/messages/0:{self._messages:016d}"
        if not wanted.validate_only:
            self._deliver(wanted.message, name, len(call.request.body))
        return Effect(json_reply(200, {"name": name}), happened=not wanted.validate_only)

    def _flaw(self, message: _Message) -> Effect | None:
        targets = [one for one in (message.token, message.topic, message.condition) if one]
        if len(targets) != 1:
            return _invalid("Recipient of the message is not set.", "message")
        wrong = next(filter(_RESERVED, message.data), None)
        if wrong is not None:
            return _invalid(f"Invalid data payload key: {wrong}", "message.data")
        shown = message.notification or _Notification()
        payload = {**message.data, "title": shown.title, "body": shown.body}
        if len(json.dumps(payload, ensure_ascii=False).encode()) > PAYLOAD_BYTES_MAX:
            return _invalid("Android message is too big", "message.android")
        if message.token and not _TOKEN(message.token):
            return _refused(400, "INVALID_ARGUMENT", _NO_TOKEN, "INVALID_ARGUMENT")
        state = self._states.get(message.token)
        if state == "unregistered":
            return _refused(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
        if state == "foreign":
            return _refused(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH")
        return None

    def _deliver(self, message: _Message, name: str, size: int) -> None:
        shown = message.notification or _Notification()
        options: dict[str, Any] = {
            "android": msgspec.to_builtins(message.android),
            "apns": msgspec.to_builtins(message.apns),
        }
        facts: dict[str, Any] = {
            "channel": "push", "to": message.token or message.topic or message.condition,
            "title": shown.title, "body": shown.body, "data": message.data,
            "options": options, "messageId": name, "idempotencyKey": None,
        }  # fmt: skip
        self.stage.inbox.add(self.stage.clock.now_ms(), MappingProxyType(facts), size + 256)


def _refused(status: int, word: str, text: str, code: str = "") -> Effect:
    details = [{"@type": _FCM_ERROR, "errorCode": code}] if code else []
    return Effect(_error(status, word, text, details), happened=False)


def _invalid(text: str, place: str) -> Effect:
    violation = {"field": place, "description": text}
    details: list[dict[str, Any]] = [
        {"@type": _BAD_REQUEST, "fieldViolations": [violation]},
        {"@type": _FCM_ERROR, "errorCode": "INVALID_ARGUMENT"},
    ]
    return Effect(_error(400, "INVALID_ARGUMENT", text, details), happened=False)


def _error(status: int, word: str, text: str, details: list[dict[str, Any]]) -> Reply:
    error: dict[str, Any] = {"code": status, "message": text, "status": word}
    if details:
        error["details"] = details
    return json_reply(status, {"error": error})

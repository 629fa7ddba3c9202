"""The gateway `push` by Firebase Cloud Messaging, HTTP v1: a notice on one device (S44, S52).

Rules:
- a token that FCM knows no more, or that is another sender's, is no failure: whoever asked hears that the
  device is gone. Any other refusal of ours says nothing about the device;
- FCM has no idempotency key. A push whose answer was lost is sent again, and takes the place of the first on
  the device: both have the same tag on Android, the same collapse id on Apple's devices;
- where FCM says when to come again, it is not asked before; a failure blocks nothing (S65).

Source: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages (Message, AndroidConfig, ApnsConfig)
and .../v1/ErrorCode; firebase.google.com/docs/cloud-messaging/scale-fcm (Retry-After);
developer.apple.com "Sending notification requests to APNs" (apns-priority, apns-collapse-id of 64 bytes at
most, apns-expiration); spec.md S44, S63 to S65.
"""

from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec

from comptoir.actors.gateways.google_tokens import GoogleTokens
from comptoir.actors.gateways.messages import FCM, PushToDevice
from comptoir.actors.gateways.notices import DEAD_QUEUE
from comptoir.actors.notification.messages import DeviceGone, PushMissed
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.values import Message

__all__ = ["Fcm", "mark_of", "push_gateway"]

MARK_BYTES: Final = 16
WAIT_S_MAX: Final = 3600
"""Of a Retry-After: more than an hour is a mistake, or a matter for a person."""
_GONE: Final = frozenset(("UNREGISTERED", "SENDER_ID_MISMATCH"))
_BUSY: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)


class _Violation(msgspec.Struct, frozen=True):
    field: str = ""


class _Detail(msgspec.Struct, frozen=True, rename="camel"):
    """Of `FcmError` or of `BadRequest`, whose fields do not overlap."""

    error_code: str = ""
    field_violations: tuple[_Violation, ...] = ()


class _Error(msgspec.Struct, frozen=True):
    details: tuple[_Detail, ...] = ()


class _Refusal(msgspec.Struct, frozen=True):
    error: _Error


@dataclass(frozen=True, slots=True)
class Fcm:
    """FCM, for one project of ours."""

    client: httpx.AsyncClient
    """Whose base URL is FCM's."""
    tokens: GoogleTokens
    ttl_s: int
    """For so long a device that is off may be told afterwards."""

    async def send(self, message: PushToDevice, context: CallContext) -> Message | None:
        """Show a notice on one device."""
        access = await self.tokens.access()
        path = f"/v1/projects/{self.tokens.account.project_id}/messages:send"
        headers = {"Authorization": f"Bearer {access}"}
        try:
            response = await self.client.post(
                path, json={"message": self.body(message, context.now)}, headers=headers
            )
        except httpx.TransportError as error:
            raise CallFault("PUSH_UNREACHABLE", retryable=True) from error
        if response.is_success:
            return None
        status = response.status_code
        if status == HTTPStatus.UNAUTHORIZED:
            self.tokens.forget(access)
            raise CallFault("PUSH_TOKEN_REFUSED", retryable=True)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _BUSY:
            raise CallFault("PUSH_UNAVAILABLE", retryable=True, wait_ms=_wait_ms(response))
        if _is_gone(response.content):
            return DeviceGone(message.notice, message.devices, message.device_id, message.token)
        if status == HTTPStatus.FORBIDDEN:  # our account may not: nothing that is sent will arrive
            raise CallFault("PUSH_CREDENTIALS_REFUSED", retryable=False)
        raise CallFault("PUSH_REFUSED", retryable=False, sick=False)

    def body(self, message: PushToDevice, now: int) -> dict[str, Any]:
        """The `Message` resource."""
        mark = mark_of(message.notice.reference)
        priority = ("HIGH", "10") if message.urgent else ("NORMAL", "5")
        return {
            "token": message.token,
            "notification": {"title": message.title, "body": message.body},
            "data": {
                "reference": mark,
                "template": message.notice.template,
                "category": message.category,
            },
            "android": {
                "priority": priority[0],
                "ttl": f"{self.ttl_s}s",
                "notification": {"tag": mark},
            },
            "apns": {
                "headers": {
                    "apns-priority": priority[1],
                    "apns-expiration": str(now // 1000 + self.ttl_s),
                    "apns-collapse-id": mark,
                }
            },
        }


def mark_of(reference: str) -> str:
    """What devices and those between see of a reference: they can tell two apart, and nothing else."""
    return blake2b(reference.encode(), digest_size=MARK_BYTES).hexdigest()


def _is_gone(content: bytes) -> bool:
    """Whether it is the token that FCM does not take."""
    try:
        details = msgspec.json.decode(content, type=_Refusal).error.details
    except msgspec.DecodeError:
        return False
    codes = {one.error_code for one in details}
    if codes & _GONE:
        return True
    wrong = {one.field for detail in details for one in detail.field_violations}
    # FCM names no field where it knows the token's form to be none of its own.
    return "INVALID_ARGUMENT" in codes and wrong <= {"message.token"}


def _wait_ms(response: httpx.Response) -> int:
    """For how long FCM asks us to wait; 0 where it does not say so in seconds (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "")
    return min(int(text), WAIT_S_MAX) * 1000 if text.isascii() and text.isdigit() else 0


def push_gateway(fcm: Fcm, bounds: GatewayBounds) -> GatewaySpec:
    """The gateway over FCM."""

    def key(message: PushToDevice) -> str:
        return f"push:{message.reference}"

    def failed(message: PushToDevice, code: str) -> Message:
        return PushMissed(message.notice, message.devices, code)

    return GatewaySpec(
        FCM.kind,
        {PushToDevice: Operation(fcm.send, key, failed=failed)},
        bounds,
        dead_queue=DEAD_QUEUE,
    )

"""Push by FCM HTTP v1: what is sent, by what token, and what each answer comes to (S44, S63 to S65)."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import orjson
import pytest
import trio
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from comptoir.actors.gateways.google_tokens import MARGIN_S, SCOPE, GoogleTokens, ServiceAccount
from comptoir.actors.gateways.messages import PushToDevice, SendPush
from comptoir.actors.gateways.push import WAIT_S_MAX, Fcm, push_gateway
from comptoir.actors.notification.messages import DeviceGone, PushMissed
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds
from tests.actors.gateways.notice_schemas import ASSERTION, CLAIMS, FCM, TOKEN, hold

KEY = generate_private_key(65_537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ACCOUNT = ServiceAccount(
    "rewapp", "push@rewapp.iam.gserviceaccount.com", "https://oauth2.example/token", PEM, "k1"
)
NOTICE = SendPush("wd_1:2", "u1", "withdrawal_completed", 950)
PUSH = PushToDevice(
    NOTICE, "d1", "fcm-token-of-d1", 2, "Retrait", "950 points ont été virés.", "withdrawals"
)
NOW_MS = 1_800_000_000_000
CONTEXT = CallContext(NOW_MS, 1, "push:wd_1:2:d1")
ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD = "type.googleapis.com/google.rpc.BadRequest"
Answer = Callable[[httpx.Request], httpx.Response]


class Google:
    """The token endpoint and FCM: tokens are given as they are asked for, messages answered as told."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.sent: list[httpx.Request] = []
        self.expires_in: float = 3599
        self.tokens: httpx.Response | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            self.asked.append(request)
            if self.tokens is not None:
                return self.tokens
            token = f"ya29.{len(self.asked)}"
            document = {
                "access_token": token,
                "expires_in": self.expires_in,
                "token_type": "Bearer",
            }
            return httpx.Response(200, json=document)
        self.sent.append(request)
        return self.answers.pop(0) if self.answers else httpx.Response(200, json={"name": "n"})


def fcm(google: Answer, account: ServiceAccount = ACCOUNT) -> Fcm:
    """The adapter over these two."""
    client = httpx.AsyncClient(
        base_url="https://fcm.example", transport=httpx.MockTransport(google)
    )
    return Fcm(client, GoogleTokens(client, account, lambda: 1_800_000_000.9), 3600)


def refusal(status: int, word: str, *details: dict[str, Any]) -> httpx.Response:
    """An error of Google's."""
    error: dict[str, Any] = {"code": status, "message": "fcm-token-of-d1?", "status": word}
    if details:
        error["details"] = details
    return httpx.Response(status, json={"error": error})


def said(code: str) -> dict[str, Any]:
    """FCM's own word."""
    return {"@type": ERROR, "errorCode": code}


def wrong(field: str) -> dict[str, Any]:
    """Which field it is."""
    return {"@type": BAD, "fieldViolations": [{"field": field, "description": "Invalid"}]}


def part(text: str) -> bytes:
    """A part of a JWT."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def test_a_message_as_fcm_wants_it() -> None:
    """S44: the Message resource, to one token; what makes a repeat take the first one's place on the device."""
    google = Google()
    adapter = fcm(google)
    assert await adapter.send(PUSH, CONTEXT) is None
    (request,) = google.sent
    assert (request.method, request.url.path) == ("POST", "/v1/projects/rewapp/messages:send")
    assert request.headers["authorization"] == "Bearer ya29.1"
    body = orjson.loads(request.content)
    hold(FCM, body)
    message = body["message"]
    assert message["token"] == "fcm-token-of-d1"
    assert message["notification"] == {"title": "Retrait", "body": "950 points ont été virés."}
    mark = message["data"]["reference"]
    assert message["android"]["notification"]["tag"] == mark
    assert message["apns"]["headers"]["apns-collapse-id"] == mark
    assert message["android"]["ttl"] == "3600s"
    assert message["apns"]["headers"]["apns-expiration"] == str(1_800_000_000 + 3600)
    await adapter.send(PUSH, CONTEXT)
    assert google.sent[1].content == request.content
    assert b"wd_1" not in request.content, "no reference of ours leaves in clear"
    assert len(request.content) < 4096


async def test_what_is_urgent_wakes_a_device() -> None:
    """S44: high priority for security, normal for all else."""
    google = Google()
    adapter = fcm(google)
    for urgent in (False, True):
        changed = PushToDevice(
            NOTICE, "d1", "fcm-token-of-d1", 1, "t", "b", "security", urgent=urgent
        )
        await adapter.send(changed, CONTEXT)
        hold(FCM, orjson.loads(google.sent[-1].content))
    messages = [orjson.loads(one.content)["message"] for one in google.sent]
    assert [one["android"]["priority"] for one in messages] == ["NORMAL", "HIGH"]
    assert [one["apns"]["headers"]["apns-priority"] for one in messages] == ["5", "10"]


async def test_a_token_as_google_wants_it_asked_for() -> None:
    """S44: the form, the header and the claims of the page, signed by the account's key (RS256)."""
    google = Google()
    await fcm(google).send(PUSH, CONTEXT)
    (request,) = google.asked
    form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
    hold(TOKEN, form)
    header, claims, signature = form["assertion"].split(".")
    hold(ASSERTION, orjson.loads(part(header)))
    read = orjson.loads(part(claims))
    hold(CLAIMS, read)
    assert read == {
        "iss": ACCOUNT.client_email, "scope": SCOPE, "aud": ACCOUNT.token_uri,
        "iat": 1_800_000_000, "exp": 1_800_003_600,
    }  # fmt: skip
    signed = f"{header}.{claims}".encode()
    KEY.public_key().verify(part(signature), signed, PKCS1v15(), hashes.SHA256())


async def test_a_token_is_kept_and_renewed(autojump_clock: trio.testing.MockClock) -> None:
    """S44: one for all calls, asked for once by however many at a time, and another before its end."""
    del autojump_clock
    google = Google()
    adapter = fcm(google)
    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(adapter.send, PUSH, CONTEXT)
    assert len(google.asked) == 1
    await trio.sleep(google.expires_in - MARGIN_S - 1)
    await adapter.send(PUSH, CONTEXT)
    assert len(google.asked) == 1
    await trio.sleep(2)
    await adapter.send(PUSH, CONTEXT)
    assert len(google.asked) == 2
    assert google.sent[-1].headers["authorization"] == "Bearer ya29.2"


async def test_a_token_that_is_refused_is_replaced() -> None:
    """S44, S63: it is tried again, by another token."""
    google = Google(refusal(401, "UNAUTHENTICATED"))
    adapter = fcm(google)
    with pytest.raises(CallFault) as found:
        await adapter.send(PUSH, CONTEXT)
    assert (found.value.code, found.value.retryable) == ("PUSH_TOKEN_REFUSED", True)
    await adapter.send(PUSH, CONTEXT)
    assert google.sent[-1].headers["authorization"] == "Bearer ya29.2"


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), "PUSH_CREDENTIALS_REFUSED", False),
        (httpx.Response(503), "PUSH_UNAVAILABLE", True),
        (httpx.Response(429), "PUSH_UNAVAILABLE", True),
        (httpx.Response(200, text="<html>"), "PUSH_ANSWER_INVALID", True),
    ],
)
async def test_no_token(answer: httpx.Response, code: str, retryable: bool) -> None:
    """S65: what the token endpoint says is the party's health, and no message leaves without one."""
    google = Google()
    google.tokens = answer
    with pytest.raises(CallFault) as found:
        await fcm(google).send(PUSH, CONTEXT)
    assert (found.value.code, found.value.retryable, found.value.sick) == (code, retryable, True)
    assert google.sent == []


async def test_the_token_endpoint_is_away() -> None:
    """S65: and nothing of what was asked is in the fault."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    with pytest.raises(CallFault, match="PUSH_UNREACHABLE"):
        await fcm(answer).send(PUSH, CONTEXT)


@pytest.mark.parametrize(
    "pem",
    [
        PEM.replace(PEM.splitlines()[1], "none"),
        ec_key(SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode(),
    ],
)
async def test_a_key_that_cannot_sign(pem: str) -> None:
    """S44: a key that is none, or none of RSA, is our own fault, and is not tried again."""
    account = ServiceAccount("p", "a@p.example", "https://oauth2.example/token", pem)
    with pytest.raises(CallFault) as found:
        await fcm(Google(), account).send(PUSH, CONTEXT)
    assert (found.value.code, found.value.retryable) == ("PUSH_CREDENTIALS_REFUSED", False)
    assert "PRIVATE" not in repr(account)
    assert "PRIVATE" not in repr(found.value)


async def test_without_an_account_the_assertion_brings_its_key() -> None:
    """E15: with the sandbox on this machine; its signature is verified by that very key."""
    google = Google()
    account = ServiceAccount("sandbox", "a@sandbox.example", "http://127.0.0.1:9/token")
    await fcm(google, account).send(PUSH, CONTEXT)
    form = parse_qs(google.asked[0].content.decode())
    header, claims, signature = form["assertion"][0].split(".")
    jwk = orjson.loads(part(header))["jwk"]
    n, e = (int.from_bytes(part(jwk[name]), "big") for name in ("n", "e"))
    public = RSAPublicNumbers(e, n).public_key()
    public.verify(part(signature), f"{header}.{claims}".encode(), PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(
    "answer",
    [
        refusal(404, "NOT_FOUND", said("UNREGISTERED")),
        refusal(403, "PERMISSION_DENIED", said("SENDER_ID_MISMATCH")),
        refusal(400, "INVALID_ARGUMENT", said("INVALID_ARGUMENT")),
        refusal(400, "INVALID_ARGUMENT", said("INVALID_ARGUMENT"), wrong("message.token")),
    ],
)
async def test_a_device_that_is_gone(answer: httpx.Response) -> None:
    """S44: what FCM says of the token is no failure: whoever asked hears that the device is gone."""
    told = await fcm(Google(answer)).send(PUSH, CONTEXT)
    assert told == DeviceGone(NOTICE, 2, "d1", "fcm-token-of-d1")


@pytest.mark.parametrize(
    ("answer", "code", "retryable", "sick"),
    [
        (refusal(400, "INVALID_ARGUMENT", said("INVALID_ARGUMENT"), wrong("message.data")),
         "PUSH_REFUSED", False, False),
        (refusal(400, "INVALID_ARGUMENT"), "PUSH_REFUSED", False, False),
        (httpx.Response(400, text="<html>"), "PUSH_REFUSED", False, False),
        (refusal(404, "NOT_FOUND"), "PUSH_REFUSED", False, False),
        (refusal(403, "PERMISSION_DENIED"), "PUSH_CREDENTIALS_REFUSED", False, True),
        (refusal(429, "RESOURCE_EXHAUSTED", said("QUOTA_EXCEEDED")), "PUSH_UNAVAILABLE", True, True),
        (refusal(500, "INTERNAL", said("INTERNAL")), "PUSH_UNAVAILABLE", True, True),
        (refusal(503, "UNAVAILABLE", said("UNAVAILABLE")), "PUSH_UNAVAILABLE", True, True),
        (httpx.Response(502, text="<html>"), "PUSH_UNAVAILABLE", True, True),
    ],
)  # fmt: skip
async def test_fcm_that_fails(
    answer: httpx.Response, code: str, retryable: bool, sick: bool
) -> None:
    """S63, S65: the device stays, what may be tried again is, and no token is in the fault."""
    with pytest.raises(CallFault) as found:
        await fcm(Google(answer)).send(PUSH, CONTEXT)
    fault = found.value
    assert (fault.code, fault.retryable, fault.sick) == (code, retryable, sick)
    assert "fcm-token" not in repr(fault)


@pytest.mark.parametrize(
    ("after", "wait_ms"),
    [("30", 30_000), ("86400", WAIT_S_MAX * 1000), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), (None, 0)],
)
async def test_fcm_says_when_to_come_again(after: str | None, wait_ms: int) -> None:
    """S63: not before, and within reason."""
    answer = refusal(429, "RESOURCE_EXHAUSTED", said("QUOTA_EXCEEDED"))
    if after is not None:
        answer.headers["Retry-After"] = after
    with pytest.raises(CallFault) as found:
        await fcm(Google(answer)).send(PUSH, CONTEXT)
    assert found.value.wait_ms == wait_ms


def test_the_gateway() -> None:
    """S63, S64: one key for a notice and a device; what fails for good is told with the notice, for another way."""
    spec = push_gateway(fcm(Google()), GatewayBounds())
    operation = spec.operations[PushToDevice]
    assert (spec.kind, spec.dead_queue) == ("push", "dlq:notifications")
    assert operation.idempotent
    assert operation.business_key(PUSH) == "push:wd_1:2:d1"
    assert operation.failed(PUSH, "PUSH_REFUSED") == PushMissed(NOTICE, 2, "PUSH_REFUSED")

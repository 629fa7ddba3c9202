"""The judge of our requests judges: one wrong thing in what we send is refused (S44).

Each sample is what an adapter really sends; each change is one that the party's document forbids.
"""

from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson
import pytest

from comptoir.actors.gateways.brevo import brevo
from comptoir.actors.gateways.messages import PushToDevice, SendMail, SendPush, SendSms
from comptoir.actors.gateways.sendgrid import sendgrid
from comptoir.actors.gateways.twilio import TwilioAccount, twilio_gateway
from comptoir.engine.gateway_spec import CallContext, GatewayBounds
from tests.actors.gateways.notice_schemas import (
    ASSERTION,
    BREVO,
    CLAIMS,
    FCM,
    SENDGRID,
    TOKEN,
    TWILIO,
    Json,
    hold,
)
from tests.actors.gateways.test_push import fcm

MAIL = SendMail("m_1", "anne@example.org", "Votre retrait", "950 points ont été virés.")
SMS = SendSms("s_1", "+33612345678", "123456 est votre code")
NOTICE = SendPush("wd_1:2", "u1", "withdrawal_completed", 950)
PUSH = PushToDevice(NOTICE, "d1", "token-of-d1", 2, "Retrait", "950 points.", "withdrawals")
SCHEMAS: dict[str, Json] = {"fcm": FCM, "sendgrid": SENDGRID, "brevo": BREVO, "twilio": TWILIO}
GONE = object()
Path = tuple[str | int, ...]


async def _sent(party: str) -> Any:
    """What the adapter of this party sends."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"sid": "SM1"})

    client = httpx.AsyncClient(
        base_url="https://party.example", transport=httpx.MockTransport(answer)
    )
    if party == "fcm":
        return {"message": fcm(answer).body(PUSH, 1_800_000_000_000)}
    if party == "twilio":
        account = TwilioAccount("AC" + "0" * 32, "auth", "+15005550006")
        operation = twilio_gateway(client, account, GatewayBounds()).operations[SendSms]
        await operation.call(SMS, CallContext(0, 1, "key"))
        return dict(parse_qsl(seen[0].content.decode()))
    carrier = (sendgrid if party == "sendgrid" else brevo)(client, "key", "us@example.org", 10.0)
    await carrier.send(MAIL)
    return orjson.loads(seen[0].content)


def _changed(document: Any, path: Path, value: object) -> Any:
    """The same document with one thing other, more or less in it."""
    other = deepcopy(document)
    *above, last = path
    place = other
    for step in above:
        place = place[step]
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return other


FCM_WRONG: list[tuple[Path, object]] = [
    (("message", "token"), GONE),
    (("message", "token"), ""),
    (("message", "tokens"), ["a"]),
    (("message", "data", "from"), "us"),
    (("message", "data", "gcm.id"), "1"),
    (("message", "data", "google_x"), "1"),
    (("message", "data", "points"), 950),
    (("message", "notification", "subtitle"), "x"),
    (("message", "android", "priority"), "high"),
    (("message", "android", "ttl"), 3600),
    (("message", "android", "ttl"), "3600"),
    (("message", "android", "ttl"), "2419201s"),
    (("message", "android", "ttl"), "2419200.5s"),
    (("message", "android", "collapse_id"), "x"),
    (("message", "android", "notification", "tag"), 1),
    (("message", "android", "notification", "visibility"), "HIDDEN"),
    (("message", "apns", "headers", "apns-priority"), 10),
    (("message", "apns", "headers", "apns-priority"), "7"),
    (("message", "apns", "headers", "apns-expiration"), "tomorrow"),
    (("message", "apns", "headers", "apns-collapse-id"), "x" * 65),
    (("message", "apns", "payload"), "x"),
    (("validateOnly",), "yes"),
    (("message",), GONE),
]
SENDGRID_WRONG: list[tuple[Path, object]] = [
    (("from",), "us@example.org"),
    (("from",), GONE),
    (("personalizations",), []),
    (("personalizations", 0, "to"), GONE),
    (("personalizations", 0, "to"), [{"name": "Anne"}]),
    (("personalizations", 0, "to", 0, "email"), "anne"),
    (("personalizations", 0, "reply_to"), {"email": "a@b.c"}),
    (("subject",), ""),
    (("content",), {"type": "text/plain", "value": "x"}),
    (("content", 0, "value"), ""),
    (("content", 0, "type"), GONE),
    (("html",), "<p>x</p>"),
    (("custom_args",), {"a": "b"}),
    (("categories",), ["a", "a"]),
    (("categories",), ["x" * 256]),
    (("tracking_settings", "click_tracking", "enable"), "false"),
    (("tracking_settings", "clicktracking"), {"enable": False}),
]
BREVO_WRONG: list[tuple[Path, object]] = [
    (("sender",), "us@example.org"),
    (("sender",), GONE),
    (("sender", "name"), "x" * 71),
    (("to",), []),
    (("to",), {"email": "anne@example.org"}),
    (("to",), [{"email": "anne@example.org"}] * 100),
    (("to", 0, "email"), GONE),
    (("subject",), GONE),
    (("htmlContent",), GONE),
    (("html_content",), "<p>x</p>"),
    (("tags",), "a"),
    (("headers",), []),
]
TWILIO_WRONG: list[tuple[Path, object]] = [
    (("To",), GONE),
    (("To",), "0612345678"),
    (("To",), "+0612345678"),
    (("From",), GONE),
    (("From",), "12345678901"),
    (("From",), "REWAPP POINTS"),
    (("From",), "Rew@pp"),
    (("Body",), GONE),
    (("Body",), ""),
    (("Body",), "x" * 1601),
    (("body",), "x"),
    (("ValidityPeriod",), "0"),
    (("ValidityPeriod",), "14401"),
    (("StatusCallback",), "https://our_host.example/told"),
]
WRONG = [
    (party, path, value)
    for party, changes in (
        ("fcm", FCM_WRONG),
        ("sendgrid", SENDGRID_WRONG),
        ("brevo", BREVO_WRONG),
        ("twilio", TWILIO_WRONG),
    )
    for path, value in changes
]


@pytest.mark.parametrize("party", SCHEMAS)
async def test_what_is_sent_is_taken(party: str) -> None:
    """S44: as it is; the changes below begin from it."""
    hold(SCHEMAS[party], await _sent(party))


@pytest.mark.parametrize(("party", "path", "value"), WRONG)
async def test_one_wrong_thing_is_refused(party: str, path: Path, value: object) -> None:
    """S44: a field that nobody knows, one of another type or form, one too long, and one that is missing."""
    wrong = _changed(await _sent(party), path, value)
    with pytest.raises(AssertionError):
        hold(SCHEMAS[party], wrong)


@pytest.mark.parametrize(
    ("party", "path", "value"),
    [
        ("fcm", ("message", "android", "ttl"), "2419200s"),
        ("fcm", ("message", "android", "ttl"), "3.000000001s"),
        ("fcm", ("message", "android", "ttl"), "0s"),
        ("fcm", ("message", "android", "collapseKey"), "a"),
        ("fcm", ("message", "apns", "headers", "apns-push-type"), "alert"),
        ("sendgrid", ("personalizations", 0, "to", 0, "name"), "Anne"),
        ("sendgrid", ("reply_to",), {"email": "help@example.org", "name": "Help"}),
        ("brevo", ("sender", "name"), "x" * 70),
        ("brevo", ("headers",), {"X-Mailin-custom": "a"}),
        ("twilio", ("From",), "REWAPP"),
        ("twilio", ("ValidityPeriod",), "14400"),
        ("twilio", ("Body",), "x" * 1600),
    ],
)
async def test_what_a_document_allows_is_taken(party: str, path: Path, value: object) -> None:
    """S44: values of the documents' own examples, and the last that is within each bound."""
    hold(SCHEMAS[party], _changed(await _sent(party), path, value))


def test_the_longest_that_may_be_configured_is_taken() -> None:
    """S44: four weeks of `providers.fcm.ttl_hours` are what FCM keeps at most."""

    def taken(hours: int) -> None:
        hold(FCM, {"message": {"token": "t", "android": {"ttl": f"{hours * 3600}s"}}})

    taken(672)
    with pytest.raises(AssertionError):
        taken(673)


GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASKED: dict[str, tuple[Json, Json]] = {
    "form": (TOKEN, {"grant_type": GRANT, "assertion": "a.b.c"}),
    "header": (ASSERTION, {"alg": "RS256", "typ": "JWT", "kid": "k1"}),
    "claims": (
        CLAIMS,
        {"iss": "a@b.example", "scope": "s", "aud": "https://t.example", "iat": 1, "exp": 2},
    ),
}


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("form", "grant_type", "client_credentials"),
        ("form", "assertion", GONE),
        ("form", "client_id", "x"),
        ("header", "alg", "HS256"),
        ("header", "alg", "none"),
        ("header", "typ", GONE),
        ("claims", "iss", "us"),
        ("claims", "scope", GONE),
        ("claims", "scope", ["a", "b"]),
        ("claims", "aud", "http://t.example"),
        ("claims", "exp", "2026-12-01T00:00:00Z"),
        ("claims", "iat", GONE),
        ("claims", "nbf", 1),
    ],
)
def test_a_token_is_asked_for_in_one_way(part: str, field: str, value: object) -> None:
    """S44: as Google's own client does it; anything else is refused."""
    schema, right = ASKED[part]
    hold(schema, right)
    with pytest.raises(AssertionError):
        hold(schema, _changed(right, (field,), value))

"""Mail by SendGrid, text messages by Twilio: what is sent, and what each answer comes to (S44, S63)."""

import base64
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import orjson
import pytest

from comptoir.actors.gateways.mail import mail_gateway
from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken, SendMail, SendSms
from comptoir.actors.gateways.sendgrid import sendgrid
from comptoir.actors.gateways.twilio import TwilioAccount, twilio_gateway
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds, Operation
from comptoir.engine.values import Message
from tests.actors.gateways.notice_schemas import SENDGRID, TWILIO, hold

SECRET = "https://portal.example/portal/ONB-2025-00123?token=secret"
MAIL = SendMail("link_1", "anne@example.org", "Votre accès", SECRET)
SMS = SendSms("code_1", "+33612345678", "123456 est votre code")
SID = "AC" + "0" * 32
CONTEXT = CallContext(0, 1, "key")
Answer = Callable[[httpx.Request], httpx.Response]


def _operation(message: Message, answer: Answer) -> Operation:
    """The operation of a message, over a party that answers so."""
    client = httpx.AsyncClient(
        base_url="https://party.example", transport=httpx.MockTransport(answer)
    )
    if isinstance(message, SendMail):
        carrier = sendgrid(client, "SG.key", "us@example.org", 10.0)
        spec = mail_gateway((carrier,), GatewayBounds())
    else:
        spec = twilio_gateway(client, TwilioAccount(SID, "auth", "+15005550006"), GatewayBounds())
    assert spec.dead_queue == "dlq:notifications"
    return spec.operations[type(message)]


async def test_a_mail_as_sendgrid_wants_it() -> None:
    """S44: v3 mail/send; X8: its links are left as they are, for a click that is followed goes elsewhere."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, headers={"X-Message-Id": "m1"})

    operation = _operation(MAIL, answer)
    assert await operation.call(MAIL, CONTEXT) == NoticeTaken("link_1")
    assert operation.idempotent
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", "https://party.example/v3/mail/send")
    assert request.headers["authorization"] == "Bearer SG.key"
    hold(SENDGRID, orjson.loads(request.content))
    assert orjson.loads(request.content) == {
        "personalizations": [{"to": [{"email": "anne@example.org"}]}],
        "from": {"email": "us@example.org"},
        "subject": "Votre accès",
        "content": [{"type": "text/plain", "value": SECRET}],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
        },
    }


async def test_a_text_message_as_twilio_wants_it() -> None:
    """S44: a form, HTTP Basic with SID and token."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"sid": "SM1"})

    assert await _operation(SMS, answer).call(SMS, CONTEXT) == NoticeTaken("code_1")
    (request,) = seen
    assert request.url.path == f"/2010-04-01/Accounts/{SID}/Messages.json"
    basic = base64.b64decode(request.headers["authorization"].removeprefix("Basic "))
    assert basic == f"{SID}:auth".encode()
    form = parse_qs(request.content.decode())
    hold(TWILIO, {name: values[0] for name, values in form.items()})
    assert form == {
        "To": ["+33612345678"], "From": ["+15005550006"], "Body": [SMS.text],
    }  # fmt: skip


@pytest.mark.parametrize("message", [MAIL, SMS], ids=["mail", "sms"])
@pytest.mark.parametrize(
    ("status", "code", "retryable", "sick"),
    [
        (400, "REFUSED", False, False),
        (401, "CREDENTIALS_REFUSED", False, True),
        (403, "CREDENTIALS_REFUSED", False, True),
        (404, "REFUSED", False, False),
        (408, "UNAVAILABLE", True, True),
        (413, "REFUSED", False, False),
        (429, "UNAVAILABLE", True, True),
        (500, "UNAVAILABLE", True, True),
        (503, "UNAVAILABLE", True, True),
        (None, "UNREACHABLE", True, True),
    ],
)
async def test_a_party_that_fails(
    message: Message, status: int | None, code: str, retryable: bool, sick: bool
) -> None:
    """S63, S65: what is tried again, what speaks of the party, and nothing of what was sent in the fault."""

    def answer(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("no", request=request)
        return httpx.Response(status, content=request.content)

    operation = _operation(message, answer)
    with pytest.raises(CallFault) as found:
        await operation.call(message, CONTEXT)
    fault = found.value
    party = "MAIL" if message is MAIL else "SMS"
    assert (fault.code, fault.retryable, fault.sick) == (f"{party}_{code}", retryable, sick)
    assert "secret" not in repr(fault)
    reference = "link_1" if message is MAIL else "code_1"
    assert operation.failed(message, fault.code) == NoticeRefused(reference, fault.code)

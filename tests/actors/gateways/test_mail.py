"""Mail by whoever carries it: SendGrid first, Brevo where it does not, the order by configuration (S44, S65)."""

from collections.abc import Callable

import httpx
import orjson
import pytest
import trio

from comptoir.actors.gateways.brevo import brevo
from comptoir.actors.gateways.mail import mail_gateway
from comptoir.actors.gateways.messages import NoticeRefused, NoticeTaken, SendMail
from comptoir.actors.gateways.sendgrid import sendgrid
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds, Operation
from tests.actors.gateways.notice_schemas import BREVO, SENDGRID, hold

LINK = "https://portal.example/portal/ONB-2025-00123?token=secret"
MAIL = SendMail("link_1", "anne@example.org", "Votre accès", f"<{LINK}>")
CONTEXT = CallContext(0, 1, "mail:link_1")
RECOVERY_S = 30
TIMEOUT_S = 2.0
Answer = Callable[[httpx.Request], httpx.Response]


def says(status: int) -> Answer:
    """A party that always answers so."""
    return lambda request: httpx.Response(status, content=request.content)


class Both:
    """Both of them behind one gateway, and who was asked."""

    def __init__(self, first: Answer, second: Answer) -> None:
        self.asked: list[str] = []
        self.bodies: list[object] = []
        carriers = (
            sendgrid(self._client("sendgrid", first), "SG.key", "us@example.org", TIMEOUT_S),
            brevo(self._client("brevo", second), "xkeysib-key", "us@example.org", TIMEOUT_S),
        )
        spec = mail_gateway(carriers, GatewayBounds())
        assert spec.bounds.deadline_s > 2 * TIMEOUT_S
        assert spec.dead_queue == "dlq:notifications"
        self.operation: Operation = spec.operations[SendMail]

    def _client(self, name: str, answer: Answer) -> httpx.AsyncClient:
        async def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(name)
            self.bodies.append(orjson.loads(request.content))
            if answer is silent:
                await trio.sleep_forever()
            return answer(request)

        transport = httpx.MockTransport(handle)
        return httpx.AsyncClient(base_url=f"https://{name}.example", transport=transport)

    async def send(self) -> object:
        """One mail."""
        return await self.operation.call(MAIL, CONTEXT)


def unreachable(request: httpx.Request) -> httpx.Response:
    """Nobody is there."""
    raise httpx.ConnectError("no", request=request)


def cut_off(request: httpx.Request) -> httpx.Response:
    """It may have been taken: nobody knows."""
    raise httpx.ReadError("no", request=request)


def silent(_request: httpx.Request) -> httpx.Response:
    """It never answers."""
    raise NotImplementedError


async def test_a_mail_as_brevo_wants_it() -> None:
    """S44: POST /v3/smtp/email; X8: the HTML is the text, and has no link that could be followed."""
    both = Both(says(503), says(201))
    assert await both.send() == NoticeTaken("link_1")
    first, second = both.bodies
    hold(SENDGRID, first)
    hold(BREVO, second)
    assert isinstance(second, dict)
    assert second["textContent"] == MAIL.text
    assert "&lt;https://" in second["htmlContent"]
    assert "<a" not in second["htmlContent"]


@pytest.mark.parametrize("failing", [says(500), says(429), says(401), unreachable, cut_off, silent])
async def test_the_second_where_the_first_does_not(
    failing: Answer, autojump_clock: trio.testing.MockClock
) -> None:
    """S44, S65: in the same call; and the first is asked last for a while, then first again."""
    del autojump_clock
    both = Both(failing, says(201))
    assert await both.send() == NoticeTaken("link_1")
    assert both.asked == ["sendgrid", "brevo"]
    await both.send()
    assert both.asked[2:] == ["brevo"]
    await trio.sleep(RECOVERY_S + 1)
    await both.send()
    assert both.asked[3:] == ["sendgrid", "brevo"]


async def test_the_first_alone_where_it_does() -> None:
    """S44: nobody is written to twice."""
    both = Both(says(202), says(201))
    for _ in range(3):
        await both.send()
    assert both.asked == ["sendgrid"] * 3


async def test_who_says_no_to_a_mail_speaks_for_all() -> None:
    """S63: an address that is none is none to the next one, too."""
    both = Both(says(400), says(201))
    with pytest.raises(CallFault) as found:
        await both.send()
    assert (found.value.code, found.value.retryable) == ("MAIL_REFUSED", False)
    assert both.asked == ["sendgrid"]
    refused = both.operation.failed(MAIL, found.value.code)
    assert refused == NoticeRefused("link_1", "MAIL_REFUSED")


@pytest.mark.parametrize(
    ("first", "second", "code", "retryable"),
    [
        (says(503), says(503), "MAIL_UNAVAILABLE", True),
        (says(401), says(503), "MAIL_UNAVAILABLE", True),
        (says(503), says(401), "MAIL_UNAVAILABLE", True),
        (says(401), says(403), "MAIL_CREDENTIALS_REFUSED", False),
        (unreachable, says(401), "MAIL_UNREACHABLE", True),
    ],
)
async def test_nobody_carries_it(first: Answer, second: Answer, code: str, retryable: bool) -> None:
    """S63: it is tried again where one of them may be back soon; nothing of the mail is in the fault."""
    both = Both(first, second)
    with pytest.raises(CallFault) as found:
        await both.send()
    assert (found.value.code, found.value.retryable, found.value.sick) == (code, retryable, True)
    assert both.asked == ["sendgrid", "brevo"]
    assert "secret" not in repr(found.value)

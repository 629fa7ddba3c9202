"""One webhook to one endpoint: what is sent, what its answer means, and who is told of what (S33).

Source: the Standard Webhooks specification 1.0.0; docs/events.md.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import trio
from standardwebhooks.webhooks import Webhook

from comptoir.actors.endpoint.messages import DeliveryEnded
from comptoir.actors.feed.messages import PublicEvent
from comptoir.actors.gateways.outward import Outward, outward_gateway, wants
from comptoir.actors.gateways.outward_messages import DeliverNext
from comptoir.engine.errors import Unavailable
from comptoir.engine.gateway_spec import CallContext, CallFault
from comptoir.http.times import rfc3339
from tests.actors.purchases import NOW

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TYPES = ("ONBOARDING_INITIATED", "KYC_COMPLETED", "CONTRACT_SIGNED")
EVENTS = [
    PublicEvent(at, f"evt_{at}", TYPES[at % 3], f"ONB-{at % 2}", NOW, {}, "cl_1" if at % 2 else "")
    for at in range(1, 12)
]
CALL = DeliverNext(7, "we_1", "https://hub.example/events?k=1", (SECRET,), 0, 11, (), "")


class Consumer:
    """Whoever answers; what it heard."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer, self.heard = answer, list[httpx.Request]()

    async def page(self, after: int, limit: int) -> Sequence[PublicEvent]:
        """The feed."""
        return [one for one in EVENTS if one.position > after][:limit]

    async def resolve(self, _host: str, _port: int) -> Sequence[str]:
        """Its address."""
        return ["8.8.8.8"]

    async def tells(self, message: DeliverNext = CALL, **more: Any) -> DeliveryEnded:
        """It is told."""

        def hear(request: httpx.Request) -> httpx.Response:
            self.heard.append(request)
            return self.answer(request)

        async with httpx.AsyncClient(transport=httpx.MockTransport(hear)) as client:
            outward = Outward(
                more.get("feed", self),
                client,
                client,
                self.resolve,
                rfc3339,
                1.0,
                this_machine=False,
            )
            found = await outward.deliver(message, CallContext(NOW, 1, "k"))
        assert isinstance(found, DeliveryEnded)
        return found


async def test_what_is_sent() -> None:
    """S33: the body and headers of the specification, to the address that the name was resolved to, and verified by the
    library that everybody has.
    """
    consumer = Consumer(lambda _request: httpx.Response(204))
    ended = await consumer.tells()
    assert (ended.serial, ended.outcome, ended.position, ended.status) == (7, "delivered", 1, 204)
    (request,) = consumer.heard
    assert (request.method, str(request.url)) == ("POST", "https://8.8.8.8/events?k=1")
    assert request.headers["host"] == "hub.example"
    assert request.extensions["sni_hostname"] == "hub.example"
    assert request.headers["webhook-id"] == "evt_1" == ended.message_id
    second = request.headers["webhook-timestamp"]
    assert second == str(NOW // 1000)
    signed = Webhook(SECRET).sign("evt_1", _moment(int(second)), request.content.decode())
    assert request.headers["webhook-signature"] == signed
    assert json.loads(request.content) == {
        "type": "KYC_COMPLETED", "timestamp": rfc3339(NOW), "position": 1, "entity": "ONB-1", "data": {},
    }  # fmt: skip


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, tz=UTC)


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "delivered"), (299, "delivered"), (301, "failed"), (307, "failed"), (400, "failed"),
                            (410, "gone"), (429, "failed"), (500, "failed"), (503, "failed")],
)  # fmt: skip
async def test_what_an_answer_means(status: int, outcome: str) -> None:
    """The specification: 2xx is success and nothing else is; a redirect is not followed; 410 is the end."""
    where = {"location": "https://169.254.169.254/"}
    consumer = Consumer(lambda _request: httpx.Response(status, headers=where))
    ended = await consumer.tells()
    assert (ended.outcome, ended.status) == (outcome, status)
    assert len(consumer.heard) == 1


@pytest.mark.parametrize(
    ("given", "ms"), [("120", 120_000), ("x", 0), ("-1", 0), ("9" * 20, 0), ("1.5", 0)]
)
async def test_it_may_ask_for_time(given: str, ms: int) -> None:
    """`Retry-After` in seconds."""
    consumer = Consumer(lambda _request: httpx.Response(503, headers={"retry-after": given}))
    assert (await consumer.tells()).wait_ms == ms


async def test_whatever_happens_is_an_answer() -> None:
    """S65: what one endpoint does opens no breaker for the others: it is answered, by a code, never raised."""

    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    assert (await Consumer(broken).tells()).code == "TARGET_UNREACHABLE"
    inside = await Consumer(broken).tells(_to("https://10.0.0.1/"))
    assert (inside.outcome, inside.code) == ("failed", "TARGET_FORBIDDEN")


def _to(url: str) -> DeliverNext:
    return DeliverNext(7, "we_1", url, (SECRET,), 0, 11, (), "")


async def test_one_that_never_answers_is_left(autojump_clock: trio.testing.MockClock) -> None:
    """The call has a bound, and says so."""
    del autojump_clock

    class Silent(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            del request
            await trio.sleep_forever()
            raise AssertionError

    consumer = Consumer(lambda _request: httpx.Response(200))
    async with httpx.AsyncClient(transport=Silent(), timeout=None) as client:  # the bound is ours
        outward = Outward(consumer, client, client, consumer.resolve, rfc3339, 5.0, False)
        ended = await outward.deliver(CALL, CallContext(NOW, 1, "k"))
    assert isinstance(ended, DeliveryEnded)
    assert (ended.outcome, ended.code, ended.took_ms) == ("failed", "TARGET_TIMEOUT", 5000)


async def test_only_what_it_wants() -> None:
    """By type; where nothing is left, up to where was looked, so that it is not looked at again."""
    consumer = Consumer(lambda _request: httpx.Response(200))
    signed = DeliverNext(7, "we_1", CALL.url, CALL.secrets, 3, 11, ("CONTRACT_SIGNED",), "")
    assert (await consumer.tells(signed)).position == 5
    none = DeliverNext(7, "we_1", CALL.url, CALL.secrets, 0, 11, ("ACCOUNT_CREATED",), "")
    ended = await consumer.tells(none)
    assert (ended.outcome, ended.position) == ("nothing", 11)
    assert len(consumer.heard) == 1


def test_a_partner_is_told_of_its_own_files_and_of_no_assessment() -> None:
    """X7, E3: whatever types it asks for."""
    call = DeliverNext(7, "we_1", CALL.url, CALL.secrets, 0, 11, TYPES, "cl_1")
    told = [one for one in EVENTS if wants(call, one)]
    assert told
    assert {one.partner for one in told} == {"cl_1"}
    assert "KYC_COMPLETED" not in {one.type for one in told}


async def test_a_feed_that_cannot_be_read_is_tried_again_by_the_gateway() -> None:
    """While the database is away nobody's endpoint is at fault; what is given up comes as a failure."""

    class Away:
        async def page(self, after: int, limit: int) -> Sequence[PublicEvent]:
            del after, limit
            raise Unavailable("away")

    consumer = Consumer(lambda _request: httpx.Response(200))
    with pytest.raises(CallFault, match="FEED_UNAVAILABLE") as raised:
        await consumer.tells(feed=Away())
    assert raised.value.retryable
    assert not raised.value.sick
    async with httpx.AsyncClient() as client:
        outward = Outward(consumer, client, client, consumer.resolve, rfc3339, 1.0, False)
        (operation,) = outward_gateway(outward, 4, 2).operations.values()
    assert operation.failed(CALL, "X") == DeliveryEnded(7, "failed", 0, code="X")

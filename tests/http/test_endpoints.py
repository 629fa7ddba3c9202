"""Endpoints of webhooks over the API: whose they are, what is shown of them, what is refused (S33, X7).

Source: docs/events.md; docs/authorization.md.
"""

import base64

import msgspec
import pytest

from comptoir.actors.endpoint.messages import PingEndpoint, ReplayEvents, RotateSecret
from comptoir.actors.feed.messages import AddEndpoint, DropEndpoint
from comptoir.http import endpoints
from comptoir.http.answers import Response
from comptoir.http.events_testing import ENDPOINT_ID
from comptoir.http.operation import Call, Handler
from comptoir.http.principal import Principal, Role
from comptoir.http.testing import FakeDaemon

PARTNER = Principal("cl_1", "https://issuer.example", scopes=frozenset((endpoints.SCOPE,)))
ADMIN = Principal("a1", "https://issuer.example", frozenset((Role.ADMIN,)))
OWN = "we_" + "1" * 20
BY_ID: tuple[Handler, ...] = (
    endpoints.show, endpoints.drop, endpoints.rotate, endpoints.ping, endpoints.attempts,
)  # fmt: skip


def _call(who: Principal | None, name: str = ENDPOINT_ID, body: bytes = b"") -> Call:
    return Call(
        "abcdefgh",
        {"endpointId": name},
        {},
        "application/json" if body else "",
        body,
        principal=who,
    )


def _json(answer: Response) -> dict[str, object]:
    return msgspec.json.decode(answer.body, type=dict[str, object])


@pytest.mark.parametrize("handle", BY_ID)
async def test_a_service_sees_its_own_and_no_others(handle: Handler) -> None:
    """X7: another's endpoint is not there (404), as is one that never was; nothing is said to it."""
    daemon = FakeDaemon()
    daemon.endpoints[OWN] = "cl_1"
    for name in (ENDPOINT_ID, "we_" + "2" * 20):
        assert (await handle(daemon, _call(PARTNER, name))).status == 404
    assert (await handle(daemon, _call(PARTNER, OWN))).status in (200, 202)
    assert (await handle(daemon, _call(ADMIN))).status in (200, 202)


async def test_a_person_with_the_scope_sees_none_of_the_house() -> None:
    """X7: only an ADMIN speaks for the house; whoever else was given the scope has endpoints of their own."""
    daemon = FakeDaemon()
    who = Principal("a2", "i", frozenset((Role.CONSEILLER,)), frozenset((endpoints.SCOPE,)))
    assert _json(await endpoints.listed(daemon, _call(who)))["items"] == []
    assert (await endpoints.show(daemon, _call(who))).status == 404


async def test_what_a_service_registers_is_its_own() -> None:
    """S33: the partner's id goes to the feed with it; of an ADMIN it is the house's. The secret is shown once."""
    daemon = FakeDaemon()
    body = b'{"url": "https://hub.example/events"}'
    shown = _json(await endpoints.register(daemon, _call(PARTNER, body=body)))
    await endpoints.register(daemon, _call(ADMIN, body=body))
    added = [message for _, message in daemon.asks if isinstance(message, AddEndpoint)]
    assert [one.partner for one in added] == ["cl_1", ""]
    secret = str(shown["secret"])
    assert secret == added[0].secret
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert added[0].secret != added[1].secret
    listed = _json(await endpoints.listed(daemon, _call(PARTNER)))
    assert added[0].endpoint_id in str(listed)
    assert added[1].endpoint_id not in str(listed)
    assert "secret" not in str(listed)


async def test_a_request_that_is_run_again_makes_one() -> None:
    """interface.md 1: under an Idempotency-Key the chance is the same, and so are the id and the secret."""
    daemon = FakeDaemon()
    call = _call(ADMIN, body=b'{"url": "https://hub.example/events"}')
    first, second = [_json(await endpoints.register(daemon, call)) for _ in range(2)]
    assert (first["id"], first["secret"]) == (second["id"], second["secret"])
    ping = [_json(await endpoints.ping(daemon, _call(ADMIN).seeded(call.seed))) for _ in range(2)]
    assert ping[0] == ping[1]


@pytest.mark.parametrize(
    "body",
    [b'{"url": "http://hub.example/"}', b'{"url": "https://10.0.0.1/"}', b'{"url": "https://localhost/"}', b"{}",
     b'{"url": "https://hub.example/", "types": ["NOTHING"]}', b'{"url": "https://hub.example/", "x": 1}',
     b'{"url": "https://hub.example/", "contactEmail": "nobody"}'],
)  # fmt: skip
async def test_what_cannot_be_is_refused_and_nothing_is_said(body: bytes) -> None:
    """S33: an address inside the house, a type that there is not, a field that is none: 422."""
    daemon = FakeDaemon()
    assert (await endpoints.register(daemon, _call(ADMIN, body=body))).status == 422
    assert not daemon.asks


async def test_what_is_said_to_an_endpoint() -> None:
    """Rotation draws a new secret; a replay is from a position, or of one, and not of both."""
    daemon = FakeDaemon()
    rotated = _json(await endpoints.rotate(daemon, _call(ADMIN)))
    for body, status in (
        (b'{"after": 3}', 200),
        (b'{"position": 3}', 200),
        (b"{}", 422),
        (b'{"after":1,"position":1}', 422),
    ):
        assert (await endpoints.replay(daemon, _call(ADMIN, body=body))).status == status
    await endpoints.drop(daemon, _call(ADMIN))
    said = [message for _, message in daemon.asks]
    assert RotateSecret(str(rotated["secret"])) in said
    assert [one for one in said if isinstance(one, ReplayEvents)] == [
        ReplayEvents(3, None),
        ReplayEvents(None, 3),
    ]
    assert DropEndpoint(ENDPOINT_ID) in said
    assert not any(isinstance(one, PingEndpoint) for one in said)

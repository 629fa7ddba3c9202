"""Pages elsewhere, and what every answer says to a browser.

Rule: by default no page of another origin reads anything; what the list allows is allowed whole, and
nothing that looks like it.
Source: the Fetch standard (CORS protocol); RFC 6797; OWASP secure headers; spec.md S37, S62, X28.
"""

from collections.abc import AsyncIterator
from functools import partial
from ipaddress import ip_network

import httpx
import pytest
import trio

from comptoir.engine.settings import Http, Settings, SettingsError
from comptoir.engine.trust import trust_of
from comptoir.http.server import Shared, serve
from comptoir.http.testing import FakeAuthenticator, FakeDaemon

APP = "https://app.example"
WALLET = "/api/v1/wallets/ana"
ASKS = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
ANA = {"authorization": "Bearer CLIENT.ana"}


@pytest.fixture
def daemon() -> FakeDaemon:
    """A daemon that allows one page."""
    daemon = FakeDaemon(
        loopback_only=False,
        cors_origins=(APP, "http://localhost:5173"),
        trusted_proxies=(ip_network("127.0.0.1/32"),),
    )
    daemon.wallets["ana"] = {"userId": "ana"}
    return daemon


@pytest.fixture
async def client(daemon: FakeDaemon) -> AsyncIterator[httpx.AsyncClient]:
    """A browser, as far as headers go."""
    async with trio.open_nursery() as nursery:
        shared = Shared(authenticator=FakeAuthenticator())
        start = partial(serve, daemon, Settings(http=Http(port=0)), shared, stop_seconds=0.2)
        listening = await nursery.start(start)
        async with httpx.AsyncClient(
            verify=trust_of(listening.url), base_url=listening.url
        ) as opened:
            yield opened
        nursery.cancel_scope.cancel()


def _cors(answer: httpx.Response) -> dict[str, str]:
    """The CORS headers of an answer."""
    return {k: v for k, v in answer.headers.items() if k.startswith("access-control-")}


async def test_preflight(client: httpx.AsyncClient) -> None:
    """S37: an allowed page is told what it may send, without a token, and for ten minutes."""
    answer = await client.options(WALLET, headers={"origin": APP, **ASKS})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["vary"] == "Origin"
    assert _cors(answer) == {
        "access-control-allow-origin": APP,
        "access-control-allow-methods": "GET, HEAD, OPTIONS",
        "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, If-Match, X-Request-Id",
        "access-control-max-age": "600",
        "access-control-expose-headers": (
            "ETag, Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
            "X-Request-Id"
        ),
    }


@pytest.mark.parametrize(
    ("headers", "status"),
    [(ANA, 200), ({}, 401), ({"authorization": "Bearer ADMIN.x"}, 403)],
)
async def test_an_allowed_page_reads(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    """S37: answers and refusals alike, so that the page can show what is wrong; never credentials."""
    answer = await client.get(WALLET, headers={"origin": APP, **headers})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == APP
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.evil.example", "http://app.example", "https://app.example:444", "null",
        "*", "https://APP.example", "https://app.example/", "", "https://xapp.example",
    ],
)  # fmt: skip
async def test_other_pages_read_nothing(client: httpx.AsyncClient, origin: str) -> None:
    """S37: nothing is echoed that is not on the list; a cache is told that it depends."""
    for answer in (
        await client.options(WALLET, headers={"origin": origin, **ASKS}),
        await client.get(WALLET, headers={"origin": origin, **ANA}),
    ):
        assert _cors(answer) == {}
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["/metrics", "/health/ready", "/docs", "/dev/v1/quiesce", "/"])
async def test_only_the_api_is_shared(client: httpx.AsyncClient, path: str) -> None:
    """S37: an allowed page gets to /api/ and to nothing else."""
    assert _cors(await client.options(path, headers={"origin": APP, **ASKS})) == {}
    assert _cors(await client.get(path, headers={"origin": APP})) == {}


async def test_two_origins_are_none(client: httpx.AsyncClient) -> None:
    """RFC 6454: a request has one origin."""
    headers = [("origin", APP), ("origin", APP), *ANA.items()]
    assert _cors(await client.get(WALLET, headers=headers)) == {}


@pytest.mark.parametrize("daemon", [FakeDaemon()])
async def test_by_default_nobody(client: httpx.AsyncClient) -> None:
    """S37: with an empty list there is no CORS at all."""
    answer = await client.options(WALLET, headers={"origin": APP, **ASKS})
    assert (answer.status_code, _cors(answer)) == (200, {})
    assert "vary" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "*", "null", "https://app.example/", "https://app.example/path", "http://app.example",
        "app.example", "https://*.example", "https://user@app.example", "https://APP.example",
    ],
)  # fmt: skip
def test_an_origin_is_whole(origin: str) -> None:
    """S37, http.cors_origins: a wildcard, a path or plain HTTP beyond this machine is refused."""
    with pytest.raises(SettingsError):
        Settings().having({("http", "cors_origins"): (origin,)})


@pytest.mark.parametrize("path", ["/", "/docs", "/api/v1/openapi.json", WALLET, "/nope"])
async def test_what_every_answer_says(client: httpx.AsyncClient, path: str) -> None:
    """S62: stored by nobody, sniffed by nobody, framed by nobody, referred to nobody, no script."""
    answer = await client.get(path)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "strict-transport-security" not in answer.headers, "it was plain HTTP"


@pytest.mark.parametrize(
    ("daemon", "given", "told"),
    [
        (FakeDaemon(trusted_proxies=(ip_network("127.0.0.1/32"),)), ["https"], True),
        (FakeDaemon(trusted_proxies=(ip_network("127.0.0.1/32"),)), ["http"], False),
        (FakeDaemon(trusted_proxies=(ip_network("127.0.0.1/32"),)), ["https", "http"], False),
        (FakeDaemon(trusted_proxies=(ip_network("10.0.0.0/8"),)), ["https"], False),
        (FakeDaemon(), ["https"], False),
    ],
)
async def test_only_tls_is_held_to_tls(
    client: httpx.AsyncClient, given: list[str], told: bool
) -> None:
    """S62, X28, RFC 6797 7.2: HSTS where a trusted proxy says that the caller speaks TLS, else not."""
    headers = [("x-forwarded-proto", value) for value in given]
    answer = await client.get("/docs", headers=headers)
    assert ("strict-transport-security" in answer.headers) == told

"""Tokens of a real OpenID provider: npm's oidc-provider, a process of its own, its keys rotated while it runs.

Rule: nothing of the provider is ours: discovery, keys and tokens are what it makes of RFC 9068, over
real sockets. It is installed from tests/oidc/package-lock.json into .venv, once for a lock file.
Source: S34, S62; RFC 6749 section 4.4, RFC 8707 (resource), RFC 9068; OpenID Connect Discovery 1.0.
"""

import json
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from comptoir.engine.settings import AuthExternal
from comptoir.engine.testing import Process
from comptoir.engine.trust import trust_of
from comptoir.http.contract_testing import Customer
from comptoir.http.identity.authenticator import ExternalIssuer, TokenAuthenticator
from comptoir.http.identity.fetching import client
from comptoir.http.identity.provider import Provider, ProviderRules
from comptoir.http.identity.refused import TokenRefused
from comptoir.http.principal import Principal, Role, Unauthenticated, Undecided
from tests.oidc.installing import installed_for_node
from tests.oidc.visitor import renewed, signed_in


@pytest.fixture(scope="module")
def installed() -> Path:
    """A folder in .venv with the provider of the lock file."""
    return installed_for_node()


class Running:
    """The provider's process."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["node", "provider.mjs"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.issuer = str(self._line()["issuer"])

    def tell(self, word: str) -> str:
        """Have it rotate or retire; the `kid` that it signs with from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return str(self._line()["kid"])

    def end(self) -> None:
        """End it, as a crash would."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait(10)

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line: dict[str, Any] = json.loads(self._process.stdout.readline())
        return line

    def token(
        self, *, resource: str | None = "urn:comptoir", scope: str | None = "partner:submit"
    ) -> str:
        """An access token by client credentials."""
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        answer = httpx.post(
            f"{self.issuer}/token",
            data={name: value for name, value in form.items() if value is not None},
            auth=("partner", "a-secret-of-this-test"),
            verify=trust_of(self.issuer),
            trust_env=False,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture
def running(installed: Path) -> Iterator[Running]:
    """A provider, ended in the end."""
    provider = Running(installed)
    yield provider
    provider.end()


class Clock:
    """I/O time that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """At nought."""
    return Clock()


@pytest.fixture
async def keys(running: Running, clock: Clock) -> AsyncIterator[Provider]:
    """What we know of its keys."""
    rules = ProviderRules.of(AuthExternal(issuer=running.issuer))
    async with client(rules.timeout_s) as plain:
        yield Provider(rules, plain, clock)


async def _principal(keys: Provider, token: str) -> Principal:
    return await TokenAuthenticator([ExternalIssuer(keys)]).principal([f"Bearer {token}"])


async def test_its_token_says_who_asks(running: Running, keys: Provider) -> None:
    """S34, X7: a service client of a real provider is a principal with its scope and the roles we know."""
    token = running.token()
    principal = await _principal(keys, token)
    assert principal.issuer == running.issuer
    assert (principal.subject, principal.client_id) == ("partner", "partner")
    assert principal.scopes == {"partner:submit"}
    assert principal.roles == {Role.OPERATIONS}
    for changed in (token[:-2] + ("AA" if token[-2:] != "AA" else "BA"), token + "A", token[:-1]):
        with pytest.raises(Unauthenticated):
            await _principal(keys, changed)
    assert keys.statistics().fetches == 1


def test_a_person_signs_in_there_and_calls_us(
    running: Running, comptoir_daemon: Callable[..., Process]
) -> None:
    """S34: at the provider's own pages, by a code with PKCE; the access token opens what is theirs here and
    nothing else, its ID token opens nothing, and so does the one after a refresh.
    """
    issuer = running.issuer
    daemon = comptoir_daemon(COMPTOIR_AUTH__MODE="on", COMPTOIR_AUTH__EXTERNAL__ISSUER=issuer)
    customer = Customer(daemon)
    mine, theirs = customer.card(), customer.card()
    for card in (mine, theirs):
        customer.buy(card)
    customer.quiet()
    tokens = signed_in(issuer, mine.user_id)
    next_tokens = renewed(issuer, tokens["refresh_token"])
    assert next_tokens["access_token"] != tokens["access_token"]

    def asked(user_id: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return daemon.request("GET", f"/api/v1/wallets/{user_id}", headers=headers).status

    for access in (tokens["access_token"], next_tokens["access_token"]):
        assert (asked(mine.user_id, access), asked(theirs.user_id, access)) == (200, 404)
    assert asked(mine.user_id, tokens["id_token"]) == 401


async def test_its_tokens_for_others(running: Running, keys: Provider) -> None:
    """S62: neither a token for another resource nor one that is no JWT is taken."""
    with pytest.raises(Unauthenticated, match="audience_mismatch"):
        await _principal(keys, running.token(resource="urn:another"))
    with pytest.raises(Unauthenticated, match="malformed"):
        await _principal(keys, running.token(resource=None, scope=None))


async def test_its_keys_are_rotated_while_it_runs(
    running: Running, keys: Provider, clock: Clock
) -> None:
    """S34, S62: tokens of the new key are taken at the first one, those of the old one until it is retired."""
    old = running.token()
    await _principal(keys, old)
    assert running.tell("rotate") == "key-2"
    new = running.token()
    with pytest.raises(Unauthenticated, match="key_unknown"):
        await _principal(keys, new)  # just fetched: whoever asks, not again so soon
    clock.now += keys.rules.retry_s
    assert (await _principal(keys, new)).subject == "partner"
    assert (await _principal(keys, old)).subject == "partner"
    running.tell("retire")
    clock.now += keys.rules.refresh_s + 1
    with pytest.raises(Unauthenticated, match="key_unknown"):
        await _principal(keys, old)
    assert (await _principal(keys, new)).subject == "partner"
    assert keys.statistics().failures == 0


async def test_it_goes_away(running: Running, keys: Provider, clock: Clock) -> None:
    """S34: its tokens are taken while it is away, for as long as its keys may be used, and then no more."""
    token = running.token()
    await _principal(keys, token)
    running.end()
    clock.now += keys.rules.stale_s
    assert (await _principal(keys, token)).subject == "partner"
    assert keys.statistics().failures == 1
    clock.now += keys.rules.retry_s
    with pytest.raises(Undecided, match="keys_unavailable"):
        await _principal(keys, token)


async def test_under_another_name(running: Running, clock: Clock) -> None:
    """Discovery 4.3 (S62): an issuer that its own metadata names otherwise, by a slash, is not trusted."""
    rules = ProviderRules.of(AuthExternal(issuer=f"{running.issuer}/"))
    async with client(rules.timeout_s) as plain:
        with pytest.raises(Unauthenticated, match="issuer_unknown"):
            await _principal(Provider(rules, plain, clock), running.token())
        provider = Provider(rules, plain, clock)
        with pytest.raises(TokenRefused, match="cannot be fetched"):
            await provider.find("key-1")
        assert provider.statistics().failures == 1

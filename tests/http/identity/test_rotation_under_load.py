"""The key that signs tokens is replaced while tokens are asked for and used, and nobody hears of it.

Rule: every caller keeps tokens of several keys, asks for new ones and uses all of them over a socket, in
the midst of the rotations; the verdict on each token beside the daemon's is PyJWT's, by the set that the
daemon publishes then. (Keys at rest under load: tests/durability/test_rotation.py; certificates:
tests/http/test_tls.py; an outside provider's keys: test_oidc.py.)
Source: spec.md S34, S62, X14.
"""

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import jwt
import pytest
import trio

from comptoir.engine.settings import Http, Settings
from comptoir.engine.trust import trust_of
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.issuing import Grant
from comptoir.http.identity.opening import Identity
from comptoir.http.identity.signing import KEYS_FILE, KEYS_FOLDER, SigningKeys
from comptoir.http.principal import Role
from comptoir.http.server import Shared, serve
from comptoir.http.testing import FakeDaemon

CALLERS = 6
ROTATIONS = 4
USES_BETWEEN = 40
"""By all callers together, at least, before the next rotation."""
TOKENS_KEPT = 6


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    """An issuer with a key of its own, which is replaced."""
    keys = SigningKeys.open(tmp_path / KEYS_FOLDER / KEYS_FILE, wall_seconds())
    return Identity(Settings().having({("storage", "data_dir"): tmp_path}), keys, None)


@asynccontextmanager
async def _served(identity: Identity) -> AsyncGenerator[str]:
    daemon = FakeDaemon(loopback_only=False)
    daemon.identity = identity
    daemon.wallets |= {f"u{number}": {"userId": f"u{number}"} for number in range(CALLERS)}
    shared = Shared(authenticator=identity.authenticator, bound=identity.listens_on)
    async with trio.open_nursery() as nursery:
        start = partial(serve, daemon, Settings(http=Http(port=0)), shared, stop_seconds=0.2)
        yield (await nursery.start(start)).url
        nursery.cancel_scope.cancel()


class _Caller:
    """Somebody who keeps old tokens and asks for new ones, and is refused never."""

    def __init__(self, identity: Identity, number: int) -> None:
        self.identity = identity
        self.user = f"u{number}"
        self.rng = random.Random(number)
        self.tokens: list[str] = []
        self.keys_used: set[str] = set()

    async def go_on(self, client: httpx.AsyncClient, used: trio.MemorySendChannel[None]) -> None:
        """Until cancelled; each use is told."""
        while True:
            grant = Grant(self.user, (Role.CLIENT,), (), "test", 900)
            self.tokens = [*self.tokens[-TOKENS_KEPT:], self.identity.issue(grant)]
            token = self.rng.choice(self.tokens)
            headers = {"authorization": f"Bearer {token}"}
            answer = await client.get(f"/api/v1/wallets/{self.user}", headers=headers)
            assert answer.status_code == 200, answer.text
            published = (await client.get("/oauth/jwks.json")).json()
            key_id = jwt.get_unverified_header(token)["kid"]
            [key] = [one for one in jwt.PyJWKSet.from_dict(published).keys if one.key_id == key_id]
            claims = jwt.decode(
                token, key, ["RS256"], audience="comptoir", issuer=self.identity.issuer
            )
            assert claims["sub"] == self.user
            self.keys_used.add(key_id)
            await used.send(None)


async def test_tokens_hold_through_every_rotation(identity: Identity) -> None:
    """S62, X14: the new key signs from then on, tokens of all keys before hold, the set has every key that a
    living token names, and no request is answered with an error.
    """
    callers = [_Caller(identity, number) for number in range(CALLERS)]
    used, uses = trio.open_memory_channel[None](CALLERS)
    async with (
        _served(identity) as url,
        httpx.AsyncClient(verify=trust_of(url), base_url=url, timeout=30) as client,
    ):
        with trio.fail_after(120):
            async with trio.open_nursery() as nursery:
                for caller in callers:
                    nursery.start_soon(caller.go_on, client, used)
                for rotation in range(ROTATIONS + 1):
                    if rotation:
                        await trio.to_thread.run_sync(identity.keys.rotate, wall_seconds())
                    for _ in range(USES_BETWEEN):
                        await uses.receive()
                nursery.cancel_scope.cancel()
    known = set[str]().union(*(caller.keys_used for caller in callers))
    assert known == {row["kid"] for row in identity.jwks()["keys"]}
    assert len(known) == ROTATIONS + 1

"""An outside client signs in: npm's openid-client, certified, a process of its own (S34).

Rule: nothing of the client is ours; it judges discovery, answers, ID token and keys by the RFCs, and ends
with an error on whatever it holds against them.
"""

import json
from pathlib import Path

import pytest
import trio

from comptoir.actors.revocation.views import Revocations
from comptoir.http.principal import Role, Unauthenticated
from tests.http.oauth.conftest import BACK, Server
from tests.oidc.installing import installed_for_node

SECONDS_MAX = 60


@pytest.fixture(scope="module")
def installed() -> Path:
    """Where node finds it."""
    return installed_for_node()


async def test_a_certified_client_signs_in(server: Server, installed: Path) -> None:
    """S34: discovery, code with PKCE, state, nonce and issuer, tokens, refresh, reuse, revocation."""
    command = ["node", "client.mjs", str(server.identity.issuer), await server.sign_in(), BACK]
    with trio.fail_after(SECONDS_MAX):
        ended = await trio.run_process(
            command, cwd=installed, capture_stdout=True, capture_stderr=True, check=False
        )
    assert ended.returncode == 0, ended.stderr.decode()
    found = json.loads(ended.stdout)
    claims = found["claims"]
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("u1", "web", found["nonce"])
    assert claims["iss"] == server.identity.issuer
    assert (found["scope"], found["expiresIn"]) == ("openid offline_access", 900)
    assert (found["reused"], found["ended"]) == ("invalid_grant", "invalid_grant")
    for token in found["accessTokens"]:
        with pytest.raises(Unauthenticated, match="revoked"):  # as their family was, in the end
            await server.identity.authenticator.principal([f"Bearer {token}"])
    server.identity.learn(Revocations())
    for token in found["accessTokens"]:
        principal = await server.identity.authenticator.principal([f"Bearer {token}"])
        assert (principal.subject, principal.roles) == ("u1", frozenset({Role.CLIENT}))


async def test_it_notices_who_is_not_us(server: Server, installed: Path) -> None:
    """The oracle can fail: without a session it hears `login_required`, and says so."""
    command = ["node", "client.mjs", str(server.identity.issuer), "session=none", BACK]
    ended = await trio.run_process(
        command, cwd=installed, capture_stdout=True, capture_stderr=True, check=False
    )
    assert ended.returncode == 1
    assert b"login_required" in ended.stderr

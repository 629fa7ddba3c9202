"""What a daemon opens of identity, from its settings. Source: opening.py; interface.md 9; S34, S62."""

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from comptoir.engine.settings import Settings, SettingsError
from comptoir.http.identity.issuing import Grant, issue, noted_issuer
from comptoir.http.identity.opening import Identity, open_identity
from comptoir.http.identity.signing import SigningKeys, SigningKeysUnsafe
from comptoir.http.principal import Role, Unauthenticated

ADDRESS = "http://127.0.0.1:40321"
GRANT = Grant("u1", (Role.CLIENT,), (), "app", 900)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a data folder of its own."""
    return Settings().having({("storage", "data_dir"): tmp_path})


@asynccontextmanager
async def opened(settings: Settings, address: str = ADDRESS) -> AsyncGenerator[Identity, None]:
    """What a daemon has that listens there."""
    async with open_identity(settings) as identity:
        identity.listens_on(address)
        yield identity


def _issued(identity: Identity, grant: Grant = GRANT) -> str:
    return issue(identity.keys, str(identity.issuer), grant, int(time.time()))[0]


async def _subject(identity: Identity, token: str) -> str:
    return (await identity.authenticator.principal([f"Bearer {token}"])).subject


async def test_our_own_tokens(settings: Settings, tmp_path: Path) -> None:
    """interface.md 9, S34: the issuer is the address, noted for the command; a restart has the same keys."""
    async with opened(settings) as identity:
        token = _issued(identity)
        assert await _subject(identity, token) == "u1"
        assert identity.configuration()["issuer"] == identity.issuer == ADDRESS
        published = identity.jwks()
        assert identity.provider is None
    assert noted_issuer(tmp_path / "keys") == ADDRESS
    async with opened(settings) as identity:
        assert await _subject(identity, token) == "u1"
        assert identity.jwks() == published
    async with opened(settings, "http://127.0.0.1:40322") as identity:
        with pytest.raises(Unauthenticated, match="issuer_unknown"):
            await _subject(identity, token)


async def test_before_it_listens_nobody_is_anybody(settings: Settings) -> None:
    """S62: until the address is known, no token can name us, and none is taken."""
    async with opened(settings) as identity:
        token = _issued(identity)
    async with open_identity(settings) as identity:
        assert identity.issuer is None
        with pytest.raises(Unauthenticated, match="issuer_unknown"):
            await _subject(identity, token)
        identity.listens_on(ADDRESS)
        assert await _subject(identity, token) == "u1"


async def test_a_start_makes_a_new_key_in_time(settings: Settings, tmp_path: Path) -> None:
    """auth.signing_key_days, S62: tokens of the old key outlive the rotation that a start makes."""
    now = int(time.time())
    old = SigningKeys.open(tmp_path / "keys" / "tokens.json", now - 91 * 86_400)
    token, _ = issue(old, ADDRESS, GRANT, now)
    async with opened(settings) as identity:
        assert len(identity.jwks()["keys"]) == 2
        assert await _subject(identity, token) == "u1"


async def test_a_provider_is_not_asked_at_a_start(settings: Settings, no_network: None) -> None:
    """S34: a provider that is away holds up no start, and its absence is a refusal and nothing else."""
    external = settings.having({("auth", "external", "issuer"): "https://id.example"})
    async with opened(external) as identity:
        assert identity.provider is not None
        assert identity.provider.statistics().fetches == 0
        token = _issued(identity)
        assert await _subject(identity, token) == "u1"


async def test_our_own_name_is_ours(settings: Settings) -> None:
    """S62: a provider under the address that we listen on is refused by the setting's name."""
    same = settings.having({("auth", "external", "issuer"): ADDRESS})
    with pytest.raises(SettingsError) as caught:
        async with opened(same):
            pass
    assert [found.place for found in caught.value.problems] == ["auth.external.issuer"]


async def test_unsafe_keys_open_nothing(settings: Settings, tmp_path: Path) -> None:
    """S62: nothing is verified with keys that others may have."""
    async with opened(settings):
        pass
    file = tmp_path / "keys" / "tokens.json"
    file.chmod(0o640)
    with pytest.raises(SigningKeysUnsafe):
        async with opened(settings):
            pass
    file.chmod(0o600)
    file.write_text(json.dumps({"keys": []}))
    with pytest.raises(SigningKeysUnsafe):
        async with opened(settings):
            pass


async def test_many_requests_at_once(settings: Settings) -> None:
    """S62: verification shares nothing that one request could leave behind for another."""
    async with opened(settings) as identity:
        names = [f"u{number}" for number in range(50)]
        tokens = {name: _issued(identity, Grant(name, (), (), "app", 60)) for name in names}
        found: dict[str, str] = {}

        async def ask(name: str) -> None:
            found[name] = await _subject(identity, tokens[name])

        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(ask, name)
    assert found == {name: name for name in names}

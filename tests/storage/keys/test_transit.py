"""The transit engine as holder of the key-encryption key, over a real socket.

Source: HashiCorp Vault HTTP API (Transit secrets engine); spec.md X14.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from comptoir.engine.values import Address
from comptoir.storage.keys import transit as module
from comptoir.storage.keys.errors import KeyProviderRefused, KeyProviderUnavailable, KeyStoreBroken
from comptoir.storage.keys.ports import Wrapped
from comptoir.storage.keys.transit import TransitOptions, TransitProvider
from comptoir.storage.vault import VaultTampered
from tests.storage.keys.conftest import Home
from tests.storage.keys.transit_server import TOKEN, TransitServer

SECRET = bytes(range(50, 82))


@pytest.fixture
def server() -> Iterator[TransitServer]:
    """A server of the contract."""
    made = TransitServer()
    yield made
    made.close()


@pytest.fixture
def provider(server: TransitServer, monkeypatch: pytest.MonkeyPatch) -> TransitProvider:
    """A client of it."""
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)
    return TransitProvider(TransitOptions(server.url, TOKEN))


async def test_a_key_is_wrapped_for_its_context_and_version(
    server: TransitServer, provider: TransitProvider
) -> None:
    """X14: versions of transit are told from the ciphertext; older ones open; another context does not."""
    old = await provider.wrap(SECRET, "one")
    assert old.kek == "comptoir:v1" == await provider.current()
    assert await provider.make_version() == "comptoir:v2"
    new = await provider.wrap(SECRET, "one")
    assert new.kek == "comptoir:v2"
    for wrapped in (old, new):
        assert await provider.unwrap(wrapped, "one") == SECRET
        with pytest.raises(VaultTampered):
            await provider.unwrap(wrapped, "another")
    assert all(SECRET.hex() not in path for _, path, _ in server.requests)


@pytest.mark.parametrize(
    ("faults", "fails"), [([503, 429], False), ([412, 500], False), ([503] * 3, True)]
)
async def test_what_passes_by_is_tried_again_and_what_does_not_is_told(
    server: TransitServer, provider: TransitProvider, faults: list[int], fails: bool
) -> None:
    """S63: three tries; a sealed or throttled Vault is unavailable, not a wrong key."""
    server.faults.extend(faults)
    if fails:
        with pytest.raises(KeyProviderUnavailable, match="503"):
            await provider.current()
    else:
        assert await provider.current() == "comptoir:v1"
    assert len(server.requests) == 3


async def test_refusals_are_told_without_what_was_sent(server: TransitServer) -> None:
    """Invariant 8: a wrong token, a key that is not there, nobody at home: by code, no text of Vault's."""
    for options, refusal in (
        (TransitOptions(server.url, "hvs.another-token"), KeyProviderRefused),
        (TransitOptions(server.url, TOKEN, key="missing"), KeyProviderRefused),
        (TransitOptions("http://127.0.0.1:1", TOKEN), KeyProviderUnavailable),
    ):
        provider = TransitProvider(options)
        with pytest.raises(refusal) as caught:
            await provider.wrap(SECRET, "one")
        assert "token" not in str(caught.value) + repr(provider)
        assert "associated" not in str(caught.value)
    good = TransitProvider(TransitOptions(server.url, TOKEN))
    with pytest.raises(VaultTampered):
        await good.unwrap(Wrapped("comptoir:v9", b"vault:v9:AAAA"), "one")


def test_a_store_is_opened_by_it_alone(home: Home, server: TransitServer) -> None:
    """X14: nothing of the key-encryption key lies in the folder; without Vault the store does not open."""
    options = TransitOptions(server.url, TOKEN)
    first = home.start(transit=options, wraps="transit").keyring
    assert {x.provider for x in first.store.roots()} == {"transit"}
    assert not (home.folder / "vault.json").exists()
    index = first.blind_index("iban", "FR76")
    second = home.start(transit=options, wraps="transit").keyring
    assert second.blind_index("iban", "FR76") == index
    sealed = second.seal(b"x", b"row", Address("wallet", "ann"))
    assert second.open(sealed, b"row") == b"x"
    with pytest.raises(KeyStoreBroken, match="local"):
        home.start()
    with pytest.raises(KeyStoreBroken, match="transit"):
        home.start({"k1": bytes(range(100, 132))})
    with pytest.raises(KeyProviderUnavailable):
        home.start(transit=replace(options, url="http://127.0.0.1:1"), wraps="transit")

"""AWS KMS as holder of the key-encryption key, on the wire, against moto's server as another process.

Source: AWS KMS API reference; spec.md S35, X14.
"""

# pyright: reportPrivateUsage=false

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from comptoir.engine.values import Address
from comptoir.http.contract_testing import free_port
from comptoir.storage.keys import aws_kms as module
from comptoir.storage.keys.aws_kms import AwsKmsOptions, AwsKmsProvider
from comptoir.storage.keys.errors import KeyProviderRefused, KeyProviderUnavailable
from comptoir.storage.keys.local import LocalProvider
from comptoir.storage.keys.ports import Wrapped
from comptoir.storage.keys.rotation import Rotations, ask_rotation
from comptoir.storage.vault import VaultTampered
from tests.storage.keys.conftest import Home, NoPages

SECRET = bytes(range(50, 82))
REGION = "eu-west-3"
START_SECONDS = 30.0
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Moto's server: another program that speaks KMS's protocol."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=said, stderr=said, env={**os.environ, **CREDENTIALS},
        )  # fmt: skip
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=2):
                    break
            except OSError:
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who we are, as AWS's tools find it, and nothing of this machine's."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _make_key(endpoint: str) -> dict[str, Any]:
    """A key of our own, made by the plain client."""
    client: Any = module._connect(AwsKmsOptions("", REGION, endpoint))
    made: dict[str, Any] = client.create_key(Description="comptoir")["KeyMetadata"]
    client.create_alias(AliasName=f"alias/k{made['KeyId']}", TargetKeyId=made["KeyId"])
    return made


@pytest.mark.usefixtures("identity")
async def test_a_key_is_wrapped_for_its_context(endpoint: str) -> None:
    """S35, X14: by id, ARN or alias; what is remembered is the ARN; another context does not open."""
    key = _make_key(endpoint)
    for name in (key["KeyId"], key["Arn"], f"alias/k{key['KeyId']}"):
        provider = AwsKmsProvider(AwsKmsOptions(name, REGION, endpoint))
        assert await provider.current() == key["Arn"]
        wrapped = await provider.wrap(SECRET, "one")
        assert wrapped.kek == key["Arn"]
        assert SECRET not in wrapped.blob
        assert await provider.unwrap(wrapped, "one") == SECRET
        with pytest.raises(VaultTampered):
            await provider.unwrap(wrapped, "another")
        with pytest.raises((VaultTampered, KeyProviderRefused)):
            await provider.unwrap(
                Wrapped(key["Arn"], wrapped.blob[:-1] + bytes([wrapped.blob[-1] ^ 1])), "one"
            )
    assert await provider.make_version() is None


@pytest.mark.usefixtures("identity")
async def test_a_key_that_is_not_there_and_a_service_that_is_not(endpoint: str) -> None:
    """Design.md 6: told by AWS's own code, bounded in time."""
    missing = "11111111-2222-3333-4444-555555555555"
    with pytest.raises(KeyProviderRefused, match="NotFoundException"):
        await AwsKmsProvider(AwsKmsOptions(missing, REGION, endpoint)).wrap(SECRET, "one")
    nobody = AwsKmsProvider(AwsKmsOptions(missing, REGION, "http://127.0.0.1:1", timeout_s=0.5))
    with trio.fail_after(20), pytest.raises(KeyProviderUnavailable):
        await nobody.wrap(SECRET, "one")


@pytest.mark.usefixtures("identity")
def test_a_store_moves_from_a_file_to_kms(endpoint: str, home: Home) -> None:
    """S35, X14: a store that was wrapped by a key file opens beside KMS, and, once its roots are wrapped
    there, without the file.
    """
    ann = Address("wallet", "ann")
    old = home.start().keyring
    sealed = old.seal(b"x", b"row", ann)
    trio.run(old.make_durable)
    kms = AwsKmsOptions(_make_key(endpoint)["KeyId"], REGION, endpoint)
    both = home.start(aws_kms=kms, wraps="aws-kms")
    assert {x.provider for x in both.keyring.store.roots()} == {LocalProvider.name}
    trio.run(
        Rotations(both.keyring, both.provider, NoPages()).perform,
        ask_rotation(both.keyring.store, "kek"),
    )
    assert {x.provider for x in both.keyring.store.roots()} == {"aws-kms"}
    (home.folder / "vault.json").unlink()
    alone = home.start(aws_kms=kms, wraps="aws-kms").keyring
    assert alone.open(sealed, b"row") == b"x"
    assert not (home.folder / "vault.json").exists()

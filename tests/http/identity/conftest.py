"""What the tests of identity share: our keys in a folder, and a network that is not there."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from comptoir.http.identity.signing import SigningKeys
from tests.http.identity.forge import NOW, key, number, public_jwk


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail whatever looks a name up or opens a connection."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a token caused a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def jwks() -> dict[str, Any]:
    """A set with one key that may verify, among those that may not."""
    twin = public_jwk(key("twin"), kid="twin-1")
    return {
        "keys": [
            public_jwk(key("enc"), kid="enc-1", use="enc"),
            public_jwk(key("ours"), kid="ours-1", use="sig", alg="RS256"),
            public_jwk(key("weak", 1024), kid="weak-1"),
            twin,
            {**twin, "n": public_jwk(key("other twin"))["n"]},
            {"kty": "EC", "crv": "P-256", "kid": "ec-1", "x": "AA", "y": "AA"},
            public_jwk(key("second"), kid="ours-0", key_ops=["verify"]),
        ]
    }


def private_row(of: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    """A key as the file of signing keys has it."""
    numbers = of.private_numbers()
    secret = {
        "d": numbers.d, "p": numbers.p, "q": numbers.q,
        "dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp,
    }  # fmt: skip
    return {
        **public_jwk(of, kid=kid), **{name: number(value) for name, value in secret.items()},
        "made_at": NOW,
    }  # fmt: skip


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where signing keys lie; nothing is there yet."""
    return tmp_path / "keys" / "tokens.json"


@pytest.fixture
def opened(key_file: Path) -> Callable[..., SigningKeys]:
    """Open the signing keys at a time."""

    def opened(now: int = NOW, days_max: int | None = None) -> SigningKeys:
        return SigningKeys.open(key_file, now, days_max)

    return opened


@pytest.fixture
def signing_file(key_file: Path) -> Callable[[list[dict[str, Any]]], Path]:
    """Write a file of signing keys by hand."""

    def written(rows: list[dict[str, Any]]) -> Path:
        key_file.parent.mkdir(mode=0o700, exist_ok=True)
        key_file.write_text(json.dumps({"keys": rows}))
        key_file.chmod(0o600)
        return key_file

    return written

"""Tokens made by hand: any header, any payload, any key, by the cryptography library alone.

Rule: nothing here is the daemon's own, so that a token which it takes, or refuses, was made from the
standards. Keys are drawn once a run; no test depends on which.
Source: RFC 7515 sections 3.1 and 5.1; RFC 7518 section 3.
"""

import base64
import functools
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

__all__ = ["ISSUER", "NOW", "Forge", "b64", "key", "public_jwk"]

ISSUER = "https://comptoir.example"
NOW = 1_800_000_000
"""Seconds since 1970, everywhere in these tests."""


def b64(raw: bytes) -> str:
    """Canonical base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    """An integer as RFC 7518 section 2 has it."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@functools.cache
def key(name: str, bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """The RSA key of that name."""
    assert name
    return rsa.generate_private_key(exponent, bits)


def public_jwk(of: rsa.RSAPrivateKey, **members: Any) -> dict[str, Any]:
    """Its public half as a JSON Web Key."""
    numbers = of.public_key().public_numbers()
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **members}


def right_header() -> dict[str, Any]:
    """The header of a right token."""
    return {"alg": "RS256", "typ": "at+jwt", "kid": "ours-1"}


def right_claims() -> dict[str, Any]:
    """What a right token says."""
    return {
        "iss": ISSUER, "sub": "u1", "aud": "comptoir", "iat": NOW - 10, "exp": NOW + 890,
        "jti": "t1", "client_id": "app", "roles": ["CLIENT"], "scope": "wallet:read", "amr": ["pwd"],
    }  # fmt: skip


@dataclass(frozen=True)
class Forge:
    """What one token is made of; `token()` makes it."""

    header: Mapping[str, Any] = field(default_factory=right_header)
    claims: Mapping[str, Any] = field(default_factory=right_claims)
    signer: rsa.RSAPrivateKey = field(default_factory=lambda: key("ours"))
    raw_header: bytes | None = None
    raw_payload: bytes | None = None

    def parts(self) -> tuple[str, str]:
        """The first two parts."""
        header = json.dumps(self.header).encode() if self.raw_header is None else self.raw_header
        payload = json.dumps(self.claims).encode() if self.raw_payload is None else self.raw_payload
        return b64(header), b64(payload)

    def token(self) -> str:
        """Signed as RS256 says."""
        return self.signed(lambda text: self.signer.sign(text, padding.PKCS1v15(), hashes.SHA256()))

    def signed(self, sign: Callable[[bytes], bytes]) -> str:
        """Signed by any function of the bytes."""
        text = ".".join(self.parts())
        return f"{text}.{b64(sign(text.encode()))}"

    def rsa(self, digest: hashes.HashAlgorithm, *, pss: bool = False) -> str:
        """Signed by the same key, otherwise than RS256."""
        pad: Any = (
            padding.PSS(padding.MGF1(digest), digest.digest_size) if pss else padding.PKCS1v15()
        )
        return self.signed(lambda text: self.signer.sign(text, pad, digest))

    def powered(self, block: Callable[[bytes], bytes]) -> str:
        """Signed by the bare RSA function of a block that need not be PKCS #1's (RFC 8017, RSASP1)."""
        numbers = self.signer.private_numbers()

        def sign(text: bytes) -> bytes:
            number = int.from_bytes(block(text), "big")
            return pow(number, numbers.d, numbers.public_numbers.n).to_bytes(256, "big")

        return self.signed(sign)

    def mac(self, secret: bytes, digest: str = "sha256") -> str:
        """Authenticated with a secret, as if it were HS256."""
        return self.signed(lambda text: hmac.digest(secret, text, digest))

    def elliptic(self, private: ec.EllipticCurvePrivateKey) -> str:
        """Signed as ES256 says."""

        def sign(text: bytes) -> bytes:
            r, s = decode_dss_signature(private.sign(text, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")

        return self.signed(sign)

    def edwards(self, private: ed25519.Ed25519PrivateKey) -> str:
        """Signed as EdDSA says."""
        return self.signed(private.sign)

    def public_bytes(
        self, encoding: serialization.Encoding, form: serialization.PublicFormat
    ) -> bytes:
        """The public half as a file has it: what a confused verifier would take for a secret."""
        return self.signer.public_key().public_bytes(encoding, form)


def having(**members: Any) -> dict[str, Any]:
    """The right claims with these instead."""
    return {**right_claims(), **members}


def without(name: str) -> dict[str, Any]:
    """The right claims but one."""
    return {n: value for n, value in right_claims().items() if n != name}


def heading(**members: Any) -> dict[str, Any]:
    """The right header with these instead."""
    return {**right_header(), **members}

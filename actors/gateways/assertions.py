"""Who we are, signed: the assertion by which a service account asks for a token (RFC 7523), with a key of ours.

Rules:
- RS256, and nothing else; neither the key nor an assertion is in a fault or a representation;
- where no key is given (on this machine, with the sandbox) one is made for the life of this process, and the assertion
  carries its public half (`jwk`, RFC 7515 4.1.3): the sandbox verifies what it was never told of.

Source: RFC 7523, 2.1; RFC 7515; RFC 7518, 3.3 and 6.3.1.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import trio
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import load_pem_private_key

__all__ = ["GRANT", "Asserter", "KeyUnusable"]

GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY_BITS: Final = 2048
EXPONENT: Final = 65_537


class KeyUnusable(Exception):
    """The key is none that RS256 signs with."""


@dataclass(slots=True)
class Asserter:
    """Signs what we are, by one key."""

    private_key: str = field(default="", repr=False)
    """In PEM; empty: one is made (the sandbox's only)."""
    key_id: str = ""
    _key: RSAPrivateKey | None = field(default=None, repr=False)

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """These claims as a JWT.

        Raises:
            KeyUnusable: there is no such key.
        """
        if self._key is None:
            self._key = await _key_of(self.private_key)
        header: dict[str, Any] = {"alg": "RS256", "typ": "JWT"}
        if self.key_id:
            header["kid"] = self.key_id
        if not self.private_key:
            header["jwk"] = _public(self._key)
        signed = f"{_part(msgspec.json.encode(header))}.{_part(msgspec.json.encode(claims))}"
        return f"{signed}.{_part(self._key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"


async def _key_of(pem: str) -> RSAPrivateKey:
    if not pem:  # a quarter of a second: not in the loop
        return await trio.to_thread.run_sync(generate_private_key, EXPONENT, KEY_BITS)
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise KeyUnusable
    return key


def _public(key: RSAPrivateKey) -> Mapping[str, str]:
    """RFC 7518, 6.3.1."""
    numbers = key.public_key().public_numbers()
    octets = (numbers.n.bit_length() + 7) // 8
    return {
        "kty": "RSA",
        "n": _part(numbers.n.to_bytes(octets, "big")),
        "e": _part(numbers.e.to_bytes(3, "big")),
    }


def _part(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()

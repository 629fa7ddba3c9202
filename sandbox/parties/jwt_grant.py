"""Assertions by which programs ask for tokens, verified (RFC 7523): shared by the token endpoints that take them.

Source: RFC 7515 (JWS, and 4.1.3 `jwk`); RFC 7518, 3.3 and 6.3.1; RFC 6749, 5.2 (the shape of a refusal).
"""

from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PARTS = 3


class Wrong(Exception):
    """`error` and `error_description`."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.document = {"error": error, "error_description": text}


@dataclass(frozen=True, slots=True)
class Assertion:
    """One, taken apart, and not verified yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes

    @classmethod
    def read(cls, text: str) -> "Assertion":
        """Take it apart.

        Raises:
            Wrong: it is none.
        """
        parts = text.split(".")
        if len(parts) != PARTS:
            raise Wrong("invalid_grant", "Bad Request")
        signed = f"{parts[0]}.{parts[1]}".encode("utf-8", "surrogatepass")
        return cls(_object(parts[0]), _object(parts[1]), signed, _bytes(parts[2]))

    def brought(self) -> RSAPublicKey | None:
        """The public key in its header."""
        try:
            found = msgspec.convert(self.header.get("jwk"), dict[str, str])
        except msgspec.ValidationError:
            return None
        if found.get("kty") != "RSA":
            return None
        n, e = (int.from_bytes(_bytes(found.get(name, "")), "big") for name in ("n", "e"))
        try:
            return RSAPublicNumbers(e, n).public_key()
        except ValueError:
            return None

    def is_by(self, key: RSAPublicKey | None) -> bool:
        """Whether this key has signed it."""
        if key is None:
            return False
        try:
            key.verify(self.signature, self.signed, PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True


def _bytes(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise Wrong("invalid_grant", "Bad Request") from None


def _object(part: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_bytes(part), type=dict[str, Any])
    except msgspec.DecodeError:
        raise Wrong("invalid_grant", "Bad Request") from None

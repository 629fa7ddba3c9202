"""An authenticator in software, made of Yubico's encodings: what it writes is no word of ours.

Rule: it does what it is told, also what an honest one never would: another origin, nobody verified, a
counter that goes back. Its key is Ed25519 of its number, so that a run replays from a seed; others may be given.
Source: W3C Web Authentication Level 3 sections 6 and 7; python-fido2.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, cast

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from fido2.cose import ES256, RS256, EdDSA
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLAG = AuthenticatorData.FLAG
_ES256, _RS256, _EDDSA = cast("Any", ES256), cast("Any", RS256), cast("Any", EdDSA)
_DATA, _CLIENT = cast("Any", AuthenticatorData), cast("Any", CollectedClientData)
"""What makes them has no types."""
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass
class Authenticator:
    """A device with one passkey."""

    number: int = 1
    """Which one."""
    rp_id: str = "id.example"
    origin: str = "https://id.example"
    """Of the page that its browser shows."""
    key: PrivateKey | None = None
    handle: str = ""
    """Whose passkey it is, in base64url."""
    verified: bool = True
    present: bool = True
    synced: bool = False
    counts: bool = True
    counter: int = 0
    framed: bool = False

    @property
    def credential_id(self) -> bytes:
        """Random, as far as anybody can tell."""
        return sha256(b"id %d" % self.number).digest()

    @property
    def _private(self) -> PrivateKey:
        own = sha256(b"key %d" % self.number).digest()
        return self.key or ed25519.Ed25519PrivateKey.from_private_bytes(own)

    def create(self, options: dict[str, Any]) -> str:
        """Make the passkey; JSON for the relying party."""
        self.handle = options["user"]["id"]
        data = AttestedCredentialData.create(bytes(16), self.credential_id, self._public())
        made = AttestationObject.create("none", self._data(FLAG.AT, data), {})
        client = self._client("webauthn.create", options["challenge"])
        return self._json(clientDataJSON=client, attestationObject=made)

    def get(self, options: dict[str, Any]) -> str:
        """Show it; JSON for the relying party."""
        self.counter += self.counts
        data, client = self._data(), self._client("webauthn.get", options["challenge"])
        signature = self._signed(data + client.hash)
        return self._json(
            clientDataJSON=client,
            authenticatorData=data,
            signature=signature,
            userHandle=websafe_decode(self.handle),
        )

    def _data(self, more: int = 0, attested: bytes = b"") -> AuthenticatorData:
        flags = FLAG(more)
        for given, flag in (
            (self.present, FLAG.UP), (self.verified, FLAG.UV), (self.synced, FLAG.BE | FLAG.BS)
        ):  # fmt: skip
            flags |= flag if given else FLAG(0)
        rp = sha256(self.rp_id.encode()).digest()
        made: AuthenticatorData = _DATA.create(rp, flags, self.counter, attested)
        return made

    def _client(self, kind: str, challenge: str) -> CollectedClientData:
        made: CollectedClientData = _CLIENT.create(
            kind, websafe_decode(challenge), self.origin, cross_origin=self.framed
        )
        return made

    def _public(self) -> Any:
        match key := self._private:
            case ec.EllipticCurvePrivateKey():
                return _ES256.from_cryptography_key(key.public_key())
            case rsa.RSAPrivateKey():
                return _RS256.from_cryptography_key(key.public_key())
            case _:
                return _EDDSA.from_cryptography_key(key.public_key())

    def _signed(self, text: bytes) -> bytes:
        match key := self._private:
            case ec.EllipticCurvePrivateKey():
                return key.sign(text, ec.ECDSA(hashes.SHA256()))
            case rsa.RSAPrivateKey():
                return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
            case _:
                return key.sign(text)

    def _json(self, **response: bytes) -> str:
        name = websafe_encode(self.credential_id)
        encoded = {key: websafe_encode(value) for key, value in response.items()}
        whole = {"id": name, "rawId": name, "type": "public-key", "response": encoded}
        return orjson.dumps(whole).decode()

"""Access tokens for Google's APIs: a service account signs who it is, and is given a token for an hour.

Rules:
- one token is asked for at a time, kept until a minute before its end, and forgotten when it is refused;
- an assertion is dated by the wall clock, since Google compares it with its own;
- neither the key, nor an assertion, nor a token is in a fault or a representation.

Where there is no account (on this machine, with the sandbox) a key is made for the life of this process, and
the assertion carries its public half (`jwk`, RFC 7515 4.1.3): the sandbox verifies what it was never told of.

Source: developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST" (the claims, RS256,
`grant_type`); RFC 7523, 2.1; RFC 7515; RFC 6749, 5.1 and 5.2.
"""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec
import trio
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from comptoir.engine.gateway_spec import CallFault

__all__ = ["GRANT", "SCOPE", "GoogleTokens", "ServiceAccount"]

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_S: Final = 3600
"""Of an assertion: the longest that Google takes."""
MARGIN_S: Final = 60.0
"""So long before its end a token is replaced: longer than any call that takes it along."""
KEY_BITS: Final = 2048
EXPONENT: Final = 65_537


class _Answer(msgspec.Struct, frozen=True):
    """What of the answer is needed (RFC 6749, 5.1)."""

    access_token: str
    expires_in: float = 3600.0


class ServiceAccount(msgspec.Struct, frozen=True):
    """Who we are to Google: what of the account's file is needed."""

    project_id: str
    client_email: str
    token_uri: str
    private_key: str = ""
    """PKCS 8 in PEM; empty: one is made (the sandbox's only)."""
    private_key_id: str = ""

    def __repr__(self) -> str:
        return f"<ServiceAccount {self.client_email}>"


@dataclass(slots=True)
class GoogleTokens:
    """Where a gateway gets its token."""

    client: httpx.AsyncClient
    account: ServiceAccount
    now_s: Callable[[], float] = time.time
    """Wall time, seconds since 1970."""
    _key: RSAPrivateKey | None = None
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    """Of trio's clock."""
    _asking: trio.Lock = field(default_factory=trio.Lock)

    async def access(self) -> str:
        """A token that is good now.

        Raises:
            CallFault: it cannot be had.
        """
        async with self._asking:
            if not self._token or trio.current_time() >= self._until:
                answer = await self._ask()
                self._token = answer.access_token
                self._until = trio.current_time() + max(0.0, answer.expires_in - MARGIN_S)
            return self._token

    def forget(self, token: str) -> None:
        """It was refused: the next call asks for another."""
        if token == self._token:
            self._token = ""

    async def _ask(self) -> _Answer:
        form = {"grant_type": GRANT, "assertion": await self._assertion()}
        try:
            response = await self.client.post(self.account.token_uri, data=form)
        except httpx.TransportError as error:
            raise CallFault("PUSH_UNREACHABLE", retryable=True) from error
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise CallFault("PUSH_UNAVAILABLE", retryable=True)
        if not response.is_success:
            raise CallFault("PUSH_CREDENTIALS_REFUSED", retryable=False)
        try:
            return msgspec.json.decode(response.content, type=_Answer)
        except msgspec.DecodeError as error:
            raise CallFault("PUSH_ANSWER_INVALID", retryable=True) from error

    async def _assertion(self) -> str:
        if self._key is None:
            self._key = await _key_of(self.account)
        account, key, now = self.account, self._key, int(self.now_s())
        header: dict[str, Any] = {"alg": "RS256", "typ": "JWT"}
        if account.private_key_id:
            header["kid"] = account.private_key_id
        if not account.private_key:
            header["jwk"] = _public(key)
        claims = {
            "iss": account.client_email, "scope": SCOPE, "aud": account.token_uri,
            "iat": now, "exp": now + LIFE_S,
        }  # fmt: skip
        signed = f"{_part(msgspec.json.encode(header))}.{_part(msgspec.json.encode(claims))}"
        return f"{signed}.{_part(key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"


async def _key_of(account: ServiceAccount) -> RSAPrivateKey:
    """The account's key.

    Raises:
        CallFault: it is none that RS256 signs with.
    """
    if not account.private_key:  # a quarter of a second: not in the loop
        return await trio.to_thread.run_sync(generate_private_key, EXPONENT, KEY_BITS)
    try:
        key = load_pem_private_key(account.private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise CallFault("PUSH_CREDENTIALS_REFUSED", retryable=False)
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

"""Access tokens for Google's APIs: a service account signs who it is, and is given a token for an hour.

Rules:
- one token is asked for at a time, kept until a minute before its end, and forgotten when it is refused;
- an assertion is dated by the wall clock, since Google compares it with its own;
- neither the key, nor an assertion, nor a token is in a fault or a representation.

Where there is no account (on this machine, with the sandbox) the key is made here (assertions.py).

Source: developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST" (the claims, RS256,
`grant_type`); RFC 7523, 2.1; RFC 6749, 5.1 and 5.2.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import httpx
import msgspec
import trio

from comptoir.actors.gateways.assertions import GRANT, Asserter, KeyUnusable
from comptoir.engine.gateway_spec import CallFault

__all__ = ["GRANT", "SCOPE", "GoogleTokens", "ServiceAccount"]

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
LIFE_S: Final = 3600
"""Of an assertion: the longest that Google takes."""
MARGIN_S: Final = 60.0
"""So long before its end a token is replaced: longer than any call that takes it along."""


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
    _asserter: Asserter | None = None
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
        account, now = self.account, int(self.now_s())
        if self._asserter is None:
            self._asserter = Asserter(account.private_key, account.private_key_id)
        claims = {
            "iss": account.client_email, "scope": SCOPE, "aud": account.token_uri,
            "iat": now, "exp": now + LIFE_S,
        }  # fmt: skip
        try:
            return await self._asserter.sign(claims)
        except KeyUnusable as error:
            raise CallFault("PUSH_CREDENTIALS_REFUSED", retryable=False) from error

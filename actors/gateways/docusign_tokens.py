"""Access to DocuSign: a JWT grant for the user whom we act for, and where that user's account is served.

Rules:
- one token is asked for at a time, kept until a minute before its end, and forgotten when it is refused;
- the account's address comes from DocuSign (`/oauth/userinfo`), once, and must be https, but for this machine;
- an account that our user is not of is nobody's: the call fails, and says so;
- consent that was never given is told in plain words in the log, with the page where it is given; neither the key nor
  a token is in a fault, a line of the log or a representation.

Source: developers.docusign.com/platform/auth/jwt-get-token (claims, `aud` without a scheme, scope "signature
impersonation", `consent_required`); /platform/auth/reference/user-info; RFC 7523, 2.1; RFC 6749, 5.1 and 5.2.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
import structlog
import trio

from comptoir.actors.gateways.assertions import GRANT, Asserter, KeyUnusable
from comptoir.engine.gateway_spec import CallFault

__all__ = ["SCOPE", "Access", "DocusignTokens", "DocusignUser", "is_safe"]

SCOPE: Final = "signature impersonation"
LIFE_S: Final = 3600
"""Of an assertion: DocuSign's own advice, and the life of what is given for it."""
MARGIN_S: Final = 60.0
"""So long before its end a token is replaced: longer than any call that takes it along."""
log = structlog.get_logger("comptoir.docusign")
T = TypeVar("T")


class DocusignUser(msgspec.Struct, frozen=True):
    """Who we are to DocuSign."""

    integration_key: str
    user_id: str
    """The API user name, a GUID: whom we act for."""
    account_id: str
    """The API account id, a GUID: the one account whose envelopes are ours."""
    private_key: str = ""
    """PKCS 8 or PKCS 1 in PEM; empty: one is made (the sandbox's only)."""

    def __repr__(self) -> str:
        return f"<DocusignUser {self.user_id} of {self.account_id}>"


class Access(NamedTuple):
    """A token, and where it is good."""

    token: str
    base: str
    """`https://eu.docusign.net/restapi/v2.1/accounts/ID`."""

    def __repr__(self) -> str:
        return f"<Access to {self.base}>"


class _Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = 3600.0


class _Refusal(msgspec.Struct, frozen=True):
    error: str = ""


class _Account(msgspec.Struct, frozen=True):
    account_id: str
    base_uri: str


class _User(msgspec.Struct, frozen=True):
    accounts: tuple[_Account, ...] = ()


@dataclass(slots=True)
class DocusignTokens:
    """Where the adapter gets its token and its address."""

    client: httpx.AsyncClient
    """Whose base URL is the account server's: `https://account.docusign.com`."""
    user: DocusignUser
    now_s: Callable[[], float] = time.time
    """Wall time, seconds since 1970: DocuSign compares an assertion with its own."""
    _asserter: Asserter = field(init=False, repr=False)
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    """Of trio's clock."""
    _base: str = ""
    _asking: trio.Lock = field(default_factory=trio.Lock)

    def __post_init__(self) -> None:
        """Have something to sign with."""
        self._asserter = Asserter(self.user.private_key)

    async def access(self) -> Access:
        """What is good now.

        Raises:
            CallFault: it cannot be had.
        """
        async with self._asking:
            if not self._token or trio.current_time() >= self._until:
                answer = await self._ask()
                self._token = answer.access_token
                self._until = trio.current_time() + max(0.0, answer.expires_in - MARGIN_S)
            if not self._base:
                self._base = await self._find(self._token)
            return Access(self._token, self._base)

    def forget(self, token: str) -> None:
        """It was refused: the next call asks for another."""
        if token == self._token:
            self._token = ""

    async def _ask(self) -> _Token:
        parts = urlsplit(str(self.client.base_url))
        now = int(self.now_s())
        claims = {
            "iss": self.user.integration_key, "sub": self.user.user_id, "aud": parts.netloc,
            "iat": now, "exp": now + LIFE_S, "scope": SCOPE,
        }  # fmt: skip
        try:
            form = {"grant_type": GRANT, "assertion": await self._asserter.sign(claims)}
        except KeyUnusable as error:
            raise CallFault("SIGNING_CREDENTIALS_REFUSED", retryable=True) from error
        request = self.client.build_request("POST", "/oauth/token", data=form)
        response = await self._sent(request)
        if not response.is_success:
            raise self._refused(response)
        return _read(response, _Token)

    async def _find(self, token: str) -> str:
        headers = {"Authorization": f"Bearer {token}"}
        request = self.client.build_request("GET", "/oauth/userinfo", headers=headers)
        response = await self._sent(request)
        if not response.is_success:
            self._token = ""
            raise CallFault("SIGNING_CREDENTIALS_REFUSED", retryable=True)
        found = [
            one for one in _read(response, _User).accounts
            if one.account_id.lower() == self.user.account_id.lower()
        ]  # fmt: skip
        if not found or not is_safe(found[0].base_uri):
            log.error("docusign: the user is not of the account", account=self.user.account_id)
            raise CallFault("SIGNING_ACCOUNT_UNKNOWN", retryable=True)
        return f"{found[0].base_uri.rstrip('/')}/restapi/v2.1/accounts/{found[0].account_id}"

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self.client.send(request)
        except httpx.TransportError as error:
            raise CallFault("SIGNING_UNREACHABLE", retryable=True) from error
        status = response.status_code
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise CallFault("SIGNING_UNAVAILABLE", retryable=True)
        return response

    def _refused(self, response: httpx.Response) -> CallFault:
        """What a refused assertion comes to. Each may be mended by a person: so it is tried again."""
        try:
            word = msgspec.json.decode(response.content, type=_Refusal).error
        except msgspec.DecodeError:
            word = ""
        if word != "consent_required":
            return CallFault("SIGNING_CREDENTIALS_REFUSED", retryable=True)
        query = {
            "response_type": "code", "scope": SCOPE, "client_id": self.user.integration_key,
            "redirect_uri": "YOUR-REDIRECT-URI",
        }  # fmt: skip
        page = f"{str(self.client.base_url).rstrip('/')}/oauth/auth?{urlencode(query)}"
        log.error(
            "docusign: the user has not consented that we act for them; let them open the page once",
            page=page,
        )
        return CallFault("SIGNING_CONSENT_REQUIRED", retryable=True)


def _read(response: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CallFault("SIGNING_ANSWER_INVALID", retryable=True) from error


def is_safe(address: str) -> bool:
    """Whether a token, or a person, may be sent there: https, or this machine."""
    try:
        parts = urlsplit(address)
        if parts.scheme == "https":
            return bool(parts.hostname)
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False

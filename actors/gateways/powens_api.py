"""How Powens is spoken to: one call, and what each of its errors comes to.

Rules:
- a person's token is a bearer token; ours is `client_id` and `client_secret` in the body of those calls that
  want them, and nowhere else;
- an error is known by its `code`, as Powens asks, and where that says nothing by the status: 401 and 403 of a
  call with a token mean that there is no access by it, of a call with our credentials that these are wrong;
- a link to the next page is followed as it is, but to nobody but Powens: the token goes with it.

Source: docs.powens.com/api-reference/overview/errors, docs.powens.com/api-reference/overview/authentication,
docs.powens.com/api-reference/overview/api-design (relational pagination); spec.md S58, S63, S65.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from comptoir.actors.gateways.bank import ENDED, REFUSED, read_answer, sent
from comptoir.engine.gateway_spec import CallFault

__all__ = ["NO_ACCOUNT", "PowensApi", "PowensRefused"]

NO_ACCOUNT: Final = "noAccount"
"""No account of the connection is activated."""
LOCKED: Final = "connectionLocked"
"""Powens is working on it: the same call goes well a little later."""
UNAUTHORIZED: Final = (401, 403)
LINK_CHARACTERS_MAX: Final = 4096


class _Error(msgspec.Struct, frozen=True):
    """As in every answer that is none; other fields are not read: they may name somebody."""

    code: str = ""


_ERROR: Final = msgspec.json.Decoder(_Error)


class PowensRefused(CallFault):
    """Powens said no, and why; for the adapter alone."""

    def __init__(self, reason: str, status: int, code: str, *, retryable: bool, sick: bool) -> None:
        super().__init__(code, retryable=retryable, sick=sick)
        self.reason = reason
        """Powens's own `code`, or empty where the answer names none."""
        self.status = status
        """Of HTTP."""


class Asked(NamedTuple):
    """One call."""

    method: str
    path: str
    """Below the base, or a whole link."""
    token: str = ""
    """A person's; empty: the body says who we are."""
    query: Mapping[str, str] | None = None
    body: Mapping[str, object] | None = None


class PowensApi:
    """Powens's API on one domain, over a client whose base URL is `https://DOMAIN.biapi.pro/2.0`."""

    def __init__(self, client: httpx.AsyncClient, credentials: tuple[str, str]) -> None:
        """Args: the client; our `client_id` and secret there."""
        self._client = client
        self.client_id, self._secret = credentials

    def __repr__(self) -> str:
        return f"<PowensApi {self.domain}>"

    @property
    def domain(self) -> str:
        """The host of the API, by which the webview is told which one it is."""
        base = self._client.base_url
        return base.host if base.port is None else f"{base.host}:{base.port}"

    @property
    def ours(self) -> dict[str, str]:
        """Who we are, for a body."""
        return {"client_id": self.client_id, "client_secret": self._secret}

    async def ask(self, asked: Asked, decoder: "msgspec.json.Decoder[Any]") -> Any:
        """What of the answer the decoder's type names.

        Raises:
            CallFault: it went wrong; a `PowensRefused` where Powens has answered.
        """
        return read_answer(await self.tell(asked), decoder)

    async def tell(self, asked: Asked) -> httpx.Response:
        """The answer, if Powens did what it was asked for.

        Raises:
            CallFault: as `ask`.
        """
        headers = {"Authorization": f"Bearer {asked.token}"} if asked.token else {}
        request = self._client.build_request(
            asked.method, asked.path, params=asked.query, json=asked.body, headers=headers
        )
        response = await sent(self._client, request)
        if not response.is_success:
            raise _fault(response, by_token=bool(asked.token))
        return response

    def link(self, href: str) -> str:
        """The same link, if it leads to Powens.

        Raises:
            CallFault: BANK_ANSWER_INVALID: it does not.
        """
        base = self._client.base_url
        try:
            found = base.join(href)
        except httpx.InvalidURL:
            found = None
        if (
            found is None
            or len(href) > LINK_CHARACTERS_MAX
            or (found.scheme, found.netloc) != (base.scheme, base.netloc)
            or not found.path.startswith(base.path)
            or found.userinfo
        ):
            raise CallFault("BANK_ANSWER_INVALID", retryable=True)
        return str(found)


def _fault(response: httpx.Response, *, by_token: bool) -> PowensRefused:
    """What an error comes to."""
    try:
        reason = _ERROR.decode(response.content).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        reason = ""
    status = response.status_code
    if reason == LOCKED:
        return PowensRefused(reason, status, "BANK_UNAVAILABLE", retryable=True, sick=False)
    if status in UNAUTHORIZED:
        code = ENDED if by_token else "BANK_CREDENTIALS_REFUSED"
        return PowensRefused(reason, status, code, retryable=False, sick=not by_token)
    return PowensRefused(reason, status, REFUSED, retryable=False, sick=False)

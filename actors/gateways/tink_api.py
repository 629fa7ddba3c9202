"""How Tink is spoken to: tokens of ours and of users, one call, and what each of its errors comes to.

Rules:
- a token of ours (client credentials) is asked for by scope and kept in memory until a while before its end;
  a user's is made for each operation, of a grant that is good once, and kept nowhere: there is none to store, to
  replace or to lose (S59);
- users are named by the name that we gave them (`external_user_id`);
- an error is known by its status and by what was asked for; texts and codes decide nothing. 401 and 403 say that
  our credentials, or what our app may do, are wrong: a kept token is forgotten, so that the next try has another;
- an answer is read by the fields that its type names; every other is dropped where it arrives (S58).

Source: docs.tink.com/api (general: OAuth, user), docs.tink.com/resources/api-setup/get-access-token; spec.md
S58, S59, S63, S65.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.gateways.bank import ENDED, REFUSED, read_answer, sent
from comptoir.engine.gateway_spec import CallFault

__all__ = ["NOT_FOUND", "Asked", "TinkApi", "TinkRefused"]

GRANT: Final = "authorization:grant"
"""Scope by which users' tokens and Tink Link's codes are made."""
MARGIN_MS: Final = 60_000
"""So long before its end a token of ours is not used any more: longer than any call."""
UNAUTHORIZED: Final = (401, 403)
NOT_FOUND: Final = 404
_Secret = Annotated[str, Meta(min_length=1, max_length=8192)]


class _Token(msgspec.Struct, frozen=True):
    access_token: _Secret
    expires_in: Annotated[int, Meta(ge=0)] = 0


class _Code(msgspec.Struct, frozen=True):
    code: _Secret


_TOKEN: Final = msgspec.json.Decoder(_Token)
_CODE: Final = msgspec.json.Decoder(_Code)


class TinkRefused(CallFault):
    """Tink said no; for the adapter alone."""

    def __init__(self, status: int, code: str, *, retryable: bool, sick: bool) -> None:
        super().__init__(code, retryable=retryable, sick=sick)
        self.status = status
        """Of HTTP."""


class Asked(NamedTuple):
    """One call."""

    method: str
    path: str
    token: str = ""
    """Empty: the form says who we are."""
    query: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    body: Mapping[str, object] | None = None


class TinkApi:
    """Tink's API, over a client whose base URL is `https://api.tink.com`."""

    def __init__(self, client: httpx.AsyncClient, credentials: tuple[str, str]) -> None:
        """Args: the client; our `client_id` and secret there."""
        self._client = client
        self.client_id, self._secret = credentials
        self._ours: dict[str, tuple[str, int]] = {}
        """Tokens of ours by scope, and until when they are used: as many as there are scopes in the code."""

    def __repr__(self) -> str:
        return f"<TinkApi {self._client.base_url.host} {len(self._ours)} tokens>"

    async def ours(self, scope: str, now: int) -> str:
        """A token of ours.

        Args:
            scope: what it is to open.
            now: business time, ms since 1970.

        Raises:
            CallFault: it went wrong.
        """
        kept, until = self._ours.get(scope, ("", 0))
        if kept and now < until:
            return kept
        made = await self._token({"grant_type": "client_credentials", "scope": scope})
        self._ours[scope] = (made.access_token, now + made.expires_in * 1000 - MARGIN_MS)
        return made.access_token

    async def of_user(self, name: str, scope: str, now: int) -> str:
        """A token of a user, good for what follows and kept by nobody.

        Raises:
            CallFault: BANK_ACCESS_ENDED: there is no such user any more; or it went wrong.
        """
        path = "/api/v1/oauth/authorization-grant"
        code = await self.code(path, {"external_user_id": name, "scope": scope}, now)
        made = await self._token({"grant_type": "authorization_code", "code": code})
        return made.access_token

    async def code(self, path: str, form: Mapping[str, str], now: int) -> str:
        """A code that is good once, for a user.

        Raises:
            CallFault: as `of_user`.
        """
        asked = Asked("POST", path, await self.ours(GRANT, now), form=form)
        try:
            made: _Code = await self.ask(asked, _CODE)
        except TinkRefused as refused:
            if refused.status == NOT_FOUND:
                raise CallFault(ENDED, retryable=False, sick=False) from refused
            raise
        return made.code

    async def _token(self, form: Mapping[str, str]) -> _Token:
        ours = {"client_id": self.client_id, "client_secret": self._secret}
        asked = Asked("POST", "/api/v1/oauth/token", form={**ours, **form})
        made: _Token = await self.ask(asked, _TOKEN)
        return made

    async def ask(self, asked: Asked, decoder: "msgspec.json.Decoder[Any]") -> Any:
        """What of the answer the decoder's type names.

        Raises:
            CallFault: it went wrong; a `TinkRefused` where Tink has answered.
        """
        return read_answer(await self.tell(asked), decoder)

    async def tell(self, asked: Asked) -> httpx.Response:
        """The answer, if Tink did what it was asked for.

        Raises:
            CallFault: as `ask`.
        """
        headers = {"Authorization": f"Bearer {asked.token}"} if asked.token else {}
        request = self._client.build_request(
            asked.method,
            asked.path,
            params=asked.query,
            data=asked.form,
            json=asked.body,
            headers=headers,
        )
        response = await sent(self._client, request)
        if not response.is_success:
            raise self._fault(asked, response.status_code)
        return response

    def _fault(self, asked: Asked, status: int) -> TinkRefused:
        """What an error comes to."""
        if not asked.token and (asked.form or {}).get("grant_type") == "client_credentials":
            return TinkRefused(status, "BANK_CREDENTIALS_REFUSED", retryable=False, sick=True)
        if status in UNAUTHORIZED:
            kept = {scope: one for scope, one in self._ours.items() if one[0] != asked.token}
            again = len(kept) < len(self._ours)
            self._ours = kept
            return TinkRefused(status, "BANK_CREDENTIALS_REFUSED", retryable=again, sick=True)
        return TinkRefused(status, REFUSED, retryable=False, sick=False)

"""Calls to DocuSign's eSignature API (REST v2.1), and what becomes of each answer.

Rules:
- a refused token is asked for anew once within a call, since nothing has happened under a refused one;
- a limit that was reached is no fault of health: it is waited for as its headers say. DocuSign answers it with 429, and
  with 400 where an account was not moved over yet; so the code in the body decides, as it advises;
- of an answer only the fields named here become values; a document is taken up to its bound, and no further.

Source: DocuSign's OpenAPI document esignature.rest.swagger-v2.1.json (paths and definitions by name);
developers.docusign.com/platform/resource-limits (headers), /docs/esign-rest-api/esign101/rules-and-limits.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx
import msgspec

from comptoir.actors.gateways.docusign_tokens import DocusignTokens
from comptoir.engine.gateway_spec import CallFault

__all__ = ["DocusignApi", "DocusignRefused"]

DOCUMENT_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of a signed document with its certificate: several times what DocuSign takes in (25 MB)."""
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of any other answer: an envelope with its recipients has some kilobytes."""
WAIT_S_MAX: Final = 3600
"""Limits are of an hour at most; a later time is a mistake."""
BURST_S: Final = 30
"""Of a burst, where no header says more."""
_LIMITS: Final = ("_LIMIT_EXCEEDED",)


class _Fault(msgspec.Struct, frozen=True, rename="camel"):
    """`errorDetails`."""

    error_code: str = ""


class DocusignRefused(CallFault):
    """DocuSign has said no, with a word of its own, which is kept for who can make something of it."""

    def __init__(self, word: str) -> None:
        super().__init__("SIGNING_REFUSED", retryable=False, sick=False)
        self.word = word
        """`errorCode`, never its message: that may hold what we have sent."""


@dataclass(slots=True)
class DocusignApi:
    """DocuSign, for one account of ours."""

    client: httpx.AsyncClient
    tokens: DocusignTokens
    wall_s: Callable[[], float] = time.time

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """An answer's body; see `_call` for what is raised."""
        return await self._call("GET", path, params=params)

    async def send(self, method: str, path: str, document: Mapping[str, Any]) -> bytes:
        """What is answered to a document; see `_call` for what is raised."""
        return await self._call(method, path, document=document)

    async def fetch(self, path: str, params: Mapping[str, str]) -> bytes:
        """A document of DocuSign's, within its bound; see `_call` for what is raised."""
        return await self._call("GET", path, params=params, most=DOCUMENT_BYTES_MAX)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        document: Mapping[str, Any] | None = None,
        most: int = ANSWER_BYTES_MAX,
    ) -> bytes:
        """One call, with a fresh token if the first one is refused.

        Raises:
            DocusignRefused: it said no.
            CallFault: SIGNING_UNREACHABLE, SIGNING_UNAVAILABLE, SIGNING_BUSY, SIGNING_TOKEN_REFUSED,
                SIGNING_ANSWER_TOO_LARGE; or as `DocusignTokens.access`.
        """
        for last in (False, True):
            access = await self.tokens.access()
            request = self.client.build_request(
                method, f"{access.base}{path}", params=params, json=document,
                headers={"Authorization": f"Bearer {access.token}"},
                timeout=None,  # the deadline of the whole call is the gateway's
            )  # fmt: skip
            response, body = await self._sent(request, most)
            if response.status_code != HTTPStatus.UNAUTHORIZED:
                return self._judged(response, body)
            self.tokens.forget(access.token)
            if last:
                break
        raise CallFault("SIGNING_TOKEN_REFUSED", retryable=True)

    async def _sent(self, request: httpx.Request, most: int) -> tuple[httpx.Response, bytes]:
        try:
            response = await self.client.send(request, stream=True)
            try:
                body = await _body_of(response, most)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise CallFault("SIGNING_UNREACHABLE", retryable=True) from error
        return response, body

    def _judged(self, response: httpx.Response, body: bytes) -> bytes:
        status = response.status_code
        if response.is_success:
            return body
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            raise CallFault("SIGNING_UNAVAILABLE", retryable=True)
        word = _word(body)
        if status == HTTPStatus.TOO_MANY_REQUESTS or word.upper().endswith(_LIMITS):
            wait_ms = self._wait_ms(response, word)
            raise CallFault("SIGNING_BUSY", retryable=True, sick=False, wait_ms=wait_ms)
        raise DocusignRefused(word)

    def _wait_ms(self, response: httpx.Response, word: str) -> int:
        """For how long DocuSign asks to be left alone."""
        after = response.headers.get("retry-after", "")
        if after.isascii() and after.isdigit():
            return min(int(after[:9]), WAIT_S_MAX) * 1000
        if word.upper().startswith("BURST"):
            return BURST_S * 1000
        reset = response.headers.get("x-ratelimit-reset", "")
        if not (reset.isascii() and reset.isdigit()):
            return BURST_S * 1000
        left = int(reset[:12]) - int(self.wall_s())
        return max(1, min(left, WAIT_S_MAX)) * 1000

    def __repr__(self) -> str:
        return f"<DocusignApi {self.tokens.user!r}>"


async def _body_of(response: httpx.Response, most: int) -> bytes:
    """An answer's body, within its bound."""
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > most:
            raise CallFault("SIGNING_ANSWER_TOO_LARGE", retryable=False, sick=False)
    return bytes(body)


def _word(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Fault).error_code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""

"""One JSON document of a provider, fetched within bounds.

The rule: an answer is taken whole or not at all: status 200 of the very address that was asked (a
redirect is a failure), within a time, within a size that is counted as it arrives, not compressed, and
JSON with one meaning. What failed is told by a word; the answer itself is told to nobody.
Source: OpenID Connect Discovery 1.0 section 4; RFC 8414 section 3; RFC 7517 section 5; design.md 9.6.
"""

import ssl
from http import HTTPStatus
from typing import Final

import httpx
import trio

from comptoir.http.strict_json import Malformed, parse

__all__ = ["ANSWER_BYTES_MAX", "FetchFailed", "client", "fetch"]

ANSWER_BYTES_MAX: Final = 256 * 1024
"""64 keys of 4096 bits, each with a certificate of its own, have some 170 KiB."""


class FetchFailed(Exception):
    """The document cannot be had; its text is a stable word."""


def client(
    timeout_s: float, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """A client for one provider: TLS 1.3 with the system's authorities (S62: nothing below; a bank has
    an authority of its own), no proxy of the environment, no redirect, two connections.

    Args:
        timeout_s: for each step of a request.
        transport: instead of the network, for whoever plays the provider.
    """
    # Where nothing goes over the network no authority is read: that takes 30 ms.
    tls = (
        ssl.create_default_context()
        if transport is None
        else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    return httpx.AsyncClient(
        transport=transport,
        verify=tls,
        timeout=timeout_s,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


async def fetch(through: httpx.AsyncClient, url: str, timeout_s: float) -> object:
    """The document at an address of ours or of a provider's own metadata, numbers as their texts.

    Raises:
        FetchFailed: `timeout`, `unreachable`, `status_N`, `encoded`, `too_large` or `not_json`.
    """
    body = bytearray()
    with trio.move_on_after(timeout_s) as scope:
        try:
            async with through.stream("GET", url, follow_redirects=False) as answer:
                _judge(answer)
                async for chunk in answer.aiter_bytes():  # identity: as they were sent
                    body += chunk
                    if len(body) > ANSWER_BYTES_MAX:
                        # Not `break`: httpx's generators would be left in the middle, unclosed.
                        scope.cancel()
        except httpx.TimeoutException:
            raise FetchFailed("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise FetchFailed("unreachable") from None
    if len(body) > ANSWER_BYTES_MAX:
        raise FetchFailed("too_large")
    if scope.cancelled_caught:
        raise FetchFailed("timeout")
    try:
        return parse(bytes(body))
    except Malformed:
        raise FetchFailed("not_json") from None


def _judge(answer: httpx.Response) -> None:
    """Refuse an answer whose body is not to be read."""
    if answer.status_code != HTTPStatus.OK:
        raise FetchFailed(f"status_{answer.status_code}")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise FetchFailed("encoded")

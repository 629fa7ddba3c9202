"""Talking to a daemon on this machine over HTTP.

Rule: proxies of the environment are not asked, because loopback is nobody's business but ours.
Source: interface.md 4, 5.
"""

from http import HTTPStatus

import httpx

from comptoir.engine.settings import Settings

__all__ = ["client_of", "daemon_address", "is_live"]

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 600.0
"""A million rows take minutes."""


def daemon_address(settings: Settings) -> str | None:
    """Where a daemon of these settings would be; None where its port is any free one."""
    http = settings.http
    if http.port == 0:
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(http.host, http.host)  # noqa: S104  read, not bound
    return f"http://[{host}]:{http.port}" if ":" in host else f"http://{host}:{http.port}"


def client_of(address: str) -> httpx.AsyncClient:
    """A client for one daemon or sandbox."""
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    return httpx.AsyncClient(base_url=address, timeout=timeout, trust_env=False)


async def is_live(address: str) -> bool:
    """Whether a daemon answers there."""
    async with client_of(address) as client:
        try:
            answer = await client.get("/health/live", timeout=CONNECT_SECONDS)
        except httpx.HTTPError:
            return False
    return answer.status_code == HTTPStatus.OK and b'"live"' in answer.content

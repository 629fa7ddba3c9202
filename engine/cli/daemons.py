"""Talking to a daemon on this machine over HTTP.

Rule: proxies of the environment are not asked, because loopback is nobody's business but ours. Under
TLS the daemon is who shows the certificate of our own settings, whatever name that is made out to.
Source: interface.md 4, 5.
"""

import ssl
from http import HTTPStatus

import httpx

from comptoir.engine.settings import Settings
from comptoir.engine.trust import trust_of

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
    scheme = "https" if http.tls_certificate else "http"
    named = f"[{host}]" if ":" in host else host
    return f"{scheme}://{named}:{http.port}"


def client_of(address: str, certificate: str = "") -> httpx.AsyncClient:
    """A client for one daemon or sandbox.

    Args:
        address: where.
        certificate: PEM file of what it shows under TLS; empty: the authorities of this machine vouch.
    """
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    verify = _showing(certificate) if certificate else trust_of(address, environment=False)
    return httpx.AsyncClient(base_url=address, timeout=timeout, trust_env=False, verify=verify)


def _showing(certificate: str) -> ssl.SSLContext:
    """Trust this very certificate, and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which trusts nobody yet
    context.check_hostname = False  # it is asked as 127.0.0.1, and made out to its public name
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(certificate)
    return context


async def is_live(address: str, certificate: str = "") -> bool:
    """Whether a daemon answers there."""
    async with client_of(address, certificate) as client:
        try:
            answer = await client.get("/health/live", timeout=CONNECT_SECONDS)
        except httpx.HTTPError:
            return False
    return answer.status_code == HTTPStatus.OK and b'"live"' in answer.content

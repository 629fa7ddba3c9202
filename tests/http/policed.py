"""A listening edge that takes tokens, over a daemon that knows two people, for the tests of who may what."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import trio

from comptoir.engine.settings import Http, Settings
from comptoir.engine.signing_testing import (
    sign_docusign,
    sign_plaid,
    sign_powens,
    sign_tink,
    sign_webhook,
)
from comptoir.engine.trust import trust_of
from comptoir.http.server import Shared, serve
from comptoir.http.testing import NOW_MS, SECRET, FakeAuthenticator, FakeDaemon

__all__ = ["policed", "signed_for"]

_SETTINGS = Settings(http=Http(port=0))
_SIGNS = {
    "receiveDocusignWebhook": sign_docusign,
    "receivePlaidWebhook": sign_plaid,
    "receivePowensWebhook": sign_powens,
    "receiveTinkWebhook": sign_tink,
}


def signed_for(operation_id: str, body: bytes) -> dict[str, str]:
    """The headers of a sender who is known."""
    return _SIGNS.get(operation_id, sign_webhook)(SECRET, body, NOW_MS)


@asynccontextmanager
async def policed(daemon: FakeDaemon) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of it."""
    async with trio.open_nursery() as nursery:
        shared = Shared(authenticator=FakeAuthenticator())
        start = partial(serve, daemon, _SETTINGS, shared, stop_seconds=0.2)
        listening = await nursery.start(start)
        async with httpx.AsyncClient(
            verify=trust_of(listening.url), base_url=listening.url, timeout=5.0
        ) as opened:
            yield opened
        nursery.cancel_scope.cancel()

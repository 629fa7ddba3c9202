"""What the tests of the edge share: a daemon behind it, and a server in front."""

from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest
import trio

from comptoir.engine.settings import Http, Settings
from comptoir.http.server import Listening, serve
from comptoir.http.testing import FakeDaemon


@pytest.fixture
def daemon() -> FakeDaemon:
    """A daemon that takes everything."""
    return FakeDaemon()


@pytest.fixture
async def listening(daemon: FakeDaemon) -> AsyncIterator[Listening]:
    """The daemon's server on a free port of loopback, stopped in the end."""
    async with trio.open_nursery() as nursery:
        settings = Settings(http=Http(port=0))
        yield await nursery.start(partial(serve, daemon, settings, stop_seconds=0.2))
        nursery.cancel_scope.cancel()


@pytest.fixture
async def client(listening: Listening) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of that server."""
    async with httpx.AsyncClient(base_url=listening.url, timeout=5.0) as opened:
        yield opened

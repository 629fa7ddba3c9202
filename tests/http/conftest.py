"""What the tests of the edges share: a daemon behind them, and a listener in front."""

from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest
import trio

from comptoir.engine.settings import Http, Settings
from comptoir.engine.trust import trust_of
from comptoir.http.identity.authenticator import wall_seconds
from comptoir.http.identity.opening import Identity
from comptoir.http.identity.signing import KEYS_FILE, KEYS_FOLDER, SigningKeys
from comptoir.http.lane import serve_lane
from comptoir.http.server import Listening, serve
from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_wire import Listener, Start


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Who we are: an issuer with a key of its own."""
    folder = tmp_path_factory.mktemp("identity")
    keys = SigningKeys.open(folder / KEYS_FOLDER / KEYS_FILE, wall_seconds())
    settings = Settings().having({("storage", "data_dir"): folder})
    opened = Identity(settings, keys, None)
    opened.listens_on("http://127.0.0.1:8080")
    return opened


@pytest.fixture
def daemon() -> FakeDaemon:
    """A daemon that takes everything."""
    return FakeDaemon()


@pytest.fixture
async def listening(daemon: FakeDaemon) -> AsyncIterator[Listening]:
    """The edge of hypercorn on a free port of loopback, stopped in the end."""
    async with trio.open_nursery() as nursery:
        settings = Settings(http=Http(port=0))
        yield await nursery.start(partial(serve, daemon, settings, stop_seconds=0.2))
        nursery.cancel_scope.cancel()


@pytest.fixture(params=["http", "ingest"])
def start(request: pytest.FixtureRequest, daemon: FakeDaemon) -> Start:
    """Give what opens either edge: `start(nursery, stop_seconds=0.2, **bounds of [ingest])`."""

    async def opened(nursery: trio.Nursery, stop_seconds: float = 0.2, **bounds: float) -> Listener:
        settings = Settings(http=Http(port=0)).having(
            {("ingest", "port"): 0, **{("ingest", name): bounds[name] for name in bounds}}
        )
        found: Listener
        if request.param == "ingest":
            lane = partial(serve_lane, daemon, settings, stop_seconds=stop_seconds)
            found = await nursery.start(lane)
        else:
            edge = partial(serve, daemon, settings, stop_seconds=stop_seconds)
            found = await nursery.start(edge)
        return found

    return opened


@pytest.fixture
async def either(start: Start) -> AsyncIterator[Listener]:
    """Give each edge in turn, stopped in the end."""
    async with trio.open_nursery() as nursery:
        yield await start(nursery)
        nursery.cancel_scope.cancel()


@pytest.fixture
async def client(listening: Listening) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of hypercorn's edge."""
    async with httpx.AsyncClient(
        verify=trust_of(listening.url), base_url=listening.url, timeout=5.0
    ) as opened:
        yield opened

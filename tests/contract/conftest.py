"""What the contract tests share: one daemon for each module, and a customer of it for each test.

Rule: a test here knows the daemon from interface.md only, and drives it over a socket as a separate
process. A test that needs another configuration, or that hurts its daemon, starts its own.
"""

# pyright: reportDeprecated=false
# Policies end with Python 3.16; by then trio-asyncio has another way, or none is needed here.

import asyncio  # noqa: TID251 - what playwright's own calls run on
import gc
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pluggy
import pytest
import trio
from playwright.sync_api import Browser, expect, sync_playwright

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer
from tests.contract.documents import in_s3, to_people
from tests.storage.objects.seaweed import Seaweed, seaweed

EXPECT_MS = 20_000
"""As long as `eventually` waits: for what a page says in the end, whatever else the machine does."""


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Callable[..., Process]) -> Process:
    """A daemon with a manual clock, for all tests of the module."""
    return comptoir_daemon_shared()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, "pluggy.Result[pytest.TestReport]"]:
    """Tell of a test that failed what its programs said last: nobody can ask them afterwards."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        names = {id(value): name for name, value in getattr(item, "funcargs", {}).items()}
        # Also those that a test started itself. Where its end is what failed, its folder may be gone.
        for one in gc.get_objects():
            if isinstance(one, Process) and one.spawned and one.log.exists():
                name = names.get(id(one), Path(one.command[0]).name)
                report.sections.append((f"what {name} said", one.said()))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play what is said of webhooks (interface.md 6) at both ports."""
    if "customer" in metafunc.fixturenames and "test_webhook" in metafunc.function.__module__:
        metafunc.parametrize("customer", ["http", "ingest"], indirect=True)


@pytest.fixture
def customer(daemon: Process, request: pytest.FixtureRequest) -> Customer:
    """Somebody new, who speaks to the module's daemon."""
    return Customer(daemon, lane=getattr(request, "param", "http") == "ingest")


@pytest.fixture(scope="module")
def carrier(comptoir_sandbox_shared: Callable[..., Process]) -> Process:
    """A sandbox that plays SendGrid and Twilio."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("TESTS_REQUIRE_BROWSER") == "1":
            pytest.fail(
                "TESTS_REQUIRE_BROWSER=1, and there is no chromium (apt-get install chromium)"
            )
        pytest.skip("there is no chromium here (apt-get install chromium)")
    # Playwright makes an asyncio loop of its own. Where trio-asyncio was imported (other tests embed an
    # engine) it would be given one of that kind, which cannot be turned from within another.
    policy = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
    try:
        with sync_playwright() as play:
            # Its own sandbox wants another user than root, whom CI is; it sees our pages and no others.
            options = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = play.chromium.launch(executable_path=found, args=options)
            expect.set_options(timeout=EXPECT_MS)
            yield browser
            browser.close()
    finally:
        asyncio.set_event_loop_policy(policy)


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """An S3 server."""
    with seaweed(tmp_path_factory.mktemp("seaweed")) as server:
        yield server


@pytest.fixture(scope="module")
def with_folder(comptoir_daemon_shared: Callable[..., Process], carrier: Process) -> Process:
    """A daemon that keeps documents in its folder."""
    return comptoir_daemon_shared(**to_people(carrier))


@pytest.fixture(scope="module")
def with_s3(
    comptoir_daemon_shared: Callable[..., Process],
    comptoir_postgres_server: Any,
    _comptoir_migrated: str,
    carrier: Process,
    s3_server: Seaweed,
) -> Iterator[Process]:
    """A daemon that keeps documents in a bucket; beside the one with a folder, so in a database of its own."""
    url = trio.run(comptoir_postgres_server.create_database, "with_s3", _comptoir_migrated)
    settings = {**to_people(carrier), **in_s3(s3_server)}
    kept = comptoir_daemon_shared(COMPTOIR_STORAGE__URL=url, **settings)
    yield kept
    kept.stop()
    trio.run(comptoir_postgres_server.drop_database, "with_s3")


@pytest.fixture(params=["folder", "s3"])
def keeper(request: pytest.FixtureRequest) -> Process:
    """A daemon that keeps documents, with either store."""
    kept: Process = request.getfixturevalue(f"with_{request.param}")
    return kept

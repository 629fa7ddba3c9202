"""What the contract tests share: one daemon for each module, and a customer of it for each test.

Rule: a test here knows the daemon from interface.md only, and drives it over a socket as a separate
process. A test that needs another configuration, or that hurts its daemon, starts its own.
"""

from collections.abc import Callable

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Callable[..., Process]) -> Process:
    """A daemon with a manual clock, for all tests of the module."""
    return comptoir_daemon_shared()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Play what is said of webhooks (interface.md 6) at both ports."""
    if "customer" in metafunc.fixturenames and "test_webhook" in metafunc.function.__module__:
        metafunc.parametrize("customer", ["http", "ingest"], indirect=True)


@pytest.fixture
def customer(daemon: Process, request: pytest.FixtureRequest) -> Customer:
    """Somebody new, who speaks to the module's daemon."""
    return Customer(daemon, lane=getattr(request, "param", "http") == "ingest")

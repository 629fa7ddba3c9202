"""What every test leans on: guards that speak before anything breaks, and shared fixtures.

Rule: a mistake in the tree's layout is reported with its remedy before an obscure ImportError is.
Source: docs/adr/0002-folders-as-package.md; pytest's manual, "pytest_configure" and "UsageError".
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
PG15 = Path("/usr/lib/postgresql/15/bin")  # where Debian keeps the binaries of that version

EXAMPLES = 30
"""Of each property; others each time. `make soak` plays a thousand (TESTS_EXAMPLES)."""

# No deadline: a shared machine with two cores makes one example in a thousand slow, and says
# nothing about the code. A failure prints the blob that replays it.
settings.register_profile(
    "comptoir",
    max_examples=int(os.environ.get("TESTS_EXAMPLES") or EXAMPLES),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("comptoir")

# Until all is collected nothing of it is garbage, and looking for some is an eighth of the time.
gc.disable()


def pytest_configure() -> None:
    """Refuse to start where a package marker would hide the standard library or clash.

    Raises:
        pytest.UsageError: `http/__init__.py` exists (it would shadow the standard library's http),
            or any folder of tests/ holds one (two test modules of one name would then clash).
    """
    if (ROOT / "http" / "__init__.py").exists():
        raise pytest.UsageError("http/__init__.py shadows the stdlib's http: remove it")
    for marker in sorted((ROOT / "tests").rglob("__init__.py")):
        folder = marker.parent.relative_to(ROOT)
        shadow = " shadows the stdlib's http" if folder.name == "http" else " makes tests a package"
        raise pytest.UsageError(f"{folder}/__init__.py{shadow}: remove it")


def pytest_collection_finish() -> None:
    """Keep what was collected out of the garbage collector's way: it is there to the end.

    It would be walked again and again, hundreds of thousands of objects each time. What tests make is mostly let go of
    by itself, so the youngest of it is walked seldom: a thirtieth of what tests compute.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


@pytest.fixture(scope="session")
def postgresql_15() -> Path:
    """The folder of Debian's PostgreSQL 15 binaries, the oldest server that comptoir supports.

    Skips with the reason where it is not installed; fails instead under TESTS_REQUIRE_PG15=1, which
    CI sets.
    """
    if not (PG15 / "postgres").exists():
        reason = f"PostgreSQL 15 is not installed ({PG15}): apt-get install postgresql-15"
        if os.environ.get("TESTS_REQUIRE_PG15") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return PG15


@pytest.fixture
def unmigrated(comptoir_postgres_server: Any) -> Iterator[str]:
    """The URL of an empty database; those that daemons of the fixtures have are migrated."""
    yield trio.run(comptoir_postgres_server.create_database, "unmigrated")
    trio.run(comptoir_postgres_server.drop_database, "unmigrated")

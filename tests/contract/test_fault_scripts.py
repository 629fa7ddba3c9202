"""Every provider under every fault script: a card is linked, a purchase detected, and credited once.

The same story for each of the four: a person links a card (and tries again where they are told to), buys
something, and has its points in the end, and not twice. Meanwhile the party does to the daemon, or to its own
webhooks, whatever the sandbox can do (docs/sandbox.md).

Rule: daemon and sandbox are processes of their own; time goes by for both, a second at a time while somebody
waits, a quarter of an hour at a time while nobody does.
Source: issue 6, "must show"; interface.md 6, 7 and 10; spec.md S45, S48, S52 to S56, S63, S66, X16, E6.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.engine.testing import Process
from tests.contract.letters import Somebody
from tests.contract.shopping import POINTS, PROVIDERS, STEP_S, Shopper, letters_of, serve

Start = Callable[..., Process]
Json = dict[str, Any]
CALLS: tuple[Json, ...] = (
    {"fault": "timeout", "ms": 60_000},
    {"fault": "latency", "ms": 100},
    {"fault": "status", "status": 503},
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 429},
    {"fault": "drop_after_effect"},
)
"""Done to what the daemon asks."""
HOOKS: tuple[Json, ...] = (
    {"fault": "lost"},
    {"fault": "duplicate"},
    {"fault": "replay"},
    {"fault": "reorder"},
    {"fault": "late"},
    {"fault": "wrong_clock"},
    {"fault": "forged"},
)
"""Done to the party's webhooks."""
TOLD: Json = {"operation": "webhooks.send", "count": 1}


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """All four."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon that knows them."""
    return serve(
        comptoir_daemon_shared,
        sandbox,
        COMPTOIR_BREAKERS__DEFAULT__ERRORS="1000",  # one story's faults are not the next one's
        COMPTOIR_BREAKERS__POWENS__ERRORS="1000",
    )


@pytest.fixture(scope="module")
def desk(daemon: Process) -> Somebody:
    """Who looks after dead letters, for as long as all these tests take."""
    return Somebody(daemon, daemon.token("desk", "OPERATIONS", ttl_s=12 * 3600))


@pytest.fixture
def shopper(desk: Somebody, sandbox: Process, provider: str) -> Iterator[Shopper]:
    """Somebody new. No fault outlives its test, and nor does their connection: the daemon would read it in the hours
    of every later test.
    """
    one = Shopper(desk.daemon, sandbox, provider, desk)
    yield one
    sandbox.request("DELETE", "/control/faults")
    for connection in one.person.ask("GET", "/api/v1/connections").json()["items"]:
        one.person.ask("DELETE", f"/api/v1/connections/{connection['id']}")
    one.settled()


def _script(sandbox: Process, provider: str, *faults: Json) -> None:
    rows = [{"party": provider, **fault} for fault in faults]
    answer = sandbox.request("PUT", "/control/faults", json.dumps(rows).encode())
    assert answer.status == 200, answer


def _fired(sandbox: Process) -> int:
    """How often the script has done something."""
    found: list[Json] = sandbox.get("/control/faults").json()["faults"]
    return sum(int(row["fired"]) for row in found)


def _hold(shopper: Shopper, purchases: int) -> None:
    """One connection that works, the points of each purchase once, and nobody's desk has work of it."""
    assert shopper.points() == purchases * POINTS
    shown = shopper.person.ask("GET", "/api/v1/connections").json()["items"]
    assert [one["status"] for one in shown] == ["active"]
    page = shopper.person.ask("GET", f"/api/v1/wallets/{shopper.person.name}/entries").json()
    assert [one["kind"] for one in page["items"]] == ["credit"] * purchases
    fresh = [one for one in letters_of(shopper.desk) if one not in shopper.letters]
    assert not fresh, json.dumps(fresh[0])


@pytest.mark.parametrize("fault", CALLS, ids=lambda fault: "-".join(map(str, fault.values())))
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_asked(shopper: Shopper, sandbox: Process, provider: str, fault: Json) -> None:
    """S45, S63, X16, E6: the first two calls of a link meet the fault, and then the first two of the reading that
    finds a purchase of which no webhook tells.
    """
    calls = {"operation": "*", "count": 2, **fault}
    _script(sandbox, provider, calls)
    shopper.until_linked()
    assert _fired(sandbox) == 2
    # What a link has begun ends first: no call of it is to meet the next script as well.
    sandbox.request("DELETE", "/control/faults")
    for _ in range(10):
        shopper.later(1)
    _script(sandbox, provider, calls, {**TOLD, "fault": "lost"})
    shopper.buy()
    shopper.until_credited(told=False)
    assert _fired(sandbox) >= 2, "the webhook, and a call at least: a slow one is the only one"
    _hold(shopper, 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_told(shopper: Shopper, sandbox: Process, provider: str) -> None:
    """S54 to S56, X16, E6: the webhook of a purchase meets the fault; it earns once all the same, whatever has become
    of those of earlier purchases with the card.
    """
    shopper.until_linked()
    for purchases, fault in enumerate(HOOKS, start=1):
        _script(sandbox, provider, {**TOLD, **fault})
        shopper.buy()
        assert _fired(sandbox) == 1, fault
        shopper.until_credited(purchases * POINTS)
        shopper.later(STEP_S)
        _hold(shopper, purchases)

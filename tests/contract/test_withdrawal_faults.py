"""A withdrawal under every fault script: never two payments, and never points lost.

Source: issue 7, "must show"; interface.md 10; spec.md S50, S52 to S55, S63, S64, X16, X26.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.engine.testing import Process
from tests.contract.saving import DAY_S, SETTLEMENT_DAYS, Saver, started

Start = Callable[..., Process]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Whoever pays."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon whose withdrawals are paid by the provider."""
    return started(comptoir_daemon_shared, sandbox)


@pytest.fixture
def saver(daemon: Process, sandbox: Process) -> Saver:
    """Somebody with 1,000 points."""
    return Saver(daemon, sandbox)


@pytest.fixture(autouse=True)
def healed(sandbox: Process) -> Iterator[None]:
    """No fault outlives its test."""
    yield
    sandbox.request("DELETE", "/control/faults")


CALLS: tuple[Json, ...] = (
    {"fault": "timeout", "ms": 60_000},
    {"fault": "latency", "ms": 100},
    {"fault": "status", "status": 503},
    {"fault": "status", "status": 429},
    {"fault": "status", "status": 422},
    {"fault": "drop_after_effect"},
)
HOOKS: tuple[Json, ...] = tuple(
    {"fault": word} for word in ("duplicate", "replay", "late", "wrong_clock", "forged", "reorder")
)


def _name(fault: Json) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("fault", CALLS, ids=_name)
def test_an_order_leaves_once_whatever_happens_to_it(saver: Saver, fault: Json) -> None:
    """S50, S63, X26: never two payments, never points lost: what was taken is processing and completes; what
    the party refused is points again; what nobody knows is held, and its person hears of it.
    """
    name = saver.withdraws()
    script = {"party": "seed", "operation": "payments.initiate", "count": 1, **fault}
    assert (
        saver.sandbox.request("PUT", "/control/faults", json.dumps([script]).encode()).status == 200
    )
    saver.settles()
    for _ in range(8):
        saver.later(30)
        saver.customer.quiet()
    orders = saver.payments(name)
    status = saver.shown(name)["status"]
    if fault["fault"] in ("latency", "drop_after_effect"):
        assert (len(orders), status) == (1, "processing")
        saver.told(name, "completed")
        assert saver.balance() == (50, 0, 0)
    elif fault.get("status") in (429, 422):
        assert (len(orders), status, saver.balance()) == (0, "failed", (1000, 0, 0))
    else:
        assert (len(orders), status, saver.balance()) == (0, "held", (50, 950, 0))
        assert any("checking" in one for one in saver.pushes())


@pytest.mark.parametrize("fault", HOOKS, ids=_name)
def test_a_payment_ends_once_whatever_happens_to_its_webhook(saver: Saver, fault: Json) -> None:
    """S52 to S55, X16, X26: doubled, replayed, late or forged, the points are paid out once."""
    name = saver.withdraws()
    saver.settles()
    script = {"party": "seed", "operation": "webhooks.send", "count": 1, "ms": 600_000, **fault}
    if fault["fault"] not in ("late", "wrong_clock"):
        del script["ms"]
    assert (
        saver.sandbox.request("PUT", "/control/faults", json.dumps([script]).encode()).status == 200
    )
    saver.told(name, "completed")
    saver.told(name, "completed")
    assert saver.shown(name)["status"] == "completed"
    assert saver.balance() == (50, 0, 0)


def test_killed_while_the_answer_was_lost(comptoir_daemon: Start, comptoir_sandbox: Start) -> None:
    """S50: the sandbox pays and drops the answer, and the daemon is killed before it can find out."""
    sandbox = comptoir_sandbox()  # with a clock that nobody has moved
    made = started(comptoir_daemon, sandbox)
    saver = Saver(made, sandbox)
    name = saver.withdraws()
    script = {
        "party": "seed",
        "operation": "payments.initiate",
        "fault": "drop_after_effect",
        "count": 1,
    }
    assert sandbox.request("PUT", "/control/faults", json.dumps([script]).encode()).status == 200
    saver.later(SETTLEMENT_DAYS * DAY_S + 1)
    made.kill()
    made.start()
    for _ in range(8):
        saver.later(30)
        saver.customer.quiet()
    assert len(saver.payments(name)) == 1
    assert saver.told(name, "completed") == [202]
    assert (saver.shown(name)["status"], saver.balance()) == ("completed", (50, 0, 0))

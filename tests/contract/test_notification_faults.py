"""Notices under every fault script, and with a SIGKILL between send and answer: they arrive, and block nothing.

Source: issue 7, "must show"; spec.md S44, S52, S63 to S65; interface.md 10 (faults).
"""

from collections.abc import Callable
from typing import Any

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually
from tests.contract.told import POINTS, Told, put_faults, serve

Start = Callable[..., Process]
Json = dict[str, Any]
FAULTS: tuple[Json, ...] = (
    {"fault": "timeout", "ms": 60_000},
    {"fault": "latency", "ms": 100},
    {"fault": "status", "status": 503},
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 429},
    {"fault": "drop_after_effect"},
)
MOMENTS = 6
"""After how many tenths of a second the daemon dies: while the push waits for its answer."""


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Start) -> Process:
    """Whoever carries notices."""
    return comptoir_sandbox_shared()


@pytest.fixture(scope="module")
def daemon(comptoir_daemon_shared: Start, sandbox: Process) -> Process:
    """A daemon whose notices go there."""
    return serve(comptoir_daemon_shared, sandbox)


@pytest.fixture
def told(daemon: Process, sandbox: Process) -> Told:
    """Somebody with a phone."""
    put_faults(sandbox)
    one = Told(daemon, sandbox)
    one.registers()
    one.wants()
    return one


def arrived(told: Told, channel: str) -> bool:
    """Whether something came; time goes by meanwhile, so that what is tried again falls due."""
    told.later(5)
    return told.inbox(channel) != []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one['fault']}{one.get('status', '')}")
def test_a_push(told: Told, sandbox: Process, fault: Json) -> None:
    """S44, S63, S65: FCM fails twice; the points are there before, and the push comes, never for another notice."""
    put_faults(sandbox, {"party": "fcm", "operation": "push.send", "count": 2, **fault})
    told.customer.buy(told.card, 10)
    eventually(lambda: told.points() == POINTS)
    eventually(lambda: arrived(told, "push"), 60)
    pushes = told.inbox("push")
    assert {one["body"] for one in pushes} == {"50 points earned."}
    tags = {one["options"]["android"]["notification"]["tag"] for one in pushes}
    assert len(tags) == 1, "a second one takes the first one's place on the device"
    assert len(pushes) <= (3 if fault["fault"] == "drop_after_effect" else 1)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one['fault']}{one.get('status', '')}")
@pytest.mark.parametrize(
    ("party", "channel"), [("sendgrid", "mail"), ("brevo", "mail"), ("twilio", "sms")]
)
def test_mail_and_text_messages(
    told: Told, sandbox: Process, fault: Json, party: str, channel: str
) -> None:
    """S44, S63, S65: one of them fails twice, and the code comes all the same."""
    others = [{"party": "sendgrid", "fault": "status", "status": 503}] if party == "brevo" else []
    put_faults(sandbox, {"party": party, "count": 2, **fault}, *others)
    address = told.mail if channel == "mail" else told.number
    told.must("PUT", f"me/contacts/{channel}", {"address": address}, 202)
    eventually(lambda: arrived(told, channel), 60)
    put_faults(sandbox)
    told.must("POST", f"me/contacts/{channel}/confirm", {"code": told.code(channel)})


def test_google_gives_no_token(comptoir_daemon: Start, sandbox: Process) -> None:
    """S44, S65: a daemon that has none yet tells nobody anything, credits all the same, and tells it later."""
    told = Told(serve(comptoir_daemon, sandbox), sandbox)
    told.registers()
    put_faults(sandbox, {"party": "fcm", "operation": "push.token", "fault": "status", "status": 503, "count": 2})  # fmt: skip
    told.customer.buy(told.card, 10)
    eventually(lambda: told.points() == POINTS)
    eventually(lambda: arrived(told, "push"), 60)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_between_send_and_answer(told: Told, sandbox: Process, moment: int) -> None:
    """S44, X19: SIGKILL while FCM has the push and says nothing: after the start it comes, the points once."""
    slow = {"fault": "latency", "ms": 100 * moment, "count": 1}
    put_faults(sandbox, {"party": "fcm", "operation": "push.send", **slow}, {
        "party": "fcm", "operation": "push.send", "fault": "drop_after_effect", "count": 1,
    })  # fmt: skip
    told.customer.buy(told.card, 10)
    told.daemon.kill()
    told.daemon.start()
    eventually(lambda: arrived(told, "push"), 60)
    assert told.points() == POINTS
    assert {one["body"] for one in told.inbox("push")} == {"50 points earned."}


def test_an_open_breaker_parks(comptoir_daemon: Start, sandbox: Process) -> None:
    """S65, X18, E5: twenty failures open it; what comes then waits, costs no attempt, and is told in the end."""
    told = Told(
        serve(comptoir_daemon, sandbox, COMPTOIR_BREAKERS__NOTIFICATIONS__ERRORS="3"), sandbox
    )
    told.registers()
    put_faults(
        sandbox, {"party": "fcm", "operation": "push.send", "fault": "status", "status": 503}
    )
    for _ in range(6):
        told.customer.buy(told.card, 10)
    eventually(lambda: told.customer.metric("comptoir_breaker_state", gateway="push") > 0, 30)
    assert told.points() == 6 * POINTS
    put_faults(sandbox)
    eventually(lambda: arrived(told, "push") and len(told.inbox("push")) == 6, 90)

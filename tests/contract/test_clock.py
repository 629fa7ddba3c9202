"""Section 10, last paragraph: business time, moved over HTTP.

Rule: the answer comes after all that was due by then was handled, and says what time it is.
Source: interface.md 3 and 10; spec.md X24.
"""

import re
import time
from collections.abc import Callable
from datetime import datetime

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import DAY_S, Customer

Start = Callable[..., Process]


def test_answer(comptoir_daemon: Start) -> None:
    """`now` and `fired`; time begins at wall time, runs with it, and is kept by the next start."""
    customer = Customer(comptoir_daemon())
    wall = time.time()
    answer = customer.process.post("/dev/v1/clock", {"advanceSeconds": 600})
    assert answer.status == 200
    assert answer.json().keys() == {"now", "fired"}
    assert answer.json()["fired"] == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.json()["now"])
    moved = datetime.fromisoformat(answer.json()["now"]).timestamp()
    assert 600 - 1 <= moved - wall < 600 + 30
    later = customer.advance(0.5) / 1000
    assert moved + 0.499 <= later < moved + 30
    for end in (customer.process.stop, customer.process.kill):
        end()
        customer.process.start()
        assert customer.advance(0) / 1000 >= later


def test_all_that_was_due_is_handled(comptoir_daemon: Start) -> None:
    """When the answer comes the held points are available, and `fired` counts the timers (X24)."""
    customer = Customer(comptoir_daemon(COMPTOIR_POINTS__HOLD_DAYS="1"))
    cards = [customer.card(rate_bp=1000) for _ in range(3)]
    for card in cards:
        customer.buy(card, 10)
    customer.quiet()
    began = time.monotonic()
    answer = customer.process.post("/dev/v1/clock", {"advanceSeconds": 2 * DAY_S})
    assert answer.json()["fired"] == 3
    for card in cards:
        wallet = customer.process.get(f"/api/v1/wallets/{card.user_id}").json()
        assert wallet["balance"]["available"] == 100
    assert time.monotonic() - began < 5  # by their timers, not by the sweep for lost rows


@pytest.mark.parametrize(
    "body",
    [{}, {"advanceSeconds": -1}, {"advanceSeconds": "600"}, {"advanceSeconds": None}, [], 5,
     {"advanceSeconds": 1e12}, {"advanceSeconds": 1, "more": 1}, {"advanceSeconds": True}],
)  # fmt: skip
def test_wrong_bodies(customer: Customer, body: object) -> None:
    """422 REQUEST_INVALID, and time does not move."""
    before = customer.advance(0)
    answer = customer.process.post("/dev/v1/clock", body)
    assert (answer.status, answer.json()["code"]) == (422, "REQUEST_INVALID")
    assert customer.advance(0) - before < 60_000


def test_another_media_type(daemon: Process) -> None:
    """A foreign page's form cannot move the clock: 415."""
    answer = daemon.request(
        "POST", "/dev/v1/clock", b'{"advanceSeconds": 1}', {"Content-Type": "text/plain"}
    )
    assert answer.status == 415

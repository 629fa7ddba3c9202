"""Section 2: two daemons on one database: the second stands by, and takes over.

Source: interface.md 2; spec.md S71.
"""

import json
import signal
import time
from collections.abc import Callable

import pytest

from comptoir.engine.testing import Process
from comptoir.http.contract_testing import Customer, eventually, free_port, purchase

Start = Callable[..., Process]


TAKE_OVER_S_MAX = 10


def freeze(daemon: Process) -> None:
    """Stop its clock: it holds all that it has, its sessions of the database too."""
    daemon.send_signal(signal.SIGSTOP)


@pytest.mark.parametrize("end", [Process.stop, Process.kill, freeze])
def test_a_second_daemon_stands_by_and_takes_over(
    comptoir_daemon: Start, end: Callable[[Process], object]
) -> None:
    """S71: `standby` with 503 on /health/ready, and Retry-After on its lane, which takes nothing (X19); it serves within
    10 s after a stop, after SIGKILL and after SIGSTOP; one that wakes up then says why it ends, and wrote nothing (S43).
    """
    first = comptoir_daemon()
    customer = Customer(first)
    card = customer.card(rate_bp=1000)
    bought = customer.buy(card, 10)
    port, lane = free_port(), free_port()
    second = comptoir_daemon(
        start=False, COMPTOIR_HTTP__PORT=str(port), COMPTOIR_INGEST__PORT=str(lane)
    )
    second.ready = {"http": f"http://127.0.0.1:{port}", "ingest": f"http://127.0.0.1:{lane}"}
    second.spawn()

    def stands_by() -> bool:
        try:
            answer = second.get("/health/ready")
        except OSError:
            return False
        return answer.status == 503 and answer.json()["status"] == "standby"

    eventually(stands_by)
    assert second.get("/health/live").status == 200
    body = json.dumps(purchase("any", "any")).encode()
    for lane_too in (False, True):
        answer = second.webhook(body, lane=lane_too)
        assert answer.status == 503  # taken by nobody, so that it is sent again
        assert int(answer.headers["retry-after"]) > 0
    assert second.get(f"/api/v1/wallets/{card.user_id}").status == 503
    assert first.get("/health/ready").json()["status"] == "ready"
    end(first)
    began = time.monotonic()
    second.wait_ready()
    assert time.monotonic() - began < TAKE_OVER_S_MAX
    other = Customer(second)
    assert other.balance(card.user_id)["available"] == 100
    again = purchase(bought, card.connection_id, merchant={"name": card.label})
    assert other.send(again).json() == {"status": "duplicate"}
    other.buy(card, 10)
    assert other.balance(card.user_id)["available"] == 200
    if end is freeze:
        first.send_signal(signal.SIGCONT)
        assert first.ended() == 1
        assert "comptoir: SUPERSEDED: this daemon can write no more: another" in first.said()
        assert "Traceback" not in first.said()
        assert other.balance(card.user_id)["available"] == 200
    assert second.stop() == 0


def test_a_standby_can_be_stopped(comptoir_daemon: Start) -> None:
    """SIGTERM ends a standby with exit 0, without a ready line."""
    comptoir_daemon()
    port = free_port()
    second = comptoir_daemon(start=False, COMPTOIR_HTTP__PORT=str(port))
    second.ready = {"http": f"http://127.0.0.1:{port}"}
    second.spawn()
    eventually(lambda: "waiting to take over" in second.said())
    assert second.stop() == 0
    assert second.printed == b""

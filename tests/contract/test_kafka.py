"""A daemon whose bus is a real Kafka broker: what its health and its figures say, whatever ends meanwhile (S29, S64).

Rule: daemon and broker are processes of their own; the broker keeps nothing (docs/kafka.md).
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from comptoir.actors.gateways.kafka_testing import Broker, running_broker
from comptoir.engine.testing import Process
from comptoir.http.contract_testing import eventually

Start = Callable[..., Process]
POISON = 'comptoir_bus_records_total{result="poison",topic="core-banking-events"} 1.0'


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One for the module."""
    with running_broker() as running:
        yield running


def _ready(daemon: Process) -> dict[str, Any]:
    answer = daemon.request("GET", "/health/ready")
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


def _until_bus(daemon: Process, *, ok: bool) -> None:
    eventually(lambda: (_ready(daemon)["checks"]["bus"] == "ok") is ok)


def test_a_bus_that_comes_and_goes_takes_no_daemon_down(
    comptoir_daemon_shared: Start, broker: Broker
) -> None:
    """A SIGKILL, a broker that is away and one that has forgotten all: a record that nobody can read is one dead letter,
    readiness names the bus and stays 200, and it is read again by itself (S29, S64, S65).
    """
    daemon = comptoir_daemon_shared(
        COMPTOIR_CORE_BANKING__BUS="kafka",
        COMPTOIR_KAFKA__BOOTSTRAP_SERVERS=broker.servers,
        COMPTOIR_KAFKA__TOPIC_PARTITIONS="2",
        COMPTOIR_KAFKA__TOPIC_REPLICAS="1",
        COMPTOIR_KAFKA__TIMEOUT_S="2",
        COMPTOIR_KAFKA__SESSION_TIMEOUT_S="3",
    )
    _until_bus(daemon, ok=True)
    broker.put("core-banking-events", b"nobody's", key="C1")
    eventually(lambda: POISON in daemon.request("GET", "/metrics").body.decode())
    daemon.kill()
    daemon.start()
    _until_bus(daemon, ok=True)
    broker.kill()
    _until_bus(daemon, ok=False)
    broker.start()
    broker.put("core-banking-events", b"nobody's again", key="C1")
    _until_bus(daemon, ok=True)
    eventually(lambda: POISON in daemon.request("GET", "/metrics").body.decode())
    assert b"nobody's" not in daemon.log.read_bytes()

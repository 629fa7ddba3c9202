"""The bus over a real Kafka broker, and over our own table: the same flow, the same results (S17, S29, X30).

The broker is a process of its own that keeps all in memory (docs/kafka.md): whoever ends it has lost every record and
every offset. Each test has topics and a group of its own; what is waited for is waited for, never slept away.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio

from comptoir.actors.gateways.kafka_testing import Broker, running_broker
from comptoir.engine.settings import Settings
from comptoir.storage.testing import MemoryTables
from tests.engine.bus import PROFILE, Desk, Mainframe, desk

CLIENTS = tuple(f"ONB-2026-{number:05d}" for number in range(1, 7))


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """One broker for the module; a test that ends it begins it again."""
    with running_broker() as running:
        yield running


def _settings(broker: Broker, name: str, **more: object) -> Settings:
    kafka = {
        "bootstrap_servers": broker.servers, "group": name, "topic_partitions": 2, "topic_replicas": 1,
        "timeout_s": 2.0, "session_timeout_s": 6.0, **more,
    }  # fmt: skip
    return Settings().having({
        ("core_banking", "bus"): "kafka",
        ("core_banking", "command_topic"): f"{name}.commands",
        ("core_banking", "event_topic"): f"{name}.events",
        **{("kafka", key): value for key, value in kafka.items()},
    })  # fmt: skip


@asynccontextmanager
async def _carried(
    settings: Settings, mainframe: Mainframe, tables: MemoryTables | None = None
) -> AsyncGenerator[Desk, None]:
    """A desk whose bus is read and told."""
    async with desk(settings, mainframe, tables) as made, trio.open_nursery() as nursery:
        nursery.start_soon(made.bus.run, made.engine)
        yield made
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("bus", ["table", "kafka"])
async def test_the_same_flow_with_the_same_results_by_configuration_alone(
    bus: str, broker: Broker
) -> None:
    """Every command comes to its mainframe once, whole, and its answer to its account (S29, X30)."""
    settings = _settings(broker, "flow") if bus == "kafka" else Settings()
    mainframe = Mainframe()
    async with _carried(settings, mainframe) as made:
        for client in CLIENTS:
            await made.tell(client)
        heard = {client: await made.until(client, 1) for client in CLIENTS}
        await made.tell("ONB-2026-99999", find=True)
        absent = await made.until("ONB-2026-99999", 1)
    assert mainframe.asked == dict.fromkeys(CLIENTS, 1)
    assert mainframe.profiles == dict.fromkeys(CLIENTS, PROFILE)
    assert heard == {
        client: (("answer", f"{client}:1", "created", mainframe.accounts[client]),)
        for client in CLIENTS
    }
    assert absent == (("answer", "ONB-2026-99999:1", "absent", ""),)
    if bus == "kafka":
        (first,) = [body for key, body, _ in broker.records("flow.commands") if key == CLIENTS[0]]
        assert msgspec.json.decode(first)["profile"]["ssn"] == PROFILE.national_id

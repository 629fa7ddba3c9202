"""The bus over a real Kafka broker, and over our own table: the same flow, the same results (S17, S29, X30).

The broker is a process of its own that keeps all in memory (docs/kafka.md): whoever ends it has lost every record and
every offset. Each test has topics and a group of its own; what is waited for is waited for, never slept away.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio

from comptoir.actors.gateways.bus_wire import headers_of, write_command, write_event
from comptoir.actors.gateways.core_bus import QUEUE
from comptoir.actors.gateways.core_messages import PublishCommand, PublishEvent
from comptoir.actors.gateways.kafka_testing import Broker, running_broker
from comptoir.engine.settings import Settings
from comptoir.storage.testing import MemoryJournal, MemoryTables
from tests.engine.bus import PROFILE, Desk, Mainframe, desk

COMMAND = PublishCommand("C1:1", "CREATE_ACCOUNT", "C1", PROFILE, 1_800_000_000_123)
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


def _change(number: int) -> PublishEvent:
    data = {
        "changeId": f"c{number}", "sequence": str(number), "at": "1", "field:address/city": "Laval",
    }  # fmt: skip
    return PublishEvent(f"changed:{number}", "PROFILE_CHANGED", "C1", data, 1)


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


POISON: tuple[tuple[str, bytes | None, str], ...] = (
    ("commands", b"\xff\x00 none of ours", "RECORD_NOT_JSON"),
    ("commands", b'{"type": "DROP_ACCOUNT", "clientId": "ONB-2026-00001"}', "RECORD_TYPE_UNKNOWN"),
    ("commands", b'{"type": "FIND_ACCOUNT", "clientId": "ONB-2026-00001"}', "RECORD_SHAPE_WRONG"),
    ("commands", write_command(COMMAND), "RECORD_HEADER_WRONG"),
    ("events", None, "RECORD_NOT_JSON"),
    ("events", write_event(PublishEvent("e1", "PROFILE_CHANGED", "C1", {}, 1)), "EVENT_UNREADABLE"),
)
"""What is put on a topic, and why it is passed; the command lacks its headers."""


async def test_what_cannot_be_read_is_a_dead_letter_with_its_place_and_holds_up_nothing(
    broker: Broker,
) -> None:
    """Poison is passed, what is behind it is taken, in order, and once: also by who reads all again (S29, S33, S64)."""
    settings, tables, mainframe = _settings(broker, "poison"), MemoryTables(), Mainframe()
    async with _carried(settings, mainframe, tables) as made:
        await made.until_figure(lambda: made.bus.checks() == {"bus": "ok"})
        places = [
            (f"poison.{topic}", code, broker.put(f"poison.{topic}", value, key="C1"))
            for topic, value, code in POISON
        ]
        for _again in range(2):  # somebody else's publisher, who was not sure of the first time
            broker.put("poison.commands", write_command(COMMAND), "C1", headers_of(COMMAND))
        for number in range(1, 9):
            broker.put("poison.events", write_event(_change(number)), "C1")
        heard = await made.until("C1", 9)
        letters = await made.engine.journal.dead_letters(QUEUE, 100)
        await made.until_figure(
            lambda: made.figure("records_total", topic="poison.commands", result="duplicate") == 1
        )
    assert mainframe.asked == {"C1": 1}
    assert [one[1] for one in heard if one[0] == "change"] == [f"c{x}" for x in range(1, 9)]
    expected = {(code, f"{topic}[{place[0]}]@{place[1]}") for topic, code, place in places}
    assert {(one.code, one.detail) for one in letters} == expected
    # Who has forgotten every offset reads all again, and nothing happens twice.
    await _read_again(broker, tables, mainframe, len(heard))


async def _read_again(
    broker: Broker, tables: MemoryTables, mainframe: Mainframe, heard: int
) -> None:
    settings = _settings(broker, "poison", group="another")
    async with _carried(settings, mainframe, tables) as made:
        await made.until_figure(
            lambda: made.figure("records_total", topic="poison.events", result="duplicate") >= 9 + 1
        )
        await made.until_figure(
            lambda: made.figure("records_total", topic="poison.commands", result="duplicate") >= 2
        )
        assert len(await made.heard("C1")) == heard
        assert len(await made.engine.journal.dead_letters(QUEUE, 100)) == len(POISON)
        assert not made.figure("records_total", topic="poison.events", result="taken")
    assert mainframe.asked == {"C1": 1}


async def test_a_database_that_is_away_delays_and_loses_nothing(broker: Broker) -> None:
    """What was read waits for the journal, the group hears of us meanwhile, and the offset waits too (S29)."""
    settings, mainframe = _settings(broker, "away"), Mainframe()
    async with _carried(settings, mainframe) as made:
        await made.until_figure(lambda: made.bus.checks() == {"bus": "ok"})
        journal = made.engine.journal
        assert isinstance(journal, MemoryJournal)
        journal.go_away()
        broker.put("away.events", write_event(_change(1)), "C1")
        await made.until_figure(lambda: made.bus.checks() == {"bus": "DATABASE_AWAY"})
        journal.come_back()
        heard = await made.until("C1", 1)
    assert heard == (("change", "c1", "Laval"),)


async def test_brokers_that_lose_everything_lose_nothing_of_ours_and_double_nothing(
    broker: Broker,
) -> None:
    """A command that the broker lost is sent again only after the mainframe was asked by CLIENT-ID; one whose answer was
    lost is found there; what is asked for while nobody answers goes when somebody does (S29, S31, S65, X9).
    """
    settings = _settings(broker, "lost").having({("breakers", "bus", "recovery_s"): 0.5})
    mainframe, tables = Mainframe(), MemoryTables()
    async with desk(settings, mainframe, tables, real=True) as made:
        await made.open("LOST", "KEPT")
        await made.until_figure(
            lambda: made.figure("published_total", topic="lost.commands", result="published") == 2
        )
        broker.kill()
        broker.start()
        # Of one of the two the broker had brought the command, and lost the answer.
        mainframe.accounts["KEPT"] = "400000000099"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.bus.run, made.engine)
            await made.until_figure(lambda: made.bus.checks() == {"bus": "ok"})
            for _wait in range(10):  # MQ's, then looks at ever longer intervals
                await made.engine.advance_clock(601)
                with trio.fail_after(20):
                    await made.settled(("lost.commands", "lost.events"), lost=2)
            for client in ("LOST", "KEPT"):
                assert (await made.told(client)) == ("AccountDelayed", "AccountCreated"), client
            broker.kill()
            await made.open("LATER")
            await made.until_figure(lambda: made.bus.checks() != {"bus": "ok"})
            assert made.engine.health().status == "ready"
            broker.start()
            await made.until_told("LATER", "AccountCreated")
            nursery.cancel_scope.cancel()
    assert mainframe.asked == {"LOST": 1, "LATER": 1}
    assert len(mainframe.accounts) == 3

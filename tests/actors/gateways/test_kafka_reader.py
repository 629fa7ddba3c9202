"""Brokers that are away while a reader begins, ends or commits: actors/gateways/kafka_reader.py."""

import threading

import pytest
import trio

from comptoir.actors.gateways import kafka_reader
from comptoir.actors.gateways.kafka_reader import KafkaReader, Record, open_reader
from comptoir.actors.gateways.kafka_terms import BrokersAway, KafkaTerms
from comptoir.actors.gateways.kafka_testing import running_broker

ASKED_S = 0.5
"""So long a reader asks for brokers that are not there, and is refused again and again."""


async def test_what_was_told_of_brokers_before_they_answered_ends_no_reader() -> None:
    """S29, S65: it joins once and is given its partitions; one that left while joining left its group to wait for it, for
    ever with some brokers.
    """
    with running_broker() as broker:
        broker.kill()
        terms = KafkaTerms(broker.servers, group="late", timeout_s=20, partitions=1, replicas=1)
        async with trio.open_nursery() as nursery:

            async def come_back() -> None:
                await trio.sleep(ASKED_S)
                await trio.to_thread.run_sync(broker.start)

            nursery.start_soon(come_back)
            async with open_reader(terms, ("late.events",)) as reader:
                with trio.fail_after(30):
                    while not reader.assigned:
                        assert await reader.read() == []
                assert reader.assigned == {("late.events", 0)}


async def test_whoever_stops_waits_for_no_broker() -> None:
    """S65, design.md 2: what brokers are asked for takes as long as they like; a daemon that is told to stop leaves it."""
    terms = KafkaTerms("127.0.0.1:1", group="stopped", timeout_s=30, partitions=1, replicas=1)
    with trio.fail_after(15), trio.move_on_after(ASKED_S) as stopped:
        async with open_reader(terms, ("stopped.events",)):
            raise AssertionError("nobody is there")
    assert stopped.cancelled_caught


async def test_a_commit_that_nobody_answers_ends_its_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S29, S65: brokers that die while it is on its way never answer it, and the library waits for them for ever; whoever
    reads must hear of it, and begin again.
    """
    over = threading.Event()

    def wait(reader: KafkaReader, offsets: object) -> None:
        del reader, offsets
        over.wait(60)

    monkeypatch.setattr(KafkaReader, "_commit", wait)
    monkeypatch.setattr(kafka_reader, "COMMIT_S", ASKED_S)
    reader = KafkaReader(KafkaTerms("127.0.0.1:1", group="deaf", timeout_s=30), ("deaf.events",))
    try:
        with trio.fail_after(30), pytest.raises(BrokersAway) as away:
            await reader.commit([Record("deaf.events", 0, 7, b"", b"")])
    finally:
        over.set()
    assert away.value.code == "BUS_UNREACHABLE"
    await reader.close()

"""What Kafka is told of our journal: approvals, in order, at least once, with the same id (S11, S17)."""

from typing import Any

import msgspec
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from comptoir.actors.onboarding.assessing import KycCompleted
from comptoir.engine.boot.bus_outbox import Outbox
from comptoir.engine.decision import Decision
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import CallFault
from comptoir.engine.journal import Decided, Fate, Run
from comptoir.engine.toys import toy_parts
from comptoir.engine.values import Address, Event
from comptoir.engine.waiter import Waiter
from comptoir.storage.testing import MemoryJournal, MemoryTables

TOPIC = "onboarding.kyc.approved"
APPROVED = KycCompleted(90, "AUTO_APPROVE", "KYC_APPROVED", TOPIC)
HELD = KycCompleted(None, None, "COMPLIANCE_HOLD", "")
_STATELESS: Any = object()


async def _record(engine: Engine, key: str, event: Event) -> None:
    waiter: Waiter[Fate] = Waiter()
    decided = Decided(Decision(_STATELESS, events=(event,)), engine.now(), None, None)
    run = Run(Address("onboarding", key), None, [decided], lambda _run, fate: waiter.give(fate), state=_STATELESS)  # fmt: skip
    engine.journal.submit(run)
    assert (await waiter.wait()).count == 1


class Topic:
    """Whoever has a topic; the sendings of these numbers fail, before or after the record is there."""

    def __init__(
        self, before: frozenset[int] = frozenset(), after: frozenset[int] = frozenset()
    ) -> None:
        self.records: list[tuple[str, str, dict[str, Any]]] = []
        self._before, self._after, self._sent = before, after, 0

    async def send(self, topic: str, key: str, body: bytes) -> None:
        """Take one record, or not."""
        self._sent += 1
        if self._sent not in self._before:
            self.records.append((topic, key, msgspec.json.decode(body)))
        if self._sent in self._before or self._sent in self._after:
            raise CallFault("BUS_UNREACHABLE", retryable=True)


async def _publish_all(engine: Engine, topic: Topic) -> None:
    outbox = Outbox("kafka", topic.send)
    while True:
        try:
            if not await outbox.publish(engine):
                return
        except CallFault:
            outbox = Outbox("kafka", topic.send)  # as after a crash: it knows what is kept


async def test_an_approval_is_told_with_what_the_source_names() -> None:
    """S17: KYC_COMPLETED(score, recommendation) on `onboarding.kyc.approved`; of a file that is held, nothing (E3)."""
    topic = Topic()
    async with (
        MemoryJournal.open(MemoryTables()) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await _record(engine, "ONB-2026-00001", HELD)
        await _record(engine, "ONB-2026-00002", APPROVED)
        await _publish_all(engine, topic)
        await _publish_all(engine, topic)  # who begins anew goes on
    ((name, key, said),) = topic.records
    assert (name, key) == (TOPIC, "ONB-2026-00002")
    assert said.pop("timestamp").endswith("Z")
    assert said.pop("eventId").startswith("ONB-2026-00002:2:")
    assert said == {
        "type": "KYC_COMPLETED", "onboardingId": "ONB-2026-00002", "score": 90, "recommendation": "AUTO_APPROVE",
    }  # fmt: skip


async def test_what_was_not_sent_is_not_passed_over() -> None:
    """S17: its position is kept after the brokers have the event: who dies between the two tells it again."""
    topic = Topic(before=frozenset((1,)))
    async with (
        MemoryJournal.open(MemoryTables()) as journal,
        Engine(toy_parts(journal)).running() as engine,
    ):
        await _record(engine, "ONB-2026-00001", APPROVED)
        await _publish_all(engine, topic)
    assert [key for _, key, _ in topic.records] == ["ONB-2026-00001"]


FAILURES = st.frozensets(st.integers(1, 12), max_size=4)


@settings(max_examples=25)
@given(before=FAILURES, after=FAILURES)
def test_brokers_that_fail_and_crashes_lose_nothing_and_keep_the_order(
    before: frozenset[int], after: frozenset[int]
) -> None:
    """At least once, the same id each time, first tellings in the order of the journal (S17, design.md 9)."""
    approvals = 6

    async def go() -> Topic:
        topic = Topic(before, after)
        async with (
            MemoryJournal.open(MemoryTables()) as journal,
            Engine(toy_parts(journal)).running() as engine,
        ):
            for number in range(approvals):
                await _record(engine, f"ONB-2026-{number % 2:05d}", APPROVED)
            await _publish_all(engine, topic)
        return topic

    told = [said["eventId"] for _, _, said in trio.run(go).records]
    first = list(dict.fromkeys(told))
    assert [int(one.split(":")[1]) for one in first] == list(range(1, approvals + 1))
    assert len(told) <= approvals + len(after)

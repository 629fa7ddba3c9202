"""A broker that leaves our selector out gives us nothing of others (X10); the broker is the sandbox's, a process of its own.

Source: OASIS AMQP 1.0 part 3, 3.5.3: the source of the broker's attach has the filters that are in force.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from prometheus_client import CollectorRegistry

from comptoir.actors.gateways.queues import Names, QueueAway, Received, Sent
from comptoir.engine.boot.bus import CoreBus
from comptoir.engine.settings import Settings
from comptoir.engine.testing import Process

OTHERS, OURS = "BANK-7", "ONB-2026-00001:1"
QUEUE = "OF.ALL"


@pytest.fixture(scope="module")
def sandbox(comptoir_sandbox_shared: Callable[..., Process]) -> Process:
    """With the broker of a mainframe."""
    found = comptoir_sandbox_shared()
    if found.get("/control/mainframe").json()["amqp"] is None:
        assert not os.environ.get("TESTS_REQUIRE_AMQP"), "Qpid Proton was not compiled"
        pytest.skip("no Qpid Proton (make setup says why)")
    return found


class Line:
    """Our queues there: what is sent comes back, if it is for us."""

    def __init__(self, sandbox: Process, correlation: str) -> None:
        from comptoir.actors.gateways.queue_amqp import AmqpQueues  # an extra

        address = sandbox.get("/control/mainframe").json()["amqp"]
        self.way = AmqpQueues(address, ("", ""), Names(QUEUE, QUEUE, "", correlation))
        self._put, self._came = trio.open_memory_channel[Received](10)

    async def take(self, received: Received) -> None:
        """It is kept."""
        await self._put.send(received)

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for it."""
        with trio.fail_after(30):
            while not done():  # noqa: ASYNC110  # of another process
                await trio.sleep(0.02)

    async def ready(self) -> None:
        """Wait for the connection."""
        with trio.fail_after(30):
            while True:
                with suppress(QueueAway):
                    return await self.way.check()

    async def came(self) -> str:
        """The correlation of what came."""
        with trio.fail_after(10):
            return (await self._came.receive()).correlation


def _selects(sandbox: Process, *, selectors: bool) -> None:
    body: dict[str, Any] = {"running": True, "selectors": selectors}
    assert httpx.put(f"{sandbox.url}/control/mainframe", json=body).is_success


def _waiting(sandbox: Process) -> int:
    """Messages in the queue."""
    found: int = sandbox.get("/control/mainframe").json()["depths"][QUEUE]
    return found


async def test_a_selector_that_is_left_out_is_a_broker_that_is_refused(sandbox: Process) -> None:
    """X10: it is not connected to, says why, and others' replies stay; where nobody else is answered, it is taken."""
    _selects(sandbox, selectors=True)
    async with trio.open_nursery() as nursery:
        shared = Line(sandbox, "ONB-")
        nursery.start_soon(shared.way.run, shared.take)
        await shared.ready()
        await shared.way.send(Sent(OTHERS, b"theirs"))
        await shared.way.send(Sent(OURS, b"ours"))
        assert (await shared.came(), shared.way.trouble) == (OURS, "")
        await trio.testing.wait_all_tasks_blocked(0.1)  # the broker is told that we have it
        nursery.cancel_scope.cancel()
    _selects(sandbox, selectors=False)
    async with trio.open_nursery() as nursery:
        deaf = Line(sandbox, "ONB-")
        nursery.start_soon(deaf.way.run, deaf.take)
        await deaf.until(lambda: deaf.way.trouble == "SELECTOR_IGNORED")
        with pytest.raises(QueueAway):
            await deaf.way.send(Sent(OURS, b"ours"))
        assert _waiting(sandbox) == 1
        alone = Line(sandbox, "")
        nursery.start_soon(alone.way.run, alone.take)
        assert (await alone.came(), alone.way.trouble) == (OTHERS, "")
        nursery.cancel_scope.cancel()


def test_the_readiness_tells_of_it_and_of_nothing_else() -> None:
    """S31, S64: a code, which docs/core-banking.md explains; no queue that is merely away."""
    bus = CoreBus(Settings(), CollectorRegistry())
    assert bus.checks() == {}
    bus.watch(lambda: "SELECTOR_IGNORED")
    assert bus.checks() == {"mainframe": "SELECTOR_IGNORED"}

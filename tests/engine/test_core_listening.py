"""Whatever the mainframe's queues do to their own reader, the daemon stays (S31, S32)."""

import trio
import trio.testing

from comptoir.actors.gateways.queues import Received, Sent, Take
from comptoir.engine.boot.core_banking import listen


class Brittle:
    """A way that crashes at its first two beginnings, and is then there."""

    def __init__(self) -> None:
        self.begun = 0

    async def send(self, message: Sent) -> None:
        """Nothing leaves here."""
        del message

    async def check(self) -> None:
        """It is there."""

    async def run(self, take: Take) -> None:
        """Crash, or hand over."""
        self.begun += 1
        if self.begun < 3:
            raise UnicodeDecodeError("utf-8", b"\xc1\xff\xd3", 0, 1, "invalid start byte")
        await take(Received("ACCT.RESPONSE.QUEUE", "ONB-2026-00001:1", b""))
        await trio.sleep_forever()


async def test_a_way_that_crashes_begins_again(autojump_clock: trio.testing.MockClock) -> None:
    """After a pause each time, and whoever cancels it is obeyed (S32)."""
    del autojump_clock
    way, came = Brittle(), trio.Event()

    async def take(_received: Received) -> None:
        came.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen, way, take)
        with trio.fail_after(60):
            await came.wait()
        nursery.cancel_scope.cancel()
    assert way.begun == 3

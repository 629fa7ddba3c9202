"""Whoever leaves the lane, in whatever state and manner: nothing is left of it (TCP on loopback)."""

# pyright: reportPrivateUsage=false
# What the lane holds is looked at where no public door leads.

import socket
import struct
from contextlib import suppress

import pytest
import trio
import trio.testing

from comptoir.http.testing import FakeDaemon
from comptoir.http.testing_wire import BODY, connect, held, open_lane, post, read_answer

GOOD = post()
STATES = {
    "silent": b"",
    "in a header": GOOD[:20],
    "in a body": GOOD[:-5],
    "in an expected body": post(BODY, "Expect: 100-continue")[: -len(BODY)],
    "worked on": GOOD,
    "worked on, with more behind": GOOD * 3 + GOOD[:20],
    "refused": b"what\r\n\r\n",
    "deaf": post(b"{}") * 20_000,
}
RESET = struct.pack("ii", 1, 0)


async def _say(stream: trio.SocketStream, said: bytes) -> None:
    with suppress(trio.BrokenResourceError), trio.move_on_after(0.2):
        await stream.send_all(said)


async def _leave(stream: trio.SocketStream, how: str) -> None:
    if how == "reset":
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    if how == "half":
        with suppress(trio.BrokenResourceError):
            await stream.send_eof()
    else:
        await stream.aclose()


@pytest.mark.parametrize("how", ["reset", "close", "half"])
@pytest.mark.parametrize("state", STATES)
async def test_nothing_is_left(daemon: FakeDaemon, state: str, how: str) -> None:
    """design.md 5: its place, its bytes and its turn are free again; whoever comes next is served."""
    asked, go_on = trio.Event(), trio.Event()
    daemon.asked = held(asked, go_on)
    async with trio.open_nursery() as nursery:
        lane = (listening := await open_lane(nursery, daemon)).lane
        bytes_left = lane.body_bytes_left
        stream = await connect(listening)
        await _say(stream, STATES[state])
        await trio.testing.wait_all_tasks_blocked(0.01)
        await _leave(stream, how)
        await trio.testing.wait_all_tasks_blocked(0.01)
        go_on.set()
        with trio.fail_after(5), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while await stream.receive_some(65_536):
                pass
        await stream.aclose()
        with trio.fail_after(5):
            while len(lane._places) or lane.in_flight or lane.body_bytes_left != bytes_left:
                await trio.testing.wait_all_tasks_blocked(0.01)
        async with await connect(listening) as other:
            await other.send_all(GOOD)
            assert (await read_answer(other))[0] == 202
        nursery.cancel_scope.cancel()

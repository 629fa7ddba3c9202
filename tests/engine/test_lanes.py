"""Lanes of a gateway: whoever is slow holds up what is their own (S18, S65; design.md 5).

Source: engine/lanes.py.
"""

from collections import Counter

import msgspec
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import CallContext, GatewayBounds, GatewaySpec, Operation
from comptoir.engine.journal import Pending
from comptoir.engine.lanes import LanedMailbox
from comptoir.engine.toys import Call, Do, Party, Send, toy_parts
from comptoir.engine.values import Address, Message
from comptoir.storage.testing import MemoryJournal, MemoryTables

A, PARTY = Address("toy", "a"), Address("party", "")
STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40)


def _lane(message: Call) -> str:
    return message.reference.partition(":")[0]


async def _never(_message: Message, _context: CallContext) -> Message | None:
    raise AssertionError("no call is made here")


def _mailbox(limit: int, lane_calls_max: int) -> LanedMailbox:
    bounds = GatewayBounds(mailbox_max=limit, lane_calls_max=lane_calls_max)
    rows: dict[type[Message], Operation] = {
        Call: Operation(_never, lambda message: message.reference)
    }
    return LanedMailbox(GatewaySpec("party", rows, bounds, lane=_lane))


def _row(number: int, lane: str) -> Pending:
    return Pending(number, PARTY, A, 0, 0, (), Call(f"{lane}:{number}"))


@given(steps=STEPS, lane_calls_max=st.integers(1, 3))
def test_no_lane_has_more_and_nobody_waits_for_anothers(
    steps: list[tuple[str, bool]], lane_calls_max: int
) -> None:
    """S18: whatever comes and whatever ends, no lane has more under way than it may, within a lane the oldest goes first, and
    what waits is of full lanes alone; in the end all were taken.
    """

    async def play() -> None:
        mailbox = _mailbox(64, lane_calls_max)
        under_way, taken = list[Pending](), list[Pending]()

        async def takes() -> None:
            while True:
                row = await mailbox.take_next()
                taken.append(row)
                under_way.append(row)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(takes)
            for number, (lane, ends) in enumerate(steps):
                assert mailbox.offer(_row(number, lane))
                if ends and under_way:
                    mailbox.leave(under_way.pop(0))
                await trio.testing.wait_all_tasks_blocked()
                busy = Counter(_lane_of(one) for one in under_way)
                assert all(count <= lane_calls_max for count in busy.values())
                waiting = {_lane_of(one) for one in mailbox.head(64)}
                assert all(busy[one] == lane_calls_max for one in waiting)
            while under_way:
                mailbox.leave(under_way.pop(0))
                await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert sorted(one.id for one in taken) == [*range(len(steps))]
        for lane in "abc":
            numbers = [one.id for one in taken if _lane_of(one) == lane]
            assert numbers == sorted(numbers)

    trio.run(play)


def _lane_of(row: Pending) -> str:
    assert isinstance(row.message, Call)
    return _lane(row.message)


async def test_a_full_mailbox_refuses_whatever_lane_is_free() -> None:
    """design.md 5: nothing is unbounded: what waits in a full lane counts, too."""
    mailbox = _mailbox(3, 1)
    assert mailbox.offer(_row(0, "a"))
    first = await mailbox.take_next()
    assert [mailbox.offer(_row(number, "a")) for number in (1, 2, 3, 4)] == [True] * 3 + [False]
    assert not mailbox.offer(_row(5, "b"))
    mailbox.leave(first)
    assert (await mailbox.take_next()).id == 1
    assert mailbox.offer(_row(6, "b"))


async def test_ten_slow_ones_of_one_hold_up_nobody_else(autojump_clock: MockClock) -> None:
    """S18, S33: ten calls for one that never end, then those of others: these are made at once, and of the ten no more than
    the lane's bound, whether a call comes from an actor or, after a restart, from its table.
    """
    tables = MemoryTables()
    slow = [f"slow:{number}" for number in range(10)]
    bounds = GatewayBounds(deadline_s=1000, calls_max=6, lane_calls_max=4)
    for more in (("quick:1", "other:1"), ("quick:2", "other:2")):
        party = Party({one: ["hang"] for one in (*slow, *more)})
        spec = msgspec.structs.replace(party.gateway(bounds), lane=_lane)
        first = () if tables.messages else slow
        sends = tuple(Send("party", "", Call(one)) for one in (*first, *more))
        async with (
            MemoryJournal.open(tables) as journal,
            Engine(toy_parts(journal, spec)).running() as engine,
        ):
            await engine.ask(A, Do(f"send {more}", send=sends))
            with trio.fail_after(60):
                await party.wait_calls(6)
            called = Counter(one.partition(":")[0] for one, _, _ in party.calls)
            assert called == {"slow": 4, "quick": 1, "other": 1}

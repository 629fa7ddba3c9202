"""The journal is followed: every public event gets one position, whoever follows and how often (S17, S33).

Source: engine/boot/feeding.py; docs/adr/0058.
"""

import pytest
import trio

from comptoir.actors.endpoint.messages import DescribeEndpoint, EndpointDescribed, endpoint_at
from comptoir.actors.feed.messages import FEED, AddEndpoint, EndpointTerms
from comptoir.actors.feed.reading import PublicFeed, find_public
from comptoir.actors.withdrawal.state import WithdrawalMoved
from comptoir.engine.boot import memory_engine
from comptoir.engine.boot.feeding import follow_journal
from comptoir.engine.decision import Decision
from comptoir.engine.engine import Engine
from comptoir.engine.journal import Decided, Fate, Run
from comptoir.engine.settings import Settings
from comptoir.engine.values import Address

NOW = 1_800_000_000_000
WORDS = ("pending", "initiating", "completed")
"""Of three, two are told (X26)."""


def _moves(engine: Engine, number: int) -> trio.Event:
    """A withdrawal moves, three times, in a commit of its own; set when it is durable."""
    durable = trio.Event()

    def settle(run: Run, fate: Fate) -> None:
        del run
        assert fate.why is None
        durable.set()

    events = tuple(WithdrawalMoved(word) for word in WORDS)
    decided = Decided(Decision(None, events=events), NOW + number, None, None)
    engine.journal.submit(Run(Address("withdrawal", f"wd_{number}"), None, [decided], settle))
    return durable


@pytest.fixture
def settings() -> Settings:
    """As in a test."""
    return Settings().having({("clock", "mode"): "manual"})


async def test_two_who_follow_give_each_event_one_position(settings: Settings) -> None:
    """interface.md 8: a daemon that was superseded and does not know it yet, and its successor: no gap, no event twice,
    none before an earlier one, at any moment at which somebody looks.
    """
    async with memory_engine(settings) as engine, trio.open_nursery() as nursery:
        journal, feed = engine.journal, PublicFeed(engine.journal)
        for _ in range(2):
            nursery.start_soon(follow_journal, engine, journal, 0.001)
        for number in range(60):
            _moves(engine, number)
            if number % 9 == 0:
                page = await feed.page(0, 500)
                assert [one.position for one in page] == [*range(1, len(page) + 1)]
        with trio.fail_after(10):
            while len(page := await feed.page(0, 500)) < 120:
                assert [one.position for one in page] == [*range(1, len(page) + 1)]
                await trio.sleep(0.002)
        wanted = [(f"wd_{n}", word) for n in range(60) for word in ("pending", "completed")]
        assert [(one.entity, one.data["status"]) for one in page] == wanted
        assert len({one.id for one in page}) == 120
        assert await feed.page(100, 5) == page[100:105]
        one = await feed.at(7)
        assert one == page[6]
        assert await feed.at(121) is None
        nursery.cancel_scope.cancel()


async def test_an_endpoint_hears_that_there_is_more(settings: Settings) -> None:
    """S33: from when it was registered on."""
    async with memory_engine(settings) as engine, trio.open_nursery() as nursery:
        nursery.start_soon(follow_journal, engine, engine.journal, 0.001)
        terms = EndpointTerms("https://10.0.0.1/", (), "", "")
        await engine.ask(FEED, AddEndpoint("we_1", "", terms, "whsec_" + "A" * 44))
        _moves(engine, 1)
        with trio.fail_after(10):
            while True:
                found = (await engine.ask(endpoint_at("we_1"), DescribeEndpoint())).reply
                assert isinstance(found, EndpointDescribed)
                if found.known == 2 and found.failing_since:
                    break
                await trio.sleep(0.005)
        assert found.cursor == 0
        nursery.cancel_scope.cancel()


async def test_a_page_ends_where_it_was_cut(settings: Settings) -> None:
    """What did not fit into a page is in the next one, and numbers without anything public are passed over."""
    async with memory_engine(settings) as engine:
        for number in range(4):
            await _moves(engine, number).wait()
        last = engine.journal.statistics().last_event
        assert last == 12
        first = await find_public(engine.journal, 0, last, 5)
        assert (first.through, len(first.found)) == (5, 3)
        rest = await find_public(engine.journal, first.through, last, 50)
        assert (rest.through, len(rest.found)) == (12, 5)

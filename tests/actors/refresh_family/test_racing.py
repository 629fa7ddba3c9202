"""Families of refresh tokens as actors: raced, restarted and timed through the engine (S34)."""

import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio
from trio.testing import MockClock

from comptoir.actors.refresh_family.kind import refresh_family_spec
from comptoir.actors.refresh_family.machine import FamilyState, Phase
from comptoir.actors.refresh_family.messages import (
    KIND,
    Authorization,
    OpenFamily,
    RotateToken,
    TokenRefused,
    TokenRotated,
)
from comptoir.actors.revocation.reading import revocation_spec
from comptoir.engine.engine import Engine
from comptoir.engine.spec import Bounds
from comptoir.engine.toys import toy_clock, toy_parts
from comptoir.engine.values import Address, Reply
from comptoir.storage.testing import MemoryJournal, MemoryTables

WEEK_S = 7 * 24 * 3600
ROUNDS = 1000
ALLOWED = Authorization("u1", "web", ("CLIENT",))


@asynccontextmanager
async def _engine(tables: MemoryTables) -> AsyncGenerator[Engine]:
    specs = (refresh_family_spec(Bounds()), revocation_spec())
    async with MemoryJournal.open(tables) as journal:
        parts = toy_parts(journal, actors=specs, clock=toy_clock(manual=True))
        async with Engine(parts).running() as engine:
            yield engine


def _durable(tables: MemoryTables, address: Address) -> FamilyState:
    return msgspec.json.decode(tables.actors[address][2], type=FamilyState)


async def _use(engine: Engine, address: Address, old: str, new: str) -> Reply | None:
    return (await engine.ask(address, RotateToken("web", old, new))).reply


async def _race(engine: Engine, address: Address, names: list[str]) -> dict[str, Reply | None]:
    """Use the first token by all these at once; each brings the successor that it would have."""
    replies: dict[str, Reply | None] = {}

    async def one(name: str) -> None:
        replies[name] = await _use(engine, address, "first", name)

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(one, name)
    return replies


async def test_raced_a_thousand_times_there_is_one_winner(autojump_clock: MockClock) -> None:
    """S34, RFC 9700 4.14.2: of 2 to 8 who use one token at once, in any order, one is answered, and
    that it was used twice ends the family: the winner's successor is refused as well.
    """
    chance, tables = random.Random(20_261_130), MemoryTables()
    async with _engine(tables) as engine:
        for number in range(ROUNDS):
            address = Address(KIND, f"family-{number}")
            await engine.ask(address, OpenFamily(ALLOWED, "first", WEEK_S * 1000))
            names = [f"next-{n}" for n in range(chance.randint(2, 8))]
            replies = await _race(engine, address, names)
            winners = [name for name, reply in replies.items() if isinstance(reply, TokenRotated)]
            assert len(winners) == 1
            assert list(replies.values()).count(TokenRefused("reused")) == len(names) - 1
            assert await _use(engine, address, winners[0], "later") == TokenRefused("reused")
            assert _durable(tables, address).why == "reused"


async def test_a_rotation_outlives_the_daemon(autojump_clock: MockClock) -> None:
    """S34: what was answered is durable; the next daemon takes the new token, and knows the old one."""
    address, tables = Address(KIND, "f"), MemoryTables()
    async with _engine(tables) as engine:
        await engine.ask(address, OpenFamily(ALLOWED, "t0", WEEK_S * 1000))
        assert isinstance(await _use(engine, address, "t0", "t1"), TokenRotated)
    async with _engine(tables) as engine:
        assert isinstance(await _use(engine, address, "t1", "t2"), TokenRotated)
    async with _engine(tables) as engine:
        assert await _use(engine, address, "t0", "t3") == TokenRefused("reused")
        assert await _use(engine, address, "t2", "t3") == TokenRefused("reused")


@pytest.mark.parametrize("ended", [False, True])
async def test_seven_days_are_counted_through_a_restart(
    autojump_clock: MockClock, ended: bool
) -> None:
    """S34: the timer is durable, is in business time, and is gone with a family that ended before."""
    address, tables = Address(KIND, "f"), MemoryTables()
    async with _engine(tables) as engine:
        await engine.ask(address, OpenFamily(ALLOWED, "t0", WEEK_S * 1000))
        await engine.advance_clock(WEEK_S - 60)
        assert isinstance(await _use(engine, address, "t0", "t1"), TokenRotated)
        if ended:
            await _use(engine, address, "t0", "t1")
    async with _engine(tables) as engine:
        _now, fired = await engine.advance_clock(61)
        assert fired == (not ended)
        assert _durable(tables, address).phase is Phase.ENDED
        assert await _use(engine, address, "t1", "t2") == TokenRefused(
            "reused" if ended else "expired"
        )
        assert not await engine.journal.dead_letters("dlq:access", 10)

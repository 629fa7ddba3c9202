"""S58: of what a provider sends and nobody may keep, nothing is kept, however a link goes.

Rule: the in-memory journal holds in clear what the database holds sealed, so everything that any row,
event, answer or dead letter would have in it can be searched.
"""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from comptoir.actors.candidates.kind import candidates_spec
from comptoir.actors.card.kind import card_spec
from comptoir.actors.connection.kind import connection_spec
from comptoir.actors.connection.messages import KIND as CONNECTION
from comptoir.actors.connection.messages import RenewConsent, Revoke, Sync
from comptoir.actors.connection.views import find_access
from comptoir.actors.consent_week.kind import consent_week_spec
from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_seed import SeedBank
from comptoir.actors.linking.kind import linking_spec
from comptoir.actors.linking.messages import (
    KIND,
    CompleteLink,
    Consent,
    LinkStood,
    LookAtLink,
    OpenLink,
    ReturnFromBank,
)
from comptoir.actors.linking.steps import digest_of
from comptoir.actors.merchants.messages import MERCHANTS, ImportPartners, Partner
from comptoir.actors.merchants.reading import merchants_spec, partners_reference
from comptoir.actors.programme import DAY_MS, PROGRAMME, Programme
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.engine import Address
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.parts import Parts
from comptoir.engine.spec import Bounds
from comptoir.storage.testing import MemoryJournal, MemoryTables
from tests.actors.gateways.provider import CANARIES, Provider

SESSION = Address(KIND, "ls_1")
CONNECTED = Address(CONNECTION, "seed|conn_1")
OPEN = OpenLink(
    "u1", "d1", "seed", "https://app/x", "https://us", Consent("v1", "accounts", 90), "s3cret", "v",
    600_000,
)  # fmt: skip


class World:
    """Everything that a card is linked by, over memory."""

    def __init__(self, engine: Engine, provider: Provider, tables: MemoryTables) -> None:
        self.engine = engine
        self.provider = provider
        self.tables = tables

    async def stood(self, session: Address = SESSION) -> LinkStood:
        """How the session stands, once nothing is due."""
        assert await self.engine.quiesce(5)
        reply = (await self.engine.ask(session, LookAtLink())).reply
        assert isinstance(reply, LinkStood)
        return reply

    async def link(self) -> LinkStood:
        """All of it."""
        await self.engine.ask(SESSION, OPEN)
        await self.stood()
        await self.engine.ask(SESSION, ReturnFromBank(digest_of("s3cret"), "code", ""))
        await self.engine.ask(SESSION, CompleteLink("u1", ""))
        return await self.stood()

    def found(self) -> list[str]:
        """The canaries that are anywhere."""
        kept = repr(vars(self.tables))
        assert "u1" in kept, "what may be kept is found by this search"
        return [name for name, canary in CANARIES.items() if canary in kept]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A provider that talks too much, and an engine."""
    provider, tables = Provider(), MemoryTables()

    def nothing(_decided: object) -> None:
        pass

    async with provider.client() as client, MemoryJournal.open(tables) as journal:
        adapter = SeedBank(client, ("us", "s"), lambda field, value: f"{field}|{value}")
        bounds = Bounds()
        parts = Parts(
            journal=journal,
            clock=BusinessClock(manual=True),
            actors=(
                merchants_spec(),
                linking_spec(bounds, nothing),
                card_spec(bounds),
                candidates_spec(bounds),
                consent_week_spec(bounds),
                connection_spec(bounds, nothing),
                wallet_spec(bounds, nothing),
            ),
            gateways=(
                bank_gateway("seed", adapter, GatewayBounds(), partial(find_access, journal)),
            ),
            references=(partners_reference(),),
            constants={PROGRAMME: Programme()},
        )
        async with Engine(parts).running() as engine:
            yield World(engine, provider, tables)


async def test_nothing_forbidden_is_kept(world: World) -> None:
    """S58, S59: link, read, rotate, renew and revoke; nothing of it is in a row, an event or a log."""
    engine = world.engine
    with capture_logs() as logs:
        await engine.ask(
            MERCHANTS, ImportPartners((Partner(id="p", name="Chez Nous", rate_bp=500),))
        )
        await engine.wait_reference("partners", 1)
        assert (await world.link()).phase == "linked"
        assert "at2" in repr(vars(world.tables)), "a token, which lies in a state alone, is found"
        await engine.ask(CONNECTED, Sync())
        await engine.advance_clock(2 * 3600)
        await engine.ask(CONNECTED, RenewConsent("ls_2", OPEN))
        renewal = Address(KIND, "ls_2")
        assert (await world.stood(renewal)).phase == "authorizing"
        await engine.ask(renewal, ReturnFromBank(digest_of("s3cret"), "code", ""))
        assert (await world.stood(renewal)).phase == "linked"
        assert world.found() == []
        await engine.ask(CONNECTED, Revoke())
        assert await engine.quiesce(5)
    assert world.found() == []
    assert "canary" not in repr(logs)
    assert len(world.provider.requests) >= 9
    assert "conn_1'" not in repr(logs)


BROKEN: tuple[dict[str, tuple[int, Any]], ...] = (
    {"POST /auth/init": (400, {})},
    {"POST /auth/token": (400, {"error": "x"})},
    {"POST /auth/token": (200, {"accessToken": 1})},
    {"GET /connections/conn_1": (200, b"{")},
    {"GET /connections/conn_1": (200, {"accounts": []})},
)


@pytest.mark.parametrize("broken", BROKEN)
async def test_nor_of_what_went_wrong(world: World, broken: Any) -> None:
    """S58, S64: also where an answer could not be used, and the call is a dead letter."""
    world.provider.answers.update(broken)
    with capture_logs() as logs:
        await world.link()
        for _ in range(4):  # the gateway's retries are timers
            await world.engine.advance_clock(5)
        assert (await world.stood()).phase == "ended"
        assert await world.engine.journal.dead_letters("dlq:connections", 10)
    assert world.found() == []
    assert "canary" not in repr(logs)


async def test_tokens_are_forgotten(world: World) -> None:
    """S59, S60: tokens until revocation, and not a moment longer; nor by the session that brought them."""
    assert (await world.link()).phase == "linked"
    assert "at2" not in repr(await _state(world, SESSION))
    assert "at2" in repr(await _state(world, CONNECTED))
    await world.engine.ask(CONNECTED, Revoke())
    assert await world.engine.quiesce(5)
    left = repr(await _state(world, CONNECTED))
    assert "at2" not in left
    assert "conn_1" not in left


async def _state(world: World, address: Address) -> Any:
    loaded = await world.engine.journal.load(address)
    assert loaded is not None
    return loaded.state


async def test_the_calendar(world: World) -> None:
    """X20, E10, S45: tokens are replaced before their end, three warnings, and then the end."""
    assert (await world.link()).phase == "linked"
    await world.engine.advance_clock(3600)
    await world.engine.advance_clock(90 * DAY_MS / 1000)
    kinds = [event.type for event in await world.engine.journal.events(0, 100_000)]
    assert kinds.count("ConsentWarned") == 3
    assert kinds.count("ConsentLapsed") == 1
    assert kinds.count("TokensRotated") >= 1
    assert kinds.index("ConsentWarned") < kinds.index("ConsentLapsed")

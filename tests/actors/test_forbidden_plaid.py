"""S58 with Plaid: of the balances and the rest that it sends in every object, nothing is kept.

As tests/actors/test_forbidden.py, whose rule this follows: the in-memory journal holds in clear what the
database holds sealed, so that everything can be searched.
"""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from comptoir.actors.candidates.kind import candidates_spec
from comptoir.actors.card.kind import card_spec
from comptoir.actors.connection.kind import connection_spec
from comptoir.actors.connection.messages import KIND as CONNECTION
from comptoir.actors.connection.messages import ConnectionReported, RenewConsent, Revoke
from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_plaid import PlaidBank
from comptoir.actors.gateways.plaid_api import PlaidApi
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
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.wallet.reading import wallet_spec
from comptoir.engine import Address
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.parts import Parts
from comptoir.engine.spec import Bounds
from comptoir.storage.testing import MemoryJournal, MemoryTables
from tests.actors.gateways.plaid import TERMS, Plaid, bought, page, refusal, session
from tests.actors.gateways.provider import CANARIES

SESSION, RENEWAL = Address(KIND, "ls_1"), Address(KIND, "ls_2")
CONNECTED = Address(CONNECTION, "plaid|item_1")
OPEN = OpenLink(
    "u1", "d1", "plaid", "https://app/x", "https://us", Consent("v1", "accounts", 90), "s3cret", "v",
    600_000,
)  # fmt: skip
BACK = ReturnFromBank(digest_of("s3cret"), "", "")


@pytest.fixture
async def world() -> AsyncIterator[tuple[Engine, Plaid, MemoryTables]]:
    """Plaid, which talks too much, and an engine."""
    plaid, tables = Plaid(), MemoryTables()
    plaid.pages = lambda cursor: (
        200, page([bought("t1"), bought("x", name="NOBODY", original_description=None)])
        if not cursor else page([bought("b1", 120.0, pending_transaction_id="t1")], removed=["t1"]),
    )  # fmt: skip

    def nothing(_decided: object) -> None:
        pass

    async with plaid.client() as client, MemoryJournal.open(tables) as journal:
        api = PlaidApi(client, ("us", "s"))
        adapter = PlaidBank(api, TERMS, lambda field, value: f"{field}|{value}")
        bounds = Bounds()
        parts = Parts(
            journal=journal,
            clock=BusinessClock(manual=True),
            actors=(
                merchants_spec(),
                linking_spec(bounds, nothing),
                card_spec(bounds),
                candidates_spec(bounds),
                connection_spec(bounds, nothing),
                wallet_spec(bounds, nothing),
            ),
            gateways=(bank_gateway("plaid", adapter, GatewayBounds()),),
            references=(partners_reference(),),
            # Its purchases have fixed days, long before this test's linking.
            constants={PROGRAMME: Programme(look_back_days=3_650)},
        )
        async with Engine(parts).running() as engine:
            yield engine, plaid, tables


async def _stood(engine: Engine, address: Address) -> LinkStood:
    assert await engine.quiesce(5)
    reply = (await engine.ask(address, LookAtLink())).reply
    assert isinstance(reply, LinkStood)
    return reply


async def test_nothing_forbidden_is_kept(world: tuple[Engine, Plaid, MemoryTables]) -> None:
    """S57 to S59: linked, read, lapsed, renewed and revoked; nothing of it is in a row, an event or a log."""
    engine, plaid, tables = world
    with capture_logs() as logs:
        partner = Partner(id="p", name="Chez Nous", rate_bp=500)
        await engine.ask(MERCHANTS, ImportPartners((partner,)))
        await engine.wait_reference("partners", 1)
        await engine.ask(SESSION, OPEN)
        assert (await _stood(engine, SESSION)).auth_url
        await engine.ask(SESSION, BACK)
        await engine.ask(SESSION, CompleteLink("u1", ""))
        assert (await _stood(engine, SESSION)).phase == "linked"
        await engine.ask(CONNECTED, ConnectionReported("plaid", "updates", "r1"))
        assert await engine.quiesce(5)
        assert "access-1" in repr(vars(tables)), "a token, which lies in a state alone, is found"
        plaid.answers["/transactions/sync"] = refusal("ITEM_ERROR", "ITEM_LOGIN_REQUIRED")
        await engine.ask(CONNECTED, ConnectionReported("plaid", "updates", "r2"))
        assert await engine.quiesce(5)
        del plaid.answers["/transactions/sync"]
        await engine.ask(CONNECTED, RenewConsent("ls_2", OPEN))
        assert (await _stood(engine, RENEWAL)).phase == "authorizing"
        plaid.sessions = [session(finished_at="2026-11-21T10:01:00Z")]
        await engine.ask(RENEWAL, BACK)
        assert (await _stood(engine, RENEWAL)).phase == "linked"
        kept = repr(vars(tables))
        assert [name for name, canary in CANARIES.items() if canary in kept] == []
        assert "98765" not in kept, "a balance"
        await engine.ask(CONNECTED, Revoke())
        assert await engine.quiesce(5)
    kept = repr(vars(tables))
    assert [name for name, canary in CANARIES.items() if canary in kept] == []
    assert "canary" not in repr(logs)
    assert "access-1" not in repr(logs)
    kinds = [event.type for event in await engine.journal.events(0, 100_000)]
    assert kinds.count("ConsentExtended") == 2
    assert kinds.count("PurchaseRestated") >= 1
    assert kinds[-1] == "AccessEnded"

"""X23, S60: of what a provider tells when a claim asks, the claimed purchase is kept, and nothing else at all.

Rule: as in forbidden.py: the in-memory journal holds in clear what the database holds sealed, so that every row, event,
answer and dead letter can be searched. The others lie about the purchase: in the same days, of the same amount, of the
same merchant; each has a canary in its label, its id and its town.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from comptoir.actors.claim.messages import Claimed, GrantClaim, purchase_claim
from comptoir.actors.connection.messages import Sync, TransactionReported
from comptoir.actors.gateways.bank_plaid import PlaidBank
from comptoir.actors.gateways.bank_powens import PowensBank
from comptoir.actors.gateways.bank_seed import SeedBank
from comptoir.actors.gateways.bank_tink import TinkBank
from comptoir.actors.gateways.messages import Stated
from comptoir.actors.gateways.plaid_api import PlaidApi
from comptoir.actors.gateways.powens_api import PowensApi
from comptoir.actors.gateways.tink_api import TinkApi
from comptoir.actors.merchants.messages import MERCHANTS, ImportPartners, Partner
from comptoir.actors.wallet.state import WalletState
from comptoir.engine import Address
from tests.actors.forbidden import Story, story
from tests.actors.gateways import plaid, powens, tink
from tests.actors.gateways.provider import TRANSACTION, Provider

LABEL = "SARL DUPONT BREST"
OTHER = "BIRDSONG SHOP"
Fill = Callable[[], None]


def blind(field: str, value: str) -> str:
    """A blind index that can be read."""
    return f"{field}|{value}"


@asynccontextmanager
async def _seed() -> AsyncGenerator[tuple[Story, Fill, str]]:
    party = Provider()
    party.answers["GET /transactions"] = (200, {"items": [], "nextCursor": "0", "more": False})

    def one(identity: str, label: str, amount: float = 42.5) -> Any:
        return {
            **TRANSACTION,
            "transaction_id": identity,
            "amount": amount,
            "merchant": {"name": label},
        }

    def fill() -> None:
        items = [
            one("birdsong-1", OTHER),
            one("t1", LABEL),
            one("birdsong-2", f"DUPONT {OTHER}", 43_217.65),
        ]
        party.answers["GET /transactions"] = (
            200,
            {"items": items, "nextCursor": "3", "more": False},
        )

    async with (
        party.client() as client,
        story("seed", SeedBank(client, ("us", "s"), blind), "conn_1") as told,
    ):
        yield told, fill, "2026-11-21"


@asynccontextmanager
async def _plaid() -> AsyncGenerator[tuple[Story, Fill, str]]:
    party = plaid.Plaid()
    party.pages = lambda _cursor: (200, plaid.page([]))

    def one(identity: str, label: str, amount: float = 42.5) -> Any:
        return plaid.bought(identity, amount, original_description=label, name=label)

    def fill() -> None:
        party.stock = [
            one("birdsong-1", OTHER),
            one("t1", LABEL),
            one("birdsong-2", f"DUPONT {OTHER}", 43_217.65),
        ]

    async with party.client() as client:
        adapter = PlaidBank(PlaidApi(client, ("us", "s")), plaid.TERMS, blind)
        async with story("plaid", adapter, "item_1") as told:
            yield told, fill, "2026-11-21"


@asynccontextmanager
async def _powens() -> AsyncGenerator[tuple[Story, Fill, str]]:
    party = powens.Powens()
    party.connection = powens.connection(expire=None)
    party.connections = [party.connection]
    party.pages = lambda _url: powens.page()

    def one(identity: int, label: str, value: str = "-42.50") -> Any:
        return powens.bought(
            identity, value, original_wording=label, simplified_wording=label, wording=label
        )

    def fill() -> None:
        party.pages = lambda _url: powens.page(
            one(770010077, OTHER), one(1, LABEL), one(770020077, f"DUPONT {OTHER}", "-43217.65")
        )

    async with party.client() as client:
        adapter = PowensBank(PowensApi(client, ("us", "s")), powens.TERMS, blind)
        async with story("powens", adapter, "7") as told:
            yield told, fill, "2026-11-21"


@asynccontextmanager
async def _tink() -> AsyncGenerator[tuple[Story, Fill, str]]:
    party = tink.Tink()
    consents = {"providerConsents": [tink.consent(sessionExpiryDate=None)]}
    party.answers["GET /api/v1/provider-consents"] = (200, consents)
    party.pages = lambda _url: tink.page()

    def one(identity: str, label: str, unscaled: str = "-4250") -> Any:
        words = {"display": label, "original": label}
        return tink.bought(identity, tink.worth(unscaled), descriptions=words)

    def fill() -> None:
        party.pages = lambda _url: tink.page(
            one("birdsong-1", OTHER),
            one("t-1", LABEL),
            one("birdsong-2", f"DUPONT {OTHER}", "-4321765"),
        )

    async with party.client() as client:
        adapter = TinkBank(TinkApi(client, ("us", "tink-secret")), tink.TERMS, tink.blind)
        async with story("tink", adapter, "tink user|ls_1") as told:
            yield told, fill, "2027-01-13"


@pytest.mark.parametrize("party", [_seed, _plaid, _powens, _tink])
async def test_nothing_but_the_claimed_purchase_is_kept(party: Any) -> None:
    """X23, S58, S60: found, and then not found: no other purchase is in a row, an event, a dead letter or a log."""
    with capture_logs() as logs:
        async with party() as (told, fill, day):
            await told.link("code" if told.provider == "seed" else "")
            fill()
            found = await told.state(Stated(day, 4_250, "DUPONT"))
            assert found.report is not None
            assert (found.status, found.report.merchant_name) == ("open", LABEL)
            for nowhere in (Stated(day, 999, "DUPONT"), Stated(day, 4_250, "LIBRAIRIE")):
                missing = await told.state(nowhere)
                assert (missing.status, missing.verdict, missing.report) == (
                    "answered", "not_found", None,
                )  # fmt: skip
            kept = told.kept()
            kinds = await told.kinds()
    assert LABEL in kept, "what may be kept is found by this search"
    # Long enough that no random id of the run has them in it by chance.
    for canary in ("birdsong", "BIRDSONG", "770010077", "770020077", "4321765", "43217.65"):
        assert canary not in kept, canary
        assert canary not in repr(logs), canary
    assert kinds.count("PurchaseSought") == 3
    assert "canary" not in repr(logs)


async def test_told_before_there_was_such_a_partner() -> None:
    """X16, X23, E9: dropped then as nobody's, it is a partner's now: its key is taken, so it waits for a decision, and
    is credited once by that, whatever is read or told again.
    """
    async with _seed() as (told, fill, day):
        await told.link("code")
        report = TransactionReported(
            "seed", "transaction.created", "t1", 4_250, "EUR", "DEBIT", day, LABEL, "7995"
        )
        await told.tell(report)
        partner = Partner(id="dupont", name="SARL Dupont", rate_bp=1000)
        await told.engine.ask(MERCHANTS, ImportPartners((partner,)))
        await told.engine.wait_reference("partners", 2)
        fill()
        claim = await told.state(Stated(day, 4_250, "DUPONT"))
        assert (claim.status, claim.verdict) == ("open", "fetched")
        assert claim.trace[-1] == "longest name 'sarl dupont': partner dupont"
        assert await _points(told) == 0
        assert claim.report is not None
        name = purchase_claim("u1", Claimed(claim.report, told.connected.key))
        for _ in range(2):
            await told.engine.ask(Address("claim", name), GrantClaim("m.durand", "dupont"))
        await told.tell(Sync())
        await told.tell(report)
        assert await _points(told) == 425


async def _points(told: Story) -> int:
    loaded = await told.engine.journal.load(Address("wallet", "u1"))
    return 0 if loaded is None else msgspec.json.decode(loaded.state, type=WalletState).available

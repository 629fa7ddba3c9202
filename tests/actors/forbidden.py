"""What of a provider's answers is kept, searched for what S58 forbids: the same story whoever the provider is.

Rule: the in-memory journal holds in clear what the database holds sealed, so that everything can be searched.
Source: spec.md S57 to S59, X20.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import msgspec

from comptoir.actors.candidates.kind import candidates_spec
from comptoir.actors.card.kind import card_spec
from comptoir.actors.claim.kind import claim_spec
from comptoir.actors.claim.messages import KIND as CLAIM
from comptoir.actors.claim.messages import ClaimDescribed, DescribeClaim, StateClaim, stated_claim
from comptoir.actors.connection.kind import connection_spec
from comptoir.actors.connection.messages import KIND as CONNECTION
from comptoir.actors.connection.messages import RenewConsent
from comptoir.actors.connection.views import find_access
from comptoir.actors.consent_week.kind import consent_week_spec
from comptoir.actors.gateways.bank import Bank, bank_gateway
from comptoir.actors.gateways.messages import Stated
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
from comptoir.engine import Address, Message
from comptoir.engine.clock import BusinessClock
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import GatewayBounds
from comptoir.engine.parts import Parts
from comptoir.engine.spec import Bounds
from comptoir.storage.testing import MemoryJournal, MemoryTables
from tests.actors.gateways.provider import CANARIES

BALANCE = re.compile(r"(?<![0-9a-fA-F])98765")
"""The balance of every provider's account, in whatever unit, but not within an id or an address in memory."""
SESSION, RENEWAL = Address(KIND, "ls_1"), Address(KIND, "ls_2")
BACK = ReturnFromBank(digest_of("s3cret"), "", "")


@dataclass
class Story:
    """An engine, and the one connection of a provider in it."""

    engine: Engine
    tables: MemoryTables
    provider: str
    connected: Address

    @property
    def _open(self) -> OpenLink:
        return OpenLink(
            "u1", "d1", self.provider, "https://app/x", "https://us", Consent("v1", "accounts", 90),
            "s3cret", "v", 600_000,
        )  # fmt: skip

    async def tell(self, message: Message) -> None:
        """Say something to the connection, and wait for all that follows."""
        await self.engine.ask(self.connected, message)
        assert await self.engine.quiesce(5)

    async def link(self, code: str = "") -> None:
        """A partner, and a card that is linked; the code is what the person comes back with."""
        partner = Partner(id="p", name="Chez Nous", rate_bp=500)
        await self.engine.ask(MERCHANTS, ImportPartners((partner,)))
        await self.engine.wait_reference("partners", 1)
        await self.engine.ask(SESSION, self._open)
        assert (await self._stood(SESSION)).auth_url
        await self.engine.ask(SESSION, msgspec.structs.replace(BACK, code=code))
        await self.engine.ask(SESSION, CompleteLink("u1", ""))
        assert (await self._stood(SESSION)).phase == "linked"

    async def begin_renewal(self) -> None:
        """Its person goes to their bank again."""
        await self.engine.ask(self.connected, RenewConsent("ls_2", self._open))
        assert (await self._stood(RENEWAL)).phase == "authorizing"

    async def end_renewal(self) -> None:
        """They are back."""
        await self.engine.ask(RENEWAL, BACK)
        assert (await self._stood(RENEWAL)).phase == "linked"

    async def _stood(self, address: Address) -> LinkStood:
        assert await self.engine.quiesce(5)
        reply = (await self.engine.ask(address, LookAtLink())).reply
        assert isinstance(reply, LinkStood)
        return reply

    async def state(self, stated: Stated) -> ClaimDescribed:
        """Its person states a purchase; what is told of the claim that comes of it."""
        claim = Address(CLAIM, stated_claim("u1", self.connected.key, stated))
        await self.engine.ask(claim, StateClaim("u1", self.connected.key, stated, ("why",)))
        found = await self._claim(claim)
        return await self._claim(Address(CLAIM, found.claim)) if found.claim else found

    async def _claim(self, claim: Address) -> ClaimDescribed:
        assert await self.engine.quiesce(5)
        reply = (await self.engine.ask(claim, DescribeClaim())).reply
        assert isinstance(reply, ClaimDescribed)
        return reply

    def kept(self) -> str:
        """Every row and event, as text, after nothing forbidden was found in it."""
        found = repr(vars(self.tables))
        assert [name for name, canary in CANARIES.items() if canary in found] == []
        assert BALANCE.search(found) is None, "a balance"
        return found

    async def kinds(self) -> list[str]:
        """The types of all events, in their order."""
        return [event.type for event in await self.engine.journal.events(0, 100_000)]


def _nothing(_decided: object) -> None:
    pass


@asynccontextmanager
async def story(provider: str, adapter: Bank, connection: str) -> AsyncGenerator[Story, None]:
    """An engine with everything that a linked card needs.

    Args:
        provider: whose.
        adapter: of it.
        connection: the provider's id of the one connection.
    """
    bounds, tables = Bounds(), MemoryTables()
    async with MemoryJournal.open(tables) as journal:
        parts = Parts(
            journal=journal,
            clock=BusinessClock(manual=True),
            actors=(
                merchants_spec(),
                linking_spec(bounds, _nothing),
                card_spec(bounds),
                candidates_spec(bounds),
                claim_spec(bounds),
                consent_week_spec(bounds),
                connection_spec(bounds, _nothing),
                wallet_spec(bounds, _nothing),
            ),
            gateways=(
                bank_gateway(provider, adapter, GatewayBounds(), partial(find_access, journal)),
            ),
            references=(partners_reference(),),
            # Purchases have fixed days, long before a test's linking.
            constants={PROGRAMME: Programme(look_back_days=3_650)},
        )
        async with Engine(parts).running() as engine:
            connected = Address(CONNECTION, f"{provider}|{connection}")
            yield Story(engine, tables, provider, connected)

"""By which access a provider is asked: that which a connection has when the call leaves (S45, S57, S59)."""

from typing import Any

import msgspec
import pytest

from comptoir.actors.connection.messages import (
    AccessRevoked,
    PurchaseUnread,
    TransactionsRead,
    TransactionsUnread,
)
from comptoir.actors.connection.state import ConnectionState, Phase
from comptoir.actors.connection.views import find_access
from comptoir.actors.gateways.bank import bank_gateway
from comptoir.actors.gateways.bank_powens import PowensBank
from comptoir.actors.gateways.bank_seed import SeedBank
from comptoir.actors.gateways.messages import (
    FindPurchase,
    Held,
    ReadTransactions,
    RegisterWebhook,
    RevokeAccess,
    Stated,
    Tokens,
)
from comptoir.actors.gateways.powens_api import PowensApi
from comptoir.engine.boot import memory_engine
from comptoir.engine.errors import Unavailable
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds
from comptoir.engine.values import Message
from tests.actors.gateways import powens
from tests.actors.gateways.provider import Provider

NOW = 1_800_000_000_000
STATED = Stated("2026-11-21", 10_000, "CHEZ NOUS")
READ = ReadTransactions("cn_1:1", "conn_1", "", "c0", link="key")
FIND = FindPurchase("cn_1:1", "conn_1", "", "clm_1", STATED, link="key")
HOOK = RegisterWebhook("cn_1:1", "conn_1", "", "https://us/w", link="key")
REVOKE = RevokeAccess("cn_1:1", "conn_1", "", link="key")


class Desk:
    """A provider, and what the connection has at the moment."""

    def __init__(self) -> None:
        self.provider = Provider()
        self.held = Held(Tokens("at-1", "rt", NOW + 1), readable=True)
        self.away = False

    async def accesses(self, link: str) -> Held:
        """What there is."""
        assert link == "key"
        if self.away:
            raise Unavailable("the database is away")
        return self.held

    async def call(self, message: Message) -> Message | None:
        """As its gateway does."""
        async with self.provider.client() as client:
            adapter = SeedBank(client, ("us", "s"), lambda field, value: f"{field}|{value}")
            spec = bank_gateway("seed", adapter, GatewayBounds(), self.accesses)
            operation = spec.operations[type(message)]
            return await operation.call(message, CallContext(NOW, 1, "k"))

    @property
    def sent(self) -> list[str]:
        """By what it was asked."""
        return [
            one.headers["authorization"].removeprefix("Bearer ") for one in self.provider.requests
        ]


@pytest.fixture
def desk() -> Desk:
    """One."""
    return Desk()


async def test_the_access_of_the_moment(desk: Desk) -> None:
    """S45, X18: whatever there was when it was asked for: a call that was parked goes by what there is now."""
    for access in ("at-1", "at-2"):
        desk.held = Held(Tokens(access, "rt", 0), readable=True)
        assert isinstance(await desk.call(READ), TransactionsRead)
    assert desk.sent == ["at-1", "at-2"]


@pytest.mark.parametrize(
    "held",
    [
        Held(None, readable=True),
        Held(Tokens("at", "rt", 0), readable=False),
    ],
)
async def test_nothing_is_read_where_nothing_may_be(desk: Desk, held: Held) -> None:
    """S57, S60: no access, a consent that has ended meanwhile: the provider hears nothing."""
    desk.held = held
    assert await desk.call(READ) == TransactionsUnread(refused=False, cursor="c0")
    assert await desk.call(FIND) == PurchaseUnread("clm_1", STATED, refused=False)
    assert desk.sent == []


async def test_an_access_whose_time_is_over(desk: Desk) -> None:
    """S45, X18: it may be good; where it is refused, that is no dead letter, and whoever asks comes back to it. One whose
    time is not over is refused for good.
    """
    desk.held = Held(Tokens("at", "rt", NOW), readable=True)
    assert isinstance(await desk.call(READ), TransactionsRead)
    desk.provider.answers["GET /transactions"] = (401, {})
    later = TransactionsUnread(refused=False, cursor="c0", access="at")
    assert await desk.call(READ) == later
    assert await desk.call(FIND) == PurchaseUnread("clm_1", STATED, refused=False, access="at")
    for until in (NOW + 1, 0):
        desk.held = Held(Tokens("at", "rt", until), readable=True)
        with pytest.raises(CallFault) as caught:
            await desk.call(READ)
        assert (caught.value.code, caught.value.retryable) == ("BANK_REFUSED", False)
        assert await desk.call(FIND) == PurchaseUnread("clm_1", STATED, refused=True, access="at")


async def test_an_end_is_told_with_the_access_that_has_ended() -> None:
    """S45: so that its connection knows whether it has another one by now; by its own access it is a fault as before."""
    party = powens.Powens()
    party.answers["GET /users/me/connections/7"] = powens.refusal("unauthorized", 401)
    read = msgspec.structs.replace(READ, connection_id="7")

    async def accesses(_link: str) -> Held:
        return Held(Tokens("at-1", "3", 0), readable=True)

    async with party.client() as client:
        api = PowensApi(client, ("us", "s"))
        adapter = PowensBank(api, powens.TERMS, lambda field, value: f"{field}|{value}")
        spec = bank_gateway("powens", adapter, GatewayBounds(), accesses)
        operation, context = spec.operations[ReadTransactions], CallContext(NOW, 1, "k")
        ended: Any = TransactionsUnread(refused=False, cursor="c0", ended=True, access="at-1")
        assert await operation.call(
            msgspec.structs.replace(read, cursor=""), context
        ) == msgspec.structs.replace(ended, cursor="")
        with pytest.raises(CallFault, match="BANK_ACCESS_ENDED"):
            await operation.call(
                msgspec.structs.replace(read, cursor="", access="at", link=""), context
            )


async def test_a_revocation_needs_no_consent(desk: Desk) -> None:
    """S57: it goes by what is left; where nothing is left, nothing is asked."""
    desk.held = Held(Tokens("at", "rt", NOW), readable=False, ending=True)
    assert await desk.call(REVOKE) == AccessRevoked()
    assert len(desk.sent) == 1
    desk.held = Held(None, readable=False)
    assert await desk.call(REVOKE) is None
    assert await desk.call(HOOK) is None
    assert len(desk.sent) == 1


async def test_what_was_linked_anew_is_not_ended(desk: Desk) -> None:
    """S57: a revocation that comes late, say from among the dead letters, is one of the access of before."""
    assert desk.held.readable
    assert await desk.call(REVOKE) is None
    assert desk.sent == []


async def test_a_database_that_is_away_is_waited_for(desk: Desk) -> None:
    """S63: it is no fault of the provider's, and nothing is guessed."""
    desk.away = True
    for message in (READ, FIND, HOOK, REVOKE):
        with pytest.raises(CallFault) as caught:
            await desk.call(message)
        assert (caught.value.code, caught.value.retryable, caught.value.sick) == (
            "STORAGE_UNAVAILABLE", True, False,
        )  # fmt: skip
    assert desk.sent == []


async def test_what_a_connection_holds() -> None:
    """S57, S59: of what is committed; of one that nobody has linked nothing."""
    async with memory_engine() as engine:
        assert await find_access(engine.journal, "nobody") == Held(None, readable=False)


@pytest.mark.parametrize("phase", Phase)
async def test_only_a_consent_in_force_lets_read(phase: Phase) -> None:
    """S57: in every phase of a connection."""
    tokens = Tokens("at", "rt", 0)

    class Journal:
        async def load(self, _address: object) -> Any:
            return _Loaded(msgspec.json.encode(ConnectionState(phase, tokens=tokens)))

    found = await find_access(Journal(), "key")  # type: ignore[arg-type]  # what is asked of it
    assert found == Held(tokens, readable=phase is Phase.LINKED, ending=phase is Phase.REVOKING)


class _Loaded(msgspec.Struct):
    state: bytes

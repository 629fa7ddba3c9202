"""What the tests of those who know about people share: a client, a party that answers as told, an actor that asks.

Rule: the party remembers what it was asked; the actor remembers what it heard, in its committed state.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, cast

import httpx
import msgspec

from comptoir.actors.gateways.kyc_messages import (
    AddressChecked,
    CheckAddress,
    CheckCredit,
    CheckImpossible,
    CreditChecked,
    MediaSearched,
    ReadVerification,
    SearchMedia,
    StartVerification,
    VerificationStarted,
)
from comptoir.actors.kyc.messages import BureauReported, Party, PostalAddress
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.machine import Context, Machine, row
from comptoir.engine.spec import ActorSpec
from comptoir.engine.toys import toy_clock, toy_parts
from comptoir.engine.values import Address, Message, Reply, State
from comptoir.storage.testing import MemoryJournal, MemoryTables

CLIENT = Party("client", "client", "Person", "Ada", "Lovelace", "1985-12-10", "FR", "FR", "GB")
HOME = PostalAddress("8 bd du Port", "80000", "Amiens", "", "FR")
IN_CANADA = PostalAddress("2701 Riverside Drive", "K1A 0B1", "Ottawa", "ON", "CA")
START = StartVerification(
    "ONB-2026-00001:1", "ONB-2026-00001", "INDIVIDUAL", (CLIENT,), HOME, "ada@example.org", "+33612345678"
)  # fmt: skip
RESULT: Mapping[str, Any] = {
    "status": "APPROVED",
    "score": 85,
    "checks": {
        "identityVerification": "PASSED",
        "addressVerification": "PASSED",
        "pepCheck": "PASSED",
        "sanctionsCheck": "PASSED",
        "adverseMedia": "PASSED",
    },
    "riskLevel": "LOW",
    "recommendation": "AUTO_APPROVE",
    "reviewedBy": "SYSTEM",
    "completedAt": "2025-12-04T15:45:00Z",
}
"""S10's example."""
PERSONAL = ("Ada", "Lovelace", "1985-12-10", "ada@example.org", "+33612345678", "bd du Port")

Answer = Callable[[httpx.Request], httpx.Response]


class Played:
    """A party that answers by script; beyond it, as `usual` says."""

    def __init__(self, usual: Answer | Any) -> None:
        self.requests: list[httpx.Request] = []
        self.script: list[Answer | Any] = []
        self.usual = usual

    async def respond(self, request: httpx.Request) -> httpx.Response:
        """One answer: a function's, a status with a body, or JSON under 200."""
        self.requests.append(request)
        answer: Any = self.script.pop(0) if self.script else self.usual
        if callable(answer):
            return cast("Answer", answer)(request)
        if isinstance(answer, tuple):
            return streamed(*cast("tuple[int, bytes]", answer))
        return streamed(200, json.dumps(answer).encode())

    def client(self) -> httpx.AsyncClient:
        """What an adapter calls it by."""
        transport = httpx.MockTransport(self.respond)
        return httpx.AsyncClient(base_url="https://party.example/v1", transport=transport)


def streamed(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """As it comes off a wire: read while it arrives."""
    return httpx.Response(status, stream=httpx.ByteStream(body), headers=headers)


def unreachable(request: httpx.Request) -> httpx.Response:
    """Nobody is there."""
    raise httpx.ConnectError("no", request=request)


def cut_off(request: httpx.Request) -> httpx.Response:
    """It may have been taken: nobody knows."""
    raise httpx.RemoteProtocolError("no", request=request)


class Phase(Enum):
    """One is enough."""

    ASKING = "asking"


class Asking(State, frozen=True):
    """What was heard."""

    phase: Phase
    heard: tuple[msgspec.Raw, ...] = ()


class Ask(Message, frozen=True):
    """Ask this."""

    kind: str
    what: StartVerification | ReadVerification | CheckAddress | CheckCredit | SearchMedia


class Asked(Reply, frozen=True):
    """It is on its way."""


def _ask(state: Asking, message: Ask, _context: Context) -> Decision[Asking]:
    return Decision(state, Asked(), messages=(Outgoing(Address(message.kind, ""), message.what),))


def _hear(state: Asking, message: Message, _context: Context) -> Decision[Asking]:
    told = msgspec.Raw(msgspec.json.encode(message))
    return Decision(Asking(state.phase, (*state.heard, told)))


HEARD = (
    VerificationStarted, BureauReported, AddressChecked, CreditChecked, MediaSearched, CheckImpossible,
)  # fmt: skip
ASKER: Machine[Asking] = Machine(
    "kyc",
    phases=Phase,
    messages=(Ask, *HEARD),
    rows=(
        row(Phase.ASKING, Ask, _ask, Phase.ASKING),
        *(row(Phase.ASKING, one, _hear, Phase.ASKING) for one in HEARD),
    ),
)
FILE = Address("kyc", "ONB-2026-00001")


@asynccontextmanager
async def asking(tables: MemoryTables, *gateways: GatewaySpec) -> AsyncGenerator[Engine, None]:
    """An engine with the asker and these gateways; business time is trio's, virtual or not."""
    actors = (ActorSpec(ASKER, Asking, replies=(Asked,)),)
    async with MemoryJournal.open(tables) as journal:
        parts = toy_parts(journal, *gateways, actors=actors, clock=toy_clock())
        async with Engine(parts).running() as engine:
            yield engine
            assert engine.statistics().delivery.stranded_total == 0


def heard(tables: MemoryTables) -> list[Message]:
    """What the file has heard, in its order."""
    row_of = tables.actors.get(FILE)
    if row_of is None:
        return []
    union: Any = HEARD[0]
    for one in HEARD[1:]:
        union = union | one
    state = msgspec.json.decode(row_of[2], type=Asking)
    return [msgspec.json.decode(bytes(one), type=union) for one in state.heard]

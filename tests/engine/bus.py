"""An account, a mainframe and an engine between them and a bus: what the tests of both buses play with.

Rule: the account here is as simple as can be and keeps all that it hears, so that what a bus doubles or loses is seen.
Source: docs/kafka.md; style.md "fakes rather than mocks".
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from typing import Any, Literal

import msgspec
import trio
from prometheus_client import CollectorRegistry

from comptoir.actors.account.kind import account_spec
from comptoir.actors.account.messages import (
    AccountCreated,
    AccountDelayed,
    AccountProfile,
    AccountRefused,
    CommandAnswered,
    CoreBankingChanged,
    CoreProfileChanged,
    DescribeAccount,
    OpenAccount,
)
from comptoir.actors.account.terms import CORE_TERMS, CoreTerms
from comptoir.actors.gateways.core_bus import ABSENT, CREATED, answered
from comptoir.actors.gateways.core_messages import (
    COMMANDS,
    EVENTS,
    CommandPublished,
    CommandRefused,
    CreateAccount,
    FindAccount,
    PublishCommand,
)
from comptoir.engine.boot.bus import CoreBus
from comptoir.engine.decision import Decision, Outgoing
from comptoir.engine.engine import Engine
from comptoir.engine.gateway_spec import CallContext, Forwarded, GatewaySpec, Operation
from comptoir.engine.machine import Context, Machine, row
from comptoir.engine.settings import Settings
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.toys import toy_clock, toy_parts
from comptoir.engine.values import Address, Message, Reply, State
from comptoir.storage.testing import MemoryJournal, MemoryTables

PROFILE = AccountProfile(
    "Zoé", "O'Brien-Lévesque", "SIN", "046-454-286", "12, rue du Trésor", "Québec", "QC", "G1R 4S9"
)


class Phase(Enum):
    """There is but one."""

    OPEN = "open"


class Book(State, frozen=True):
    """All that was heard, in its order."""

    phase: Phase
    heard: tuple[tuple[str, ...], ...] = ()


class Tell(Message, frozen=True):
    """Publish this command."""

    command: PublishCommand


class File(State, frozen=True):
    """What a file was told of its account."""

    phase: Phase
    told: tuple[str, ...] = ()


class Told(Reply, frozen=True):
    """What it was told."""

    told: tuple[str, ...]


class Heard(Reply, frozen=True):
    """All that was heard."""

    heard: tuple[tuple[str, ...], ...]


def _tell(state: Book, message: Tell, _context: Context) -> Decision[Book]:
    return Decision(state, Heard(state.heard), messages=(Outgoing(COMMANDS, message.command),))


def _note(state: Book, message: Any, _context: Context) -> Decision[Book]:
    said: tuple[str, ...]
    match message:
        case CommandAnswered():
            said = ("answer", message.command_id, message.outcome, message.account_number)
        case CoreBankingChanged():
            said = ("change", message.change_id, *message.fields.values())
        case CommandRefused():
            said = ("refused", message.command_id, message.code)
        case _:
            return Decision(state)
    return Decision(Book(state.phase, (*state.heard, said)))


def _describe(state: Book, _message: DescribeAccount, _context: Context) -> Decision[Book]:
    return Decision(state, Heard(state.heard))


_NOTED = (CommandPublished, CommandRefused, CommandAnswered, CoreBankingChanged)
ACCOUNT: Machine[Book] = Machine(
    "account",
    phases=Phase,
    messages=(Tell, DescribeAccount, *_NOTED),
    rows=(
        row(Phase.OPEN, Tell, _tell, Phase.OPEN),
        row(Phase.OPEN, DescribeAccount, _describe, Phase.OPEN),
        *(row(Phase.OPEN, one, _note, Phase.OPEN) for one in _NOTED),
    ),
)


class Mainframe:
    """Whoever has the accounts: one for each client, and how often it was asked to make one."""

    def __init__(self) -> None:
        self.accounts: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.profiles: dict[str, AccountProfile] = {}
        self.mute = False
        """Whether what it does is told to nobody."""

    def gateway(self) -> GatewaySpec:
        """As a gateway of an engine."""

        async def create(message: CreateAccount, context: CallContext) -> Message | None:
            self.asked[message.client_id] += 1
            number = f"4000{len(self.accounts):08d}"
            self.accounts.setdefault(message.client_id, number)
            self.profiles[message.client_id] = message.profile
            return self._told(message, CREATED, context.now)

        async def find(message: FindAccount, context: CallContext) -> Message | None:
            there = message.client_id in self.accounts
            return self._told(message, CREATED if there else ABSENT, context.now)

        return GatewaySpec("mainframe", {
            CreateAccount: Operation(create, lambda message: message.command_id, idempotent=False),
            FindAccount: Operation(find, lambda message: message.command_id),
        })  # fmt: skip

    def _told(self, message: CreateAccount | FindAccount, event: str, at: int) -> Message | None:
        if self.mute:
            return None
        number = self.accounts.get(message.client_id, "")
        data = {"accountNumber": number}
        return Forwarded(EVENTS, answered(event, message.command_id, message.client_id, at, data))


class Desk:
    """An engine with a bus, and those at its two ends."""

    def __init__(self, engine: Engine, bus: CoreBus, registry: CollectorRegistry) -> None:
        self.engine, self.bus, self.registry = engine, bus, registry

    async def tell(self, client: str, number: int = 1, *, find: bool = False) -> None:
        """Have a client's account publish a command."""
        kind: Literal["FIND_ACCOUNT", "CREATE_ACCOUNT"] = (
            "FIND_ACCOUNT" if find else "CREATE_ACCOUNT"
        )
        command = PublishCommand(f"{client}:{number}", kind, client, PROFILE, self.engine.now())
        await self.engine.ask(Address("account", client), Tell(command))

    async def heard(self, client: str) -> tuple[tuple[str, ...], ...]:
        """All that a client's account has heard."""
        reply = (await self.engine.ask(Address("account", client), DescribeAccount())).reply
        assert isinstance(reply, Heard)
        return reply.heard

    async def until(self, client: str, number: int) -> tuple[tuple[str, ...], ...]:
        """All that it has heard, when that is at least so much."""
        with trio.fail_after(20):
            while len(heard := await self.heard(client)) < number:  # noqa: ASYNC110  # it is asked, as a client asks
                await trio.sleep(0.02)
        return heard

    def figure(self, name: str, **labels: str) -> float:
        """A figure of the bus; 0 where there is none yet."""
        return self.registry.get_sample_value(f"comptoir_bus_{name}", labels) or 0.0

    async def open(self, *clients: str) -> None:
        """Have accounts opened by the machine of the daemon."""
        for client in clients:
            await self.engine.ask(Address("account", client), OpenAccount(client, PROFILE))

    async def settled(self, topics: Sequence[str], lost: int) -> None:
        """Wait until all that was put on these topics was taken from them, but for what was lost there."""

        def done() -> bool:
            sent = sum(self.figure("published_total", topic=x, result="published") for x in topics)
            taken = sum(self.figure("records_total", topic=x, result="taken") for x in topics)
            return taken == sent - lost

        while not done() or not await self.engine.quiesce(0.05) or not done():  # noqa: ASYNC110  # likewise
            await trio.sleep(0.02)

    async def told(self, client: str) -> tuple[str, ...]:
        """What a client's file was told."""
        reply = (await self.engine.ask(Address("onboarding", client), DescribeAccount())).reply
        assert isinstance(reply, Told)
        return reply.told

    async def until_told(self, client: str, message: str) -> None:
        """Wait until a client's file was told this."""
        with trio.fail_after(30):
            while message not in await self.told(client):  # noqa: ASYNC110  # likewise
                await trio.sleep(0.02)

    async def until_figure(self, wanted: Callable[[], bool]) -> None:
        """Wait until the figures are so."""
        with trio.fail_after(20):
            while not wanted():  # noqa: ASYNC110  # metrics are looked at, and tell nobody
                await trio.sleep(0.02)


def _told(state: File, message: Any, _context: Context) -> Decision[File]:
    return Decision(File(state.phase, (*state.told, type(message).__name__)))


def _say(state: File, _message: DescribeAccount, _context: Context) -> Decision[File]:
    return Decision(state, Told(state.told))


_TOLD = (AccountCreated, AccountRefused, AccountDelayed, CoreProfileChanged)
FILE: Machine[File] = Machine(
    "onboarding",
    phases=Phase,
    messages=(DescribeAccount, *_TOLD),
    rows=(
        row(Phase.OPEN, DescribeAccount, _say, Phase.OPEN),
        *(row(Phase.OPEN, one, _told, Phase.OPEN) for one in _TOLD),
    ),
)


def _kinds(*, real: bool) -> tuple[ActorSpec[Any], ...]:
    """The account that keeps all that it hears; or the one of the daemon, and its file."""
    if not real:
        return (ActorSpec(ACCOUNT, Book, replies=(Heard,)),)
    return account_spec(Bounds(), lambda _decided: None), ActorSpec(FILE, File, replies=(Told,))


@asynccontextmanager
async def desk(
    settings: Settings,
    mainframe: Mainframe,
    tables: MemoryTables | None = None,
    *,
    real: bool = False,
) -> AsyncGenerator[Desk, None]:
    """An engine whose bus is the one of these settings; nothing is read before `bus.run` is begun."""
    registry = CollectorRegistry()
    bus = CoreBus(settings, registry)
    async with AsyncExitStack() as stack:
        gateways = await bus.gateways(stack, mainframe=True)
        journal = await stack.enter_async_context(MemoryJournal.open(tables or MemoryTables()))
        clock = toy_clock(manual=True)
        kinds = _kinds(real=real)
        parts = toy_parts(journal, mainframe.gateway(), *gateways, actors=kinds, clock=clock)
        parts = msgspec.structs.replace(parts, constants={CORE_TERMS: CoreTerms.of(settings)})
        engine = await stack.enter_async_context(Engine(parts).running())
        yield Desk(engine, bus, registry)

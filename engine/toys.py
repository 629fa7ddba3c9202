"""Toys: the smallest actor and the smallest outside party, driven by what they are told to do.

They are what the engine's own tests play with, and the shortest example of how a kind of actor and
a gateway are declared. A `Do` message spells out the decision that it wants, so that a test can say
"add 3, send this there, then crash" without a machine of its own. Nothing of the daemon uses them.

Rule: everything follows from the messages and from the script; no clock and no chance but the
engine's. Source: style.md "fakes rather than mocks"; design.md 4 and 6.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Union

import msgspec
import trio

from comptoir.engine.clock import BusinessClock
from comptoir.engine.decision import Decision, Once, Outgoing, Refusal, Transfer
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.journal import Journal
from comptoir.engine.machine import Context, Machine, row
from comptoir.engine.parts import EngineBounds, Parts
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.values import Address, Event, Message, Reply, State

__all__ = [
    "TOY",
    "Call",
    "Did",
    "Do",
    "Done",
    "Look",
    "Party",
    "Phase",
    "Send",
    "Toy",
    "toy_clock",
    "toy_machine",
    "toy_parts",
    "toy_spec",
]

TOY = "toy"
DAWN_MS = 1_800_000_000_000
"""Business time when a toy clock starts: any round number."""
ONCE_MS = 3 * 366 * 86_400_000
"""Longer than any run of the simulation: as what tells webhooks apart is kept (X16)."""


class Phase(Enum):
    """Whether it ever did anything."""

    NEW = "new"
    USED = "used"


class Toy(State, frozen=True):
    """A sum, and everything that was done, in order."""

    phase: Phase
    total: int = 0
    seen: tuple[str, ...] = ()


class Call(Message, frozen=True):
    """Asks a `Party` for something; sent by an actor to a gateway."""

    reference: str


class Send(msgspec.Struct, frozen=True):
    """One message that a `Do` sends on."""

    kind: str
    key: str
    what: Union["Do", Call]
    due_in_ms: int | None = None
    name: str | None = None
    parked: bool = False


class Do(Message, frozen=True):
    """Decide this."""

    label: str
    add: int = 0
    once: str = ""
    refuse: str = ""
    """Refuse it under this code."""
    crash: str = ""
    """`always`, or `first`: only the first time that a label is seen."""
    spoil: bool = False
    """Decide something that no database takes: a transfer of no points."""
    quiet: bool = False
    """Leave the state as it is."""
    send: tuple[Send, ...] = ()
    cancel: tuple[str, ...] = ()
    release: bool = False


class Look(Message, frozen=True):
    """Answer with the sum that the journal shows, beside the sum in memory."""

    label: str
    crash: bool = False
    """Crash while looking."""


class Done(Reply, frozen=True):
    """The sum after it, and what a `Look` found in the journal."""

    label: str
    total: int
    found: int | None = None


class Did(Event, frozen=True):
    """Something was done."""

    label: str


def _sent(message: Do, context: Context) -> tuple[Outgoing, ...]:
    return tuple(
        Outgoing(
            Address(one.kind, one.key),
            one.what,
            None if one.due_in_ms is None else context.now + one.due_in_ms,
            one.name,
            one.parked,
        )
        for one in message.send
    )


def _look(state: Toy, message: Look, context: Context) -> Decision[Toy]:
    return Decision(state, Done(message.label, state.total, context.facts))


def toy_machine(kind: str = TOY) -> Machine[Toy]:
    """A machine that does what it is told."""
    crashed: set[str] = set()

    def do(state: Toy, message: Do, context: Context) -> Decision[Toy] | Refusal:
        if message.crash == "always" or (message.crash and message.label not in crashed):
            crashed.add(message.label)
            raise ZeroDivisionError(f"secret of {message.label}")
        if message.refuse:
            return Refusal(message.refuse, "as told")
        after = Toy(Phase.USED, state.total + message.add, (*state.seen, message.label))
        spoilt = Transfer("issued:", f"available:{kind}", 0, "credit", kind, (0, 0, 0, 0))
        return Decision(
            state if message.quiet else after,
            Done(message.label, state.total + message.add),
            events=() if message.quiet else (Did(message.label),),
            messages=_sent(message, context),
            cancel=message.cancel,
            release=message.release,
            once=(Once("toy", message.once, ONCE_MS),) if message.once else (),
            transfers=(spoilt,) if message.spoil else (),
        )

    return Machine(
        kind,
        phases=Phase,
        messages=(Do, Look),
        rows=(
            row(Phase.NEW, Do, do, Phase.NEW, Phase.USED),
            row(Phase.NEW, Look, _look, Phase.NEW),
            row(Phase.USED, Do, do, Phase.USED),
            row(Phase.USED, Look, _look, Phase.USED),
        ),
    )


async def _committed_total(journal: Journal, address: Address, message: Look) -> int:
    if message.crash:
        raise LookupError("as told")
    loaded = await journal.load(address)
    return 0 if loaded is None else msgspec.json.decode(loaded.state, type=Toy).total


def toy_spec(kind: str = TOY, bounds: Bounds | None = None, **options: Any) -> ActorSpec[Toy]:
    """The kind, with any bounds; `options` as of `ActorSpec`."""
    return ActorSpec(
        toy_machine(kind),
        Toy,
        replies=(Done,),
        lookups={Look: _committed_total},
        bounds=bounds,
        dead_queue=f"dlq:{kind}",
        **options,
    )


class Party:
    """An outside party that answers by script, and remembers how it was called.

    A step is `ok`; `sick` (a fault that may be retried); `no` (a refusal for good); `crash` (a bug of
    the adapter); `hang` (no answer, ever); `gate` (waits until `gate` is set, then ok); `bad` (an
    answer that no database takes). Calls beyond the script of their reference are `ok`.
    """

    def __init__(self, script: Mapping[str, Sequence[str]] | None = None) -> None:
        self.script = {name: list(steps) for name, steps in (script or {}).items()}
        self.lookups: dict[str, list[str]] = {}
        """Steps of looking up; beyond them a call is found exactly if it was made."""
        self.calls: list[tuple[str, str, int]] = []
        """Reference, business key and attempt of every call, in order."""
        self.looked_up: list[str] = []
        self.in_flight = 0
        self.in_flight_max = 0
        self.gate = trio.Event()
        self._called = trio.Event()

    async def wait_calls(self, count: int) -> None:
        """Return when at least so many calls were made."""
        while len(self.calls) < count:
            await self._called.wait()

    async def call(self, message: Call, context: CallContext) -> Message | None:
        """One call."""
        self.calls.append((message.reference, context.business_key, context.attempt))
        called, self._called = self._called, trio.Event()
        called.set()
        steps = self.script.get(message.reference) or ["ok"]
        return await self._play(steps.pop(0), message)

    async def look_up(self, message: Call, _context: CallContext) -> Message | None:
        """What became of it."""
        self.looked_up.append(message.reference)
        steps = self.lookups.get(message.reference)
        if steps:
            return await self._play(steps.pop(0), message)
        known = any(reference == message.reference for reference, _, _ in self.calls)
        return Do(f"found {message.reference}") if known else None

    async def _play(self, step: str, message: Call) -> Message | None:
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        try:
            await trio.lowlevel.checkpoint()
            match step:
                case "sick":
                    raise CallFault("PARTY_SICK", retryable=True)
                case "no":
                    raise CallFault("PARTY_REFUSED", retryable=False, sick=False)
                case "crash":
                    raise ZeroDivisionError(f"a bug with {message.reference}")
                case "hang":
                    await trio.sleep_forever()
                case "gate":
                    await self.gate.wait()
                case "bad":
                    return Do("\ud800")
                case "unknown":
                    return None
                case _:
                    assert step == "ok", f"no such step: {step}"
            return Do(f"answered {message.reference}")
        finally:
            self.in_flight -= 1

    def gateway(
        self, bounds: GatewayBounds | None = None, *, kind: str = "party", confirm: bool = False
    ) -> GatewaySpec:
        """The gateway in front of it; `confirm` makes its operation confirm-first."""
        operation = Operation(
            self.call,
            lambda message: f"{kind}:{message.reference}",
            idempotent=not confirm,
            look_up=self.look_up if confirm else None,
            failed=lambda message, code: Do(f"failed {message.reference} {code}"),
        )
        return GatewaySpec(
            kind, {Call: operation}, bounds or GatewayBounds(), dead_queue="dlq:party"
        )


def toy_clock(*, manual: bool = False) -> BusinessClock:
    """Business time that starts at a round number and goes with trio's clock, virtual or not."""
    began = trio.current_time()
    return BusinessClock(
        manual=manual,
        wall_ms=lambda: DAWN_MS + round((trio.current_time() - began) * 1000),
    )


def toy_parts(
    journal: Journal,
    *gateways: GatewaySpec,
    actors: Sequence[ActorSpec[Any]] | None = None,
    clock: BusinessClock | None = None,
    bounds: EngineBounds | None = None,
) -> Parts:
    """An engine of toys: `async with Engine(toy_parts(journal)).running() as engine`."""
    return Parts(
        journal=journal,
        clock=clock or toy_clock(),
        actors=(toy_spec(),) if actors is None else actors,
        gateways=gateways,
        bounds=bounds or EngineBounds(),
    )

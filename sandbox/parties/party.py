"""What every party has in common: operations that can be called, recorded and made to fail.

Rule: one mechanism plays the inbound faults for all parties; a party's own code holds its effects
only. Whatever happens to a call, the record tells it, and whether it had an effect.

Source: interface.md 10 (faults, calls); design.md 6 (`drop_after_effect` is what makes an outcome
unknown to the caller).
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import trio

from comptoir.sandbox.clock import Clock
from comptoir.sandbox.errors import Refused
from comptoir.sandbox.faults import Catalogue, Faults, Kind, Operation
from comptoir.sandbox.records import Record
from comptoir.sandbox.wire.router import Call, Route
from comptoir.sandbox.wire.server import Drop, Outcome, Reply, Silence, json_reply

# A recorded body is for reading what was asked, not for keeping files.
RECORDED_BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Stage:
    """What the parties share: the clock, the faults in force and the two records."""

    clock: Clock
    faults: Faults
    calls: Record
    inbox: Record


@dataclass(frozen=True, slots=True)
class Effect:
    """What a party answers, and whether the call changed anything on its side."""

    reply: Reply
    happened: bool


Act = Callable[[Call], Effect]


@dataclass(frozen=True, slots=True)
class Inbound:
    """An operation that the daemon calls over HTTP."""

    operation: Operation
    method: str
    path: str
    act: Act
    query: tuple[str, ...] = ()
    """The query parameters that it takes."""


@dataclass(frozen=True, slots=True)
class Party:
    """One outside party as the sandbox plays it."""

    name: str
    inbound: tuple[Inbound, ...] = ()
    outbound: tuple[Operation, ...] = ()

    def operations(self) -> tuple[Operation, ...]:
        return (*(row.operation for row in self.inbound), *self.outbound)

    def routes(self, stage: Stage) -> list[Route]:
        """The party's calls as rows of the route table."""
        return [_route(self.name, row, stage) for row in self.inbound]


def require_basic(call: Call) -> None:
    """Whoever asks is a program that has credentials; which ones is not looked at.

    Raises:
        Refused: it has none.
    """
    if not call.request.headers.get("authorization", "").startswith("Basic "):
        raise Refused(401, "CLIENT_UNKNOWN", "HTTP Basic with clientId and clientSecret")


def require_bearer(call: Call) -> None:
    """Whoever asks is a program that has a token; which one is not looked at.

    Raises:
        Refused: it has none.
    """
    scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused(401, "CLIENT_UNKNOWN", "a bearer token")


def catalogue(parties: tuple[Party, ...]) -> Catalogue:
    """The operations that faults may name."""
    return MappingProxyType({party.name: party.operations() for party in parties})


def _route(party: str, row: Inbound, stage: Stage) -> Route:
    async def handle(call: Call) -> Outcome:
        return await play(party, row, stage, call)

    return Route(row.method, row.path, handle, row.query)


async def play(party: str, row: Inbound, stage: Stage, call: Call) -> Outcome:
    """One call of an operation: faults first, then the effect, then the record."""
    fired = stage.faults.draw(party, row.operation)
    latency_ms = sum(spec.ms for spec in fired if spec.kind is Kind.LATENCY)
    if latency_ms:
        await trio.sleep(latency_ms / 1000)
    failure = next((spec for spec in fired if spec.kind is not Kind.LATENCY), None)
    effect: Effect | None = None
    outcome: Outcome
    if failure is None:
        effect = row.act(call)
        outcome = effect.reply
    elif failure.kind is Kind.DROP_AFTER_EFFECT:
        effect = row.act(call)
        outcome = Drop()
    elif failure.kind is Kind.TIMEOUT:
        outcome = Silence(failure.ms / 1000)
    else:
        assert failure.kind is Kind.STATUS
        detail = "a scripted fault of the sandbox"
        outcome = json_reply(failure.status, {"code": "SCRIPTED_FAULT", "detail": detail})
    _record(stage, party, row, call, (effect, outcome, [spec.kind.value for spec in fired]))
    return outcome


def _record(
    stage: Stage,
    party: str,
    row: Inbound,
    call: Call,
    what: tuple[Effect | None, Outcome, list[str]],
) -> None:
    effect, outcome, fired = what
    request = call.request
    answer: dict[str, object] | None = None
    if isinstance(outcome, Reply):
        answer = {"status": outcome.status, "body": _text(outcome.body)}
    facts = {
        "party": party,
        "operation": row.operation.name,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "idempotencyKey": request.headers.get("idempotency-key"),
        "body": _text(request.body),
        "answer": answer,
        "effect": effect is not None and effect.happened,
        "faults": fired,
    }
    answered = len(outcome.body) if isinstance(outcome, Reply) else 0
    size = min(len(request.body), RECORDED_BYTES_MAX) + min(answered, RECORDED_BYTES_MAX) + 512
    stage.calls.add(stage.clock.now_ms(), MappingProxyType(facts), size)


def _text(body: bytes) -> str:
    """The beginning of a body as text; what is not UTF-8 shows as the replacement character."""
    return body[:RECORDED_BYTES_MAX].decode("utf-8", "replace")

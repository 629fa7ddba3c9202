"""The gateway `letters`: the desk at which dead letters are delivered again, or given up.

Rule: what is done here is no decision of an actor's, but one of the writer's own (storage/letters.py), so
it is asked for as every outside party is: a durable row until it is done, bounded tries. A letter that is
gone is left out, so both acts may be repeated. Source: design.md 3 and 6; spec.md S64.
"""

from collections.abc import Callable
from typing import Final

from comptoir.actors.disposition.messages import Act, LettersSettled, LettersUnsettled
from comptoir.actors.gateways.messages import LETTERS, SettleLetters
from comptoir.engine.engine import Engine
from comptoir.engine.errors import Stopping, Unavailable
from comptoir.engine.gateway_spec import (
    CallContext,
    CallFault,
    GatewayBounds,
    GatewaySpec,
    Operation,
)
from comptoir.engine.journal import Journal
from comptoir.engine.values import Message

__all__ = ["letters_gateway"]

BOUNDS: Final = GatewayBounds(
    deadline_s=60.0, calls_max=2, retry_delays_ms=(1_000, 10_000, 60_000, 600_000, 3_600_000)
)
"""Each call is one transaction of the writer's. Tries reach over an hour of a database that is away."""


def letters_gateway(journal: Journal, engine: Callable[[], Engine | None]) -> GatewaySpec:
    """The desk.

    Args:
        journal: where the letters lie.
        engine: which hands over what is delivered again; None before it is there.
    """

    async def settle(message: SettleLetters, _context: CallContext) -> Message:
        opened = engine()
        try:
            if message.act == Act.DISCARD:
                await journal.discard(message.letters)
            elif opened is None:
                raise Stopping("the engine is not open yet")
            else:
                await opened.replay(message.letters)
        except (Stopping, Unavailable) as error:
            raise CallFault(error.code, retryable=True) from error
        return LettersSettled()

    def reference(message: SettleLetters) -> str:
        return f"{message.act}:{message.reference}:{message.letters[0]}"

    operation = Operation(
        settle, reference, failed=lambda _message, code: LettersUnsettled(code)
    )  # fmt: skip
    return GatewaySpec(LETTERS.kind, {SettleLetters: operation}, BOUNDS)

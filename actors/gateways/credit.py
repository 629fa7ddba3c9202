"""The gateway `credit`: how creditworthy a client is (S21, S24).

Rules: a score from 300 to 900, of which only whether it is high, and the party's word for it, is told on: the score itself
stays here. Somebody of whom nothing is known has no score, which is no low one: `CREDIT_NOT_KNOWN`.

No API of a credit bureau is public, so the request is ours (docs/providers.md).
Source: spec.md S21, S24, S63, S65.
"""

from typing import Annotated, Final

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.gateways.kyc_asking import (
    DEAD_QUEUE,
    Asker,
    impossible,
    operation,
    unconfigured,
)
from comptoir.actors.gateways.kyc_messages import CREDIT, CheckCredit, CreditChecked
from comptoir.actors.gateways.kyc_wire import address_of, party_of
from comptoir.engine.gateway_spec import CallContext, GatewayBounds, GatewaySpec, Operation
from comptoir.engine.values import Message

__all__ = ["NOT_KNOWN", "credit_gateway"]

NOT_KNOWN: Final = "CREDIT_NOT_KNOWN"


class _Score(msgspec.Struct, frozen=True):
    """What is read of an answer."""

    score: Annotated[int, Meta(ge=300, le=900)] | None
    """None: nothing is known of them."""
    band: Annotated[str, Meta(max_length=32, pattern=r"^[A-Z0-9_ -]*\Z")] = ""


_SCORE: Final = msgspec.json.Decoder(_Score)


class _Credit:
    """It, as it is asked."""

    def __init__(self, client: httpx.AsyncClient, key: str, high_from: int) -> None:
        self._asker = Asker("CREDIT", client, {"authorization": f"Bearer {key}"})
        self._high_from = high_from

    async def check(self, wanted: CheckCredit, _context: CallContext) -> Message | None:
        """Ask for one score."""
        question = {
            "reference": wanted.reference,
            "party": party_of(wanted.party),
            "address": address_of(wanted.address),
        }
        found = await self._asker.ask(
            "POST",
            "/scores",
            _SCORE,
            content=msgspec.json.encode(question),
            headers={"content-type": "application/json"},
        )
        if found.score is None:
            return impossible("credit")(wanted, NOT_KNOWN)
        return CreditChecked(wanted.reference, found.score >= self._high_from, found.band)


def credit_gateway(
    client: httpx.AsyncClient | None, key: str, high_from: int, bounds: GatewayBounds
) -> GatewaySpec:
    """The gateway over whoever scores.

    Args:
        client: with the party's base URL; None: there is none.
        key: who we are there.
        high_from: a score from here on is high.
        bounds: deadlines, calls at once, breaker.
    """
    call = unconfigured("credit") if client is None else _Credit(client, key, high_from).check
    operations: dict[type[Message], Operation] = {CheckCredit: operation("credit", call)}
    return GatewaySpec(CREDIT.kind, operations, bounds, dead_queue=DEAD_QUEUE)

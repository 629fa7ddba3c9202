"""The gateway `mail`: whoever carries mail for us, in the order of the configuration (S44).

Rules:
- one that is away, or does not take our credentials, is passed over for the next within the same call, and
  asked last for a while; one that says no to this very mail has spoken for all;
- where the answer of one was lost, the next is asked all the same: the mail may come twice, which harms nobody
  (notices.py), and by waiting it might not come at all.

Source: design.md 6; spec.md S44, S63, S65.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx
import msgspec
import trio

from comptoir.actors.gateways.messages import MAIL, NoticeTaken, SendMail
from comptoir.actors.gateways.notices import DEAD_QUEUE, notice_operation, taken
from comptoir.engine.gateway_spec import CallContext, CallFault, GatewayBounds, GatewaySpec
from comptoir.engine.values import Message

__all__ = ["Carrier", "mail_gateway"]

PARTY: Final = "MAIL"
MARGIN_S: Final = 1.0
"""The gateway's own deadline comes after that of the last carrier."""


class Carrier(NamedTuple):
    """One who carries mail."""

    send: Callable[[SendMail], Awaitable[httpx.Response]]
    timeout_s: float


@dataclass(slots=True)
class _Carriers:
    """Them all, and which of them rest."""

    carriers: Sequence[Carrier]
    rest_s: float
    _resting: dict[int, float]
    """By their place in the order: until when, of trio's clock."""

    async def send(self, message: SendMail, _context: CallContext) -> Message:
        """By the first that takes it."""
        faults: list[CallFault] = []
        for place in self._order():
            try:
                await self._send(self.carriers[place], message)
            except CallFault as fault:
                if not fault.sick:
                    raise
                self._resting[place] = trio.current_time() + self.rest_s
                faults.append(fault)
            else:
                return NoticeTaken(message.reference)
        # One that may be back soon is worth another try.
        raise next((fault for fault in faults if fault.retryable), faults[0])

    def _order(self) -> list[int]:
        now = trio.current_time()
        return sorted(range(len(self.carriers)), key=lambda one: self._resting.get(one, 0.0) > now)

    @staticmethod
    async def _send(carrier: Carrier, message: SendMail) -> None:
        with trio.move_on_after(carrier.timeout_s) as scope:
            await taken(PARTY, carrier.send(message))
        if scope.cancelled_caught:
            raise CallFault(f"{PARTY}_UNREACHABLE", retryable=True)


def mail_gateway(carriers: Sequence[Carrier], bounds: GatewayBounds) -> GatewaySpec:
    """The gateway over those who carry mail, the first choice first; its deadline is that of all of them."""
    assert carriers
    deadline_s = sum(one.timeout_s for one in carriers) + MARGIN_S
    rested = _Carriers(tuple(carriers), bounds.breaker.recovery_ms / 1000, {})
    return GatewaySpec(
        MAIL.kind,
        {SendMail: notice_operation(PARTY, rested.send)},
        msgspec.structs.replace(bounds, deadline_s=deadline_s),
        dead_queue=DEAD_QUEUE,
    )

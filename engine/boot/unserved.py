"""Parties that know people and are not configured: each question has an answer all the same, and it clears nobody.

Rule: what nobody serves is refused by name (NOT_CONFIGURED), at once and durably, so that no case waits for a party that
there is not. Source: spec.md S21, S27; actors/gateways/kyc_messages.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from comptoir.actors.gateways.kyc_messages import (
    ADDRESSES,
    BUREAU,
    CREDIT,
    MEDIA,
    SCREENING,
    CheckAddress,
    CheckCredit,
    CheckImpossible,
    ReadVerification,
    ScreenParty,
    SearchMedia,
    StartVerification,
)
from comptoir.engine.gateway_spec import CallContext, GatewaySpec, Operation
from comptoir.engine.values import Address, Message

__all__ = ["unserved"]

Check = Literal["identity", "address", "credit", "media", "screening"]
Question = (
    StartVerification | ReadVerification | CheckAddress | CheckCredit | SearchMedia | ScreenParty
)
_PARTIES: Final[Mapping[Address, tuple[Check, tuple[type[Message], ...]]]] = {
    BUREAU: ("identity", (StartVerification, ReadVerification)),
    ADDRESSES: ("address", (CheckAddress,)),
    CREDIT: ("credit", (CheckCredit,)),
    MEDIA: ("media", (SearchMedia,)),
    SCREENING: ("screening", (ScreenParty,)),
}


def unserved(gateways: Sequence[GatewaySpec]) -> Iterator[GatewaySpec]:
    """A gateway for each of the parties that none of these is.

    Args:
        gateways: those that there are.
    """
    there = {one.kind for one in gateways}
    for address, (check, questions) in _PARTIES.items():
        if address.kind not in there:
            operation = _refusing(check)
            yield GatewaySpec(
                address.kind, dict.fromkeys(questions, operation), dead_queue="dlq:onboarding"
            )


def _refusing(check: Check) -> Operation:
    async def refuse(message: Question, _context: CallContext) -> Message:
        return CheckImpossible(message.reference, check, "NOT_CONFIGURED")

    return Operation(refuse, lambda message: message.reference)

"""The gateway `bureau`: who verifies identities, and reports by webhook when it is done (S10, S21).

Rules:
- a verification is begun once for each reference: it is the `Idempotency-Key`, and a start whose answer was lost is sent
  again under it and finds the first;
- what the bureau has is read by the id that it gave, and told on only where it is about the file that was asked about;
- a reading that has no answer is none: who asked waits for the webhook, and for its own time (S27).

S21 names LexisNexis and Thomson Reuters, who publish no API; the requests are ours, in the terms of S8 and S10, and
docs/providers.md has them. Source: spec.md S8, S10, S18, S21, S27, S63, S65, E5, E6; design.md 6.
"""

from typing import Annotated, Any, Final, Literal

import httpx
import msgspec
from msgspec import Meta

from comptoir.actors.gateways.bureau_result import KycResult, report_of
from comptoir.actors.gateways.kyc_asking import DEAD_QUEUE, Asker, operation, unconfigured
from comptoir.actors.gateways.kyc_messages import (
    BUREAU,
    ReadVerification,
    StartVerification,
    VerificationStarted,
)
from comptoir.actors.gateways.kyc_wire import address_of, party_of
from comptoir.engine.gateway_spec import CallContext, GatewayBounds, GatewaySpec, Operation
from comptoir.engine.values import Message

__all__ = ["bureau_gateway"]

PATH: Final = "/verifications"
_Id = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_-]+\Z")]


class _Started(msgspec.Struct, frozen=True):
    id: _Id


class _Verification(msgspec.Struct, frozen=True, rename="camel"):
    id: _Id
    onboarding_id: Annotated[str, Meta(max_length=64)]
    status: Literal["PENDING", "COMPLETED"]
    kyc_result: KycResult | None = None


_STARTED: Final = msgspec.json.Decoder(_Started)
_VERIFICATION: Final = msgspec.json.Decoder(_Verification)


class _Bureau:
    """It, as it is asked."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self._asker = Asker("BUREAU", client, {"authorization": f"Bearer {key}"})

    async def start(self, wanted: StartVerification, _context: CallContext) -> Message:
        """Begin a verification, or find the one that was begun."""
        headers = {"content-type": "application/json", "idempotency-key": wanted.reference}
        content = msgspec.json.encode(_request(wanted))
        found = await self._asker.ask("POST", PATH, _STARTED, content=content, headers=headers)
        return VerificationStarted(wanted.reference, found.id)

    async def read(self, wanted: ReadVerification, _context: CallContext) -> Message | None:
        """What it has."""
        if not wanted.verification_id.isascii() or "/" in wanted.verification_id:
            raise self._asker.refused()
        found = await self._asker.ask("GET", f"{PATH}/{wanted.verification_id}", _VERIFICATION)
        if (found.id, found.onboarding_id) != (wanted.verification_id, wanted.onboarding_id):
            raise self._asker.invalid()
        if found.status == "PENDING":
            return None
        if found.kyc_result is None:
            raise self._asker.invalid()
        return report_of(found.kyc_result, healed=True)


def _request(wanted: StartVerification) -> dict[str, Any]:
    """The body that begins one."""
    return {
        "reference": wanted.reference,
        "onboardingId": wanted.onboarding_id,
        "clientType": wanted.client_type,
        "parties": [party_of(one) for one in wanted.parties],
        "address": address_of(wanted.address),
        "email": wanted.email,
        "phone": wanted.phone,
    }


def bureau_gateway(
    client: httpx.AsyncClient | None, key: str, bounds: GatewayBounds
) -> GatewaySpec:
    """The gateway over the bureau.

    Args:
        client: with the bureau's base URL; None: there is none.
        key: who we are there.
        bounds: deadlines, calls at once, breaker.
    """
    operations: dict[type[Message], Operation]
    if client is None:
        operations = {
            StartVerification: operation("identity", unconfigured("identity"), "start"),
            ReadVerification: operation("identity", _nothing, "read", quiet=True),
        }
    else:
        bureau = _Bureau(client, key)
        operations = {
            StartVerification: operation("identity", bureau.start, "start"),
            ReadVerification: operation("identity", bureau.read, "read", quiet=True),
        }
    return GatewaySpec(BUREAU.kind, operations, bounds, dead_queue=DEAD_QUEUE)


async def _nothing(_message: ReadVerification, _context: CallContext) -> None:
    """There is nobody to ask, so nobody answers."""

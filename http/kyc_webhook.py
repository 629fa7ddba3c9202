"""Receiving the bureau's webhooks: KYC_COMPLETED, in the seed's scheme with secrets of its own.

The rule: the rows of interface.md 6 in their order; what follows a right body is the case's to say: taken, a duplicate, or
ignored and on record, and each of the three is an answer that makes the bureau stop sending.
Source: spec.md S10, S11, S53 to S55, X4, X16, X19; interface.md 6 and 8.
"""

from collections.abc import Sequence
from typing import Final

from comptoir.actors.kyc.messages import KIND, ReportTaken
from comptoir.engine import Address
from comptoir.http.kyc_body import Concluded, read
from comptoir.http.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, seed_fault
from comptoir.http.webhook_rows import (
    ACCEPTED,
    DUPLICATE,
    IGNORED,
    OwnScheme,
    Taken,
    WebhookRequest,
    slots_of,
)

__all__ = ["KYC_PATH", "KycReception"]

KYC_PATH: Final = "/webhooks/kyc"
_OUTCOMES: Final = {"accepted": ACCEPTED, "duplicate": DUPLICATE, "ignored": IGNORED}


class KycReception(OwnScheme[Concluded]):
    """Receives the webhooks of one daemon's bureau."""

    __slots__ = ()
    SLOTS = slots_of(SIGNATURE_HEADER, TIMESTAMP_HEADER)

    async def fault(self, given: Sequence[bytes | None], request: WebhookRequest) -> str | None:
        """By the seed's scheme."""
        rules = self.rules.kyc
        signed, window = (given[0], given[1]), (self.port.now_ms(), rules.window_ms)
        return seed_fault(signed, request.body, rules.secrets, window)

    def read(self, given: Sequence[bytes | None], body: bytes) -> Concluded:
        """Of which file it speaks, and what was found."""
        del given
        return read(body)

    async def take(self, told: Concluded) -> Taken:
        """The case says which it is."""
        answer = await self.own_port.ask(Address(KIND, told.file), told.report)
        assert isinstance(answer.reply, ReportTaken)
        return _OUTCOMES[answer.reply.status]

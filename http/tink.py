"""Receiving Tink's webhooks: notices that make a connection read, and deletions.

The rule: the rows of interface.md 6 in their order, as for every sender. Nothing numbers a webhook: the very
same one, with the time that it was signed at, is taken once; one that Tink signs anew is told anew, which asks
for nothing that harms when it is done twice.

Source: docs.tink.com/resources/transactions/webhooks-for-transactions; spec.md S42, S53 to S55, X16, X19.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from comptoir.actors.connection.messages import KIND
from comptoir.actors.gateways.tink_meaning import PROVIDER
from comptoir.engine import Address
from comptoir.http.schemes import Window, tink_fault, tink_signature
from comptoir.http.tink_body import Told, read
from comptoir.http.webhook_reports import take_all
from comptoir.http.webhook_rows import IGNORED, OwnScheme, Taken, WebhookRequest, slots_of

__all__ = ["TINK_PATH", "TinkReception"]

TINK_PATH: Final = "/webhooks/tink"
REFERENCE_CHARACTERS: Final = 32
"""Of the digest that stands for a webhook without a number of its own."""


class TinkReception(OwnScheme[Told]):
    """Receives Tink's webhooks of one daemon."""

    __slots__ = ()
    SLOTS = slots_of(b"x-tink-signature")

    async def fault(self, given: Sequence[bytes | None], request: WebhookRequest) -> str | None:
        """By Tink's scheme."""
        rules = self.rules.tink
        window = Window(self.port.now_ms(), rules.window_ms)
        return tink_fault(tink_signature(given[0]), request.body, rules.secrets, window)

    def read(self, given: Sequence[bytes | None], body: bytes) -> Told:
        """Of whose connection it speaks, and what follows."""
        signature = tink_signature(given[0])
        assert signature is not None, "else it was refused"
        signed = sha256(signature.seconds + b"." + body).hexdigest()
        return read(body, signed[:REFERENCE_CHARACTERS])

    async def take(self, told: Told) -> Taken:
        """One report after the other."""
        reports = [*([told.stands] if told.stands is not None else []), *told.reports]
        if not reports:
            return IGNORED
        address = Address(KIND, self.port.blind(PROVIDER, told.user))
        return await take_all(self.own_port, address, reports)

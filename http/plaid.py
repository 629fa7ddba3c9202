"""Receiving Plaid's webhooks: verified by a key that is asked of Plaid, once per key.

The rule: the rows of interface.md 6 in their order, as for every sender. A key that is not at hand is asked
for while the webhook waits; where Plaid is away, or too many unknown keys are named, the answer is 503 and
the sender comes again: nothing is refused that could be genuine.
Source: plaid.com/docs/api/webhooks; protocols.md 5.2; spec.md S42, S53 to S55, X16, X19.
"""

from collections.abc import Sequence
from typing import Final

from comptoir.actors.connection.messages import KIND
from comptoir.engine import Address
from comptoir.http.plaid_body import PROVIDER, Told, read
from comptoir.http.plaid_jwt import key_of, plaid_fault, token_of
from comptoir.http.signatures import INVALID
from comptoir.http.webhook_rows import (
    IGNORED,
    OwnScheme,
    Taken,
    WebhookRequest,
    outcome_of,
    slots_of,
)

__all__ = ["PLAID_PATH", "PlaidReception"]

PLAID_PATH: Final = "/webhooks/plaid"


class PlaidReception(OwnScheme[Told]):
    """Receives Plaid's webhooks of one daemon."""

    __slots__ = ()
    SLOTS = slots_of(b"plaid-verification")

    async def fault(self, given: Sequence[bytes | None], request: WebhookRequest) -> str | None:
        """By a key of Plaid's.

        Raises:
            CallFault: its key cannot be had now.
        """
        token = token_of(given[0])
        if token is None:
            return INVALID
        jwk = await self.own_port.plaid_key(token.key_id)
        key = None if jwk is None else key_of(jwk, token.key_id)
        window = (self.port.now_ms(), self.rules.banking.window_ms)
        return plaid_fault(token, request.body, key, window)

    def read(self, given: Sequence[bytes | None], body: bytes) -> Told:
        """Of which connection it speaks, and what follows."""
        token = token_of(given[0])
        assert token is not None, "else it was refused"
        return read(body, token.reference, self.port.now_ms())

    async def take(self, told: Told) -> Taken:
        """What a connection says of its report."""
        if told.report is None:
            return IGNORED
        address = Address(KIND, self.port.blind(PROVIDER, told.item_id))
        return outcome_of(await self.own_port.ask(address, told.report))

"""What the edge needs of a daemon before somebody is paid: whose an account is, and quotes that only we can read.

Rule: a quote lies with its person, sealed under their own key and bound to what it is; erasing them makes it
unreadable like all else. Source: spec.md E18, X13; docs/adr/0042-a-quote-is-sealed-and-kept-by-its-person.md.
"""

from contextlib import AsyncExitStack
from typing import Final

from prometheus_client import CollectorRegistry

from comptoir.actors.gateways.payee import PayeeDesk, PayeeVerified, VerifyPayee
from comptoir.actors.gateways.payee_vop import VopPayees
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.withdrawal.messages import CLOSE_MATCH, MATCH, NO_MATCH, UNAVAILABLE
from comptoir.engine.boot.keys import Keys
from comptoir.engine.boot.parties import SANDBOX_CREDENTIAL, party_client
from comptoir.engine.compose import gateway_bounds
from comptoir.engine.errors import Stopping
from comptoir.engine.settings import Settings
from comptoir.engine.tally import Tallies
from comptoir.engine.values import Address
from comptoir.storage.vault import VaultError

__all__ = ["Paying", "open_payees"]

QUOTE: Final = b"withdrawal quote"
"""What a sealed quote is bound to: no row has this name, so no row's value is one, and it is none of a row's."""


class Paying:
    """That half of a daemon."""

    _keys: Keys | None
    payees: PayeeDesk | None = None

    async def verify_payee(self, wanted: VerifyPayee, asker: str) -> PayeeVerified:
        """Ask whose an account is."""
        if self.payees is None:
            raise Stopping("it is not open yet")
        return await self.payees.verify(wanted, asker)

    def seal_quote(self, user_id: str, quote: bytes) -> bytes:
        """Under its person's key, which their wallet has had made."""
        return self._quote_keys().sealer.seal(quote, QUOTE, Address(WALLET, user_id))

    def open_quote(self, sealed: bytes) -> bytes | None:
        """What was sealed so."""
        try:
            return self._quote_keys().sealer.open(sealed, QUOTE)
        except VaultError:
            return None

    def _quote_keys(self) -> Keys:
        if self._keys is None:
            raise Stopping("it is not open yet")
        return self._keys


async def open_payees(
    settings: Settings, registry: CollectorRegistry, stack: AsyncExitStack
) -> PayeeDesk:
    """The desk at which payees are checked; its connections end with the stack."""
    vop = settings.providers.vop
    checks = Tallies(
        registry,
        "comptoir_payee_checks",
        "Payees that were checked, by what was said (E18).",
        ("answer",),
    )
    counted = {one: checks.of(one) for one in (MATCH, CLOSE_MATCH, NO_MATCH, UNAVAILABLE)}

    def count(answer: str) -> None:
        counted[answer].value += 1

    adapter: VopPayees | None = None
    if vop.base_url:
        token = vop.token.reveal() or SANDBOX_CREDENTIAL
        adapter = VopPayees(await party_client(vop, stack), token, vop.agent_bic)
    return PayeeDesk(adapter, gateway_bounds(settings, vop, settings.breakers.default), count)

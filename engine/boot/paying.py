"""What the edge needs of a daemon before somebody is paid: whose an account is, and quotes that only we can read.

Rule: a quote lies with its person, sealed under their own key and bound to what it is; erasing them makes it
unreadable like all else. Source: spec.md E18, X13; docs/adr/0042-a-quote-is-sealed-and-kept-by-its-person.md.
"""

from contextlib import AsyncExitStack
from typing import Final

from msgspec import structs
from prometheus_client import CollectorRegistry

from comptoir.actors.gateways.payee import PayeeDesk, PayeeVerified, VerifyPayee
from comptoir.actors.gateways.payee_vop import VopPayees
from comptoir.actors.gateways.payments_seed import SeedPayments
from comptoir.actors.gateways.reconciling import PaymentSource, StatementSource, payments_gateway
from comptoir.actors.reconciliation.messages import PROVIDER, STATEMENT
from comptoir.actors.wallet.messages import KIND as WALLET
from comptoir.actors.withdrawal.messages import CLOSE_MATCH, MATCH, NO_MATCH, UNAVAILABLE
from comptoir.engine.boot.keys import Keys
from comptoir.engine.boot.parties import SANDBOX_CREDENTIAL, party_client
from comptoir.engine.compose import gateway_bounds
from comptoir.engine.errors import Stopping
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.journal import Journal
from comptoir.engine.settings import Settings
from comptoir.engine.tally import Tallies
from comptoir.engine.values import Address
from comptoir.storage.vault import VaultError

__all__ = ["Paying", "open_payees", "open_payments", "source_of"]

QUOTE: Final = b"withdrawal quote"
"""What a sealed quote is bound to: no row has this name, so no row's value is one, and it is none of a row's."""


SANDBOX_BIC: Final = "CMPTFRPP"
"""On this machine, where the sandbox plays the banks; beyond it a start without a real one is refused."""
PAGES_FACTOR: Final = 30
"""So many times the time of one call may a comparison of one day take."""


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
        agent = vop.agent_bic or SANDBOX_BIC
        adapter = VopPayees(await party_client(vop, stack), token, agent)
    return PayeeDesk(adapter, gateway_bounds(settings, vop, settings.breakers.default), count)


def source_of(settings: Settings) -> str:
    """Who says what was paid, by the way of paying that was chosen; empty: nobody."""
    if settings.withdrawals.payout == "pain001":
        return STATEMENT
    return PROVIDER if settings.providers.seed.base_url else ""


async def open_payments(settings: Settings, journal: Journal, stack: AsyncExitStack) -> GatewaySpec:
    """The desk at which payments are compared; its connections end with the stack."""
    seed, source = settings.providers.seed, source_of(settings)
    sources: dict[str, PaymentSource] = {}
    if source == PROVIDER:
        credentials = (seed.client_id, seed.client_secret.reveal())
        sources[PROVIDER] = SeedPayments(await party_client(seed, stack), credentials)
    elif source == STATEMENT:
        prefix = settings.withdrawals.reference_prefix
        sources[STATEMENT] = StatementSource(journal, prefix)
    bounds = gateway_bounds(settings, seed, settings.breakers.default)
    # A day has as many pages as there are payments, each within the time of one call.
    bounds = structs.replace(bounds, deadline_s=seed.timeout_s * PAGES_FACTOR, calls_max=2)
    return payments_gateway(journal, sources, bounds)

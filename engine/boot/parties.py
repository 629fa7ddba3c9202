"""The outside parties that a daemon speaks to, each behind its gateway.

Rule: a party whose address is empty has no gateway, and what needs it refuses by name; on this machine the
sandbox plays it and takes any credentials. Source: interface.md 3 and 10; design.md 6; spec.md S44.
"""

from contextlib import AsyncExitStack
from functools import partial
from typing import Any, NamedTuple

import httpx
import msgspec
import structlog

from comptoir.actors.card.kind import card_spec
from comptoir.actors.gateways.access import Accesses
from comptoir.actors.gateways.bank import Blind, bank_gateway
from comptoir.actors.gateways.bank_plaid import PlaidBank, PlaidTerms
from comptoir.actors.gateways.bank_powens import PowensBank, PowensTerms
from comptoir.actors.gateways.bank_seed import SeedBank
from comptoir.actors.gateways.bank_tink import TinkBank, TinkTerms
from comptoir.actors.gateways.brevo import brevo
from comptoir.actors.gateways.google_tokens import GoogleTokens, ServiceAccount
from comptoir.actors.gateways.mail import Carrier, mail_gateway
from comptoir.actors.gateways.payout_seed import payout_gateway
from comptoir.actors.gateways.plaid_api import PlaidApi
from comptoir.actors.gateways.plaid_keys import KeySource, PlaidKeys
from comptoir.actors.gateways.powens_api import PowensApi
from comptoir.actors.gateways.push import Fcm, push_gateway
from comptoir.actors.gateways.sendgrid import sendgrid
from comptoir.actors.gateways.tink_api import TinkApi
from comptoir.actors.gateways.twilio import TwilioAccount, twilio_gateway
from comptoir.actors.linking.kind import linking_spec
from comptoir.actors.linking.state import LinkState
from comptoir.engine.compose import gateway_bounds, mail_carriers
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.journal import Decided
from comptoir.engine.moves import Moves
from comptoir.engine.settings import (
    Brevo,
    PlaidEnvironment,
    PlaidProvider,
    Provider,
    SendGrid,
    Settings,
)
from comptoir.engine.spec import ActorSpec, Bounds
from comptoir.engine.trust import trust_of

__all__ = ["SANDBOX_CREDENTIAL", "Parties", "linking_specs", "open_parties", "party_client"]

log = structlog.get_logger("comptoir.boot")

_NAMED = (
    "fcm", "sendgrid", "brevo", "twilio", "seed", "powens", "plaid", "tink", "vop", "kyc", "addresses_ban",
    "addresses_canada_post", "credit", "adverse_media",
)  # fmt: skip
"""Parties whose silence is told of at the start."""
SANDBOX_SID = "AC" + 32 * "0"
SANDBOX_ACCOUNT = "comptoir@sandbox.iam.gserviceaccount.com"
SANDBOX_TOKENS = "/oauth2/token"
"""Where the sandbox gives out tokens of Google's."""
SANDBOX_CREDENTIAL = "sandbox"
"""Beyond this machine a start without real ones is refused (settings/rules.py)."""


def linking_specs(bounds: Bounds, moves: Moves) -> tuple[ActorSpec[Any], ...]:
    """The kinds that a card is linked by; whoever waits for a session hears of its decisions."""

    def measure(decided: Decided) -> None:
        state = decided.decision.state
        if isinstance(state, LinkState) and state.outline is not None:
            moves.decided(state.outline.session, decided)

    return (linking_spec(bounds, measure), card_spec(bounds))


class Parties(NamedTuple):
    """What speaks to outside parties."""

    gateways: list[GatewaySpec]
    plaid_keys: PlaidKeys
    """By which Plaid's webhooks are verified."""


async def open_parties(
    settings: Settings, blind: Blind, accesses: Accesses, stack: AsyncExitStack
) -> Parties:
    """A gateway for each party that has an address; their connections end with the stack."""
    found = await _notices(settings, stack)
    seed = settings.providers.seed
    if seed.base_url:
        credentials = (seed.client_id, seed.client_secret.reveal())
        adapter = SeedBank(await party_client(seed, stack), credentials, blind)
        paced = gateway_bounds(settings, seed, settings.breakers.powens)
        found.append(bank_gateway("seed", adapter, paced, accesses))
        # Nobody is paid in a way that was not chosen.
        if settings.withdrawals.payout == "seed":
            found.append(payout_gateway(await party_client(seed, stack), credentials, paced))
    if settings.providers.powens.base_url:
        found.append(await _powens(settings, blind, accesses, stack))
    if settings.providers.tink.base_url:
        found.append(await _tink(settings, blind, accesses, stack))
    sources = await _plaid_sources(settings, stack)
    plaid = settings.providers.plaid
    if plaid.base_url:
        terms = PlaidTerms(
            plaid.client_name,
            plaid.language,
            plaid.country_codes,
            max(plaid.history_days, settings.connections.look_back_days),
        )
        first = sources[0]
        by_plaid = PlaidBank(first.api, terms, blind)
        found.append(bank_gateway("plaid", by_plaid, first.bounds, accesses))
    providers = settings.providers
    parties: dict[str, Provider] = {name: getattr(providers, name) for name in _NAMED}
    silent = [name for name, party in parties.items() if not party.base_url]
    if silent:
        log.info("parties without an address (providers.*.base_url)", parties=silent)
    return Parties(found, PlaidKeys(sources))


async def _powens(
    settings: Settings, blind: Blind, accesses: Accesses, stack: AsyncExitStack
) -> GatewaySpec:
    """Powens on our domain."""
    powens = settings.providers.powens
    api = PowensApi(
        await party_client(powens, stack), (powens.client_id, powens.client_secret.reveal())
    )
    days = settings.connections.look_back_days
    terms = PowensTerms(powens.webview_url, powens.language, days, powens.token_days)
    bounds = gateway_bounds(settings, powens, settings.breakers.powens)
    return bank_gateway("powens", PowensBank(api, terms, blind), bounds, accesses)


async def _tink(
    settings: Settings, blind: Blind, accesses: Accesses, stack: AsyncExitStack
) -> GatewaySpec:
    """Tink for our app."""
    tink = settings.providers.tink
    api = TinkApi(await party_client(tink, stack), (tink.client_id, tink.client_secret.reveal()))
    days = settings.connections.look_back_days
    terms = TinkTerms(tink.link_url, tink.market, tink.locale, tink.id_hint, days)
    bounds = gateway_bounds(settings, tink, settings.breakers.default)
    return bank_gateway("tink", TinkBank(api, terms, blind), bounds, accesses)


async def _plaid_sources(settings: Settings, stack: AsyncExitStack) -> list[KeySource]:
    """Plaid's environments, the one that cards are linked in first."""
    plaid = settings.providers.plaid
    breaker = settings.breakers.default
    environments: tuple[PlaidProvider | PlaidEnvironment, ...] = (
        plaid, *settings.webhooks.plaid.environments,
    )  # fmt: skip
    sources: list[KeySource] = []
    for one in environments:
        if one.base_url:
            party = Provider(one.base_url, plaid.timeout_s, plaid.calls_in_flight_max)
            client = await party_client(party, stack)
            api = PlaidApi(client, (one.client_id, one.client_secret.reveal()))
            sources.append(KeySource(api, gateway_bounds(settings, plaid, breaker)))
    return sources


async def _notices(settings: Settings, stack: AsyncExitStack) -> list[GatewaySpec]:
    """Push, mail and text messages."""
    found: list[GatewaySpec] = []
    push, sms = settings.providers.fcm, settings.providers.twilio
    breaker = settings.breakers.notifications
    if push.base_url:
        bounds = gateway_bounds(settings, push, breaker)
        found.append(push_gateway(await _fcm(settings, stack), bounds))
    carriers = await _carriers(settings, stack)
    if carriers:
        first = getattr(settings.providers, mail_carriers(settings)[0])
        found.append(mail_gateway(carriers, gateway_bounds(settings, first, breaker)))
    if sms.base_url:
        client, bounds = await party_client(sms, stack), gateway_bounds(settings, sms, breaker)
        account = TwilioAccount(
            sms.account_sid or SANDBOX_SID,
            sms.auth_token.reveal() or SANDBOX_CREDENTIAL,
            sms.from_number,
        )
        found.append(twilio_gateway(client, account, bounds))
    return found


async def _fcm(settings: Settings, stack: AsyncExitStack) -> Fcm:
    """Firebase, for our project."""
    push = settings.providers.fcm
    given = push.service_account.reveal()
    if given:
        account = msgspec.json.decode(given, type=ServiceAccount)
    else:
        token_uri = f"{push.base_url}{SANDBOX_TOKENS}"
        account = ServiceAccount(SANDBOX_CREDENTIAL, SANDBOX_ACCOUNT, token_uri)
    asked = Provider(account.token_uri, push.timeout_s, push.calls_in_flight_max)
    tokens = GoogleTokens(await party_client(asked, stack), account)
    return Fcm(await party_client(push, stack), tokens, push.ttl_hours * 3600)


async def _carriers(settings: Settings, stack: AsyncExitStack) -> list[Carrier]:
    """Who carries mail, the first choice first."""
    made = {
        "sendgrid": partial(_by_sendgrid, settings.providers.sendgrid),
        "brevo": partial(_by_brevo, settings.providers.brevo),
    }
    return [await made[name](stack) for name in mail_carriers(settings)]


async def _by_sendgrid(by_sendgrid: SendGrid, stack: AsyncExitStack) -> Carrier:
    key = by_sendgrid.api_key.reveal() or SANDBOX_CREDENTIAL
    return sendgrid(
        await party_client(by_sendgrid, stack), key, by_sendgrid.from_address, by_sendgrid.timeout_s
    )


async def _by_brevo(by_brevo: Brevo, stack: AsyncExitStack) -> Carrier:
    key = by_brevo.api_key.reveal() or SANDBOX_CREDENTIAL
    return brevo(
        await party_client(by_brevo, stack), key, by_brevo.from_address, by_brevo.timeout_s
    )


async def party_client(party: Provider, stack: AsyncExitStack) -> httpx.AsyncClient:
    """A client of one party, with a bound on its connections."""
    limits = httpx.Limits(max_connections=party.calls_in_flight_max)
    client = httpx.AsyncClient(
        base_url=party.base_url, limits=limits, verify=trust_of(party.base_url)
    )
    return await stack.enter_async_context(client)

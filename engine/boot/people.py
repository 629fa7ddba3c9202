"""Gateways to those who know about people: the bureau, addresses, credit, the press (S21).

Rule: every one of them is there, also where nobody is behind it: then it says so to whoever asks, and no question waits for
ever. Each party has a breaker and bounds of its own (S18, S65).
Source: spec.md S18, S21, S27; docs/providers.md.
"""

from contextlib import AsyncExitStack

import httpx

from comptoir.actors.gateways.addresses import (
    BAN,
    CANADA_POST,
    address_gateway,
    addresses_gateway,
)
from comptoir.actors.gateways.addresses_ban import Ban
from comptoir.actors.gateways.addresses_canada_post import CanadaPost
from comptoir.actors.gateways.bureau import bureau_gateway
from comptoir.actors.gateways.credit import credit_gateway
from comptoir.actors.gateways.media import media_gateway
from comptoir.engine.boot.parties import SANDBOX_CREDENTIAL, party_client
from comptoir.engine.compose import gateway_bounds
from comptoir.engine.gateway_spec import GatewayBounds, GatewaySpec
from comptoir.engine.settings import Provider, Secret, Settings

__all__ = ["people_gateways"]


async def people_gateways(settings: Settings, stack: AsyncExitStack) -> list[GatewaySpec]:
    """Them all; their connections end with the stack."""
    providers = settings.providers
    bureau, credit, media = providers.kyc, providers.credit, providers.adverse_media
    ban, canada_post = providers.addresses_ban, providers.addresses_canada_post

    async def client(party: Provider) -> httpx.AsyncClient | None:
        return await party_client(party, stack) if party.base_url else None

    def bounds(party: Provider) -> GatewayBounds:
        return gateway_bounds(settings, party, settings.breakers.kyc)

    of_ban, of_canada = await client(ban), await client(canada_post)
    in_france = Ban(of_ban).known if of_ban else None
    in_canada = CanadaPost(of_canada, _key(canada_post.api_key)).known if of_canada else None
    return [
        bureau_gateway(await client(bureau), _key(bureau.api_key), bounds(bureau)),
        addresses_gateway(GatewayBounds()),
        address_gateway(BAN, in_france, ban.likeness_min, bounds(ban)),
        address_gateway(CANADA_POST, in_canada, canada_post.likeness_min, bounds(canada_post)),
        credit_gateway(
            await client(credit), _key(credit.api_key), credit.high_from, bounds(credit)
        ),
        media_gateway(await client(media), _key(media.api_key), bounds(media)),
    ]


def _key(key: Secret) -> str:
    """Beyond this machine a start without a real one is refused (settings/rules_of_parties.py)."""
    return key.reveal() or SANDBOX_CREDENTIAL

"""DocuSign as a daemon speaks to it: for which account, by which key, and how envelopes are sent.

Rule: without an address it is asked nothing, and what is asked of it is refused by name.
Source: interface.md 3; design.md 6; spec.md S28, S63, S65; docs/docusign.md.
"""

from contextlib import AsyncExitStack
from typing import NamedTuple, cast

from prometheus_client import CollectorRegistry

from comptoir.actors.gateways.docusign import Docusign, DocusignTerms, SigningMode
from comptoir.actors.gateways.docusign_api import DocusignApi
from comptoir.actors.gateways.docusign_tokens import DocusignTokens, DocusignUser
from comptoir.actors.gateways.signing import Contracts, signing_gateway
from comptoir.actors.gateways.signing_desk import AWAY, ELSEWHERE, TOO_OFTEN, SigningDesk
from comptoir.engine.boot.parties import party_client
from comptoir.engine.compose import gateway_bounds
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.settings import Settings
from comptoir.engine.tally import Tallies

__all__ = ["Signers", "open_docusign", "signing_desk"]


class Signers(NamedTuple):
    """Who has contracts signed."""

    gateway: GatewaySpec
    adapter: Docusign | None
    """None: nobody is asked."""


def signing_desk(
    settings: Settings, adapter: Docusign | None, registry: CollectorRegistry
) -> SigningDesk:
    """Where clients are sent to sign, if they sign anywhere that one is sent to from here."""
    party = settings.providers.docusign
    asked = Tallies(
        registry,
        "comptoir_signing_addresses",
        "Addresses where clients sign that were asked for, by what came of it: `given`, or why there was none (S28).",
        ("result",),
    )
    counted = {one: asked.of(one) for one in ("given", AWAY, ELSEWHERE, TOO_OFTEN)}

    def count(result: str) -> None:
        counted[result].value += 1

    provider = adapter if party.signing != "email" else None
    return SigningDesk(provider, gateway_bounds(settings, party, settings.breakers.default), count)


async def open_docusign(settings: Settings, store: Contracts, stack: AsyncExitStack) -> Signers:
    """The gateway of signing over DocuSign; its connections end with the stack."""
    party = settings.providers.docusign
    bounds = gateway_bounds(settings, party, settings.breakers.default)
    if not party.base_url:
        return Signers(signing_gateway(None, bounds), None)
    client = await party_client(party, stack)
    user = DocusignUser(
        party.integration_key, party.user_id, party.account_id, party.private_key.reveal()
    )
    terms = DocusignTerms(cast("SigningMode", party.signing), party.notify_url)
    api = DocusignApi(client, DocusignTokens(client, user))
    adapter = Docusign(api, store, terms)
    return Signers(signing_gateway(adapter, bounds), adapter)

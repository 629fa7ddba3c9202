"""DocuSign as a daemon speaks to it: for which account, by which key, and how envelopes are sent.

Rule: without an address it is asked nothing, and what is asked of it is refused by name.
Source: interface.md 3; design.md 6; spec.md S28, S63, S65; docs/docusign.md.
"""

from contextlib import AsyncExitStack
from typing import cast

from comptoir.actors.gateways.docusign import Docusign, DocusignTerms, SigningMode
from comptoir.actors.gateways.docusign_api import DocusignApi
from comptoir.actors.gateways.docusign_tokens import DocusignTokens, DocusignUser
from comptoir.actors.gateways.signing import Contracts, signing_gateway
from comptoir.engine.boot.parties import party_client
from comptoir.engine.compose import gateway_bounds
from comptoir.engine.gateway_spec import GatewaySpec
from comptoir.engine.settings import Settings

__all__ = ["open_docusign"]


async def open_docusign(settings: Settings, store: Contracts, stack: AsyncExitStack) -> GatewaySpec:
    """The gateway of signing over DocuSign; its connections end with the stack."""
    party = settings.providers.docusign
    bounds = gateway_bounds(settings, party, settings.breakers.default)
    if not party.base_url:
        return signing_gateway(None, bounds)
    client = await party_client(party, stack)
    user = DocusignUser(
        party.integration_key, party.user_id, party.account_id, party.private_key.reveal()
    )
    terms = DocusignTerms(cast("SigningMode", party.signing), party.notify_url)
    api = DocusignApi(client, DocusignTokens(client, user))
    return signing_gateway(Docusign(api, store, terms), bounds)

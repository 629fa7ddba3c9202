"""The rules of the edge for tests: compiled once, since nearly every test begins with them.

The rule: what is shared is frozen; a test that wants another rule has a copy (`dataclasses.replace`).
Source: comptoir.http.rules.
"""

from dataclasses import replace
from functools import cache

from comptoir.engine.settings import Auth, Secret, Settings, Webhooks, WebhooksParty, WebhooksPowens
from comptoir.http.lists_testing import LIST
from comptoir.http.rules import EdgeRules

__all__ = ["rules_of"]


@cache
def rules_of(secrets: tuple[str, ...]) -> EdgeRules:
    """Those of a daemon without accounts that pays, and whose senders have these secrets."""
    held = tuple(Secret(secret) for secret in secrets)
    party, its = WebhooksParty(held), WebhooksPowens(held)
    webhooks = Webhooks(seed=party, powens=its, tink=party, kyc=party, docusign=party)
    known = EdgeRules.of(Settings(webhooks=webhooks, auth=Auth(mode="loopback")))
    return replace(known, payouts=replace(known.payouts, served=True), lists=(LIST,))

"""Rules that the settings of outside parties must meet: reached under TLS, and told who we are.

Source: interface.md 3; spec.md S44, S54, S62.
"""

from collections.abc import Iterator
from dataclasses import fields
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from comptoir.engine.settings.cashback import Webhooks
from comptoir.engine.settings.notices import Notifications
from comptoir.engine.settings.problems import Problem
from comptoir.engine.settings.providers import OF_THE_SANDBOX, Provider, Providers
from comptoir.engine.settings.rules import is_loopback, problem

__all__ = ["environment_problems", "mainframe_problems", "party_problems", "zone_problems"]

PREFIX_LETTERS_MAX = 5
"""Of a file's number, where there is a mainframe. MQ's CorrelId has 24 bytes; what we send is called after the file:
`ABCDE-2026-1234567:9.999`.
"""


def party_problems(providers: Providers) -> Iterator[Problem]:
    """Want https of every outside party, but for this machine, where the sandbox plays them (S62)."""
    for row in fields(providers):
        party: Provider = getattr(providers, row.name)
        parts = urlsplit(party.base_url)
        sealed = parts.scheme in ("https", "amqps")
        if party.base_url and not sealed and not is_loopback(parts.hostname or ""):
            place = f"providers.{row.name}.base_url"
            yield problem(place, "is beyond loopback and not https", "give its https address")
    mail, sms, plaid = providers.sendgrid, providers.twilio, providers.plaid
    powens, tink, vop = providers.powens, providers.tink, providers.vop
    push, second, signing = providers.fcm, providers.brevo, providers.docusign
    yield from _page_problems("powens.webview_url", powens, powens.webview_url)
    yield from _page_problems("tink.link_url", tink, tink.link_url)
    needed = {
        "plaid.client_secret": (plaid, bool(plaid.client_secret)),
        "powens.client_secret": (powens, bool(powens.client_secret)),
        "tink.client_secret": (tink, bool(tink.client_secret)),
        "fcm.service_account": (push, bool(push.service_account)),
        "sendgrid.api_key": (mail, bool(mail.api_key)),
        "brevo.api_key": (second, bool(second.api_key)),
        "twilio.account_sid": (sms, bool(sms.account_sid)),
        "twilio.auth_token": (sms, bool(sms.auth_token)),
        "vop.token": (vop, bool(vop.token)),
        "vop.agent_bic": (vop, bool(vop.agent_bic)),
        "mainframe.password": (providers.mainframe, bool(providers.mainframe.password)),
        "docusign.private_key": (signing, bool(signing.private_key)),
        "docusign.integration_key": (signing, signing.integration_key != OF_THE_SANDBOX),
        "docusign.user_id": (signing, signing.user_id != OF_THE_SANDBOX),
        "docusign.account_id": (signing, signing.account_id != OF_THE_SANDBOX),
    }
    keyed = ("kyc", "addresses_canada_post", "credit", "adverse_media")
    needed |= {
        f"{name}.api_key": (party, bool(party.api_key))
        for name, party in ((name, getattr(providers, name)) for name in keyed)
    }
    for key, (party, given) in needed.items():
        host = urlsplit(party.base_url).hostname or ""
        if host and not is_loopback(host) and not given:
            place = f"providers.{key}"
            yield problem(place, "is not given, but the party is not this machine", "give it")


def mainframe_problems(mainframe: Provider, prefix: str) -> Iterator[Problem]:
    """Want numbers of files that leave room in a CorrelId: one that is cut would be another file's (X10)."""
    if mainframe.base_url and len(prefix) > PREFIX_LETTERS_MAX:
        yield problem(
            "onboarding.number_prefix",
            f"has {len(prefix)} letters, and a command called after such a file has no room in MQ's CorrelId of 24 bytes",
            f"give at most {PREFIX_LETTERS_MAX}",
        )


def zone_problems(notices: Notifications) -> Iterator[Problem]:
    """Want a time zone that is known here: quiet hours are reckoned in it."""
    try:
        ZoneInfo(notices.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield problem("notifications.time_zone", "is no zone of the IANA data base", "name another")


def _page_problems(key: str, party: Provider, page: str) -> Iterator[Problem]:
    """Want as much of the pages of a bank's provider, where people sign in."""
    parts, place = urlsplit(page), f"providers.{key}"
    if party.base_url and not page:
        yield problem(place, "is empty, but cards are linked there", "give its address")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield problem(place, "is beyond loopback and not https", "give its https address")


def environment_problems(webhooks: Webhooks) -> Iterator[Problem]:
    """Want as much of the other environments of Plaid, whose word decides who has signed a webhook."""
    for number, one in enumerate(webhooks.plaid.environments):
        parts, place = urlsplit(one.base_url), f"webhooks.plaid.environments[{number}]"
        if not one.base_url:
            yield problem(f"{place}.base_url", "is empty", "give its address, or leave it out")
        elif not is_loopback(parts.hostname or ""):
            if parts.scheme != "https":
                yield problem(
                    f"{place}.base_url",
                    "is beyond loopback and not https",
                    "give its https address",
                )
            if not one.client_secret:
                yield problem(
                    f"{place}.client_secret", "is empty, but it is not this machine", "give it"
                )

"""The terms of an invitation, as its machine sees them: one frozen value from the settings.

Source: spec.md S9, S34, S44, X8; OWASP ASVS 5, V6.5.5 (a code lives ten minutes at most), V7.3.
"""

from typing import cast

import msgspec

from comptoir.engine.compose import mail_carriers
from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["TERMS", "Terms", "terms_of"]

TERMS = "invitation"
MINUTE_MS = 60_000
DAY_MS = 86_400_000


class Terms(msgspec.Struct, frozen=True):
    """What the configuration says about links, codes and sessions of clients."""

    link_ms: int = 7 * DAY_MS
    code_ms: int = 10 * MINUTE_MS
    tries_max: int = 5
    """Wrong codes, over all codes of a link; with the last of them it is dead."""
    codes_max: int = 3
    """Codes sent for a link."""
    links_max: int = 3
    """Links that a client gets in a day by asking for them, without an advisor."""
    session_ms: int = 720 * MINUTE_MS
    idle_ms: int = 30 * MINUTE_MS
    once_ms: int = DAY_MS
    """For how long a repeated request gets the first answer (interface.md 1)."""
    mail: bool = False
    """Whether there is a party that carries mail."""
    sms: bool = False
    """Likewise text messages."""

    @property
    def waiting_ms(self) -> int:
        """From the use of a link to the last moment at which a code may be typed."""
        return self.codes_max * self.code_ms

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        """The terms as configured."""
        portal, parties = settings.onboarding, settings.providers
        return cls(
            link_ms=portal.portal_link_days * DAY_MS,
            code_ms=portal.portal_code_minutes * MINUTE_MS,
            tries_max=portal.portal_code_tries_max,
            codes_max=portal.portal_codes_max,
            links_max=portal.portal_links_max,
            session_ms=portal.portal_session_minutes * MINUTE_MS,
            idle_ms=portal.portal_idle_minutes * MINUTE_MS,
            mail=bool(mail_carriers(settings)),
            sms=bool(parties.twilio.base_url),
        )


def terms_of(context: Context) -> Terms:
    """The terms in force for this decision."""
    return cast("Terms", context.references[TERMS])

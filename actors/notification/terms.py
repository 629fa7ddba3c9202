"""The terms of notices, as their machine sees them: one frozen value from the settings.

Source: spec.md S44, S52, S74.
"""

from typing import cast

import msgspec

from comptoir.actors.notification.messages import Language
from comptoir.engine.compose import mail_carriers
from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["TERMS", "Terms", "terms_of"]

TERMS = "notification"
MINUTE_MS = 60_000
DAY_MS = 86_400_000


class Terms(msgspec.Struct, frozen=True):
    """What the configuration says about telling people."""

    push: bool = False
    """Whether there is a party that reaches devices."""
    mail: bool = False
    """Likewise one that carries mail."""
    sms: bool = False
    """Likewise one that carries text messages."""
    language: Language = "fr"
    """Of whoever has chosen none."""
    time_zone: str = "Europe/Paris"
    """Likewise."""
    devices_max: int = 10
    """Of a person; one more takes the place of the one that was refreshed least lately."""
    held_max: int = 32
    """Notices that wait for the end of quiet hours; of what is more, only the number is told."""
    digest_from: int = 4
    """So many that waited are told in one."""
    code_ms: int = 10 * MINUTE_MS
    tries_max: int = 5
    """Wrong codes; after the last of them a new one is needed."""
    codes_per_day_max: int = 5
    """Codes sent for one person, to whatever address: a stranger is not written to more often."""

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        """The terms as configured."""
        notices, parties = settings.notifications, settings.providers
        return cls(
            push=bool(parties.fcm.base_url),
            mail=bool(mail_carriers(settings)),
            sms=bool(parties.twilio.base_url),
            language=cast("Language", notices.language),
            time_zone=notices.time_zone,
            devices_max=notices.devices_max,
            held_max=notices.held_max,
            digest_from=notices.digest_from,
            code_ms=notices.code_minutes * MINUTE_MS,
            tries_max=notices.code_tries_max,
            codes_per_day_max=notices.codes_per_day_max,
        )


def terms_of(context: Context) -> Terms:
    """The terms in force for this decision."""
    return cast("Terms", context.references[TERMS])

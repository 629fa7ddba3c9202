"""The terms of reporting, as its machine sees them: one frozen value from the settings."""

from typing import cast

import msgspec

from comptoir.engine.compose import mail_carriers
from comptoir.engine.machine import Context
from comptoir.engine.settings import Settings

__all__ = ["TERMS", "ReportTerms", "terms_of"]

TERMS = "letter_report"


class ReportTerms(msgspec.Struct, frozen=True):
    """What the configuration says about reports."""

    to: str = ""
    """Address of operations; empty: no reports."""
    hour: int = 6
    """Of the day in UTC, 0 to 23."""
    mail: bool = False
    """Whether there is a party that carries mail."""

    @classmethod
    def of(cls, settings: Settings) -> "ReportTerms":
        """The terms as configured."""
        letters = settings.dead_letters
        mail = bool(mail_carriers(settings))
        return cls(letters.report_to, letters.report_hour, mail)


def terms_of(context: Context) -> ReportTerms:
    """The terms in force for this decision."""
    return cast("ReportTerms", context.references[TERMS])

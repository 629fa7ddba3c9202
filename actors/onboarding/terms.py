"""The terms of onboarding, as its machine sees them: one frozen value from the settings.

Source: spec.md S1, S4, S9, S12, S19.
"""

from collections.abc import Mapping
from typing import Final, cast

import msgspec

from comptoir.engine.machine import Context
from comptoir.engine.settings import ClientType, Settings
from comptoir.engine.settings.client_types import CLIENT_TYPES

__all__ = ["TERMS", "OnboardingTerms", "terms_of"]

TERMS: Final = "onboarding"
DAY_MS: Final = 86_400_000
SECOND_MS: Final = 1000
YEAR_HOURS: Final = 8_766
"""A Julian year: seven of them, in whole days, are never shorter than seven of the calendar."""


class OnboardingTerms(msgspec.Struct, frozen=True):
    """What the configuration says about files and their documents."""

    types: Mapping[str, ClientType] = CLIENT_TYPES
    """What a file of each type of client needs; a new type is a row here (S1)."""
    media_types: tuple[str, ...] = ("application/pdf", "image/jpeg")
    bytes_max: int = 104_857_600
    upload_ms: int = 3_600_000
    life_ms: int = 7 * DAY_MS
    """From its beginning to the last moment for its documents (S9)."""
    reminders_ms: tuple[int, ...] = (3 * DAY_MS, DAY_MS)
    """Before that moment, the longest first."""
    kept_ms: int = 90 * DAY_MS
    """For how long a file that is INCOMPLETE may be resumed."""
    audit_ms: int = 2_557 * DAY_MS
    """For how long a file is kept whose client was assessed: after it, or the relation, has ended."""
    owner_share: int = 25
    """Percent from which somebody is a beneficial owner by shares or votes."""
    once_ms: int = DAY_MS
    kyc_approved_topic: str = "onboarding.kyc.approved"
    """Told of an approval (S11, S17)."""
    mail: bool = False
    """Whether there is a party that carries mail."""
    sms: bool = False
    """Likewise text messages."""
    signing: bool = False
    """Whether contracts are signed by anybody's means; without, a file stays KYC_APPROVED."""
    written_to: tuple[str, ...] = ("embedded",)
    """Of those who have contracts signed, who writes to no client by itself: so we do (S7)."""
    accounts: bool = False
    """Whether there is a mainframe; without, no signed file is approved."""
    code_page: str = "cp500"
    """Of the mainframe's records: what has no letters in it is said before anybody signs (X12)."""
    portal: str = ""
    """Where clients reach us, without a slash at its end; empty: not configured."""
    signature_ms: int = 30 * DAY_MS
    """From the moment in which a contract is issued to the last in which it may be signed."""
    reissues_max: int = 4
    approval_days: int = 2
    """Business days until an advisor is reminded, and as many until operations hear of it (E14)."""
    differences: tuple[str, ...] = (
        "ADDRESS_DIFFERS", "NATIONALITY_DIFFERS", "TAX_NUMBER_DIFFERS", "TAX_INCOME_DIFFERS",
    )  # fmt: skip
    """Codes of documents that count as data that disagree (S20, S25)."""
    operations: tuple[str, ...] = ()
    """Mail addresses of who is told of what waits too long, and of accounts that come to nothing."""
    partner_advisor_email: str = ""
    """Where the advisor of files that partners bring is told; empty: nowhere."""

    @classmethod
    def of(cls, settings: Settings) -> "OnboardingTerms":
        """The terms as configured."""
        documents, parties = settings.documents, settings.providers
        onboarding = settings.onboarding
        return cls(
            types=onboarding.types,
            media_types=documents.media_types,
            bytes_max=documents.bytes_max,
            upload_ms=documents.upload_url_s * SECOND_MS,
            life_ms=onboarding.portal_link_days * DAY_MS,
            reminders_ms=tuple(
                sorted((x * DAY_MS for x in onboarding.reminder_days), reverse=True)
            ),
            kept_ms=onboarding.incomplete_kept_days * DAY_MS,
            audit_ms=-(-settings.retention.onboarding_audit_years * YEAR_HOURS // 24) * DAY_MS,
            owner_share=onboarding.owner_share_percent,
            kyc_approved_topic=onboarding.kyc_approved_topic,
            mail=bool(parties.sendgrid.base_url),
            sms=bool(parties.twilio.base_url),
            signing=bool(settings.signing.provider),
            written_to=(
                "embedded",
                *(("docusign",) if parties.docusign.signing == "embedded" else ()),
            ),
            accounts=bool(parties.mainframe.base_url) or settings.core_banking.bus == "kafka",
            code_page=parties.mainframe.code_page,
            portal=settings.auth.issuer.rstrip("/"),
            signature_ms=onboarding.signature_days * DAY_MS,
            reissues_max=onboarding.signature_reissues_max,
            approval_days=onboarding.approval_days,
            differences=tuple(f"{x.upper()}_DIFFERS" for x in onboarding.differences_counted),
            operations=tuple(dict.fromkeys(onboarding.operations_emails)),
            partner_advisor_email=onboarding.partner_advisor_email,
        )


def terms_of(context: Context) -> OnboardingTerms:
    """The terms in force for this decision."""
    return cast("OnboardingTerms", context.references[TERMS])

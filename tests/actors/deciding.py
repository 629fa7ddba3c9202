"""What one decision of any machine is made from (test_every_machine.py)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from comptoir.actors.account.terms import CORE_TERMS, CoreTerms
from comptoir.actors.cutoffs import CUTOFFS, Cutoffs
from comptoir.actors.endpoint.terms import OUTWARD_TERMS, OutwardTerms
from comptoir.actors.invitation.terms import TERMS, Terms
from comptoir.actors.kyc.terms import KYC_TERMS, KycTerms
from comptoir.actors.letter_report.terms import TERMS as REPORT_TERMS
from comptoir.actors.letter_report.terms import ReportTerms
from comptoir.actors.merchants import Builder, Partner
from comptoir.actors.merchants.messages import CATALOGUE
from comptoir.actors.onboarding.terms import TERMS as ONBOARDING_TERMS
from comptoir.actors.onboarding.terms import OnboardingTerms
from comptoir.actors.programme import PROGRAMME, Programme
from comptoir.actors.reconciliation.terms import RECONCILING
from comptoir.actors.review.terms import TERMS as REVIEW
from comptoir.actors.signature.terms import SIGNING_TERMS, SigningTerms
from comptoir.actors.watch_list.terms import LIST_TERMS, ListTerms
from comptoir.engine.boot import machines
from comptoir.engine.decision import Decision, Refusal
from comptoir.engine.machine import Context
from comptoir.engine.values import Address, Message, State
from tests.actors import notifying
from tests.actors.batched import ON
from tests.actors.filed import FILE_TERMS
from tests.actors.purchases import NOW
from tests.actors.reviewed import REVIEW_TERMS

__all__ = ["PARTNER", "Case"]

PARTNER = Partner(id="p1", name="Chez Nous", rate_bp=500)


def _catalogue() -> Any:
    builder = Builder(1)
    builder.add([PARTNER])
    return builder.build()


REFERENCES: Mapping[str, Any] = {
    PROGRAMME: Programme(), CATALOGUE: _catalogue(), TERMS: Terms(mail=True, sms=True),
    KYC_TERMS: KycTerms(), LIST_TERMS: ListTerms(),
    REVIEW: REVIEW_TERMS, CORE_TERMS: CoreTerms(), SIGNING_TERMS: SigningTerms(),
    OUTWARD_TERMS: OutwardTerms(mail=True), **notifying.TERMS,
}  # fmt: skip


class Case(msgspec.Struct, frozen=True):
    """One decision that is to be made, with all that it is made from."""

    state: State
    message: Message
    facts: Any = None
    now: int = NOW
    terms: Any = ReportTerms("ops@example.org", 6, mail=True)
    cutoffs: Cutoffs = ON
    files: OnboardingTerms = FILE_TERMS
    key: str = "u1"

    def decide(self, name: str) -> "Decision[Any] | Refusal":
        """Let the machine of this name decide."""
        terms = {
            REPORT_TERMS: self.terms,
            RECONCILING: self.terms,
            CUTOFFS: self.cutoffs,
            ONBOARDING_TERMS: self.files,
        }
        references = {**REFERENCES, **terms}
        context = Context(Address(name, self.key), self.now, 7, references, self.facts)
        return machines()[name].decide(self.state, self.message, context)

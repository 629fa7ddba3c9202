"""The rows of assessments (operations.py has the rule).

Source: interface.md 8 and 9; spec.md S26, E2, E3; docs/authorization.md; docs/kyc.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import kyc
from comptoir.http import shapes_kyc as shapes
from comptoir.http.operation import Body, Door, Operation, Owner, Parameter, Reach
from comptoir.http.operations_banking import CURSOR, LIMIT
from comptoir.http.portal.rows import FILE
from comptoir.http.principal import Role

__all__ = ["KYC"]

_SEES: Final = MappingProxyType(
    {Role.CLIENT: Reach.OWN, Role.CONSEILLER: Reach.OWN, Role.COMPLIANCE: Reach.ANY}
)
_FILE: Final = Parameter(
    "onboardingId", "path", "Number of the file.", {**FILE.schema, "minLength": 12, "maxLength": 23}
)

KYC: Final = (
    Operation(
        "getAssessment", "GET", "/api/v1/onboarding/{onboardingId}/kyc",
        "What the assessment of a client came to, and why", "onboarding", Door.TOKEN,
        {200: Body("As far as the caller may know it.", shapes.CaseTold)}, kyc.shown,
        problems=("NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE"), grants=_SEES,
        owner=Owner.ANSWER, parameters=(_FILE,),
    ),
    Operation(
        "listDecisions", "GET", "/api/v1/kyc/decisions",
        "What the rules decided, to be decided again by others", "onboarding", Door.TOKEN,
        {200: Body("A page, by the numbers of the files.", shapes.DecisionPage)}, kyc.listed,
        problems=("REQUEST_INVALID", "NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE"),
        grants=MappingProxyType({Role.COMPLIANCE: Reach.ANY}), parameters=(LIMIT, CURSOR),
    ),
)  # fmt: skip

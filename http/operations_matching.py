"""The rows of claims and of the matcher's proof (operations.py has the rule).

Source: interface.md 7 (rows b1); spec.md E9, X22, X23; docs/authorization.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import claims, matching
from comptoir.http import shapes_matching as shapes
from comptoir.http.operation import Assurance, Body, Door, Operation, Owner, Parameter, Reach
from comptoir.http.operations_banking import CURSOR, LIMIT, READS_MONEY
from comptoir.http.principal import Role

__all__ = ["MATCHING"]

_CLAIMS: Final = MappingProxyType({Role.CLIENT: Reach.OWN})
_SEES_CLAIMS: Final = MappingProxyType({Role.COMPLIANCE: Reach.ANY, Role.OPERATIONS: Reach.ANY})
_DECIDES: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
"""Who keeps the partner base says whose a purchase was."""
_CLAIM = Parameter(
    "claimId",
    "path",
    "The claim's id, `clm_...`.",
    {"type": "string", "minLength": 24, "maxLength": 24},
)
_OF_DECISIONS: Final = (
    "NOT_FOUND", "CONFLICT", "REQUEST_MALFORMED", "REQUEST_INVALID", "STORAGE_UNAVAILABLE",
)  # fmt: skip

MATCHING: Final = (
    Operation(
        "claimCashback", "POST", "/api/v1/claims", "Why did a purchase give no cashback?", "claims",
        Door.TOKEN, {201: Body("The answer, or a claim that waits.", shapes.Claim)}, claims.ask,
        problems=("NOT_FOUND", "REQUEST_MALFORMED", "REQUEST_INVALID", "STORAGE_UNAVAILABLE"),
        grants=_CLAIMS, owner=Owner.ANSWER, body=Body("Which purchase.", shapes.NewClaim),
    ),
    Operation(
        "listClaims", "GET", "/api/v1/claims", "Claims that wait for a decision", "claims",
        Door.TOKEN, {200: Body("A page, the newest first.", shapes.ClaimPage)}, claims.listed,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_SEES_CLAIMS,
        parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "getClaim", "GET", "/api/v1/claims/{claimId}", "What became of a claim", "claims",
        Door.TOKEN, {200: Body("It.", shapes.Claim)}, claims.shown,
        problems=("NOT_FOUND", "STORAGE_UNAVAILABLE"), grants=READS_MONEY, owner=Owner.ANSWER,
        parameters=(_CLAIM,),
    ),
    Operation(
        "grantClaim", "POST", "/api/v1/claims/{claimId}/grant", "It was this partner's", "claims",
        Door.TOKEN, {200: Body("It is credited.", shapes.Claim)}, claims.grant,
        problems=(*_OF_DECISIONS, "FOUR_EYES", "PARTNER_UNKNOWN", "PARTNER_NOT_VALID"),
        grants=_DECIDES, assurance=Assurance.TWO_FACTORS, parameters=(_CLAIM,),
        body=Body("Whose.", shapes.Grant),
    ),
    Operation(
        "refuseClaim", "POST", "/api/v1/claims/{claimId}/refuse", "It was nobody's", "claims",
        Door.TOKEN, {200: Body("It stays so.", shapes.Claim)}, claims.refuse,
        problems=_OF_DECISIONS, grants=_DECIDES, assurance=Assurance.TWO_FACTORS,
        parameters=(_CLAIM,), body=Body("Why.", shapes.ClaimRefusal),
    ),
    Operation(
        "listMatchedPurchases", "GET", "/api/v1/matching/purchases",
        "What a changed partner base is tried on", "claims", Door.TOKEN,
        {200: Body("A page.", shapes.PurchasePage)}, matching.purchases,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_DECIDES,
        parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "listMatchedPartners", "GET", "/api/v1/matching/partners",
        "The partner base in force, every period of it, as a backtest takes it", "claims",
        Door.TOKEN, {200: Body("A page, by id.", shapes.BasePage)}, matching.partners,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_DECIDES,
        parameters=(LIMIT, CURSOR),
    ),
    Operation(
        "listMatchCases", "GET", "/api/v1/matching/cases", "Labelled cases from granted claims",
        "claims", Door.TOKEN, {200: Body("A page.", shapes.CaseList)}, matching.cases,
        problems=("REQUEST_INVALID", "STORAGE_UNAVAILABLE"), grants=_DECIDES,
        parameters=(LIMIT, CURSOR),
    ),
)  # fmt: skip

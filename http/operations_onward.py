"""The rows of the last word on a signed file, of contracts that are issued anew, and of the end of what is kept of a client
(operations.py has the rule).

Source: interface.md 8 (row c2); spec.md S4, S28, S34, X5, E14; docs/authorization.md; docs/onboarding.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import access_shapes as access
from comptoir.http import keeping, onward
from comptoir.http import shapes_onboarding as files
from comptoir.http import shapes_review as reviews
from comptoir.http.operation import Assurance, Body, Door, Operation, Owner, Reach
from comptoir.http.operations_documents import ONE_FILE, THE_FILE
from comptoir.http.principal import Role

__all__ = ["ONWARD"]

_THEIRS: Final = MappingProxyType({Role.CONSEILLER: Reach.OWN})
_KEEPS_FILES: Final = MappingProxyType({Role.OPERATIONS: Reach.ANY})
_ERASES: Final = MappingProxyType({Role.ADMIN: Reach.ANY})
_READ: Final = ("NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE")
_NOW: Final = {200: Body("As it is then.", files.File)}

ONWARD: Final = (
    Operation(
        "approveOnboarding", "POST", f"{ONE_FILE}/approval", "An advisor has the last word on a signed file",
        "onboarding", Door.TOKEN, _NOW, onward.approve,
        problems=(
            *_READ, "REQUEST_MALFORMED", "REQUEST_INVALID", "MEDIA_TYPE_UNSUPPORTED", "FOUR_EYES",
            "APPROVAL_NOT_AWAITED", "ACCOUNT_FIELDS_UNFIT", "CORE_BANKING_NOT_CONFIGURED",
        ),
        grants=_THEIRS, assurance=Assurance.TWO_FACTORS, owner=Owner.ANSWER, parameters=(THE_FILE,),
        body=Body("The word, and why.", reviews.Judgement),
    ),
    Operation(
        "reissueSignature", "POST", f"{ONE_FILE}/signature/reissue", "Its contract is issued anew",
        "onboarding", Door.TOKEN, _NOW, onward.reissue,
        problems=(
            *_READ, "SIGNATURE_NOT_OPEN", "SIGNATURE_REISSUES_USED_UP", "SIGNING_NOT_CONFIGURED",
            "CLIENT_TYPE_UNKNOWN",
        ),
        grants=_THEIRS, assurance=Assurance.TWO_FACTORS, owner=Owner.ANSWER, parameters=(THE_FILE,),
    ),
    Operation(
        "endRelation", "POST", f"{ONE_FILE}/relation/end", "Its client is a client no longer",
        "onboarding", Door.TOKEN, {200: Body("Until when the law keeps it.", reviews.RelationEnd)}, keeping.end_relation, problems=(*_READ, "CONFLICT"),
        grants=_KEEPS_FILES, assurance=Assurance.TWO_FACTORS, parameters=(THE_FILE,),
    ),
    Operation(
        "eraseOnboarding", "POST", f"{ONE_FILE}/erasure", "A file is to be erased, as its client wants",
        "onboarding", Door.TOKEN, {202: Body("Nothing yet: a second person approves it.", access.Proposal)},
        keeping.ask_erasure, problems=(*_READ, "VAULT_STORE_NONE", "ERASURE_REFUSED"), grants=_ERASES,
        assurance=Assurance.RECENT, parameters=(THE_FILE,),
    ),
)  # fmt: skip

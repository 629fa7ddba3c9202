"""Problems of the last word on a file, of its contract, and of its account (problems.py has the rule).

Source: spec.md S28, S30, X5; docs/onboarding.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import Problem

__all__ = ["OF_ONWARD"]

OF_ONWARD: Final[Mapping[str, Problem]] = {
    "APPROVAL_NOT_AWAITED": Problem(
        409, "Nothing to approve", "The file is not signed, compliance looks at it, or it is decided already.",
        "Consulter le dossier", "Look at the file",
    ),
    "ACCOUNT_FIELDS_UNFIT": Problem(
        409, "Account cannot be opened", "The mainframe wants fields that are missing or that it cannot hold.",
        "Refuser, reprendre le dossier et le compléter", "Reject it, resume the file and complete it",
    ),
    "CORE_BANKING_NOT_CONFIGURED": Problem(
        409, "No mainframe", "No core banking is configured: no account can be opened.",
        "Contacter le support", "Contact support",
    ),
    "ACCOUNT_NOT_SEEN": Problem(
        409, "Not seen so", "The account is not held, or the last look at the mainframe has not shown this.",
        "Interroger le système central d'abord", "Look at the mainframe first",
    ),
    "ACCOUNT_LOOKS_SPENT": Problem(
        409, "Looked too often", "The mainframe was asked about this account as often as one person may ask.",
        "Régler le compte à deux", "Have two people settle it",
    ),
    "SIGNATURE_NOT_OPEN": Problem(
        409, "No contract to issue", "No contract of this file waits to be signed, or it is being issued now.",
        "Consulter le dossier", "Look at the file",
    ),
    "SIGNATURE_REISSUES_USED_UP": Problem(
        409, "Issued too often", "The contract was issued as often as it may be.",
        "Commencer un nouveau dossier", "Begin another file",
    ),
    "SIGNING_NOT_CONFIGURED": Problem(
        409, "No signatures", "No means of signing is configured.",
        "Contacter le support", "Contact support",
    ),
}  # fmt: skip

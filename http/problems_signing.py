"""What a signature and its proof may be told: rows of the table of problems (problems.py has the rule).

Source: spec.md S6, S28, S34; docs/signature.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import LATER_EN, LATER_FR, Problem

__all__ = ["OF_SIGNING"]

OF_SIGNING: Final[Mapping[str, Problem]] = {
    "SIGNATURE_OVER": Problem(
        410, "Its time is over", "The contract cannot be signed any more.",
        "Demander un nouveau contrat à votre conseiller", "Ask your advisor for a new contract",
    ),
    "SIGNATURE_UNREAD": Problem(
        409, "Not read yet", "The contract has to be opened before it is signed.",
        "Ouvrir le contrat", "Open the contract",
    ),
    "SIGNATURE_STALE": Problem(
        409, "Another version", "What was read is not what is to be signed.",
        "Relire le contrat", "Read the contract again",
    ),
    "SIGNATURE_ELSEWHERE": Problem(
        409, "Signed another way", "This contract is not signed on a page that one is sent to from here.",
        "Signer comme le message reçu le dit", "Sign as the message that was sent says",
    ),
    "SIGNATURE_NOT_READY": Problem(
        409, "Not ready yet", "The contract is being made.",
        LATER_FR, LATER_EN, True,
    ),
    "SIGNING_UNAVAILABLE": Problem(
        503, "Signing unavailable", "Whoever has contracts signed does not answer; nothing was changed.",
        LATER_FR, LATER_EN, True, 5,
    ),
    "CONSENT_MISSING": Problem(
        422, "Consent missing", "Every text has to be agreed to, in the version that is shown now.",
        "Lire et accepter chaque texte", "Read and agree to every text",
    ),
    "SIGNATURE_CODE_NEEDED": Problem(
        403, "A code is needed", "It is signed with a one-time code that was typed after the contract was opened.",
        "Demander un code, puis le saisir", "Ask for a code and type it",
    ),
}  # fmt: skip

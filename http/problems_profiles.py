"""Problems of profiles, of partners' submissions and of files that go on (problems.py has the rule)."""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import FIX_EN, FIX_FR, Problem

__all__ = ["OF_PROFILES"]

OF_PROFILES: Final[Mapping[str, Problem]] = {
    "CLIENT_TYPE_UNKNOWN": Problem(
        422, "Type of client unknown", "No such type of client is configured.", FIX_FR, FIX_EN
    ),
    "CORRECTION_PENDING": Problem(
        409, "Correction on its way", "The mainframe has not answered the last correction yet.",
        "Réessayer quand elle aura répondu", "Try again when it has answered",
    ),
    "PRECONDITION_FAILED": Problem(
        412, "Changed meanwhile", "It is not what you have seen any more: nothing was changed.",
        "Relire, puis modifier à nouveau", "Read it again, then change it",
    ),
    "PROFILE_CLOSED": Problem(
        409, "Profile closed", "The documents of this file are there: what is said of its client stands.",
        "Contacter votre conseiller", "Contact your advisor",
    ),
    "PROFILE_TOO_LARGE": Problem(
        409, "Profile too large", "The profile has as many fields as it may have.", FIX_FR, FIX_EN
    ),
    "ONBOARDING_NOT_INCOMPLETE": Problem(
        409, "File goes on", "The file is not INCOMPLETE: there is nothing to resume.",
        "Consulter le dossier", "Look at the file",
    ),
    "SUBMISSION_CLOSED": Problem(
        409, "Submission closed", "The client has completed the file, or its time is over: it is not amended any more.",
        "Contacter le conseiller du client", "Contact the client's advisor",
    ),
    "SUBMISSIONS_TOO_MANY": Problem(
        409, "Amended too often", "The submission was amended as often as it may be.",
        "Contacter le conseiller du client", "Contact the client's advisor",
    ),
}  # fmt: skip

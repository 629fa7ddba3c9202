"""The rows of profiles, of files that go on, and of partners' submissions (operations.py has the rule).

Source: interface.md 8 (rows c1); spec.md S5, E16, X7; docs/authorization.md; docs/onboarding.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import profiles, submissions
from comptoir.http import shapes_onboarding as files
from comptoir.http import shapes_profile as shapes
from comptoir.http.operation import (
    Assurance,
    Body,
    Door,
    Operation,
    Owner,
    Parameter,
    Reach,
)
from comptoir.http.operations_dashboard import DASHBOARD
from comptoir.http.operations_documents import DOCUMENTS, ONE_FILE, SEES, THE_FILE
from comptoir.http.operations_onward import ONWARD
from comptoir.http.principal import Role

__all__ = ["ONBOARDING"]

_SAYS: Final = MappingProxyType({Role.CLIENT: Reach.OWN, Role.CONSEILLER: Reach.OWN})
"""What they know of the client, each under their own name."""
_RESUMES: Final = MappingProxyType({Role.CONSEILLER: Reach.OWN})
_SUBMITS: Final = MappingProxyType({submissions.SCOPE: Reach.ANY})
"""Of what a partner has submitted itself: there is nothing else to it."""
_READ: Final = ("NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE")
_WRITTEN: Final = ("REQUEST_MALFORMED", "REQUEST_INVALID")
_REACHES: Final = ("MAIL_NOT_CONFIGURED", "SMS_NOT_CONFIGURED")
_IF_MATCH: Final = Parameter(
    "If-Match", "header", "The `ETag` of the profile that was seen; without it, whatever it is is changed.",
    {"type": "string", "pattern": '^("[0-9]{1,9}"|[*])$'},
)  # fmt: skip

_PROFILES: Final = (
    Operation(
        "getProfile", "GET", f"{ONE_FILE}/profile", "What is known of a client, and who said it",
        "onboarding", Door.TOKEN, {200: Body("It.", shapes.Profile, headers=("ETag",))},
        profiles.show, problems=_READ, grants=SEES, owner=Owner.ANSWER, parameters=(THE_FILE,),
    ),
    Operation(
        "changeProfile", "PATCH", f"{ONE_FILE}/profile", "Something is said of a client",
        "onboarding", Door.TOKEN, {200: Body("As it is now.", shapes.Profile, headers=("ETag",))},
        profiles.change,
        problems=(
            *_WRITTEN, *_READ, "PRECONDITION_FAILED", "PROFILE_CLOSED", "PROFILE_TOO_LARGE", "ONBOARDING_OVER",
            "CORRECTION_PENDING",
        ),
        grants=_SAYS, assurance=Assurance.TWO_FACTORS, owner=Owner.ANSWER,
        parameters=(THE_FILE, _IF_MATCH),
        body=Body("A merge patch (RFC 7396).", shapes.ProfilePatch, also=(profiles.MERGE_PATCH,)),
    ),
    Operation(
        "resumeOnboarding", "POST", f"{ONE_FILE}/resume", "A file that was INCOMPLETE goes on",
        "onboarding", Door.TOKEN, {200: Body("Its client's new link.", files.Initiated)},
        profiles.resume,
        problems=(*_READ, *_REACHES, "ONBOARDING_OVER", "ONBOARDING_NOT_INCOMPLETE"),
        grants=_RESUMES, assurance=Assurance.TWO_FACTORS, owner=Owner.ANSWER,
        parameters=(THE_FILE,),
    ),
    Operation(
        "submitClient", "POST", "/api/v1/partner/submissions", "A partner submits a client",
        "onboarding", Door.TOKEN, {201: Body("The file, and a receipt.", shapes.SubmissionTaken)},
        submissions.submit,
        problems=(
            *_WRITTEN, *_READ, *_REACHES, "PROFILE_TOO_LARGE", "SUBMISSION_CLOSED", "SUBMISSIONS_TOO_MANY",
        ),
        scopes=_SUBMITS, body=Body("What the partner says.", shapes.PartnerSubmission),
    ),
    Operation(
        "getSubmission", "GET", "/api/v1/partner/submissions/{reference}",
        "How far the file of a partner's client is", "onboarding", Door.TOKEN,
        {200: Body("That, and the receipt.", shapes.SubmissionShown)}, submissions.show,
        problems=_READ, scopes=_SUBMITS,
        parameters=(
            Parameter(
                "reference", "path", "The partner's own.",
                {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "minLength": 1, "maxLength": 64},
            ),
        ),
    ),
)  # fmt: skip
ONBOARDING: Final = (*DOCUMENTS, *_PROFILES, *ONWARD, *DASHBOARD)

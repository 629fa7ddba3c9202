"""The rows of documents and of the files that they belong to (operations.py has the rule).

Source: interface.md 8 (rows c1) and 9; spec.md S8, S12, S34; docs/authorization.md; docs/uploads.md.
"""

from types import MappingProxyType
from typing import Final

from comptoir.http import onboarding, submissions
from comptoir.http import shapes_onboarding as shapes
from comptoir.http.operation import (
    Assurance,
    Body,
    Door,
    Operation,
    Owner,
    Parameter,
    Proof,
    Reach,
)
from comptoir.http.operations_review import REVIEWS
from comptoir.http.portal.rows import FILE
from comptoir.http.principal import Role

__all__ = ["DOCUMENTS", "ONE_FILE", "SEES", "THE_FILE"]

_TEXT: Final = {"type": "string"}
_SEGMENT: Final = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}
_NUMBER: Final = {"type": "string", "pattern": "^[0-9]{1,15}$"}
_OF_UPLOADS: Final = (
    "SOURCE_FORBIDDEN", "NOT_FOUND", "UPLOAD_SIGNATURE_INVALID", "UPLOAD_EXPIRED",
    "UPLOAD_TYPE_MISMATCH", "UPLOAD_TOO_LONG", "UPLOAD_TOO_SHORT", "UPLOAD_USED", "UPLOAD_NO_ROOM",
    "UPLOAD_DIGEST_MISMATCH", "OBJECTS_UNAVAILABLE", "RATE_LIMITED",
)  # fmt: skip

_BEGINS: Final = MappingProxyType({Role.CONSEILLER: Reach.ANY})
_BRINGS: Final = MappingProxyType({submissions.SCOPE: Reach.ANY})
"""A partner's program begins files of its own (S5)."""
_SENDS: Final = MappingProxyType({Role.CLIENT: Reach.OWN})
"""Its documents are the client's to send (S4)."""
SEES: Final = MappingProxyType(
    {Role.CLIENT: Reach.OWN, Role.CONSEILLER: Reach.OWN, Role.COMPLIANCE: Reach.ANY}
)
ONE_FILE: Final = "/api/v1/onboarding/{onboardingId}"
THE_FILE: Final = Parameter(
    "onboardingId", "path", "Number of the file.", {**FILE.schema, "minLength": 12, "maxLength": 23}
)
"""No word is as long as the shortest number: `initiate` is a path of its own."""
_DOCUMENT: Final = Parameter(
    "documentId", "path", "The document's id, `doc_...`.",
    {"type": "string", "minLength": 24, "maxLength": 24},
)  # fmt: skip
_READ: Final = ("NOT_FOUND", "VAULT_ERASED", "STORAGE_UNAVAILABLE")
_WRITTEN: Final = ("REQUEST_MALFORMED", "REQUEST_INVALID")

DOCUMENTS: Final = (
    Operation(
        "initiateOnboarding", "POST", "/api/v1/onboarding/initiate", "A file is begun", "onboarding",
        Door.TOKEN, {201: Body("Its number, and its client's link.", shapes.Initiated)},
        onboarding.initiate,
        problems=(
            *_WRITTEN, "MAIL_NOT_CONFIGURED", "SMS_NOT_CONFIGURED", "NOT_FOUND", "STORAGE_UNAVAILABLE",
        ),
        grants=_BEGINS, scopes=_BRINGS, assurance=Assurance.TWO_FACTORS, body=Body("Whose.", shapes.Initiation),
    ),
    Operation(
        "getOnboarding", "GET", ONE_FILE, "How far a file is", "onboarding", Door.TOKEN,
        {200: Body("It.", shapes.File)}, onboarding.show, problems=_READ, grants=SEES,
        owner=Owner.ANSWER, parameters=(THE_FILE,),
    ),
    Operation(
        "getOnboardingHistory", "GET", f"{ONE_FILE}/history", "How a file came so far", "onboarding",
        Door.TOKEN, {200: Body("The newest first.", shapes.FileHistory)}, onboarding.history,
        problems=_READ, grants=SEES, owner=Owner.ANSWER, parameters=(THE_FILE,),
    ),
    Operation(
        "addDocument", "POST", f"{ONE_FILE}/documents", "An address to send a document to", "onboarding",
        Door.TOKEN, {201: Body("One PUT of exactly that.", shapes.UploadShown)},
        onboarding.add_document,
        problems=(
            *_WRITTEN, *_READ, "DOCUMENT_FORMAT_REFUSED", "DOCUMENT_TOO_LARGE", "DOCUMENTS_TOO_MANY",
            "ONBOARDING_OVER", "DOCUMENTS_CLOSED",
        ),
        grants=_SENDS, owner=Owner.ANSWER, parameters=(THE_FILE,),
        body=Body("What is about to be sent.", shapes.NewDocument),
    ),
    Operation(
        "completeDocument", "POST", f"{ONE_FILE}/documents/{{documentId}}/complete",
        "A document was sent", "onboarding", Door.TOKEN,
        {202: Body("The store is asked.", shapes.DocumentShown)}, onboarding.complete_document,
        problems=(*_READ, "ONBOARDING_OVER", "DOCUMENTS_CLOSED"), grants=_SENDS, owner=Owner.ANSWER,
        parameters=(THE_FILE, _DOCUMENT),
    ),
    Operation(
        "getDocument", "GET", f"{ONE_FILE}/documents/{{documentId}}", "What became of a document",
        "onboarding", Door.TOKEN, {200: Body("It.", shapes.DocumentShown)},
        onboarding.show_document, problems=_READ, grants=SEES, owner=Owner.ANSWER,
        parameters=(THE_FILE, _DOCUMENT),
    ),
    Operation(
        "uploadDocument", "PUT", "/uploads/{bucket}/{onboardingId}/{docType}/{filename}",
        "A document, to the address that was given out for it, where documents are kept here",
        "onboarding", Door.SIGNED,
        {200: Body("It is kept; `ETag` is its SHA-256.", None, "", headers=("ETag",))},
        None,
        problems=_OF_UPLOADS,
        parameters=(
            Parameter("bucket", "path", "As the address has it.", _SEGMENT),
            Parameter("onboardingId", "path", "Likewise.", _SEGMENT),
            Parameter("docType", "path", "Likewise.", _SEGMENT),
            Parameter("filename", "path", "Likewise: drawn by us.", _SEGMENT),
            Parameter("type", "query", "The one Content-Type that is taken.", _TEXT),
            Parameter("size", "query", "Bytes, exactly.", _NUMBER),
            Parameter("sha256", "query", "Of those bytes, where it was announced.", _TEXT),
            Parameter("expires", "query", "Seconds since 1970.", _NUMBER),
        ),
        body=Body("The document.", None, "application/pdf"),
        proof=Proof.UPLOAD,
    ),
    *REVIEWS,
)  # fmt: skip

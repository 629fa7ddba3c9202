"""The rows of documents and of the files that they belong to (operations.py has the rule).

Source: interface.md 8 (rows c1) and 9; spec.md S8, S12, S34; docs/authorization.md; docs/uploads.md.
"""

from typing import Final

from comptoir.http.operation import Body, Door, Operation, Parameter, Proof

__all__ = ["DOCUMENTS"]

_TEXT: Final = {"type": "string"}
_SEGMENT: Final = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}
_NUMBER: Final = {"type": "string", "pattern": "^[0-9]{1,15}$"}
_OF_UPLOADS: Final = (
    "SOURCE_FORBIDDEN", "NOT_FOUND", "UPLOAD_SIGNATURE_INVALID", "UPLOAD_EXPIRED",
    "UPLOAD_TYPE_MISMATCH", "UPLOAD_TOO_LONG", "UPLOAD_TOO_SHORT", "UPLOAD_USED", "UPLOAD_NO_ROOM",
    "UPLOAD_DIGEST_MISMATCH", "OBJECTS_UNAVAILABLE", "RATE_LIMITED",
)  # fmt: skip

DOCUMENTS: Final = (
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
)  # fmt: skip

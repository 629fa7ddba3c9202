"""The bodies of files and their documents as types (comptoir.http.shapes has the rule).

Source: interface.md 8 (rows c1); spec.md S8, S9, S12 to S16, X6.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from comptoir.engine.settings.client_types import TYPE_NAME
from comptoir.http.portal.shapes import MAIL
from comptoir.http.shapes import Date, Time

__all__ = [
    "Country",
    "DocType",
    "DocumentShown",
    "File",
    "FileAccount",
    "FileApproval",
    "FileHistory",
    "FileSignature",
    "Given",
    "Initiated",
    "Initiation",
    "InitiationClient",
    "NewDocument",
    "Shape",
    "TypeName",
    "UploadShown",
]

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z", description="ISO 3166-1 alpha-2.")]
TypeName = Annotated[
    str,
    Meta(
        pattern=rf"^{TYPE_NAME}\Z",
        description="As the configuration names it: INDIVIDUAL, COMPANY, FOUNDATION, TRUST, and what was added.",
    ),
]
Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,64}\Z")]
DocType = Literal[
    "IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION", "ARTICLES", "REGISTER_EXTRACT",
    "BENEFICIAL_OWNERS", "TRUST_DEED", "CONTRACT",
]  # fmt: skip


class Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class Given(Shape, frozen=True, forbid_unknown_fields=True):
    """What comes in has no field that we do not know."""


class InitiationClient(Given, frozen=True):
    """Who is to become a client; of a company, who acts for it."""

    first_name: Name
    last_name: Name
    email: Annotated[str, Meta(pattern=MAIL, max_length=254)]
    date_of_birth: Date
    residence_country: Country
    tax_residence: Country
    phone: (
        Annotated[
            str,
            Meta(
                pattern=r"^\+[0-9][0-9 .()-]{5,24}\Z",
                description="E.164; blanks, dashes, points and brackets are left out.",
            ),
        ]
        | None
    ) = None
    """None: the code of the portal comes by a second mail."""


class InitiationSource(Given, frozen=True):
    """Where they come from."""

    source: Word | None = None
    campaign_id: Word | None = None


class Initiation(Given, frozen=True):
    """A file is begun (S8)."""

    client_type: TypeName
    initiated_by: Annotated[
        Literal["CONSEILLER", "PARTNER"],
        Meta(description="By what way it came; a partner's program says PARTNER."),
    ]
    conseiller_email: Annotated[str, Meta(pattern=MAIL, max_length=254)]
    client_info: InitiationClient
    metadata: InitiationSource | None = None


class Initiated(Shape, frozen=True):
    """It is (S9)."""

    onboarding_id: str
    status: str
    next_step: str
    client_portal_url: Annotated[
        str, Meta(description="The client's link, good once; a code follows it.")
    ]
    expires_at: Time
    created_at: Time


class NewDocument(Given, frozen=True):
    """What is about to be sent, exactly."""

    doc_type: DocType
    filename: Annotated[str, Meta(min_length=1, max_length=255)]
    content_type: Annotated[str, Meta(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}\Z")]
    size_bytes: Annotated[int, Meta(ge=1, le=1_073_741_824)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")] | None = None


class UploadShown(Shape, frozen=True):
    """Where to send it, and with which headers."""

    document_id: str
    upload_url: str
    method: Literal["PUT"]
    headers: dict[str, str]
    expires_at: Time


class DocumentReason(Shape, frozen=True):
    """What was found."""

    code: str
    text: str


class DocumentShown(Shape, frozen=True):
    """A document."""

    document_id: str
    doc_type: DocType
    filename: str
    content_type: str
    size_bytes: int
    status: Literal["awaiting_upload", "inspecting", "accepted", "refused", "redo"]
    reasons: Annotated[
        list[DocumentReason],
        Meta(
            description="Why it is refused or to be sent again; of an accepted one, what is told of it."
        ),
    ]
    sha256: Annotated[str | None, Meta(description="Of the bytes that are there, or were.")]
    fields: Annotated[
        dict[str, str] | None, Meta(description="What was read of it, by name (docs/documents.md).")
    ]
    elsewhere: Annotated[
        list[str] | msgspec.UnsetType,
        Meta(
            description="For COMPLIANCE, where there are any: numbers of other files that have it, too."
        ),
    ] = msgspec.UNSET


class FileKyc(Shape, frozen=True):
    """What the assessment came to: the bureau's word. All null: nothing of it is told."""

    score: int | None
    risk_level: str | None
    recommendation: str | None


class FileSignature(Shape, frozen=True):
    """How far the signature of its contract is."""

    status: Literal["preparing", "sent", "signed", "declined", "expired", "failed", "voided"]
    round: Annotated[int, Meta(ge=1, description="One more each time that it is issued anew.")]
    provider: str | None
    code: Annotated[str | None, Meta(description="Why it ended without a signature.")]
    due_at: Annotated[Time | None, Meta(description="Last moment for it.")]
    changed_at: Time


class FileApproval(Shape, frozen=True):
    """The last word of an advisor."""

    decision: Annotated[
        Literal["approve", "reject"] | None, Meta(description="Null: it is awaited.")
    ]
    due_at: Time
    overdue: bool
    by: Annotated[str | None, Meta(description="`sub` of who said it.")]
    reason: str | None
    at: Time | None


class FileAccount(Shape, frozen=True):
    """The account on the mainframe."""

    status: Literal["asked", "late", "created", "refused", "held"]
    account_number: Annotated[
        str | None,
        Meta(description="Whole for its client and the file's advisor; else its last four characters."),
    ]  # fmt: skip
    asked_at: Time | None
    answered_at: Time | None
    code: Annotated[
        str | msgspec.UnsetType | None,
        Meta(description="The mainframe's reason; absent for CLIENT."),
    ] = msgspec.UNSET


class File(Shape, frozen=True, omit_defaults=False):
    """A file."""

    onboarding_id: str
    client_type: str
    status: Annotated[str, Meta(description="ADR-001's word.")]
    summary_status: Annotated[str, Meta(description="The coarse one.")]
    next_step: str | None
    waiting_for: Literal["client", "compliance", "advisor", "provider", "mainframe"] | None
    documents: list[DocumentShown]
    missing: Annotated[list[DocType], Meta(description="Types that are still to be sent.")]
    missing_fields: Annotated[
        list[str], Meta(description="What its profile still wants, as the profile names it.")
    ]
    incomplete_cause: Annotated[
        Literal[
            "client_never_came",
            "documents_missing",
            "profile_incomplete",
            "documents_unsettled",
            "contract_not_signed",
            "approval_refused",
            "account_refused",
        ]
        | None,
        Meta(description="Of an INCOMPLETE file."),
    ]
    signature: Annotated[FileSignature | None, Meta(description="Null: none was issued.")]
    account: Annotated[FileAccount | None, Meta(description="Null: none was asked for.")]
    expires_at: Time
    created_at: Time
    updated_at: Time
    kyc: Annotated[
        FileKyc | msgspec.UnsetType | None,
        Meta(description="Null before there is one; absent for CLIENT."),
    ] = msgspec.UNSET
    approval: Annotated[
        FileApproval | msgspec.UnsetType | None,
        Meta(description="Null before it is awaited; absent for CLIENT."),
    ] = msgspec.UNSET


class FileMove(Shape, frozen=True):
    """One change of status."""

    from_: Annotated[str, Meta()] = msgspec.field(name="from")
    to: str
    event: str
    actor: Annotated[
        str,
        Meta(
            description="`sub` of who did it; `client`, `mail`, `timer`, `system`, `compliance` or `mainframe`."
        ),
    ]
    at: Time


class FileHistory(Shape, frozen=True):
    """All of them, the newest first."""

    items: list[FileMove]
    next_cursor: Annotated[None, Meta(description="They are few: there is one page.")]

"""The bodies of the operations about contracts, their signature and the proof of it (comptoir.http.shapes has the rule).

Source: interface.md 8 (rows c2); spec.md S6, S28; docs/signature.md.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from comptoir.http.shapes import Time

__all__ = [
    "Consent",
    "Contract",
    "ContractDeclined",
    "ContractSigned",
    "PdfForm",
    "SigningAddress",
    "SigningForm",
    "Verified",
    "VerifiedSigner",
]

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256.")]
Version = Annotated[str, Meta(pattern=r"^[a-z]{1,20}-[0-9]{1,4}$")]


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """camelCase outside (interface.md 1)."""


class _Given(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A body that is read whole."""


class Consent(_Shape, frozen=True):
    """A text that is agreed to with the signature."""

    version: Version
    fr: str
    en: str


class Contract(_Shape, frozen=True):
    """The contract of a file, and how far its signature is."""

    onboarding_id: str
    status: Literal[
        "preparing", "sent", "viewed", "signed", "declined", "expired", "voided", "failed"
    ]
    round: Annotated[
        int, Meta(ge=1, description="1, and one more each time that it is issued anew.")
    ]
    provider: Annotated[
        str, Meta(description="`embedded`: it is signed here; empty: not known yet.")
    ]
    title: str
    document_sha256: Annotated[Digest | None, Meta(description="Of the PDF that is to be signed.")]
    signed_sha256: Annotated[Digest | None, Meta(description="Of the signed PDF.")]
    sent_at: Time | None
    ended_at: Time | None
    expires_at: Time | None
    consents: Annotated[
        list[Consent], Meta(description="What is agreed to where it is signed here.")
    ]


class ContractSigned(_Given, frozen=True):
    """The client signs."""

    document_sha256: Annotated[Digest, Meta(description="Of the PDF that was read.")]
    consents: Annotated[
        list[Version], Meta(max_length=10, description="Every text that is agreed to.")
    ]
    language: Annotated[Literal["fr", "en"], Meta(description="In which they were read.")] = "fr"


class SigningAddress(_Shape, frozen=True):
    """Where its client signs: a page of whoever has contracts signed."""

    url: Annotated[
        str, Meta(description="Good once: whoever has it signs. For its client's browser alone.")
    ]
    expires_at: Time


class ContractDeclined(_Given, frozen=True):
    """The client does not sign."""

    reason: Annotated[
        str, Meta(max_length=1000, description="In their own words; may be empty.")
    ] = ""


class VerifiedSigner(_Shape, frozen=True):
    """One signature of a PDF."""

    name: str
    issuer: str
    signed_at: Annotated[Time | None, Meta(description="As a time stamp proves it.")]
    level: Annotated[
        Literal["B-B", "B-T", "B-LT", "B-LTA"], Meta(description="Of PAdES (ETSI EN 319 142-1).")
    ]
    intact: Annotated[bool, Meta(description="What was signed is what is there.")]
    trusted: Annotated[bool, Meta(description="Whoever signed is known, and was good then.")]
    whole: Annotated[bool, Meta(description="Nothing was added but what keeps it valid.")]
    evidence: Annotated[
        str | None,
        Meta(description="What is sealed of how it was signed: JSON, as it is in the file."),
    ]


class Verified(_Shape, frozen=True):
    """What is to be said of a PDF."""

    valid: bool
    signers: list[VerifiedSigner]
    problems: Annotated[list[str], Meta(description="Stable codes (docs/signature.md).")]


class PdfForm(_Given, frozen=True):
    """What the page sends."""

    file: Annotated[Any, Meta(extra_json_schema={"type": "string", "format": "binary"})]


class SigningForm(_Given, frozen=True):
    """What the page of a contract sends."""

    code: Annotated[str, Meta(max_length=16)] = ""
    digest: Annotated[str, Meta(max_length=64)] = ""
    read: Annotated[str, Meta(max_length=8)] = ""
    electronic: Annotated[str, Meta(max_length=8)] = ""
    reason: Annotated[str, Meta(max_length=1000)] = ""

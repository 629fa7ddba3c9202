"""Settings of documents: where they are kept, how they are uploaded.

Rule: whatever an upload may take of us (bytes, time, places) is bounded here; where documents are kept is one
word. Source: S4, S12, S19, S20, X30; design.md 5; docs/uploads.md.
"""

# ruff: noqa: RUF009 - rows are dataclasses.field calls by another name

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from comptoir.engine.settings.fields import Section, integer, number, option, section
from comptoir.engine.settings.kinds import ChoiceKind, TextKind
from comptoir.engine.settings.kinds_made import ListKind, SecretKind, UrlKind
from comptoir.engine.settings.problems import Problem
from comptoir.engine.settings.rules import is_loopback, problem
from comptoir.engine.settings.secret import Secret

__all__ = ["Documents", "DocumentsS3", "document_problems"]

MEDIA_TYPES = ("application/pdf", "image/jpeg")
NAME = TextKind("letters, digits, and _ . - /", r"[A-Za-z0-9_./-]{0,256}")
KMS_KEY = TextKind("a key id, an ARN, or alias/NAME", r"[A-Za-z0-9:/_-]{0,2048}")


@dataclass(frozen=True, slots=True)
class DocumentsS3(Section):
    """S3, or what speaks as it does; used where documents.store is s3."""

    region: str = option("", NAME, "Region of the bucket.", "S12")
    endpoint_url: str = option("", UrlKind(), "Empty = AWS's own for the region.", "X30")
    access_key_id: str = option(
        "", NAME, "Who we are there; empty = as AWS's tools find it.", "S12"
    )
    secret_access_key: Secret = option(
        Secret(""), SecretKind("a text, or an empty one", lambda _text: True),
        "What proves it.", "S12", "secret",
    )  # fmt: skip
    encryption: Literal["AES256", "aws:kms", "none"] = option(
        "AES256", ChoiceKind(("AES256", "aws:kms", "none")),
        "Encryption at rest that an upload must ask for; none: the store has it by itself.", "S20",
    )  # fmt: skip
    kms_key_id: str = option("", KMS_KEY, "Key of aws:kms; empty = the bucket's.", "S35")
    timeout_s: float = number(10.0, "s", (0.1, 600.0), "Wait for each part of an answer.", "ours")


@dataclass(frozen=True, slots=True)
class Documents(Section):
    """Documents of a file, and their uploads."""

    media_types: tuple[str, ...] = option(
        MEDIA_TYPES, ListKind(ChoiceKind(MEDIA_TYPES), 1, 2), "Formats taken.", "S19", "types"
    )
    bytes_max: int = integer(
        104_857_600, "bytes", (52_428_800, 1_073_741_824),
        "Largest document; the source wants 50 MB and more.", "S12",
    )  # fmt: skip
    upload_url_s: int = integer(
        3_600, "s", (60, 86_400), "Life of a pre-signed upload address.", "S12"
    )
    bucket: str = option(
        "onboarding-docs",
        TextKind("a bucket name, 3 to 63 of [a-z0-9.-]", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
        "Bucket of documents.", "S12",
    )  # fmt: skip
    store: Literal["folder", "s3"] = option(
        "folder", ChoiceKind(("folder", "s3")),
        "Where documents are: encrypted in the data folder, or in S3.", "S12, X30",
    )  # fmt: skip
    folder_bytes_max: int = integer(
        21_474_836_480, "bytes", (104_857_600, 1_125_899_906_842_624),
        "What the folder may take of the disk.", "ours",
    )  # fmt: skip
    uploads_max: int = integer(16, "uploads", (1, 1_000), "To the folder, at once.", "ours")
    uploads_per_address_max: int = integer(
        4, "uploads", (1, 1_000), "Of those, from one address.", "ours"
    )
    upload_patience_s: float = number(
        10.0, "s", (0.1, 600.0), "What a sender may be late by: to begin, and altogether.", "ours"
    )
    upload_bytes_per_second_min: int = integer(
        16_384, "bytes/s", (1, 1_000_000_000), "Slower ones are broken off.", "ours"
    )
    upload_seconds_max: float = number(
        3_600.0, "s", (1.0, 86_400.0), "Longest upload, however fast.", "ours"
    )
    inspections_max: int = integer(
        2, "inspections", (1, 64), "At once; each takes one processor and up to 1 GiB.", "S19"
    )  # fmt: skip
    inspection_seconds_max: float = number(
        120.0, "s", (1.0, 600.0), "For one document, with its way from the store.", "S19"
    )
    s3: DocumentsS3 = section(DocumentsS3)


def document_problems(documents: Documents) -> Iterator[Problem]:
    """Want of S3 what it takes to speak to it: TLS beyond this machine, a region, whole credentials."""
    s3 = documents.s3
    parts = urlsplit(s3.endpoint_url)
    if s3.endpoint_url and parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        place = "documents.s3.endpoint_url"
        yield problem(place, "is beyond loopback and not https", "give its https address")
    if documents.store != "s3":
        return
    if not s3.region:
        yield problem("documents.s3.region", "is empty", "name the region of the bucket")
    if bool(s3.access_key_id) != bool(s3.secret_access_key):
        missing = "secret_access_key" if s3.access_key_id else "access_key_id"
        yield problem(
            f"documents.s3.{missing}", "is empty, but its pair is not", "set both, or neither"
        )

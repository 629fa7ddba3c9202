"""The bodies of lists of files as types (comptoir.http.shapes has the rule).

Source: interface.md 1 and 8; spec.md S18, S38, X6; docs/onboarding.md.
"""

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.http.shapes import Time
from comptoir.http.shapes_onboarding import Shape, TypeName

__all__ = ["FileInList", "FilePage", "SubmissionInList", "SubmissionPage"]

FileNumber = Annotated[str, Meta(pattern=r"^[A-Z]{1,8}-[0-9]{4}-[0-9]{5,9}$")]
Following = Annotated[
    str | None,
    Meta(
        description="For `cursor`; null on the last page. A page may be short, or empty, and have one."
    ),
]


class SubmissionInList(Shape, frozen=True):
    """A file that a partner has submitted."""

    onboarding_id: FileNumber
    summary_status: Annotated[str, Meta(description="The coarse one.")]
    created_at: Time


class FileInList(Shape, frozen=True):
    """A file, as a list has it."""

    onboarding_id: FileNumber
    summary_status: Annotated[str, Meta(description="The coarse one.")]
    created_at: Time
    client_type: TypeName
    status: Annotated[str, Meta(description="ADR-001's word.")]
    next_step: str | None
    waiting_for: Literal["client", "compliance", "advisor", "provider", "mainframe"] | None
    since: Annotated[Time, Meta(description="When its status became so.")]
    due_at: Annotated[
        Time | None,
        Meta(description="When what is awaited should be there; null: it has no end of its own."),
    ]
    overdue: bool
    incomplete_cause: Annotated[str | None, Meta(description="Of an INCOMPLETE file.")]


class FilePage(Shape, frozen=True):
    """A page of files, the newest first."""

    items: list[FileInList]
    next_cursor: Following


class SubmissionPage(Shape, frozen=True):
    """A page of a partner's files, the newest first."""

    items: list[SubmissionInList]
    next_cursor: Following

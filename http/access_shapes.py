"""The bodies of the operations about people of the house and about what two of them decide.

Source: interface.md 1 and 7; spec.md S34, S59, S60, E14.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = [
    "Approval",
    "ApprovalList",
    "Erasure",
    "NewErasure",
    "NewRotation",
    "Proposal",
    "Removal",
    "Removed",
    "StaffList",
    "StaffMember",
]

_SUB = Annotated[str, Meta(min_length=1, max_length=255)]
_DIGEST = Annotated[str, Meta(description="SHA-256 of what is asked for, hex.")]
_MAYBE = str | msgspec.UnsetType


class _Shape(msgspec.Struct, frozen=True, rename="camel"):
    """Names in camelCase."""


class StaffMember(_Shape, frozen=True):
    """A person of the house."""

    sub: str
    roles: Annotated[list[str], Meta(description="Empty where they were removed.")]
    status: Literal["invited", "enrolled", "removed"]
    since: str


class StaffList(_Shape, frozen=True):
    """A page; whoever was erased is in none."""

    items: list[StaffMember]
    next_cursor: str | None


class Removal(_Shape, frozen=True, forbid_unknown_fields=True):
    """Who is of the house no longer."""

    sub: _SUB


class Removed(_Shape, frozen=True):
    """Everything of theirs has ended."""

    sub: str
    status: Literal["removed"]


class NewErasure(_Shape, frozen=True, forbid_unknown_fields=True):
    """Who is to be erased."""

    sub: _SUB


class NewRotation(_Shape, frozen=True, forbid_unknown_fields=True):
    """Which key is to be replaced."""

    key: Literal["kek", "wrap", "data", "once", "index", "subject", "all"]


class Proposal(_Shape, frozen=True):
    """It waits for a second person."""

    approval_id: str
    digest: _DIGEST
    expires_at: str
    enrol_url: _MAYBE = msgspec.UNSET
    """Of an invitation: good once it is approved, shown once."""
    erasure_id: _MAYBE = msgspec.UNSET
    """Of an erasure: where it tells how far it is."""


class Approval(_Shape, frozen=True):
    """What is asked for, by whom, and what became of it."""

    approval_id: str
    action: str
    status: Literal["pending", "approved", "rejected", "expired"]
    digest: _DIGEST
    subject: Annotated[str, Meta(description="Whom it is about; empty once it is decided.")]
    details: list[str]
    maker: str
    checker: Annotated[str, Meta(description="Empty while, or where, nobody has decided it.")]
    expires_at: str


class ApprovalList(_Shape, frozen=True):
    """A page of what waits, the first to end first; it may have fewer than `limit`."""

    items: list[Approval]
    next_cursor: str | None


class Erasure(_Shape, frozen=True):
    """How far an erasure is."""

    erasure_id: str
    status: Literal["waiting", "destroying", "erased"]
    keys: Annotated[int, Meta(ge=0, description="Destroyed.")]
    since: str

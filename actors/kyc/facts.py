"""What is known of a client when a KYC decision is taken.

Rule: a thing that was not looked at is None (or CLEAR of nothing), never "good". So a bureau that is away can be told
from one that found nothing, and no outage approves anybody (S27). Source: spec.md S10, S21, S24, S25, X3.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated

import msgspec

from comptoir.actors.kyc.rules import Country, digest_of

__all__ = ["Facts", "Finding"]


class Finding(Enum):
    """What a search among persons came to."""

    CLEAR = "CLEAR"
    SUSPECTED = "SUSPECTED"
    """Somebody of that name was found; nobody has said yet whether it is the client."""
    CONFIRMED = "CONFIRMED"
    """A person has said that it is the client."""


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The inputs of one decision; nothing that names the client."""

    identity_verified: bool | None = None
    documents_valid: bool | None = None
    """Whether all were read and hold (OCR)."""
    documents_expired: bool = False
    data_inconsistent: bool = False
    """Whether what was declared and what the documents show disagree."""
    address_verified: bool | None = None
    credit_high: bool | None = None
    pep: Finding | None = None
    sanctions: Finding | None = None
    adverse_media: Finding | None = None
    residence: Country | None = None
    tax_residences: tuple[Country, ...] = ()
    nationalities: tuple[Country, ...] = ()
    lists: Mapping[Annotated[str, msgspec.Meta(min_length=1, max_length=64)], str] = {}
    """Watch list -> digest of the version that was searched."""

    @property
    def digest(self) -> str:
        """What tells these facts from all others."""
        return digest_of(self)

    @property
    def countries(self) -> frozenset[str]:
        """Every country that the client has to do with."""
        living = {self.residence} if self.residence else set[str]()
        return frozenset(living | {*self.tax_residences, *self.nationalities})

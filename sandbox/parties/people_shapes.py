"""Bodies about people, in the terms of the daemon's own API for those who publish none: the bureau, credit, the press.

Rule: read whole; a field that is not known is refused with its place, and so is an empty one, since what is not known is left out.
Source: docs/providers.md; spec.md S8, S10, S21.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Date = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d\Z")]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
Reference = Annotated[str, Meta(min_length=1, max_length=128)]


class Given(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="camel"):
    """A body that is read whole."""


class Party(Given, frozen=True):
    """Somebody who is asked about."""

    id: Text
    role: Text
    type: Literal["PERSON", "ORGANIZATION"]
    first_name: Text | None = None
    last_name: Text | None = None
    date_of_birth: Date | None = None
    residence_country: Country | None = None
    tax_residence: Country | None = None
    nationality: Country | None = None

    @property
    def name(self) -> str:
        """As tests call them."""
        return " ".join(filter(None, (self.first_name, self.last_name)))


class Address(Given, frozen=True):
    """Where they live."""

    street: Text | None = None
    postal_code: Text | None = None
    city: Text | None = None
    province: Text | None = None
    country: Country | None = None


class Verify(Given, frozen=True):
    """`POST /kyc/verifications`."""

    reference: Reference
    onboarding_id: Text
    client_type: Text
    parties: Annotated[list[Party], Meta(min_length=1, max_length=64)]
    address: Address
    email: str
    phone: str


class Score(Given, frozen=True):
    """`POST /credit/scores`."""

    reference: Reference
    party: Party
    address: Address


class Search(Given, frozen=True):
    """`POST /media/searches`."""

    reference: Reference
    party: Party
    page: Annotated[int, Meta(ge=1, le=1_000)]
    limit: Annotated[int, Meta(ge=1, le=25)]

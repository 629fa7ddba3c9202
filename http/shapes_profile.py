"""The bodies of profiles and of what partners submit, as types (comptoir.http.shapes has the rule).

What may be null may be taken away (RFC 7396); what belongs together is one object, and comes whole.
Source: interface.md 8 (rows c1); spec.md S1, S5, E16; docs/onboarding.md.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from comptoir.engine.settings.client_types import PARTIES_MAX
from comptoir.http.portal.shapes import MAIL
from comptoir.http.shapes import Currency, Date, Time
from comptoir.http.shapes_onboarding import (
    Country,
    DocType,
    Given,
    InitiationClient,
    Shape,
    TypeName,
)

__all__ = [
    "ClientProfile",
    "Parties",
    "PartnerSubmission",
    "Profile",
    "ProfilePatch",
    "Receipt",
    "SubmissionShown",
    "SubmissionTaken",
    "TaxAttested",
]

_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]+\Z"
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=_PLAIN)]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=_PLAIN)]
Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./-]{0,31}\Z")]
Sum = Annotated[int, Meta(ge=0, le=10**15, description="Cents of `currency`.")]
Reference = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z", description="The partner's own.")
]
PartyId = Annotated[
    str,
    Meta(pattern=r"^(owner|representative|settlor|trustee)-[1-9][0-9]?\Z", description="For ever the same."),
]  # fmt: skip


class NationalId(Given, frozen=True):
    """A number that a state has given; its check digits must be right where it has some."""

    type: Literal["SIN", "SSN", "NIR", "OTHER"]
    country: Country
    number: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{0,31}\Z")]


class AddressPatch(Given, frozen=True):
    """Where the client lives, or is registered."""

    street: Text | UnsetType | None = UNSET
    postal_code: Code | UnsetType | None = UNSET
    city: Name | UnsetType | None = UNSET
    province: Annotated[str, Meta(pattern=r"^[A-Z]{2,3}\Z")] | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET


class OccupationPatch(Given, frozen=True):
    """What they do."""

    status: (
        Literal["EMPLOYED", "SELF_EMPLOYED", "RETIRED", "STUDENT", "UNEMPLOYED", "OTHER"]
        | UnsetType
        | None
    ) = UNSET
    title: Name | UnsetType | None = UNSET
    employer: Name | UnsetType | None = UNSET


class WealthPatch(Given, frozen=True):
    """What they have, and of what."""

    source_of_funds: (
        Literal["SALARY", "BUSINESS", "SALE", "INHERITANCE", "INVESTMENTS", "PENSION", "OTHER"]
        | UnsetType
        | None
    ) = UNSET
    annual_income_cents: Sum | UnsetType | None = UNSET
    net_worth_cents: Sum | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET


class TaxAttested(Given, frozen=True):
    """What a client was assessed to; of a partner, attested."""

    year: Annotated[int, Meta(ge=1990, le=2100)]
    country: Country
    reference_income_cents: Sum
    currency: Currency


class EntityPatch(Given, frozen=True):
    """Of a client who is no person."""

    name: Text | UnsetType | None = UNSET
    legal_form: Name | UnsetType | None = UNSET
    registration_number: Code | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET
    founded_on: Date | UnsetType | None = UNSET


class PartyPatch(Given, frozen=True):
    """Somebody behind a client who is no person."""

    role: Literal["representative", "beneficial_owner", "settlor", "trustee"] | UnsetType | None = (
        UNSET
    )
    first_name: Name | UnsetType | None = UNSET
    last_name: Name | UnsetType | None = UNSET
    date_of_birth: Date | UnsetType | None = UNSET
    nationality: Country | UnsetType | None = UNSET
    residence_country: Country | UnsetType | None = UNSET
    tax_residence: Country | UnsetType | None = UNSET
    control: Literal["SHARES", "VOTES", "OTHER"] | UnsetType | None = UNSET
    share_percent: Annotated[int, Meta(ge=0, le=100)] | UnsetType | None = UNSET


Parties = Annotated[dict[PartyId, PartyPatch | None], Meta(max_length=PARTIES_MAX)]


class ClientProfile(Given, frozen=True):
    """What is said of a client, beside who they are."""

    nationality: Country | UnsetType | None = UNSET
    tax_residences: (
        Annotated[list[Country], Meta(min_length=1, max_length=5)] | UnsetType | None
    ) = UNSET
    tax_numbers: Annotated[dict[Country, Code | None], Meta(max_length=5)] | UnsetType | None = (
        UNSET
    )
    national_id: NationalId | UnsetType | None = UNSET
    address: AddressPatch | UnsetType | None = UNSET
    occupation: OccupationPatch | UnsetType | None = UNSET
    wealth: WealthPatch | UnsetType | None = UNSET
    tax: TaxAttested | UnsetType | None = UNSET
    entity: EntityPatch | UnsetType | None = UNSET
    parties: Parties | UnsetType | None = UNSET


class ProfilePatch(ClientProfile, frozen=True):
    """A merge patch: what is null is taken away, what is missing stays."""

    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    date_of_birth: Date | UnsetType = UNSET
    residence_country: Country | UnsetType = UNSET


class OtherSaid(Shape, frozen=True):
    """What somebody else says of it."""

    value: Any
    source: str
    at: Time


class FieldShown(Shape, frozen=True):
    """A field, and who said it."""

    value: Annotated[Any, Meta(description="What stands; null: that there is none.")]
    source: Annotated[
        str,
        Meta(
            description="`mainframe`, `partner:<client id>`, `client`, `advisor`, `document:<its id>`."
        ),
    ]
    at: Time
    contested: Annotated[
        bool, Meta(description="Whether somebody contradicts what a partner attested.")
    ]
    others: list[OtherSaid]


class CorrectionShown(Shape, frozen=True):
    """What an advisor has corrected of a client with an account, at the mainframe."""

    status: Annotated[
        Literal["asked", "taken", "applied", "refused", "unconfirmed"],
        Meta(description="applied: the mainframe's profile is so, and this one."),
    ]
    fields: Annotated[
        dict[str, str | None], Meta(description="As they are to be, by JSON pointer; null: none.")
    ]
    at: Time
    code: Annotated[str | None, Meta(description="Why it was refused.")]


class Profile(Shape, frozen=True):
    """What is known of a client."""

    onboarding_id: str
    version: Annotated[int, Meta(description="As `ETag` has it, for `If-Match`.")]
    profile: Annotated[
        dict[str, Any],
        Meta(description="What stands; numbers of people by their last three digits."),
    ]
    fields: Annotated[dict[str, FieldShown], Meta(description="By JSON pointer.")]
    missing: Annotated[
        list[str],
        Meta(description="Pointers; of parties that are too few, `parties:` and their role."),
    ]
    contested: list[str]
    accelerated: Annotated[
        bool, Meta(description="A partner's word stands in for the tax declaration.")
    ]
    correction: Annotated[
        CorrectionShown | None, Meta(description="The last one; null: there was none.")
    ]


class PartnerSubmission(Given, frozen=True):
    """What a partner sends of a client (S5)."""

    reference: Reference
    client_type: TypeName
    client_info: InitiationClient
    profile: ClientProfile = ClientProfile()
    documents: Annotated[
        dict[DocType, Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]],
        Meta(
            description="SHA-256 of what the partner has seen, by type; the client sends it all the same."
        ),
    ] = msgspec.field(default_factory=dict[DocType, str])
    conseiller_email: Annotated[str, Meta(pattern=MAIL, max_length=254)] | None = None


class Receipt(Shape, frozen=True):
    """That it was submitted, signed."""

    jws: Annotated[
        str,
        Meta(description="Compact JWS, RS256, `typ` receipt+jwt; its key is in /oauth/jwks.json."),
    ]


class SubmissionTaken(Shape, frozen=True):
    """It is."""

    onboarding_id: str
    receipt: Receipt


class SubmissionShown(Shape, frozen=True):
    """How far a partner's file is: nothing else of it is theirs to see."""

    reference: str
    onboarding_id: str
    summary_status: str
    receipt: Receipt
    amended: Annotated[int, Meta(description="How often it was amended.")]

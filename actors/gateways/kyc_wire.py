"""How a person and an address are written to those whose API is ours: the bureau, credit, the press.

Rule: what is not known is left out, never sent empty. Source: spec.md S8, S21.
"""

from typing import Any

from comptoir.actors.kyc.messages import Party, PostalAddress

__all__ = ["address_of", "party_of"]


def party_of(party: Party) -> dict[str, Any]:
    """A person or an organisation."""
    return _known({
        "id": party.id,
        "role": party.role,
        "type": "ORGANIZATION" if party.schema == "Organization" else "PERSON",
        "firstName": party.first_name,
        "lastName": party.last_name,
        "dateOfBirth": party.date_of_birth,
        "residenceCountry": party.residence_country,
        "taxResidence": party.tax_residence,
        "nationality": party.nationality,
    })  # fmt: skip


def address_of(address: PostalAddress) -> dict[str, Any]:
    """Where the client lives; nothing where nothing is known."""
    return _known({
        "street": address.street,
        "postalCode": address.postal_code,
        "city": address.city,
        "province": address.province,
        "country": address.country,
    })  # fmt: skip


def _known(fields: dict[str, str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}

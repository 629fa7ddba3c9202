"""Who a file is about, as those who look at people are asked about it. Pure functions of a file's state.

The rule: the client comes first and is always a person: who acts for a client that is none; then the entity, then
who stands behind it. What is incomplete is still looked at, as far as it has a name.
Source: spec.md S1, S21, X31; docs/onboarding.md.
"""

from collections.abc import Iterator, Mapping
from typing import Final, cast

import msgspec

from comptoir.actors.kyc.messages import Party, PostalAddress, Role
from comptoir.actors.onboarding.messages import ClientInfo, Value
from comptoir.actors.onboarding.profile import contested, values
from comptoir.actors.onboarding.state import OnboardingState
from comptoir.actors.onboarding.terms import OnboardingTerms

__all__ = [
    "ATTESTED",
    "address_of",
    "attested_tax",
    "contests_of",
    "contract_of",
    "declared",
    "is_accelerated",
    "parties_of",
    "party_ids",
]

PARTIES: Final = "parties"
ATTESTED: Final = ("tax/year", "tax/country", "tax/referenceIncomeCents")
"""What a partner says of a client's taxes, so that no document of it is wanted (X31)."""


def _text(known: Mapping[str, Value], path: str) -> str:
    value = known.get(path)
    return value if isinstance(value, str) else ""


def declared(state: OnboardingState) -> ClientInfo:
    """The client as it is declared now."""
    assert state.client is not None, "asked of files that have begun"
    known = values(state.said)
    return msgspec.structs.replace(
        state.client,
        first_name=_text(known, "firstName") or state.client.first_name,
        last_name=_text(known, "lastName") or state.client.last_name,
        date_of_birth=_text(known, "dateOfBirth") or state.client.date_of_birth,
        residence_country=_text(known, "residenceCountry") or state.client.residence_country,
        tax_residence=next(iter(_countries(known)), state.client.tax_residence),
    )


def _countries(known: Mapping[str, Value]) -> tuple[str, ...]:
    value = known.get("taxResidences")
    return value if isinstance(value, tuple) else ()


def party_ids(known: Mapping[str, Value]) -> tuple[str, ...]:
    """Of the parties that are named, in their order."""
    named = (path.split("/")[1] for path in known if path.startswith(f"{PARTIES}/"))
    return tuple(sorted(set(named)))


def parties_of(state: OnboardingState) -> tuple[Party, ...]:
    """Everybody who is looked at: the client, the entity, who stands behind it."""
    return tuple(_parties(state))


def _parties(state: OnboardingState) -> Iterator[Party]:
    client, known = declared(state), values(state.said)
    entity = _text(known, "entity/name")
    yield Party(
        "client", "representative" if entity else "client", "Person", client.first_name, client.last_name,
        client.date_of_birth, client.residence_country, client.tax_residence,
        _text(known, "nationality"),
    )  # fmt: skip
    if entity:
        country = _text(known, "entity/country")
        yield Party(
            "entity", "entity", "Organization", "", entity, _text(known, "entity/foundedOn"), country,
            country,
        )  # fmt: skip
    for name in party_ids(known):
        own = {key: _text(known, f"{PARTIES}/{name}/{key}") for key in _OF_PARTY}
        if own["role"] and own["lastName"]:
            yield Party(
                name, cast("Role", own["role"]), "Person", own["firstName"], own["lastName"],
                own["dateOfBirth"], own["residenceCountry"], own["taxResidence"], own["nationality"],
            )  # fmt: skip


_OF_PARTY: Final = (
    "role", "firstName", "lastName", "dateOfBirth", "residenceCountry", "taxResidence", "nationality",
)  # fmt: skip


def address_of(state: OnboardingState) -> PostalAddress:
    """Where the client lives, or is registered; empty as far as nobody has said it, but for the country that was
    declared.
    """
    known = values(state.said)
    if not any(path.startswith("address/") for path in known):
        return PostalAddress(country=declared(state).residence_country)
    return PostalAddress(
        *(_text(known, f"address/{part}") for part in ("street", "postalCode", "city", "province", "country"))
    )  # fmt: skip


def contests_of(state: OnboardingState) -> tuple[str, ...]:
    """Fields in which somebody contradicts what a partner attested."""
    return tuple(path for path, said in state.said.items() if contested(said))


def attested_tax(state: OnboardingState) -> bool:
    """Whether a partner's word stands in for the document of the client's taxes: all of it, and nobody contests
    any (X31).
    """
    said = [state.said.get(path, ()) for path in ATTESTED]
    return all(
        one and one[0].source.startswith("partner:") and one[0].value is not None and not contested(one)
        for one in said
    )  # fmt: skip


def is_accelerated(state: OnboardingState) -> bool:
    """Whether its review is due sooner (S5, X31)."""
    return state.opened is not None and bool(state.opened.partner) and attested_tax(state)


def contract_of(state: OnboardingState, terms: OnboardingTerms) -> str:
    """The template of its contract; empty: its type is not configured any more."""
    kind = terms.types.get(state.opened.client_type) if state.opened else None
    return kind.contract if kind else ""

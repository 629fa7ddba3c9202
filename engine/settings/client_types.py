"""Settings of the types of clients: what the file of each needs. One block is one type.

Rule: nothing in the code asks which type a client has; whatever differs between them is a key of a block here, so a
type more is a block more. The four of the source are built in; a block of another name adds one, a block of the same
name takes its place.
Source: S1, S4, S19; X31; docs/onboarding.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from comptoir.engine.settings.fields import Section, TableKind, flag, integer, option
from comptoir.engine.settings.kinds import ChoiceKind, TextKind
from comptoir.engine.settings.kinds_made import BlocksKind, ListKind
from comptoir.engine.settings.problems import Problem

__all__ = [
    "CLIENT_TYPES",
    "DOCUMENT_TYPES",
    "NEEDED",
    "PARTIES_MAX",
    "ROLES",
    "TYPES",
    "TYPE_NAME",
    "ClientType",
    "PartyRole",
    "client_type_problems",
]

DOCUMENT_TYPES: Final = (
    "IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION", "ARTICLES", "REGISTER_EXTRACT",
    "BENEFICIAL_OWNERS", "TRUST_DEED", "CONTRACT",
)  # fmt: skip
TYPE_NAME: Final = r"[A-Z][A-Z0-9_]{1,31}"
ROLES: Final = ("representative", "beneficial_owner", "settlor", "trustee")
NEEDED: Final = (
    "address", "nationality", "tax_residences", "tax_numbers", "national_id", "occupation", "wealth",
    "entity",
)  # fmt: skip
"""Parts of a profile that a type may want (actors/onboarding/profile.py)."""
PARTIES_MAX: Final = 30
"""Of one file; each is screened as a person."""
TYPES_MAX: Final = 32
DOCUMENTS: Final = ListKind(ChoiceKind(DOCUMENT_TYPES), 0, len(DOCUMENT_TYPES))
CONTRACT: Final = TextKind("a name of at most 64 of [a-z0-9-]", r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class PartyRole(Section):
    """People behind a client of this type; each is looked at as a person."""

    role: str = option("beneficial_owner", ChoiceKind(ROLES), "What they are to it.", "S1, ours")
    least: int = integer(0, "people", (0, PARTIES_MAX), "So many must be named.", "S1, ours")
    most: int = integer(
        PARTIES_MAX, "people", (1, PARTIES_MAX), "So many may be named.", "S1, ours"
    )


@dataclass(frozen=True, slots=True)
class ClientType(Section):
    """One type of client."""

    documents: tuple[str, ...] = option(
        (),
        DOCUMENTS,
        "Types of documents of which one each must be accepted.",
        "S1, S4, S19",
        "types",
    )
    needs: tuple[str, ...] = option(
        (), ListKind(ChoiceKind(NEEDED), 0, len(NEEDED)),
        "Parts of the profile that must be there before the file goes on.", "S1, S5", "parts",
    )  # fmt: skip
    entity: bool = flag(
        False, "Whether the client is no person: then who signs acts for it.", "S1, ours"
    )
    parties: tuple[PartyRole, ...] = option(
        (), ListKind(TableKind(PartyRole), 0, len(ROLES)), "Who stands behind it.", "S1, ours"
    )
    contract: str = option(
        "management-individual", CONTRACT, "Template of the contract that is signed.", "S1, S28"
    )


_OWNERS: Final = PartyRole("beneficial_owner", 1, 20)
_SIGNATORIES: Final = PartyRole("representative", 0, 10)
CLIENT_TYPES: Final[Mapping[str, ClientType]] = MappingProxyType(
    {
        "INDIVIDUAL": ClientType(("IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION")),
        "COMPANY": ClientType(
            ("REGISTER_EXTRACT", "ARTICLES", "BENEFICIAL_OWNERS", "IDENTITY"), ("entity",), True,
            (_OWNERS, _SIGNATORIES), "management-company",
        ),
        "FOUNDATION": ClientType(
            ("REGISTER_EXTRACT", "ARTICLES", "IDENTITY"), ("entity",), True,
            (PartyRole("beneficial_owner", 0, 20), _SIGNATORIES), "management-foundation",
        ),
        "TRUST": ClientType(
            ("TRUST_DEED", "BENEFICIAL_OWNERS", "IDENTITY"), ("entity",), True,
            (PartyRole("settlor", 1, 5), PartyRole("trustee", 1, 5), _OWNERS), "management-trust",
        ),
    }
)  # fmt: skip
"""S1; IDENTITY is that of whoever acts for the client."""
TYPES: Final = BlocksKind(TableKind(ClientType), TYPES_MAX, CLIENT_TYPES, TYPE_NAME)


def client_type_problems(types: Mapping[str, ClientType]) -> Iterator[Problem]:
    """Want of each type parties that can be named, and an entity only where there is one."""
    for name, kind in types.items():
        place = f"onboarding.types.{name}"
        roles = [one.role for one in kind.parties]
        if len(set(roles)) != len(roles):
            yield _problem(f"{place}.parties", "name a role twice", "name each once")
        if any(one.least > one.most for one in kind.parties):
            yield _problem(f"{place}.parties", "want more than they allow", "give least <= most")
        if sum(one.least for one in kind.parties) > PARTIES_MAX:
            yield _problem(
                f"{place}.parties", "want more people than a file has", f"at most {PARTIES_MAX}"
            )
        if "entity" in kind.needs and not kind.entity:
            yield _problem(f"{place}.needs", "want an entity of a person", "set entity = true")


def _problem(place: str, text: str, remedy: str) -> Problem:
    return Problem("CONFIG_RULE_BROKEN", place, f"{place} {text}", remedy)

"""Who the ten clients of the demo are, what they bring, and what must become of them.

Rule: a table, by hand: nobody in it exists, and every outcome follows from docs/kyc.md, not from what the daemon
answered once. Source: issue "client onboarding, first half"; spec.md S1, S23 to S25, X1, X3.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

__all__ = ["APPLICANTS", "Applicant"]

GOOD: Final[dict[str, Any]] = {
    "score": 85,
    "recommendation": "AUTO_APPROVE",
    "checks": {
        "identityVerification": "PASSED", "addressVerification": "PASSED", "pepCheck": "PASSED",
        "sanctionsCheck": "PASSED", "adverseMedia": "PASSED",
    },
}  # fmt: skip
"""The source's own example (S10)."""
HOME: Final = {
    "street": "12 rue de Rivoli", "postalCode": "75001", "city": "Paris", "country": "FR",
}  # fmt: skip
OLD: Final = timedelta(days=200)
FRESH: Final = timedelta(days=20)


@dataclass(frozen=True, slots=True)
class Applicant:
    """A client to be."""

    first_name: str
    last_name: str
    birth: str
    sees: tuple[str, ...]
    """What must stand in what the API says of their way, in the end (demo_seen.py)."""
    ends: str
    """The status that is foretold."""
    client_type: str = "INDIVIDUAL"
    country: str = "FR"
    photographs: bool = False
    """They send JPEGs."""
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """By type of document: what stands on it beside the plain."""
    late_proof: bool = False
    """Their first proof of residence is too old."""
    says: Mapping[str, Any] = field(default_factory=lambda: GOOD)
    """The bureau."""
    profile: Mapping[str, Any] = field(default_factory=dict[str, Any])
    partner: bool = False
    """A partner submits the file, and attests the taxes."""
    verdict: str = ""
    """Of who reviews it, where it is held."""
    reason: str = ""
    """Of that verdict."""
    declines: bool = False
    """They sign only what is issued anew."""
    late: bool = False
    """The mainframe answers after eight minutes."""

    @property
    def name(self) -> str:
        """As it is shown."""
        return f"{self.first_name} {self.last_name}"

    def account(self) -> dict[str, Any]:
        """What an account wants of them, beside what their papers say."""
        number = f"{zlib.crc32(self.name.encode()) % 10**9:09d}"
        told: dict[str, Any] = {"nationalId": {"type": "OTHER", "country": "FR", "number": number}}
        if self.client_type != "INDIVIDUAL":  # their papers are no proof of residence
            told["address"] = HOME
        return told

    def bureau(self) -> dict[str, Any]:
        """The outcome, as `POST /control/kyc/{onboardingId}` takes it."""
        return dict(self.says)

    def papers(self, now: datetime) -> dict[str, list[dict[str, Any]]]:
        """By type of document, in the order in which they are sent; `now` is business time."""
        made = {kind: [self._paper(kind, now)] for kind in _NEEDED[self.client_type]}
        if self.partner:
            del made["TAX_DECLARATION"]
        if self.late_proof:
            old = {**self._paper("PROOF_OF_RESIDENCE", now), "date": _day(now - OLD)}
            made["PROOF_OF_RESIDENCE"].insert(0, old)
        return made

    def _paper(self, doc_type: str, now: datetime) -> dict[str, Any]:
        year, month, day = self.birth.split("-")
        plain = {
            "kind": _KINDS[doc_type], "format": "jpeg" if self.photographs else "pdf",
            "surname": self.last_name.upper(), "givenNames": self.first_name.upper(),
            "birth": f"{year[2:]}{month}{day}", "holder": self.name, "date": _day(now - FRESH),
            "number": f"X{zlib.crc32(self.name.encode()) % 10**8:08d}",
        }  # fmt: skip
        return {**plain, **self.changes.get(doc_type, {})}


def _day(at: datetime) -> str:
    return f"{at:%d/%m/%Y}"


_NEEDED: Final = {
    "INDIVIDUAL": ("IDENTITY", "PROOF_OF_RESIDENCE", "TAX_DECLARATION"),
    "COMPANY": ("REGISTER_EXTRACT", "ARTICLES", "BENEFICIAL_OWNERS", "IDENTITY"),
    "FOUNDATION": ("REGISTER_EXTRACT", "ARTICLES", "IDENTITY"),
    "TRUST": ("TRUST_DEED", "BENEFICIAL_OWNERS", "IDENTITY"),
}
_KINDS: Final = {
    "IDENTITY": "passport",
    "PROOF_OF_RESIDENCE": "residence",
    "TAX_DECLARATION": "tax",
    "REGISTER_EXTRACT": "register",
    "ARTICLES": "articles",
    "BENEFICIAL_OWNERS": "owners",
    "TRUST_DEED": "deed",
}

_REVIEW: Final[dict[str, Any]] = {**GOOD, "score": 55, "recommendation": "MANUAL_REVIEW"}
_REFUSED: Final[dict[str, Any]] = {
    "score": 20,
    "recommendation": "REJECT",
    "checks": {**GOOD["checks"], "identityVerification": "FAILED"},
}
_APPROVED: Final = "COMPLETED"


def _entity(name: str, legal_form: str) -> dict[str, str]:
    return {"name": name, "country": "FR", "legalForm": legal_form}


def _party(role: str, first_name: str, birth: str) -> dict[str, Any]:
    return {
        "role": role, "firstName": first_name, "lastName": "Imaginaire", "dateOfBirth": birth,
        "residenceCountry": "FR",
    }  # fmt: skip


_OWNER: Final[dict[str, Any]] = {
    **_party("beneficial_owner", "Yael", "1977-07-07"), "control": "SHARES", "sharePercent": 60,
}  # fmt: skip

APPLICANTS: Final = (
    # 85 of 100, as in the source.
    Applicant("Camille", "Exemple", "1980-05-15", ("85 points, ours 85", "by SYSTEM"), _APPROVED),
    Applicant(
        "Lou", "Modele", "1991-11-02", ("by SYSTEM", "signed at try 2"), _APPROVED,
        photographs=True, declines=True,
    ),
    Applicant(
        "Noa", "Gabarit", "1975-03-30", ("PROOF_OF_RESIDENCE alone again: PROOF_TOO_OLD", "by SYSTEM"), _APPROVED,
        late_proof=True,
    ),
    Applicant(
        "Alix", "Perime", "1969-08-21", ("held", "documents_expired", "by demo-compliance"), _APPROVED,
        changes={"IDENTITY": {"expiry": "200101"}}, says=_REVIEW, verdict="approve",
        reason="a new passport is on its way",
    ),
    Applicant(
        "Sasha", "Factice", "1988-01-09", ("data_inconsistent", "by SYSTEM"), "KYC_REJECTED",
        changes={"IDENTITY": {"surname": "AUTRUI", "givenNames": "PAULE", "birth": "550505"}},
        says=_REFUSED,
    ),
    Applicant(
        "Maxime", "Societe", "1982-06-17", ("by SYSTEM",), _APPROVED, "COMPANY",
        profile={
            "entity": _entity("Ateliers Fictifs SARL", "SARL"),
            "parties": {"owner-1": _OWNER},
        },
    ),
    Applicant(
        "Claude", "Fondation", "1960-12-24", ("by SYSTEM", "the mainframe after"), _APPROVED, "FOUNDATION",
        late=True, profile={"entity": _entity("Fondation Imaginaire", "Fondation")},
    ),
    Applicant(
        "Dominique", "Fiducie", "1957-02-11", ("by SYSTEM",), _APPROVED, "TRUST",
        profile={
            "entity": _entity("Fiducie Imaginaire", "Fiducie"),
            "parties": {
                "settlor-1": _party("settlor", "Robin", "1948-09-09"),
                "trustee-1": _party("trustee", "Charlie", "1959-04-18"),
                "owner-1": _OWNER,
            },
        },
    ),
    Applicant(
        "Andrea", "Liste", "1970-04-01", ("held", "SANCTIONS_SUSPECTED", "by demo-compliance"), _APPROVED,
        verdict="approve", reason="a namesake: another place of birth",
    ),
    Applicant(
        "Morgan", "Partenaire", "1985-10-10", ("by SYSTEM", "a partner began"), _APPROVED, partner=True,
    ),
)  # fmt: skip

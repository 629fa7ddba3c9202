"""A rule set: the weights, thresholds and switches that a KYC decision follows, as data with a version.

The rules of rule sets:
- it is a value: two with one digest decide alike, so a decision names the version and the digest that it was
  taken under, and may be taken again years later;
- what is good never lowers a score and what is bad never raises it: the signs are checked when it is read, so every
  rule set is monotone, and no weight can make an expired document an advantage;
- sanctions have no weight (X3): there is none to be set.
Source: spec.md S23 to S25, S40, X1 to X3, E2.
"""

from hashlib import sha256
from typing import Annotated, Final

import msgspec

from comptoir.engine.settings import Settings

__all__ = ["Country", "Rules", "digest_of", "read_rules"]

SCORE_MAX: Final = 100

Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
"""ISO 3166-1 alpha-2."""
Points = Annotated[int, msgspec.Meta(ge=0, le=SCORE_MAX)]
Loss = Annotated[int, msgspec.Meta(ge=-SCORE_MAX, le=0)]
Version = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One version of the rules; what is not said is as the specification says it."""

    version: Version = "standard"
    base: Points = 25
    """X1: with it the source's own example scores 85."""
    documents_valid: Points = 20
    address_verified: Points = 15
    no_pep_no_sanctions: Points = 25
    credit_high: Points = 20
    documents_expired: Loss = -30
    data_inconsistent: Loss = -40
    pep_detected: Loss = -50
    high_risk_country: Loss = -25
    approve_from: Points = 80
    review_from: Points = 50
    low_risk_from: Points = 80
    medium_risk_from: Points = 50
    auto_approval: bool = True
    """S40: off, and every approval is a person's."""
    manual_countries: tuple[Country, ...] = ()
    """Clients who live or pay taxes in one of these are approved by a person only (S40)."""
    high_risk_countries: tuple[Country, ...] = ()
    """Where living, paying taxes, or being a national lowers the score (S25)."""

    def __post_init__(self) -> None:
        """Hold the thresholds in their order.

        Raises:
            ValueError: one is not (msgspec makes a ValidationError of it).
        """
        if self.review_from > self.approve_from:
            raise ValueError("reviewFrom is over approveFrom")
        if self.medium_risk_from > self.low_risk_from:
            raise ValueError("mediumRiskFrom is over lowRiskFrom")

    @property
    def digest(self) -> str:
        """What tells it from every other rule set, whatever they are called."""
        return digest_of(self)

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """The rule set that the configuration says; its version is the start of its own digest."""
        scoring = settings.scoring
        rules = cls(
            base=scoring.base,
            documents_valid=scoring.documents_valid,
            address_verified=scoring.address_verified,
            no_pep_no_sanctions=scoring.no_pep_no_sanctions,
            credit_high=scoring.credit_high,
            documents_expired=scoring.documents_expired,
            data_inconsistent=scoring.data_inconsistent,
            pep_detected=scoring.pep_detected,
            high_risk_country=scoring.high_risk_country,
            approve_from=scoring.approve_from,
            review_from=scoring.review_from,
            low_risk_from=scoring.low_risk_from,
            medium_risk_from=scoring.medium_risk_from,
            auto_approval=settings.onboarding.auto_approval,
            manual_countries=scoring.manual_countries,
            high_risk_countries=scoring.high_risk_countries,
        )
        return msgspec.structs.replace(rules, version=f"config-{rules.digest[:12]}")


def read_rules(text: bytes) -> Rules:
    """Read a rule set from JSON.

    Raises:
        ValueError: it is none; the text says what is wrong, and where.
    """
    try:
        return msgspec.json.decode(text, type=Rules, strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None


def digest_of(value: msgspec.Struct) -> str:
    """SHA-256 over the value's JSON, its fields in their order, sets and mappings sorted: the same value has the same digest in
    every release, and whoever is shown it can count the digest again.
    """
    return sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()

"""A decision told to those whom it concerns, and what would change it (E3).

The rules:
- compliance sees everything;
- the client and the advisor see the factors that they can do something about. Where anything of sanctions, PEP,
  media or a country's risk had a part, they hear one neutral sentence and nothing else: not the score, not a factor,
  not what would change it. All such files are told alike, so nothing can be inferred from what is left out; files
  that wait for a missing check or in a country without automatic approval are told the same, so that the neutral
  sentence does not give it away either (tipping off is a crime of its own);
- the counterfactual is the smallest number of things that, put right together, would move the file one step up.
Source: spec.md S26, E3, X3.
"""

from collections.abc import Iterator
from enum import Enum
from itertools import combinations
from typing import Final

import msgspec

from comptoir.actors.kyc.deciding import AML_REASONS, Decided, Recommendation, Share, decide
from comptoir.actors.kyc.facts import Finding
from comptoir.actors.kyc.rules import Rules

__all__ = ["NEUTRAL", "WITHHELD", "Audience", "Explained", "WhatIf", "explain", "what_if"]


class Audience(Enum):
    """Who is told."""

    COMPLIANCE = "COMPLIANCE"
    ADVISOR = "CONSEILLER"
    CLIENT = "CLIENT"


class WhatIf(msgspec.Struct, frozen=True):
    """The smallest change that moves a file one step up."""

    changes: tuple[str, ...]
    """What would have to be so: `address_verified`, `documents_renewed`, and so on."""
    score: int
    recommendation: Recommendation


class Explained(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What one of them sees."""

    code: str
    """`DECIDED`, or `UNDER_REVIEW` where nothing more is told."""
    score: int | None = None
    recommendation: Recommendation | None = None
    shares: tuple[Share, ...] = ()
    reasons: tuple[str, ...] = ()
    what_if: WhatIf | None = None
    text_fr: str = ""
    text_en: str = ""


NEUTRAL: Final = Explained(
    "UNDER_REVIEW",
    text_fr="Votre dossier est en cours d'examen. Nous vous informerons de la suite.",
    text_en="Your file is being reviewed. We will let you know how it goes on.",
)
_CHANGES: Final = {
    "documents_renewed": {"documents_expired": False, "documents_valid": True},
    "data_corrected": {"data_inconsistent": False},
    "address_verified": {"address_verified": True},
    "credit_high": {"credit_high": True},
}
"""What a client can put right, what is easiest first, and how the facts would then be."""
_STEP: Final = {
    Recommendation.REJECT: (Recommendation.MANUAL_REVIEW, Recommendation.AUTO_APPROVE),
    Recommendation.MANUAL_REVIEW: (Recommendation.AUTO_APPROVE,),
    Recommendation.AUTO_APPROVE: (),
}
WITHHELD: Final = AML_REASONS | {
    "AUTO_APPROVAL_OFF", "IDENTITY_NOT_CHECKED", "DOCUMENTS_NOT_CHECKED", "PEP_NOT_CHECKED",
    "SANCTIONS_NOT_CHECKED",
}  # fmt: skip
"""Reasons of which one alone makes that nothing is told but the neutral sentence."""


def explain(rules: Rules, decided: Decided, audience: Audience) -> Explained:
    """Tell a decision, as `rules` (the ones that it was taken under) explain it.

    Raises:
        ValueError: it was taken under others.
    """
    if decided.rules_digest != rules.digest:
        raise ValueError("the decision was taken under other rules")
    if audience is not Audience.COMPLIANCE and not WITHHELD.isdisjoint(decided.reasons):
        return NEUTRAL
    shares = decided.shares
    if audience is not Audience.COMPLIANCE:
        shares = _without_searches(shares)
    found = what_if(rules, decided)
    return Explained(
        "DECIDED", decided.score, decided.recommendation, shares, decided.reasons, found,
        *_texts(decided, found),
    )  # fmt: skip


def what_if(rules: Rules, decided: Decided) -> WhatIf | None:
    """The smallest change that moves the file up; None where none of the client's does."""
    if decided.score is None:
        return None
    open_ = [name for name, after in _CHANGES.items() if _differs(decided, after)]
    for size in range(1, len(open_) + 1):
        # Of equally many changes the one that stands first in the table.
        found = next(_tried(rules, decided, tuple(combinations(open_, size))), None)
        if found is not None:
            return found
    return None


def _tried(rules: Rules, decided: Decided, sets: tuple[tuple[str, ...], ...]) -> Iterator[WhatIf]:
    better = _STEP[decided.recommendation]
    for changes in sets:
        after = {key: value for name in changes for key, value in _CHANGES[name].items()}
        found = decide(rules, msgspec.structs.replace(decided.facts, **after))
        if found.recommendation in better and found.score is not None:
            yield WhatIf(changes, found.score, found.recommendation)


def _differs(decided: Decided, after: dict[str, bool]) -> bool:
    return any(getattr(decided.facts, name) is not value for name, value in after.items())


def _without_searches(shares: tuple[Share, ...]) -> tuple[Share, ...]:
    """The shares with that of the searches put to the base: it is the same for all who are told at all."""
    searched = sum(share.points for share in shares if share.factor == "no_pep_no_sanctions")
    return tuple(
        Share("base", share.points + searched) if share.factor == "base" else share
        for share in shares
        if share.factor != "no_pep_no_sanctions"
    )


_FR: Final = {
    "documents_renewed": "un document valide", "data_corrected": "des données concordantes",
    "address_verified": "une adresse vérifiée", "credit_high": "une bonne cote de crédit",
}  # fmt: skip
_EN: Final = {
    "documents_renewed": "a valid document", "data_corrected": "data that agree",
    "address_verified": "a verified address", "credit_high": "a high credit score",
}  # fmt: skip
_OUTCOME_FR: Final = {
    Recommendation.AUTO_APPROVE: "accord automatique", Recommendation.MANUAL_REVIEW: "examen",
    Recommendation.REJECT: "refus",
}  # fmt: skip
_OUTCOME_EN: Final = {
    Recommendation.AUTO_APPROVE: "automatic approval", Recommendation.MANUAL_REVIEW: "review",
    Recommendation.REJECT: "rejection",
}  # fmt: skip


def _texts(decided: Decided, found: WhatIf | None) -> tuple[str, str]:
    if decided.score is None:
        searched = decided.facts.sanctions is Finding.CONFIRMED
        return ("Touche confirmée.", "Confirmed hit.") if searched else ("Touche à examiner.", "Hit to be judged.")  # fmt: skip
    french = f"Score {decided.score} : {_OUTCOME_FR[decided.recommendation]}."
    english = f"Score {decided.score}: {_OUTCOME_EN[decided.recommendation]}."
    if found is not None:
        with_fr = " et ".join(_FR[name] for name in found.changes)
        with_en = " and ".join(_EN[name] for name in found.changes)
        french += f" Avec {with_fr} : {found.score}, {_OUTCOME_FR[found.recommendation]}."
        english += f" With {with_en}: {found.score}, {_OUTCOME_EN[found.recommendation]}."
    return french, english

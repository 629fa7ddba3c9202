"""What a row of the table of problems is, and the words that several of them have (problems.py has the rule)."""

from dataclasses import dataclass

__all__ = [
    "FIX_EN", "FIX_FR", "LATER_EN", "LATER_FR", "SIGNED_IN_EN", "SIGNED_IN_FR", "SUPPORT_EN", "SUPPORT_FR",
    "Problem",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One row: what a code means to a client program and to the person before it."""

    status: int
    title: str
    detail: str
    fr: str
    en: str
    retryable: bool = False
    retry_after_s: int | None = None
    """Sent as Retry-After: always on 429 and 503."""


FIX_FR, FIX_EN = "Corriger la demande", "Correct the request"
LATER_FR, LATER_EN = "Réessayer plus tard", "Try again later"
SIGNED_IN_FR, SIGNED_IN_EN = "Se connecter", "Sign in"
SUPPORT_FR, SUPPORT_EN = (
    "Réessayer plus tard, puis contacter le support avec requestId",
    "Try again later, then contact support with requestId",
)

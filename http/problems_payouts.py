"""What a quote and a payee check may be told: rows of the table of problems (problems.py has the rule).

Source: spec.md S46, S66, E18; interface.md 7 (PAYEE_CHECK_NOT_CONFIRMED); docs/withdrawals.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import Problem

__all__ = ["OF_PAYOUTS"]

_ANEW: Final = ("Demander un nouveau devis", "Ask for a new quote")

OF_PAYOUTS: Final[Mapping[str, Problem]] = {
    "PAYEE_CHECK_NOT_CONFIRMED": Problem(
        409, "Payee to be confirmed",
        "The bank has not said that the account is in this name; `errors` says what it has said.",
        "Vérifier le nom du titulaire, puis confirmer", "Check the account holder's name, then confirm",
    ),
    "QUOTE_INVALID": Problem(
        400, "No quote of ours", "The quote is not one that was given to this person here.", *_ANEW
    ),
    "QUOTE_EXPIRED": Problem(409, "Quote over", "The time of this quote is over.", *_ANEW),
    "QUOTE_CHANGED": Problem(
        409, "Another quote", "The quote is for other points, another account or another name.", *_ANEW
    ),
}  # fmt: skip

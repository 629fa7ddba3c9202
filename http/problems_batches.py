"""What batches of payouts and the reports on them may be told: rows of the table of problems (problems.py has the
rule).

Source: spec.md E14, X26, X27; docs/payouts.md.
"""

from collections.abc import Mapping
from typing import Final

from comptoir.http.problem_rows import FIX_EN, FIX_FR, Problem

__all__ = ["OF_BATCHES"]

OF_BATCHES: Final[Mapping[str, Problem]] = {
    "REPORT_MALFORMED": Problem(
        422, "No report of a bank", "It is no pain.002 or camt.054 that can be read.", FIX_FR, FIX_EN
    ),
    "REPORT_ACCOUNT_OTHER": Problem(
        422, "Another account", "The report is about an account that pays nothing here.",
        "Choisir le relevé du compte payeur", "Choose the report of the paying account",
    ),
    "REPORT_REUSED": Problem(
        409, "Another report of this id", "Another file with this message id was taken before.",
        "Vérifier le fichier auprès de la banque", "Check the file with the bank",
    ),
}  # fmt: skip

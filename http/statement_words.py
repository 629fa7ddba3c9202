"""What a statement for people says, in French and English.

Source: spec.md S47; docs/statements.md; interface.md 7 (kinds of entries).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from comptoir.http.page import Language

__all__ = ["WORDS", "Words"]

MONTHS_FR: Final = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
    "novembre", "décembre",
)  # fmt: skip
MONTHS_EN: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """All texts in one language."""

    title: str
    wallet: str
    zone: str
    """Both with a place for a name."""
    provisional: str
    balances: str
    opening: str
    closing: str
    carried: str
    totals: str
    movements: str
    none: str
    of: str
    """`{page}` and `{pages}`."""
    columns: tuple[str, ...]
    """Day, kind, detail, the four books, what is available after it."""
    kinds: Mapping[str, str]
    separator: str
    """Between thousands."""
    months: tuple[str, ...]
    day: str
    """Of `date.strftime`."""

    def kind(self, name: str) -> str:
        """A kind of movement; one that has no word yet goes by its name."""
        return self.kinds.get(name, name)

    def points(self, number: int) -> str:
        """A number of points."""
        return f"{number:,}".replace(",", self.separator)

    def change(self, number: int) -> str:
        """By how much something changes; nothing where it does not."""
        return f"{'+' if number > 0 else ''}{self.points(number)}" if number else ""

    def month(self, text: str) -> str:
        """`2026-11` in words."""
        year, _, month = text.partition("-")
        return f"{self.months[int(month) - 1]} {year}"

    def date(self, day: date) -> str:
        """A day."""
        return day.strftime(self.day)


WORDS: Final = MappingProxyType[Language, Words](
    {
        "fr": Words(
            title="Relevé de points",
            wallet="Portefeuille : {}",
            zone="Heure : {}",
            provisional="Relevé provisoire : le mois n'est pas terminé, ou vient de l'être.",
            balances="Soldes",
            opening="Solde au début",
            closing="Solde à la fin",
            carried="Report",
            totals="Totaux par nature",
            movements="Mouvements",
            none="Aucun mouvement.",
            of="Page {page} sur {pages}",
            columns=(
                "Date", "Nature", "Détail", "Disponible", "En attente", "Bloqué", "Dû", "Solde disp.",
            ),
            kinds=MappingProxyType({
                "credit": "Achat", "release": "Fin d'attente", "clawback": "Reprise",
                "expiry": "Expiration", "hold": "Blocage", "hold_released": "Déblocage",
                "payout": "Retrait payé", "adjustment": "Régularisation",
            }),
            separator="\N{NO-BREAK SPACE}",
            months=MONTHS_FR,
            day="%d/%m/%Y",
        ),
        "en": Words(
            title="Statement of points",
            wallet="Wallet: {}",
            zone="Time: {}",
            provisional="Provisional: the month is not over, or only just.",
            balances="Balances",
            opening="Balance at the beginning",
            closing="Balance at the end",
            carried="Carried forward",
            totals="Totals by kind",
            movements="Movements",
            none="No movement.",
            of="Page {page} of {pages}",
            columns=(
                "Date", "Kind", "Detail", "Available", "Pending", "Blocked", "Owed", "Available after",
            ),
            kinds=MappingProxyType({
                "credit": "Purchase", "release": "End of hold", "clawback": "Taken back",
                "expiry": "Expiry", "hold": "Blocked", "hold_released": "Unblocked",
                "payout": "Paid out", "adjustment": "Adjustment",
            }),
            separator=",",
            months=MONTHS_EN,
            day="%Y-%m-%d",
        ),
    }
)  # fmt: skip

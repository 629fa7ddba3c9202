"""Addresses that the sandbox knows: streets of France with the numbers they have, and doors of Canada, most of them in Québec.

Rule: they are shaped as real ones are, and many a public building is among them; no person lives in this list, and it is no
directory. How like a line is to one of them is the sandbox's own opinion, plainer than the daemon's.
Source: S21, E15; names of public streets and buildings.
"""

import re
import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

SHORT: Final[dict[str, str]] = {
    "bd": "boulevard", "bld": "boulevard", "boul": "boulevard", "blvd": "boulevard", "av": "avenue", "ave": "avenue", "r": "rue",
    "pl": "place", "ch": "chemin", "all": "allee", "imp": "impasse", "rte": "route", "crs": "cours", "saint": "st",
    "sainte": "ste", "ouest": "o", "w": "o", "west": "o", "est": "e", "east": "e", "street": "st", "drive": "dr", "road": "rd",
}  # fmt: skip
LEAST_LIKE: Final = 0.45


@dataclass(frozen=True, slots=True)
class Street:
    """One street of France, with all numbers from 1 on."""

    name: str
    postcode: str
    city: str
    last: int


@dataclass(frozen=True, slots=True)
class Door:
    """One address of Canada."""

    number: str
    street: str
    city: str
    province: str
    postal_code: str
    units: tuple[str, ...] = ()
    """Of a building: then it is looked into."""

    @property
    def line(self) -> str:
        """Number and street."""
        return f"{self.number} {self.street}"

    @property
    def place(self) -> str:
        """City, province and postal code, as a suggestion shows them."""
        return f"{self.city}, {self.province}, {self.postal_code}"


FRANCE: Final = tuple(
    Street(*row)
    for row in (
        ("Rue de Rivoli", "75001", "Paris", 250),
        ("Rue Saint-Honoré", "75001", "Paris", 400),
        ("Rue de la Paix", "75002", "Paris", 25),
        ("Boulevard Saint-Germain", "75006", "Paris", 260),
        ("Rue de Vaugirard", "75015", "Paris", 407),
        ("Avenue Victor Hugo", "75016", "Paris", 220),
        ("Rue Victor Hugo", "69002", "Lyon", 60),
        ("Place Bellecour", "69002", "Lyon", 40),
        ("Cours Lafayette", "69003", "Lyon", 320),
        ("La Canebière", "13001", "Marseille", 160),
        ("Boulevard Longchamp", "13001", "Marseille", 160),
        ("Rue Sainte-Catherine", "33000", "Bordeaux", 300),
        ("Cours de l'Intendance", "33000", "Bordeaux", 70),
        ("Rue Faidherbe", "59800", "Lille", 40),
        ("Rue du Faubourg de Roubaix", "59800", "Lille", 300),
        ("Promenade des Anglais", "06000", "Nice", 200),
        ("Rue d'Alsace-Lorraine", "31000", "Toulouse", 80),
        ("Allées Jean Jaurès", "31000", "Toulouse", 100),
        ("Rue de Strasbourg", "44000", "Nantes", 60),
        ("Boulevard du Port", "80000", "Amiens", 40),
        ("Rue de la Mésange", "67000", "Strasbourg", 30),
        ("Place Stanislas", "54000", "Nancy", 10),
        ("Rue du Bœuf", "21200", "Beaune", 20),
        ("Chemin des Écoliers", "74000", "Annecy", 30),
        ("Rue Paul Gauguin", "97400", "Saint-Denis", 50),
    )
)
_BUILDING: Final = Door(
    "350", "Boul René-Lévesque O", "Montréal", "QC", "H2Z 1A4", ("101", "102", "1204")
)
CANADA: Final = (
    _BUILDING,
    *(
        Door(*row)
        for row in (
            ("275", "Rue Notre-Dame E", "Montréal", "QC", "H2Y 1C6"),
            ("1260", "Boul Robert-Bourassa", "Montréal", "QC", "H3B 3B9"),
            ("4101", "Rue Sherbrooke E", "Montréal", "QC", "H1X 2B2"),
            ("475", "Boul de Maisonneuve E", "Montréal", "QC", "H2L 5C4"),
            ("1000", "Rue Saint-Denis", "Montréal", "QC", "H2X 3J3"),
            ("2200", "Av du Mont-Royal E", "Montréal", "QC", "H2H 1K3"),
            ("3700", "Rue McTavish", "Montréal", "QC", "H3A 1Y2"),
            ("1045", "Rue des Parlementaires", "Québec", "QC", "G1A 1A3"),
            ("2", "Rue des Jardins", "Québec", "QC", "G1R 4S9"),
            ("350", "Rue Saint-Joseph E", "Québec", "QC", "G1K 3B2"),
            ("179", "Grande Allée O", "Québec", "QC", "G1R 2H1"),
            ("2325", "Rue de l'Université", "Québec", "QC", "G1V 0A6"),
            ("1555", "Boul Chomedey", "Laval", "QC", "H7V 3Z1"),
            ("25", "Rue Laurier", "Gatineau", "QC", "J8X 4C8"),
            ("191", "Rue du Palais", "Sherbrooke", "QC", "J1H 6J8"),
            ("1325", "Place de l'Hôtel-de-Ville", "Trois-Rivières", "QC", "G9A 5L9"),
            ("201", "Rue Racine E", "Chicoutimi", "QC", "G7H 1S1"),
            ("4250", "Ch de la Savane", "Longueuil", "QC", "J3Y 9G4"),
            ("110", "Laurier Ave W", "Ottawa", "ON", "K1P 1J1"),
            ("2701", "Riverside Dr", "Ottawa", "ON", "K1A 0B1"),
            ("100", "Queen St W", "Toronto", "ON", "M5H 2N2"),
            ("453", "12th Ave W", "Vancouver", "BC", "V5Y 1V4"),
        )
    ),
)


def words(text: str) -> list[str]:
    """The words of a line, without accents, each in its long form."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    bare = "".join(one for one in plain if not unicodedata.combining(one))
    found: list[str] = re.findall(r"[a-z0-9]+", bare)
    return [SHORT.get(word, word) for word in found]


def like(asked: list[str], known: list[str]) -> float:
    """How much of what is known was asked for, 0 to 1."""
    if not known:
        return 0.0
    return sum(max((_alike(word, one) for one in asked), default=0.0) for word in known) / len(
        known
    )


def _alike(one: str, other: str) -> float:
    if one == other:
        return 1.0
    close = SequenceMatcher(None, one, other).ratio()
    return close if close >= 0.8 and not (one.isdigit() or other.isdigit()) else 0.0  # noqa: PLR2004

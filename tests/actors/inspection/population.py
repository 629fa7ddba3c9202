"""People and addresses of nobody, as one seed draws them: names of many spellings, streets of France and of Canada.

Rule: what a zone writes for a name is written out beside it, by the tables of Doc 9303 part 3, 6, and computed by nothing of
comptoir: this is the second opinion. No name with its address and date is that of anybody whom we know.
Source: issue 8, 2; ICAO Doc 9303 part 3, 4.6 and 6.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from tests.actors.inspection.specimens import Bill
from tests.actors.inspection.zones import VALUES, Bearer

__all__ = ["Person", "draw_bill", "draw_person"]

SURNAMES = (
    ("Martin", "MARTIN"), ("Lefèvre", "LEFEVRE"), ("Gagnon", "GAGNON"), ("Nguyễn", "NGUYEN"), ("Ouellet", "OUELLET"),
    ("Dubois-Lavallée", "DUBOIS LAVALLEE"), ("Müller", "MUELLER"), ("Kowalski", "KOWALSKI"), ("de La Tour", "DE LA TOUR"),
    ("O'Neill", "ONEILL"), ("Sørensen", "SOERENSEN"), ("Beauséjour", "BEAUSEJOUR"), ("van den Berg", "VAN DEN BERG"),
    ("Nuñez Ibáñez", "NUNEZ IBANEZ"), ("Çelik", "CELIK"), ("D'Amours", "DAMOURS"), ("Île-Dupont", "ILE DUPONT"),
    ("Strauß", "STRAUSS"), ("Bélanger", "BELANGER"), ("Łukasik", "LUKASIK"),
)  # fmt: skip
"""As they are printed, and as a zone has them."""
GIVENS = (
    ("Anna", "ANNA"), ("Luc", "LUC"), ("Zoé Marie", "ZOE MARIE"), ("Jean-Paul", "JEAN PAUL"), ("Ivan", "IVAN"),
    ("Claire", "CLAIRE"), ("Hélène", "HELENE"), ("François", "FRANCOIS"), ("Marie-Ève", "MARIE EVE"), ("Jürgen", "JUERGEN"),
    ("Noël", "NOEL"), ("Aïcha", "AICHA"), ("Thomas Émile", "THOMAS EMILE"), ("Sofía", "SOFIA"),
)  # fmt: skip
STATES = ("FRA", "CAN", "D<<", "BEL", "CHE", "ESP", "POL", "TUR", "USA", "MAR", "VNM", "DNK")
STREETS = (
    "rue des Lilas", "avenue de la République", "boulevard Saint-Michel", "chemin des Prés", "place de l'Église",
    "allée des Érables", "impasse du Moulin", "quai de la Tournelle", "cours Gambetta", "route de Nîmes",
)  # fmt: skip
CITIES = (
    ("75011", "Paris"), ("69003", "Lyon"), ("13006", "Marseille"), ("38000", "Grenoble"), ("31500", "Toulouse"),
    ("94410", "Saint-Maurice"), ("54000", "Nancy"), ("06300", "Nice"), ("63100", "Clermont-Ferrand"),
)  # fmt: skip
STREETS_CANADA = (
    "rue Sherbrooke Ouest", "avenue du Parc", "boulevard René-Lévesque", "chemin Sainte-Foy", "rue Saint-Denis",
    "Main Street", "King Street West", "Riverside Drive",
)  # fmt: skip
CITIES_CANADA = (
    ("Montréal", "QC", "H2X 1Y4"), ("Québec", "QC", "G1R 4P5"), ("Trois-Rivières", "QC", "G9A 5H7"),
    ("Ottawa", "ON", "K1P 5M7"), ("Moncton", "NB", "E1C 8N6"),
)  # fmt: skip
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
    "décembre",
)  # fmt: skip
MONTHS_ENGLISH = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody whom a specimen is of."""

    surname: str
    given: str
    bearer: Bearer
    """As a zone has them."""


def draw_person(chance: random.Random) -> Person:
    """Names, a number, days and a state."""
    (surname, zone_surname), (given, zone_given) = chance.choice(SURNAMES), chance.choice(GIVENS)
    state = chance.choice(STATES).rstrip("<")
    bearer = Bearer(
        zone_surname, zone_given, "".join(chance.choices(VALUES, k=9)), state,
        f"{chance.randint(40, 99)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}",
        chance.choice("MF"), f"{chance.randint(27, 35)}0615", issuer=state,
    )  # fmt: skip
    return Person(surname, given, bearer)


def draw_bill(chance: random.Random, holder: str, today: date) -> tuple[Bill, date]:
    """What a bill or a notice of this holder says, and the day of it: of the last weeks, in a form of its language."""
    day = today - timedelta(days=chance.randint(0, 80))
    abroad, number = chance.random() < 1 / 3, f"{chance.randint(1, 320)}"
    repeat = chance.choice(("", "", "", " bis"))
    if abroad:
        city, province, code = chance.choice(CITIES_CANADA)
        address = (f"{number} {chance.choice(STREETS_CANADA)}", f"{city} {province} {code}")
    else:
        code, city = chance.choice(CITIES)
        address = (f"{number}{repeat} {chance.choice(STREETS)}", f"{code} {city}")
    english = abroad and chance.random() < 1 / 2
    first = "1er" if day.day == 1 else f"{day.day}"
    written = (
        f"{MONTHS_ENGLISH[day.month - 1]} {day.day}, {day.year}"
        if english
        else chance.choice(
            (f"{day:%d/%m/%Y}", f"{day:%d.%m.%Y}", f"{first} {MONTHS[day.month - 1]} {day.year}")
        )
    )
    income = f"{chance.randint(9, 240)} {chance.randint(0, 999):03}"
    tax_number = " ".join(f"{chance.randint(0, 10**n - 1):0{n}}" for n in (2, 2, 3, 3, 3))
    return Bill(
        holder, address, written, income, f"{chance.randint(2023, 2025)}", tax_number, english
    ), day

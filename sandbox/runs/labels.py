"""Labels as French card statements print them.

Rule: a label made for a partner matches that partner and no other; a label made for nobody matches
nobody, with or without its prefix. Both are checked, each label anew, against all partners' names.

Source: interface.md 4 (the matching rule); issue 2, deliver 4 (prefixes, dates, store numbers).
"""

import random
from dataclasses import dataclass

from comptoir.sandbox.errors import Refused
from comptoir.sandbox.runs.catalogue import Catalogue, Partner
from comptoir.sandbox.runs.words import fold, joined_words_of, readings_of_label, words_of

_TRIES_MAX = 12
_CITIES = (
    "PARIS", "LYON", "MARSEILLE", "LILLE", "NANTES", "BORDEAUX", "TOULOUSE", "STRASBOURG", "RENNES",
    "NICE", "MONTPELLIER", "GRENOBLE", "DIJON", "ANGERS", "BREST", "LE MANS", "AIX EN PROVENCE",
    "TOURS", "LIMOGES", "METZ", "BESANCON", "ORLEANS", "ROUEN", "CAEN", "NANCY", "VILLEURBANNE",
)  # fmt: skip
_TRADES = (
    "BOULANGERIE", "PHARMACIE", "GARAGE", "LIBRAIRIE", "PRESSING", "TABAC", "BOUCHERIE", "OPTIQUE",
    "FLEURISTE", "COIFFURE", "CABINET", "CLINIQUE", "CORDONNERIE", "POISSONNERIE", "PATISSERIE",
    "CAVE", "EPICERIE", "QUINCAILLERIE", "CAMPING", "AUTO ECOLE", "LAVERIE", "STATION", "MAIRIE",
)  # fmt: skip
_NAMES = (
    "DU MARCHE", "DES LILAS", "SAINT MICHEL", "MARTIN", "DE LA GARE", "BERNARD", "DU PORT", "PETIT",
    "DES HALLES", "ROUSSEAU", "DE L EGLISE", "LEFEVRE", "DU CENTRE", "MOREAU", "DES ARTS", "GIRARD",
    "DU STADE", "BONNET", "DE LA POSTE", "DUPONT", "DU CANAL", "FONTAINE", "DES VIGNES", "CHEVALIER",
)  # fmt: skip
_BANKING = (
    "RETRAIT DAB {day}/{month} {city}", "VIR SEPA {name}", "PRLV SEPA LOYER {name}",
    "FRAIS TENUE DE COMPTE", "COTISATION CARTE", "VIR INST {name}", "REMISE CHEQUE {number}",
)  # fmt: skip
_MCCS = ("5411", "5812", "5814", "5912", "5941", "5977", "5999", "7230", "7299", "8011", "4111")
# Gambling: what no cashback partner names (the guard of interface.md 4 must refuse it).
MCC_FOREIGN = "7995"


@dataclass(frozen=True, slots=True)
class Merchant:
    """The merchant of one purchase, as the aggregator reports it (S56)."""

    name: str
    mcc: str
    city: str
    partner: Partner | None


class Labels:
    """Draws merchants; the same `chance` in the same state draws the same."""

    def __init__(self, catalogue: Catalogue, chance: random.Random) -> None:
        self._catalogue = catalogue
        self._chance = chance

    def of_a_partner(self) -> Merchant:
        """A purchase at a partner, the first ones of the list being the popular ones."""
        chance, partners = self._chance, self._catalogue.partners
        place = int(len(partners) * chance.random() ** 2)
        partner = partners[place]
        city = fold(partner.city) or chance.choice(_CITIES)
        mcc = chance.choice(partner.mcc or _MCCS)
        if _begins_with(partner.name, city):
            # Some banks print the city before the merchant: such a name would be read as the city.
            return Merchant(fold(partner.name), mcc, city, partner)
        for _ in range(_TRIES_MAX):
            label = self._decorated(partner.name, city)
            if self._owner(label) == self._catalogue.indexes[place]:
                return Merchant(label, mcc, city, partner)
        return Merchant(fold(partner.name), mcc, city, partner)

    def of_nobody(self) -> Merchant:
        """A purchase at no partner; some come close to a name, some miss by the MCC alone."""
        chance = self._chance
        city = chance.choice(_CITIES)
        for _ in range(_TRIES_MAX):
            label, mcc = self._foreign(city), chance.choice(_MCCS)
            if not self._anybody(label):
                return Merchant(label, mcc, city, None)
        for _ in range(1000):
            label = f"QZX{chance.randrange(10**6):06d}"
            if not self._anybody(label):
                return Merchant(label, "5999", city, None)
        raise Refused(422, "REQUEST_INVALID", "the partners' names leave no name for anybody else")

    def of_a_partner_but_for_the_mcc(self) -> Merchant:
        """A partner's label with an MCC that it does not name; anybody's purchase if there is none."""
        partners = self._catalogue.partners
        if partners:
            partner = partners[self._chance.randrange(len(partners))]
            words = words_of(partner.name)
            alone = len(list(self._catalogue.names.matches(words))) == 1
            if partner.mcc and MCC_FOREIGN not in partner.mcc and alone:
                return Merchant(fold(partner.name), MCC_FOREIGN, self._chance.choice(_CITIES), None)
        return self.of_nobody()

    def _owner(self, label: str) -> int | None:
        """The partner that the label matches, if no reading of it finds another one."""
        names = self._catalogue.names
        *others, bare = readings_of_label(label)
        owner = names.owner(bare)
        found = {names.owner(words) for words in others if names.longest(words)}
        return owner if found <= {owner} else None

    def _anybody(self, label: str) -> bool:
        names = self._catalogue.names
        return any(names.longest(words) for words in readings_of_label(label))

    def _decorated(self, name: str, city: str) -> str:
        chance = self._chance
        draw = chance.random()
        written = name if draw < 0.08 else fold(name)
        if 0.08 <= draw < 0.3:
            written = " ".join(words_of(name))
        elif draw > 0.95:
            written = " ".join(joined_words_of(name))
        return f"{self._prefix()}{written}{self._suffix(city)}"

    def _prefix(self) -> str:
        draw = self._chance.random()
        if draw < 0.3:
            return ""
        if draw < 0.5:
            return "CB "
        if draw < 0.72:
            return f"PAIEMENT CB {self._date()} "
        bank = "CB " if draw > 0.95 else ""
        return bank + self._chance.choice(("APPLE PAY: ", "SUMUP *", "SQ *", "ZTL*", "PAYPAL *"))

    def _suffix(self, city: str) -> str:
        chance = self._chance
        draw = chance.random()
        if draw < 0.3:
            return ""
        if draw < 0.5:
            return f" {city}"
        if draw < 0.65:
            return f" {chance.randrange(1, 10_000):04d} {city}"
        if draw < 0.8:
            return f" {self._date('/')}"
        if draw < 0.9:
            return f" {chance.randrange(1, 10_000):04d}"
        return f" {city} {self._date('/')}"

    def _date(self, mark: str = "") -> str:
        return f"{self._chance.randrange(1, 29):02d}{mark}{self._chance.randrange(1, 13):02d}"

    def _foreign(self, city: str) -> str:
        chance = self._chance
        draw = chance.random()
        if draw < 0.1:
            return chance.choice(_BANKING).format(
                day=f"{chance.randrange(1, 29):02d}",
                month=f"{chance.randrange(1, 13):02d}",
                city=city,
                name=chance.choice(_NAMES),
                number=chance.randrange(10**6, 10**7),
            )
        name = f"{chance.choice(_TRADES)} {chance.choice(_NAMES)}"
        if draw < 0.2 and self._catalogue.partners:
            partners = self._catalogue.partners
            known = fold(partners[chance.randrange(len(partners))].name)
            # A partner's name that does not begin the label, or ends in the middle of a word.
            name = f"{name} {known}" if draw < 0.15 else f"{known}IX"
        return f"{self._prefix()}{name}{self._suffix(city)}"


def _begins_with(name: str, city: str) -> bool:
    words = words_of(city)
    return words_of(name)[: len(words)] == words
